package devkafka

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// placement is where the replicas of a partition are. kfake keeps no more than their number, for a whole topic; once a
// request has moved some, they are kept here and put into what kfake answers.
type placement struct {
	replicas []int32
	target   []int32 // while they move; nil else
	until    time.Time
}

// adding are the brokers that the partition moves to.
func (p *placement) adding() []int32 { return without(p.target, p.replicas) }

// removing are the brokers that it leaves.
func (p *placement) removing() []int32 {
	if p.target == nil {
		return nil
	}
	return without(p.replicas, p.target)
}

// all are those that a broker tells of while replicas move: the wanted ones, then those that go.
func (p *placement) all() []int32 {
	if p.target == nil {
		return p.replicas
	}
	return append(slices.Clone(p.target), p.removing()...)
}

func without(all, some []int32) []int32 {
	var rest []int32
	for _, id := range all {
		if !slices.Contains(some, id) {
			rest = append(rest, id)
		}
	}
	return rest
}

// placements are those of a topic by partition; by its id, so that they end with the topic.
type placements map[[16]byte]map[int32]*placement

// alterPartitionAssignments moves replicas, or ends their moving. Mistakes are answered as Kafka answers them.
func (c *Cluster) alterPartitionAssignments(
	ctx context.Context, _ int32, req *kmsg.AlterPartitionAssignmentsRequest,
) (*kmsg.AlterPartitionAssignmentsResponse, error) {
	c.changes.Lock()
	defer c.changes.Unlock()

	var names []string
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	existing, err := c.described(ctx, names)
	if err != nil {
		return nil, err
	}
	resp := kmsg.NewPtrAlterPartitionAssignmentsResponse()
	resp.Version = req.Version
	for _, t := range req.Topics {
		answer := kmsg.NewAlterPartitionAssignmentsResponseTopic()
		answer.Topic = t.Topic
		for _, p := range t.Partitions {
			a := kmsg.NewAlterPartitionAssignmentsResponseTopicPartition()
			a.Partition = p.Partition
			refused, err := c.move(existing[t.Topic], t.Topic, p)
			if err != nil {
				return nil, err
			}
			if refused != nil {
				a.ErrorCode, a.ErrorMessage = refused.code, refused.message
			}
			answer.Partitions = append(answer.Partitions, a)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp, nil
}

func (c *Cluster) move(
	topic *kmsg.MetadataResponseTopic, name string, p kmsg.AlterPartitionAssignmentsRequestTopicPartition,
) (*refusal, error) {
	if topic == nil {
		return refuse(kerr.UnknownTopicOrPartition, "Unable to find a topic named %s.", name), nil
	}
	i := slices.IndexFunc(topic.Partitions, func(have kmsg.MetadataResponseTopicPartition) bool { return have.Partition == p.Partition })
	if i < 0 {
		return refuse(kerr.UnknownTopicOrPartition, "Unable to find partition %s:%d.", name, p.Partition), nil
	}
	if p.Replicas == nil {
		return c.stay(topic, p.Partition), nil
	}
	if refused := c.checkBrokers(p.Replicas); refused != nil {
		return refused, nil
	}
	return nil, c.place(topic, topic.Partitions[i], p.Replicas)
}

// stay ends the moving of a partition.
func (c *Cluster) stay(topic *kmsg.MetadataResponseTopic, partition int32) *refusal {
	c.placing.Lock()
	defer c.placing.Unlock()
	at := c.placement(topic.TopicID, partition)
	if at == nil || at.target == nil {
		return &refusal{code: kerr.NoReassignmentInProgress.Code}
	}
	at.target = nil
	return nil
}

func (c *Cluster) place(topic *kmsg.MetadataResponseTopic, have kmsg.MetadataResponseTopicPartition, target []int32) error {
	c.placing.Lock()
	at := c.placement(topic.TopicID, have.Partition)
	if at == nil {
		if c.placed[topic.TopicID] == nil {
			c.placed[topic.TopicID] = map[int32]*placement{}
		}
		at = &placement{replicas: have.Replicas}
		c.placed[topic.TopicID][have.Partition] = at
	}
	at.target, at.until = nil, time.Time{}
	if c.reassignmentTime > 0 && len(without(target, at.replicas)) > 0 && slices.Contains(target, have.Leader) {
		at.target, at.until = target, time.Now().Add(c.reassignmentTime)
		c.placing.Unlock()
		return nil
	}
	at.replicas = target
	c.placing.Unlock()
	if slices.Contains(target, have.Leader) {
		return nil
	}
	return c.fake.MoveTopicPartition(*topic.Topic, have.Partition, target[0])
}

// placement answers where a partition is, with what has arrived by now; nil where kfake knows. It is called with the
// lock held.
func (c *Cluster) placement(topic [16]byte, partition int32) *placement {
	at := c.placed[topic][partition]
	if at != nil && at.target != nil && !time.Now().Before(at.until) {
		at.replicas, at.target = at.target, nil
	}
	return at
}

// listPartitionReassignments tells what moves.
func (c *Cluster) listPartitionReassignments(
	ctx context.Context, _ int32, req *kmsg.ListPartitionReassignmentsRequest,
) (*kmsg.ListPartitionReassignmentsResponse, error) {
	resp := kmsg.NewPtrListPartitionReassignmentsResponse()
	resp.Version = req.Version
	var names []string // nil: all
	wanted := map[string][]int32{}
	for _, t := range req.Topics {
		names = append(names, t.Topic)
		wanted[t.Topic] = t.Partitions
	}
	existing, err := c.described(ctx, names)
	if err != nil {
		return nil, err
	}
	c.placing.Lock()
	defer c.placing.Unlock()
	for name, topic := range existing {
		answer := kmsg.NewListPartitionReassignmentsResponseTopic()
		answer.Topic = name
		for _, p := range topic.Partitions {
			at := c.placement(topic.TopicID, p.Partition)
			if at == nil || at.target == nil || req.Topics != nil && !slices.Contains(wanted[name], p.Partition) {
				continue
			}
			one := kmsg.NewListPartitionReassignmentsResponseTopicPartition()
			one.Partition, one.Replicas, one.AddingReplicas, one.RemovingReplicas = p.Partition, at.all(), at.adding(), at.removing()
			answer.Partitions = append(answer.Partitions, one)
		}
		if len(answer.Partitions) > 0 {
			resp.Topics = append(resp.Topics, answer)
		}
	}
	return resp, nil
}

// FinishReassignments ends all moving of replicas: they have arrived.
func (c *Cluster) FinishReassignments() {
	c.placing.Lock()
	defer c.placing.Unlock()
	for _, partitions := range c.placed {
		for _, at := range partitions {
			at.until = time.Time{}
		}
	}
}

// lag is a topic that a broker does not know of yet.
type lag struct {
	broker int32
	topic  string
}

// Lag has a broker answer that it knows of no such topic, as one does that is behind the controller, until it is told
// otherwise.
func (c *Cluster) Lag(broker int32, topic string, lags bool) {
	c.placing.Lock()
	defer c.placing.Unlock()
	c.lagging[lag{broker, topic}] = lags
}

// completes says whether kfake's answers need to be completed: replicas were moved, or a broker lags.
func (c *Cluster) completes() bool {
	c.placing.Lock()
	defer c.placing.Unlock()
	return len(c.placed) > 0 || len(c.lagging) > 0
}

// metadata has kfake answer and puts the replicas where they are.
func (c *Cluster) metadata(ctx context.Context, node int32, req *kmsg.MetadataRequest) (*kmsg.MetadataResponse, error) {
	ask := kmsg.NewPtrMetadataRequest()
	ask.Topics, ask.AllowAutoTopicCreation = req.Topics, req.AllowAutoTopicCreation
	ask.IncludeClusterAuthorizedOperations, ask.IncludeTopicAuthorizedOperations = req.IncludeClusterAuthorizedOperations, req.IncludeTopicAuthorizedOperations
	resp, err := send[*kmsg.MetadataResponse](ctx, c, node, ask)
	if err != nil {
		return nil, err
	}
	c.complete(resp)
	c.behind(node, req.Topics == nil, resp)
	resp.Version = req.Version
	return resp, nil
}

// behind takes out what the broker does not know yet.
func (c *Cluster) behind(node int32, all bool, resp *kmsg.MetadataResponse) {
	c.placing.Lock()
	defer c.placing.Unlock()
	lags := func(t kmsg.MetadataResponseTopic) bool { return t.Topic != nil && c.lagging[lag{node, *t.Topic}] }
	if all {
		resp.Topics = slices.DeleteFunc(resp.Topics, lags)
		return
	}
	for i, t := range resp.Topics {
		if lags(t) {
			resp.Topics[i] = kmsg.NewMetadataResponseTopic()
			resp.Topics[i].Topic, resp.Topics[i].ErrorCode = t.Topic, kerr.UnknownTopicOrPartition.Code
		}
	}
}

func (c *Cluster) complete(resp *kmsg.MetadataResponse) {
	c.placing.Lock()
	defer c.placing.Unlock()
	for _, t := range resp.Topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			p.Replicas, p.ISR = c.where(t.TopicID, p.Partition, p.Leader, p.Replicas)
		}
	}
}

