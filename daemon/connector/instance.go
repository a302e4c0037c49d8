package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// commitInterval is how often safe positions are committed. What was written since is written again after a kill, so
	// a fast copy commits as soon as commitBytes are written, looked at every commitLook.
	commitInterval = time.Second
	commitBytes    = 1 << 20
	commitLook     = 200 * time.Millisecond
	// recommitInterval is how often positions are committed that did not move: a broker forgets each position of a group
	// without members offsets.retention.minutes after it was committed, a week by default.
	recommitInterval = time.Hour
	// drainTimeout is how long a stopping instance waits for what is under way.
	drainTimeout = 15 * time.Second
	// writeTimeout is how long the destination may take for a batch until the instance counts as failed. It covers the
	// restart of a broker.
	writeTimeout = time.Minute
	// commitTimeout bounds one commit.
	commitTimeout = 10 * time.Second
)

// instance is one of the parallel parts of a run. Its goroutine starts it, restarts it after failures, and ends with
// the context.
type instance struct {
	id     int
	source Source
	sink   Sink
	// budget bounds the bytes in flight, over all instances of the run.
	budget     *semaphore.Weighted
	budgetSize int64
	log        *slog.Logger
	changed    func() // tells that the state changed

	assigned chan struct{} // 1 slot: splits were added
	kick     chan struct{} // 1 slot: restart now
	gate     gate

	counters

	mu           sync.Mutex
	splits       []Split
	state        string
	failure      *api.Failure
	fatal        bool
	nextRestart  time.Time
	began        time.Time // the current attempt, or what has to come before it
	restarts     restarts
	sourceErrors recentErrors
	systemErrors recentErrors
	tracker      *tracker
	// interrupt ends the current attempt so that the next begins; nil between attempts.
	interrupt context.CancelCauseFunc
	// again says that a restart was asked for since the last attempt began.
	again bool
}

type counters struct {
	recordsReceived, recordsWritten atomic.Int64
	bytesReceived, bytesWritten     atomic.Int64
	lastReceived                    atomic.Int64 // Unix nanoseconds
}

var errRestart = errors.New("restart was asked for")

// loop runs the instance until the context ends, which drains it.
func (i *instance) loop(ctx context.Context) {
	for ctx.Err() == nil {
		err := i.attempt(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errRestart) {
			i.set(api.StateStarting)
			continue
		}
		if wait, failed := i.fail(err); failed {
			i.waitForRestart(ctx, wait)
		}
	}
}

// fail notes a failure and answers how long to wait. After a failure that a restart came for meanwhile, nobody waits.
func (i *instance) fail(err error) (wait time.Duration, failed bool) {
	now := time.Now()
	f := failureOf(err, now)
	i.mu.Lock()
	if i.again {
		i.mu.Unlock()
		i.log.Info("instance failed as it was restarted", "error", err)
		return 0, false
	}
	wait = i.restarts.next(now)
	i.restarts.failed()
	i.nextRestart = now.Add(wait)
	i.fatal = IsFatal(err)
	if _, ok := errors.AsType[*sourceError](err); ok {
		i.sourceErrors.add(f)
	} else {
		i.systemErrors.add(f)
	}
	i.state, i.failure = api.StateFailed, f
	i.mu.Unlock()
	i.changed()
	i.log.Error("instance failed", "error", err, "restart_in", wait.Round(time.Millisecond).String())
	return wait, true
}

func (i *instance) waitForRestart(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	case <-i.kick:
		i.mu.Lock()
		i.restarts.count = 0
		i.mu.Unlock()
	}
	i.mu.Lock()
	i.nextRestart = time.Time{}
	i.mu.Unlock()
}

// restart ends the current attempt, or the wait for the next. From now on the instance is starting: who asks for its state is
// not to take the one before for the outcome.
func (i *instance) restart() {
	i.mu.Lock()
	interrupt := i.interrupt
	i.state, i.failure, i.again, i.began = api.StateStarting, nil, true, time.Now()
	if interrupt == nil {
		select {
		case i.kick <- struct{}{}:
		default:
		}
	}
	i.mu.Unlock()
	i.changed()
	if interrupt != nil {
		interrupt(errRestart)
	}
}

func (i *instance) hasFailed() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.state == api.StateFailed
}

// sourceError marks errors of reading.
type sourceError struct{ err error }

