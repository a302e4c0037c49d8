package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	noun = "connector"
	// defaultStartTimeout is how long a connector may take to start.
	defaultStartTimeout = time.Minute
	// deleteTimeout bounds a delete, the drain included.
	deleteTimeout = time.Minute
	// buriedFor is how long the daemon remembers why a connector could not be created.
	buriedFor = 10 * time.Minute
)

var namePattern = regexp.MustCompile(api.NamePattern)

// OpenSink makes the sink of a destination.
type OpenSink func(ctx context.Context, destination api.KafkaDestination) (Sink, error)

// Config is what the service is made from.
type Config struct {
	Store       *store.Store
	Connections *connection.Service
	Kinds       spec.Kinds
	Sources     map[string]SourceKind
	OpenSink    OpenSink
	// WorkerID names this daemon in statuses.
	WorkerID string
	Log      *slog.Logger
}

// Service hosts the connectors.
type Service struct {
	store       *store.Store
	connections *connection.Service
	kinds       spec.Kinds
	impls       map[string]SourceKind
	openSink    OpenSink
	workerID    string
	log         *slog.Logger

	life   context.Context // ends when the daemon stops
	end    context.CancelFunc
	writes sync.WaitGroup // operations that outlive their request

	mu      sync.Mutex
	hosted  map[string]*hosted
	buried  map[string]burial
	closing bool
}

type burial struct {
	err *api.Error
	at  time.Time
}

// New makes the service; Start brings back what was running.
func New(ctx context.Context, cfg Config) (*Service, error) {
	for _, k := range cfg.Kinds {
		if cfg.Sources[k.Name] == nil {
			return nil, fmt.Errorf("source kind %s has no implementation", k.Name)
		}
	}
	s := &Service{
		store: cfg.Store, connections: cfg.Connections, kinds: cfg.Kinds, impls: cfg.Sources, openSink: cfg.OpenSink,
		workerID: cfg.WorkerID, log: cfg.Log, hosted: map[string]*hosted{}, buried: map[string]burial{},
	}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	cfg.Connections.AddUsers(s.usersOf)
	cfg.Connections.OnChange(s.connectionChanged)
	return s, nil
}

// Start brings back exactly what was running when the daemon stopped.
func (s *Service) Start(ctx context.Context) error {
	rows, err := s.store.Connectors(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		d, err := s.load(row.Spec)
		if err != nil {
			return fmt.Errorf("bring back connector %s: %w", row.Name, err)
		}
		h := s.newHosted(row, d)
		s.publish(h)
		if d.Settings.State != api.StateStopped {
			h.launch(d)
		}
	}
	return nil
}

// Close drains all connectors and commits their positions.
func (s *Service) Close() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.end()
	s.writes.Wait()
	var all sync.WaitGroup
	for _, h := range s.all() {
		all.Go(h.halt)
	}
	all.Wait()
}

func (s *Service) newHosted(row store.Connector, d *declaration) *hosted {
	return &hosted{
		service: s, name: row.Name, uid: row.UID, log: s.log.With("connector", row.Name),
		generation: row.Generation, declared: d, started: row.Started, moved: make(chan struct{}),
	}
}

// publish lets others find a connector.
func (s *Service) publish(h *hosted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosted[h.name] = h
	delete(s.buried, h.name)
}

func (s *Service) all() []*hosted {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*hosted, 0, len(s.hosted))
	for _, h := range s.hosted {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b *hosted) int { return strings.Compare(a.name, b.name) })
	return list
}

func (s *Service) find(name string) (*hosted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hosted[name]; h != nil {
		return h, nil
	}
	if b, ok := s.buried[name]; ok && time.Since(b.at) < buriedFor {
		return nil, b.err
	}
	return nil, api.NotFound("Connector", name)
}

