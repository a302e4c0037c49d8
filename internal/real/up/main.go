// Up starts the real systems that tests share, runs a command that finds them through HEADGATE_REAL, stops the
// systems and exits with the command's code:
//
//	go run ./internal/real/up -- go test ./...
//
// Interrupts and termination requests go to the command and all its children; the systems stop after it. When the
// command fails, the folders with the systems' logs and data are kept and named.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// Exit codes of our own, as shells and env(1) use them.
const (
	exitFailed      = 125 // the systems did not start or stop
	exitNotRunnable = 127 // the command could not be started
	exitUsage       = 2
	exitSignal      = 128 // plus the number of the signal that ended the command
)

func main() {
	brokers := flag.Int("brokers", 1, "brokers of each Kafka cluster, 1 or 3")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: up [-brokers n] -- command [argument...]")
		os.Exit(exitUsage)
	}
	os.Exit(up(flag.Args(), *brokers))
}

func up(command []string, brokers int) int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)

	systems, err := start(signals, brokers)
	if err != nil {
		report(err)
		return exitFailed
	}
	code, err := runWith(systems, command, signals)
	if err != nil {
		report(err)
	}
	if code != 0 {
		report(fmt.Errorf("the command failed; logs and data are in %s", strings.Join(systems.KeepDirs(), ", ")))
	}
	if err := systems.Close(); err != nil {
		report(err)
		if code == 0 {
			return exitFailed
		}
	}
	return code
}

func report(err error) {
	fmt.Fprintln(os.Stderr, "up:", err)
}

// start gives up when a signal arrives.
func start(signals <-chan os.Signal, brokers int) (*real.Running, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	started := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case s := <-signals:
			cancel(fmt.Errorf("stopped by %s", s))
		case <-started:
		}
	}()
	begin := time.Now()
	systems, err := real.StartSystems(ctx, brokers)
	close(started)
	<-watched

	if ctx.Err() != nil {
		if systems != nil { // The signal came when they had just started.
			return nil, errors.Join(context.Cause(ctx), systems.Close())
		}
		return nil, context.Cause(ctx)
	}
	if err == nil {
		fmt.Fprintf(os.Stderr, "up: two Kafka clusters and Apicurio are ready after %s\n",
			time.Since(begin).Round(time.Millisecond))
	}
	return systems, err
}

// runWith runs the command and returns its exit code, or one of ours with the error.
func runWith(systems *real.Running, command []string, signals <-chan os.Signal) (int, error) {
	dir, err := os.MkdirTemp("", "headgate-real-*")
	if err != nil {
		return exitFailed, fmt.Errorf("make a folder for the description of the systems: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	file := filepath.Join(dir, "systems.json")
	if err := systems.WriteFile(file); err != nil {
		return exitFailed, err
	}
	cmd := exec.Command(command[0], command[1:]...) //nolint:noctx // The user's own command, ended by signals.
	cmd.Env = append(os.Environ(), real.SystemsEnv+"="+file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = commandGroup()
	if err := cmd.Start(); err != nil {
		return exitNotRunnable, fmt.Errorf("start the command: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			forward(cmd.Process, s)
		case err := <-done:
			return exitCode(cmd.ProcessState, err)
		}
	}
}

func exitCode(state *os.ProcessState, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return exitFailed, fmt.Errorf("wait for the command: %w", err)
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}
