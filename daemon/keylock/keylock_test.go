package keylock

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestOneAtATime(t *testing.T) {
	locks := New()
	var (
		inside int
		all    sync.WaitGroup
	)
	for range 100 {
		all.Go(func() {
			unlock, err := locks.Lock(t.Context(), "a")
			if err != nil {
				t.Error(err)
				return
			}
			inside++ // the race detector watches
			unlock()
		})
	}
	all.Wait()
	if inside != 100 {
		t.Errorf("%d callers came in, want 100", inside)
	}
	if len(locks.held) != 0 {
		t.Errorf("%d keys are left behind", len(locks.held))
	}
}

func TestKeysDoNotWaitForEachOther(t *testing.T) {
	locks := New()
	unlockA, err := locks.Lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer unlockA()
	unlockB, err := locks.Lock(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	unlockB()
}

func TestWaitEndsWithTheContext(t *testing.T) {
	locks := New()
	unlock, err := locks.Lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := locks.Lock(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Lock answered %v, want context.Canceled", err)
	}
	unlock()
	if len(locks.held) != 0 {
		t.Errorf("%d keys are left behind", len(locks.held))
	}
}
