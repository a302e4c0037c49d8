package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	kafkaconn "github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// visibleTimeout is how long a topic that was made or grown may take to show.
const visibleTimeout = 15 * time.Second

// topicName is what Kafka allows (org.apache.kafka.common.internals.Topic).
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// OpenSink makes the sink of a Kafka destination.
func (k Kind) OpenSink(ctx context.Context, destination api.KafkaDestination) (connector.Sink, error) {
	target, err := k.Connections.Resolve(ctx, destination.Connection, "/settings/destination/connection", kafkaconn.KindName)
	if err != nil {
		return nil, err
	}
	admin, release, err := k.Admins.Lease(target)
	if err != nil {
		return nil, err
	}
	return &sink{destination: destination, target: target, admin: admin, release: release, limits: map[string]int32{}}, nil
}

// sink writes topics, partition for partition.
type sink struct {
	destination api.KafkaDestination
	target      *connection.Target
	admin       *kadm.Client
	release     func() // gives the client back

	mu      sync.Mutex
	cluster string
	limits  map[string]int32 // max.message.bytes by destination topic
}

var (
	_ connector.Sink      = (*sink)(nil)
	_ connector.TopicSink = (*sink)(nil)
)

func (s *sink) Close() { s.release() }

// TopicFor names the destination of a source topic.
func (s *sink) TopicFor(topic string) string {
	if mapped, ok := s.destination.TopicMapping[topic]; ok {
		return mapped
	}
	return s.destination.TopicPrefix + topic
}

// Cluster identifies the destination cluster.
func (s *sink) Cluster(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cluster != "" {
		return s.cluster, nil
	}
	id, err := clusterID(ctx, s.admin)
	if err != nil {
		return "", explain(err, "/settings/destination/connection", "read the cluster id", s.target.Name)
	}
	s.cluster = id
	return id, nil
}

// Check finds out whether the destination topics can be made or grown, without doing it.
func (s *sink) Check(ctx context.Context, splits []connector.Split) error {
	return s.ensure(ctx, splits, true)
}

// Prepare makes missing destination topics with the source's partition count, and grows those that have fewer.
func (s *sink) Prepare(ctx context.Context, splits []connector.Split) error {
	if err := s.ensure(ctx, splits, false); err != nil {
		return err
	}
	return s.readLimits(ctx, s.wanted(splits))
}

// wanted is the partition count that each destination topic needs.
func (s *sink) wanted(splits []connector.Split) map[string]int {
	wanted := map[string]int{}
	for _, split := range splits {
		topic := s.TopicFor(split.Topic)
		wanted[topic] = max(wanted[topic], int(split.Partition)+1)
	}
	return wanted
}

func (s *sink) ensure(ctx context.Context, splits []connector.Split, dryRun bool) error {
	if err := s.checkNames(splits); err != nil {
		return err
	}
	wanted := s.wanted(splits)
	if len(wanted) == 0 {
		_, err := s.Cluster(ctx)
		return err
	}
	have, err := s.partitions(ctx, slices.Sorted(maps.Keys(wanted)))
	if err != nil {
		return err
	}
	changed := false
	for _, topic := range slices.Sorted(maps.Keys(wanted)) {
		if have[topic] >= wanted[topic] {
			continue
		}
		if err := s.grow(ctx, topic, have[topic], wanted[topic], dryRun); err != nil {
			return err
		}
		changed = true
	}
	if dryRun || !changed {
		return nil
	}
	return s.awaitVisible(ctx, wanted)
}

func (s *sink) checkNames(splits []connector.Split) error {
	sources := map[string]string{}
	for _, topic := range connector.TopicsOf(splits) {
		target := s.TopicFor(topic)
		if !topicName.MatchString(target) || target == "." || target == ".." {
			return api.Invalid("/settings/destination", fmt.Sprintf("Topic %q would be written to %q, which is not a topic name", topic, target),
				"Kafka allows 1 to 249 letters, digits, dots, dashes and underscores.", "Change topic_prefix, or name the topic in topic_mapping.")
		}
		if other, taken := sources[target]; taken {
			return api.Invalid("/settings/destination", fmt.Sprintf("Topics %q and %q would both be written to %q", other, topic, target), "Their records would be mixed.", "Give each a name of its own in topic_mapping.")
		}
		sources[target] = topic
	}
	return nil
}

