package kafka

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	kafkaconn "github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
)

// writer writes for one instance. The producer is idempotent, so a partition's records stay in order and the client's
// own repeats leave no duplicates.
type writer struct {
	sink   *sink
	health *health
	client *kgo.Client

	known map[connector.Split]bool // written to already; used by the one goroutine that calls Write
}

// Open makes a writer. It asks for a producer id, so that a destination that cannot be reached or written shows at once.
func (s *sink) Open(ctx context.Context, _ int) (connector.Writer, error) {
	h := &health{}
	client, err := kafkaconn.NewClient(s.target,
		kgo.WithHooks(h),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytesFn(s.limit),
		// No RecordDeliveryTimeout: it counts from the record's own timestamp, which is the source's. The runtime watches
		// for writes that take too long.
		// Memory is bounded by the bytes in flight, not by a number of records.
		kgo.MaxBufferedRecords(math.MaxInt32),
		kgo.MetadataMaxAge(metadataMaxAge),
		kgo.MetadataMinAge(250*time.Millisecond),
	)
	if err != nil {
		return nil, err
	}
	if _, _, err := client.ProducerID(ctx); err != nil {
		client.Close()
		return nil, explain(err, "/settings/destination/connection", "become a producer", s.target.Name)
	}
	return &writer{sink: s, health: h, client: client, known: map[connector.Split]bool{}}, nil
}

func (w *writer) Close() { w.client.Close() }

// Trouble is the last failure to connect, while no broker answers.
func (w *writer) Trouble() error {
	if err := w.health.trouble(); err != nil {
		return explain(err, "", "write to the brokers", w.sink.target.Name)
	}
	return nil
}

// Write produces the records of a batch to the partition of the same number.
func (w *writer) Write(ctx context.Context, b connector.Batch, done func(error)) {
	if len(b.Records) == 0 {
		done(nil)
		return
	}
	records := make([]kgo.Record, len(b.Records))
	topic := w.sink.TopicFor(b.Split.Topic)
	for i, r := range b.Records {
		records[i] = kgo.Record{Topic: topic, Partition: b.Split.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp}
	}
	if !w.known[b.Split] {
		if err := w.first(ctx, &records[0]); err != nil {
			done(w.explain(err, topic, b.Split.Partition))
			return
		}
		w.known[b.Split] = true
		records = records[1:]
	}
	w.produce(ctx, topic, b.Split.Partition, records, done)
}

// first writes the first record of a partition by itself and waits for it. The client's view of a topic that has just
// grown may be older than the partition; it is then asked to look again.
func (w *writer) first(ctx context.Context, r *kgo.Record) error {
	deadline := time.Now().Add(visibleTimeout)
	for {
		err := w.client.ProduceSync(ctx, r).FirstErr()
		if err == nil || !unknownPartition(err) || time.Now().After(deadline) {
			return err
		}
		w.client.ForceMetadataRefresh()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// unknownPartition recognizes the client's refusal of a partition that it has not heard of; it has no error value of
// its own.
func unknownPartition(err error) bool {
	return strings.Contains(err.Error(), "invalid record partitioning choice")
}

func (w *writer) produce(ctx context.Context, topic string, partition int32, records []kgo.Record, done func(error)) {
	if len(records) == 0 {
		done(nil)
		return
	}
	var (
		left   atomic.Int64
		failed atomic.Pointer[error]
	)
	left.Store(int64(len(records)))
	promise := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.CompareAndSwap(nil, &err)
		}
		if left.Add(-1) > 0 {
			return
		}
		if first := failed.Load(); first != nil {
			done(w.explain(*first, topic, partition))
			return
		}
		done(nil)
	}
	for i := range records {
		w.client.Produce(ctx, &records[i], promise)
	}
}

func (w *writer) explain(err error, topic string, partition int32) error {
	return explain(err, "", fmt.Sprintf("write partition %d of topic %q", partition, topic), w.sink.target.Name)
}