func (s *sourceError) Error() string { return s.err.Error() }
func (s *sourceError) Unwrap() error { return s.err }

// attempt runs the instance once: from opening to the first failure, or to the end of the context.
func (i *instance) attempt(ctx context.Context) (err error) {
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	i.begin(interrupt)
	defer i.setInterrupt(nil)
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
		if cause := context.Cause(ctx); errors.Is(cause, errRestart) {
			err = errRestart
		}
	}()
	reader, err := i.source.Open(ctx, i.id)
	if err != nil {
		return &sourceError{fmt.Errorf("open source: %w", err)}
	}
	defer reader.Close()
	writer, err := i.sink.Open(ctx, i.id)
	if err != nil {
		return fmt.Errorf("open destination: %w", err)
	}
	p := &pump{instance: i, reader: reader, writer: writer, tracker: newTracker()}
	i.setTracker(p.tracker)
	return p.run(ctx)
}

// begin makes an attempt of every restart that was asked for before.
func (i *instance) begin(interrupt context.CancelCauseFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.interrupt, i.again, i.began = interrupt, false, time.Now()
	select {
	case <-i.kick:
	default:
	}
}

func (i *instance) setInterrupt(f context.CancelCauseFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.interrupt = f
}

func (i *instance) setTracker(t *tracker) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tracker = t
}

// pause closes or opens the gate. Until the instance has noticed, it is starting.
func (i *instance) pause(paused bool) {
	if i.gate.isClosed() == paused {
		return
	}
	i.mu.Lock()
	up := i.state == api.StateRunning || i.state == api.StatePaused || i.state == api.StateUnassigned
	i.mu.Unlock()
	if up {
		i.set(api.StateStarting)
	}
	i.gate.set(paused)
}

// assign replaces the splits of the instance. A split is never taken away from a running instance.
func (i *instance) assign(splits []Split) {
	i.mu.Lock()
	same := slices.Equal(i.splits, splits)
	i.splits = splits
	i.mu.Unlock()
	if same {
		return
	}
	select {
	case i.assigned <- struct{}{}:
	default:
	}
}

func (i *instance) currentSplits() []Split {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.splits
}

// set notes a state that is no failure.
func (i *instance) set(state string) {
	i.mu.Lock()
	i.state = state
	i.failure = nil
	if state == api.StateStarting {
		i.began = time.Now()
	}
	if state == api.StateRunning || state == api.StatePaused || state == api.StateUnassigned {
		i.restarts.running(time.Now())
	}
	i.mu.Unlock()
	i.changed()
}

// report notes an error that was got over.
func (i *instance) report(err error, ofSource bool) {
	f := failureOf(err, time.Now())
	i.mu.Lock()
	defer i.mu.Unlock()
	if ofSource {
		i.sourceErrors.add(f)
		return
	}
	i.systemErrors.add(f)
}

// pump is one attempt of an instance under way.
type pump struct {
	*instance
	reader  Reader
	writer  Writer
	tracker *tracker
	known   map[Split]bool
	// inTrouble says that the destination could not be reached at the last look.
	inTrouble bool
}

func (p *pump) run(ctx context.Context) error {
	// Writes outlive the reading, so that what is under way can be finished.
	writing, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer p.writer.Close()
	defer abandon()
	p.known = map[Split]bool{}
	if err := p.takeSplits(ctx); err != nil {
		return err
	}
	p.settle()
	failed := make(chan error, 1)
	g, reading := errgroup.WithContext(ctx)
	g.Go(func() error { return guard(func() error { return p.read(reading, writing, failed) }) })
	g.Go(func() error { return guard(func() error { return p.commitEvery(reading) }) })
	g.Go(func() error {
		select {
		case <-reading.Done():
			return nil
		case err := <-failed:
			return err
		}
	})
	finished, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		giveUpInTime(ctx, reading, finished, abandon)
	}()
	err := g.Wait()
	if err == nil {
		p.drain(writing)
	}
	close(finished)
	<-watched
	// After a failure nothing more is written, but what is safe already need not be repeated.
	abandon()
	return errors.Join(err, p.commitLast(ctx))
}

