package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// defaultRetention is [api.DefaultRetention] in milliseconds, as Kafka wants it.
	defaultRetention = "604800000"

	retentionConfig = "retention.ms"

	// brokerDefault asks the broker for its own default (KIP-464).
	brokerDefault = -1
)

// creationOf is a topic to be created.
type creationOf struct {
	partitions int32
	replicas   int16
	configs    map[string]*string
}

// creation fills in the defaults. What is not known yet is left to the broker: this is a dry run then.
func (d declaration) creation() creationOf {
	n := creationOf{partitions: api.DefaultPartitions, replicas: api.DefaultReplicationFactor, configs: map[string]*string{}}
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
	if _, declared := d.Config[retentionConfig]; !declared && d.knows("/config") && !slices.Contains(d.Unset, retentionConfig) {
		value := defaultRetention
		n.configs[retentionConfig] = &value
	}
	return n
}

func (n creationOf) keys() []string { return longestFirst(slices.Collect(maps.Keys(n.configs))) }

// shownBy says whether a broker shows the topic whole.
func (n creationOf) shownBy(st *state) bool {
	if st == nil || st.partitions != int(n.partitions) || st.replicas != int(n.replicas) {
		return false
	}
	for key := range n.configs {
		if _, ok := st.own(key); !ok {
			return false
		}
	}
	return true
}

// matches says whether a topic is just as it was asked for.
func (n creationOf) matches(st *state) bool {
	if !n.shownBy(st) {
		return false
	}
	for key, value := range n.configs {
		if own, _ := st.own(key); !sameValue(own, *value) {
			return false
		}
	}
	return true
}

// validateCreate asks whether the topic could be created, and answers the configs that would be in force.
func (c *cluster) validateCreate(ctx context.Context, name string, n creationOf) ([]config, error) {
	answers, err := c.admin.ValidateCreateTopics(ctx, n.partitions, n.replicas, n.configs, name)
	if err != nil {
		return nil, c.failure("check topic "+name, err)
	}
	one, err := answered(answers, name)
	if err != nil {
		return nil, c.failure("check topic "+name, err)
	}
	if errors.Is(one.Err, kerr.TopicAlreadyExists) {
		return nil, alreadyExists(c.name, name)
	}
	if one.Err != nil {
		return nil, c.refused("create topic "+name, one.Err, one.ErrMessage, n.keys())
	}
	return configsOf(slices.Collect(maps.Values(one.Configs)), map[string]string{}), nil
}

// create makes a topic that was proven absent, and waits until the brokers show it.
func (c *cluster) create(ctx context.Context, name string, n creationOf) (*state, error) {
	answers, err := c.admin.CreateTopics(ctx, n.partitions, n.replicas, n.configs, name)
	one := kadm.CreateTopicResponse{Err: err}
	if err == nil {
		if one, err = answered(answers, name); err != nil {
			return nil, c.failure("create topic "+name, err)
		}
	}
	switch {
	case one.Err == nil:
	case errors.Is(one.Err, kerr.TopicAlreadyExists):
		// Either the client had to repeat the request because the first answer got lost, or someone else was faster.
		if !c.made(ctx, name, n) {
			return nil, alreadyExists(c.name, name)
		}
	case !definite(one.Err) && c.made(ctx, name, n):
	default:
		return nil, c.refused("create topic "+name, one.Err, one.ErrMessage, n.keys())
	}
	st, err := c.shown(ctx, name, n.shownBy)
	if err != nil {
		return nil, c.failure("see the new topic "+name, err)
	}
	return st, nil
}

// made says whether a topic that was absent is there now, just as we asked for it.
func (c *cluster) made(ctx context.Context, name string, n creationOf) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	st, err := c.one(ctx, name)
	return err == nil && n.matches(st)
}

// definite says whether an error is a broker's answer that nothing was done. After any other, the change may have been made.
func definite(err error) bool {
	var code *kerr.Error
	return errors.As(err, &code) && !errors.Is(err, kerr.RequestTimedOut)
}

func answered(answers kadm.CreateTopicResponses, name string) (kadm.CreateTopicResponse, error) {
	one, ok := answers[name]
	if !ok {
		return one, errors.New("the broker's answer leaves the topic out")
	}
	return one, nil
}

// apply makes a change, or asks the brokers whether they would. Partitions come last: only they cannot be taken back.
func (c *cluster) apply(ctx context.Context, name string, ch change, dryRun bool) error {
	if len(ch.configs) > 0 {
		if err := c.alterConfigs(ctx, name, ch, dryRun); err != nil {
			return err
		}
	}
	if ch.grow > 0 {
		return c.grow(ctx, name, ch.grow, dryRun)
	}
	return nil
}

func (c *cluster) alterConfigs(ctx context.Context, name string, ch change, dryRun bool) error {
	alter := c.admin.AlterTopicConfigs
	if dryRun {
		alter = c.admin.ValidateAlterTopicConfigs
	}
	doing := "change the configs of topic " + name
	answers, err := alter(ctx, ch.configs, name)
	if err != nil {
		return c.failure(doing, err)
	}
	for _, one := range answers {
		if one.Err != nil {
			return c.refused(doing, one.Err, one.ErrMessage, ch.keys())
		}
	}
	return nil
}

func (c *cluster) grow(ctx context.Context, name string, partitions int, dryRun bool) error {
	update := c.admin.UpdatePartitions
	if dryRun {
		update = c.admin.ValidateUpdatePartitions
	}
	doing := fmt.Sprintf("grow topic %s to %d partitions", name, partitions)
	answers, err := update(ctx, partitions, name)
	if err != nil {
		return c.failure(doing, err)
	}
	one := answers[name]
	switch {
	case one.Err == nil:
		return nil
	case errors.Is(one.Err, kerr.UnknownServerError):
		// A controller fails so when the growth does not fit into one of its batches, of 10,000 changes.
		return api.Upstream(api.CodeRefused, "/partitions", "The cluster fails to "+doing,
			fmt.Sprintf("Through connection %q, the broker says: %s", c.name, said(one.Err, one.ErrMessage)),
			"Grow by fewer partitions at a time; the controller's log has the cause.")
	}
	return c.grown(ctx, name, partitions, c.refused(doing, one.Err, one.ErrMessage, nil))
}

// grown drops the error when the topic has the partitions after all: the client had to repeat the request because the
// first answer got lost.
func (c *cluster) grown(ctx context.Context, name string, partitions int, refused error) error {
	if st, err := c.one(ctx, name); err == nil && st != nil && st.partitions == partitions {
		return nil
	}
	return refused
}
