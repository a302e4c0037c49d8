package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// freshFor is how long one reading of a cluster serves further reads at least. Changes that others make show after it.
	freshFor = 2 * time.Second

	// A large cluster takes longer to read, and so do those who go through it topic by topic: a reading serves for this
	// many times as long as it took, at most for so long.
	freshFactor  = 20
	freshForMost = 15 * time.Second

	// loadTimeout bounds one reading of a whole cluster.
	loadTimeout = time.Minute

	// A cluster that takes connections and says nothing is waited for, which takes a client some 20 s. Who goes through its
	// topics waits once: a failure that was so long in coming serves those who ask within failedPause of the one before
	// too, at most for as long again. What fails sooner, as brokers do that restart, is asked anew.
	failedLong  = 5 * time.Second
	failedPause = time.Second
)

var errClosed = errors.New("the daemon is stopping")

// readFunc reads all topics of a cluster.
type readFunc func(ctx context.Context) (map[string]*state, error)

// snapshot is all topics of a cluster at one time.
type snapshot struct {
	topics map[string]*state
	names  []string // in order
}

// snapshots keeps the last reading of each cluster, and reads a cluster once for all who want to know at the same time.
type snapshots struct {
	flight singleflight.Group
	now    func() time.Time

	ctx    context.Context // of loads; ends with the service, not with the reader who began one
	cancel context.CancelFunc
	loads  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	known  map[string]*reading
}

// reading is the last reading of a cluster.
type reading struct {
	life  uint64    // moves when the connection changes: a reading of an earlier life is of another cluster
	snap  *snapshot // nil: none of this life
	begun time.Time
	until time.Time // it is fresh
	// failure serves until failedUntil, while it is asked for; failedAsked is when it was last. It is not of one that began
	// before answered, when the cluster last took a write.
	failure                            error
	failedUntil, failedAsked, answered time.Time
	// writes counts ours; written tells at which count a topic was last written, where snap may lack that.
	writes  uint64
	written map[string]uint64
}

func newSnapshots() *snapshots {
	s := &snapshots{now: time.Now, known: map[string]*reading{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func (s *snapshots) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.loads.Wait()
}

// forget drops what is known about the cluster of a connection.
func (s *snapshots) forget(connection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reading(connection)
	r.life++
	r.snap, r.failure, r.written = nil, nil, map[string]uint64{}
}

// written notes that a topic was written: no reading that began before tells about it.
func (s *snapshots) written(connection, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reading(connection)
	r.writes++
	r.written[name] = r.writes
}

// answers notes that a cluster took a write: that it said nothing before no longer counts.
func (s *snapshots) answers(connection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reading(connection)
	r.failure, r.answered = nil, s.now()
}

// outdated says whether a topic was written since the cluster was read.
func (s *snapshots) outdated(connection, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reading(connection).written[name] > 0
}

// recent answers a topic as a reading that is fresh has it, or nil.
func (s *snapshots) recent(connection, name string) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reading(connection)
	if !s.fresh(r) || r.written[name] > 0 {
		return nil
	}
	if st := r.snap.topics[name]; st != nil && st.err == nil {
		return st
	}
	return nil
}

// failed is the failure that still serves, or nil. It is called with the lock held.
func (s *snapshots) failed(r *reading) error {
	now := s.now()
	if r.failure == nil || now.After(r.failedUntil) || now.Sub(r.failedAsked) > failedPause {
		r.failure = nil
		return nil
	}
	r.failedAsked = now
	return r.failure
}

func (s *snapshots) fresh(r *reading) bool { return r.snap != nil && s.now().Before(r.until) }

// get answers a reading that is fresh, or joins or begins a new one: true but for topics that are [snapshots.outdated]. A
// caller who gives up ends only its own wait.
func (s *snapshots) get(ctx context.Context, connection string, read readFunc) (*snapshot, error) {
	return s.after(ctx, connection, read, func(*reading) uint64 { return 0 })
}

// whole is get with all our writes in it.
func (s *snapshots) whole(ctx context.Context, connection string, read readFunc) (*snapshot, error) {
	return s.after(ctx, connection, read, func(r *reading) uint64 {
		if len(r.written) == 0 {
			return 0
		}
		return r.writes
	})
}

// after answers a reading that began after so many of our writes; 0: any that is fresh.
func (s *snapshots) after(ctx context.Context, connection string, read readFunc, writes func(*reading) uint64) (*snapshot, error) {
	s.mu.Lock()
	r := s.reading(connection)
	least := writes(r)
	if least == 0 && s.fresh(r) {
		defer s.mu.Unlock()
		return r.snap, nil
	}
	if err := s.failed(r); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	flight := fmt.Sprintf("%s %d %d", connection, r.life, least)
	s.mu.Unlock()

	loaded := s.flight.DoChan(flight, func() (any, error) { return s.load(connection, read) })
	select {
	case result := <-loaded:
		if result.Err != nil {
			return nil, result.Err
		}
		snap, _ := result.Val.(*snapshot)
		return snap, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *snapshots) load(connection string, read readFunc) (*snapshot, error) {
	before, ok := s.begin(connection)
	if !ok {
		return nil, errClosed
	}
	defer s.loads.Done()
	ctx, cancel := context.WithTimeout(s.ctx, loadTimeout)
	defer cancel()
	topics, err := read(ctx)
	if err != nil {
		s.keepFailure(connection, err, before)
		return nil, err
	}
	snap := &snapshot{topics: topics, names: slices.Sorted(maps.Keys(topics))}
	s.keep(connection, snap, before)
	return snap, nil
}

// keep keeps a reading that was begun before, unless there is a later one.
func (s *snapshots) keep(connection string, snap *snapshot, before reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reading(connection)
	if r.life != before.life || r.begun.After(before.begun) {
		return
	}
	took := s.now().Sub(before.begun)
	r.snap, r.failure, r.begun = snap, nil, before.begun
	r.until = before.begun.Add(min(max(freshFor, freshFactor*took), freshForMost))
	maps.DeleteFunc(r.written, func(_ string, at uint64) bool { return at <= before.writes })
}

// keepFailure keeps why a reading failed that was begun before, when it was long in coming.
func (s *snapshots) keepFailure(connection string, err error, before reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	took := now.Sub(before.begun)
	r := s.reading(connection)
	if r.life == before.life && !r.begun.After(before.begun) && !r.answered.After(before.begun) && took >= failedLong {
		r.failure, r.failedUntil, r.failedAsked = err, now.Add(took), now
	}
}

// begin counts a load, unless the service was closed, and answers how things stood before it.
func (s *snapshots) begin(connection string) (before reading, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return reading{}, false
	}
	s.loads.Add(1)
	r := s.reading(connection)
	return reading{life: r.life, writes: r.writes, begun: s.now()}, true
}

// reading is called with the lock held.
func (s *snapshots) reading(connection string) *reading {
	r := s.known[connection]
	if r == nil {
		r = &reading{written: map[string]uint64{}}
		s.known[connection] = r
	}
	return r
}