// Get reads a connector. With wait it answers once the connector is no longer starting, or when the context ends.
func (s *Service) Get(ctx context.Context, name string, wait bool) (*api.Connector, error) {
	for {
		h, err := s.find(name)
		if err != nil {
			return nil, err
		}
		moved := h.whenChanged()
		c := h.snapshot(context.WithoutCancel(ctx))
		if now, err := s.find(name); err != nil {
			return nil, err // it ended while it was looked at
		} else if now != h {
			continue
		}
		if !wait || c.Status.State != api.StateStarting {
			return c, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return c, nil
		}
	}
}

// Answered notes that the outcome of a creation was told.
func (s *Service) Answered(ctx context.Context, c *api.Connector) error {
	h, err := s.find(c.Name)
	if err != nil || c.Status.State == api.StateStarting {
		return nil //nolint:nilerr // a connector that is gone has nothing to note
	}
	h.mu.Lock()
	unanswered := h.unanswered
	h.unanswered = false
	h.mu.Unlock()
	if !unanswered {
		return nil
	}
	return s.store.EndCreation(ctx, noun, c.Name)
}

// List reads the connectors after a cursor, at most limit.
func (s *Service) List(ctx context.Context, after string, limit int) []api.Connector {
	chosen := slices.DeleteFunc(s.all(), func(h *hosted) bool { return h.name <= after })
	chosen = chosen[:min(len(chosen), limit)]
	list := make([]api.Connector, len(chosen))
	// Together, so that sources that are down cost their time limit once.
	var asking sync.WaitGroup
	for n, h := range chosen {
		asking.Go(func() { list[n] = *h.snapshot(ctx) })
	}
	asking.Wait()
	return list
}

// Put creates or changes a connector. It answers when the change is under way; Get tells the outcome.
func (s *Service) Put(ctx context.Context, name string, body api.ConnectorWrite, opts api.ConnectorWriteOptions, idempotencyKey string) (*api.Connector, error) {
	if !namePattern.MatchString(name) {
		return nil, api.Invalid("/name", "The name is not allowed", "Names are 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begin and end with a letter or digit.", "Choose another name.")
	}
	d, err := s.decode(body)
	if err != nil {
		return nil, err
	}
	if opts.StartTimeout <= 0 {
		opts.StartTimeout = defaultStartTimeout
	}
	h, err := s.find(name)
	if err != nil {
		if opts.Generation != "" {
			return nil, api.NotFound("Connector", name)
		}
		return s.create(ctx, name, d, body.Unknown, opts, idempotencyKey)
	}
	if err := s.mayWrite(ctx, h, opts, idempotencyKey); err != nil {
		return nil, err
	}
	return s.update(ctx, h, d, body.Unknown, opts)
}

// isAt refuses a write that was meant for another generation. An empty generation is any.
func (h *hosted) isAt(generation string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if generation != "" && generation != strconv.FormatInt(h.generation, 10) {
		return api.Conflict("Connector", h.name)
	}
	return nil
}

func (s *Service) mayWrite(ctx context.Context, h *hosted, opts api.ConnectorWriteOptions, idempotencyKey string) error {
	if err := h.isAt(opts.Generation); err != nil {
		return err
	}
	if !opts.CreateOnly {
		return nil
	}
	adopt, err := s.store.Unanswered(ctx, noun, h.name, idempotencyKey)
	if err != nil {
		return err
	}
	if !adopt {
		return api.AlreadyExists("Connector", h.name, "Choose another name, or import it.")
	}
	if opts.DryRun {
		return nil
	}
	h.mu.Lock()
	h.unanswered = true
	h.mu.Unlock()
	return nil
}

