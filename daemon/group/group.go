// Package group looks at the consumer groups of Kafka clusters, of both protocols, and moves their offsets.
package group

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/keylock"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// coordinatorTimeout bounds the wait for a group's coordinator.
const coordinatorTimeout = 15 * time.Second

const (
	classic = "classic"
	newer   = "consumer"
)

// Service looks at groups. It is safe for concurrent use.
type Service struct {
	conns   *connection.Service
	admins  *kafka.Admins
	log     *slog.Logger
	writing *keylock.Locks

	mu   sync.Mutex
	done []repeatable // the last resets, oldest first
}

// New makes the service. The administrative clients stay the caller's to close.
func New(conns *connection.Service, admins *kafka.Admins, log *slog.Logger) *Service {
	return &Service{conns: conns, admins: admins, log: log, writing: keylock.New()}
}

// Get reads a group.
func (s *Service) Get(ctx context.Context, connection, name string) (*api.ConsumerGroup, error) {
	c, err := s.admins.Cluster(ctx, s.conns, connection)
	if err != nil {
		return nil, err
	}
	return patiently(ctx, func() (*api.ConsumerGroup, error) {
		found, err := describe(ctx, c, []string{name})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, api.NotFound("Consumer group", name)
		}
		return found[0], s.measure(ctx, c, found)
	})
}

// List reads the groups after a cursor, by name, at most limit.
func (s *Service) List(ctx context.Context, connection string, q api.GroupQuery, after string, limit int) ([]api.ConsumerGroup, error) {
	c, err := s.admins.Cluster(ctx, s.conns, connection)
	if err != nil {
		return nil, err
	}
	return patiently(ctx, func() ([]api.ConsumerGroup, error) { return s.list(ctx, c, q, after, limit) })
}

