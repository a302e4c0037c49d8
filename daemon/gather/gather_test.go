package gather_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/gather"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder answers in upper case after a second, and remembers the batches.
type recorder struct {
	mu      sync.Mutex
	batches [][]string
	fail    error
}

func (r *recorder) do(ctx context.Context, batch []string) ([]string, error) {
	r.mu.Lock()
	r.batches = append(r.batches, slices.Clone(batch))
	r.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answers := make([]string, len(batch))
	for i, q := range batch {
		answers[i] = strings.ToUpper(q)
	}
	return answers, r.fail
}

func ask(t *testing.T, g *gather.Group[string, string], into *sync.WaitGroup, q string) {
	t.Helper()
	into.Go(func() {
		if got, err := g.Ask(t.Context(), q); err != nil || got != strings.ToUpper(q) {
			t.Errorf("%s: %q, %v", q, got, err)
		}
	})
	synctest.Wait() // so that questions are asked in order
}

// Many who ask one after the other go together all the same; one who asks alone does not wait, and a group that closes
// waits for nobody.
func TestBatchesKeepApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g := gather.New(gather.Config[string, string]{Do: r.do, Limit: 10, Timeout: time.Minute, Every: 10 * time.Second})
		began := time.Now()
		var asking sync.WaitGroup
		for q := range strings.FieldsSeq("a b c d") {
			ask(t, g, &asking, q)
			time.Sleep(2 * time.Second)
		}
		asking.Wait()
		if took := time.Since(began); took != 11*time.Second || len(r.batches) != 2 {
			t.Errorf("after %v: %q, want a alone and the others together at 10 s", took, r.batches)
		}
		time.Sleep(time.Minute)
		began = time.Now()
		ask(t, g, &asking, "e")
		asking.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("one alone took %v, want 1s", took)
		}
		began = time.Now()
		g.Close()
		if took := time.Since(began); took > 0 {
			t.Errorf("closing took %v", took)
		}
	})
}

func TestBatches(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  gather.Config[string, string]
		ask  string
		want string
	}{
		{"what waits goes together", gather.Config[string, string]{Limit: 10}, "a b c d", "a|b c d"},
		{"up to the limit", gather.Config[string, string]{Limit: 2}, "a b c d", "a|b c|d"},
		{"by weight, the heavy one alone", gather.Config[string, string]{Limit: 3, Weight: func(q string) int { return len(q) }}, "a bb ccccc d", "a|bb d|ccccc"},
		{"a key once", gather.Config[string, string]{Limit: 10, Key: func(q string) string { return q }}, "a b c b", "a|b c|b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				tt.cfg.Do, tt.cfg.Timeout = r.do, time.Minute
				g := gather.New(tt.cfg)
				defer g.Close()
				var asking sync.WaitGroup
				for q := range strings.FieldsSeq(tt.ask) {
					ask(t, g, &asking, q)
				}
				asking.Wait()
				var got []string
				for _, batch := range r.batches {
					got = append(got, strings.Join(batch, " "))
				}
				if all := strings.Join(got, "|"); all != tt.want {
					t.Errorf("batches %q, want %q", all, tt.want)
				}
			})
		})
	}
}

func TestEveryoneHearsOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		r := &recorder{fail: broken}
		g := gather.New(gather.Config[string, string]{Do: r.do, Limit: 10, Timeout: time.Minute})
		defer g.Close()
		var asking sync.WaitGroup
		for _, q := range []string{"a", "b", "c"} {
			asking.Go(func() {
				if _, err := g.Ask(t.Context(), q); !errors.Is(err, broken) {
					t.Errorf("%s: %v", q, err)
				}
			})
		}
		asking.Wait()
	})
}

func TestWhoGivesUpIsNotAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g := gather.New(gather.Config[string, string]{Do: r.do, Limit: 10, Timeout: time.Minute})
		defer g.Close()
		var asking sync.WaitGroup
		ask(t, g, &asking, "a")
		ctx, cancel := context.WithCancel(t.Context())
		asking.Go(func() {
			if _, err := g.Ask(ctx, "b"); !errors.Is(err, context.Canceled) {
				t.Errorf("b: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		ask(t, g, &asking, "c")
		asking.Wait()
		if len(r.batches) != 2 || !slices.Equal(r.batches[1], []string{"c"}) {
			t.Errorf("batches %q", r.batches)
		}
	})
}

func TestCloseEndsTheBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g := gather.New(gather.Config[string, string]{Do: r.do, Limit: 10, Timeout: time.Minute})
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := g.Ask(t.Context(), "a"); !errors.Is(err, gather.ErrClosed) || errors.Is(err, context.Canceled) {
				t.Errorf("a: %v", err)
			}
		})
		synctest.Wait()
		g.Close()
		asking.Wait()
		if _, err := g.Ask(t.Context(), "b"); !errors.Is(err, gather.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
