// Package topic reads and writes the topics of Kafka clusters. The cluster is the truth; only what it cannot hold,
// descriptions, labels and deletion protection, is kept in the store.
package topic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/keylock"
	"github.com/headgate/terraform-provider-headgate/daemon/reassign"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const noun = "topic"

// writeTimeout bounds a write once it has begun; from then on it does not end with its request, so that a caller who
// goes away leaves nothing half-done.
const writeTimeout = time.Minute

// ReadersFunc says who reads a topic, or would when it goes on, an effect of its delete each. cluster is the id of the topic's
// cluster, whichever connection leads there; empty: not known.
type ReadersFunc func(ctx context.Context, connection, cluster, topic string) ([]api.Warning, error)

// Rule says why a topic may not be as it would be after a write. before is nil for a new one; what is not known yet of
// after is missing.
type Rule func(ctx context.Context, before, after *api.Topic) error

// Service reads and writes topics. It is safe for concurrent use.
type Service struct {
	store     *store.Store
	conns     *connection.Service
	admins    *kafka.Admins
	log       *slog.Logger
	reassigns *reassign.Service
	snapshots *snapshots
	writing   *keylock.Locks

	mu       sync.Mutex
	readers  []ReadersFunc
	rules    []Rule
	clusters map[string]*cluster // by connection
	closed   bool
}

// New makes the service. The administrative clients stay the caller's to close, after [Service.Close].
func New(st *store.Store, conns *connection.Service, admins *kafka.Admins, reassigns *reassign.Service, log *slog.Logger) *Service {
	s := &Service{store: st, conns: conns, admins: admins, reassigns: reassigns, log: log, snapshots: newSnapshots(), writing: keylock.New(), clusters: map[string]*cluster{}}
	conns.OnChange(s.Forget)
	reassigns.OnSettled(s.snapshots.written)
	return s
}

// Close ends what is under way.
func (s *Service) Close() {
	s.mu.Lock()
	open := s.clusters
	s.clusters, s.closed = nil, true
	s.mu.Unlock()
	for _, c := range open {
		c.close()
	}
	s.snapshots.close()
}

// Forget drops what is known about the cluster of a connection that was changed or deleted, and its client.
func (s *Service) Forget(name string) {
	s.mu.Lock()
	c := s.clusters[name]
	delete(s.clusters, name)
	s.mu.Unlock()
	if c != nil {
		c.close()
	}
	s.admins.Forget(name)
	s.snapshots.forget(name)
}

// AddReaders registers someone who can tell who reads a topic.
func (s *Service) AddReaders(f ReadersFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = append(s.readers, f)
}

// AddRule registers a rule that all topics follow from now on.
func (s *Service) AddRule(rule Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, rule)
}

// allowed asks the rules. have is nil for a new topic.
func (s *Service) allowed(ctx context.Context, have, wanted *state) error {
	s.mu.Lock()
	rules := slices.Clone(s.rules)
	s.mu.Unlock()
	if len(rules) == 0 {
		return nil
	}
	var before *api.Topic
	if have != nil {
		before = answer(have, unknownRow(have.connection, have.name))
	}
	after := answer(wanted, unknownRow(wanted.connection, wanted.name))
	for _, rule := range rules {
		if err := rule(ctx, before, after); err != nil {
			return err
		}
	}
	return nil
}

// AbandonCreation notes that nobody took the answer to a create: the next attempt may take the topic over.
func (s *Service) AbandonCreation(ctx context.Context, connection, name string) error {
	return s.store.AbandonCreation(ctx, noun, creation(connection, name))
}

// EndCreation notes that the answer to a create has left.
func (s *Service) EndCreation(ctx context.Context, connection, name string) error {
	return s.store.EndCreation(ctx, noun, creation(connection, name))
}

// Get reads a topic. Only a topic that the cluster itself says does not exist is not found.
func (s *Service) Get(ctx context.Context, connection, name string) (*api.Topic, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	st, err := s.known(ctx, c, name)
	if err != nil {
		return nil, err
	}
	if st == nil {
		if st, err = s.readOrForget(ctx, c, name); err != nil {
			return nil, err
		}
	}
	row, err := s.row(ctx, connection, name)
	if err != nil {
		return nil, err
	}
	t := answer(st, row)
	t.Reassignment = s.reassigns.Noted(connection, name)
	return t, nil
}

// Query says which topics to list.
type Query struct {
	Prefix string
	// Matches is asked for each name, unless it is nil.
	Matches func(name string) bool
	// After is the name that the list goes on after, and Limit how long it gets.
	After string
	Limit int
}

