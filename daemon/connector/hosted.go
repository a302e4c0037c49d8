package connector

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// hosted is one connector of the daemon through all its runs.
type hosted struct {
	service *Service
	name    string
	uid     string
	log     *slog.Logger

	// op is held by the one operation that changes the connector, and given back with release.
	op sync.Mutex

	mu         sync.Mutex
	generation int64
	declared   *declaration
	current    *incarnation // nil while stopped
	applying   bool         // a write is waiting for its outcome
	started    bool
	unanswered bool // the caller that created it has not been told the outcome
	rolledBack *api.Rollback
	moved      chan struct{} // closed at the next change
}

// changed wakes everyone who waits for a change.
func (h *hosted) changed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.moved)
	h.moved = make(chan struct{})
}

func (h *hosted) whenChanged() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.moved
}

// incarnation keeps one declaration running: it opens the run, again and again if need be, and stops it in the end.
type incarnation struct {
	// held keeps the gates closed until the change is known to start and is stored: a change that is taken back must not
	// have moved any position.
	held bool
	// first is set for the first run of a declaration, which fixes where new splits begin.
	first  bool
	cancel context.CancelFunc
	done   chan struct{}
	kick   chan struct{}

	mu       sync.Mutex
	declared *declaration
	run      *run
	link     *link        // known once the run is ready
	failure  *api.Failure // why the run cannot be opened
	fatal    bool
	restarts restarts
}

func (inc *incarnation) declaration() *declaration {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	return inc.declared
}

// launch begins an incarnation of what is stored. It does not wait for it to be up.
func (h *hosted) launch(d *declaration) { h.incarnate(d, false) }

// try begins an incarnation of what is not stored yet: it reads nothing until release.
func (h *hosted) try(d *declaration) *incarnation { return h.incarnate(d, true) }

func (h *hosted) incarnate(d *declaration, trial bool) *incarnation {
	ctx, cancel := context.WithCancel(h.service.life)
	inc := &incarnation{declared: d, held: trial, first: trial, cancel: cancel, done: make(chan struct{}), kick: make(chan struct{}, 1)}
	h.mu.Lock()
	h.current = inc
	h.mu.Unlock()
	go func() {
		defer close(inc.done)
		h.keep(ctx, inc)
	}()
	h.changed()
	return inc
}

// release lets a trial read.
func (inc *incarnation) release() {
	inc.mu.Lock()
	inc.held = false
	r, paused := inc.run, inc.declared.Settings.State == api.StatePaused
	inc.mu.Unlock()
	if r != nil {
		r.pause(paused)
	}
}

// halt ends the current incarnation and waits until it is drained.
func (h *hosted) halt() {
	h.mu.Lock()
	inc := h.current
	h.mu.Unlock()
	if inc == nil {
		return
	}
	inc.cancel()
	<-inc.done
	h.mu.Lock()
	h.current = nil
	h.mu.Unlock()
	h.changed()
}

func (h *hosted) keep(ctx context.Context, inc *incarnation) {
	for ctx.Err() == nil {
		var (
			r      *run
			splits []Split
		)
		err := guard(func() (err error) {
			r, splits, err = h.openRun(ctx, inc)
			return err
		})
		if err == nil {
			r.start(ctx, splits)
			h.changed()
			<-ctx.Done()
			r.stop()
			return
		}
		if ctx.Err() != nil {
			return
		}
		h.waitToReopen(ctx, inc, err)
	}
}

func (h *hosted) waitToReopen(ctx context.Context, inc *incarnation, err error) {
	now := time.Now()
	inc.mu.Lock()
	wait := inc.restarts.next(now)
	inc.failure, inc.fatal = failureOf(err, now), IsFatal(err)
	inc.mu.Unlock()
	level := slog.LevelWarn // most of these go away by themselves, such as a coordinator that is just being elected
	if IsFatal(err) {
		level = slog.LevelError
	}
	h.log.Log(ctx, level, "connector cannot start", "error", err, "retry_in", wait.Round(time.Millisecond).String())
	h.changed()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-inc.kick:
	}
}

