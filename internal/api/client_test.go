package api_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newClient(t *testing.T, endpoint string) *api.Client {
	t.Helper()
	c, err := api.NewClient(api.ClientConfig{Endpoint: endpoint, Token: "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// flaky cuts the first connections, and then answers.
func flaky(t *testing.T, cuts int32, answer http.HandlerFunc) (endpoint string, requests *atomic.Int32) {
	t.Helper()
	requests = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) <= cuts {
			panic(http.ErrAbortHandler)
		}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func TestWritesAreRepeatedWithTheSameKey(t *testing.T) {
	keys := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys[r.Header.Get(api.HeaderIdempotencyKey)] = true
		if r.Header.Get("If-None-Match") != "*" {
			t.Error("create-only got lost")
		}
		if r.ContentLength <= 0 {
			t.Error("the body got lost")
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(api.Error{Code: api.CodeUnavailable, Summary: "starting"})
	}))
	defer s.Close()
	c, err := api.NewClient(api.ClientConfig{Endpoint: s.URL, Retries: 2})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.PutTopic(t.Context(), "main", "orders", api.TopicWrite{}, api.WriteOptions{CreateOnly: true})
	if !api.HasCode(err, api.CodeUnavailable) {
		t.Errorf("got %v", err)
	}
	if len(keys) != 1 || keys[""] {
		t.Errorf("keys %v", keys)
	}
}

func TestWhatIsRepeated(t *testing.T) {
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }
	tests := []struct {
		name     string
		do       func(c *api.Client) error
		repeated bool
	}{
		{"read", func(c *api.Client) error { _, err := c.GetConnection(t.Context(), "a"); return err }, true},
		{"put", func(c *api.Client) error {
			_, err := c.PutConnection(t.Context(), "a", api.ConnectionWrite{}, api.WriteOptions{})
			return err
		}, true},
		{"delete", func(c *api.Client) error {
			_, err := c.DeleteConnection(t.Context(), "a", api.WriteOptions{})
			return err
		}, true},
		{"post", func(c *api.Client) error { _, err := c.RestartConnector(t.Context(), "a", false); return err }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			endpoint, requests := flaky(t, 1, ok)
			err := tt.do(newClient(t, endpoint))
			var unreachable *api.UnreachableError
			if repeated := err == nil && requests.Load() == 2; repeated != tt.repeated || !tt.repeated && !errors.As(err, &unreachable) {
				t.Errorf("%d requests, %v", requests.Load(), err)
			}
		})
	}
}

func TestUnreachableIsNotANo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>no such site</html>", http.StatusNotFound)
	}))
	defer proxy.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	defer secure.Close()
	for name, tt := range map[string]struct {
		endpoint      string
		misconfigured bool // so it is not asked again
		want          string
	}{
		"nobody listens":             {"http://" + address, false, "refused"},
		"something else answers 404": {proxy.URL, false, "not Headgate answered 404"},
		"http to https":              {strings.Replace(secure.URL, "https", "http", 1), true, "speaks https: write https://"},
		"https to http":              {strings.Replace(proxy.URL, "http", "https", 1), true, "write http:// in place of https://"},
		"unknown authority":          {secure.URL, true, "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			retries := -1
			if tt.misconfigured {
				retries = 1000
			}
			c, err := api.NewClient(api.ClientConfig{Endpoint: tt.endpoint, Retries: retries})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.GetTopic(t.Context(), "main", "orders")
			var unreachable *api.UnreachableError
			if !errors.As(err, &unreachable) || api.HasCode(err, api.CodeNotFound) || unreachable.Misconfigured() != tt.misconfigured || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNoIsTold(t *testing.T) {
	endpoint, requests := flaky(t, 0, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer 0123456789abcdef" {
			t.Error("no token")
		}
		if !strings.Contains(r.URL.EscapedPath(), "a%2Fb") {
			t.Errorf("path %s", r.URL.EscapedPath())
		}
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(api.NotFound("Schema", "a/b"))
	})
	_, err := newClient(t, endpoint).GetSchema(t.Context(), "registry", "a/b")
	if !api.HasCode(err, api.CodeNotFound) || requests.Load() != 1 {
		t.Errorf("%d requests, %v", requests.Load(), err)
	}
}

func TestBadEndpoints(t *testing.T) {
	for _, endpoint := range []string{"", "headgate.internal:8443", "ftp://x", "https://"} {
		if _, err := api.NewClient(api.ClientConfig{Endpoint: endpoint}); err == nil {
			t.Errorf("%q is taken", endpoint)
		}
	}
	if _, err := api.NewClient(api.ClientConfig{Endpoint: "https://x", CACertificate: "no PEM"}); err == nil {
		t.Error("a CA certificate that is none is taken")
	}
}

// A daemon that is killed right after it flushed an answer has noted that the caller knows: the answer counts, although
// the mark of its end never came. Half an answer does not.
func TestWholeAnswersOfADaemonThatDies(t *testing.T) {
	for body, want := range map[string]bool{`{"name":"orders","partitions":3}` + "\n": true, `{"name":"orders","parti`: false} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		topic, err := newClient(t, s.URL).PutTopic(t.Context(), "main", "orders", api.TopicWrite{}, api.WriteOptions{CreateOnly: true})
		if got := err == nil && topic.Partitions == 3; got != want {
			t.Errorf("%s: %+v, %v", body, topic, err)
		}
		s.Close()
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	endpoint, _ := flaky(t, 0, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(api.Error{Code: api.CodeUnauthorized, Summary: "The daemon wants a valid token", Remedy: "Give one."})
	})
	for token, want := range map[string]string{"": "No token was given", "hgt_of-another-daemon": "The daemon does not know this token"} {
		c, err := api.NewClient(api.ClientConfig{Endpoint: endpoint, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Version(t.Context())
		if !api.HasCode(err, api.CodeUnauthorized) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Give one") {
			t.Errorf("with token %q: %v, want %q", token, err, want)
		}
	}
}
