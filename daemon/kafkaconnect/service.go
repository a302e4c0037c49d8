// Package kafkaconnect reads and writes the connectors of Kafka Connect clusters. The cluster is the truth: the store has
// no more than which keys were declared to be secret, what the cluster made of the last write, and the restart policy.
package kafkaconnect

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	noun = "kafka_connector"

	// defaultStartTimeout is how long a connector may take to run.
	defaultStartTimeout = time.Minute
	// writeTimeout bounds a request that changes something; from its beginning it does not end with its caller, so that
	// one who goes away leaves nothing half-done.
	writeTimeout = 2 * time.Minute
	// undoTimeout bounds taking a change back.
	undoTimeout = 2 * time.Minute
	// rebalanceWait is how long a read waits for a connector that is on its way from one worker to another.
	rebalanceWait = 10 * time.Second
	// pollEvery is how often a status is asked for while it is waited for.
	pollEvery = 250 * time.Millisecond
	// usersTimeout bounds the look for the connectors that use a connection.
	usersTimeout = 10 * time.Second
	// rememberFor is how long the outcome of a write is remembered.
	rememberFor = 10 * time.Minute
)

// Service reads and writes connectors. It is safe for concurrent use.
type Service struct {
	store *store.Store
	conns *connection.Service
	log   *slog.Logger

	life  context.Context // ends when the daemon stops
	end   context.CancelFunc
	tasks sync.WaitGroup // what outlives requests

	mu       sync.Mutex
	open     map[string]openCluster
	underway map[string]*operation // by connector
	outcomes map[string]outcome
	restarts map[string]*retries
}

// operation is a write or a restart that has not come to anything yet.
type operation struct {
	write bool
	ended chan struct{}
}

type openCluster struct {
	generation int64
	cluster    *cluster
}

// outcome is how the last write ended that did not go as declared.
type outcome struct {
	at time.Time
	// removed says why a connector could not be created.
	removed *api.Error
	// rollback says why an update was taken back.
	rollback *api.Rollback
}

// New makes the service; Start begins to follow the restart policies.
func New(ctx context.Context, st *store.Store, conns *connection.Service, log *slog.Logger) *Service {
	s := &Service{
		store: st, conns: conns, log: log, open: map[string]openCluster{}, underway: map[string]*operation{},
		outcomes: map[string]outcome{}, restarts: map[string]*retries{},
	}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	conns.OnChange(s.forget)
	conns.AddUsers(s.usersOf)
	return s
}

// Start follows the restart policies until Close.
func (s *Service) Start() { s.tasks.Go(s.watch) }

// Close ends what is under way. A write that waits for its connector to run ends without a verdict: the connector stays.
func (s *Service) Close() {
	s.end()
	s.tasks.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		c.cluster.client.Close()
	}
}

// forget drops the client of a connection that was changed or deleted.
func (s *Service) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.open[name]; ok {
		c.cluster.client.Close()
		delete(s.open, name)
	}
}

// usersOf tells which connectors that were declared here a connection's cluster has: their failed tasks are restarted, and
// their secrets known, through it. A cluster that cannot be reached, as one that is gone for good, keeps no connection.
func (s *Service) usersOf(ctx context.Context, connection string) ([]string, error) {
	rows, err := s.store.KafkaConnectors(ctx)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row store.KafkaConnector) bool { return row.Connection != connection })
	if len(rows) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, usersTimeout)
	defer cancel()
	c, err := s.cluster(ctx, connection)
	if api.HasCode(err, api.CodeInvalid) { // the name was used again, for another kind of connection
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	there, err := c.all(ctx)
	if err != nil {
		s.log.Warn("cannot tell which connectors use a connection", "connection", connection, "error", err)
		return nil, nil
	}
	var users []string
	for _, row := range rows {
		if slices.ContainsFunc(there, func(f *found) bool { return f.name == row.Name }) {
			users = append(users, fmt.Sprintf("connector %q", row.Name))
		}
	}
	return users, nil
}