// giveUpInTime ends the writes that are under way: at once when the attempt failed, and after drainTimeout when it is
// to stop. A write may wait for as long as the destination is down, and nothing else would end it.
func giveUpInTime(ctx, reading context.Context, finished <-chan struct{}, abandon func()) {
	select {
	case <-finished:
		return
	case <-reading.Done():
	}
	if ctx.Err() != nil {
		timer := time.NewTimer(drainTimeout)
		defer timer.Stop()
		select {
		case <-finished:
			return
		case <-timer.C:
		}
	}
	abandon()
}

// guard turns a panic into an error, so that one bad connector never takes the daemon with it.
func guard(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	return f()
}

// settle shows that the instance is up.
func (p *pump) settle() {
	switch {
	case p.gate.isClosed():
		p.set(api.StatePaused)
	case len(p.known) == 0:
		p.set(api.StateUnassigned)
	default:
		p.set(api.StateRunning)
	}
}

// takeSplits begins reading the splits that are new.
func (p *pump) takeSplits(ctx context.Context) error {
	var added []Split
	for _, s := range p.currentSplits() {
		if !p.known[s] {
			added = append(added, s)
		}
	}
	if len(added) == 0 {
		return nil
	}
	from, err := p.reader.Assign(ctx, added)
	if err != nil {
		return &sourceError{fmt.Errorf("take over partitions: %w", err)}
	}
	for split, position := range from {
		p.tracker.begin(split, position)
	}
	for _, s := range added {
		p.known[s] = true
	}
	return nil
}

// read moves batches from the reader to the writer until the context ends.
func (p *pump) read(reading, writing context.Context, failed chan<- error) error {
	for {
		if err := p.waitForWork(reading); err != nil {
			return ignoreEnd(reading, err)
		}
		if err := p.readUntilInterrupted(reading, writing, failed); err != nil {
			return ignoreEnd(reading, err)
		}
	}
}

// readUntilInterrupted reads until a pause, new splits, or the end.
func (p *pump) readUntilInterrupted(reading, writing context.Context, failed chan<- error) error {
	ctx, stop := p.untilInterrupted(reading)
	defer stop()
	for ctx.Err() == nil {
		batch, err := p.reader.Read(ctx)
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return &sourceError{err}
		}
		p.received(&batch)
		if err := p.write(reading, writing, batch, failed); err != nil {
			return err
		}
	}
	return nil
}

// waitForWork waits while the instance is paused or has nothing to read, and takes new splits.
func (p *pump) waitForWork(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-p.assigned:
		default:
		}
		if err := p.takeSplits(ctx); err != nil {
			return err
		}
		closed, opened := p.gate.wait()
		if !closed && len(p.known) > 0 {
			p.settleIfChanged(api.StateRunning)
			return nil
		}
		if closed {
			p.settleIfChanged(api.StatePaused)
		} else {
			p.settleIfChanged(api.StateUnassigned)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.assigned:
		case <-opened:
		}
	}
}

func (p *pump) settleIfChanged(state string) {
	p.mu.Lock()
	same := p.state == state
	p.mu.Unlock()
	if !same {
		p.set(state)
	}
}

// untilInterrupted is a context for reading: it ends when the gate closes or splits are added.
func (p *pump) untilInterrupted(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	closing := p.gate.whenClosed()
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-ctx.Done():
		case <-closing:
		case <-p.assigned:
			p.assignAgain()
		}
		cancel()
	}()
	return ctx, func() {
		cancel()
		<-done
	}
}

// assignAgain puts the signal back that untilInterrupted took.
func (p *pump) assignAgain() {
	select {
	case p.assigned <- struct{}{}:
	default:
	}
}

func (p *pump) received(b *Batch) {
	p.recordsReceived.Add(int64(len(b.Records)))
	p.bytesReceived.Add(b.Bytes)
	p.lastReceived.Store(time.Now().UnixNano())
}

func (p *pump) write(reading, writing context.Context, b Batch, failed chan<- error) error {
	held := min(b.Bytes, p.budgetSize)
	if err := p.budget.Acquire(reading, held); err != nil {
		return err
	}
	f := p.tracker.add(&b)
	records, bytes := int64(len(b.Records)), b.Bytes
	p.writer.Write(writing, b, func(err error) {
		p.budget.Release(held)
		if err == nil {
			p.recordsWritten.Add(records)
			p.bytesWritten.Add(bytes)
		}
		p.tracker.finish(f, err == nil)
		if err != nil {
			select {
			case failed <- err:
			default: // one failure ends the attempt; the others are its echo
			}
		}
	})
	return nil
}

