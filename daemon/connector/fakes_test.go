package connector

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// fakeSource yields numbered batches of its splits, one record each, and remembers what was committed.
type fakeSource struct {
	mu        sync.Mutex
	splits    []Split
	committed map[Split]int
	limit     int // batches per split
	openErr   error
	// failInstance is the only one that openErr is for; 0: all.
	failInstance int
	readErr      error
	panics       bool
	commitErr    error
	readers      int
	more         chan struct{} // closed and replaced when there may be more to read
}

func newFakeSource(limit int, splits ...Split) *fakeSource {
	return &fakeSource{splits: splits, committed: map[Split]int{}, limit: limit, more: make(chan struct{})}
}

func (s *fakeSource) Splits(context.Context) ([]Split, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Split{}, s.splits...), nil
}
func (s *fakeSource) Prepare(context.Context, []Split, bool) error { return nil }
func (s *fakeSource) Group() string                                { return "group" }
func (s *fakeSource) Forget(context.Context) error                 { return nil }
func (s *fakeSource) Close()                                       {}
func (s *fakeSource) Progress(_ context.Context, safe map[Split]Position) ([]api.PartitionStatus, error) {
	var list []api.PartitionStatus
	for split, p := range safe {
		at, _ := p.(int)
		list = append(list, api.PartitionStatus{Topic: split.Topic, Partition: split.Partition, Position: int64(at), EndOffset: int64(s.limit), LagRecords: int64(s.limit - at)})
	}
	return list, nil
}

func (s *fakeSource) Open(_ context.Context, instance int) (Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.openErr != nil && (s.failInstance == 0 || s.failInstance == instance) {
		return nil, s.openErr
	}
	s.readers++
	return &fakeReader{source: s, next: map[Split]int{}}, nil
}

func (s *fakeSource) set(change func(*fakeSource)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
	close(s.more)
	s.more = make(chan struct{})
}

func (s *fakeSource) committedAt(split Split) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.committed[split]
}

type fakeReader struct {
	source *fakeSource
	order  []Split
	next   map[Split]int
}

func (r *fakeReader) Close() {
	r.source.mu.Lock()
	defer r.source.mu.Unlock()
	r.source.readers--
}

func (r *fakeReader) Assign(_ context.Context, splits []Split) (map[Split]Position, error) {
	r.source.mu.Lock()
	defer r.source.mu.Unlock()
	from := map[Split]Position{}
	for _, s := range splits {
		r.order = append(r.order, s)
		r.next[s] = r.source.committed[s]
		from[s] = r.source.committed[s]
	}
	return from, nil
}

func (r *fakeReader) Read(ctx context.Context) (Batch, error) {
	for {
		r.source.mu.Lock()
		err, panics, limit, more := r.source.readErr, r.source.panics, r.source.limit, r.source.more
		r.source.mu.Unlock()
		if panics {
			panic("bad reader")
		}
		if err != nil {
			return Batch{}, err
		}
		for _, s := range r.order {
			if n := r.next[s]; n < limit {
				r.next[s]++
				return Batch{Split: s, Records: []Record{{Value: fmt.Append(nil, n)}}, Bytes: 100, Position: n + 1}, nil
			}
		}
		select {
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		case <-more:
		}
	}
}

func (r *fakeReader) Commit(_ context.Context, positions map[Split]Position) error {
	r.source.mu.Lock()
	defer r.source.mu.Unlock()
	if r.source.commitErr != nil {
		return r.source.commitErr
	}
	for split, p := range positions {
		if p.(int) < r.source.committed[split] {
			return errors.New("a position went backwards")
		}
		r.source.committed[split] = p.(int)
	}
	return nil
}

// fakeSink keeps what is written. hold makes it keep batches back until release.
type fakeSink struct {
	mu       sync.Mutex
	written  map[Split][]string
	writeErr error
	hold     bool
	held     []func(error)
	inFlight int64
	peak     int64
	prepared []Split
	trouble  error
}

func newFakeSink() *fakeSink {
	return &fakeSink{written: map[Split][]string{}, trouble: errors.New("destination is down")}
}

func (s *fakeSink) Check(context.Context, []Split) error { return nil }
func (s *fakeSink) Close()                               {}
func (s *fakeSink) Prepare(_ context.Context, splits []Split) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepared = append(s.prepared, splits...)
	return nil
}
func (s *fakeSink) Open(context.Context, int) (Writer, error) { return &fakeWriter{s}, nil }

func (s *fakeSink) set(change func(*fakeSink)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *fakeSink) count(split Split) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.written[split])
}

// release finishes the batches that are held back, in the order given.
func (s *fakeSink) release(order ...int) {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	for _, n := range order {
		held[n](nil)
	}
}

type fakeWriter struct{ sink *fakeSink }

func (w *fakeWriter) Close() {}
func (w *fakeWriter) Trouble() error {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	return w.sink.trouble
}

func (w *fakeWriter) Write(_ context.Context, b Batch, done func(error)) {
	s := w.sink
	s.mu.Lock()
	if s.writeErr != nil {
		err := s.writeErr
		s.mu.Unlock()
		done(err)
		return
	}
	s.inFlight += b.Bytes
	s.peak = max(s.peak, s.inFlight)
	finish := func(err error) {
		s.mu.Lock()
		s.inFlight -= b.Bytes
		if err == nil {
			s.written[b.Split] = append(s.written[b.Split], string(b.Records[0].Value))
		}
		s.mu.Unlock()
		done(err)
	}
	if s.hold {
		s.held = append(s.held, finish)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	finish(nil)
}