// cluster opens a connection. The client is kept until the connection changes.
func (s *Service) cluster(ctx context.Context, name string) (*cluster, error) {
	target, err := s.conns.Resolve(ctx, name, "/connection", kafkaconnect.KindName)
	if err != nil {
		return nil, err
	}
	spec, ok := target.Spec.(*api.KafkaConnectConnection)
	if !ok {
		return nil, fmt.Errorf("connection %s is of kind %s, not %s", name, target.Kind, kafkaconnect.KindName)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.open[name]; ok && have.generation == target.Generation {
		return have.cluster, nil
	}
	client, err := kafkaconnect.NewClient(spec)
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", name, err)
	}
	c := newCluster(name, client)
	s.open[name] = openCluster{target.Generation, c}
	return c, nil
}

// id names a connector in the store's notes and among the writes.
func id(connection, name string) string { return connection + "/" + name }

// Get reads a connector. With wait it answers once no write to it is under way and it is no longer starting, or after the
// limit of long polls.
func (s *Service) Get(ctx context.Context, connection, name string, wait bool) (*api.KafkaConnector, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	limit := rebalanceWait
	if wait {
		limit = api.PollLimit
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if wait {
		s.awaitWrite(waiting, id(connection, name))
	}
	for {
		k, err := s.read(ctx, c, name)
		if err != nil || !moving(k.Status.State) || s.isUnderway(id(connection, name)) || sleep(waiting, pollEvery) != nil {
			return k, err
		}
	}
}

func (s *Service) read(ctx context.Context, c *cluster, name string) (*api.KafkaConnector, error) {
	// What is read while a write ends may be older than its end.
	underway := s.isUnderway(id(c.name, name))
	f, err := s.find(ctx, c, name)
	if err != nil {
		return nil, err
	}
	still := s.isUnderway(id(c.name, name))
	last := s.outcomeOf(id(c.name, name))
	if f == nil {
		if last.removed != nil && !still {
			return nil, last.removed
		}
		return nil, api.NotFound("Connector", name)
	}
	k := s.answer(c, f)
	k.Status.RolledBack = last.rollback
	if underway || still {
		k.Status.State = api.StateStarting
	}
	return k, nil
}

// find reads a connector with what is kept beside it; nil when it is proven absent.
func (s *Service) find(ctx context.Context, c *cluster, name string) (*found, error) {
	f, err := c.find(ctx, name)
	if err != nil || f == nil {
		return nil, err
	}
	if err := s.remember(ctx, c, f); err != nil {
		return nil, err
	}
	f.sensitive, err = c.sensitive(ctx, f.whole(), f.kept.SensitiveKeys)
	return f, err
}

// List reads the connectors after a cursor, by name, at most limit.
func (s *Service) List(ctx context.Context, connection, after string, limit int) ([]api.KafkaConnector, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	all, err := c.all(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f *found) bool { return f.name <= after })
	all = all[:min(len(all), limit)]
	list := make([]api.KafkaConnector, 0, len(all))
	for _, f := range all {
		if err := s.remember(ctx, c, f); err != nil {
			return nil, err
		}
		if f.sensitive, err = c.sensitive(ctx, f.whole(), f.kept.SensitiveKeys); err != nil {
			return nil, err
		}
		list = append(list, *s.answer(c, f))
	}
	return list, nil
}

// Delete removes a connector. Its offsets stay in the cluster: Kafka Connect keeps them.
func (s *Service) Delete(ctx context.Context, connection, name string, opts api.WriteOptions) (*api.Deletion, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	f, err := s.find(ctx, c, name)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, api.NotFound("Connector", name)
	}
	if opts.Generation != "" && opts.Generation != f.generation() {
		return nil, api.Conflict("Connector", name)
	}
	effects := []api.Warning{{
		Summary: "Its offsets stay on the Kafka Connect cluster", Detail: "A connector that is later created with the same name goes on from them.",
	}}
	if opts.DryRun {
		return &api.Deletion{Effects: effects}, nil
	}
	done, err := s.begin(id(connection, name), true)
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := c.remove(ctx, name); err != nil {
		return nil, err
	}
	s.conclude(id(connection, name), outcome{})
	return &api.Deletion{Effects: effects}, s.store.ForgetKafkaConnector(ctx, connection, name)
}

