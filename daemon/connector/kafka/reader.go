package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	kafkaconn "github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
)

const (
	// fetchMaxBytes and fetchMaxPartitionBytes bound what the client holds beyond the batches in flight.
	fetchMaxBytes          = 16 << 20
	fetchMaxPartitionBytes = 1 << 20
	// pollRecords is how many records one poll takes at most.
	pollRecords = 10000
	// recordOverhead is what a record costs in memory beside its bytes.
	recordOverhead = 160
	// healthInterval is how often a reader that waits looks whether the brokers still answer.
	healthInterval = 5 * time.Second
	// metadataMaxAge is how soon a reader sees that leaders moved, at the latest.
	metadataMaxAge = 30 * time.Second
	// answerTimeout is how long the brokers may take to answer a reader that begins.
	answerTimeout = 15 * time.Second
)

// reader reads the partitions of one instance.
type reader struct {
	source *source
	health *health
	client *kgo.Client       // nil until there is something to read
	ids    map[string]string // the ids of the topics when they were assigned
	queue  []connector.Batch
	err    error // found together with the batches in the queue
}

// Open makes a reader. It asks the cluster for the positions, so that a source that cannot be reached shows at once.
func (s *source) Open(ctx context.Context, instance int) (connector.Reader, error) {
	if _, err := s.Cluster(ctx); err != nil {
		return nil, err
	}
	h := &health{report: func(doing string, err error) { s.cfg.Report(instance, explain(err, "", doing, s.target.Name)) }}
	return &reader{source: s, health: h}, nil
}

func (r *reader) Close() {
	if r.client != nil {
		r.client.Close()
	}
}

// Assign begins partitions at their committed positions, or at their beginning where there is none.
func (r *reader) Assign(ctx context.Context, splits []connector.Split) (map[connector.Split]connector.Position, error) {
	committed, err := r.source.committed(ctx)
	if err != nil {
		return nil, err
	}
	starts, err := r.source.admin.ListStartOffsets(ctx, connector.TopicsOf(splits)...)
	if err != nil {
		return nil, explain(err, "", "read the beginnings of the partitions", r.source.target.Name)
	}
	from := make(map[connector.Split]connector.Position, len(splits))
	r.noteIDs(splits)
	offsets := map[string]map[int32]kgo.Offset{}
	for _, split := range splits {
		at, ok := committed[split]
		begin, found := starts.Lookup(split.Topic, split.Partition)
		if !found || begin.Err != nil {
			return nil, explain(errors.Join(begin.Err, fmt.Errorf("no first offset of %s/%d", split.Topic, split.Partition)), "", "read the beginnings of the partitions", r.source.target.Name)
		}
		id := r.ids[split.Topic]
		if !ok {
			at = position{begin.Offset, -1, id}
		}
		if at.topicID != "" && id != "" && at.topicID != id {
			return nil, explain(fmt.Errorf("%w: the topic was deleted and made again, and the position is that of its predecessor", kerr.OffsetOutOfRange),
				"", fmt.Sprintf("read partition %d of topic %q", split.Partition, split.Topic), r.source.target.Name)
		}
		if at.offset < begin.Offset {
			// The client would begin at the nearest offset that there is, in silence.
			return nil, explain(fmt.Errorf("%w: the next offset of %s/%d is %d, and the first one there is %d", kerr.OffsetOutOfRange, split.Topic, split.Partition, at.offset, begin.Offset),
				"", fmt.Sprintf("read partition %d of topic %q", split.Partition, split.Topic), r.source.target.Name)
		}
		from[split] = at
		if offsets[split.Topic] == nil {
			offsets[split.Topic] = map[int32]kgo.Offset{}
		}
		offsets[split.Topic][split.Partition] = kgo.NewOffset().At(at.offset).WithEpoch(at.epoch)
	}
	if err := r.consume(offsets); err != nil {
		return nil, err
	}
	return from, r.prove(ctx, connector.TopicsOf(splits))
}

