package topic

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// manyAtOnce is how many topics of one request are worked on at the same time. What they ask of the cluster goes together.
const manyAtOnce = 250

// ReadMany reads topics by name.
func (s *Service) ReadMany(ctx context.Context, connection string, body api.TopicsRead) (*api.TopicOutcomes, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	snap, err := s.snapshots.get(ctx, c.name, c.all)
	if err != nil {
		return nil, c.failure("read the topics", err)
	}
	rows, err := s.rows(ctx, connection)
	if err != nil {
		return nil, err
	}
	out := newOutcomes(len(body.Names))
	var missing []string
	for _, name := range body.Names {
		st := snap.topics[name]
		if st == nil || st.err != nil || s.snapshots.outdated(c.name, name) {
			missing = append(missing, name)
			continue
		}
		row, ok := rows[name]
		if !ok {
			row = unknownRow(connection, name)
		}
		t := answerWith(st, row, body.Effective)
		t.Reassignment = s.reassigns.Noted(connection, name)
		out.topic(name, t)
	}
	// What the reading of the whole cluster does not tell is asked by name: only then is a topic proven absent.
	out.each(missing, func(name string) (api.TopicOutcome, error) {
		t, err := s.Get(ctx, connection, name)
		if err == nil && body.Effective != nil {
			t.KeepEffective(body.Effective)
		}
		return api.TopicOutcome{Topic: t}, err
	})
	return out.all, ctx.Err()
}

// WriteMany creates, changes and deletes topics, each by itself.
func (s *Service) WriteMany(ctx context.Context, connection string, body api.TopicsWrite, dryRun bool, idempotencyKey string) (*api.TopicOutcomes, error) {
	// A dry run tells of each topic what is wrong, even when there is no such connection.
	if _, err := s.cluster(ctx, connection); err != nil && (!dryRun || !isMissing(err)) {
		return nil, err
	}
	out := newOutcomes(len(body.Put) + len(body.Delete))
	names := make([]string, 0, len(body.Put)+len(body.Delete))
	for name := range body.Put {
		names = append(names, name)
	}
	for name := range body.Delete {
		names = append(names, name)
	}
	out.each(names, func(name string) (api.TopicOutcome, error) {
		put, isPut := body.Put[name]
		if !isPut {
			gone, err := s.Delete(ctx, connection, name, api.WriteOptions{DryRun: dryRun, Generation: body.Delete[name].Generation})
			return api.TopicOutcome{Deletion: gone}, err
		}
		t, err := s.Put(ctx, connection, name, put.TopicWrite, api.WriteOptions{DryRun: dryRun, CreateOnly: put.CreateOnly, Generation: put.Generation}, idempotencyKey)
		if err != nil {
			return api.TopicOutcome{}, err
		}
		t.KeepEffective([]string{api.RetentionConfig})
		return api.TopicOutcome{Topic: t}, nil
	})
	return out.all, nil
}

// EndCreations is [Service.EndCreation] of many.
func (s *Service) EndCreations(ctx context.Context, connection string, names []string) error {
	return s.eachCreation(ctx, connection, names, s.EndCreation)
}

// AbandonCreations is [Service.AbandonCreation] of many.
func (s *Service) AbandonCreations(ctx context.Context, connection string, names []string) error {
	return s.eachCreation(ctx, connection, names, s.AbandonCreation)
}

func (s *Service) eachCreation(ctx context.Context, connection string, names []string, note func(ctx context.Context, connection, name string) error) error {
	var noting errgroup.Group
	noting.SetLimit(manyAtOnce)
	for _, name := range names {
		noting.Go(func() error { return note(ctx, connection, name) })
	}
	return noting.Wait()
}

// outcomes collects what becomes of each topic.
type outcomes struct {
	mu  sync.Mutex
	all *api.TopicOutcomes
}

func newOutcomes(n int) *outcomes {
	return &outcomes{all: &api.TopicOutcomes{Topics: make(map[string]api.TopicOutcome, n)}}
}

func (o *outcomes) topic(name string, t *api.Topic) {
	o.all.Topics[name] = api.TopicOutcome{Topic: t}
}

// each does something to every topic, many at once.
func (o *outcomes) each(names []string, do func(name string) (api.TopicOutcome, error)) {
	var doing errgroup.Group
	doing.SetLimit(manyAtOnce)
	for _, name := range names {
		doing.Go(func() error {
			outcome, err := do(name)
			if err != nil {
				outcome = api.TopicOutcome{Error: asAPIError(err)}
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			o.all.Topics[name] = outcome
			return nil
		})
	}
	_ = doing.Wait() // errors are in the outcomes
}

// asAPIError is the error as it is, or a fault of the daemon.
func asAPIError(err error) *api.Error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e
	}
	return &api.Error{HTTPStatus: http.StatusInternalServerError, Code: api.CodeInternal, Summary: "The daemon could not do it", Detail: err.Error()}
}
