package running_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/running"
)

var engine = running.Engine[running.Outcome]{Grace: time.Minute, Silence: "Look into the log.", Of: func(o *running.Outcome) running.Outcome { return *o }}

// news is what one look at the connector finds.
type news struct {
	found *running.Outcome
	err   error
}

func state(state string) news { return news{found: &running.Outcome{Name: "in", State: state}} }

func takenBack(at int64) *api.Rollback {
	return &api.Rollback{Error: api.Failure{At: time.Unix(at, 0), Summary: "no memory", Remedy: "Buy some."}}
}

func TestAwait(t *testing.T) {
	lost := api.NotFound("Connection", "connect")
	lost.Attribute = "/connection"
	for _, tt := range []struct {
		name   string
		before *api.Rollback
		news   []news
		// state is that of the answer; empty for none.
		state, err string
	}{
		{"runs", nil, []news{state("starting"), state("unassigned"), state("starting"), state("running")}, "running", ""},
		{"paused", nil, []news{state("paused")}, "paused", ""},
		{"could not start", nil, []news{state("starting"), {err: api.Refused(api.CodeStartFailed, "", "Could not start", "no topic", "Make it.")}}, "", "Could not start: no topic: Make it"},
		{"gone", nil, []news{{err: api.NotFound("Connector", "in")}}, "", "does not exist"},
		{"its connection is gone", nil, []news{{err: lost}}, "accepted", "see whether it starts: "},
		{"nobody knows", nil, []news{{err: errors.New("no route")}}, "accepted", "see whether it starts: no route"},
		{"failed", nil, []news{{found: &running.Outcome{Name: "in", State: "failed", Error: &api.Failure{Summary: "lost the cluster", Detail: "refused"}}}}, "failed", "lost the cluster\n\nrefused"},
		{"failed silently", nil, []news{state("failed")}, "failed", "Look into the log"},
		{"taken back", nil, []news{{found: &running.Outcome{Name: "in", State: "running", RolledBack: takenBack(1)}}}, "running", "taken back: no memory\n\nBuy some"},
		{"taken back again", takenBack(1), []news{{found: &running.Outcome{Name: "in", State: "running", RolledBack: takenBack(2)}}}, "running", "taken back"},
		{"taken back before", takenBack(1), []news{{found: &running.Outcome{Name: "in", State: "running", RolledBack: takenBack(1)}}}, "running", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			accepted := &running.Outcome{Name: "in", State: "accepted", RolledBack: tt.before}
			left := tt.news
			got, err := engine.Await(t.Context(), time.Minute, accepted, func(context.Context) (*running.Outcome, error) {
				next := left[0]
				left = left[1:]
				return next.found, next.err
			})
			if (got == nil) != (tt.state == "") || got != nil && got.State != tt.state {
				t.Errorf("answered %+v, want %q", got, tt.state)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if len(left) > 0 {
				t.Errorf("%d looks too few", len(left))
			}
		})
	}
}

// The provider waits for the daemon's verdict longer than the daemon does for the connector.
func TestAwaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		accepted := &running.Outcome{Name: "in", State: "starting"}
		got, err := engine.Await(t.Context(), time.Minute, accepted, func(ctx context.Context) (*running.Outcome, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if got != accepted || !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 2*time.Minute {
			t.Errorf("%+v, %v after %s", got, err, time.Since(begin))
		}
	})
}

func TestRemoved(t *testing.T) {
	other := errors.New("no route")
	for _, err := range []error{nil, other, api.Conflict("Connector", "in")} {
		if got := running.Removed(err, "in"); !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if err := running.Removed(api.Refused(api.CodeStartFailed, "", "Could not start", "", ""), "in"); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("%v", err)
	}
}
