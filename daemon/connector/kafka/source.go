package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	kafkaconn "github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// source reads topics. The daemon itself shares the partitions among the instances, so there are no rebalances; the
// group holds the positions only and has no members.
type source struct {
	cfg       connector.SourceConfig
	target    *connection.Target
	admin     *kadm.Client
	release   func() // gives the client back
	selection *selection
	from      start
	group     string

	mu      sync.Mutex
	cluster string
	ids     map[string]kadm.TopicID // as of the last look
}

var (
	_ connector.Source      = (*source)(nil)
	_ connector.TopicSource = (*source)(nil)
)

// position is the next offset to read, and the leader epoch of the record before it (-1: unknown; KIP-320).
type position struct {
	offset int64
	epoch  int32
	// topicID is that of the topic that the offset counts in, in base64: a topic that was deleted and made again has the
	// same name and another id (KIP-516). It is committed as the position's metadata; empty: unknown.
	topicID string
}

func (s *source) Group() string { return s.group }

func (s *source) Close() { s.release() }

func (s *source) Selects(topic string) bool { return s.selection.selects(topic) }

func (s *source) Samples() []string { return s.selection.samples() }

func (s *source) Cluster(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cluster != "" {
		return s.cluster, nil
	}
	id, err := clusterID(ctx, s.admin)
	if err != nil {
		return "", explain(err, "/spec/connection", "read the cluster id", s.target.Name)
	}
	s.cluster = id
	return id, nil
}

func clusterID(ctx context.Context, admin *kadm.Client) (string, error) {
	metadata, err := admin.BrokerMetadata(ctx)
	if err != nil {
		return "", err
	}
	return metadata.Cluster, nil
}

// Splits lists the partitions of the selected topics.
func (s *source) Splits(ctx context.Context) ([]connector.Split, error) {
	topics, err := s.admin.ListTopicsWithInternal(kafkaconn.Fresh(ctx))
	if err != nil {
		return nil, explain(err, "/spec/connection", "list the topics", s.target.Name)
	}
	for i, name := range s.selection.topics {
		if !topics.Has(name) || errors.Is(topics[name].Err, kerr.UnknownTopicOrPartition) {
			return nil, missingTopic(i, name, s.target.Name)
		}
	}
	s.noteIDs(topics)
	var splits []connector.Split
	for _, t := range topics.Sorted() {
		if !s.selection.selects(t.Topic) {
			continue
		}
		if t.Err != nil {
			return nil, explain(t.Err, "/spec/connection", fmt.Sprintf("read the partitions of topic %q", t.Topic), s.target.Name)
		}
		for _, p := range t.Partitions.Sorted() {
			splits = append(splits, connector.Split{Topic: t.Topic, Partition: p.Partition})
		}
	}
	return splits, nil
}

func (s *source) noteIDs(topics kadm.TopicDetails) {
	ids := make(map[string]kadm.TopicID, len(topics))
	for name, t := range topics {
		ids[name] = t.ID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = ids
}

// topicID is the id of a topic in base64, or empty where the cluster has none.
func (s *source) topicID(topic string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.ids[topic]
	if id == (kadm.TopicID{}) {
		return ""
	}
	return id.String()
}

func missingTopic(index int, name, connectionName string) error {
	e := api.NotFound("Topic", name)
	e.Attribute = fmt.Sprintf("/spec/topics/%d", index)
	e.Detail = fmt.Sprintf("Connection %q reaches the cluster, and there is no such topic.", connectionName)
	e.Remedy = "Check the spelling, create the topic first, or put it into additional_topics: those join when they appear."
	return e
}

// Prepare commits where the connector begins, so that a restart before the first record does not move it.
func (s *source) Prepare(ctx context.Context, splits []connector.Split, first bool) error {
	committed, err := s.committed(ctx)
	if err != nil {
		return err
	}
	if !first {
		return s.checkPositions(committed, splits)
	}
	missing := slices.DeleteFunc(slices.Clone(splits), func(split connector.Split) bool {
		_, ok := committed[split]
		return ok
	})
	if len(missing) == 0 {
		return nil
	}
	listed, err := s.from.offsets(ctx, s.admin, connector.TopicsOf(missing))
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return explain(err, "/spec/start_from", "find the first offsets", s.target.Name)
	}
	var begin offsets
	for _, split := range missing {
		if o, ok := listed.Lookup(split.Topic, split.Partition); ok {
			begin.add(split, position{o.Offset, -1, s.topicID(split.Topic)})
		}
	}
	return s.commit(ctx, begin)
}

