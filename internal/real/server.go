package real

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// server is a system of one process, with a folder and ports of its own.
type server struct {
	name    string
	dir     workDir
	ports   *portSet
	process *process
}

func newServer(ctx context.Context, name string, ports int) (*server, error) {
	dir, err := newWorkDir("", name)
	if err != nil {
		return nil, err
	}
	reserved, err := reservePorts(ctx, ports)
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	return &server{name: name, dir: dir, ports: reserved}, nil
}

// run starts the process and waits until it is ready. When that fails other than by cancellation the folder is kept, and
// the error names the log in it.
func (s *server) run(ctx context.Context, ready func(context.Context) error, argv ...string) error {
	within, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p, err := startProcess(s.name, s.dir.path, filepath.Join(s.dir.path, s.name+".log"), argv...)
	if err == nil {
		s.process = p
		err = p.waitReady(within, ready)
	}
	if err == nil {
		return nil
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		s.KeepDir()
	}
	return errors.Join(err, s.Close())
}

func (s *server) port(i int) int { return s.ports.numbers[i] }

// path is a file in the folder.
func (s *server) path(name string) string { return filepath.Join(s.dir.path, name) }

// Dir returns the folder with the log.
func (s *server) Dir() string {
	return s.dir.path
}

// KeepDir makes Close leave the folder behind, to look into a failure.
func (s *server) KeepDir() {
	s.dir.owned = false
}

// Close ends the process, at once since its data goes with it, and removes the folder.
func (s *server) Close() error {
	if s.process != nil && s.process.running() {
		s.process.kill()
	}
	s.ports.release()
	return s.dir.remove()
}

// giveTo hands the folder to a system user when this is root's process, which databases refuse to be. It answers what
// to put before a command line to become that user.
func (s *server) giveTo(ctx context.Context, user string) ([]string, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if _, err := output(ctx, "chown", "-R", user, s.dir.path); err != nil {
		return nil, fmt.Errorf("give %s to the user %s: %w", s.dir.path, user, err)
	}
	return []string{"setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups", "--pdeathsig=KILL"}, nil
}

// findCommand looks for a program on the PATH and in the folders that the patterns match.
func findCommand(name, hint string, patterns ...string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, pattern := range patterns {
		found, _ := filepath.Glob(filepath.Join(pattern, name)) // It fails only for a malformed pattern.
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", fmt.Errorf("%s was not found: %s", name, hint)
}

// closing gives up a server that did not get as far as a process.
func closing(err error, s *server) error { return errors.Join(err, s.Close()) }
