package group

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// lookTimeout bounds the look at the next record of each partition. What does not come in time is not known.
	lookTimeout = 5 * time.Second
	// lookBytes is what a broker sends of a partition; it sends at least a batch.
	lookBytes = 1 << 10
)

// partition is one of a topic.
type partition struct {
	topic string
	id    int32
}

// ends are what brokers tell of topics.
type ends struct {
	starts, ends kadm.ListedOffsets
	compacted    map[string]bool
}

// measure fills in offsets and lags.
func (s *Service) measure(ctx context.Context, c *kafka.Cluster, groups []*api.ConsumerGroup) error {
	if len(groups) == 0 {
		return nil
	}
	names := make([]string, 0, len(groups))
	for _, g := range groups {
		names = append(names, g.Name)
	}
	fetched := c.Admin.FetchManyOffsets(ctx, names...)
	topics := map[string]bool{}
	for _, g := range groups {
		one := fetched[g.Name]
		if one.Err != nil && !errors.Is(one.Err, kerr.GroupIDNotFound) {
			return failure(c, "read the offsets of consumer group "+g.Name, one.Err)
		}
		g.Offsets = offsets(g, one.Fetched)
		for _, o := range g.Offsets {
			topics[o.Topic] = true
		}
	}
	known, err := look(ctx, c, slices.Sorted(maps.Keys(topics)))
	if err != nil {
		return failure(c, "read the offsets of the topics that the groups read", err)
	}
	for _, g := range groups {
		for i := range g.Offsets {
			known.fill(&g.Offsets[i])
		}
	}
	s.ages(ctx, c, groups)
	for _, g := range groups {
		sum(g)
	}
	return nil
}

// offsets are the partitions with a committed offset, and those that members have.
func offsets(g *api.ConsumerGroup, fetched kadm.OffsetResponses) []api.GroupOffset {
	all := map[partition]*int64{}
	for _, m := range g.Members {
		for _, a := range m.Assignments {
			for _, p := range a.Partitions {
				all[partition{a.Topic, int32(p)}] = nil // #nosec G115 -- Kafka counts partitions in 32 bits
			}
		}
	}
	fetched.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil && o.At >= 0 {
			all[partition{o.Topic, o.Partition}] = new(o.At)
		}
	})
	list := make([]api.GroupOffset, 0, len(all))
	for at, committed := range all {
		list = append(list, api.GroupOffset{Topic: at.topic, Partition: int64(at.id), Committed: committed})
	}
	slices.SortFunc(list, func(a, b api.GroupOffset) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return list
}

// look asks for what topics hold. Of a topic that is gone nothing is known.
func look(ctx context.Context, c *kafka.Cluster, topics []string) (*ends, error) {
	known := &ends{compacted: map[string]bool{}}
	if len(topics) == 0 {
		return known, nil
	}
	ctx = kafka.Fresh(ctx)
	var err error
	if known.starts, err = c.Admin.ListStartOffsets(ctx, topics...); err != nil {
		return nil, err
	}
	if known.ends, err = c.Admin.ListEndOffsets(ctx, topics...); err != nil {
		return nil, err
	}
	// Without the right to see configs, it is not known whether a topic is compacted: then its lag is told as approximate.
	configs, err := c.Admin.DescribeTopicConfigs(ctx, topics...)
	for _, topic := range topics {
		known.compacted[topic] = err != nil
	}
	for _, config := range configs {
		known.compacted[config.Name] = config.Err != nil
		for _, one := range config.Configs {
			if one.Key == "cleanup.policy" {
				known.compacted[config.Name] = strings.Contains(one.MaybeValue(), "compact")
			}
		}
	}
	return known, nil
}

func (e *ends) fill(o *api.GroupOffset) {
	id := int32(o.Partition) // #nosec G115 -- Kafka counts partitions in 32 bits
	start, ok := e.starts.Lookup(o.Topic, id)
	if ok && start.Err == nil {
		o.Earliest = new(start.Offset)
	}
	end, ok := e.ends.Lookup(o.Topic, id)
	if ok && end.Err == nil {
		o.Latest = new(end.Offset)
	}
	if o.Committed == nil || o.Earliest == nil || o.Latest == nil {
		return
	}
	o.Lag = new(max(0, *o.Latest-max(*o.Committed, *o.Earliest)))
	o.Approximate = e.compacted[o.Topic] && *o.Lag > 0
	if *o.Lag == 0 {
		o.LagSeconds = new(0.0)
	}
}

