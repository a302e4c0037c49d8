package topic

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func topicsOf(names ...string) map[string]*state {
	topics := map[string]*state{}
	for _, name := range names {
		topics[name] = &state{name: name}
	}
	return topics
}

func TestSnapshotServesManyReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSnapshots()
		defer s.close()
		var loads atomic.Int32
		load := func(context.Context) (map[string]*state, error) {
			loads.Add(1)
			time.Sleep(time.Second)
			return topicsOf("a"), nil
		}
		var readers sync.WaitGroup
		for range 50 {
			readers.Go(func() {
				if snap, err := s.get(t.Context(), "c", load); err != nil || snap.topics["a"] == nil {
					t.Errorf("get answered %v, %v", snap, err)
				}
			})
		}
		readers.Wait()
		if n := loads.Load(); n != 1 {
			t.Errorf("50 readers at the same time made %d loads, want 1", n)
		}
	})
}

func TestSnapshotGrowsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSnapshots()
		defer s.close()
		loads := 0
		load := func(context.Context) (map[string]*state, error) {
			loads++
			return topicsOf(), nil
		}
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {freshFor - 1, 1}, {1, 2}} {
			time.Sleep(step.wait)
			if _, err := s.get(t.Context(), "c", load); err != nil {
				t.Fatal(err)
			}
			if loads != step.want {
				t.Errorf("after another %v there were %d loads, want %d", step.wait, loads, step.want)
			}
		}
	})
}

// Who goes through the topics of a cluster that says nothing waits once.
func TestSnapshotLongFailureServesThoseWhoAskNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSnapshots()
		defer s.close()
		const long = 20 * time.Second
		silent := errors.New("i/o timeout")
		loads, answers := 0, error(nil)
		load := func(context.Context) (map[string]*state, error) {
			loads++
			if answers != nil {
				time.Sleep(long)
			}
			return topicsOf(), answers
		}
		get := func(wantErr error, wantLoads int) {
			t.Helper()
			if _, err := s.get(t.Context(), "c", load); !errors.Is(err, wantErr) || loads != wantLoads {
				t.Errorf("got %v after %d loads, want %v after %d", err, loads, wantErr, wantLoads)
			}
		}
		answers = silent
		begin := time.Now()
		for range 1000 {
			get(silent, 1)
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(begin); took > long+11*time.Second {
			t.Errorf("a thousand reads took %v", took)
		}
		// One that comes later asks anew.
		time.Sleep(failedPause + 1)
		get(silent, 2)
		// So does one that comes after all that time, however often others came.
		for range long / failedPause {
			time.Sleep(failedPause)
			get(silent, 2)
		}
		time.Sleep(failedPause)
		answers = nil
		get(nil, 3)
		get(nil, 3)
		// A change of the connection counts at once.
		time.Sleep(freshForMost)
		answers = silent
		get(silent, 4)
		s.forget("c")
		answers = nil
		get(nil, 5)
	})
}

// A cluster that takes a write is read again at once, whatever became of a reading that began before.
func TestSnapshotFailureEndsWithAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSnapshots()
		defer s.close()
		silent := errors.New("no answer")
		fails := func(context.Context) (map[string]*state, error) {
			time.Sleep(2 * failedLong)
			return nil, silent
		}
		works := func(context.Context) (map[string]*state, error) { return topicsOf(), nil }
		if _, err := s.get(t.Context(), "c", fails); !errors.Is(err, silent) {
			t.Fatal(err)
		}
		if _, err := s.get(t.Context(), "c", works); !errors.Is(err, silent) {
			t.Errorf("before the write it answers %v", err)
		}
		s.answers("c")
		if _, err := s.get(t.Context(), "c", works); err != nil {
			t.Errorf("after the write it answers %v", err)
		}

		time.Sleep(freshForMost)
		var early sync.WaitGroup
		early.Go(func() { _, _ = s.get(t.Context(), "c", fails) })
		time.Sleep(failedLong)
		s.answers("c")
		early.Wait()
		if _, err := s.get(t.Context(), "c", works); err != nil {
			t.Errorf("after a write during the reading it answers %v", err)
		}
	})
}

