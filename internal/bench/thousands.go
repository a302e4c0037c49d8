package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

const (
	// requests counts what the daemon asks of brokers, resident what it takes of memory.
	requests = "headgate_kafka_requests_total"
	resident = "process_resident_memory_bytes"

	// forgotten is how long after a reading of a cluster none of it counts any more.
	forgotten = 11 * time.Second
)

// benchThousands plans thousands of topics, in one resource and in separate blocks, and with a broker that is far away.
func benchThousands(ctx context.Context, o *options) (err error) {
	far, err := startFar(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, far.close()) }()
	return o.withDaemon(ctx, func(d *daemon) error {
		if err := d.connectKafka(ctx, "main", far.servers); err != nil {
			return err
		}
		t := &thousands{options: o, far: far, d: d}
		if err := t.inOne(ctx); err != nil {
			return fmt.Errorf("topic set: %w", err)
		}
		if err := t.inBlocks(ctx); err != nil {
			return fmt.Errorf("separate blocks: %w", err)
		}
		memory, err := d.metric(ctx, resident)
		if err != nil {
			return err
		}
		line(fmt.Sprintf("memory of headgated with %d topics", o.many), "%8.0f MiB", memory/(1<<20))
		return nil
	})
}

type thousands struct {
	*options
	far *far
	d   *daemon
}

// inOne plans thousands of topics in one resource, beside a for_each over resources that do nothing. Of those there may be
// fewer, as many would take half an hour: the ratio is the least that it can be then.
func (t *thousands) inOne(ctx context.Context) error {
	floor, err := t.floorEach(t.each)
	if err != nil {
		return err
	}
	ours, err := t.newRoot("headgate", t.d.endpoint, set(t.many, ""))
	if err != nil {
		return err
	}
	fmt.Printf("\n%d topics in one headgate_topic_set, on a broker on the same machine, beside a for_each over %d of the floor\n", t.many, t.each)
	header()
	made, err := ours.apply(ctx)
	if err != nil {
		return err
	}
	alone("create", made)
	least, err := t.beside(ctx, floor, ours)
	if err != nil {
		return err
	}
	if err := ours.write("main.tf", ours.header+set(t.many, "retention = \"1h\"")); err != nil {
		return err
	}
	changed, err := inTurns(ctx, t.rounds, func(r *root, ctx context.Context) (cost, error) { return r.terraform(ctx, "plan") }, ours)
	if err != nil {
		return err
	}
	row("plan that changes one topic", []cost{least}, changed[ours])
	return nil
}

// inBlocks plans the same topics in separate blocks.
func (t *thousands) inBlocks(ctx context.Context) error {
	floor, err := t.floorThere(t.many)
	if err != nil {
		return err
	}
	ours, err := t.newRoot("headgate", t.d.endpoint, topics(t.many, setPrefix))
	if err != nil {
		return err
	}
	if err := t.there(ctx, ours); err != nil {
		return err
	}
	fmt.Printf("\n%d topics as separate resources, on a broker on the same machine\n", t.many)
	header()
	_, err = t.beside(ctx, floor, ours)
	return err
}

// beside plans what finds nothing to do, and answers what the floor's plan took, which is made once: it can take minutes.
func (t *thousands) beside(ctx context.Context, floor, ours *root) (least cost, err error) {
	if least, err = floor.plan(ctx); err != nil {
		return cost{}, err
	}
	planned, asked, err := t.counted(ctx, ours)
	if err != nil {
		return cost{}, err
	}
	row("plan that finds nothing to do", []cost{least}, planned)
	line("broker requests of a plan", "%8.0f", asked)
	return least, t.fromAfar(ctx, ours)
}

// counted plans some rounds, and answers how many requests to brokers the last one made, of which nothing was known before.
func (t *thousands) counted(ctx context.Context, r *root) (planned []cost, asked float64, err error) {
	for range t.rounds {
		if err := pause(ctx, forgotten); err != nil {
			return nil, 0, err
		}
		before, err := t.d.metric(ctx, requests)
		if err != nil {
			return nil, 0, err
		}
		c, err := r.plan(ctx)
		if err != nil {
			return nil, 0, err
		}
		after, err := t.d.metric(ctx, requests)
		if err != nil {
			return nil, 0, err
		}
		planned, asked = append(planned, c), after-before
	}
	return planned, asked, nil
}

// fromAfar plans with a broker near by and far away, in turns.
func (t *thousands) fromAfar(ctx context.Context, r *root) error {
	var near, far []cost
	for range t.rounds {
		c, err := r.plan(ctx)
		if err != nil {
			return err
		}
		near = append(near, c)
		if err := t.far.move(); err != nil {
			return err
		}
		c, err = r.plan(ctx)
		if err := errors.Join(err, t.far.moveBack(ctx)); err != nil {
			return err
		}
		far = append(far, c)
	}
	line(fmt.Sprintf("plan with the broker %d ms away", latency), "%8.2f s, %+.2f s (%s, near by %s)",
		median(far).wall, median(far).wall-median(near).wall, spread(far), spread(near))
	return nil
}

// there writes the state of topics that exist, as an apply would have.
func (t *thousands) there(ctx context.Context, r *root) error {
	names := make([]string, t.many)
	for i := range names {
		names[i] = setPrefix + label(i)
	}
	resources := make([]stateResource, 0, t.many)
	for batch := range slices.Chunk(names, api.TopicBatch) {
		read, err := t.d.client.ReadTopics(ctx, "main", api.TopicsRead{Names: batch, Effective: []string{"retention.ms"}})
		if err != nil {
			return fmt.Errorf("read topics: %w", err)
		}
		for name, got := range read.Topics {
			if got.Error != nil {
				return fmt.Errorf("read topic %s: %w", name, got.Error)
			}
			one, err := topicInstance(got.Topic)
			if err != nil {
				return err
			}
			resources = append(resources, stateResource{Type: "headgate_topic", Name: strings.TrimPrefix(name, setPrefix), Instances: []instance{one}})
		}
	}
	return r.state("headgate", resources)
}

func topicInstance(t *api.Topic) (instance, error) {
	generation, err := json.Marshal(t.Generation)
	if err != nil {
		return instance{}, err
	}
	private, err := json.Marshal(map[string][]byte{"generation": generation}) // as the plugin framework keeps it
	return instance{Private: private, Attributes: map[string]any{
		"connection_name": t.Connection, "name": t.Name, "topic_id": t.ID, "partitions": t.Partitions, "replication_factor": t.ReplicationFactor,
		"retention": "168h", "deletion_protection": t.DeletionProtection, "config": nil, "description": nil, "labels": nil,
		"replication_throttle": nil, "timeouts": nil,
	}}, err
}

const setPrefix = "set."

// set is a set of topics whose first entry has more in it.
func set(n int, first string) string {
	var all strings.Builder
	all.WriteString("resource \"headgate_topic_set\" \"all\" {\n  connection_name = \"main\"\n  defaults = { partitions = 1, replication_factor = 1 }\n  topics = {\n")
	for i := range n {
		fmt.Fprintf(&all, "    %q = { %s }\n", setPrefix+label(i), first)
		first = ""
	}
	all.WriteString("  }\n}\n")
	return all.String()
}

// startFar starts a cluster of one broker that all clients reach through a proxy.
func startFar(ctx context.Context) (*far, error) {
	f := newFar()
	var err error
	f.kafka, err = real.StartKafka(ctx, real.KafkaOptions{Optimize: true, Advertise: f.lead})
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}
