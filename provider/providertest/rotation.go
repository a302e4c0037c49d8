package providertest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// Credential is what a system lets someone in by.
type Credential struct{ Name, Secret string }

// Rotation is a credential of a connection to a real system, and how it changes there.
type Rotation struct {
	// Kind writes the block of the connection's kind, with the version of the secret.
	Kind func(c Credential, version int) string
	// First lets in until Change, which answers what does from then on.
	First  Credential
	Change func(t *testing.T) Credential
	// Step is the one at which a test of the connection fails by then, and Says a part of what it says.
	Step, Says string
	// Uses declares resources that are read through the connection, headgate_connection.rotated, if the kind has any.
	Uses string
}

const rotated = "headgate_connection.rotated"

// rotation is a Rotation under test.
type rotation struct {
	Rotation

	t   *testing.T
	d   *acctest.Daemon
	cli *CLI
}

// Run rotates: the first credential works until it is changed in the system, then fails where it should and removes nothing
// from state; a wrong one is refused and leaves the connection as it is; the right one is taken by raising the version, and
// works for everything behind the connection; the first one cannot come back. None of them is in state.
func (r Rotation) Run(t *testing.T, d *acctest.Daemon) {
	t.Helper()
	run := &rotation{Rotation: r, t: t, d: d, cli: NewCLI(t, "")}
	run.write(r.First, 1)
	run.apply()
	run.tested("", "")
	before := run.cli.InState()

	second := r.Change(t)
	run.tested(r.Step, r.Says)
	if r.Uses != "" {
		run.unreadable()
	}
	if after := run.cli.InState(); !slices.Equal(after, before) {
		t.Errorf("with the first credential state has %q, before it had %q", after, before)
	}
	run.refused(Credential{second.Name, "not-" + second.Secret}, 2, 1)
	run.write(second, 2)
	// What is behind the connection cannot be read before that is done.
	run.apply("-target=" + rotated)
	run.tested("", "")
	run.empty()
	run.refused(r.First, 3, 2)
	run.write(second, 2)
	run.empty()
	run.secretsIn("terraform.tfstate", r.First, second)
	if out := run.cli.Run("destroy", "-auto-approve"); out.Code != 0 {
		t.Errorf("destroy: %s", out)
	}
}

func (r *rotation) write(c Credential, version int) {
	r.t.Helper()
	r.cli.Write(Provider(r.d) + fmt.Sprintf("resource \"headgate_connection\" \"rotated\" {\n  name = \"rotated\"\n  %s\n}\n", r.Kind(c, version)) + r.Uses)
}

func (r *rotation) apply(args ...string) {
	r.t.Helper()
	if out := r.cli.Run("apply", append(args, "-auto-approve")...); out.Code != 0 {
		r.t.Fatalf("apply: %s", out)
	}
}

// empty wants a plan without changes.
func (r *rotation) empty() {
	r.t.Helper()
	if out := r.cli.Run("plan"); out.Code != 0 || len(out.Changes) > 0 {
		r.t.Errorf("the plan is not empty: %s", out)
	}
}

// tested wants a test of the connection to fail at a step, or to succeed without one. Systems hear of changes a little later.
func (r *rotation) tested(step, says string) {
	r.t.Helper()
	var got *api.ConnectionTest
	real.Eventually(r.t, func(ctx context.Context) (err error) {
		if got, err = r.d.Client.TestConnection(ctx, "rotated"); err == nil && got.OK != (step == "") {
			err = fmt.Errorf("the test of the connection ends with %+v, %w", got.Steps, got.Error)
		}
		return err
	})
	if step == "" {
		return
	}
	if last := got.Steps[len(got.Steps)-1]; last.Step != step || !strings.Contains(got.Error.Detail, says) || got.Error.Remedy == "" {
		r.t.Errorf("the test failed at %s: %+v, want %s: %q", last.Step, got.Error, step, says)
	}
}

// unreadable wants an error about what is behind the connection.
func (r *rotation) unreadable() {
	r.t.Helper()
	var out Outcome
	real.Until(r.t, "a plan fails", func() bool { // what was read a moment ago is still fresh
		out = r.cli.Run("plan")
		return out.Code != 0
	})
	about := func(d Diagnostic) bool { return d.Severity == "error" && d.Address != "" && d.Address != rotated }
	if len(out.Changes) > 0 || !slices.ContainsFunc(out.Diagnostics, about) {
		r.t.Errorf("with the first credential: %s", out)
	}
}

// refused wants the connection to stay as it is, with a version.
func (r *rotation) refused(c Credential, version, stays int) {
	r.t.Helper()
	r.write(c, version)
	out := r.cli.Run("apply", "-auto-approve", "-target="+rotated)
	about := func(d Diagnostic) bool { return d.Severity == "error" && d.Address == rotated }
	if out.Code == 0 || !slices.ContainsFunc(out.Diagnostics, about) {
		r.t.Errorf("a credential that does not work is taken: %s", out)
	}
	for _, d := range out.Diagnostics { // Terraform itself repeats the configuration, in which it is
		if strings.Contains(d.Summary+d.Detail, telling(c.Secret)) {
			r.t.Errorf("the secret is told: %+v", d)
		}
	}
	now, err := r.d.Client.GetConnection(r.t.Context(), "rotated")
	if err != nil {
		r.t.Fatal(err)
	}
	for pointer, is := range now.SecretVersions {
		if is != int64(stays) {
			r.t.Errorf("the version of %s is %d, want %d", pointer, is, stays)
		}
	}
}

func (r *rotation) secretsIn(file string, credentials ...Credential) {
	r.t.Helper()
	raw, err := os.ReadFile(filepath.Join(r.cli.dir, file))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range credentials {
		if bytes.Contains(raw, []byte(telling(c.Secret))) {
			r.t.Errorf("%s has the secret of %s", file, c.Name)
		}
	}
}

// telling is a part of a secret that gives it away, however line breaks are written: its longest line.
func telling(secret string) string {
	return slices.MaxFunc(strings.Split(secret, "\n"), func(a, b string) int { return len(a) - len(b) })
}