// where answers the replicas of a partition and those in sync. A partition that was added later has as many replicas as
// the first one, as on a broker. It is called with the lock held.
func (c *Cluster) where(topic [16]byte, partition, leader int32, kfakes []int32) (replicas, isr []int32) {
	if at := c.placement(topic, partition); at != nil {
		return at.all(), at.replicas
	}
	first := c.placement(topic, 0)
	if first == nil {
		return kfakes, kfakes
	}
	begin := slices.Index(c.brokers, leader)
	for i := range first.replicas {
		replicas = append(replicas, c.brokers[(begin+i)%len(c.brokers)])
	}
	return replicas, replicas
}

// describeTopicPartitions is metadata for the newer request of Java's admin client.
func (c *Cluster) describeTopicPartitions(
	ctx context.Context, node int32, req *kmsg.DescribeTopicPartitionsRequest,
) (*kmsg.DescribeTopicPartitionsResponse, error) {
	ask := kmsg.NewPtrDescribeTopicPartitionsRequest()
	ask.Topics, ask.ResponsePartitionLimit, ask.Cursor = req.Topics, req.ResponsePartitionLimit, req.Cursor
	resp, err := send[*kmsg.DescribeTopicPartitionsResponse](ctx, c, node, ask)
	if err != nil {
		return nil, err
	}
	c.placing.Lock()
	defer c.placing.Unlock()
	for _, t := range resp.Topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			p.Replicas, p.ISR = c.where(t.TopicID, p.Partition, p.LeaderID, p.Replicas)
		}
	}
	resp.Version = req.Version
	return resp, nil
}
