// Package schema reads and writes the subjects of schema registries: those that speak the API of Confluent's Schema
// Registry, Apicurio Registry by its own API, and AWS Glue Schema Registry. The registry is the truth; nothing of a schema
// is kept in the store.
package schema

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	apicurioconn "github.com/headgate/terraform-provider-headgate/daemon/connection/apicurio"
	glueconn "github.com/headgate/terraform-provider-headgate/daemon/connection/glue"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/registry"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/schemaregistry"
	"github.com/headgate/terraform-provider-headgate/daemon/keylock"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	noun = "schema"

	// writeTimeout bounds a write once it has begun; from then on it does not end with its request, so that a caller who
	// goes away leaves nothing half-done.
	writeTimeout = time.Minute

	// listReads is how many subjects or versions of a page are read at the same time.
	listReads = 8
)

// Service reads and writes schemas. It is safe for concurrent use.
type Service struct {
	store   *store.Store
	conns   *connection.Service
	log     *slog.Logger
	writing *keylock.Locks

	// Of what restores compatibility modes in the background.
	running sync.WaitGroup
	stop    context.CancelFunc
	woken   chan struct{}

	mu   sync.Mutex
	open map[string]openRegistry
}

type openRegistry struct {
	generation int64
	registry   *opened
	until      time.Time // zero: until the connection changes
}

// New makes the service.
func New(st *store.Store, conns *connection.Service, log *slog.Logger) *Service {
	s := &Service{store: st, conns: conns, log: log, writing: keylock.New(), woken: make(chan struct{}, 1), open: map[string]openRegistry{}}
	conns.OnChange(s.Forget)
	conns.AddUsers(s.usersOf)
	return s
}

// Forget drops the client of a connection that was changed or deleted.
func (s *Service) Forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(name)
}

func (s *Service) forget(name string) {
	if have, ok := s.open[name]; ok {
		have.registry.Close()
		delete(s.open, name)
	}
}

// AbandonCreation notes that nobody took the answer to a create: the next attempt may take the subject over.
func (s *Service) AbandonCreation(ctx context.Context, connection, subject string) error {
	return s.store.AbandonCreation(ctx, noun, creation(connection, subject))
}

// EndCreation notes that the answer to a create has left.
func (s *Service) EndCreation(ctx context.Context, connection, subject string) error {
	return s.store.EndCreation(ctx, noun, creation(connection, subject))
}

// Get reads the latest version of a subject. Only a subject that the registry itself says does not exist is not found.
func (s *Service) Get(ctx context.Context, connection, subject string) (*api.Schema, error) {
	r, err := s.registry(ctx, connection)
	if err != nil {
		return nil, err
	}
	return r.get(ctx, subject)
}

// Version reads one version of a subject.
func (s *Service) Version(ctx context.Context, connection, subject string, number int64) (*api.SchemaVersion, error) {
	r, err := s.registry(ctx, connection)
	if err != nil {
		return nil, err
	}
	found, err := r.version(ctx, subject, number)
	if err != nil {
		return nil, err
	}
	if found == nil {
		e := api.NotFound("Version", fmt.Sprintf("%s %d", subject, number))
		e.Summary = fmt.Sprintf("Version %d of subject %q does not exist", number, subject)
		e.Remedy = "The data source headgate_schema_versions lists the versions that are there."
		return nil, e
	}
	return r.answerVersion(ctx, found)
}

// ByID reads what records with an id were written with. Where several subjects have it, subject chooses.
func (s *Service) ByID(ctx context.Context, connection, id, subject string) (*api.SchemaVersion, error) {
	r, err := s.registry(ctx, connection)
	if err != nil {
		return nil, err
	}
	found, err := r.byID(ctx, id, subject)
	if err != nil {
		return nil, err
	}
	return r.answerVersion(ctx, found)
}