// prove sees that the reader's own client gets an answer and may read. The answers before came over the connection's shared
// client, which may have logged in with a password that has been changed since.
func (r *reader) prove(ctx context.Context, topics []string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	found, err := kadm.NewClient(r.client).ListTopicsWithInternal(kafkaconn.Fresh(ctx), topics...)
	if err != nil {
		if last := r.health.trouble(); last != nil && errors.Is(err, context.DeadlineExceeded) {
			err = last
		}
		return explain(err, "", "read from the brokers", r.source.target.Name)
	}
	for _, t := range found.Sorted() {
		err := t.Err
		// Clusters that do not tell what is allowed show nothing at all.
		if err == nil && len(t.AuthorizedOperations) > 0 && !slices.Contains(t.AuthorizedOperations, kadm.OpRead) {
			err = kerr.TopicAuthorizationFailed
		}
		if isAuthorization(err) {
			return explain(err, "", fmt.Sprintf("read topic %q", t.Topic), r.source.target.Name)
		}
	}
	return nil
}

// noteIDs keeps the ids for as long as the reader reads: a topic that is made again under it has another one.
func (r *reader) noteIDs(splits []connector.Split) {
	if r.ids == nil {
		r.ids = map[string]string{}
	}
	for _, topic := range connector.TopicsOf(splits) {
		if _, known := r.ids[topic]; !known {
			r.ids[topic] = r.source.topicID(topic)
		}
	}
}

func (r *reader) consume(offsets map[string]map[int32]kgo.Offset) error {
	if r.client != nil {
		r.client.AddConsumePartitions(offsets)
		return nil
	}
	client, err := kafkaconn.NewClient(r.source.target,
		kgo.WithHooks(r.health),
		kgo.ConsumePartitions(offsets),
		// Without this the client would skip or replay in silence when records are gone.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// Control records move the position on, and go no further.
		kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(fetchMaxBytes),
		kgo.FetchMaxPartitionBytes(fetchMaxPartitionBytes),
		kgo.MetadataMaxAge(metadataMaxAge),
	)
	if err != nil {
		return err
	}
	r.client = client
	return nil
}

// Read waits for records.
func (r *reader) Read(ctx context.Context) (connector.Batch, error) {
	began := time.Now()
	for len(r.queue) == 0 {
		if r.err != nil {
			return connector.Batch{}, r.err
		}
		if err := ctx.Err(); err != nil {
			return connector.Batch{}, err
		}
		if err := r.health.down(); err != nil {
			return connector.Batch{}, explain(err, "", "read from the brokers", r.source.target.Name)
		}
		r.health.quiet(began)
		r.poll(ctx)
	}
	next := r.queue[0]
	r.queue = r.queue[1:]
	return next, nil
}

func (r *reader) poll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, healthInterval)
	defer cancel()
	fetches := r.client.PollRecords(ctx, pollRecords)
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) > 0 {
			r.queue = append(r.queue, batchOf(p, r.ids[p.Topic]))
		}
	})
	fetches.EachError(func(topic string, partition int32, err error) {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return
		}
		r.err = explain(err, "", fmt.Sprintf("read partition %d of topic %q", partition, topic), r.source.target.Name)
	})
}

func batchOf(p kgo.FetchTopicPartition, topicID string) connector.Batch {
	last := p.Records[len(p.Records)-1]
	b := connector.Batch{
		Split:    connector.Split{Topic: p.Topic, Partition: p.Partition},
		Records:  make([]connector.Record, 0, len(p.Records)),
		Position: position{last.Offset + 1, last.LeaderEpoch, topicID},
	}
	for _, r := range p.Records {
		if r.Attrs.IsControl() {
			continue
		}
		b.Records = append(b.Records, connector.Record{Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp})
		b.Bytes += sizeOf(r)
	}
	return b
}

func sizeOf(r *kgo.Record) int64 {
	n := len(r.Key) + len(r.Value) + recordOverhead
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return int64(n)
}

// Commit stores positions in the group.
func (r *reader) Commit(ctx context.Context, positions map[connector.Split]connector.Position) error {
	var o offsets
	for split, p := range positions {
		o.add(split, p.(position))
	}
	return r.source.commit(ctx, o)
}
