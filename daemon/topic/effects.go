package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// maxGroups is how many consumer groups are named one by one.
const maxGroups = 25

// maxReaders is how many connectors are named one by one.
const maxReaders = 25

// effects says what goes with a topic: its records, and what is left without it.
func (s *Service) effects(ctx context.Context, c *cluster, st *state) (*api.Deletion, error) {
	records, n := c.records(ctx, st)
	effects := append([]api.Warning{records}, c.groups(ctx, st.name)...)
	readers, err := s.readersOf(ctx, c, st.name)
	if err != nil {
		return nil, err
	}
	return &api.Deletion{Effects: append(effects, readers...), Records: n}, nil
}

// readersOf names the connectors that read a topic, the daemon's own and others'.
func (s *Service) readersOf(ctx context.Context, c *cluster, topic string) ([]api.Warning, error) {
	s.mu.Lock()
	finders := slices.Clone(s.readers)
	s.mu.Unlock()
	if len(finders) == 0 {
		return nil, nil
	}
	brokers, err := c.admin.BrokerMetadata(ctx)
	if err != nil {
		return nil, c.failure("read the cluster id", err)
	}
	var readers []api.Warning
	for _, find := range finders {
		found, err := find(ctx, c.name, brokers.Cluster, topic)
		if err != nil {
			return nil, err
		}
		readers = append(readers, found...)
	}
	if more := len(readers) - maxReaders; more > 0 {
		readers = append(readers[:maxReaders], api.Warning{Summary: fmt.Sprintf("%s more read it", plural(int64(more), "connector"))})
	}
	return readers, nil
}

// records tells how much is in a topic and when something was written last, and answers the number, nil when it is not known.
func (c *cluster) records(ctx context.Context, st *state) (api.Warning, *int64) {
	partitions := plural(int64(st.partitions), "partition")
	if st.partitions == 1 {
		partitions = "only partition"
	}
	m := c.measure(ctx, st, false)
	n, known := m.records()
	if !known {
		return api.Warning{Summary: "All records in its " + partitions + " go", Detail: fmt.Sprintf("They could not be counted: %v.", m.err)}, nil
	}
	if n == 0 {
		return api.Warning{Summary: "Its " + partitions + " " + verb(int64(st.partitions)) + ", without records"}, &n
	}
	detail := m.content(ctx, c, st)
	records := plural(n, "record") + " in " + plural(int64(st.partitions), "partition") + " " + verb(n)
	if st.compacted() {
		return api.Warning{Summary: "Up to " + records, Detail: detail + "The records are counted by their offsets; compaction has removed some already."}, &n
	}
	return api.Warning{Summary: capital(records), Detail: detail + "The records are counted by their offsets; where producers use transactions, their markers count too."}, &n
}

// content words the bytes and the last write, as far as they are known.
func (m *measures) content(ctx context.Context, c *cluster, st *state) string {
	var all []string
	if meta, err := c.admin.Metadata(kafka.Fresh(ctx), st.name); err == nil {
		if size, replicated, known := m.sizes(st.name, meta.Topics[st.name].Partitions); known {
			all = append(all, fmt.Sprintf("They take %s on disk, %s with all replicas", bytesText(size), bytesText(replicated)))
		}
	}
	if at := m.lastWrite(); at != nil {
		all = append(all, fmt.Sprintf("The newest is of %s", at.Format("2006-01-02 15:04:05 MST")))
	}
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, ". ") + ". "
}

