package acctest

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// Gate stands before a system. While it is shut the system is out of reach: connections are reset, new ones at once. The
// ports stay taken meanwhile, so that nobody else can get them. The zero value is open.
type Gate struct {
	mu    sync.Mutex
	shut  bool
	conns map[*gatedConn]struct{}
}

// Shut resets every connection, and those to come.
func (g *Gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	for conn := range g.conns {
		reset(conn.Conn)
	}
}

// Open lets connections in again.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = false
}

// Listen listens behind the gate; it has the form of [net.Listen].
func (g *Gate) Listen(network, address string) (net.Listener, error) {
	listener, err := net.Listen(network, address) //nolint:noctx // the form that is asked for has no context
	if err != nil {
		return nil, fmt.Errorf("listen behind a gate: %w", err)
	}
	return &gatedListener{Listener: listener, gate: g}, nil
}

// Before serves what is at a URL behind the gate, until the test ends, and answers the new URL.
func (g *Gate) Before(tb testing.TB, target string) string {
	tb.Helper()
	to, err := url.Parse(target)
	if err != nil {
		tb.Fatal(err)
	}
	listener, err := g.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: proxy}} // #nosec G112 -- for a test, on loopback
	server.Start()
	tb.Cleanup(server.Close)
	return server.URL
}

// enter notes a connection; it answers false when the gate is shut.
func (g *Gate) enter(conn *gatedConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	if g.conns == nil {
		g.conns = map[*gatedConn]struct{}{}
	}
	g.conns[conn] = struct{}{}
	return true
}

func (g *Gate) leave(conn *gatedConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, conn)
}

type gatedListener struct {
	net.Listener
	gate *Gate
}

func (l *gatedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if gated := (&gatedConn{Conn: conn, gate: l.gate}); l.gate.enter(gated) {
			return gated, nil
		}
		reset(conn)
	}
}

type gatedConn struct {
	net.Conn
	gate *Gate
}

func (c *gatedConn) Close() error {
	c.gate.leave(c)
	return c.Conn.Close()
}

// reset ends a connection as a host does on which nothing listens any more.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
