package topic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// keysTime bounds the look for keys in a topic.
	keysTime = 3 * time.Second

	// keysBack is how many offsets before its end a partition is looked at, and keysBytes how much of it.
	keysBack  = 20
	keysBytes = 64 << 10
)

// reordered warns of a growth that sends new records of a key to another partition than those before.
func (c *cluster) reordered(ctx context.Context, ch change) []api.Warning {
	if ch.grow == 0 {
		return nil
	}
	name := ch.have.name
	if ch.have.compacted() || ch.applied(ch.have).compacted() {
		return []api.Warning{{
			Attribute: "/partitions", Summary: fmt.Sprintf("Topic %q is compacted: with more partitions its keys are out of order", name),
			Detail: "Records are placed by the hash of their key over the number of partitions, and those that are there do not move. Of a key that is placed elsewhere from now on, " +
				"the last record before stays where it is and is never compacted away, and readers may see it after newer ones. " +
				"To keep the order, make a new topic with the number of partitions that it needs, and copy the records.",
		}}
	}
	keyed, err := c.keyed(ctx, ch.have)
	switch {
	case err != nil:
		return []api.Warning{{
			Attribute: "/partitions", Summary: fmt.Sprintf("If records of topic %q have keys, more partitions put them out of order", name),
			Detail: fmt.Sprintf("Whether they have could not be seen: %v. New records of a key may go to another partition than those before, and readers may see them first.", err),
		}}
	case !keyed:
		return nil
	}
	return []api.Warning{{
		Attribute: "/partitions", Summary: fmt.Sprintf("Records of topic %q have keys: more partitions put them out of order", name),
		Detail: "Records are placed by the hash of their key over the number of partitions, and those that are there do not move. New records of a key may go to another partition than those before, " +
			"and readers may see them first. Where order counts, grow the topic when its readers have caught up and its writers pause, or make a new topic with more partitions.",
	}}
}

// keyed says whether any of the newest records of a topic has a key.
func (c *cluster) keyed(ctx context.Context, st *state) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, keysTime)
	defer cancel()
	requests, err := c.newest(ctx, st)
	if err != nil {
		return false, err
	}
	for broker, req := range requests {
		resp, err := c.client.Broker(int(broker)).RetriableRequest(ctx, req)
		if err != nil {
			return false, fmt.Errorf("read records: %w", err)
		}
		fetched, ok := resp.(*kmsg.FetchResponse)
		if !ok {
			return false, fmt.Errorf("read records: the broker answers %T", resp)
		}
		if found, err := anyKey(st.name, fetched); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// newest are requests for the newest records of the partitions that have any, by the broker that leads them.
func (c *cluster) newest(ctx context.Context, st *state) (map[int32]*kmsg.FetchRequest, error) {
	meta, err := c.admin.Metadata(kadm.WithAuthorizedOps(ctx), st.name)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	starts, err := c.admin.ListStartOffsets(ctx, st.name)
	if err := errors.Join(err, starts.Error()); err != nil {
		return nil, fmt.Errorf("list start offsets: %w", err)
	}
	ends, err := c.admin.ListEndOffsets(ctx, st.name)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	requests := map[int32]*kmsg.FetchRequest{}
	for _, p := range meta.Topics[st.name].Partitions {
		start, hasStart := starts.Lookup(st.name, p.Partition)
		end, hasEnd := ends.Lookup(st.name, p.Partition)
		if !hasStart || !hasEnd || start.Offset >= end.Offset || p.Leader < 0 {
			continue
		}
		req := requests[p.Leader]
		if req == nil {
			req = newestRequest(st)
			requests[p.Leader] = req
		}
		one := kmsg.NewFetchRequestTopicPartition()
		one.Partition, one.FetchOffset, one.PartitionMaxBytes, one.CurrentLeaderEpoch = p.Partition, max(start.Offset, end.Offset-keysBack), keysBytes, -1
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, one)
	}
	return requests, nil
}

func newestRequest(st *state) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.MaxWaitMillis, req.MinBytes, req.SessionEpoch = 1<<20, 100, 1, -1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = st.name, st.id
	req.Topics = append(req.Topics, topic)
	return req
}

func anyKey(topic string, resp *kmsg.FetchResponse) (bool, error) {
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return false, fmt.Errorf("read records: %w", err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return false, fmt.Errorf("read partition %d: %w", p.Partition, err)
			}
			read, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: topic, Partition: p.Partition}, &p, kgo.DefaultDecompressor(), nil)
			for _, r := range read.Records {
				if r.Key != nil {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
