package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

const (
	// token is what the test daemons ask for.
	token = "a-token-for-tests-0123456789abcdef"
	// startLimit is how long a daemon may take to be ready, stopLimit to drain.
	startLimit = time.Minute
	stopLimit  = 40 * time.Second
)

// daemon is a headgated process with its data directory. It survives kills: start brings it back on the same port.
type daemon struct {
	tb      testing.TB
	dir     string
	address string
	log     string // file; every run appends
	env     []string
	args    []string
	client  *api.Client

	cmd   *exec.Cmd
	ended chan struct{}
}

// prepare makes a daemon that does not run yet.
func prepare(tb testing.TB) *daemon {
	tb.Helper()
	dir := tb.TempDir()
	address := real.Address(tb)
	client, err := api.NewClient(api.ClientConfig{Endpoint: "http://" + address, Token: token})
	must(tb, err)
	d := &daemon{
		tb: tb, dir: filepath.Join(dir, "data"), address: address, log: filepath.Join(dir, "headgated.log"), client: client,
		env: []string{"HEADGATE_TOKEN=" + token},
	}
	d.args = []string{"--data-dir", d.dir, "--listen", address, "--log-level", "debug", "--log-format", "json"}
	tb.Cleanup(d.cleanup)
	return d
}

// serve starts a daemon and waits until it is ready.
func serve(tb testing.TB) *daemon {
	tb.Helper()
	d := prepare(tb)
	d.start()
	return d
}

func (d *daemon) cleanup() {
	if d.running() {
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
	d.client.Close()
	if d.tb.Failed() {
		d.tb.Logf("the end of the daemon's log:\n%s", lastLines(d.readLog(), 15))
	}
}

func (d *daemon) endpoint() string { return "http://" + d.address }

func (d *daemon) running() bool {
	if d.cmd == nil {
		return false
	}
	select {
	case <-d.ended:
		return false
	default:
		return true
	}
}

// launch starts the process and does not wait.
func (d *daemon) launch() {
	d.tb.Helper()
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(d.tb, err)
	defer func() { _ = log.Close() }()
	cmd := exec.Command(headgated(d.tb), append([]string{"serve"}, d.args...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = cleanEnv(d.env...), log, log
	must(d.tb, cmd.Start())
	ended := make(chan struct{})
	d.cmd, d.ended = cmd, ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
}

// start starts the process and waits until it is ready.
func (d *daemon) start() {
	d.tb.Helper()
	d.launch()
	d.waitReady()
}

func (d *daemon) waitReady() {
	d.tb.Helper()
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	for deadline := time.Now().Add(startLimit); ; time.Sleep(10 * time.Millisecond) {
		if !d.running() {
			d.tb.Fatalf("the daemon ended while it started:\n%s", lastLines(d.readLog(), 20))
		}
		if answers(d.tb.Context(), client, d.endpoint()+"/readyz") {
			return
		}
		if time.Now().After(deadline) {
			d.tb.Fatalf("the daemon is not ready after %s", startLimit)
		}
	}
}

func answers(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// kill ends the process at once, as a crash does.
func (d *daemon) kill() {
	d.tb.Helper()
	must(d.tb, d.cmd.Process.Kill())
	<-d.ended
}

// stop ends the process in order, and wants it to succeed.
func (d *daemon) stop() {
	d.tb.Helper()
	must(d.tb, d.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-d.ended:
	case <-time.After(stopLimit):
		d.tb.Fatalf("the daemon still runs %s after SIGTERM", stopLimit)
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.tb.Fatalf("the daemon ended with %d after SIGTERM:\n%s", code, lastLines(d.readLog(), 20))
	}
}

// command runs one of the commands that look at a running daemon.
func (d *daemon) command(args ...string) outcome {
	d.tb.Helper()
	env := cleanEnv("HEADGATE_ENDPOINT="+d.endpoint(), "HEADGATE_TOKEN="+token)
	return run(d.tb, env, d.tb.TempDir(), headgated(d.tb), args...)
}

func (d *daemon) readLog() string {
	raw, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// connectKafka declares a kafka connection without authentication.
func (d *daemon) connectKafka(name string, servers []string) {
	d.tb.Helper()
	d.connect(name, "kafka", map[string]any{"bootstrap_servers": servers, "security_protocol": "PLAINTEXT"})
}

func (d *daemon) connect(name, kind string, spec map[string]any) {
	d.tb.Helper()
	_, err := d.put(name, kind, spec, nil)
	must(d.tb, err)
}

func (d *daemon) put(name, kind string, spec map[string]any, versions map[string]int64) (*api.Connection, error) {
	d.tb.Helper()
	return d.client.PutConnection(d.tb.Context(), name, api.ConnectionWrite{Kind: kind, Spec: rawJSON(d.tb, spec), SecretVersions: versions}, api.WriteOptions{})
}

// copies declares a connector from topics of one connection to another, and waits until it runs.
func (d *daemon) copies(name, from, to string, topics []string, parallelism int) *api.Connector {
	d.tb.Helper()
	body := api.ConnectorWrite{
		Type: api.TypeSource, Kind: "kafka",
		Spec:     rawJSON(d.tb, map[string]any{"connection": from, "topics": topics}),
		Settings: rawJSON(d.tb, map[string]any{"destination": map[string]any{"connection": to, "topic_prefix": "copy."}, "parallelism": parallelism}),
	}
	_, err := d.client.PutConnector(d.tb.Context(), name, body, api.ConnectorWriteOptions{})
	must(d.tb, err)
	return d.waitState(name, api.StateRunning)
}

// waitState waits until a connector is in a state.
func (d *daemon) waitState(name, state string) *api.Connector {
	d.tb.Helper()
	var last *api.Connector
	d.eventually(fmt.Sprintf("connector %s is %s", name, state), time.Minute, func() (string, bool) {
		c, err := d.client.GetConnector(d.tb.Context(), name)
		if err != nil {
			return err.Error(), false
		}
		last = c
		return fmt.Sprintf("%s %+v", c.Status.State, c.Status.Error), c.Status.State == state
	})
	return last
}

// eventually waits for what check finds; seen is for the message.
func (d *daemon) eventually(what string, limit time.Duration, check func() (seen string, ok bool)) {
	d.tb.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		seen, ok := check()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			d.tb.Fatalf("not within %s: %s; last seen: %s", limit, what, seen)
		}
	}
}

func rawJSON(tb testing.TB, v any) json.RawMessage {
	tb.Helper()
	raw, err := json.Marshal(v)
	must(tb, err)
	return raw
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
