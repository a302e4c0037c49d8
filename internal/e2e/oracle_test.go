package e2e

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

const (
	oraclePartitions = 8
	oracleKills      = 20
	// oracleDrain is how long the rest may take once the last record is produced and the last kill is over.
	oracleDrain = 2 * time.Minute
)

// The oracle knows every record: numbered ones go through a connector whose daemon is killed at random moments, with a
// restart of the broker on each side. Nothing may be lost, and the order of each partition holds.
func TestRealOracle(t *testing.T) {
	records := oracleRecords(t)
	random, seed := seeded(t)
	t.Logf("%d records over %d partitions, %d kills, seed %d", records, oraclePartitions, oracleKills, seed)
	from := real.Dedicated(t, real.KafkaOptions{Optimize: true})
	to := real.Dedicated(t, real.KafkaOptions{Optimize: true})
	source := newKafka(t, from.BootstrapServers(real.ListenerPlaintext))
	destination := newKafka(t, to.BootstrapServers(real.ListenerPlaintext))
	source.createTopic("numbers", oraclePartitions)

	d := serve(t)
	d.connectKafka("from", from.BootstrapServers(real.ListenerPlaintext))
	d.connectKafka("to", to.BootstrapServers(real.ListenerPlaintext))
	d.copies("oracle", "from", "to", []string{"numbers"}, 3)

	begin := time.Now()
	produced := make(chan error, 1)
	go func() {
		produced <- source.number("numbers", oraclePartitions, records/oraclePartitions, 65*time.Second)
	}()
	busy := disturb(t, random, d, from, to, destination, int64(records))
	must(t, <-produced)
	destination.waitEnd("copy.numbers", int64(records), oracleDrain)
	d.waitLag("oracle", 0)
	t.Logf("disturbed and drained in %s; %d of %d kills came while records were still to be copied", time.Since(begin).Round(time.Second), busy, oracleKills)
	if busy < oracleKills/2 {
		t.Errorf("only %d kills hit a connector at work", busy)
	}
	d.stop()
	destination.judge(t, "copy.numbers", oraclePartitions, records/oraclePartitions)
}

func oracleRecords(t *testing.T) int {
	t.Helper()
	records := 200_000
	if v := os.Getenv("HEADGATE_ORACLE_RECORDS"); v != "" {
		n, err := strconv.Atoi(v)
		must(t, err)
		records = n
	}
	return records - records%oraclePartitions
}

// seeded answers random numbers that HEADGATE_ORACLE_SEED repeats.
func seeded(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := rand.Uint64()
	if v := os.Getenv("HEADGATE_ORACLE_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		must(t, err)
		seed = n
	}
	return rand.New(rand.NewPCG(seed, seed)), seed // #nosec G404 -- repeatable on purpose
}

// disturb kills the daemon again and again, and restarts a broker of each side in between. It answers how many kills
// came while there was something left to copy.
func disturb(t *testing.T, random *rand.Rand, d *daemon, from, to *real.Kafka, destination *kafka, records int64) (busy int) {
	t.Helper()
	for kill := range oracleKills {
		switch kill {
		case oracleKills / 3:
			t.Log("the source's broker restarts")
			must(t, from.StopBroker(t.Context(), 0))
			must(t, from.StartBroker(t.Context(), 0))
		case 2 * oracleKills / 3:
			t.Log("the destination's broker crashes and comes back")
			must(t, to.KillBroker(0))
			must(t, to.StartBroker(t.Context(), 0))
		}
		// From the launch on, so that some kills hit a daemon that is still starting.
		time.Sleep(50*time.Millisecond + time.Duration(random.Int64N(int64(3*time.Second))))
		copied := destination.end("copy.numbers")
		d.kill()
		if copied < records {
			busy++
		}
		d.launch()
	}
	d.waitReady()
	return busy
}

// waitLag waits until a connector says how far behind it is.
func (d *daemon) waitLag(name string, lag int64) {
	d.tb.Helper()
	d.eventually(fmt.Sprintf("the lag of %s is %d", name, lag), time.Minute, func() (string, bool) {
		c, err := d.client.GetConnector(d.tb.Context(), name)
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("%s, lag %d", c.Status.State, c.Status.LagRecords), c.Status.LagRecords == lag
	})
}

