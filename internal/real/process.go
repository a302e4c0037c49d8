package real

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const (
	readyPoll = 100 * time.Millisecond

	// readyAnswer bounds one question of a readiness check, so that one lost answer does not use up the whole wait.
	readyAnswer = 5 * time.Second

	// tailBytes is how much of the end of a log an error quotes.
	tailBytes = 4 << 10
)

// process is a child process that writes to a log file.
type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed once the process was waited for
	err  error         // how it ended; readable after done
}

// startProcess starts argv in the folder dir and appends its output to the log file.
func startProcess(name, dir, log string, argv ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer func() { _ = out.Close() }()

	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // Our own command line; it outlives the start's context.
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = ownGroup()

	p := &process{name: name, log: log, cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// run starts the process and waits for it on one thread: the kernel's parent death signal follows the thread that
// started the child, not the parent process, and Go may end a thread that nobody holds.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)

	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// stop asks the process to end and waits for it. When ctx ends first the process is killed and ctx's error returned.
func (p *process) stop(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("stop %s: it had to be killed: %w\n%s", p.name, ctx.Err(), p.tail())
	}
}

// kill ends the process at once and waits for it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // It fails only when the process has ended already.
	<-p.done
}

// waitReady calls check until it succeeds. It gives up when ctx ends or when the process does.
func (p *process) waitReady(ctx context.Context, check func(ctx context.Context) error) error {
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()

	var last error
	for {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended while it started: %w\n%s", p.name, p.exit(), p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %w: %w\n%s", p.name, ctx.Err(), last, p.tail())
		case <-ticker.C:
		}
		answer, cancel := context.WithTimeout(ctx, readyAnswer)
		err := check(answer)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil { // Else it says no more than that ctx has ended.
			last = err
		}
	}
}

func (p *process) exit() error {
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

// tail describes the end of the log, for errors.
func (p *process) tail() string {
	end, err := readTail(p.log, tailBytes)
	if err != nil {
		return fmt.Sprintf("(its log could not be read: %v)", err)
	}
	return fmt.Sprintf("the end of %s:\n%s", p.log, end)
}

func readTail(path string, size int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()

	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() <= size {
		return io.ReadAll(file)
	}
	end := make([]byte, size)
	if _, err := file.ReadAt(end, info.Size()-size); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if _, whole, found := bytes.Cut(end, []byte("\n")); found && len(whole) > 0 {
		return whole, nil
	}
	return end, nil
}