// openRun opens source and sink, finds the splits, readies the destination and fixes the first positions.
func (h *hosted) openRun(ctx context.Context, inc *incarnation) (*run, []Split, error) {
	inc.mu.Lock()
	d, paused := inc.declared, inc.held || inc.declared.Settings.State == api.StatePaused
	inc.mu.Unlock()
	var r *run
	source, sink, err := h.service.open(ctx, h.name, h.uid, d, func(instance int, err error) {
		if r != nil && instance < len(r.instances) {
			r.instances[instance].report(err, true)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	r = newRun(source, sink, int(d.Settings.Parallelism), paused, h.log, h.changed)
	r.admit = func(ctx context.Context, splits []Split) error { return h.admit(ctx, inc, source, sink, splits) }
	splits, err := h.ready(ctx, inc, source, sink)
	if err != nil {
		source.Close()
		sink.Close()
		return nil, nil, err
	}
	inc.mu.Lock()
	inc.run, inc.failure, inc.fatal = r, nil, false
	inc.mu.Unlock()
	return r, splits, nil
}

func (h *hosted) ready(ctx context.Context, inc *incarnation, source Source, sink Sink) ([]Split, error) {
	splits, err := source.Splits(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.admit(ctx, inc, source, sink, splits); err != nil {
		return nil, err
	}
	if err := sink.Prepare(ctx, splits); err != nil {
		return nil, err
	}
	h.mu.Lock()
	started := h.started
	h.mu.Unlock()
	if err := source.Prepare(ctx, splits, inc.first || !started); err != nil {
		return nil, err
	}
	// Without splits there are no positions yet that could get lost.
	if started || len(splits) == 0 {
		return splits, nil
	}
	if err := h.service.store.MarkConnectorStarted(ctx, h.uid); err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.started = true
	h.mu.Unlock()
	return splits, nil
}

// admit refuses splits whose records would come back to the connector, by itself or over others, and notes where they go.
func (h *hosted) admit(ctx context.Context, inc *incarnation, source Source, sink Sink, splits []Split) error {
	link, err := h.service.checkLoops(ctx, h.name, source, sink, splits)
	if err != nil {
		return err
	}
	inc.mu.Lock()
	inc.link = link
	inc.mu.Unlock()
	return nil
}

// outcome says whether the incarnation is up, or why it cannot be.
func (inc *incarnation) outcome() (up bool, failure *api.Failure, fatal bool) {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	if inc.run == nil {
		return false, inc.failure, inc.fatal
	}
	return inc.run.started()
}

// awaitStart waits until the current incarnation is up. It answers why it is not, once that is certain or the time is up.
func (h *hosted) awaitStart(ctx context.Context) *api.Failure {
	h.mu.Lock()
	inc := h.current
	h.mu.Unlock()
	for {
		moved := h.whenChanged()
		up, failure, fatal := inc.outcome()
		if up {
			return nil
		}
		if fatal {
			return failure
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return startTimedOut(failure)
		}
	}
}

func startTimedOut(last *api.Failure) *api.Failure {
	if last != nil {
		return last
	}
	return &api.Failure{
		At: time.Now().UTC(), Code: api.CodeStartFailed, Summary: "The connector did not start in time",
		Remedy: "Give it more time with the timeouts of the resource, and look at its status and the daemon's log.",
	}
}

// apply replaces the running declaration, waits for the outcome, and takes the change back when it cannot start.
func (h *hosted) apply(ctx context.Context, next *declaration, timeout time.Duration) {
	previous := h.declaration()
	h.halt()
	trial := h.try(next)
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	failure := h.awaitStart(waiting)
	if ctx.Err() != nil {
		return // the daemon stops: what is stored is what comes back
	}
	if failure == nil {
		failure = h.persist(ctx, next)
	}
	if failure == nil {
		trial.release()
		return
	}
	h.log.Warn("update cannot start and is taken back", "error", failure.Summary)
	h.halt()
	h.mu.Lock()
	h.declared = previous
	h.rolledBack = &api.Rollback{Generation: strconv.FormatInt(h.generation+1, 10), Error: *failure}
	h.mu.Unlock()
	if previous.Settings.State != api.StateStopped {
		h.launch(previous)
	}
}

// create starts a connector for the first time, and removes it when it cannot start.
func (h *hosted) create(ctx context.Context, d *declaration, timeout time.Duration) {
	trial := h.try(d)
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	failure := h.awaitStart(waiting)
	if ctx.Err() != nil {
		return
	}
	if failure != nil {
		h.log.Warn("connector cannot start and is removed", "error", failure.Summary)
		h.service.abandon(ctx, h, failure)
		return
	}
	trial.release()
}

// release gives op back, and tells that its operation is over in the same moment: who hears of the one must not be told of
// the other. An operation that the end of the daemon cut short has no outcome to tell.
func (h *hosted) release() {
	h.mu.Lock()
	h.applying = h.applying && h.service.life.Err() != nil
	h.op.Unlock()
	h.mu.Unlock()
	h.changed()
}

// persist stores a declaration as the connector's own.
func (h *hosted) persist(ctx context.Context, d *declaration) *api.Failure {
	if err := h.save(ctx, d); err != nil {
		return failureOf(err, time.Now())
	}
	return nil
}

func (h *hosted) save(ctx context.Context, d *declaration) error {
	raw, err := d.encode()
	if err != nil {
		return err
	}
	h.mu.Lock()
	generation := h.generation
	h.mu.Unlock()
	err = h.service.store.UpdateConnector(ctx, store.Connector{Name: h.name, Spec: raw, Generation: generation})
	if errors.Is(err, store.ErrConflict) {
		return api.Conflict("Connector", h.name)
	}
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.generation++
	h.declared = d
	h.mu.Unlock()
	return nil
}

func (h *hosted) declaration() *declaration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.declared
}

// setState moves between running, paused and stopped. The caller holds op.
func (h *hosted) setState(ctx context.Context, state string) error {
	d := h.declaration().withState(state)
	if err := h.save(ctx, d); err != nil {
		return err
	}
	h.mu.Lock()
	inc := h.current
	h.rolledBack = nil
	h.mu.Unlock()
	switch {
	case state == api.StateStopped:
		h.halt()
	case inc == nil:
		h.launch(d)
	default:
		h.pauseIncarnation(inc, d)
	}
	h.changed()
	return nil
}

func (h *hosted) pauseIncarnation(inc *incarnation, d *declaration) {
	inc.mu.Lock()
	inc.declared = d
	r := inc.run
	inc.mu.Unlock()
	if r == nil {
		h.halt()
		h.launch(d)
		return
	}
	r.pause(d.Settings.State == api.StatePaused)
}

// relaunch starts the connector anew with the declaration that it has: a connection was changed. The caller holds op, and
// until it gives it back the connector shows as starting.
func (h *hosted) relaunch() {
	d := h.declaration()
	if d.Settings.State == api.StateStopped {
		return
	}
	h.willRelaunch()
	h.halt()
	h.launch(d)
}

// willRelaunch has the connector show as starting. The caller holds op.
func (h *hosted) willRelaunch() {
	h.mu.Lock()
	h.applying = true
	h.mu.Unlock()
	h.changed()
}

// restart restarts the chosen instances, or what keeps all of them from being there. It answers false when none is chosen.
func (h *hosted) restart(chosen func(i *instance) bool) bool {
	h.mu.Lock()
	inc := h.current
	h.mu.Unlock()
	if inc == nil {
		return false
	}
	inc.mu.Lock()
	r := inc.run
	if r == nil {
		inc.failure, inc.fatal = nil, false
	}
	inc.mu.Unlock()
	if r == nil {
		select {
		case inc.kick <- struct{}{}:
		default:
		}
		h.changed()
		return true
	}
	restarted := false
	for _, i := range r.instances {
		if chosen(i) {
			i.restart()
			restarted = true
		}
	}
	return restarted
}

func (h *hosted) link() *link {
	h.mu.Lock()
	inc := h.current
	h.mu.Unlock()
	if inc == nil {
		return nil
	}
	inc.mu.Lock()
	defer inc.mu.Unlock()
	return inc.link
}

// brief is snapshot without asking the source how far the partitions are.
func (h *hosted) brief() *api.Connector {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return h.snapshot(ctx)
}

// snapshot tells what the connector shall be and what it is.
func (h *hosted) snapshot(ctx context.Context) *api.Connector {
	h.mu.Lock()
	d, inc, applying := h.declared, h.current, h.applying
	generation, rolledBack := strconv.FormatInt(h.generation, 10), h.rolledBack
	h.mu.Unlock()
	if applying && inc != nil {
		d = inc.declaration()
	}
	c := &api.Connector{
		Name: h.name, Type: d.Type, Kind: d.Kind, Spec: d.Spec, ConnectorSettings: d.Settings, Generation: generation,
		Status: h.status(ctx, d, inc),
	}
	c.Status.Generation = generation
	c.Status.RolledBack = rolledBack
	if applying {
		c.Status.State = api.StateStarting
	}
	return c
}

func (h *hosted) status(ctx context.Context, d *declaration, inc *incarnation) api.ConnectorStatus {
	if inc == nil {
		return api.ConnectorStatus{
			State: api.StateStopped, Guarantee: d.Settings.Guarantee, WorkerID: h.service.workerID,
			LagRecords: unknown, Instances: []api.InstanceStatus{},
		}
	}
	inc.mu.Lock()
	r, failure := inc.run, inc.failure
	inc.mu.Unlock()
	if r != nil {
		return r.status(ctx, h.service.workerID)
	}
	status := api.ConnectorStatus{
		State: api.StateStarting, Guarantee: d.Settings.Guarantee, WorkerID: h.service.workerID,
		LagRecords: unknown, Instances: []api.InstanceStatus{}, Error: failure,
	}
	if failure != nil {
		status.State = api.StateFailed
	}
	return status
}
