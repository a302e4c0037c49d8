// Command loop copies the records of a topic from one Kafka cluster to another as plainly as the client library
// allows, and ends when it has copied as many as it was told. It is what the benchmark measures the daemon against:
// no positions, no status, no bound on memory beyond the client's own, no way on after an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "loop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	from := flag.String("from", "", "brokers to read from, comma-separated")
	to := flag.String("to", "", "brokers to write to, comma-separated")
	topic := flag.String("topic", "", "topic to read")
	into := flag.String("into", "", "topic to write, with as many partitions")
	records := flag.Int64("records", 0, "how many records to copy")
	flag.Parse()

	consumer, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(*from, ",")...), kgo.ConsumeTopics(*topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return fmt.Errorf("make consumer: %w", err)
	}
	defer consumer.Close()
	producer, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(*to, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return fmt.Errorf("make producer: %w", err)
	}
	defer producer.Close()
	return move(ctx, consumer, producer, *into, *records)
}

func move(ctx context.Context, consumer, producer *kgo.Client, into string, records int64) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var written atomic.Int64
	promise := func(_ *kgo.Record, err error) {
		if err != nil {
			end(fmt.Errorf("write: %w", err))
			return
		}
		if written.Add(1) == records {
			end(errDone)
		}
	}
	for ctx.Err() == nil {
		fetches := consumer.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) { end(fmt.Errorf("read: %w", err)) })
		fetches.EachRecord(func(r *kgo.Record) {
			producer.Produce(ctx, &kgo.Record{
				Topic: into, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp,
			}, promise)
		})
	}
	if err := context.Cause(ctx); !errors.Is(err, errDone) {
		return err
	}
	return nil
}

var errDone = errors.New("all records are copied")