// What fails soon, as brokers do that restart, is asked anew at once.
func TestSnapshotShortFailureServesNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSnapshots()
		defer s.close()
		refused := errors.New("connection refused")
		load := func(context.Context) (map[string]*state, error) {
			time.Sleep(failedLong - 1)
			return nil, refused
		}
		if _, err := s.get(t.Context(), "c", load); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if _, err := s.get(t.Context(), "c", func(context.Context) (map[string]*state, error) { return topicsOf(), nil }); err != nil {
			t.Errorf("the next read answers %v", err)
		}
	})
}

// A large cluster is not read again and again by those who go through it.
func TestSnapshotOfALargeClusterIsFreshForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSnapshots()
		defer s.close()
		loads := 0
		load := func(context.Context) (map[string]*state, error) {
			loads++
			time.Sleep(freshForMost / freshFactor)
			return topicsOf(), nil
		}
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {freshForMost - freshForMost/freshFactor - 1, 1}, {1, 2}} {
			time.Sleep(step.wait)
			if _, err := s.get(t.Context(), "c", load); err != nil {
				t.Fatal(err)
			}
			if loads != step.want {
				t.Errorf("after another %v there were %d loads, want %d", step.wait, loads, step.want)
			}
		}
	})
}

// A read that begins after a write must see it, even when a load that began before the write is under way: topic by
// topic the written one is known to be outdated, and the whole is read again.
func TestSnapshotReadsOwnWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSnapshots()
		defer s.close()
		written := topicsOf("old")
		load := func(context.Context) (map[string]*state, error) {
			seen := written
			time.Sleep(time.Second)
			return seen, nil
		}
		var early sync.WaitGroup
		early.Go(func() { _, _ = s.get(t.Context(), "c", load) })
		synctest.Wait()
		written = topicsOf("old", "new")
		s.written("c", "new")
		early.Wait()
		if s.recent("c", "old") == nil || s.recent("c", "new") != nil || !s.outdated("c", "new") || s.outdated("c", "old") {
			t.Error("it is not the written topic alone that is outdated")
		}
		for range 2 { // the second read must not find what the early load left
			snap, err := s.whole(t.Context(), "c", load)
			if err != nil {
				t.Fatal(err)
			}
			if snap.topics["new"] == nil {
				t.Error("a read after the write does not see it")
			}
		}
		if s.outdated("c", "new") || s.recent("c", "new") == nil {
			t.Error("the written topic is outdated for ever")
		}
	})
}

func TestSnapshotOfAConnectionThatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSnapshots()
		defer s.close()
		here := topicsOf("here")
		load := func(context.Context) (map[string]*state, error) {
			seen := here
			time.Sleep(time.Second)
			return seen, nil
		}
		var early sync.WaitGroup
		early.Go(func() { _, _ = s.get(t.Context(), "c", load) })
		synctest.Wait()
		s.forget("c")
		here = topicsOf("there")
		early.Wait()
		if snap, err := s.get(t.Context(), "c", load); err != nil || snap.topics["there"] == nil {
			t.Errorf("%v, %v: want the topics of the new cluster", snap, err)
		}
	})
}

func TestSnapshotLoadOutlivesItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSnapshots()
		defer s.close()
		load := func(ctx context.Context) (map[string]*state, error) {
			select {
			case <-time.After(time.Second):
				return topicsOf("a"), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := s.get(ctx, "c", load)
			gone <- err
		}()
		synctest.Wait()
		stays := make(chan error, 1)
		go func() {
			_, err := s.get(t.Context(), "c", load)
			stays <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the reader that gave up got %v, want context.Canceled", err)
		}
		if err := <-stays; err != nil {
			t.Errorf("the other reader got %v", err)
		}
	})
}

func TestSnapshotClosed(t *testing.T) {
	s := newSnapshots()
	s.close()
	_, err := s.get(t.Context(), "c", func(context.Context) (map[string]*state, error) { return topicsOf(), nil })
	if !errors.Is(err, errClosed) {
		t.Errorf("get after close answered %v, want errClosed", err)
	}
}
