// Package kindtest tries connections in tests.
package kindtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Trial is a connection and what its test has to say.
type Trial struct {
	Name   string
	Target any
	// Step is the one that fails; empty wants success.
	Step string
	// Cause and Remedy are parts of what the failure says, Attribute is the field that it blames.
	Cause, Remedy, Attribute string
	// Sees is a part of what the last step saw, of a success.
	Sees string
	// Warns are parts of the warnings, in any order, that a success comes with.
	Warns []string
}

// Try tests connections.
func Try(t *testing.T, kind connection.Kind, trials []Trial) {
	t.Helper()
	for _, trial := range trials {
		t.Run(trial.Name, func(t *testing.T) {
			result := kind.Test(t.Context(), trial.Target)
			if trial.Step == "" {
				trial.wantSuccess(t, result)
				return
			}
			trial.wantFailure(t, result)
		})
	}
}

func (trial Trial) wantSuccess(t *testing.T, result api.ConnectionTest) {
	t.Helper()
	if !result.OK || result.Error != nil {
		t.Fatalf("failed: %v, steps %+v", result.Error, result.Steps)
	}
	if last := result.Steps[len(result.Steps)-1]; !strings.Contains(last.Detail, trial.Sees) {
		t.Errorf("the last step saw %q, want %q", last.Detail, trial.Sees)
	}
	if len(result.Warnings) != len(trial.Warns) {
		t.Errorf("warnings %+v, want %q", result.Warnings, trial.Warns)
	}
	for _, want := range trial.Warns {
		if !slices.ContainsFunc(result.Warnings, func(w api.Warning) bool { return strings.Contains(w.Summary+" "+w.Detail, want) }) {
			t.Errorf("warnings %+v, want %q among them", result.Warnings, want)
		}
	}
}

func (trial Trial) wantFailure(t *testing.T, result api.ConnectionTest) {
	t.Helper()
	if result.OK || result.Error == nil {
		t.Fatalf("succeeded: %+v", result.Steps)
	}
	e, last := result.Error, result.Steps[len(result.Steps)-1]
	if last.OK || last.Step != trial.Step || e.Code != api.CodeConnection {
		t.Errorf("failed at step %s (%s, %s), want %s", last.Step, e.Code, e.Summary, trial.Step)
	}
	if !strings.Contains(e.Detail, trial.Cause) || !strings.Contains(e.Remedy, trial.Remedy) || e.Remedy == "" {
		t.Errorf("cause %q, remedy %q, want %q and %q in them", e.Detail, e.Remedy, trial.Cause, trial.Remedy)
	}
	if trial.Attribute != "" && e.Attribute != trial.Attribute {
		t.Errorf("blames %s, want %s", e.Attribute, trial.Attribute)
	}
}

// WantProblems checks connections, and compares where the problems are.
func WantProblems(t *testing.T, kind connection.Kind, cases map[string]struct {
	Target any
	Paths  []string
},
) {
	t.Helper()
	for name, c := range cases {
		var paths []string
		for _, p := range kind.Check(c.Target) {
			paths = append(paths, p.Path)
		}
		if !slices.Equal(paths, c.Paths) {
			t.Errorf("%s: problems at %q, want %q", name, paths, c.Paths)
		}
	}
}

// Problems are the cases of [WantProblems].
type Problems = map[string]struct {
	Target any
	Paths  []string
}