// commitEvery commits what is safe until the context ends.
func (p *pump) commitEvery(ctx context.Context) error {
	ticker := time.NewTicker(commitLook)
	defer ticker.Stop()
	last, written := time.Now(), p.bytesWritten.Load()
	all := time.Now() // when every position was last committed, those of quiet splits too
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := errors.Join(p.refused(), p.stalled()); err != nil {
			return err
		}
		if time.Since(last) < commitInterval && p.bytesWritten.Load()-written < commitBytes {
			continue
		}
		last, written = time.Now(), p.bytesWritten.Load()
		positions := p.tracker.takeFresh()
		due := time.Since(all) >= recommitInterval
		if due {
			positions = p.tracker.safe()
		}
		if len(positions) == 0 {
			continue
		}
		if err := p.commit(ctx, positions); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if IsFatal(err) {
				return err
			}
			p.log.Warn("positions are not committed yet", "error", err)
			p.report(err, false)
			continue
		}
		if due {
			all = time.Now()
		}
	}
}

// refused is an error when the destination refuses the writer. That it cannot be reached is only noted: it may be back soon.
func (p *pump) refused() error {
	err := p.writer.Trouble()
	if IsFatal(err) {
		return err
	}
	if err != nil && !p.inTrouble {
		p.report(err, false)
	}
	p.inTrouble = err != nil
	return nil
}

// stalled is an error once a batch has been under way for too long.
func (p *pump) stalled() error {
	oldest := p.tracker.oldest()
	if oldest.IsZero() || time.Since(oldest) < writeTimeout {
		return nil
	}
	if err := p.writer.Trouble(); err != nil {
		return err
	}
	return api.Upstream(api.CodeConnection, "", fmt.Sprintf("The destination has not taken a batch for %s", writeTimeout), "",
		"Check that the destination is up; for Kafka, that enough replicas are in sync (min.insync.replicas).")
}

func (p *pump) commit(ctx context.Context, positions map[Split]Position) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := p.reader.Commit(ctx, positions); err != nil {
		p.tracker.giveBack(positions)
		return fmt.Errorf("commit positions: %w", err)
	}
	return nil
}

// commitLast commits what is safe when the attempt ends.
func (p *pump) commitLast(ctx context.Context) error {
	positions := p.tracker.takeFresh()
	if len(positions) == 0 {
		return nil
	}
	err := p.commit(context.WithoutCancel(ctx), positions)
	if err != nil {
		p.log.Warn("the last positions are not committed; what is after them will be read again", "error", err)
	}
	return err
}

// drain waits for what is under way, until the writes are given up.
func (p *pump) drain(writing context.Context) {
	select {
	case <-p.tracker.whenIdle():
	case <-writing.Done():
		p.log.Warn("not everything that was under way could be written in time; it will be read again", "waited", drainTimeout.String())
	}
}

// ignoreEnd is nil for an error that is only the context's end.
func ignoreEnd(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// safePositions answers up to where each split is safe, as far as the instance knows.
func (i *instance) safePositions() map[Split]Position {
	i.mu.Lock()
	t, splits := i.tracker, slices.Clone(i.splits)
	i.mu.Unlock()
	safe := map[Split]Position{}
	if t != nil {
		maps.Copy(safe, t.safe())
	}
	for _, s := range splits {
		if _, ok := safe[s]; !ok {
			safe[s] = nil
		}
	}
	return safe
}

// gate is open or closed, and tells when that changes.
type gate struct {
	mu     sync.Mutex
	closed bool
	moved  chan struct{} // closed at the next change
}

func (g *gate) set(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == closed {
		return
	}
	g.closed = closed
	if g.moved != nil {
		close(g.moved)
		g.moved = nil
	}
}

func (g *gate) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// wait answers whether the gate is closed, and a channel that is closed when that changes.
func (g *gate) wait() (closed bool, moved <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.moved == nil {
		g.moved = make(chan struct{})
	}
	return g.closed, g.moved
}

// whenClosed answers a channel that is closed when the gate closes, or is closed already.
func (g *gate) whenClosed() <-chan struct{} {
	closed, moved := g.wait()
	if closed {
		done := make(chan struct{})
		close(done)
		return done
	}
	return moved
}