func bytesText(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

// group is a consumer group that has to do with a topic.
type group struct {
	name      string
	state     string
	members   int
	readers   int // members that have partitions of the topic
	committed bool
}

// groups names the consumer groups that read the topic, or once did.
func (c *cluster) groups(ctx context.Context, topic string) []api.Warning {
	concerned, err := c.groupsOf(ctx, topic)
	effects := make([]api.Warning, 0, len(concerned)+1)
	for i, g := range concerned {
		if i == maxGroups {
			effects = append(effects, api.Warning{Summary: fmt.Sprintf("%s more have to do with it", plural(int64(len(concerned)-i), "consumer group"))})
			break
		}
		effects = append(effects, g.effect())
	}
	if err != nil {
		effects = append(effects, api.Warning{Summary: "Not all consumer groups could be looked at", Detail: fmt.Sprintf("There may be others that read it: %v.", err)})
	}
	return effects
}

func (g group) effect() api.Warning {
	detail := fmt.Sprintf("State %s, %s", g.state, plural(int64(g.members), "member"))
	if g.committed {
		detail += "; its committed offsets for the topic go too"
	}
	if g.readers > 0 {
		return api.Warning{Summary: fmt.Sprintf("Consumer group %q is reading it", g.name), Detail: detail + "."}
	}
	return api.Warning{Summary: fmt.Sprintf("Consumer group %q has committed offsets for it", g.name), Detail: detail + "."}
}

// groupsOf finds the groups by name. With an error it answers those that it could find out about.
func (c *cluster) groupsOf(ctx context.Context, topic string) ([]group, error) {
	listed, err := c.admin.ListGroups(ctx)
	all := map[string]*group{}
	for _, l := range listed {
		// A client that commits without joining a group makes one without a protocol type.
		if l.ProtocolType == "consumer" || l.ProtocolType == "" {
			all[l.Group] = &group{name: l.Group, state: l.State}
		}
	}
	if len(all) == 0 {
		return nil, err
	}
	errs := []error{err, c.committed(ctx, topic, all), c.members(ctx, topic, all)}
	var concerned []group
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if g := all[name]; g.committed || g.readers > 0 {
			concerned = append(concerned, *g)
		}
	}
	return concerned, errors.Join(errs...)
}

func (c *cluster) committed(ctx context.Context, topic string, all map[string]*group) error {
	var errs []error
	for name, fetched := range c.admin.FetchManyOffsets(ctx, slices.Sorted(maps.Keys(all))...) {
		switch {
		case fetched.Err == nil:
			all[name].committed = hasOffsets(fetched.Fetched[topic])
		case !errors.Is(fetched.Err, kerr.GroupIDNotFound):
			errs = append(errs, fmt.Errorf("read offsets of group %s: %w", name, fetched.Err))
		}
	}
	return errors.Join(errs...)
}

func hasOffsets(partitions map[int32]kadm.OffsetResponse) bool {
	for _, p := range partitions {
		if p.At >= 0 {
			return true
		}
	}
	return false
}

// members looks at who is in the groups. Groups of the newer protocol (KIP-848) are not found as classic ones.
func (c *cluster) members(ctx context.Context, topic string, all map[string]*group) error {
	described, err := c.admin.DescribeGroups(ctx, slices.Sorted(maps.Keys(all))...)
	var newer []string
	for name, d := range described {
		if errors.Is(d.Err, kerr.GroupIDNotFound) || d.State == "Dead" {
			newer = append(newer, name)
			continue
		}
		if d.Err != nil {
			err = errors.Join(err, fmt.Errorf("describe group %s: %w", name, d.Err))
			continue
		}
		g := all[name]
		g.state, g.members = d.State, len(d.Members)
		for _, m := range d.Members {
			if reads(m, topic) {
				g.readers++
			}
		}
	}
	if len(newer) == 0 {
		return err
	}
	return errors.Join(err, c.newerMembers(ctx, topic, newer, all))
}

func reads(m kadm.DescribedGroupMember, topic string) bool {
	assigned, ok := m.Assigned.AsConsumer()
	if !ok {
		return false
	}
	for _, t := range assigned.Topics {
		if t.Topic == topic && len(t.Partitions) > 0 {
			return true
		}
	}
	return false
}

func (c *cluster) newerMembers(ctx context.Context, topic string, names []string, all map[string]*group) error {
	described, err := c.admin.DescribeConsumerGroups(ctx, names...)
	for name, d := range described {
		// A group that is gone by now has nothing to lose.
		if d.Err != nil {
			continue
		}
		g := all[name]
		g.state, g.members = d.State, len(d.Members)
		for _, m := range d.Members {
			if len(m.Assignment[topic]) > 0 {
				g.readers++
			}
		}
	}
	return err
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(n) + " " + noun + "s"
}

// verb is what n things do that are lost.
func verb(n int64) string {
	if n == 1 {
		return "goes"
	}
	return "go"
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
