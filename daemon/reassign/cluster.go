package reassign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

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

// errDisagree says that brokers tell different things: each follows the controller at its own pace.
var errDisagree = errors.New("the brokers do not agree yet")

// viewTimeout bounds how long one broker is asked for its view.
const viewTimeout = 5 * time.Second

// moves are those that are under way.
func (st *standing) moves() []Move {
	var moves []Move
	for id, m := range st.moving {
		one := Move{Partition: id}
		one.From = slices.DeleteFunc(slices.Clone(m.Replicas), func(b int32) bool { return slices.Contains(m.AddingReplicas, b) })
		one.To = slices.DeleteFunc(slices.Clone(m.Replicas), func(b int32) bool { return slices.Contains(m.RemovingReplicas, b) })
		moves = append(moves, one)
	}
	return moves
}

// topic reads where a topic is; nil: there is none of this name, as all brokers say.
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
		return nil, c.absent(ctx, meta.Brokers.NodeIDs(), name)
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

// absent fails unless all brokers say that there is no such topic.
func (c *cluster) absent(ctx context.Context, brokers []int32, name string) error {
	views, err := c.views(ctx, brokers, name)
	if err != nil {
		return fmt.Errorf("see whether topic %s is there: %w", name, err)
	}
	for _, t := range views {
		if !errors.Is(kerr.ErrorForCode(t.ErrorCode), kerr.UnknownTopicOrPartition) {
			return fmt.Errorf("see whether topic %s is there: %w", name, errDisagree)
		}
	}
	return nil
}

// views asks each broker by itself for a topic.
func (c *cluster) views(ctx context.Context, brokers []int32, name string) ([]kmsg.MetadataResponseTopic, error) {
	ctx, cancel := context.WithTimeout(ctx, viewTimeout)
	defer cancel()
	views, errs := make([]kmsg.MetadataResponseTopic, len(brokers)), make([]error, len(brokers))
	var asking sync.WaitGroup
	for i, id := range brokers {
		asking.Go(func() {
			if views[i], errs[i] = c.view(ctx, id, name); errs[i] != nil {
				errs[i] = fmt.Errorf("ask broker %d: %w", id, errs[i])
			}
		})
	}
	asking.Wait()
	return views, errors.Join(errs...)
}

func (c *cluster) view(ctx context.Context, broker int32, name string) (kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &name
	req.Topics = append(req.Topics, one)
	resp, err := req.RequestWith(ctx, c.client.Broker(int(broker)))
	if err != nil {
		return kmsg.MetadataResponseTopic{}, err
	}
	if len(resp.Topics) != 1 {
		return kmsg.MetadataResponseTopic{}, fmt.Errorf("the answer leaves topic %s out", name)
	}
	return resp.Topics[0], nil
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

// shown waits until all brokers tell of as many replicas as were wanted. It answers false when they all keep telling of
// others: someone cancelled the reassignment, or it was never begun. Nothing is known while they differ.
func (c *cluster) shown(ctx context.Context, topic string, note store.Reassignment) (bool, error) {
	if note.Cancelled {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	last := fmt.Errorf("see the new replicas of topic %s: %w", topic, errDisagree)
	none := false
	for {
		shown, brokers, err := c.tally(ctx, topic, note)
		switch {
		case ctx.Err() != nil && none:
			return false, nil
		case ctx.Err() != nil:
			return false, last
		case err != nil:
			last, none = fmt.Errorf("see the new replicas of topic %s: %w", topic, err), false
		case shown == brokers:
			return true, nil
		default:
			last, none = fmt.Errorf("see the new replicas of topic %s: %w", topic, errDisagree), shown == 0
		}
		timer := time.NewTimer(20 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// tally counts the brokers that tell of as many replicas as were wanted.
func (c *cluster) tally(ctx context.Context, topic string, note store.Reassignment) (shown, brokers int, err error) {
	up, err := c.up(ctx)
	if err != nil {
		return 0, 0, err
	}
	views, err := c.views(ctx, up, topic)
	if err != nil {
		return 0, 0, err
	}
	for _, t := range views {
		if hasFactor(t, note) {
			shown++
		}
	}
	return shown, len(views), nil
}

// up are the brokers that the cluster has at the moment.
func (c *cluster) up(ctx context.Context) ([]int32, error) {
	meta, err := c.admin.BrokerMetadata(kafka.Fresh(ctx))
	if err != nil {
		return nil, fmt.Errorf("list brokers: %w", err)
	}
	return meta.Brokers.NodeIDs(), nil
}

// registered says whether the cluster counts on a broker, be it up or down. Brokers before Kafka 4.0 do not tell (KIP-1073);
// it counts as registered then.
func (c *cluster) registered(ctx context.Context, id int32) bool {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeFencedBrokers = true
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil || resp.ErrorCode != 0 || resp.Version < 2 {
		return true
	}
	return slices.ContainsFunc(resp.Brokers, func(b kmsg.DescribeClusterResponseBroker) bool { return b.NodeID == id })
}

func hasFactor(t kmsg.MetadataResponseTopic, note store.Reassignment) bool {
	replicas := map[int32]int{}
	for _, p := range t.Partitions {
		replicas[p.Partition] = len(p.Replicas)
	}
	return !slices.ContainsFunc(note.Partitions, func(id int32) bool { return replicas[id] != note.Factor })
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