func (s *Service) list(ctx context.Context, c *kafka.Cluster, q api.GroupQuery, after string, limit int) ([]api.ConsumerGroup, error) {
	listed, err := c.Admin.ListGroups(ctx)
	if err != nil {
		return nil, failure(c, "list the consumer groups", err)
	}
	var names []string
	for name, l := range listed {
		// A client that commits without joining a group makes one without a protocol type.
		consumers := l.ProtocolType == newer || l.ProtocolType == ""
		if consumers && strings.HasPrefix(name, q.Prefix) && (after == "" || name > after) && (q.State == "" || strings.EqualFold(q.State, l.State)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	found, err := describe(ctx, c, names[:min(limit, len(names))])
	if err != nil {
		return nil, err
	}
	if err := s.measure(ctx, c, found); err != nil {
		return nil, err
	}
	groups := make([]api.ConsumerGroup, 0, len(found))
	for _, g := range found {
		groups = append(groups, *g)
	}
	return groups, nil
}

// describe reads who is in groups, by name. Those that do not exist are left out.
func describe(ctx context.Context, c *kafka.Cluster, names []string) ([]*api.ConsumerGroup, error) {
	if len(names) == 0 {
		return nil, nil
	}
	doing := "read consumer group " + names[0]
	if len(names) > 1 {
		doing = "read the consumer groups"
	}
	described, err := c.Admin.DescribeGroups(ctx, names...)
	if err != nil {
		return nil, failure(c, doing, err)
	}
	found := map[string]*api.ConsumerGroup{}
	var others []string
	for _, name := range names {
		d, ok := described[name]
		switch {
		// Groups of the newer protocol are not found as classic ones.
		case !ok || errors.Is(d.Err, kerr.GroupIDNotFound) || d.Err == nil && d.State == "Dead":
			others = append(others, name)
		case d.Err != nil:
			return nil, failure(c, doing, d.Err)
		default:
			found[name] = fromClassic(c, d)
			// Some that speak Kafka's protocol describe a group of the newer protocol as a classic one that nobody is in.
			if len(d.Members) == 0 && d.State != "Empty" {
				others = append(others, name)
			}
		}
	}
	if err := describeNewer(ctx, c, doing, others, found); err != nil {
		return nil, err
	}
	groups := make([]*api.ConsumerGroup, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		groups = append(groups, found[name])
	}
	return groups, nil
}

func describeNewer(ctx context.Context, c *kafka.Cluster, doing string, names []string, found map[string]*api.ConsumerGroup) error {
	if len(names) == 0 {
		return nil
	}
	described, err := c.Admin.DescribeConsumerGroups(ctx, names...)
	// Brokers before 3.7 have no groups of the newer protocol.
	if err != nil && !errors.Is(err, kerr.UnsupportedVersion) && !strings.Contains(err.Error(), "too old") {
		return failure(c, doing, err)
	}
	for name, d := range described {
		switch {
		case errors.Is(d.Err, kerr.GroupIDNotFound), errors.Is(d.Err, kerr.UnsupportedVersion):
		case d.Err != nil:
			return failure(c, doing, d.Err)
		default:
			found[name] = fromNewer(c, d)
		}
	}
	return nil
}

func fromClassic(c *kafka.Cluster, d kadm.DescribedGroup) *api.ConsumerGroup {
	g := &api.ConsumerGroup{Connection: c.Connection, Name: d.Group, Protocol: classic, State: d.State, Members: []api.GroupMember{}, Offsets: []api.GroupOffset{}}
	for _, m := range d.Members {
		one := api.GroupMember{ID: m.MemberID, ClientID: m.ClientID, Host: strings.TrimPrefix(m.ClientHost, "/"), Assignments: []api.GroupAssignment{}}
		if m.InstanceID != nil {
			one.InstanceID = *m.InstanceID
		}
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range assigned.Topics {
				one.Assignments = append(one.Assignments, assignment(t.Topic, t.Partitions))
			}
		}
		g.Members = append(g.Members, one)
	}
	return sorted(g)
}

func fromNewer(c *kafka.Cluster, d kadm.DescribedConsumerGroup) *api.ConsumerGroup {
	g := &api.ConsumerGroup{Connection: c.Connection, Name: d.Group, Protocol: newer, State: d.State, Members: []api.GroupMember{}, Offsets: []api.GroupOffset{}}
	for _, m := range d.Members {
		one := api.GroupMember{ID: m.MemberID, ClientID: m.ClientID, Host: strings.TrimPrefix(m.ClientHost, "/"), Assignments: []api.GroupAssignment{}}
		if m.InstanceID != nil {
			one.InstanceID = *m.InstanceID
		}
		for topic, partitions := range m.Assignment {
			one.Assignments = append(one.Assignments, assignment(topic, slices.Collect(maps.Keys(partitions))))
		}
		g.Members = append(g.Members, one)
	}
	return sorted(g)
}

func assignment(topic string, partitions []int32) api.GroupAssignment {
	a := api.GroupAssignment{Topic: topic, Partitions: []int64{}}
	for _, p := range slices.Sorted(slices.Values(partitions)) {
		a.Partitions = append(a.Partitions, int64(p))
	}
	return a
}

func sorted(g *api.ConsumerGroup) *api.ConsumerGroup {
	for _, m := range g.Members {
		slices.SortFunc(m.Assignments, func(a, b api.GroupAssignment) int { return strings.Compare(a.Topic, b.Topic) })
	}
	slices.SortFunc(g.Members, func(a, b api.GroupMember) int { return strings.Compare(a.ID, b.ID) })
	return g
}

// member says who someone is, for people.
func member(m api.GroupMember) string {
	name := m.ClientID
	if m.InstanceID != "" {
		name = m.InstanceID
	}
	return fmt.Sprintf("%s at %s", name, m.Host)
}

// failure keeps the cause of what soon passes, for [patiently].
func failure(c *kafka.Cluster, doing string, err error) error {
	told := c.Failure(doing, "Describe and Read the group, and Describe its topics", err)
	if passes(err) {
		return errors.Join(told, errPasses)
	}
	return told
}

var errPasses = errors.New("a coordinator is on its way")

// passes says whether a group's coordinator is being found: at the first use of a cluster, or after one has moved.
func passes(err error) bool {
	if shards, ok := errors.AsType[*kadm.ShardErrors](err); ok {
		return slices.ContainsFunc(shards.Errs, func(one kadm.ShardError) bool { return passes(one.Err) })
	}
	return errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.CoordinatorLoadInProgress) || errors.Is(err, kerr.NotCoordinator)
}

// patiently does something that changes nothing until there is a coordinator, for a while.
func patiently[T any](ctx context.Context, do func() (T, error)) (T, error) {
	const pause = 100 * time.Millisecond
	until := time.Now().Add(coordinatorTimeout)
	for {
		result, err := do()
		if !errors.Is(err, errPasses) || time.Now().After(until) {
			return result, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return result, err
		}
	}
}
