package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	splitA = Split{"a", 0}
	splitB = Split{"a", 1}
)

// started runs a source into a sink, in a bubble of fake time, until the test ends it.
func started(t *testing.T, source *fakeSource, sink *fakeSink, parallelism int) *run {
	t.Helper()
	r := newRun(source, sink, parallelism, false, slog.New(slog.DiscardHandler), func() {})
	r.start(t.Context(), source.splits)
	synctest.Wait()
	return r
}

func state(r *run, instance int) string {
	r.instances[instance].mu.Lock()
	defer r.instances[instance].mu.Unlock()
	return r.instances[instance].state
}

func TestRunMovesAndCommitsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(100, splitA, splitB), newFakeSink()
		r := started(t, source, sink, 1)
		time.Sleep(2 * commitInterval)
		if source.committedAt(splitA) != 100 || source.committedAt(splitB) != 100 {
			t.Errorf("committed %v", source.committed)
		}
		for i, v := range sink.written[splitA] {
			if v != strconv.Itoa(i) {
				t.Fatalf("record %d is %s", i, v)
			}
		}
		r.stop()
		if source.readers != 0 {
			t.Errorf("%d readers are open after stop", source.readers)
		}
	})
}

func TestNothingIsCommittedBeforeWhatIsBeforeItIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(3, splitA), newFakeSink()
		sink.hold = true
		r := started(t, source, sink, 1)
		sink.release(2, 1)
		time.Sleep(2 * commitInterval)
		if at := source.committedAt(splitA); at != 0 {
			t.Errorf("committed %d although the first batch is under way", at)
		}
		sink.release(0)
		time.Sleep(2 * commitInterval)
		if at := source.committedAt(splitA); at != 3 {
			t.Errorf("committed %d, want 3", at)
		}
		r.stop()
	})
}

func TestTrackerNeverPassesAGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTracker()
		n := rapid.IntRange(1, 50).Draw(t, "batches")
		flights := make([]*flight, n)
		for i := range flights {
			flights[i] = tr.add(&Batch{Split: splitA, Position: i + 1})
		}
		order := rapid.Permutation(flights).Draw(t, "order")
		lost := rapid.IntRange(0, n).Draw(t, "lost")
		done := map[*flight]bool{}
		for i, f := range order {
			tr.finish(f, i != lost)
			done[f] = i != lost
			want := 0
			for want < n && done[flights[want]] {
				want++
			}
			got, _ := tr.safe()[splitA].(int)
			if got != want {
				t.Fatalf("safe up to %d, want %d", got, want)
			}
		}
		select {
		case <-tr.whenIdle():
		default:
			t.Fatal("not idle although everything is done")
		}
	})
}

func TestStopDrainsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(5, splitA), newFakeSink()
		sink.hold = true
		r := started(t, source, sink, 1)
		go func() {
			time.Sleep(time.Second)
			sink.release(0, 1, 2, 3, 4)
		}()
		r.stop()
		if at := source.committedAt(splitA); at != 5 {
			t.Errorf("committed %d after the drain, want 5", at)
		}
	})
}

func TestStopGivesUpOnADeadDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(5, splitA), newFakeSink()
		sink.hold = true
		r := started(t, source, sink, 1)
		begin := time.Now()
		r.stop()
		if took := time.Since(begin); took != drainTimeout {
			t.Errorf("stop took %s, want %s", took, drainTimeout)
		}
		if at := source.committedAt(splitA); at != 0 {
			t.Errorf("committed %d of what was never written", at)
		}
	})
}

func TestFailedInstanceRestartsWithBackoffThatDecays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(1, splitA), newFakeSink()
		source.readErr = errors.New("cable cut")
		r := started(t, source, sink, 1)
		var last time.Duration
		for n := range 4 {
			synctest.Wait()
			i := r.instances[0]
			i.mu.Lock()
			wait, failure := time.Until(i.nextRestart), i.failure
			i.mu.Unlock()
			if state(r, 0) != api.StateFailed || failure == nil || failure.Summary != "cable cut" {
				t.Fatalf("state %s, failure %v", state(r, 0), failure)
			}
			if wait <= last {
				t.Errorf("restart %d after %s, the one before after %s", n, wait, last)
			}
			last = wait
			time.Sleep(wait)
		}
		source.set(func(s *fakeSource) { s.readErr = nil })
		time.Sleep(time.Minute)
		if state(r, 0) != api.StateRunning {
			t.Fatalf("state %s after the cause is gone", state(r, 0))
		}
		before := r.status(t.Context(), "w").Instances[0]
		time.Sleep(3 * backoffDecay)
		after := r.status(t.Context(), "w").Instances[0]
		if before.Restarts < 4 || after.Restarts != 0 || after.RestartsTotal != before.RestartsTotal {
			t.Errorf("restarts %d then %d, total %d then %d", before.Restarts, after.Restarts, before.RestartsTotal, after.RestartsTotal)
		}
		if len(after.SourceErrors) == 0 {
			t.Error("the recent errors are forgotten")
		}
		r.stop()
	})
}

func TestPanicStaysInItsInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(1, splitA), newFakeSink()
		source.panics = true
		r := started(t, source, sink, 2)
		owner := ownerOf(splitA, 2)
		s := r.status(t.Context(), "w")
		if s.Instances[owner].State != api.StateFailed || s.Instances[owner].Error.Trace == "" {
			t.Errorf("the instance that panicked is %+v", s.Instances[owner])
		}
		if other := s.Instances[1-owner]; other.State != api.StateUnassigned {
			t.Errorf("the other instance is %s", other.State)
		}
		r.stop()
	})
}

func TestWriteErrorFailsAndRepeatsWhatIsNotSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(10, splitA), newFakeSink()
		r := started(t, source, sink, 1)
		time.Sleep(2 * commitInterval)
		sink.set(func(s *fakeSink) { s.writeErr = errors.New("disk full") })
		source.set(func(s *fakeSource) { s.limit = 20 })
		synctest.Wait()
		if state(r, 0) != api.StateFailed {
			t.Fatalf("state %s", state(r, 0))
		}
		sink.set(func(s *fakeSink) { s.writeErr = nil })
		time.Sleep(10 * time.Second)
		if sink.count(splitA) != 20 {
			t.Errorf("%d records written, want each of 20 once", sink.count(splitA))
		}
		r.stop()
	})
}

func TestDestinationThatTakesNothingFailsTheInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(1, splitA), newFakeSink()
		sink.hold = true
		r := started(t, source, sink, 1)
		time.Sleep(writeTimeout + commitInterval/2)
		if f := r.status(t.Context(), "w").Error; f == nil || f.Summary != "destination is down" {
			t.Errorf("status says %+v", f)
		}
		sink.release(0)
		r.stop()
	})
}

// A destination that cannot be reached may be back soon, and is only noted; one that refuses fails the instance at once.
func TestTroubleWithTheDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(1, splitA), newFakeSink()
		r := started(t, source, sink, 1)
		time.Sleep(time.Minute)
		if s := r.status(t.Context(), "w"); s.State != api.StateRunning || s.Error != nil || len(s.Instances[0].SystemErrors) != 1 {
			t.Errorf("away: %+v", s)
		}
		sink.set(func(s *fakeSink) { s.trouble = Fatal(errors.New("wrong password")) })
		time.Sleep(commitInterval)
		if s := r.status(t.Context(), "w"); s.State != api.StateFailed || s.Error == nil || s.Error.Summary != "wrong password" {
			t.Errorf("refused: %+v", s)
		}
		r.stop()
	})
}

// What hinders a start is told while it goes on, and what an earlier attempt ran into is not.
func TestStartingTellsWhatHindersIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(newFakeSource(0, splitA), newFakeSink(), 2, false, slog.New(slog.DiscardHandler), func() {})
		i := r.instances[1]
		i.begin(nil)
		i.report(errors.New("broker is away"), true)
		if up, f, fatal := r.started(); up || fatal || f == nil || f.Summary != "broker is away" {
			t.Errorf("up %v, %+v", up, f)
		}
		if s := r.status(t.Context(), "w"); s.State != api.StateStarting || s.Error == nil || s.Error.Summary != "broker is away" {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Second)
		i.begin(nil)
		if _, f, _ := r.started(); f != nil {
			t.Errorf("%+v is of the attempt before", f)
		}
	})
}

// stuckWriter waits in Write until its context ends, as a client does whose brokers are down.
type stuckWriter struct{ Writer }

func (stuckWriter) Write(ctx context.Context, _ Batch, done func(error)) {
	<-ctx.Done()
	done(ctx.Err())
}

type stuckSink struct{ *fakeSink }

func (s stuckSink) Open(context.Context, int) (Writer, error) {
	return stuckWriter{&fakeWriter{s.fakeSink}}, nil
}

func TestWriteThatNeverReturnsIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeSource(1, splitA)
		r := newRun(source, stuckSink{newFakeSink()}, 1, false, slog.New(slog.DiscardHandler), func() {})
		r.start(t.Context(), source.splits)
		time.Sleep(writeTimeout + commitInterval/2)
		if state(r, 0) != api.StateFailed {
			t.Errorf("state %s", state(r, 0))
		}
		time.Sleep(5 * time.Second) // the next attempt is stuck again
		begin := time.Now()
		r.stop()
		if took := time.Since(begin); took > drainTimeout {
			t.Errorf("stop took %s", took)
		}
	})
}

func TestSplitsThatAreRefusedDoNotJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(1, splitA), newFakeSink()
		r := newRun(source, sink, 1, false, slog.New(slog.DiscardHandler), func() {})
		r.admit = func(_ context.Context, splits []Split) error {
			if len(splits) > 1 {
				return errors.New("goes round in circles")
			}
			return nil
		}
		r.start(t.Context(), source.splits)
		source.set(func(s *fakeSource) { s.splits = append(s.splits, splitB) })
		time.Sleep(2*discoverInterval + time.Second)
		s := r.status(t.Context(), "w").Instances[0]
		if sink.count(splitB) != 0 || sink.count(splitA) != 1 || len(s.SourceErrors) != 1 || s.SourceErrors[0].Summary != "goes round in circles" {
			t.Errorf("%d of b written, errors %+v", sink.count(splitB), s.SourceErrors)
		}
		r.stop()
	})
}

func TestPauseStopsReadingAndKeepsTheInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(1, splitA), newFakeSink()
		r := started(t, source, sink, 1)
		r.pause(true)
		synctest.Wait()
		source.set(func(s *fakeSource) { s.limit = 10 })
		time.Sleep(time.Minute)
		if state(r, 0) != api.StatePaused || sink.count(splitA) != 1 || source.readers != 1 {
			t.Errorf("state %s, %d written, %d readers", state(r, 0), sink.count(splitA), source.readers)
		}
		r.pause(false)
		synctest.Wait()
		if state(r, 0) != api.StateRunning || sink.count(splitA) != 10 {
			t.Errorf("after resume: state %s, %d written", state(r, 0), sink.count(splitA))
		}
		r.stop()
	})
}

func TestNewSplitsJoinWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(5, splitA), newFakeSink()
		r := started(t, source, sink, 3)
		var more []Split
		for p := range int32(10) {
			more = append(more, Split{"b", p})
		}
		source.set(func(s *fakeSource) { s.splits = append(s.splits, more...) })
		time.Sleep(discoverInterval + time.Second)
		for _, s := range more {
			if sink.count(s) != 5 {
				t.Errorf("%v: %d written", s, sink.count(s))
			}
		}
		for _, i := range r.status(t.Context(), "w").Instances {
			if i.RestartsTotal != 0 || i.State != api.StateRunning {
				t.Errorf("instance %d is %s after %d restarts", i.ID, i.State, i.RestartsTotal)
			}
		}
		if len(sink.prepared) != 11 { // the old one too: names are to be checked against each other
			t.Errorf("prepared %v", sink.prepared)
		}
		r.stop()
	})
}

func TestRestartOfOneInstanceLeavesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(1, splitA, splitB), newFakeSink()
		r := started(t, source, sink, 2)
		other := r.instances[1].tracker
		r.instances[0].restart()
		synctest.Wait()
		if r.instances[1].tracker != other || state(r, 0) != api.StateRunning {
			t.Errorf("instance 0 is %s, instance 1 was touched: %v", state(r, 0), r.instances[1].tracker != other)
		}
		r.stop()
	})
}

func TestCommitsThatFailAreMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(5, splitA), newFakeSink()
		source.commitErr = errors.New("no coordinator")
		r := started(t, source, sink, 1)
		time.Sleep(3 * commitInterval)
		if state(r, 0) != api.StateRunning {
			t.Fatalf("state %s", state(r, 0))
		}
		source.set(func(s *fakeSource) { s.commitErr = nil })
		time.Sleep(2 * commitInterval)
		if at := source.committedAt(splitA); at != 5 {
			t.Errorf("committed %d", at)
		}
		r.stop()
	})
}

func TestIdlePositionsAreCommittedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(5, splitA), newFakeSink()
		r := started(t, source, sink, 1)
		time.Sleep(2 * commitInterval)
		source.set(func(s *fakeSource) { s.committed = map[Split]int{} })
		time.Sleep(recommitInterval + 2*commitInterval)
		if at := source.committedAt(splitA); at != 5 {
			t.Errorf("an idle position is committed as %d, want 5", at)
		}
		r.stop()
	})
}

func TestBytesInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := newFakeSource(1000, splitA), newFakeSink()
		sink.hold = true
		r := newRun(source, sink, 1, false, slog.New(slog.DiscardHandler), func() {})
		i := r.instances[0]
		i.budgetSize = 1000
		must := i.budget.TryAcquire(maxBytesInFlight - 1000)
		r.start(t.Context(), source.splits)
		synctest.Wait()
		sink.mu.Lock()
		peak := sink.peak
		sink.mu.Unlock()
		if !must || peak != 1000 {
			t.Errorf("%d bytes in flight, want 1000", peak)
		}
		r.stop()
	})
}

func TestBackoffDoublesToALimit(t *testing.T) {
	var r restarts
	now := time.Unix(0, 0)
	for n := range 20 {
		want := min(backoffFirst<<min(n, 12), backoffLimit)
		if got := r.next(now); got < want || got > want+want/4 {
			t.Errorf("restart %d after %s, want %s and up to a quarter", n, got, want)
		}
	}
}

func TestSplitsNeverMoveWhenOthersCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instances := rapid.IntRange(1, 20).Draw(t, "instances")
		topic := rapid.String().Draw(t, "topic")
		load := make([]int, instances)
		for p := range int32(100) {
			owner := ownerOf(Split{topic, p}, instances)
			if owner != ownerOf(Split{topic, p}, instances) {
				t.Fatal("the owner is not fixed")
			}
			load[owner]++
		}
		for _, n := range load {
			if n < 100/instances || n > 100/instances+1 {
				t.Fatalf("load %v is not even", load)
			}
		}
	})
}

func TestLoops(t *testing.T) {
	l := func(name, from, to, selects, prefix string) *link {
		return &link{
			connector: name, from: from, to: to,
			selects:  func(topic string) bool { return strings.HasPrefix(topic, selects) },
			topicFor: func(topic string) string { return prefix + topic },
		}
	}
	tests := []struct {
		name   string
		mine   *link
		others []*link
		loop   bool
	}{
		{"straight", l("x", "c", "c", "a", "b."), []*link{l("y", "c", "c", "b.", "z.")}, false},
		{"itself", l("x", "c", "c", "a", "a."), nil, true},
		{"over another", l("x", "c", "c", "a", "b."), []*link{l("y", "c", "c", "b.", "a.")}, true},
		{"over two others", l("x", "c", "c", "a", "b."), []*link{l("y", "c", "c", "b.", "d."), l("z", "c", "c", "d.", "a.")}, true},
		{"over two clusters, with names that grow", l("x", "old", "main", "a", "legacy."), []*link{l("y", "main", "old", "legacy.", "a.")}, true},
		{"a loop of others", l("x", "c", "c", "x", "a."), []*link{l("y", "c", "c", "a", "b."), l("z", "c", "c", "b", "a.")}, false},
		{"same names on another cluster", l("x", "c", "d", "a", ""), []*link{l("y", "e", "c", "a", "")}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			topic := "a"
			if !tt.mine.selects(topic) {
				topic = "x"
			}
			if err := checkLoop(tt.mine, []string{topic}, tt.others); (err != nil) != tt.loop {
				t.Errorf("got %v", err)
			}
		})
	}
}

// BenchmarkTracker shows that keeping order costs little beside moving bytes.
func BenchmarkTracker(b *testing.B) {
	tr := newTracker()
	splits := make([]Split, 64)
	for i := range splits {
		splits[i] = Split{fmt.Sprint(i), 0}
	}
	for b.Loop() {
		s := splits[rand.N(len(splits))]
		tr.finish(tr.add(&Batch{Split: s, Position: 1}), true)
	}
}

// A restart that comes when an attempt has ended, and the next has not begun, makes that one begin at once, and no later one.
func TestRestartBetweenAttempts(t *testing.T) {
	i := newRun(newFakeSource(0, splitA), newFakeSink(), 1, false, slog.New(slog.DiscardHandler), func() {}).instances[0]
	i.begin(nil)
	i.restart()
	if _, failed := i.fail(errors.New("broken pipe")); failed || i.state != api.StateStarting {
		t.Errorf("the attempt before counts as failed, and the instance is %s", i.state)
	}
	i.begin(nil)
	if len(i.kick) > 0 {
		t.Error("the attempt after the next would begin at once too")
	}
	if wait, failed := i.fail(errors.New("broken pipe")); !failed || wait == 0 {
		t.Errorf("failed %v, to wait %v", failed, wait)
	}
}
