package devkafka

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// alterPartitionAssignments refuses to move replicas: kfake would say yes and move nothing. What is already as wanted
// is taken, and mistakes are answered as Kafka answers them.
func (c *Cluster) alterPartitionAssignments(
	ctx context.Context, _ int32, req *kmsg.AlterPartitionAssignmentsRequest,
) (*kmsg.AlterPartitionAssignmentsResponse, error) {
	var names []string
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	existing, err := c.topics(ctx, names)
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
			if refused := c.checkMove(t.Topic, p, existing); refused != nil {
				a.ErrorCode, a.ErrorMessage = refused.code, refused.message
			}
			answer.Partitions = append(answer.Partitions, a)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp, nil
}

func (c *Cluster) checkMove(
	topic string, p kmsg.AlterPartitionAssignmentsRequestTopicPartition, existing map[string]map[int32][]int32,
) *refusal {
	partitions, ok := existing[topic]
	if !ok {
		return refuse(kerr.UnknownTopicOrPartition, "Unable to find a topic named %s.", topic)
	}
	replicas, ok := partitions[p.Partition]
	switch {
	case !ok:
		return refuse(kerr.UnknownTopicOrPartition, "Unable to find partition %s:%d.", topic, p.Partition)
	case p.Replicas == nil:
		return &refusal{code: kerr.NoReassignmentInProgress.Code}
	case slices.Equal(p.Replicas, replicas):
		return nil
	}
	if refused := c.checkReplicas(p.Replicas, len(p.Replicas)); refused != nil {
		return refused
	}
	return refuse(kerr.PolicyViolation, "The in-memory Kafka API does not move replicas.")
}
