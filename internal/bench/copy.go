package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

const (
	topic      = "bench"
	partitions = 4
	valueBytes = 1024
	gigabyte   = 1e9
	// copyTimeout bounds one copy.
	copyTimeout = 5 * time.Minute
	// lookInterval is how often the destination is asked how much has arrived.
	lookInterval = 20 * time.Millisecond
)

// clusters are the two that records go between.
type clusters struct {
	from, to []string
	source   *kadm.Client
	target   *kadm.Client
	records  int64
}

// benchCopy measures copying from one cluster to another.
func benchCopy(ctx context.Context, o *options) error {
	c, err := openClusters(o)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.fill(ctx); err != nil {
		return fmt.Errorf("fill the source: %w", err)
	}
	loop, err := buildLoop(ctx, o)
	if err != nil {
		return err
	}
	var bare, ours []cost
	for range o.rounds {
		one, err := c.copyWith(ctx, "loop.", func(ctx context.Context, into string) (copier, error) { return c.startLoop(ctx, loop, into) })
		if err != nil {
			return fmt.Errorf("bare loop: %w", err)
		}
		bare = append(bare, one)
		one, err = c.copyWith(ctx, "headgate.", func(ctx context.Context, _ string) (copier, error) { return c.startConnector(ctx, o) })
		if err != nil {
			return fmt.Errorf("headgate: %w", err)
		}
		ours = append(ours, one)
	}
	c.print(bare, ours)
	return nil
}

func (c *clusters) print(bare, ours []cost) {
	fmt.Printf("\nKafka to Kafka, %d records of %d bytes in %d partitions, brokers on the same machine\n", c.records, valueBytes, partitions)
	fmt.Printf("  %-16s %10s %12s %12s %12s %10s\n", "", "MB/s", "records/s", "(seconds)", "CPU s/GB", "peak MiB")
	row := func(name string, of []cost) cost {
		m := median(of)
		fmt.Printf("  %-16s %10.1f %12.0f %12s %12.2f %10d\n", name, m.rate*valueBytes/1e6, m.rate, spread(of), c.perGigabyte(m), m.peak>>20)
		return m
	}
	b, h := row("bare loop", bare), row("headgated", ours)
	fmt.Printf("  %-16s %10s %12s %12s %12s %10s\n", "ratio", ratio(h.rate, b.rate), ratio(h.rate, b.rate), "", ratio(h.cpu, b.cpu), ratio(float64(h.peak), float64(b.peak)))
}

func (c *clusters) perGigabyte(m cost) float64 {
	return m.cpu / (float64(c.records) * valueBytes / gigabyte)
}

func openClusters(o *options) (*clusters, error) {
	c := &clusters{
		from: o.systems.Kafka.BootstrapServers(real.ListenerPlaintext), to: o.systems.Kafka2.BootstrapServers(real.ListenerPlaintext),
		records: int64(o.megabytes) << 20 / valueBytes,
	}
	var err error
	if c.source, err = newAdmin(c.from); err != nil {
		return nil, err
	}
	if c.target, err = newAdmin(c.to); err != nil {
		c.source.Close()
		return nil, err
	}
	return c, nil
}

func newAdmin(servers []string) (*kadm.Client, error) {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(servers...))
	if err != nil {
		return nil, fmt.Errorf("make Kafka client: %w", err)
	}
	return admin, nil
}

func (c *clusters) close() {
	c.source.Close()
	c.target.Close()
}

// fill writes the records: half of each is noise, half is text that compresses away, as in most real records.
func (c *clusters) fill(ctx context.Context) error {
	if err := create(ctx, c.source, topic); err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.from...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		return fmt.Errorf("make producer: %w", err)
	}
	defer client.Close()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	random := rand.NewChaCha8([32]byte{})
	text := bytes.Repeat([]byte("an event "), valueBytes)[:valueBytes/2]
	for n := range c.records {
		value := make([]byte, valueBytes)
		_, _ = random.Read(value[:valueBytes/2]) // it never fails
		copy(value[valueBytes/2:], text)
		client.Produce(ctx, &kgo.Record{Key: strconv.AppendInt(nil, n, 10), Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				giveUp(err)
			}
		})
	}
	return errors.Join(client.Flush(ctx), context.Cause(ctx))
}

func create(ctx context.Context, admin *kadm.Client, name string) error {
	if _, err := admin.CreateTopic(ctx, partitions, 1, nil, name); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	return nil
}

// copier is a process that copies.
type copier interface {
	// finish ends it once everything has arrived, and answers what the copying cost it.
	finish() (cpu float64, peak int64, err error)
}