// kafka is a cluster seen by a client that is not Headgate.
type kafka struct {
	tb      testing.TB
	servers []string
	client  *kgo.Client
	admin   *kadm.Client
}

func newKafka(tb testing.TB, servers []string, opts ...kgo.Opt) *kafka {
	tb.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(servers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(100 * time.Millisecond), kgo.MetadataMaxAge(5 * time.Second),
	}, opts...)...)
	must(tb, err)
	tb.Cleanup(client.Close)
	return &kafka{tb: tb, servers: servers, client: client, admin: kadm.NewClient(client)}
}

func (k *kafka) createTopic(topic string, partitions int32) {
	k.tb.Helper()
	real.CreateTopic(k.tb, k.client, partitions, 1, nil, topic)
}

// number writes n records, numbered from 0, to each partition, spread over a time.
func (k *kafka) number(topic string, partitions int32, n int, over time.Duration) error {
	return k.goOn(topic, partitions, 0, n, over)
}

// goOn is number of those from one number on to another.
func (k *kafka) goOn(topic string, partitions int32, first, end int, over time.Duration) error {
	const steps = 100
	tick := time.NewTicker(max(over/steps, time.Microsecond))
	defer tick.Stop()
	failed := make(chan error, 1)
	promise := func(_ *kgo.Record, err error) {
		if err != nil {
			select {
			case failed <- err:
			default:
			}
		}
	}
	for i := first; i < end; i++ {
		for p := range partitions {
			value := binary.BigEndian.AppendUint64(nil, uint64(i)) // #nosec G115 -- not negative
			k.client.Produce(k.tb.Context(), &kgo.Record{Topic: topic, Partition: p, Key: fmt.Appendf(nil, "%d-%d", p, i), Value: value}, promise)
		}
		if i%((end-first)/steps+1) == 0 {
			<-tick.C
		}
	}
	if err := k.client.Flush(k.tb.Context()); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	select {
	case err := <-failed:
		return fmt.Errorf("produce: %w", err)
	default:
		return nil
	}
}

// end is the number of records of a topic, or -1 when it cannot be known now.
func (k *kafka) end(topic string) int64 {
	ctx, cancel := context.WithTimeout(k.tb.Context(), time.Second)
	defer cancel()
	ends, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil || ends.Error() != nil {
		return -1
	}
	var sum int64
	ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	return sum
}

func (k *kafka) waitEnd(topic string, records int64, limit time.Duration) {
	k.tb.Helper()
	for deadline := time.Now().Add(limit); k.end(topic) < records; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			k.tb.Fatalf("%s has %d of %d records after %s", topic, k.end(topic), records, limit)
		}
	}
}

// judge reads a topic of numbered records to its end, and wants every number of every partition, the first occurrences
// in order. Repeats are reported.
func (k *kafka) judge(tb testing.TB, topic string, partitions, n int) {
	tb.Helper()
	end := k.end(topic)
	reader := newKafka(tb, k.servers, kgo.ConsumeTopics(topic))
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	next := make([]uint64, partitions)
	var read, repeats int64
	for read < end {
		fetches := reader.client.PollFetches(ctx)
		must(tb, ctx.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			read++
			i := binary.BigEndian.Uint64(r.Value)
			if want := fmt.Sprintf("%d-%d", r.Partition, i); string(r.Key) != want {
				tb.Fatalf("record %d of partition %d has key %s, want %s", i, r.Partition, r.Key, want)
			}
			switch {
			case i == next[r.Partition]:
				next[r.Partition]++
			case i < next[r.Partition]:
				repeats++
			default:
				tb.Fatalf("partition %d, offset %d: record %d came before %d was there", r.Partition, r.Offset, i, next[r.Partition])
			}
		})
	}
	for p, have := range next {
		if have != uint64(n) { // #nosec G115 -- not negative
			tb.Errorf("partition %d has records up to %d of %d", p, have, n)
		}
	}
	tb.Logf("%d records read, every one of %d there, first occurrences in order, %d repeats (%.2f%%)",
		read, partitions*n, repeats, 100*float64(repeats)/float64(partitions*n))
}
