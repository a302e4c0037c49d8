package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
)

// The tests of the example module pass with nothing there but a daemon in dev mode, and leave nothing behind; a module that
// has a mistake fails them.
func TestAccTerraformTest(t *testing.T) {
	program := acctest.TerraformCLI(t)
	said := devMode(t)
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS("../../examples/terraform-test")))
	env := cleanEnv("TF_CLI_CONFIG_FILE="+overrides(t, t.TempDir()), "TF_IN_AUTOMATION=1", "HEADGATE_ENDPOINT="+said["API"],
		"TF_VAR_registry_url="+said["schema registry"], "TF_VAR_bootstrap_servers="+hclList(strings.Split(said["Kafka cluster 1"], ",")))
	if out := run(t, env, dir, program, "test", "-no-color"); out.code != 0 || !strings.Contains(out.stdout, "4 passed, 0 failed") {
		t.Fatalf("terraform test ended with %d:\n%s", out.code, out.all())
	}
	module := filepath.Join(dir, "main.tf")
	text, err := os.ReadFile(module)
	must(t, err)
	must(t, os.WriteFile(module, []byte(strings.Replace(string(text), `"720h"`, `"24h"`, 1)), 0o600))
	if out := run(t, env, dir, program, "test", "-no-color"); out.code == 0 || strings.Contains(out.all(), "already exists") || !strings.Contains(flat(out.all()), `Namespace "payments" allows retention`) {
		t.Errorf("with a topic that its namespace does not allow, terraform test ended with %d:\n%s", out.code, out.all())
	}
}

// devMode runs headgated dev, and answers the addresses that it tells.
func devMode(t *testing.T) map[string]string {
	t.Helper()
	cmd := exec.Command(headgated(t), "dev", "--listen", "127.0.0.1:0", "--kafka-ports", "0,0")
	cmd.Env, cmd.Stderr = cleanEnv(), os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	stuck := time.AfterFunc(startLimit, func() { _ = cmd.Process.Kill() })
	said := map[string]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "export ") {
		if name, address, ok := strings.Cut(strings.TrimSpace(lines.Text()), "  "); ok {
			said[name] = strings.TrimSpace(address)
		}
	}
	stuck.Stop()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, out)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		stuck.Reset(stopLimit)
		<-drained
		if err := cmd.Wait(); err != nil {
			t.Errorf("headgated dev: %v", err)
		}
		stuck.Stop()
	})
	if len(said) < 4 {
		t.Fatalf("headgated dev said only %v", said)
	}
	return said
}