func (s *Service) create(ctx context.Context, name string, d *declaration, unknownValues []string, opts api.ConnectorWriteOptions, idempotencyKey string) (*api.Connector, error) {
	uid := uuid.NewString()
	if len(unknownValues) == 0 {
		if err := s.checkLive(ctx, name, uid, d); err != nil {
			return nil, err
		}
	}
	if opts.DryRun {
		return &api.Connector{
			Name: name, Type: d.Type, Kind: d.Kind, Spec: d.Spec, ConnectorSettings: d.Settings,
			Status: api.ConnectorStatus{State: api.StateStopped, Guarantee: d.Settings.Guarantee, Instances: []api.InstanceStatus{}},
		}, nil
	}
	raw, err := d.encode()
	if err != nil {
		return nil, err
	}
	began, err := s.store.BeginCreation(ctx, noun, name, idempotencyKey)
	if err != nil {
		return nil, err
	}
	taken := api.AlreadyExists("Connector", name, "Choose another name, or import it.")
	if !began {
		return nil, taken
	}
	row := store.Connector{Name: name, UID: uid, Spec: raw, Generation: 1}
	if err := s.store.InsertConnector(ctx, row); errors.Is(err, store.ErrConflict) {
		return nil, taken
	} else if err != nil {
		return nil, errors.Join(err, s.store.EndCreation(ctx, noun, name))
	}
	h := s.newHosted(row, d)
	h.unanswered = true
	h.applying = d.Settings.State != api.StateStopped
	h.op.Lock() // before anyone can find it
	s.publish(h)
	if !h.applying {
		h.release()
		return h.brief(), nil
	}
	answer := h.brief()
	s.inBackground(h, func(ctx context.Context) { h.create(ctx, d, opts.StartTimeout) })
	return answer, nil
}

func (s *Service) update(ctx context.Context, h *hosted, d *declaration, unknownValues []string, opts api.ConnectorWriteOptions) (*api.Connector, error) {
	was := h.declaration()
	if d.Kind != was.Kind {
		return nil, api.Invalid("/kind", fmt.Sprintf("Connector %q is of kind %s", h.name, was.Kind), "The kind of a connector cannot change.", "Delete it and create it again, or choose another name.")
	}
	same := d.sameBut(was)
	if !same && len(unknownValues) == 0 {
		if err := s.checkLive(ctx, h.name, h.uid, d); err != nil {
			return nil, err
		}
	}
	if opts.DryRun {
		c := h.brief()
		c.Spec, c.ConnectorSettings = d.Spec, d.Settings
		return c, nil
	}
	if same && d.Settings.State == was.Settings.State {
		return h.brief(), nil
	}
	if !h.op.TryLock() {
		return nil, busy(h.name)
	}
	// The checks took a while: somebody may have been faster.
	err := h.isAt(opts.Generation)
	if err == nil && h.declaration() != was {
		err = api.Conflict("Connector", h.name)
	}
	if err != nil {
		h.release()
		return nil, err
	}
	if same || d.Settings.State == api.StateStopped {
		defer h.release()
		return s.updateState(ctx, h, d, same)
	}
	h.mu.Lock()
	h.applying = true
	h.rolledBack = nil
	h.mu.Unlock()
	answer := h.brief()
	s.inBackground(h, func(ctx context.Context) { h.apply(ctx, d, opts.StartTimeout) })
	return answer, nil
}

// updateState is an update that needs no start to be waited for.
func (s *Service) updateState(ctx context.Context, h *hosted, d *declaration, same bool) (*api.Connector, error) {
	if same {
		if err := h.setState(ctx, d.Settings.State); err != nil {
			return nil, err
		}
		return h.brief(), nil
	}
	if err := h.save(ctx, d); err != nil {
		return nil, err
	}
	h.halt()
	return h.brief(), nil
}

func busy(name string) error {
	return api.Refused(api.CodeConflict, "/name", fmt.Sprintf("Connector %q is being changed", name), "", "Wait until it is no longer starting, and repeat.")
}

// inBackground runs an operation that outlives its request, and gives op back, which the caller holds. It ends when the
// daemon stops.
func (s *Service) inBackground(h *hosted, operation func(ctx context.Context)) {
	s.writes.Go(func() {
		defer h.release()
		operation(s.life)
	})
}

