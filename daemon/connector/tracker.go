package connector

import (
	"sync"
	"time"
)

// tracker knows which batches are under way, and up to where each split is safe: a position is safe once its batch
// and all batches before it in the split are done.
type tracker struct {
	mu       sync.Mutex
	splits   map[Split]*progress
	inFlight int
	idle     chan struct{} // closed while nothing is in flight
}

type progress struct {
	queue []*flight // in the order of reading
	safe  Position
	fresh bool // safe moved since it was taken
}

type flight struct {
	split    Split
	position Position
	since    time.Time
	done     bool
}

func newTracker() *tracker {
	idle := make(chan struct{})
	close(idle)
	return &tracker{splits: map[Split]*progress{}, idle: idle}
}

// begin sets where a split starts.
func (t *tracker) begin(split Split, at Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.splits[split] = &progress{safe: at}
}

// add notes a batch that is about to be written.
func (t *tracker) add(b *Batch) *flight {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &flight{split: b.Split, position: b.Position, since: time.Now()}
	p := t.splits[b.Split]
	if p == nil {
		p = &progress{}
		t.splits[b.Split] = p
	}
	p.queue = append(p.queue, f)
	if t.inFlight == 0 {
		t.idle = make(chan struct{})
	}
	t.inFlight++
	return f
}

// finish notes that a batch is no longer under way. Only one that is written lets its split move on.
func (t *tracker) finish(f *flight, written bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight--
	if t.inFlight == 0 {
		close(t.idle)
	}
	if !written {
		return
	}
	f.done = true
	p := t.splits[f.split]
	for len(p.queue) > 0 && p.queue[0].done {
		p.safe, p.fresh = p.queue[0].position, true
		p.queue = p.queue[1:]
	}
}

// whenIdle answers a channel that is closed once nothing is in flight.
func (t *tracker) whenIdle() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.idle
}

// oldest answers since when the oldest batch has been under way; zero when there is none.
func (t *tracker) oldest() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	var oldest time.Time
	for _, p := range t.splits {
		if len(p.queue) > 0 && (oldest.IsZero() || p.queue[0].since.Before(oldest)) {
			oldest = p.queue[0].since
		}
	}
	return oldest
}

// takeFresh answers the safe positions that moved since the last call.
func (t *tracker) takeFresh() map[Split]Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := map[Split]Position{}
	for split, p := range t.splits {
		if p.fresh {
			fresh[split], p.fresh = p.safe, false
		}
	}
	return fresh
}

// giveBack marks positions that could not be committed as fresh again.
func (t *tracker) giveBack(positions map[Split]Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for split := range positions {
		t.splits[split].fresh = true
	}
}

// safe answers all safe positions.
func (t *tracker) safe() map[Split]Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[Split]Position, len(t.splits))
	for split, p := range t.splits {
		if p.safe != nil {
			all[split] = p.safe
		}
	}
	return all
}
