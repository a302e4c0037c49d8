// Command produce sends JSON objects, one a line of a file, to a Kafka topic: keyed by their id, and as Avro in
// Confluent's wire format, with the schema that a registry has for the topic.
//
//	produce -brokers 127.0.0.1:19092 -registry http://127.0.0.1:7070/registry -topic earthquakes earthquakes.ndjson
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// deliveryTimeout bounds how long one record may take.
const deliveryTimeout = 30 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "produce:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	brokers := flag.String("brokers", "127.0.0.1:19092", "brokers to begin with, comma-separated")
	registry := flag.String("registry", "http://127.0.0.1:7070/registry", "URL of the schema registry")
	topic := flag.String("topic", "earthquakes", "topic to write; the schema is that of the subject <topic>-value")
	flag.Parse()
	if flag.NArg() != 1 {
		return fmt.Errorf("give one file of JSON objects, one a line")
	}
	encode, err := encoder(ctx, *registry, *topic+"-value")
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(*brokers, ",")...), kgo.DefaultProduceTopic(*topic), kgo.RecordDeliveryTimeout(deliveryTimeout))
	if err != nil {
		return fmt.Errorf("make Kafka client: %w", err)
	}
	defer client.Close()
	began := time.Now()
	n, err := produce(ctx, client, encode, flag.Arg(0))
	if err != nil {
		return err
	}
	fmt.Printf("%d records are in topic %s after %s\n", n, *topic, time.Since(began).Round(time.Millisecond))
	return nil
}

// encoder turns JSON into Avro by the latest schema of a subject, with the schema's id in front.
func encoder(ctx context.Context, registry, subject string) (func(line []byte) ([]byte, error), error) {
	client, err := sr.NewClient(sr.URLs(registry))
	if err != nil {
		return nil, fmt.Errorf("make registry client: %w", err)
	}
	const latest = -1
	found, err := client.SchemaByVersion(ctx, subject, latest)
	if err != nil {
		return nil, fmt.Errorf("read schema of subject %s: %w", subject, err)
	}
	schema, err := avro.Parse(found.Schema.Schema)
	if err != nil {
		return nil, fmt.Errorf("parse schema of subject %s: %w", subject, err)
	}
	header, err := new(sr.ConfluentHeader).AppendEncode(nil, found.ID, nil)
	if err != nil {
		return nil, fmt.Errorf("encode schema id %d: %w", found.ID, err)
	}
	return func(line []byte) ([]byte, error) {
		var value any
		if err := schema.DecodeJSON(line, &value); err != nil {
			return nil, err
		}
		return schema.AppendEncode(slices.Clip(header), value)
	}, nil
}

// produce sends every line and waits until the cluster has them all.
func produce(ctx context.Context, client *kgo.Client, encode func([]byte) ([]byte, error), path string) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // it was only read
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	lines := bufio.NewScanner(file)
	n := 0
	for ; lines.Scan(); n++ {
		record, err := recordOf(lines.Bytes(), encode)
		if err != nil {
			return n, fmt.Errorf("%s, line %d: %w", path, n+1, err)
		}
		client.Produce(ctx, record, func(_ *kgo.Record, err error) {
			if err != nil {
				giveUp(fmt.Errorf("write record %s: %w", record.Key, err))
			}
		})
	}
	if err := lines.Err(); err != nil {
		return n, fmt.Errorf("read %s: %w", path, err)
	}
	if err := client.Flush(ctx); err != nil {
		return n, fmt.Errorf("write to Kafka: %w", context.Cause(ctx))
	}
	return n, context.Cause(ctx)
}

func recordOf(line []byte, encode func([]byte) ([]byte, error)) (*kgo.Record, error) {
	var event struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return nil, err
	}
	value, err := encode(line)
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Key: []byte(event.ID), Value: value}, nil
}