// abandon removes a connector that could not be created, and remembers why. Who is told why finds the name free again.
func (s *Service) abandon(ctx context.Context, h *hosted, failure *api.Failure) {
	h.halt()
	erased := s.erase(ctx, h)
	s.mu.Lock()
	delete(s.hosted, h.name)
	maps.DeleteFunc(s.buried, func(_ string, b burial) bool { return time.Since(b.at) >= buriedFor })
	s.buried[h.name] = burial{at: time.Now(), err: &api.Error{
		HTTPStatus: 409, Code: api.CodeStartFailed, Summary: fmt.Sprintf("Connector %q could not start and was not created", h.name),
		Detail: strings.TrimSuffix(failure.Summary+": "+failure.Detail, ": "), Remedy: failure.Remedy,
	}}
	s.mu.Unlock()
	h.changed()
	if erased != nil {
		h.log.Error("connector that could not start is not removed from the store", "error", erased)
		return
	}
	h.forgetPositions(ctx)
}

// erase removes a connector from the store, and only then the note of its creation.
func (s *Service) erase(ctx context.Context, h *hosted) error {
	if err := s.store.DeleteConnector(ctx, h.uid); err != nil {
		return err
	}
	return s.store.EndCreation(ctx, noun, h.name)
}

// forgetPositions removes the connector's group, as far as its source can be reached.
func (h *hosted) forgetPositions(ctx context.Context) []api.Warning {
	d := h.declaration()
	source, sink, err := h.service.open(ctx, h.name, h.uid, d, func(int, error) {})
	if err == nil {
		defer source.Close()
		defer sink.Close()
		ctx, cancel := context.WithTimeout(ctx, commitTimeout)
		defer cancel()
		err = source.Forget(ctx)
	}
	if err == nil {
		return nil
	}
	h.log.Warn("positions are left behind", "error", err)
	return []api.Warning{{Summary: "The consumer group of the connector could not be deleted", Detail: err.Error()}}
}

// Delete stops and removes a connector and its positions.
func (s *Service) Delete(ctx context.Context, name string, opts api.WriteOptions) (*api.Deletion, error) {
	h, err := s.find(name)
	if err != nil {
		if api.HasCode(err, api.CodeStartFailed) {
			return nil, api.NotFound("Connector", name)
		}
		return nil, err
	}
	if err := s.mayWrite(ctx, h, api.ConnectorWriteOptions{WriteOptions: api.WriteOptions{Generation: opts.Generation}}, ""); err != nil {
		return nil, err
	}
	if opts.DryRun {
		return &api.Deletion{Effects: h.effects()}, nil
	}
	if !h.op.TryLock() {
		return nil, busy(name)
	}
	defer h.release()
	if err := h.isAt(opts.Generation); err != nil {
		return nil, err
	}
	// Half a delete would be worse than one that nobody waits for any more.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	h.halt()
	if err := s.erase(ctx, h); err != nil {
		h.relaunch()
		return nil, err
	}
	s.mu.Lock()
	delete(s.hosted, name)
	s.mu.Unlock()
	h.changed()
	effects := h.forgetPositions(ctx)
	return &api.Deletion{Effects: append([]api.Warning{}, effects...)}, nil
}

// effects says what goes with the connector: its positions, which it has from its first start on.
func (h *hosted) effects() []api.Warning {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.started {
		return []api.Warning{}
	}
	return []api.Warning{{
		Summary: "Its positions go", Detail: "A connector that is created again begins where its start_from says, and may copy again what was copied. What is at the destination stays.",
	}}
}

// Restart restarts one instance, or all with a negative number.
func (s *Service) Restart(ctx context.Context, name string, id int) (*api.Connector, error) {
	h, err := s.findStarted(name)
	if err != nil {
		return nil, err
	}
	if id < 0 {
		// All of it anew: topics that are gone are let go, and destination topics that are gone are made again.
		if !h.op.TryLock() {
			return nil, busy(name)
		}
		h.willRelaunch()
		s.inBackground(h, func(context.Context) { h.relaunch() })
		return h.brief(), nil
	}
	if !h.restart(func(i *instance) bool { return i.id == id }) {
		return nil, api.NotFound("Instance", fmt.Sprintf("%s/%d", name, id))
	}
	return h.brief(), nil
}

