// Package e2e tests headgated, and the provider under a real Terraform CLI, as programs: started, killed and restarted
// from outside, with nothing shared but the network and the data directory.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const module = "github.com/headgate/terraform-provider-headgate"

// programs are built once for all tests of the run.
var programs builds

type builds struct {
	dir       string
	headgated func() error
	provider  func() error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "headgate-e2e-*")
	defer func() { _ = os.RemoveAll(dir) }()
	builder := func(name, pkg string) func() error {
		return sync.OnceValue(func() error {
			if err != nil {
				return err
			}
			return build(dir, name, pkg)
		})
	}
	programs = builds{
		dir: dir, headgated: builder("headgated", module+"/daemon/headgated"), provider: builder("terraform-provider-headgate", module),
	}
	m.Run()
}

func build(dir, name, pkg string) error {
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// headgated answers the path of the built daemon.
func headgated(tb testing.TB) string {
	tb.Helper()
	must(tb, programs.headgated())
	return filepath.Join(programs.dir, "headgated")
}

// providerDir answers the folder with the built provider.
func providerDir(tb testing.TB) string {
	tb.Helper()
	must(tb, programs.provider())
	return programs.dir
}

// cleanEnv is the environment of this process without Headgate's and Terraform's settings, and with more.
func cleanEnv(more ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HEADGATE_") && !strings.HasPrefix(kv, "TF_") {
			env = append(env, kv)
		}
	}
	return append(env, more...)
}

// outcome is what a program left behind.
type outcome struct {
	stdout, stderr string
	code           int
}

func (o outcome) all() string { return o.stdout + o.stderr }

// runLimit is how long a program that is to end may take.
const runLimit = 3 * time.Minute

// run runs a program to its end.
func run(tb testing.TB, env []string, dir, program string, args ...string) outcome {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), runLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		tb.Fatalf("run %s: %v", program, err)
	}
	if ctx.Err() != nil {
		tb.Fatalf("%s %s did not end within %s:\n%s%s", filepath.Base(program), strings.Join(args, " "), runLimit, stdout.String(), stderr.String())
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
