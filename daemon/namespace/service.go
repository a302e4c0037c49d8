// Package namespace keeps the namespaces, and holds topics to their limits. A namespace is no more than a prefix of names:
// the topics themselves are the cluster's.
package namespace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/daemon/topic"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	noun = "namespace"

	// lookTimeout bounds the look for topics that a write of a namespace is about.
	lookTimeout = 15 * time.Second

	// pageSize is how many topics are looked at together.
	pageSize = 1000

	// maxNamed is how many topics a warning names.
	maxNamed = 20
)

var (
	namePattern   = regexp.MustCompile(api.NamePattern)
	prefixPattern = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,248}$`)
)

// Topics lists the topics of a cluster.
type Topics interface {
	List(ctx context.Context, connection string, q topic.Query) ([]api.Topic, []api.Warning, error)
}

// Service keeps the namespaces. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	conns  *connection.Service
	topics Topics

	// writing is held while a namespace is checked against the others and written. A dry run, which looks at clusters, goes
	// without.
	writing sync.Mutex
}

// New makes the service.
func New(st *store.Store, conns *connection.Service, topics Topics) *Service {
	s := &Service{store: st, conns: conns, topics: topics}
	conns.AddUsers(s.usersOf)
	return s
}

// usersOf tells which namespaces name a connection. One that spans all of them names none.
func (s *Service) usersOf(ctx context.Context, connection string) ([]string, error) {
	all, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, n := range all {
		if slices.Contains(n.Connections, connection) {
			users = append(users, fmt.Sprintf("namespace %q", n.Name))
		}
	}
	return users, nil
}

// AbandonCreation notes that nobody took the answer to a create: the next attempt may take the namespace over.
func (s *Service) AbandonCreation(ctx context.Context, name string) error {
	return s.store.AbandonCreation(ctx, noun, name)
}

// EndCreation notes that the answer to a create has left.
func (s *Service) EndCreation(ctx context.Context, name string) error {
	return s.store.EndCreation(ctx, noun, name)
}

// Get reads a namespace.
func (s *Service) Get(ctx context.Context, name string) (*api.Namespace, error) {
	row, err := s.store.Namespace(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.NotFound("Namespace", name)
	}
	if err != nil {
		return nil, err
	}
	return answer(row)
}

// List reads the namespaces after a cursor, by name, at most limit.
func (s *Service) List(ctx context.Context, after string, limit int) ([]api.Namespace, error) {
	all, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(n api.Namespace) bool { return n.Name <= after })
	return all[:min(limit, len(all))], nil
}

// Members answers what tells the topics of a namespace from others, for one connection.
func (s *Service) Members(ctx context.Context, connection, name string) (func(topic string) bool, error) {
	if _, err := s.Get(ctx, name); err != nil {
		if e, ok := errors.AsType[*api.Error](err); ok {
			e.Attribute = "/namespace"
		}
		return nil, err
	}
	all, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	return func(topic string) bool {
		n := of(all, connection, topic)
		return n != nil && n.Name == name
	}, nil
}

// Put creates or changes a namespace.
func (s *Service) Put(ctx context.Context, name string, body api.NamespaceWrite, opts api.WriteOptions, idempotencyKey string) (*api.Namespace, error) {
	if !opts.DryRun {
		s.writing.Lock()
		defer s.writing.Unlock()
	}
	have, err := s.Get(ctx, name)
	if err != nil && !api.HasCode(err, api.CodeNotFound) {
		return nil, err
	}
	if err := s.precondition(ctx, name, have, opts, idempotencyKey); err != nil {
		return nil, err
	}
	wanted := &api.Namespace{Name: name, NamespaceSettings: api.NamespaceSettings{
		TopicPrefix: body.TopicPrefix, Connections: body.Connections, Owner: body.Owner, Environment: body.Environment, Limits: body.Limits,
	}}
	others, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	others = slices.DeleteFunc(others, func(n api.Namespace) bool { return n.Name == name })
	if err := s.check(ctx, wanted, body.Unknown, others); err != nil {
		return nil, err
	}
	if opts.DryRun {
		if len(body.Unknown) == 0 {
			wanted.Warnings = s.beyond(ctx, wanted, others)
		}
		return wanted, nil
	}
	return s.write(ctx, wanted, have, idempotencyKey)
}

// Delete removes a namespace. Its topics stay as they are.
func (s *Service) Delete(ctx context.Context, name string, opts api.WriteOptions) (*api.Deletion, error) {
	if !opts.DryRun {
		s.writing.Lock()
		defer s.writing.Unlock()
	}
	have, err := s.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if opts.Generation != "" && opts.Generation != have.Generation {
		return nil, api.Conflict("Namespace", name)
	}
	if opts.DryRun {
		all, err := s.all(ctx)
		if err != nil {
			return nil, err
		}
		return &api.Deletion{Effects: s.left(ctx, have, all)}, nil
	}
	generation, err := strconv.ParseInt(have.Generation, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read generation of namespace %s: %w", name, err)
	}
	if err := s.store.DeleteNamespace(ctx, name, generation); errors.Is(err, store.ErrConflict) {
		return nil, api.Conflict("Namespace", name)
	} else if err != nil {
		return nil, err
	}
	return &api.Deletion{Effects: []api.Warning{}}, nil
}

func (s *Service) precondition(ctx context.Context, name string, have *api.Namespace, opts api.WriteOptions, idempotencyKey string) error {
	switch {
	case have == nil && opts.Generation != "":
		return api.NotFound("Namespace", name)
	case have == nil:
		return nil
	case opts.Generation != "" && opts.Generation != have.Generation:
		return api.Conflict("Namespace", name)
	case !opts.CreateOnly:
		return nil
	}
	adopt, err := s.store.Unanswered(ctx, noun, name, idempotencyKey)
	if err == nil && !adopt {
		err = alreadyExists(name)
	}
	return err
}

func alreadyExists(name string) error {
	return api.AlreadyExists("Namespace", name, "Choose another name, or import it.")
}

// check finds what is wrong with a namespace.
func (s *Service) check(ctx context.Context, n *api.Namespace, unknown []string, others []api.Namespace) error {
	knows := func(pointer string) bool { return !slices.Contains(unknown, pointer) }
	if !namePattern.MatchString(n.Name) {
		return api.Invalid("/name", "The name is not allowed", "Names are 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begin and end with a letter or digit.", "Choose another name.")
	}
	if knows("/topic_prefix") && (!prefixPattern.MatchString(n.TopicPrefix) || strings.HasPrefix(n.TopicPrefix, "__")) {
		return api.Invalid("/topic_prefix", "The prefix is not allowed", "Names of topics are made of ASCII letters, digits, dots, underscores and dashes, and those that begin with __ are the cluster's own.", "Choose another prefix, such as \"payments.\".")
	}
	if l := n.Limits; l != nil && knows("/limits") {
		if _, err := retention(l); err != nil && knows("/limits/retention") {
			return api.Invalid("/limits/retention", "The retention is not possible", err.Error()+".", "Write it like \"720h\".")
		}
		if l.Partitions < 0 || l.ReplicationFactor < 0 {
			return api.Invalid("/limits", "A limit is negative", "", "Set a limit of 1 or more, or leave it out for none.")
		}
	}
	for i, name := range n.Connections {
		at := spec.Join("/connections", strconv.Itoa(i))
		if !knows("/connections") || !knows(at) {
			continue
		}
		if _, err := s.conns.Resolve(ctx, name, at); err != nil {
			return err
		}
	}
	if !knows("/topic_prefix") || !knows("/connections") {
		return nil
	}
	for _, other := range others {
		if other.TopicPrefix == n.TopicPrefix && overlap(other.Connections, n.Connections) {
			return api.Invalid("/topic_prefix", fmt.Sprintf("Namespace %q has the prefix %q already", other.Name, other.TopicPrefix),
				"A topic belongs to one namespace. A prefix may begin with another one's, but not be the same, unless they span different connections.", "Choose another prefix, or other connections.")
		}
	}
	return nil
}

// overlap says whether two lists of connections have one in common; an empty list is all.
func overlap(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

func (s *Service) write(ctx context.Context, wanted, have *api.Namespace, idempotencyKey string) (*api.Namespace, error) {
	settings, err := json.Marshal(wanted.NamespaceSettings)
	if err != nil {
		return nil, fmt.Errorf("encode namespace: %w", err)
	}
	row := store.Namespace{Name: wanted.Name, Settings: settings}
	if have == nil {
		err = s.create(ctx, row, idempotencyKey)
	} else {
		row.Generation, err = strconv.ParseInt(have.Generation, 10, 64)
		if err == nil {
			err = s.store.UpdateNamespace(ctx, row)
		}
		if errors.Is(err, store.ErrConflict) {
			err = api.Conflict("Namespace", row.Name)
		}
	}
	if err != nil {
		return nil, err
	}
	row.Generation++
	return answer(row)
}

func (s *Service) create(ctx context.Context, row store.Namespace, idempotencyKey string) error {
	began, err := s.store.BeginCreation(ctx, noun, row.Name, idempotencyKey)
	if err != nil {
		return err
	}
	if !began {
		return alreadyExists(row.Name)
	}
	err = s.store.InsertNamespace(ctx, row)
	if err == nil {
		return nil
	}
	if errors.Is(err, store.ErrConflict) {
		err = alreadyExists(row.Name)
	}
	return errors.Join(err, s.store.EndCreation(ctx, noun, row.Name))
}

func (s *Service) all(ctx context.Context) ([]api.Namespace, error) {
	rows, err := s.store.Namespaces(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]api.Namespace, 0, len(rows))
	for _, row := range rows {
		n, err := answer(row)
		if err != nil {
			return nil, err
		}
		all = append(all, *n)
	}
	return all, nil
}

func answer(row store.Namespace) (*api.Namespace, error) {
	n := &api.Namespace{Name: row.Name, Generation: strconv.FormatInt(row.Generation, 10)}
	if err := json.Unmarshal(row.Settings, &n.NamespaceSettings); err != nil {
		return nil, fmt.Errorf("decode stored namespace %s: %w", row.Name, err)
	}
	return n, nil
}