// places are the partitions in which groups have something to read, by the next offset.
type places map[partition]map[int64][]*api.GroupOffset

func placesOf(groups []*api.ConsumerGroup) places {
	all := places{}
	for _, g := range groups {
		for i := range g.Offsets {
			o := &g.Offsets[i]
			if o.Lag == nil || *o.Lag == 0 {
				continue
			}
			at := partition{o.Topic, int32(o.Partition)} // #nosec G115 -- Kafka counts partitions in 32 bits
			if all[at] == nil {
				all[at] = map[int64][]*api.GroupOffset{}
			}
			next := max(*o.Committed, *o.Earliest)
			all[at][next] = append(all[at][next], o)
		}
	}
	return all
}

// take takes out one place of each partition.
func (p places) take() (round map[partition]int64, waiting map[partition][]*api.GroupOffset) {
	round, waiting = map[partition]int64{}, map[partition][]*api.GroupOffset{}
	for at, all := range p {
		for next, offsets := range all {
			round[at], waiting[at] = next, offsets
			delete(all, next)
			break
		}
		if len(all) == 0 {
			delete(p, at)
		}
	}
	return round, waiting
}

// ages finds out how long the next records have been waiting. Groups that stand at different places of a partition are
// looked at one after the other.
func (s *Service) ages(ctx context.Context, c *kafka.Cluster, groups []*api.ConsumerGroup) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	for left := placesOf(groups); len(left) > 0 && ctx.Err() == nil; {
		round, waiting := left.take()
		ends := map[partition]int64{}
		for at, offsets := range waiting {
			ends[at] = *offsets[0].Latest
		}
		times, err := s.timestamps(ctx, c, round, ends)
		if err != nil {
			s.log.DebugContext(ctx, "how long records have been waiting is not all known", slog.String("connection", c.Connection), slog.Any("error", err))
		}
		for at, t := range times {
			for _, o := range waiting[at] {
				o.LagSeconds = new(max(0, time.Since(t).Seconds()))
			}
		}
	}
}

// timestamps reads one record of each partition, at the offset or the next that is there. Where nothing follows but markers
// of transactions, nothing waits, and it is now.
func (s *Service) timestamps(ctx context.Context, c *kafka.Cluster, round, ends map[partition]int64) (map[partition]time.Time, error) {
	from := map[string]map[int32]kgo.Offset{}
	for at, next := range round {
		if from[at.topic] == nil {
			from[at.topic] = map[int32]kgo.Offset{}
		}
		from[at.topic][at.id] = kgo.NewOffset().At(next)
	}
	target, err := s.conns.Resolve(ctx, c.Connection, "/connection", kafka.KindName)
	if err != nil {
		return nil, err
	}
	client, err := kafka.NewClient(target, kgo.ConsumePartitions(from), kgo.FetchMaxPartitionBytes(lookBytes), kgo.FetchMaxWait(200*time.Millisecond), kgo.KeepControlRecords(),
		kgo.MetadataMinAge(lookTimeout/20)) // a leader that just moved costs a part of the time only
	if err != nil {
		return nil, err
	}
	defer client.Close()
	times := map[partition]time.Time{}
	for len(times) < len(round) {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return times, ctx.Err()
		}
		if err := fetches.Err(); err != nil {
			return times, err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			at := partition{p.Topic, p.Partition}
			if t, ok := waitingSince(p.Records, ends[at]); ok && times[at].IsZero() {
				times[at] = t
				client.PauseFetchPartitions(map[string][]int32{p.Topic: {p.Partition}})
			}
		})
	}
	return times, nil
}

// waitingSince answers false when the records do not tell yet.
func waitingSince(records []*kgo.Record, end int64) (time.Time, bool) {
	for _, r := range records {
		if !r.Attrs.IsControl() {
			return r.Timestamp, true
		}
		if r.Offset >= end-1 {
			return time.Now(), true
		}
	}
	return time.Time{}, false
}

// sum adds up what is known of all partitions.
func sum(g *api.ConsumerGroup) {
	records, oldest := new(int64), new(float64)
	found := false
	for _, o := range g.Offsets {
		if o.Committed == nil {
			continue
		}
		found = true
		if o.Lag == nil {
			records = nil
		} else if records != nil {
			*records += *o.Lag
		}
		if o.LagSeconds == nil {
			oldest = nil
		} else if oldest != nil {
			*oldest = max(*oldest, *o.LagSeconds)
		}
	}
	if found {
		g.Lag, g.LagSeconds = records, oldest
	}
}
