// Package declared is what all writes of small objects of a Kafka cluster have in common: written by name, with dry runs
// and generations, one at a time for each name. The cluster is the truth; nothing is mirrored.
package declared

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/keylock"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// writeTimeout bounds a write once it has begun; from then on it does not end with its request, so that a caller who
// goes away leaves nothing half-done.
const writeTimeout = time.Minute

// Definition is what one noun knows of its objects.
type Definition[Body, Answer any] struct {
	// Noun names them in the store's notes.
	Noun string
	// Title names one in sentences, before its name.
	Title string
	// Attribute is the field that names one, as a JSON pointer.
	Attribute string
	// CheckName says what is wrong with a name that is to be written. It may be nil.
	CheckName func(name string) error
	// Read answers nil for an object that the cluster says is not there.
	Read func(ctx context.Context, c *kafka.Cluster, name string) (*Answer, error)
	// All reads all that there are.
	All func(ctx context.Context, c *kafka.Cluster) ([]Answer, error)
	// Plan checks a write and answers what would be. have is nil for a new object.
	Plan func(ctx context.Context, c *kafka.Cluster, name string, have *Answer, body Body) (*Answer, error)
	// Write does it, and answers what is. It checks as Plan does.
	Write func(ctx context.Context, c *kafka.Cluster, name string, have *Answer, body Body) (*Answer, error)
	// Remove takes it away; that it is gone already is fine.
	Remove func(ctx context.Context, c *kafka.Cluster, have *Answer) error
	// Effects says what goes with it.
	Effects    func(have *Answer) []api.Warning
	Generation func(a *Answer) string
	// Matches says whether an object still is the generation that a caller has seen. Nil: when it has the same.
	Matches func(seen string, a *Answer) bool
	Name    func(a *Answer) string
}

// Service reads and writes the objects of a noun. It is safe for concurrent use.
type Service[Body, Answer any] struct {
	Definition[Body, Answer]
	store   *store.Store
	conns   *connection.Service
	admins  *kafka.Admins
	writing *keylock.Locks
}

// New makes the service of a noun. The administrative clients stay the caller's to close.
func New[Body, Answer any](st *store.Store, conns *connection.Service, admins *kafka.Admins, d Definition[Body, Answer]) *Service[Body, Answer] {
	return &Service[Body, Answer]{Definition: d, store: st, conns: conns, admins: admins, writing: keylock.New()}
}

// Get reads an object.
func (s *Service[Body, Answer]) Get(ctx context.Context, connection, name string) (*Answer, error) {
	c, err := s.admins.Cluster(ctx, s.conns, connection)
	if err != nil {
		return nil, err
	}
	have, err := s.Read(ctx, c, name)
	if err != nil {
		return nil, err
	}
	if have == nil {
		return nil, api.NotFound(s.Title, name)
	}
	return have, nil
}

// List reads the objects after a cursor, by name, at most limit.
func (s *Service[Body, Answer]) List(ctx context.Context, connection, prefix, after string, limit int) ([]Answer, error) {
	c, err := s.admins.Cluster(ctx, s.conns, connection)
	if err != nil {
		return nil, err
	}
	all, err := s.All(ctx, c)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(a Answer) bool {
		name := s.Name(&a)
		return !strings.HasPrefix(name, prefix) || after != "" && name <= after
	})
	slices.SortFunc(all, func(a, b Answer) int { return strings.Compare(s.Name(&a), s.Name(&b)) })
	return all[:min(limit, len(all))], nil
}

