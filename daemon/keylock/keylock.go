// Package keylock lets one caller at a time work under each key.
package keylock

import (
	"context"
	"sync"
)

// Locks are locks by key. A key that nobody uses takes no memory.
type Locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	token chan struct{} // holds one token while nobody has the lock
	users int           // who has it or waits for it
}

// New makes an empty set.
func New() *Locks { return &Locks{held: map[string]*lock{}} }

// Lock waits for its turn, unless the context ends first. Unlock is to be called once.
func (l *Locks) Lock(ctx context.Context, key string) (unlock func(), err error) {
	one := l.join(key)
	select {
	case <-one.token:
		return func() {
			one.token <- struct{}{}
			l.leave(key, one)
		}, nil
	case <-ctx.Done():
		l.leave(key, one)
		return nil, ctx.Err()
	}
}

func (l *Locks) join(key string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.held[key]
	if one == nil {
		one = &lock{token: make(chan struct{}, 1)}
		one.token <- struct{}{}
		l.held[key] = one
	}
	one.users++
	return one
}

func (l *Locks) leave(key string, one *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(l.held, key)
	}
}
