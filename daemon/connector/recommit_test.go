package connector

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// busySource has a record of split B every minute, and never one of split A.
type busySource struct{ *fakeSource }

func (s busySource) Open(ctx context.Context, instance int) (Reader, error) {
	r, err := s.fakeSource.Open(ctx, instance)
	return &busyReader{Reader: r}, err
}

type busyReader struct {
	Reader
	n int
}

func (r *busyReader) Read(ctx context.Context) (Batch, error) {
	select {
	case <-ctx.Done():
		return Batch{}, ctx.Err()
	case <-time.After(time.Minute):
		r.n++
		return Batch{Split: splitB, Records: []Record{{}}, Bytes: 1, Position: r.n}, nil
	}
}

func TestPositionsOfQuietSplitsAreCommittedAgainWhileOthersAreBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, sink := newFakeSource(0, splitA, splitB), newFakeSink()
		fake.committed[splitA] = 7
		r := newRun(busySource{fake}, sink, 1, false, slog.New(slog.DiscardHandler), func() {})
		r.start(t.Context(), fake.splits)
		synctest.Wait()
		fake.set(func(s *fakeSource) { delete(s.committed, splitA) }) // so that the next commit shows
		time.Sleep(recommitInterval + 2*commitInterval)
		if at := fake.committedAt(splitA); at != 7 {
			t.Errorf("the position of the quiet split is %d after %s, want 7", at, recommitInterval)
		}
		if at := fake.committedAt(splitB); at < 50 {
			t.Errorf("the position of the busy split is %d, want one a minute", at)
		}
		r.stop()
	})
}
