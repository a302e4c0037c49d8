package acctest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// Guard stands before a system that lets everyone in, as proxies do where people run such systems: it demands basic
// authentication. The password can change.
type Guard struct {
	mu       sync.Mutex
	password string
}

// Let lets in those with a password, and nobody else any more.
func (g *Guard) Let(password string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.password = password
}

func (g *Guard) lets(r *http.Request) bool {
	_, password, _ := r.BasicAuth()
	g.mu.Lock()
	defer g.mu.Unlock()
	return password != "" && password == g.password
}

// Before serves what is at a URL behind the guard, until the test ends, and answers the new URL.
func (g *Guard) Before(tb testing.TB, target string) string {
	tb.Helper()
	to, err := url.Parse(target)
	if err != nil {
		tb.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.lets(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		r.Header.Del("Authorization")
		proxy.ServeHTTP(w, r)
	}))
	tb.Cleanup(server.Close)
	return server.URL
}
