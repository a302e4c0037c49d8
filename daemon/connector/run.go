package connector

import (
	"cmp"
	"context"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// discoverInterval is how often a run looks for new splits.
	discoverInterval = 5 * time.Second
	// maxBytesInFlight bounds the memory of the batches of one connector that are read and not yet written.
	maxBytesInFlight = 64 << 20
)

// run is a connector with one specification, under way. It is started once and stopped once.
type run struct {
	source    Source
	sink      Sink
	instances []*instance
	log       *slog.Logger
	// admit refuses splits whose records would come back to the connector.
	admit func(ctx context.Context, splits []Split) error

	mu     sync.Mutex
	splits []Split
	// discovery is the error of the last look for splits, nil when it went well.
	discovery error

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// newRun makes the instances; nothing moves before start.
func newRun(source Source, sink Sink, parallelism int, paused bool, log *slog.Logger, changed func()) *run {
	r := &run{source: source, sink: sink, log: log, admit: func(context.Context, []Split) error { return nil }}
	budget := semaphore.NewWeighted(maxBytesInFlight)
	for id := range parallelism {
		i := &instance{
			id: id, source: source, sink: sink, budget: budget, budgetSize: maxBytesInFlight,
			log: log.With("instance", id), changed: changed, state: api.StateStarting,
			assigned: make(chan struct{}, 1), kick: make(chan struct{}, 1),
		}
		i.gate.set(paused)
		r.instances = append(r.instances, i)
	}
	return r
}

// start begins to move records of the splits found so far, and goes on looking for more.
func (r *run) start(ctx context.Context, splits []Split) {
	ctx, r.cancel = context.WithCancel(ctx)
	r.distribute(splits)
	for _, i := range r.instances {
		r.done.Go(func() { i.loop(ctx) })
	}
	r.done.Go(func() { r.discoverEvery(ctx) })
}

// stop drains the instances and frees source and sink.
func (r *run) stop() {
	if r.cancel != nil {
		r.cancel()
	}
	r.done.Wait()
	r.source.Close()
	r.sink.Close()
}

func (r *run) discoverEvery(ctx context.Context) {
	ticker := time.NewTicker(discoverInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := guard(func() error { return r.discover(ctx) })
		if ctx.Err() != nil {
			return
		}
		r.mu.Lock()
		news := (err == nil) != (r.discovery == nil)
		r.discovery = err
		r.mu.Unlock()
		if err != nil && news {
			r.log.Warn("cannot look for new partitions", "error", err)
			r.instances[0].report(err, true)
		}
	}
}

// discover takes over splits that appeared. Splits that are gone stay with their instance, which fails on them if it
// must: nothing is forgotten in silence.
func (r *run) discover(ctx context.Context) error {
	found, err := r.source.Splits(ctx)
	if err != nil {
		return err
	}
	have := r.currentSplits()
	added := slices.DeleteFunc(found, func(s Split) bool { return slices.Contains(have, s) })
	if len(added) == 0 {
		return nil
	}
	all := append(have, added...)
	if err := r.admit(ctx, all); err != nil {
		return err
	}
	if err := r.sink.Prepare(ctx, all); err != nil {
		return err
	}
	r.log.Info("new partitions join", "count", len(added))
	r.distribute(all)
	return nil
}

// distribute gives each split to an instance. The choice depends on nothing but the split and the number of
// instances, so that splits never move while others come.
func (r *run) distribute(splits []Split) {
	r.mu.Lock()
	r.splits = splits
	r.mu.Unlock()
	shares := make([][]Split, len(r.instances))
	for _, s := range splits {
		owner := ownerOf(s, len(r.instances))
		shares[owner] = append(shares[owner], s)
	}
	for id, i := range r.instances {
		i.assign(shares[id])
	}
}

func ownerOf(s Split, instances int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.Topic))
	return int((uint64(h.Sum32()) + uint64(s.Partition)) % uint64(instances)) // #nosec G115 -- partitions are not negative
}

func (r *run) currentSplits() []Split {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.splits)
}

// pause keeps the instances and stops the reading; resume is its reverse.
func (r *run) pause(paused bool) {
	for _, i := range r.instances {
		i.pause(paused)
	}
}

// started says whether every instance is up, or else why one cannot be, as far as that is known.
func (r *run) started() (up bool, failure *api.Failure, fatal bool) {
	up = true
	for _, i := range r.instances {
		i.mu.Lock()
		state, f, isFatal, hindrance := i.state, i.failure, i.fatal, i.hindrance()
		i.mu.Unlock()
		if state == api.StateFailed {
			return false, f, isFatal
		}
		if state == api.StateStarting {
			up, failure = false, cmp.Or(failure, hindrance)
		}
	}
	return up, failure, false
}
