package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 30 * time.Second
)

// daemon is a headgated process.
type daemon struct {
	endpoint string
	client   *api.Client
	cmd      *exec.Cmd
	out      *bufio.Reader
	rest     bytes.Buffer  // what it wrote after it was ready
	drained  chan struct{} // closed when rest is complete
}

// startServe starts headgated serve on a free port, with its data in a new folder.
func startServe(ctx context.Context, o *options) (*daemon, error) {
	data, err := os.MkdirTemp(o.work, "data-*")
	if err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	return start(ctx, o, "serve", "--listen", "127.0.0.1:0", "--data-dir", data, "--log-format", "json")
}

// withDaemon does something with a daemon of its own, and prints the most memory that it took.
func (o *options) withDaemon(ctx context.Context, do func(*daemon) error) error {
	d, err := startServe(ctx, o)
	if err != nil {
		return err
	}
	failed := do(d)
	ended, err := d.stop()
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	line("most memory of headgated in all this", "%8d MiB", peakOf(ended)>>20)
	return nil
}

func start(ctx context.Context, o *options, args ...string) (*daemon, error) {
	d := &daemon{cmd: exec.CommandContext(ctx, filepath.Join(o.bin, "headgated"), args...), drained: make(chan struct{})}
	d.cmd.Env = plainEnv()
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(syscall.SIGTERM) }
	d.cmd.WaitDelay = stopTimeout
	pipe, err := d.cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start headgated: %w", err)
	}
	d.out = bufio.NewReader(pipe)
	late := time.AfterFunc(startTimeout, func() { _ = d.cmd.Process.Kill() })
	err = d.readServe()
	late.Stop()
	if err == nil {
		d.client, err = api.NewClient(api.ClientConfig{Endpoint: d.endpoint, UserAgent: "headgate-bench"})
	}
	if err != nil {
		_ = d.cmd.Process.Kill()
		return nil, errors.Join(fmt.Errorf("read the address of headgated: %w", err), d.cmd.Wait())
	}
	go func() { // so that the daemon never waits for a reader
		defer close(d.drained)
		_, _ = io.Copy(&d.rest, d.out)
	}()
	return d, nil
}

// plainEnv is the environment without settings of Headgate or Terraform that the person at the keyboard has.
func plainEnv() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "HEADGATE_") && !strings.HasPrefix(entry, "TF_") {
			env = append(env, entry)
		}
	}
	return env
}

func (d *daemon) readServe() error {
	for {
		line, err := d.out.ReadBytes('\n')
		if err != nil {
			return err
		}
		var entry struct {
			Message string `json:"msg"`
			Address string `json:"address"`
		}
		if json.Unmarshal(line, &entry) == nil && entry.Message == "serving" {
			d.endpoint = "http://" + entry.Address
			return nil
		}
	}
}

// stop ends the daemon gracefully and answers what it has cost from its start to its end.
func (d *daemon) stop() (*os.ProcessState, error) {
	d.client.Close()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return nil, fmt.Errorf("stop headgated: %w", err)
	}
	late := time.AfterFunc(stopTimeout, func() { _ = d.cmd.Process.Kill() })
	defer late.Stop()
	<-d.drained
	if err := d.cmd.Wait(); err != nil {
		return nil, fmt.Errorf("headgated ended: %w\n%s", err, tail(d.rest.String()))
	}
	return d.cmd.ProcessState, nil
}

// cpu is the processor time that the daemon has taken so far, in seconds.
func (d *daemon) cpu(ctx context.Context) (float64, error) {
	return d.metric(ctx, "process_cpu_seconds_total")
}

// metric is a value of the daemon's own metrics, added up over all its labels. One that counts nothing yet is 0.
func (d *daemon) metric(ctx context.Context, name string) (float64, error) {
	sum := 0.0
	err := d.metrics(ctx, func(line string) error {
		if !strings.HasPrefix(line, name+" ") && !strings.HasPrefix(line, name+"{") {
			return nil
		}
		value, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
		sum += value
		return err
	})
	return sum, err
}

func (d *daemon) metrics(ctx context.Context, look func(line string) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.endpoint+"/metrics", http.NoBody)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("read metrics: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if err := look(lines.Text()); err != nil {
			return fmt.Errorf("read metrics: %w", err)
		}
	}
	return lines.Err()
}

// connectKafka declares a connection to a cluster without authentication.
func (d *daemon) connectKafka(ctx context.Context, name string, servers []string) error {
	spec, err := json.Marshal(api.KafkaConnection{BootstrapServers: servers, SecurityProtocol: "PLAINTEXT"})
	if err != nil {
		return err
	}
	return d.connect(ctx, name, "kafka", spec)
}

func (d *daemon) connect(ctx context.Context, name, kind string, spec json.RawMessage) error {
	if _, err := d.client.PutConnection(ctx, name, api.ConnectionWrite{Kind: kind, Spec: spec}, api.WriteOptions{}); err != nil {
		return fmt.Errorf("declare connection %s: %w", name, err)
	}
	return nil
}
