package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// defaultRetention is [api.DefaultRetention] in milliseconds, as Kafka wants it.
	defaultRetention = "604800000"

	// brokerDefault asks the broker for its own default (KIP-464).
	brokerDefault = -1
)

// creationOf is a topic to be created.
type creationOf struct {
	name       string
	partitions int32
	replicas   int16
	configs    map[string]*string
}

// creation fills in the defaults. What is not known yet is left to the broker: this is a dry run then.
func (d declaration) creation(name string) creationOf {
	n := creationOf{name: name, partitions: api.DefaultPartitions, replicas: api.DefaultReplicationFactor, configs: map[string]*string{}}
	switch {
	case !d.knows("/partitions"):
		n.partitions = brokerDefault
	case d.Partitions > 0:
		n.partitions = int32(d.Partitions) // #nosec G115 -- checked before
	}
	switch {
	case !d.knows("/replication_factor"):
		n.replicas = brokerDefault
	case d.ReplicationFactor > 0:
		n.replicas = int16(d.ReplicationFactor) // #nosec G115 -- checked before
	}
	for _, key := range d.configs() {
		value := d.Config[key]
		n.configs[key] = &value
	}
	if _, declared := d.Config[api.RetentionConfig]; !declared && d.knows("/config") && !slices.Contains(d.Unset, api.RetentionConfig) {
		value := defaultRetention
		n.configs[api.RetentionConfig] = &value
	}
	return n
}

func (n creationOf) keys() []string { return longestFirst(slices.Collect(maps.Keys(n.configs))) }

// placedAs says whether a broker shows the topic. Its configs come with it.
func (n creationOf) placedAs(st *state) bool {
	return st != nil && st.err == nil && st.partitions == int(n.partitions) && st.replicas == int(n.replicas)
}

// matches says whether a topic is just as it was asked for.
func (n creationOf) matches(st *state) bool {
	if !n.placedAs(st) {
		return false
	}
	for key, value := range n.configs {
		if own, ok := st.own(key); !ok || !sameValue(own, *value) {
			return false
		}
	}
	return true
}

// validateCreate asks whether the topic could be created, and answers the configs that would be in force.
func (c *cluster) validateCreate(ctx context.Context, n creationOf) ([]config, error) {
	answer, err := c.validates.Ask(ctx, n)
	if err != nil {
		return nil, c.failure("check topic "+n.name, err)
	}
	if errors.Is(answer.err, kerr.TopicAlreadyExists) {
		return nil, alreadyExists(c.name, n.name)
	}
	if answer.err != nil {
		return nil, c.refused("create topic "+n.name, answer.err, answer.message, n.keys())
	}
	c.validated.keep(n, answer.st.configs)
	return answer.st.configs, nil
}

// wouldCreate says whether there is no such topic and the brokers would create it. Where the controller was asked a moment
// ago, only the brokers are. They always are: Redpanda, until 2024, would create in a dry run what was there.
func (c *cluster) wouldCreate(ctx context.Context, n creationOf) ([]config, bool) {
	absent := false
	var asking sync.WaitGroup
	asking.Go(func() {
		st, err := c.anywhere(ctx, n.name)
		absent = err == nil && st == nil
	})
	configs, ok := c.validated.recent(n)
	if !ok {
		var err error
		configs, err = c.validateCreate(ctx, n)
		ok = err == nil
	}
	asking.Wait()
	return configs, ok && absent
}

// create makes a topic that was proven absent, and waits until the brokers show it.
func (c *cluster) create(ctx context.Context, n creationOf) (*state, error) {
	doing := "create topic " + n.name
	c.validated.forget(n.name)
	answer, err := c.creates.Ask(ctx, n)
	if err != nil {
		answer.err = err
	}
	switch {
	case answer.err == nil:
	case errors.Is(answer.err, errLeftOut):
		return nil, c.failure(doing, answer.err)
	case errors.Is(answer.err, kerr.TopicAlreadyExists):
		// Either the client had to repeat the request because the first answer got lost, or someone else was faster.
		if !c.made(ctx, n, true) {
			return nil, alreadyExists(c.name, n.name)
		}
	case !definite(answer.err) && c.made(ctx, n, false):
	default:
		return nil, c.refused(doing, answer.err, answer.message, n.keys())
	}
	if answer.err == nil && len(answer.st.configs) > 0 {
		_, err = c.placed(ctx, n.name, n.placedAs)
	} else { // brokers before Kafka 2.4 do not tell of the configs when they make a topic
		answer.st, err = c.shown(ctx, n.name, n.placedAs)
	}
	if err != nil {
		return nil, c.failure("see the new topic "+n.name, err)
	}
	return answer.st, nil
}

// made says whether a topic that was absent is there now, just as we asked for it. The brokers may have to hear first of
// one that the controller has.
func (c *cluster) made(ctx context.Context, n creationOf, exists bool) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if exists {
		if _, err := c.placed(ctx, n.name, func(st *state) bool { return st != nil }); err != nil {
			return false
		}
	}
	st, err := c.one(ctx, n.name)
	return err == nil && st != nil && n.matches(st)
}

// definite says whether an error is a broker's answer that nothing was done. After any other, the change may have been made.
func definite(err error) bool {
	var code *kerr.Error
	return errors.As(err, &code) && !errors.Is(err, kerr.RequestTimedOut)
}

// apply makes a change, or asks the brokers whether they would. Partitions come last: only they cannot be taken back.
func (c *cluster) apply(ctx context.Context, ch change, dryRun bool) error {
	if len(ch.configs) > 0 {
		if err := c.alterConfigs(ctx, ch, dryRun); err != nil {
			return err
		}
	}
	if ch.grow > 0 {
		return c.grow(ctx, ch, dryRun)
	}
	return nil
}

func (c *cluster) alterConfigs(ctx context.Context, ch change, dryRun bool) error {
	doing := "change the configs of topic " + ch.have.name
	answer, err := c.changing(dryRun).configs.Ask(ctx, ch)
	switch {
	case err != nil:
		return c.failure(doing, err)
	case answer.err != nil:
		return c.refused(doing, answer.err, answer.message, ch.keys())
	}
	return nil
}

func (c *cluster) grow(ctx context.Context, ch change, dryRun bool) error {
	doing := fmt.Sprintf("grow topic %s to %d partitions", ch.have.name, ch.grow)
	answer, err := c.changing(dryRun).grows.Ask(ctx, ch)
	switch {
	case err != nil:
		return c.failure(doing, err)
	case answer.err == nil:
		return nil
	case errors.Is(answer.err, kerr.UnknownServerError):
		// A controller fails so when the growth does not fit into one of its batches, of 10,000 changes.
		return api.Upstream(api.CodeRefused, "/partitions", "The cluster fails to "+doing,
			fmt.Sprintf("Through connection %q, the broker says: %s", c.name, said(answer.err, answer.message)),
			"Grow by fewer partitions at a time; the controller's log has the cause.")
	}
	return c.grown(ctx, ch, c.refused(doing, answer.err, answer.message, nil))
}

// grown drops the error when the topic has the partitions after all: the client had to repeat the request because the
// first answer got lost.
func (c *cluster) grown(ctx context.Context, ch change, refused error) error {
	if st, err := c.one(ctx, ch.have.name); err == nil && st != nil && st.partitions == ch.grow {
		return nil
	}
	return refused
}