// Put creates or changes an object. Of writers at once one is first; the others are told that it changed.
func (s *Service[Body, Answer]) Put(ctx context.Context, connection, name string, body Body, opts api.WriteOptions, idempotencyKey string) (*Answer, error) {
	if s.CheckName != nil {
		if err := s.CheckName(name); err != nil {
			return nil, err
		}
	}
	c, err := s.admins.Cluster(ctx, s.conns, connection)
	if err != nil {
		return nil, err
	}
	if opts.DryRun {
		have, err := s.precondition(ctx, c, name, opts, idempotencyKey)
		if err != nil {
			return nil, err
		}
		return s.Plan(ctx, c, name, have, body)
	}
	unlock, err := s.writing.Lock(ctx, key(connection, name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	have, err := s.precondition(ctx, c, name, opts, idempotencyKey)
	if err != nil {
		return nil, err
	}
	if have != nil {
		return s.Write(ctx, c, name, have, body)
	}
	return s.create(ctx, c, name, body, idempotencyKey)
}

// precondition reads the object and checks what the caller believes about it.
func (s *Service[Body, Answer]) precondition(ctx context.Context, c *kafka.Cluster, name string, opts api.WriteOptions, idempotencyKey string) (*Answer, error) {
	have, err := s.Read(ctx, c, name)
	switch {
	case err != nil:
		return nil, err
	case have == nil && opts.Generation != "":
		return nil, api.NotFound(s.Title, name)
	case have == nil:
		return nil, nil
	case opts.Generation != "" && !s.matches(opts.Generation, have):
		return nil, api.Conflict(s.Title, name)
	case !opts.CreateOnly:
		return have, nil
	}
	adopt, err := s.store.Unanswered(ctx, s.Noun, key(c.Connection, name), idempotencyKey)
	if err != nil {
		return nil, err
	}
	if !adopt {
		return nil, s.alreadyExists(c.Connection, name)
	}
	return have, nil
}

func (s *Service[Body, Answer]) matches(seen string, have *Answer) bool {
	if s.Matches != nil {
		return s.Matches(seen, have)
	}
	return seen == s.Generation(have)
}

func (s *Service[Body, Answer]) alreadyExists(connection, name string) error {
	e := api.AlreadyExists(s.Title, name, fmt.Sprintf("Import it (its import id is %s/%s).", connection, name))
	e.Attribute = s.Attribute
	return e
}

// create notes the creation first, so that a repeat can take over an object whose creation was never answered.
func (s *Service[Body, Answer]) create(ctx context.Context, c *kafka.Cluster, name string, body Body, idempotencyKey string) (*Answer, error) {
	began, err := s.store.BeginCreation(ctx, s.Noun, key(c.Connection, name), idempotencyKey)
	if err != nil {
		return nil, err
	}
	if !began {
		return nil, s.alreadyExists(c.Connection, name)
	}
	made, err := s.Write(ctx, c, name, nil, body)
	if err != nil {
		// After trouble with the connection the cluster may have made it all the same: the next attempt takes it over.
		return nil, errors.Join(err, s.store.FailCreation(ctx, s.Noun, key(c.Connection, name), !api.HasCode(err, api.CodeConnection)))
	}
	return made, nil
}

// Delete takes an object away. A dry run answers what would go with it.
func (s *Service[Body, Answer]) Delete(ctx context.Context, connection, name string, opts api.WriteOptions) (*api.Deletion, error) {
	c, err := s.admins.Cluster(ctx, s.conns, connection)
	if err != nil {
		return nil, err
	}
	unlock, err := s.writing.Lock(ctx, key(connection, name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	have, err := s.Read(ctx, c, name)
	switch {
	case err != nil:
		return nil, err
	case have == nil:
		if err := s.EndCreation(ctx, connection, name); err != nil {
			return nil, err
		}
		return nil, api.NotFound(s.Title, name)
	case opts.Generation != "" && !s.matches(opts.Generation, have):
		return nil, api.Conflict(s.Title, name)
	}
	deletion := &api.Deletion{Effects: s.Effects(have)}
	if opts.DryRun {
		return deletion, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := s.Remove(ctx, c, have); err != nil {
		return nil, err
	}
	return deletion, nil
}

// AbandonCreation notes that nobody took the answer to a create: the next attempt may take the object over.
func (s *Service[Body, Answer]) AbandonCreation(ctx context.Context, connection, name string) error {
	return s.store.AbandonCreation(ctx, s.Noun, key(connection, name))
}

// EndCreation notes that the answer to a create has left.
func (s *Service[Body, Answer]) EndCreation(ctx context.Context, connection, name string) error {
	return s.store.EndCreation(ctx, s.Noun, key(connection, name))
}

// key is the name of an object among those of all clusters.
func key(connection, name string) string { return connection + "/" + name }

// Hash is a short hash of values, for generations. encoding/json writes maps in the order of their keys.
func Hash(values ...any) string {
	content, err := json.Marshal(values)
	if err != nil {
		return "" // strings, numbers, and lists and maps of them always encode
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// Join makes one error of several, nil where there is none.
func Join(all []*api.Error) error {
	if len(all) == 0 {
		return nil
	}
	first := *all[0]
	for _, e := range all[1:] {
		first.More = append(first.More, *e)
	}
	return &first
}
