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
	// freshFor is how long one reading of a cluster serves further reads. Changes that others make show after it.
	freshFor = 2 * time.Second

	// loadTimeout bounds one reading of a whole cluster.
	loadTimeout = time.Minute
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
	// epoch moves with every write of ours: a reading of an earlier epoch may lack it.
	epoch uint64
	snap  *snapshot // nil: none of this epoch
	begun time.Time
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

// invalidate makes reads that begin from now on read the cluster anew.
func (s *snapshots) invalidate(connection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reading(connection)
	r.epoch++
	r.snap = nil
}

// get answers a reading that is fresh, or joins or begins a new one. A caller who gives up ends only its own wait.
func (s *snapshots) get(ctx context.Context, connection string, read readFunc) (*snapshot, error) {
	s.mu.Lock()
	r := s.reading(connection)
	if r.snap != nil && s.now().Sub(r.begun) < freshFor {
		defer s.mu.Unlock()
		return r.snap, nil
	}
	epoch := r.epoch
	s.mu.Unlock()

	loaded := s.flight.DoChan(fmt.Sprintf("%s %d", connection, epoch), func() (any, error) { return s.load(connection, read, epoch) })
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

func (s *snapshots) load(connection string, read readFunc, epoch uint64) (*snapshot, error) {
	if !s.begin() {
		return nil, errClosed
	}
	defer s.loads.Done()
	ctx, cancel := context.WithTimeout(s.ctx, loadTimeout)
	defer cancel()

	begun := s.now()
	topics, err := read(ctx)
	if err != nil {
		return nil, err
	}
	snap := &snapshot{topics: topics, names: slices.Sorted(maps.Keys(topics))}

	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.reading(connection); r.epoch == epoch {
		r.snap, r.begun = snap, begun
	}
	return snap, nil
}

// begin counts a load, unless the service was closed.
func (s *snapshots) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.loads.Add(1)
	return true
}

// reading is called with the lock held.
func (s *snapshots) reading(connection string) *reading {
	r := s.known[connection]
	if r == nil {
		r = &reading{}
		s.known[connection] = r
	}
	return r
}