// partitions answers how many partitions topics have; 0 for those that do not exist.
func (s *sink) partitions(ctx context.Context, topics []string) (map[string]int, error) {
	found, err := s.admin.ListTopicsWithInternal(kafkaconn.Fresh(ctx), topics...)
	if err != nil {
		return nil, explain(err, "/settings/destination/connection", "read the destination topics", s.target.Name)
	}
	counts := map[string]int{}
	for _, t := range found {
		if t.Err != nil && !errors.Is(t.Err, kerr.UnknownTopicOrPartition) {
			return nil, explain(t.Err, "/settings/destination", fmt.Sprintf("read destination topic %q", t.Topic), s.target.Name)
		}
		counts[t.Topic] = len(t.Partitions)
	}
	return counts, nil
}

func (s *sink) grow(ctx context.Context, topic string, have, want int, dryRun bool) error {
	count := int32(want) // #nosec G115 -- a partition number plus one
	if have == 0 {
		return s.create(ctx, topic, count, dryRun)
	}
	update := s.admin.UpdatePartitions
	if dryRun {
		update = s.admin.ValidateUpdatePartitions
	}
	responses, err := update(ctx, want, topic)
	if err == nil {
		err = responses.Error()
	}
	// The broker that told how many there are may have been behind: the controller knows of as many already.
	if err != nil && !errors.Is(err, kerr.InvalidPartitions) {
		return explain(err, "/settings/destination", fmt.Sprintf("grow destination topic %q to %d partitions", topic, want), s.target.Name)
	}
	return nil
}

// create leaves the replication factor and all configs to the destination's defaults (KIP-464).
func (s *sink) create(ctx context.Context, topic string, partitions int32, dryRun bool) error {
	const brokerDefault = -1
	create := s.admin.CreateTopics
	if dryRun {
		create = s.admin.ValidateCreateTopics
	}
	responses, err := create(ctx, partitions, brokerDefault, nil, topic)
	if err == nil {
		err = responses.Error()
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		if r, ok := responses[topic]; ok && r.ErrMessage != "" {
			err = fmt.Errorf("%w: %s", err, r.ErrMessage)
		}
		return explain(err, "/settings/destination", fmt.Sprintf("create destination topic %q", topic), s.target.Name)
	}
	return nil
}

// awaitVisible waits until the cluster's metadata shows what was made: brokers learn of it one after the other.
func (s *sink) awaitVisible(ctx context.Context, wanted map[string]int) error {
	ctx, cancel := context.WithTimeout(ctx, visibleTimeout)
	defer cancel()
	topics := slices.Sorted(maps.Keys(wanted))
	for {
		have, err := s.partitions(ctx, topics)
		if err == nil && !slices.ContainsFunc(topics, func(t string) bool { return have[t] < wanted[t] }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return explain(errors.Join(err, ctx.Err()), "/settings/destination", "see the new destination topics", s.target.Name)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// readLimits learns how large a batch each topic takes.
func (s *sink) readLimits(ctx context.Context, wanted map[string]int) error {
	if len(wanted) == 0 {
		return nil
	}
	configs, err := s.admin.DescribeTopicConfigs(ctx, slices.Sorted(maps.Keys(wanted))...)
	if err != nil {
		return explain(err, "/settings/destination", "read the configs of the destination topics", s.target.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range configs {
		for _, entry := range c.Configs {
			if entry.Key != "max.message.bytes" {
				continue
			}
			if n, err := strconv.ParseInt(entry.MaybeValue(), 10, 32); err == nil {
				s.limits[c.Name] = int32(n)
			}
		}
	}
	return nil
}

// defaultBatchBytes is Kafka's default of max.message.bytes.
const defaultBatchBytes = 1048588

func (s *sink) limit(topic string) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.limits[topic]; ok && n > 0 {
		return n
	}
	return defaultBatchBytes
}