// copyWith runs a copier to the end of the source and watches its work arrive.
func (c *clusters) copyWith(ctx context.Context, prefix string, start func(ctx context.Context, into string) (copier, error)) (cost, error) {
	ctx, cancel := context.WithTimeout(ctx, copyTimeout)
	defer cancel()
	into := prefix + topic
	if err := create(ctx, c.target, into); err != nil {
		return cost{}, err
	}
	running, err := start(ctx, into)
	if err != nil {
		return cost{}, err
	}
	measured, err := c.watch(ctx, into)
	cpu, peak, finishErr := running.finish()
	if err := errors.Join(err, finishErr); err != nil {
		return cost{}, err
	}
	measured.cpu, measured.peak = cpu, peak
	if _, err := c.target.DeleteTopic(ctx, into); err != nil {
		return cost{}, fmt.Errorf("delete topic %s: %w", into, err)
	}
	return measured, c.awaitGone(ctx, into)
}

// watch measures from the first arrival that it sees to the last.
func (c *clusters) watch(ctx context.Context, into string) (cost, error) {
	var (
		first   time.Time
		already int64
	)
	for {
		n, err := c.arrived(ctx, into)
		if err != nil {
			return cost{}, err
		}
		now := time.Now()
		if n > 0 && first.IsZero() {
			first, already = now, n
		}
		if n >= c.records {
			wall := now.Sub(first).Seconds()
			return cost{wall: wall, rate: float64(n-already) / wall}, nil
		}
		if err := pause(ctx, lookInterval); err != nil {
			return cost{}, fmt.Errorf("%d of %d records arrived: %w", n, c.records, err)
		}
	}
}

func (c *clusters) arrived(ctx context.Context, into string) (int64, error) {
	ends, err := c.target.ListEndOffsets(ctx, into)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("read the ends of topic %s: %w", into, err)
	}
	var n int64
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n, nil
}

func (c *clusters) awaitGone(ctx context.Context, name string) error {
	for {
		topics, err := c.target.ListTopics(ctx, name)
		if err != nil {
			return fmt.Errorf("look for topic %s: %w", name, err)
		}
		if !topics.Has(name) {
			return nil
		}
		if err := pause(ctx, lookInterval); err != nil {
			return fmt.Errorf("wait for topic %s to be gone: %w", name, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func buildLoop(ctx context.Context, o *options) (string, error) {
	program := filepath.Join(o.work, "loop")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", program,
		"github.com/headgate/terraform-provider-headgate/internal/bench/loop")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as the daemon is built
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the bare loop: %w\n%s", err, out)
	}
	return program, nil
}

// bareLoop is the loop's process.
type bareLoop struct{ cmd *exec.Cmd }

func (c *clusters) startLoop(ctx context.Context, program, into string) (copier, error) {
	cmd := exec.CommandContext(ctx, program, "-from", strings.Join(c.from, ","), "-to", strings.Join(c.to, ","),
		"-topic", topic, "-into", into, "-records", strconv.FormatInt(c.records, 10))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the bare loop: %w", err)
	}
	return bareLoop{cmd}, nil
}

func (l bareLoop) finish() (cpu float64, peak int64, err error) {
	if err := l.cmd.Wait(); err != nil {
		return 0, 0, fmt.Errorf("the bare loop ended: %w", err)
	}
	return cpuOf(l.cmd.ProcessState), peakOf(l.cmd.ProcessState), nil
}

// hosted is a daemon with one connector.
type hosted struct {
	daemon *daemon
	before float64 // what the daemon had cost before it began to copy
}

func (c *clusters) startConnector(ctx context.Context, o *options) (copier, error) {
	d, err := startServe(ctx, o)
	if err != nil {
		return nil, err
	}
	h := &hosted{daemon: d}
	if err := c.declare(ctx, h); err != nil {
		_, stopErr := d.stop()
		return nil, errors.Join(err, stopErr)
	}
	return h, nil
}

func (c *clusters) declare(ctx context.Context, h *hosted) (err error) {
	if err := h.daemon.connectKafka(ctx, "from", c.from); err != nil {
		return err
	}
	if err := h.daemon.connectKafka(ctx, "to", c.to); err != nil {
		return err
	}
	if h.before, err = h.daemon.cpu(ctx); err != nil {
		return err
	}
	spec, err := json.Marshal(api.KafkaSource{Connection: "from", Topics: []string{topic}})
	if err != nil {
		return err
	}
	settings, err := json.Marshal(api.ConnectorSettings{Destination: api.KafkaDestination{Connection: "to", TopicPrefix: "headgate."}})
	if err != nil {
		return err
	}
	write := api.ConnectorWrite{Type: api.TypeSource, Kind: "kafka", Spec: spec, Settings: settings}
	if _, err := h.daemon.client.PutConnector(ctx, "bench", write, api.ConnectorWriteOptions{}); err != nil {
		return fmt.Errorf("declare connector: %w", err)
	}
	return nil
}

func (h *hosted) finish() (cpu float64, peak int64, err error) {
	state, err := h.daemon.stop()
	if err != nil {
		return 0, 0, err
	}
	return cpuOf(state) - h.before, peakOf(state), nil
}
