// Package schema reads and writes the subjects of schema registries that speak the Confluent Schema Registry API. The
// registry is the truth; nothing of a schema is kept in the store.
package schema

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
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

	// listReads is how many subjects of a page are read at the same time.
	listReads = 8
)

// Service reads and writes schemas. It is safe for concurrent use.
type Service struct {
	store   *store.Store
	conns   *connection.Service
	log     *slog.Logger
	writing *keylock.Locks

	mu   sync.Mutex
	open map[string]openRegistry
}

type openRegistry struct {
	generation int64
	registry   *registry
}

// New makes the service.
func New(st *store.Store, conns *connection.Service, log *slog.Logger) *Service {
	s := &Service{store: st, conns: conns, log: log, writing: keylock.New(), open: map[string]openRegistry{}}
	conns.OnChange(s.Forget)
	return s
}

// Forget drops the client of a connection that was changed or deleted.
func (s *Service) Forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, name)
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

// List reads the subjects after a cursor, by name, at most limit.
func (s *Service) List(ctx context.Context, connection, after string, limit int) ([]api.Schema, error) {
	r, err := s.registry(ctx, connection)
	if err != nil {
		return nil, err
	}
	subjects, err := r.client.Subjects(ctx)
	if err != nil {
		return nil, r.failure("list the subjects", err)
	}
	slices.Sort(subjects)
	first, found := slices.BinarySearch(subjects, after)
	if found {
		first++
	}
	subjects = subjects[first:]
	return r.getAll(ctx, subjects[:min(limit, len(subjects))])
}

// getAll leaves out subjects that were deleted since they were listed.
func (r *registry) getAll(ctx context.Context, subjects []string) ([]api.Schema, error) {
	read := make([]*api.Schema, len(subjects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listReads)
	for i, subject := range subjects {
		group.Go(func() error {
			one, err := r.get(ctx, subject)
			if api.HasCode(err, api.CodeNotFound) {
				return nil
			}
			read[i] = one
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	list := make([]api.Schema, 0, len(read))
	for _, one := range read {
		if one != nil {
			list = append(list, *one)
		}
	}
	return list, nil
}

// registry opens the connection. The client is kept until the connection changes.
func (s *Service) registry(ctx context.Context, name string) (*registry, error) {
	target, err := s.conns.Resolve(ctx, name, "/connection", schemaregistry.KindName)
	if err != nil {
		return nil, err
	}
	c, ok := target.Spec.(*api.SchemaRegistryConnection)
	if !ok {
		return nil, fmt.Errorf("connection %s is of kind %s, not %s", name, target.Kind, schemaregistry.KindName)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.open[name]; ok && have.generation == target.Generation {
		return have.registry, nil
	}
	client, err := schemaregistry.Client(c)
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", name, err)
	}
	r := &registry{name: name, client: client, log: s.log}
	if isApicurio(c.URL) {
		if r.apicurio, err = apicurioClient(client); err != nil {
			return nil, fmt.Errorf("connection %s: %w", name, err)
		}
	}
	s.open[name] = openRegistry{target.Generation, r}
	return r, nil
}

// creation is the name under which the creation of a subject is noted.
func creation(connection, subject string) string { return connection + "/" + subject }
