package restart_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/restart"
)

// connector is a state, and why.
type connector struct {
	state   string
	failure *api.Failure
}

func TestRun(t *testing.T) {
	disk := &api.Failure{Summary: "no space", Detail: "disk full", Remedy: "Make room."}
	never := func(ctx context.Context) (*connector, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	fails := func(context.Context) (*connector, error) { return nil, errors.New("no route") }
	restarts := []string{`Connector "in" restarts`}
	for name, tt := range map[string]struct {
		begin, wait func(context.Context) (*connector, error)
		states      []connector
		said        []string
		fails       string
	}{
		"runs":            {states: []connector{{state: "starting"}, {state: "unassigned"}, {state: "running"}}, said: append(slices.Clone(restarts), `Connector "in" is running`)},
		"paused":          {states: []connector{{state: "paused"}}, said: append(slices.Clone(restarts), `Connector "in" is paused`)},
		"failed":          {states: []connector{{state: "failed", failure: disk}}, said: restarts, fails: "Connector \"in\" has failed after its restart: no space\n\ndisk full: Make room"},
		"failed silently": {states: []connector{{state: "failed"}}, said: restarts, fails: `Connector "in" has failed after its restart: Look into the log`},
		"refused":         {begin: fails, fails: "no route"},
		"out of sight":    {wait: fails, said: restarts, fails: `see whether connector "in" runs again: no route`},
		"no answer":       {begin: never, fails: `Whether connector "in" restarts is not known: The daemon was asked for it and did not answer in time. It may have been restarted, or may still be: Its status tells whether it runs. Where it does not, restart it again; where the answer only needs longer, set --timeout`},
		"too slow":        {wait: never, said: restarts, fails: `Connector "in" was restarted, and is still starting: Where it only needs longer, set --timeout`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				r := restart.Restart[connector]{
					Name: "in", Silence: "Look into the log.", Longer: "--timeout", Begin: tt.begin, Wait: tt.wait,
					Of: func(c *connector) (string, *api.Failure) { return c.state, c.failure },
				}
				if r.Begin == nil {
					r.Begin = func(context.Context) (*connector, error) { return &connector{state: "starting"}, nil }
				}
				if r.Wait == nil {
					left := tt.states
					r.Wait = func(context.Context) (*connector, error) {
						next := left[0]
						left = left[1:]
						return &next, nil
					}
				}
				var said []string
				now, err := r.Run(ctx, func(text string) { said = append(said, text) })
				if !slices.Equal(said, tt.said) {
					t.Errorf("it says %q, want %q", said, tt.said)
				}
				if (err == nil) != (tt.fails == "") || err != nil && strings.TrimSuffix(err.Error(), ".") != tt.fails {
					t.Errorf("it ends with %v, want %q", err, tt.fails)
				}
				if last := len(tt.states) - 1; last >= 0 && (now == nil || now.state != tt.states[last].state) {
					t.Errorf("it answers %+v", now)
				}
			})
		})
	}
}