// List reads topics by name; those of the cluster itself are left out. It warns of topics that cannot be read, which are
// left out too.
func (s *Service) List(ctx context.Context, connection string, q Query) ([]api.Topic, []api.Warning, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, nil, err
	}
	snap, err := s.snapshots.whole(ctx, c.name, c.all)
	if err != nil {
		return nil, nil, c.failure("list the topics", err)
	}
	rows, err := s.rows(ctx, connection)
	if err != nil {
		return nil, nil, err
	}
	first, _ := slices.BinarySearch(snap.names, max(q.Prefix, q.After))
	list := []api.Topic{}
	var warnings []api.Warning
	for _, name := range snap.names[first:] {
		if len(list) == q.Limit || !strings.HasPrefix(name, q.Prefix) {
			break
		}
		st := snap.topics[name]
		if name == q.After || st.internal || isInternal(name) || q.Matches != nil && !q.Matches(name) {
			continue
		}
		if st.err != nil {
			warnings = append(warnings, api.Warning{
				Summary: fmt.Sprintf("Topic %q is left out: it cannot be read", name),
				Detail:  fmt.Sprintf("Through connection %q: %v. %s", connection, st.err, failureRemedy(connection, st.err)),
			})
			continue
		}
		row, ok := rows[name]
		if !ok {
			row = unknownRow(connection, name)
		}
		list = append(list, *answer(st, row))
	}
	return list, warnings, nil
}

// cluster opens the connection.
func (s *Service) cluster(ctx context.Context, name string) (*cluster, error) {
	target, err := s.conns.Resolve(ctx, name, "/connection", kafka.KindName)
	if err != nil {
		return nil, err
	}
	client, err := s.admins.Client(target)
	if err != nil {
		return nil, failure(name, "make a client", err)
	}
	admin, err := s.admins.Admin(target)
	if err != nil {
		return nil, failure(name, "make a client", err)
	}
	return s.opened(name, client, admin)
}

// opened is the cluster that a client reaches. Who asks it at the same time asks it together.
func (s *Service) opened(name string, client *kgo.Client, admin *kadm.Client) (*cluster, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	have := s.clusters[name]
	if have != nil && have.client == client {
		return have, nil
	}
	if have != nil {
		have.close()
	}
	s.clusters[name] = newCluster(name, client, admin)
	return s.clusters[name], nil
}

// known looks for a topic in what is known about the whole cluster. It answers nil when that does not tell: a topic that
// the user of the connection may not see is left out like one that does not exist.
func (s *Service) known(ctx context.Context, c *cluster, name string) (*state, error) {
	snap, err := s.snapshots.get(ctx, c.name, c.all)
	if err != nil {
		return nil, c.failure("read the topics", err)
	}
	if st := snap.topics[name]; st != nil && st.err == nil && !s.snapshots.outdated(c.name, name) {
		return st, nil
	}
	return nil, nil
}

// readOrForget asks for one topic, and forgets what is kept beside it when it is gone. No write is under way meanwhile:
// it might be creating the topic.
func (s *Service) readOrForget(ctx context.Context, c *cluster, name string) (*state, error) {
	unlock, err := s.writing.Lock(ctx, creation(c.name, name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	st, err := c.read(ctx, name)
	if err != nil || st != nil {
		return st, err
	}
	if err := s.store.ForgetTopic(ctx, c.name, name); err != nil {
		return nil, err
	}
	return nil, api.NotFound("Topic", name)
}

// row reads what is kept beside a topic.
func (s *Service) row(ctx context.Context, connection, name string) (store.Topic, error) {
	row, err := s.store.Topic(ctx, connection, name)
	if errors.Is(err, store.ErrNotFound) {
		return unknownRow(connection, name), nil
	}
	return row, err
}

func (s *Service) rows(ctx context.Context, connection string) (map[string]store.Topic, error) {
	list, err := s.store.Topics(ctx, connection)
	if err != nil {
		return nil, err
	}
	rows := make(map[string]store.Topic, len(list))
	for _, row := range list {
		rows[row.Name] = row
	}
	return rows, nil
}

// unknownRow stands beside a topic that nothing is kept about: it is protected.
func unknownRow(connection, name string) store.Topic {
	return store.Topic{Connection: connection, Name: name, DeletionProtection: true}
}

// creation is the name under which the creation of a topic is noted.
func creation(connection, name string) string { return connection + "/" + name }