// RestartFailed restarts the instances that have failed, now and not when they would be by themselves; the others go on.
func (s *Service) RestartFailed(_ context.Context, name string) (*api.Connector, error) {
	h, err := s.findStarted(name)
	if err != nil {
		return nil, err
	}
	h.restart((*instance).hasFailed)
	return h.brief(), nil
}

// findStarted refuses a connector that is stopped.
func (s *Service) findStarted(name string) (*hosted, error) {
	h, err := s.find(name)
	if err == nil && h.declaration().Settings.State == api.StateStopped {
		err = api.Refused(api.CodeRefused, "/state", fmt.Sprintf("Connector %q is stopped", name), "", "Set its state to running.")
	}
	return h, err
}

// SetState pauses, resumes or stops a connector.
func (s *Service) SetState(ctx context.Context, name, state string) (*api.Connector, error) {
	if !slices.Contains([]string{api.StateRunning, api.StatePaused, api.StateStopped}, state) {
		return nil, api.Invalid("/state", "There is no such state", "", "Use running, paused or stopped.")
	}
	h, err := s.find(name)
	if err != nil {
		return nil, err
	}
	if !h.op.TryLock() {
		return nil, busy(name)
	}
	defer h.release()
	if h.declaration().Settings.State == state {
		return h.brief(), nil
	}
	if err := h.setState(ctx, state); err != nil {
		return nil, err
	}
	return h.brief(), nil
}

// ReadersOf names the connectors that read a topic, or would when they go on. Connections that lead to the same cluster
// count as the same.
func (s *Service) ReadersOf(ctx context.Context, connectionName, cluster, topic string) ([]api.Warning, error) {
	var readers []api.Warning
	for _, h := range s.all() {
		d := h.declaration()
		kind, ok := s.impls[d.Kind].(TopicKind)
		if !ok || !kind.Selects(d.source, topic) {
			continue
		}
		for _, ref := range s.impls[d.Kind].References(d.source) {
			same, err := s.connections.Leads(ctx, ref.Name, connectionName, cluster)
			if err != nil {
				return nil, err
			}
			if same {
				readers = append(readers, reader(h.name, h.brief().Status.State))
				break
			}
		}
	}
	return readers, nil
}

// reader says what becomes of a connector without a topic that it reads.
func reader(name, state string) api.Warning {
	switch state {
	case api.StatePaused, api.StateStopped:
		return api.Warning{Summary: fmt.Sprintf("Connector %q, which is %s, reads it", name, state), Detail: "When it goes on, it fails: the topic is gone then."}
	case api.StateFailed:
		return api.Warning{Summary: fmt.Sprintf("Connector %q, which has failed, reads it", name), Detail: "It keeps trying to go on, and cannot once the topic is gone."}
	}
	return api.Warning{Summary: fmt.Sprintf("Connector %q reads it", name), Detail: "It fails once the topic is gone."}
}

func (s *Service) usersOf(_ context.Context, name string) ([]string, error) {
	var users []string
	for _, h := range s.all() {
		if h.uses(name) {
			users = append(users, fmt.Sprintf("connector %q", h.name))
		}
	}
	return users, nil
}

// connectionChanged makes the connectors that use a connection connect anew.
func (s *Service) connectionChanged(name string) {
	all := s.all()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return
	}
	for _, h := range all {
		s.writes.Go(func() {
			// A change that is under way may be moving to the connection, or away from it.
			h.op.Lock()
			defer h.release()
			if s.life.Err() == nil && h.uses(name) {
				h.log.Info("connection changed, connecting anew", "connection", name)
				h.relaunch()
			}
		})
	}
}

// uses says whether the connector uses a connection, or is about to.
func (h *hosted) uses(connectionName string) bool {
	h.mu.Lock()
	declarations, inc := []*declaration{h.declared}, h.current
	h.mu.Unlock()
	if inc != nil {
		declarations = append(declarations, inc.declaration())
	}
	return slices.ContainsFunc(declarations, func(d *declaration) bool {
		return slices.Contains(h.service.connectionsOf(d), connectionName)
	})
}
