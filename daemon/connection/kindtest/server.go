package kindtest

import (
	"net"
	"testing"
)

// Server takes connections on a port of 127.0.0.1, says something to each and ends it, until the end of the test. With
// after it waits for the client's first word.
func Server(t *testing.T, says string, after bool) (port int) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if after {
				_, _ = conn.Read(make([]byte, 64))
			}
			_, _ = conn.Write([]byte(says))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().(*net.TCPAddr).Port
}
