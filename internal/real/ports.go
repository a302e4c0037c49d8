package real

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gofrs/flock"
)

// Ports are taken from below the ranges that Linux and macOS use for outgoing connections, so that nothing takes the
// port of a broker while it is stopped.
const (
	firstPort = 15000
	lastPort  = 31999

	portAttempts = 1000
)

// portSet is a set of ports that no other process of this package uses until it is released.
type portSet struct {
	numbers []int
	locks   []*flock.Flock
}

// Address returns a host:port at which nothing listens, and nothing will but what the test puts there: no outgoing
// connection takes the port, nor does any other test that asks here.
func Address(tb testing.TB) string {
	tb.Helper()
	ports, err := reservePorts(tb.Context(), 1)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(ports.release)
	return loopback(ports.numbers[0])
}

// reservePorts finds n free ports of 127.0.0.1.
func reservePorts(ctx context.Context, n int) (*portSet, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "ports")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of port locks: %w", err)
	}
	ports := &portSet{}
	for range portAttempts {
		if len(ports.numbers) == n {
			return ports, nil
		}
		ports.tryAdd(ctx, dir, firstPort+rand.IntN(lastPort-firstPort+1))
	}
	ports.release()
	return nil, fmt.Errorf("found no %d free ports between %d and %d", n, firstPort, lastPort)
}

func (p *portSet) tryAdd(ctx context.Context, dir string, port int) {
	lock := flock.New(filepath.Join(dir, strconv.Itoa(port)+".lock"))
	if locked, err := lock.TryLock(); err != nil || !locked {
		return
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopback(port))
	if err != nil {
		_ = lock.Unlock()
		return
	}
	_ = listener.Close()
	p.numbers = append(p.numbers, port)
	p.locks = append(p.locks, lock)
}

func (p *portSet) release() {
	for _, lock := range p.locks {
		_ = lock.Unlock()
	}
	p.locks = nil
}

func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