// Restart restarts a connector with all its tasks, or only what has failed.
func (s *Service) Restart(ctx context.Context, connection, name string, onlyFailed bool) (*api.KafkaConnector, error) {
	return s.restarted(ctx, connection, name, fmt.Sprintf("/restart?includeTasks=true&onlyFailed=%t", onlyFailed))
}

// RestartTask restarts one task; the others go on.
func (s *Service) RestartTask(ctx context.Context, connection, name string, task int) (*api.KafkaConnector, error) {
	return s.restarted(ctx, connection, name, fmt.Sprintf("/tasks/%d/restart", task))
}

func (s *Service) restarted(ctx context.Context, connection, name, action string) (*api.KafkaConnector, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	f, err := s.find(ctx, c, name)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, api.NotFound("Connector", name)
	}
	if f.state() == api.StateStopped {
		return nil, api.Refused(api.CodeRefused, "/state", fmt.Sprintf("Connector %q is stopped", name), "", "Set its state to running.")
	}
	done, err := s.begin(id(connection, name), false)
	if err != nil {
		return nil, err
	}
	if err := c.client.Do(ctx, http.MethodPost, connectorPath(name)+action, nil, nil); err != nil {
		done()
		return nil, c.failure(fmt.Sprintf("restart connector %q", name), err)
	}
	s.tasks.Go(func() {
		defer done()
		s.followRestart(c, f)
	})
	return s.read(ctx, c, name)
}

// followRestart waits until something has come of a restart. Until then the connector shows as starting: workers hear of it
// one after the other, and at first still tell what was before.
func (s *Service) followRestart(c *cluster, f *found) {
	waiting, cancel := context.WithTimeout(s.life, defaultStartTimeout)
	defer cancel()
	w := &write{c: c, name: f.name, have: f, hide: f.secrets()}
	w.State = f.state()
	w.await(waiting) // its status tells what has come of it
}

// begin notes that a write to a connector, or its restart, is under way; done ends it. One write at a time: the next one is
// told. A restart is in the way of nobody.
func (s *Service) begin(id string, write bool) (done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.underway[id]; other != nil && other.write {
		return nil, api.Refused(api.CodeConflict, "/name", fmt.Sprintf("Connector %q is being changed", id), "", "Wait until it is no longer starting, and repeat.")
	}
	own := &operation{write: write, ended: make(chan struct{})}
	s.underway[id] = own
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.underway[id] == own {
			delete(s.underway, id)
		}
		close(own.ended)
	}), nil
}

func (s *Service) isUnderway(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.underway[id] != nil
}

// awaitWrite waits until the write or restart that is under way has come to something, or the context ends.
func (s *Service) awaitWrite(ctx context.Context, id string) {
	s.mu.Lock()
	other := s.underway[id]
	s.mu.Unlock()
	if other == nil {
		return
	}
	select {
	case <-other.ended:
	case <-ctx.Done():
	}
}

// conclude remembers how a write ended.
func (s *Service) conclude(id string, o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, old := range s.outcomes {
		if time.Since(old.at) >= rememberFor {
			delete(s.outcomes, other)
		}
	}
	delete(s.outcomes, id)
	if o.removed != nil || o.rollback != nil {
		o.at = time.Now()
		s.outcomes[id] = o
	}
}

func (s *Service) outcomeOf(id string) outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.outcomes[id]; ok && time.Since(o.at) < rememberFor {
		return o
	}
	return outcome{}
}

// Answered notes that the outcome of a creation was told.
func (s *Service) Answered(ctx context.Context, k *api.KafkaConnector) error {
	if s.isUnderway(id(k.Connection, k.Name)) {
		return nil
	}
	return s.store.EndCreation(ctx, noun, id(k.Connection, k.Name))
}

// moving says whether a state is one that does not last.
func moving(state string) bool { return state == api.StateStarting || state == api.StateUnassigned }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
