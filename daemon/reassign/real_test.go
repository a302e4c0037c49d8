package reassign_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/reassign"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// TestRealReassignment moves replicas with records in them on three brokers, each in a rack of its own.
func TestRealReassignment(t *testing.T) {
	k := real.Dedicated(t, real.KafkaOptions{Brokers: 3, Racks: true})
	e := newEnv(t, k.BootstrapServers(real.ListenerPlaintext))
	const partitions, records, size = 6, 480, 64 << 10
	topic := e.create(partitions, 1)
	leaders := e.replicas(topic)
	value := make([]byte, size)
	_, _ = rand.Read(value)
	var batch []*kgo.Record
	for i := range records {
		batch = append(batch, &kgo.Record{Topic: topic, Partition: int32(i % partitions), Key: fmt.Append(nil, i), Value: value})
	}
	if err := e.raw.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
		t.Fatal(err)
	}

	// 30 MiB at 4 MiB per second and broker: it takes seconds, in which the daemon dies.
	e.begin(topic, reassign.Change{Factor: 3, Throttle: 4 << 20, After: map[string]string{"min.insync.replicas": "2"}})
	got, err := e.Get(t.Context(), conn, topic)
	if err != nil {
		t.Fatal(err)
	}
	if !got.InProgress || got.PartitionsLeft == 0 || got.BytesLeft == nil || *got.BytesLeft == 0 {
		t.Errorf("under way it is %+v", got)
	}
	real.Until(t, "both rates are on three brokers, and the lists on the topic", func() bool {
		set := strings.Join(e.throttles(topic), " ")
		return strings.Count(set, "rate=4194304") == 6 && strings.Contains(set, "leader.replication.throttled.replicas=")
	})
	if err := e.Begin(t.Context(), conn, topic, reassign.Change{Factor: 4}); !api.HasCode(err, api.CodeInvalid) {
		t.Errorf("four replicas on three brokers: %v", err)
	}
	e.boot()
	e.finish(topic)
	e.want(topic, 3)
	real.Until(t, "min.insync.replicas is 2", func() bool { return e.config(topic, "min.insync.replicas") == "2" })
	e.begin(topic, reassign.Change{Factor: 2, Throttle: 4 << 20})
	e.finish(topic)
	load := map[int32]int{}
	for i, replicas := range e.want(topic, 2) {
		for _, id := range replicas {
			load[id]++
		}
		if replicas[0] != leaders[i][0] {
			t.Errorf("partition %d is on %v, and was led by %v", i, replicas, leaders[i])
		}
	}
	for id, n := range load {
		if n != 2*partitions/3 {
			t.Errorf("broker %d has %d replicas, want %d", id, n, 2*partitions/3)
		}
	}
	e.holds(topic, records)
}

// TestRealCancel takes back a reassignment of which nothing is done.
func TestRealCancel(t *testing.T) {
	k := real.Dedicated(t, real.KafkaOptions{Brokers: 3, Racks: true})
	e := newEnv(t, k.BootstrapServers(real.ListenerPlaintext))
	topic := e.create(1, 1)
	value := make([]byte, 512<<10)
	_, _ = rand.Read(value)
	for range 16 {
		if err := e.raw.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	e.begin(topic, reassign.Change{Factor: 2, Throttle: 1000})
	if got, err := e.Get(t.Context(), conn, topic); err != nil || !got.InProgress {
		t.Fatalf("it is %+v, %v", got, err)
	}
	if _, err := e.Cancel(t.Context(), conn, topic, false); err != nil {
		t.Fatal(err)
	}
	e.finish(topic)
	e.want(topic, 1)
	e.holds(topic, 16)
}

// holds reads the topic from its beginning.
func (e *env) holds(topic string, records int) {
	e.t.Helper()
	client, err := kgo.NewClient(append(e.raw.Opts(), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		e.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(e.t.Context(), deadline)
	defer cancel()
	for got := 0; got < records; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			e.t.Fatalf("of %d records %d are there", records, got)
		}
		got += fetches.NumRecords()
	}
}
