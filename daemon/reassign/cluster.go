package reassign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// standing is where the replicas of a topic are.
type standing struct {
	name string
	id   kadm.TopicID
	// partitions are as they will be when all that moves has arrived.
	partitions []Partition
	moving     map[int32]kadm.ListPartitionReassignmentsResponse
}

// topic reads where a topic is; nil: there is none of this name.
func (c *cluster) topic(ctx context.Context, name string) (*standing, error) {
	meta, err := c.admin.Metadata(kafka.Fresh(ctx), name)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	return c.standing(ctx, meta, name)
}

// survey is topic together with the brokers that are up and what they hold.
func (c *cluster) survey(ctx context.Context, name string) (*standing, []Broker, error) {
	meta, err := c.admin.Metadata(kafka.Fresh(ctx))
	if err != nil {
		return nil, nil, fmt.Errorf("read metadata: %w", err)
	}
	now, err := c.standing(ctx, meta, name)
	if err != nil || now == nil {
		return nil, nil, err
	}
	held := map[int32]int{}
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			for _, id := range p.Replicas {
				if t.Topic != name {
					held[id]++
				}
			}
		}
	}
	var brokers []Broker
	for _, b := range meta.Brokers {
		one := Broker{ID: b.NodeID, Replicas: held[b.NodeID]}
		if b.Rack != nil {
			one.Rack = *b.Rack
		}
		brokers = append(brokers, one)
	}
	return now, brokers, nil
}

func (c *cluster) standing(ctx context.Context, meta kadm.Metadata, name string) (*standing, error) {
	detail, ok := meta.Topics[name]
	if !ok || errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
		return nil, nil //nolint:nilnil // none of this name
	}
	if detail.Err != nil && !errors.Is(detail.Err, kerr.LeaderNotAvailable) {
		return nil, fmt.Errorf("read metadata: %w", detail.Err)
	}
	var all kadm.TopicsSet
	for _, p := range detail.Partitions.Sorted() {
		all.Add(name, p.Partition)
	}
	listed, err := c.admin.ListPartitionReassignments(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("list reassignments: %w", err)
	}
	now := &standing{name: name, id: detail.ID, moving: listed[name]}
	for _, p := range detail.Partitions.Sorted() {
		one := Partition{ID: p.Partition, Replicas: p.Replicas, InSync: p.ISR, Leader: p.Leader}
		if m, moves := now.moving[p.Partition]; moves {
			one.Replicas = slices.DeleteFunc(slices.Clone(m.Replicas), func(id int32) bool { return slices.Contains(m.RemovingReplicas, id) })
		}
		now.partitions = append(now.partitions, one)
	}
	return now, nil
}

// move has the controller begin.
func (c *cluster) move(ctx context.Context, topic string, moves []Move) error {
	if len(moves) == 0 {
		return nil
	}
	var req kadm.AlterPartitionAssignmentsReq
	for _, m := range moves {
		req.Assign(topic, m.Partition, m.To)
	}
	answers, err := c.admin.AlterPartitionAssignments(ctx, req)
	if err != nil {
		return c.refused("move the replicas of topic "+topic, err, "")
	}
	for _, one := range answers.Sorted() {
		if one.Err != nil {
			return c.refused(fmt.Sprintf("move the replicas of partition %d of topic %s", one.Partition, topic), one.Err, one.ErrMessage)
		}
	}
	return nil
}

// stop has the controller end what moves.
func (c *cluster) stop(ctx context.Context, now *standing) error {
	if len(now.moving) == 0 {
		return nil
	}
	var req kadm.AlterPartitionAssignmentsReq
	for id := range now.moving {
		req.CancelAssign(now.name, id)
	}
	doing := "cancel the reassignment of topic " + now.name
	answers, err := c.admin.AlterPartitionAssignments(ctx, req)
	if err != nil {
		return c.refused(doing, err, "")
	}
	for _, one := range answers.Sorted() {
		if one.Err != nil && !errors.Is(one.Err, kerr.NoReassignmentInProgress) {
			return c.refused(doing, one.Err, one.ErrMessage)
		}
	}
	return nil
}

// left is about how many bytes are still to be copied.
func (c *cluster) left(ctx context.Context, now *standing) (int64, error) {
	if len(now.moving) == 0 {
		return 0, nil
	}
	var asked kadm.TopicsSet
	for id := range now.moving {
		asked.Add(now.name, id)
	}
	described, err := c.admin.DescribeAllLogDirs(ctx, asked)
	if err != nil {
		return 0, fmt.Errorf("describe log directories: %w", err)
	}
	sizes := map[int32]map[int32]int64{} // by partition and broker
	for broker, dirs := range described {
		for _, dir := range dirs {
			for id, p := range dir.Topics[now.name] {
				if sizes[id] == nil {
					sizes[id] = map[int32]int64{}
				}
				sizes[id][broker] = max(sizes[id][broker], p.Size)
			}
		}
	}
	var left int64
	for _, p := range now.partitions {
		for _, id := range now.moving[p.ID].AddingReplicas {
			left += max(0, sizes[p.ID][p.Leader]-sizes[p.ID][id])
		}
	}
	return left, nil
}

// shown waits until the brokers tell of as many replicas as were wanted: each follows the controller at its own pace, and
// a client asks them in turn. It answers false when they do not.
func (c *cluster) shown(ctx context.Context, topic string, note store.Reassignment) bool {
	if note.Cancelled {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	for seen, brokers := 0, 1; seen <= brokers; {
		meta, err := c.admin.Metadata(kafka.Fresh(ctx), topic)
		if ctx.Err() != nil {
			return false
		}
		brokers = max(brokers, len(meta.Brokers))
		if err == nil && hasFactor(meta.Topics[topic], note) {
			seen++
			continue
		}
		seen = 0
		timer := time.NewTimer(20 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return true
}

func hasFactor(t kadm.TopicDetail, note store.Reassignment) bool {
	for _, id := range note.Partitions {
		if len(t.Partitions[id].Replicas) != note.Factor {
			return false
		}
	}
	return true
}

func failure(connection, doing string, err error) error {
	var ready *api.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &ready) {
		return err
	}
	remedy := fmt.Sprintf("Check that the brokers are up, and test connection %q.", connection)
	if _, refused := errors.AsType[*kadm.AuthError](err); refused {
		remedy = "Allow the connection's user to Describe, DescribeConfigs, Alter and AlterConfigs on the cluster."
	}
	return api.Upstream(api.CodeConnection, "/connection", "Cannot "+doing, fmt.Sprintf("Through connection %q: %v.", connection, err), remedy)
}

// refused makes an error for people of a broker's answer to a write.
func (c *cluster) refused(doing string, err error, message string) error {
	var auth *kadm.AuthError
	var code *kerr.Error
	switch {
	case errors.As(err, &auth), errors.Is(err, kerr.ClusterAuthorizationFailed), errors.Is(err, kerr.TopicAuthorizationFailed):
		return api.Refused(api.CodeRefused, "/connection", "The cluster refuses to "+doing, fmt.Sprintf("Through connection %q: %v.", c.name, err),
			"Allow the connection's user to Alter and AlterConfigs on the cluster. Where nobody may change the brokers' configs, set replication_throttle = \"unlimited\".")
	case errors.As(err, &code) && !code.Retriable:
		if message == "" {
			message = code.Description
		}
		return api.Refused(api.CodeRefused, "/replication_factor", "The cluster refuses to "+doing, fmt.Sprintf("Through connection %q, the broker says: %s", c.name, message),
			"Change what the broker objects to, and repeat.")
	}
	return failure(c.name, doing, err)
}
