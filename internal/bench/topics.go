package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// atOnce is how many resources Terraform works on at the same time.
const atOnce = 10

// benchTopics creates and plans topics as separate resources on a real broker, beside as many resources of a provider that
// does nothing.
func benchTopics(ctx context.Context, o *options) error {
	return o.withDaemon(ctx, func(d *daemon) error {
		servers := o.systems.Kafka.BootstrapServers(real.ListenerPlaintext)
		if err := d.connectKafka(ctx, "main", servers); err != nil {
			return err
		}
		fmt.Printf("\n%d topics as separate resources, on a broker on the same machine\n", o.topics)
		header()
		if err := o.createAlone(ctx, servers); err != nil {
			return err
		}
		return o.besideFloor(ctx, o.topics, func(round int) (*root, error) {
			return o.newRoot("headgate", d.endpoint, topics(o.topics, fmt.Sprintf("%sround%d.", o.run, round)))
		})
	})
}

func topics(n int, prefix string) string {
	return separate("headgate_topic", n, func(i int) string {
		return fmt.Sprintf("  name = %q\n  partitions = 1\n  replication_factor = 1\n", prefix+label(i))
	})
}

// createAlone makes topics as quickly as the broker does when they come one in a request, and as no provider could be
// quicker: each request waits until the broker shows the topics of the one before. It comes first also because a broker
// that has just started is slower than one that has been in use.
func (o *options) createAlone(ctx context.Context, servers []string) error {
	admin, err := newAdmin(servers)
	if err != nil {
		return err
	}
	defer admin.Close()
	for _, requests := range []int{atOnce, 1} {
		each := atOnce / requests
		began := time.Now()
		if err := o.createBy(ctx, admin, requests, each); err != nil {
			return err
		}
		alone(fmt.Sprintf("create, Kafka client alone, %d x %d at a time", requests, each), cost{wall: time.Since(began).Seconds()})
	}
	return nil
}

func (o *options) createBy(ctx context.Context, admin *kadm.Client, requests, each int) error {
	names := make([]string, o.topics)
	for i := range names {
		names[i] = fmt.Sprintf("%salone%d.%s", o.run, each, label(i))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for batch := range slices.Chunk(names, each) {
		group.Go(func() error { return createAndSee(ctx, admin, batch) })
	}
	return group.Wait()
}

func createAndSee(ctx context.Context, admin *kadm.Client, names []string) error {
	made, err := admin.CreateTopics(ctx, 1, 1, nil, names...)
	if err := errors.Join(err, made.Error()); err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for {
		// Asked for what one is allowed to do, a client does not answer from its memory.
		seen, err := admin.ListTopics(kadm.WithAuthorizedOps(ctx), names...)
		if err != nil {
			return fmt.Errorf("look for topics: %w", err)
		}
		if seen.Error() == nil && len(seen) == len(names) {
			return nil
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}
