package topic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// rateWindow is the time that rates are taken over.
const rateWindow = 5 * time.Minute

// Figures reads how much is in a topic, how much comes, and where it is.
func (s *Service) Figures(ctx context.Context, connection, name string) (*api.TopicFigures, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	st, err := s.readOrForget(ctx, c, name)
	if err != nil {
		return nil, err
	}
	meta, err := c.admin.Metadata(kafka.Fresh(ctx), name)
	if err != nil {
		return nil, c.failure("read where topic "+name+" is", err)
	}
	m := c.measure(ctx, st, true)
	if m.err != nil {
		s.log.DebugContext(ctx, "figures of a topic are not all known", slog.String("topic", name), slog.Any("error", m.err))
	}
	return m.figures(st, meta), nil
}

// measures are what brokers tell of the content of a topic. What they do not tell is missing, and err says why.
type measures struct {
	starts, ends, since kadm.ListedOffsets // nil: not known
	newest              kadm.ListedOffsets
	dirs                kadm.DescribedAllLogDirs
	err                 error
}

// measure asks for everything at once; what was written lately only where rates are wanted.
func (c *cluster) measure(ctx context.Context, st *state, rates bool) *measures {
	m := &measures{}
	var errs [5]error
	var asking errgroup.Group
	ask := func(i int, what string, into *kadm.ListedOffsets, list func() (kadm.ListedOffsets, error)) {
		asking.Go(func() error {
			listed, err := list()
			if err == nil {
				err = listed.Error()
			}
			if err != nil {
				errs[i] = fmt.Errorf("list %s: %w", what, err)
				return nil
			}
			*into = listed
			return nil
		})
	}
	ask(0, "start offsets", &m.starts, func() (kadm.ListedOffsets, error) { return c.admin.ListStartOffsets(ctx, st.name) })
	ask(1, "end offsets", &m.ends, func() (kadm.ListedOffsets, error) { return c.admin.ListEndOffsets(ctx, st.name) })
	ask(2, "newest timestamps", &m.newest, func() (kadm.ListedOffsets, error) { return c.admin.ListMaxTimestampOffsets(ctx, st.name) })
	if rates {
		from := time.Now().Add(-rateWindow).UnixMilli()
		ask(3, "offsets by time", &m.since, func() (kadm.ListedOffsets, error) { return c.admin.ListOffsetsAfterMilli(ctx, from, st.name) })
	}
	asking.Go(func() error {
		var all kadm.TopicsSet
		for id := range int32(st.partitions) { // #nosec G115 -- Kafka counts partitions in 32 bits
			all.Add(st.name, id)
		}
		dirs, err := c.admin.DescribeAllLogDirs(ctx, all)
		if err != nil {
			errs[4] = fmt.Errorf("describe log directories: %w", err)
			return nil
		}
		m.dirs = dirs
		return nil
	})
	_ = asking.Wait() // the errors are kept one by one
	m.err = errors.Join(errs[:]...)
	return m
}

// records counts by offsets.
func (m *measures) records() (int64, bool) { return between(m.starts, m.ends) }

// between is the sum of the differences of offsets.
func between(from, to kadm.ListedOffsets) (int64, bool) {
	if from == nil || to == nil {
		return 0, false
	}
	var n int64
	to.Each(func(end kadm.ListedOffset) {
		if start, ok := from.Lookup(end.Topic, end.Partition); ok {
			n += max(0, end.Offset-start.Offset)
		}
	})
	return n, true
}

// lastWrite is the newest timestamp of a record; nil when there is none, or when it is not known.
func (m *measures) lastWrite() *time.Time {
	newest := int64(-1)
	m.newest.Each(func(o kadm.ListedOffset) { newest = max(newest, o.Timestamp) })
	if newest < 0 {
		return nil
	}
	at := time.UnixMilli(newest).UTC()
	return &at
}

// size is how many bytes of a partition a broker holds.
func (m *measures) size(topic string, partition, broker int32) (int64, bool) {
	dirs, ok := m.dirs[broker]
	if !ok {
		return 0, false
	}
	for _, dir := range dirs {
		if p, ok := dir.Topics.Lookup(topic, partition); ok && !p.IsFuture && dir.Err == nil {
			return p.Size, true
		}
	}
	return 0, false
}

// sizes are the bytes on the leaders, and those with all replicas.
func (m *measures) sizes(topic string, details kadm.PartitionDetails) (leaders, all int64, known bool) {
	for _, p := range details {
		for _, broker := range p.Replicas {
			size, ok := m.size(topic, p.Partition, broker)
			if !ok {
				return 0, 0, false
			}
			all += size
			if broker == p.Leader {
				leaders += size
			}
		}
		if p.Leader < 0 {
			return 0, 0, false
		}
	}
	return leaders, all, true
}

func (st *state) compacted() bool {
	policy, _ := st.config("cleanup.policy")
	return strings.Contains(policy.value, "compact")
}

func (m *measures) figures(st *state, meta kadm.Metadata) *api.TopicFigures {
	details := meta.Topics[st.name].Partitions
	f := &api.TopicFigures{LastWrite: m.lastWrite(), Partitions: m.partitions(st.name, details), Brokers: brokerFigures(meta, details)}
	records, counted := m.records()
	if counted && (!st.compacted() || records == 0) {
		f.Records = &records
	}
	size, all, sized := m.sizes(st.name, details)
	if sized {
		f.SizeBytes, f.SizeBytesAll = &size, &all
	}
	written, known := between(m.since, m.ends)
	if !known || !counted || records == 0 {
		return f
	}
	rate := float64(written) / rateWindow.Seconds()
	f.RecordsPerSecond = &rate
	if sized && !st.compacted() {
		bytes := rate * float64(size) / float64(records)
		f.BytesPerSecond = &bytes
	}
	return f
}

func (m *measures) partitions(topic string, details kadm.PartitionDetails) []api.PartitionFigure {
	all := make([]api.PartitionFigure, 0, len(details))
	for _, p := range details.Sorted() {
		one := api.PartitionFigure{Partition: int64(p.Partition), Replicas: wide(p.Replicas), InSync: wide(p.ISR)}
		if p.Leader >= 0 {
			one.Leader = new(int64(p.Leader))
		}
		if start, ok := m.starts.Lookup(topic, p.Partition); ok {
			one.EarliestOffset = &start.Offset
		}
		if end, ok := m.ends.Lookup(topic, p.Partition); ok {
			one.LatestOffset = &end.Offset
		}
		if size, ok := m.size(topic, p.Partition, p.Leader); ok {
			one.SizeBytes = &size
		}
		all = append(all, one)
	}
	return all
}

func brokerFigures(meta kadm.Metadata, details kadm.PartitionDetails) []api.BrokerFigure {
	all := make([]api.BrokerFigure, 0, len(meta.Brokers))
	for _, b := range meta.Brokers {
		one := api.BrokerFigure{Broker: int64(b.NodeID)}
		if b.Rack != nil {
			one.Rack = *b.Rack
		}
		for _, p := range details {
			for _, id := range p.Replicas {
				if id == b.NodeID {
					one.Replicas++
				}
			}
			if p.Leader == b.NodeID {
				one.Leaders++
			}
		}
		all = append(all, one)
	}
	return all
}

func wide(ids []int32) []int64 {
	all := make([]int64, 0, len(ids))
	for _, id := range ids {
		all = append(all, int64(id))
	}
	return all
}