// List reads the subjects with a prefix after a cursor, by name, at most limit.
func (s *Service) List(ctx context.Context, connection, prefix, after string, limit int) ([]api.Schema, error) {
	r, err := s.registry(ctx, connection)
	if err != nil {
		return nil, err
	}
	subjects, err := r.Subjects(ctx)
	if err != nil {
		return nil, r.failure("list the subjects", err)
	}
	subjects = slices.DeleteFunc(subjects, func(subject string) bool { return !strings.HasPrefix(subject, prefix) || subject <= after })
	slices.Sort(subjects)
	return some(ctx, subjects[:min(limit, len(subjects))], r.get)
}

// Versions reads the versions of a subject after a number, from the oldest, at most limit.
func (s *Service) Versions(ctx context.Context, connection, subject string, after int64, limit int) ([]api.SchemaVersion, error) {
	r, err := s.registry(ctx, connection)
	if err != nil {
		return nil, err
	}
	numbers, err := r.numbers(ctx, subject, false)
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		return nil, r.noSubject(subject)
	}
	numbers = slices.DeleteFunc(numbers, func(number int64) bool { return number <= after })
	return some(ctx, numbers[:min(limit, len(numbers))], func(ctx context.Context, number int64) (*api.SchemaVersion, error) {
		found, err := r.version(ctx, subject, number)
		if err != nil || found == nil {
			return nil, err
		}
		return r.answerVersion(ctx, found)
	})
}

// some reads several at a time, and leaves out what is gone since it was listed.
func some[K, T any](ctx context.Context, keys []K, read func(context.Context, K) (*T, error)) ([]T, error) {
	found := make([]*T, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listReads)
	for i, key := range keys {
		group.Go(func() error {
			one, err := read(ctx, key)
			if api.HasCode(err, api.CodeNotFound) {
				return nil
			}
			found[i] = one
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	list := make([]T, 0, len(found))
	for _, one := range found {
		if one != nil {
			list = append(list, *one)
		}
	}
	return list, nil
}

// undecidedFor is how long a registry is kept that did not tell of what make it is.
const undecidedFor = 2 * time.Second

// registry opens the connection. The client is kept until the connection changes, or the registry has to be asked again of
// what make it is.
func (s *Service) registry(ctx context.Context, name string) (*opened, error) {
	target, err := s.conns.Resolve(ctx, name, "/connection", registry.Kinds()...)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	have := s.kept(target)
	s.mu.Unlock()
	if have != nil {
		return have, nil
	}
	r := &opened{name: name, log: s.log}
	registry, lasting, err := open(ctx, target)
	if err != nil {
		return nil, r.failure("reach the registry", err)
	}
	r.Registry = registry
	kept := openRegistry{generation: target.Generation, registry: r}
	if !lasting {
		kept.until = time.Now().Add(undecidedFor)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.kept(target); have != nil { // others were faster, and are using theirs
		registry.Close()
		return have, nil
	}
	s.forget(name)
	s.open[name] = kept
	return r, nil
}

// kept is the registry of a connection as it is now, nil where it has to be opened.
func (s *Service) kept(target *connection.Target) *opened {
	have, ok := s.open[target.Name]
	if !ok || have.generation != target.Generation || !have.until.IsZero() && time.Now().After(have.until) {
		return nil
	}
	return have.registry
}

// open makes the registry of a connection, and says whether it may be kept until the connection changes. A new kind of
// registry is one case here.
func open(ctx context.Context, target *connection.Target) (registry Registry, lasting bool, err error) {
	switch c := target.Spec.(type) {
	case *api.SchemaRegistryConnection:
		client, err := schemaregistry.Client(c)
		if err != nil {
			return nil, false, err
		}
		return newConfluent(ctx, client, c.URL)
	case *api.ApicurioConnection:
		client, err := apicurioconn.Site(c).Client()
		if err != nil {
			return nil, false, err
		}
		return &apicurio{client: client, url: apicurioconn.Site(c).URL, group: c.GroupID}, true, nil
	case *api.GlueConnection:
		client, err := glueconn.Client(ctx, c)
		if err != nil {
			return nil, false, err
		}
		return &glueRegistry{client: client, registry: c.Registry}, true, nil
	default:
		return nil, false, fmt.Errorf("kind %s is no registry", target.Kind)
	}
}

// creation is the name under which the creation of a subject is noted.
func creation(connection, subject string) string { return connection + "/" + subject }
