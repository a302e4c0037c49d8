// Package gather makes one request of many: what is asked while a batch is under way goes together in the next.
package gather

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrClosed answers what is asked of a closed group, and what was under way when it was closed.
var ErrClosed = errors.New("the daemon is stopping, or the connection has just been changed")

// Config says how a group makes its batches.
type Config[Q, A any] struct {
	// Do answers a batch: answers[i] is that of batch[i]. An error is everyone's.
	Do func(ctx context.Context, batch []Q) (answers []A, err error)
	// Key names what is asked about: a batch has every key once. nil: questions may repeat.
	Key func(Q) string
	// Weight is what a question takes of Limit. Default: 1.
	Weight func(Q) int
	// Limit is how much weight a batch has at most; a heavier question goes alone.
	Limit int
	// Timeout bounds a batch, which does not end with those who asked.
	Timeout time.Duration
	// Every is how far apart batches begin at least, so that more goes together where many ask. Who asks after a while
	// alone does not wait. Default: one begins as soon as the one before has ended.
	Every time.Duration
}

// Group gathers questions into batches, one batch at a time. It is safe for concurrent use.
type Group[Q, A any] struct {
	Config[Q, A]
	ctx    context.Context
	cancel context.CancelFunc
	loop   sync.WaitGroup
	begun  time.Time // of the last batch; the loop's

	mu      sync.Mutex
	waiting []*question[Q, A]
	running bool
	closed  bool
}

type question[Q, A any] struct {
	q       Q
	given   chan struct{} // closed once there is an answer
	answer  A
	err     error
	dropped bool // nobody waits for it any more
}

// New makes a group. Close ends it.
func New[Q, A any](cfg Config[Q, A]) *Group[Q, A] {
	ctx, cancel := context.WithCancel(context.Background()) // #nosec G118 -- Close calls it
	return &Group[Q, A]{Config: cfg, ctx: ctx, cancel: cancel}
}

// Close ends the batch under way and refuses further questions.
func (g *Group[Q, A]) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.loop.Wait()
}

// Ask puts a question into the next batch and waits for its answer. Who gives up before that batch begins is not asked for.
func (g *Group[Q, A]) Ask(ctx context.Context, q Q) (A, error) {
	one := &question[Q, A]{q: q, given: make(chan struct{})}
	if !g.enqueue(one) {
		return one.answer, ErrClosed
	}
	select {
	case <-one.given:
		return one.answer, one.err
	case <-ctx.Done():
		g.mu.Lock()
		one.dropped = true
		g.mu.Unlock()
		var none A
		return none, ctx.Err()
	}
}

func (g *Group[Q, A]) enqueue(one *question[Q, A]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.waiting = append(g.waiting, one)
	if !g.running {
		g.running = true
		g.loop.Go(g.run)
	}
	return true
}

func (g *Group[Q, A]) run() {
	for {
		g.pace()
		batch := g.take()
		if batch == nil {
			return
		}
		g.answer(batch)
	}
}

// pace waits until the next batch may begin, or the group is closed.
func (g *Group[Q, A]) pace() {
	if g.Every == 0 {
		return
	}
	select {
	case <-time.After(time.Until(g.begun.Add(g.Every))):
	case <-g.ctx.Done():
	}
}

// take answers the next batch, nil when nobody waits. What does not fit waits for the one after, in order.
func (g *Group[Q, A]) take() []*question[Q, A] {
	g.mu.Lock()
	defer g.mu.Unlock()
	var batch, later []*question[Q, A]
	keys, weight := map[string]bool{}, 0
	for _, one := range g.waiting {
		switch {
		case one.dropped:
		case !g.fits(one.q, keys, weight, len(batch) == 0):
			later = append(later, one)
		default:
			batch = append(batch, one)
			weight += g.weight(one.q)
			if g.Key != nil {
				keys[g.Key(one.q)] = true
			}
		}
	}
	g.waiting = later
	g.running = len(batch) > 0
	return batch
}

func (g *Group[Q, A]) fits(q Q, keys map[string]bool, weight int, first bool) bool {
	if first {
		return true
	}
	return weight+g.weight(q) <= g.Limit && (g.Key == nil || !keys[g.Key(q)])
}

func (g *Group[Q, A]) weight(q Q) int {
	if g.Weight == nil {
		return 1
	}
	return g.Weight(q)
}

func (g *Group[Q, A]) answer(batch []*question[Q, A]) {
	g.begun = time.Now()
	ctx, cancel := context.WithTimeout(g.ctx, g.Timeout)
	defer cancel()
	questions := make([]Q, len(batch))
	for i, one := range batch {
		questions[i] = one.q
	}
	answers, err := g.Do(ctx, questions)
	if err != nil && g.ctx.Err() != nil {
		// Those who ask have not given up: to them this is no cancellation, and nothing is known.
		err = fmt.Errorf("%w: %v", ErrClosed, err) //nolint:errorlint // on purpose
	}
	for i, one := range batch {
		if one.err = err; err == nil {
			one.answer = answers[i]
		}
		close(one.given)
	}
}
