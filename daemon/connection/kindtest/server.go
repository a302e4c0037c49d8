package kindtest

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Listen serves connections on a free port of 127.0.0.1, one after the other, until the end of the test. A nil config serves
// without TLS, where handle gets the bare connection; afterwards it is closed.
func Listen(t *testing.T, cfg *tls.Config, handle func(net.Conn)) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if cfg != nil {
		listener = tls.NewListener(listener, cfg)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

// ShakeHands makes a handle for [Listen] that ends a TLS connection after the handshake.
func ShakeHands(t *testing.T) func(net.Conn) {
	t.Helper()
	return func(conn net.Conn) {
		if c, ok := conn.(*tls.Conn); ok {
			_ = c.HandshakeContext(t.Context())
		}
	}
}

// Server takes connections on a port of 127.0.0.1, says something to each and ends it, until the end of the test. With
// after it waits for the client's first word.
func Server(t *testing.T, says string, after bool) (port int) {
	t.Helper()
	address := Listen(t, nil, func(conn net.Conn) {
		if after {
			_, _ = conn.Read(make([]byte, 64))
		}
		_, _ = conn.Write([]byte(says))
	})
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return resolved.Port
}

// ServeTLS serves HTTP over TLS until the end of the test, and keeps failed handshakes out of its log.
func ServeTLS(t *testing.T, cfg *tls.Config, handler http.Handler) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = cfg
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}
