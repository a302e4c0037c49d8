package devkafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeConsumerGroups has kfake describe the groups of the newer protocol, and adds the names of the topics, of which it
// tells the ids only.
func (c *Cluster) describeConsumerGroups(ctx context.Context, node int32, req *kmsg.ConsumerGroupDescribeRequest) (*kmsg.ConsumerGroupDescribeResponse, error) {
	ask := kmsg.NewPtrConsumerGroupDescribeRequest()
	ask.Groups, ask.IncludeAuthorizedOperations = req.Groups, req.IncludeAuthorizedOperations
	resp, err := send[*kmsg.ConsumerGroupDescribeResponse](ctx, c, node, ask)
	if err != nil {
		return nil, err
	}
	meta, err := send[*kmsg.MetadataResponse](ctx, c, c.controller, kmsg.NewPtrMetadataRequest())
	if err != nil {
		return nil, err
	}
	names := map[[16]byte]string{}
	for _, t := range meta.Topics {
		if t.Topic != nil {
			names[t.TopicID] = *t.Topic
		}
	}
	for _, group := range resp.Groups {
		for _, member := range group.Members {
			for _, assignment := range []kmsg.Assignment{member.Assignment, member.TargetAssignment} {
				for i, t := range assignment.TopicPartitions {
					if t.Topic == "" {
						assignment.TopicPartitions[i].Topic = names[t.TopicID]
					}
				}
			}
		}
	}
	resp.Version = req.Version
	return resp, nil
}
