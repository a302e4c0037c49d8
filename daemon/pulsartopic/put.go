package pulsartopic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/apache/pulsar-client-go/pulsaradmin/pkg/utils"

	"github.com/headgate/terraform-provider-headgate/daemon/keeping"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	mebibyte  = 1 << 20
	unlimited = -1
)

// Put creates or changes a topic.
func (s *Service) Put(ctx context.Context, connection, name string, body api.PulsarTopicWrite, opts api.WriteOptions, idempotencyKey string) (*api.PulsarTopic, error) {
	topic, err := parse(name)
	if err != nil {
		return nil, err
	}
	want, err := wanted(topic, body)
	if err != nil {
		return nil, err
	}
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	done, err := s.keep.Turn(ctx, connection, name, opts)
	if err != nil {
		return nil, err
	}
	defer done()
	have, err := c.read(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err := s.keep.Precondition(ctx, connection, name, have.generation, opts, idempotencyKey); err != nil {
		return nil, err
	}
	if err := growth(have, want, body); err != nil {
		return nil, err
	}
	protect := body.DeletionProtection == nil || *body.DeletionProtection
	var warnings []api.Warning
	if opts.DryRun || protect {
		losses, err := c.losses(ctx, topic, have, want, body)
		if err != nil {
			return nil, err
		}
		warnings, err = keeping.Losses("Topic", name, protect && !slices.Contains(body.Unknown, "/deletion_protection"), losses)
		if err != nil {
			return nil, err
		}
	}
	if opts.DryRun {
		planned := want.answer(connection, protect)
		planned.Warnings = warnings
		return planned, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if have == nil {
		err = s.create(ctx, c, topic, want, idempotencyKey)
		have = &state{name: name, partitions: want.partitions}
	} else if want.partitions > have.partitions {
		err = c.grow(ctx, topic, want.partitions)
	}
	if err == nil {
		err = c.retain(ctx, topic, have, want)
	}
	if err == nil {
		err = s.keep.Protect(ctx, connection, name, protect)
	}
	if err != nil {
		return nil, err
	}
	return want.answer(connection, protect), nil
}

// wanted is the topic as it is declared.
func wanted(topic utils.TopicName, body api.PulsarTopicWrite) (*state, error) {
	knows := func(pointer string) bool { return !slices.Contains(body.Unknown, pointer) }
	want := &state{name: topic.String(), partitions: body.Partitions}
	if !topic.IsPersistent() && body.Partitions == 0 && knows("/partitions") {
		return nil, api.Invalid("/partitions", "A non-persistent topic without partitions cannot be declared", "Pulsar forgets it as soon as nobody uses it.", "Give it at least 1 partition: that is kept.")
	}
	if body.Retention == "" && body.RetentionSize == "" {
		return want, nil
	}
	if !topic.IsPersistent() {
		return nil, api.Invalid("/retention", "A non-persistent topic retains nothing", "Its messages are never stored.", "Leave the retention out, or make the topic persistent.")
	}
	want.retention = &utils.RetentionPolicies{RetentionTimeInMinutes: unlimited, RetentionSizeInMB: unlimited}
	if text := body.Retention; text != "" && text != api.Unlimited {
		kept, err := spec.Duration(text).Parse()
		if err != nil || kept < time.Minute || kept%time.Minute != 0 {
			return nil, api.Invalid("/retention", "The retention is not possible", "Pulsar counts it in whole minutes.", "Set it to a duration such as \"168h\", or to \"unlimited\".")
		}
		want.retention.RetentionTimeInMinutes = int(kept / time.Minute)
	}
	if text := body.RetentionSize; text != "" && text != api.Unlimited {
		size, err := spec.Size(text).Parse()
		if err != nil || size < mebibyte || size%mebibyte != 0 {
			return nil, api.Invalid("/retention_size", "The retention size is not possible", "Pulsar counts it in whole MiB.", "Set it to a size such as \"10GiB\", or to \"unlimited\".")
		}
		want.retention.RetentionSizeInMB = size / mebibyte
	}
	return want, nil
}

// growth refuses what Pulsar cannot do to a topic that is there.
func growth(have, want *state, body api.PulsarTopicWrite) error {
	if have == nil || slices.Contains(body.Unknown, "/partitions") || want.partitions == have.partitions {
		return nil
	}
	if have.partitions == 0 || want.partitions == 0 {
		return api.Refused(api.CodeRefused, "/partitions", "A topic stays partitioned or not",
			fmt.Sprintf("%s has %d partitions, where 0 is a topic that is not partitioned, and %d are declared.", have.name, have.partitions, want.partitions), "Make another topic and copy the messages.")
	}
	if want.partitions < have.partitions {
		return api.Refused(api.CodeRefused, "/partitions", "A topic cannot lose partitions",
			fmt.Sprintf("%s has %d partitions, and Pulsar has no way to take partitions away without their messages.", have.name, have.partitions), fmt.Sprintf("Keep at least %d, or make another topic and copy the messages.", have.partitions))
	}
	return nil
}

// create notes the creation first, so that a repeat can take over a topic whose creation was never answered.
func (s *Service) create(ctx context.Context, c *cluster, topic utils.TopicName, want *state, idempotencyKey string) error {
	if err := s.keep.Begin(ctx, c.connection, want.name, idempotencyKey); err != nil {
		return err
	}
	if err := c.Topics().CreateWithContext(ctx, topic, int(want.partitions)); err != nil {
		return s.keep.Fail(ctx, c.connection, want.name, c.failure("create topic "+want.name, err))
	}
	return nil
}

func (c *cluster) grow(ctx context.Context, topic utils.TopicName, partitions int64) error {
	if err := c.Topics().UpdateWithContext(ctx, topic, int(partitions)); err != nil {
		return c.failure("add partitions to topic "+topic.String(), err)
	}
	return nil
}

// retain sets the retention, and waits until Pulsar shows it: topic policies travel through a topic of their own.
func (c *cluster) retain(ctx context.Context, topic utils.TopicName, have, want *state) error {
	if sameRetention(have.retention, want.retention) {
		return nil
	}
	var err error
	if want.retention == nil {
		err = c.Topics().RemoveRetentionWithContext(ctx, topic)
	} else {
		err = c.Topics().SetRetentionWithContext(ctx, topic, *want.retention)
	}
	if err != nil {
		return retentionFailure(c.failure("set the retention of topic "+want.name, err))
	}
	ticker := time.NewTicker(shownPoll)
	defer ticker.Stop()
	for {
		now, err := c.details(ctx, topic, want.partitions > 0)
		if err != nil {
			return err
		}
		if sameRetention(now.retention, want.retention) {
			return nil
		}
		select {
		case <-ctx.Done():
			return api.Upstream(api.CodeConnection, "/connection", "Cannot see the retention of topic "+want.name+" change", ctx.Err().Error(), "Try again, and look into the broker's log.")
		case <-ticker.C:
		}
	}
}

// retentionFailure names the usual cause: Pulsar wants to retain more than what may wait to be read.
func retentionFailure(err error) error {
	refused, ok := errors.AsType[*api.Error](err)
	if !ok || refused.Code != api.CodeRefused {
		return err
	}
	refused.Attribute = "/retention"
	refused.Remedy = "Retain more than the backlog quota, in time and in bytes: pulsar-admin topics get-backlog-quotas --applied shows it."
	return refused
}

func sameRetention(a, b *utils.RetentionPolicies) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// inWords are the time and the size of a retention.
func inWords(r *utils.RetentionPolicies) (kept, size string) {
	if r == nil {
		return "", ""
	}
	kept, size = api.Unlimited, api.Unlimited
	if r.RetentionTimeInMinutes >= 0 {
		kept = strconv.Itoa(r.RetentionTimeInMinutes) + "m"
	}
	if r.RetentionSizeInMB >= 0 {
		size = strconv.FormatInt(r.RetentionSizeInMB, 10) + "MiB"
	}
	return kept, size
}

// Delete deletes a topic and its messages, unless it is protected. A dry run answers what would go with it.
func (s *Service) Delete(ctx context.Context, connection, name string, opts api.WriteOptions) (*api.Deletion, error) {
	topic, err := parse(name)
	if err != nil {
		return nil, err
	}
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	done, err := s.keep.Turn(ctx, connection, name, opts)
	if err != nil {
		return nil, err
	}
	defer done()
	have, err := c.read(ctx, topic)
	if err != nil {
		return nil, err
	}
	if have == nil {
		return nil, errors.Join(api.NotFound("Topic", name), s.keep.Forget(ctx, connection, name))
	}
	protected, err := s.keep.Protected(ctx, connection, name)
	if err != nil {
		return nil, err
	}
	if opts.Generation != "" && opts.Generation != have.generation(protected) {
		return nil, api.Conflict("Topic", name)
	}
	effects, err := c.effects(ctx, topic, have)
	if err != nil {
		return nil, err
	}
	if protected {
		return nil, s.keep.Refusal(name, effects)
	}
	if opts.DryRun {
		return &api.Deletion{Effects: effects}, nil
	}
	// Subscriptions go with it: deletion_protection = false has said so. Connected clients keep it from going.
	if err := c.Topics().DeleteWithContext(ctx, topic, false, have.partitions == 0); err != nil {
		return nil, c.failure("delete topic "+name, err)
	}
	return &api.Deletion{Effects: effects}, s.keep.Forget(ctx, connection, name)
}

// effects tells what would go with a topic: bytes, subscriptions and their backlogs.
func (c *cluster) effects(ctx context.Context, topic utils.TopicName, have *state) ([]api.Warning, error) {
	var (
		bytes         int64
		subscriptions map[string]utils.SubscriptionStats
		err           error
	)
	if have.partitions > 0 {
		var stats utils.PartitionedTopicStats
		stats, err = c.Topics().GetPartitionedStatsWithContext(ctx, topic, false)
		bytes, subscriptions = stats.StorageSize, stats.Subscriptions
	} else {
		var stats utils.TopicStats
		stats, err = c.Topics().GetStatsWithContext(ctx, topic)
		bytes, subscriptions = stats.StorageSize, stats.Subscriptions
	}
	if err != nil {
		return nil, c.failure("read the figures of topic "+have.name, err)
	}
	effects := []api.Warning{{Summary: fmt.Sprintf("%d bytes of messages go with it, from %d partition(s)", bytes, max(have.partitions, 1))}}
	names := make([]string, 0, len(subscriptions))
	for name := range subscriptions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		effects = append(effects, api.Warning{Summary: fmt.Sprintf("Its subscription %q goes with it, which has %d message(s) left to read", name, subscriptions[name].MsgBacklog)})
	}
	return effects, nil
}
