package acctest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Allowed is who a fake lets in: nobody before Set. It can change.
type Allowed struct {
	mu    sync.Mutex
	value string
}

// Set lets in those with a password or a token, and nobody else any more. It answers that.
func (a *Allowed) Set(value string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.value = value
	return value
}

// Basic says whether a request has the password.
func (a *Allowed) Basic(r *http.Request) bool {
	_, password, _ := r.BasicAuth()
	return a.is(password)
}

// Bearer says whether a request has the token.
func (a *Allowed) Bearer(r *http.Request) bool {
	return a.is(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}

func (a *Allowed) is(value string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return value != "" && value == a.value
}

// Guard stands before a system that lets everyone in, as proxies do where people run such systems: it demands basic
// authentication. The password can change.
type Guard struct{ allowed Allowed }

// Let lets in those with a password, and nobody else any more.
func (g *Guard) Let(password string) { g.allowed.Set(password) }

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
		if !g.allowed.Basic(r) {
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