// checkPositions refuses to begin anew in silence. All positions are committed together every hour, so they are all
// there or all gone.
func (s *source) checkPositions(committed map[connector.Split]position, splits []connector.Split) error {
	if len(splits) == 0 || len(committed) > 0 {
		return nil
	}
	return connector.Fatal(api.Upstream(api.CodeRefused, "", fmt.Sprintf("The positions of connector %q are gone", s.cfg.Name),
		fmt.Sprintf("Group %q of connection %q held them. Brokers forget them when a connector was stopped for longer than offsets.retention.minutes, 7 days by default, and when somebody deletes the group.", s.group, s.target.Name),
		"Say where to begin anew: change start_from of the connector, or delete the connector and create it again."))
}

// offsets are positions on their way to the group.
type offsets struct{ kadm.Offsets }

func (o *offsets) add(split connector.Split, p position) {
	o.Add(kadm.Offset{Topic: split.Topic, Partition: split.Partition, At: p.offset, LeaderEpoch: p.epoch, Metadata: p.topicID})
}

// committed reads the positions of the group.
func (s *source) committed(ctx context.Context) (map[connector.Split]position, error) {
	responses, err := s.admin.FetchOffsets(ctx, s.group)
	if err == nil {
		err = responses.Error()
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return map[connector.Split]position{}, nil
	}
	if err != nil {
		return nil, explain(err, "", fmt.Sprintf("read the positions in group %q", s.group), s.target.Name)
	}
	positions := map[connector.Split]position{}
	responses.Each(func(r kadm.OffsetResponse) {
		if r.At >= 0 {
			positions[connector.Split{Topic: r.Topic, Partition: r.Partition}] = position{r.At, r.LeaderEpoch, r.Metadata}
		}
	})
	return positions, nil
}

func (s *source) commit(ctx context.Context, o offsets) error {
	if len(o.Offsets) == 0 {
		return nil
	}
	if err := s.admin.CommitAllOffsets(ctx, s.group, o.Offsets); err != nil {
		return explain(err, "", fmt.Sprintf("commit positions in group %q", s.group), s.target.Name)
	}
	return nil
}

// Progress compares the safe positions with the ends of the partitions. A split whose position the runtime does not
// know is looked up in the group.
func (s *source) Progress(ctx context.Context, safe map[connector.Split]connector.Position) ([]api.PartitionStatus, error) {
	if len(safe) == 0 {
		return nil, nil
	}
	splits := make([]connector.Split, 0, len(safe))
	known := true
	for split, at := range safe {
		splits = append(splits, split)
		known = known && at != nil
	}
	committed := map[connector.Split]position{}
	if !known {
		var err error
		if committed, err = s.committed(ctx); err != nil {
			return nil, err
		}
	}
	ends, err := s.admin.ListEndOffsets(ctx, connector.TopicsOf(splits)...)
	if err != nil {
		return nil, explain(err, "", "read the ends of the partitions", s.target.Name)
	}
	list := make([]api.PartitionStatus, 0, len(splits))
	for _, split := range splits {
		at, ok := safe[split].(position)
		if !ok {
			at, ok = committed[split]
		}
		list = append(list, progressOf(split, at, ok, ends))
	}
	return list, nil
}

func progressOf(split connector.Split, at position, known bool, ends kadm.ListedOffsets) api.PartitionStatus {
	status := api.PartitionStatus{Topic: split.Topic, Partition: split.Partition, Position: -1, EndOffset: -1, LagRecords: -1}
	if known {
		status.Position = at.offset
	}
	if end, ok := ends.Lookup(split.Topic, split.Partition); ok && end.Err == nil {
		status.EndOffset = end.Offset
	}
	if status.Position >= 0 && status.EndOffset >= 0 {
		status.LagRecords = max(status.EndOffset-status.Position, 0)
	}
	return status
}

// Forget deletes the group.
func (s *source) Forget(ctx context.Context) error {
	_, err := s.admin.DeleteGroup(ctx, s.group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return explain(err, "", fmt.Sprintf("delete group %q", s.group), s.target.Name)
	}
	return nil
}
