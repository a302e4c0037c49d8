package server_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// newGuarded is a client of a daemon that wants a token, and the token.
func newGuarded(t *testing.T) (*client, string) {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	sealer, err := secret.Ephemeral()
	if err != nil {
		t.Fatal(err)
	}
	const token = "the-token-of-the-daemon"
	d, err := daemon.New(t.Context(), daemon.Config{Store: st, Sealer: sealer, Kinds: api.BuiltinKinds(), Tokens: []string{token}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	served := httptest.NewServer(d.Handler)
	t.Cleanup(served.Close)
	return &client{t: t, endpoint: served.URL, http: served.Client()}, token
}

func (c *client) issue(token, body string) api.IssuedToken {
	c.t.Helper()
	_, raw := c.do(http.MethodPost, "/v1/tokens", body, bearer(token), http.StatusOK)
	var issued api.IssuedToken
	if err := json.Unmarshal(raw, &issued); err != nil || issued.Secret == "" {
		c.t.Fatalf("no token: %s", raw)
	}
	return issued
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

func TestShortLivedTokens(t *testing.T) {
	c, token := newGuarded(t)
	c.fail(http.MethodPost, "/v1/tokens", `{}`, nil, http.StatusUnauthorized)
	issued := c.issue(token, `{"description":"a job","lifetime":"1h"}`)
	if left := time.Until(issued.ExpiresAt); left < 59*time.Minute || left > time.Hour {
		t.Errorf("it expires in %s", left)
	}
	c.do(http.MethodGet, "/v1/connections", "", bearer(issued.Secret), http.StatusOK)
	c.fail(http.MethodGet, "/v1/connections", "", bearer(issued.Secret+"x"), http.StatusUnauthorized)
	c.fail(http.MethodGet, "/v1/connections", "", bearer(issued.ID), http.StatusUnauthorized)
	if e := c.fail(http.MethodPost, "/v1/tokens", `{}`, bearer(issued.Secret), http.StatusConflict); !strings.Contains(e.Summary, "cannot make another") {
		t.Errorf("a short-lived token made another: %+v", e)
	}
	_, raw := c.do(http.MethodGet, "/v1/tokens", "", bearer(token), http.StatusOK)
	if strings.Contains(string(raw), issued.Secret) || !strings.Contains(string(raw), issued.ID) {
		t.Errorf("the list: %s", raw)
	}
	c.do(http.MethodDelete, "/v1/tokens/"+issued.ID, "", bearer(token), http.StatusOK)
	c.fail(http.MethodDelete, "/v1/tokens/"+issued.ID, "", bearer(token), http.StatusNotFound)
	c.fail(http.MethodGet, "/v1/connections", "", bearer(issued.Secret), http.StatusUnauthorized)
}

func TestShortLivedTokensExpire(t *testing.T) {
	c, token := newGuarded(t)
	issued := c.issue(token, `{"lifetime":"1s"}`)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		status, err := c.try(http.MethodGet, "/v1/connections", "", bearer(issued.Secret))
		if err == nil && status == http.StatusUnauthorized {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is still good: %d, %v", status, err)
		}
	}
	if time.Now().Before(issued.ExpiresAt) {
		t.Error("it ended before its time")
	}
	c.issue(token, `{"lifetime":"1h"}`)
	_, raw := c.do(http.MethodGet, "/v1/tokens", "", bearer(token), http.StatusOK)
	if strings.Contains(string(raw), issued.ID) {
		t.Errorf("an expired token is listed: %s", raw)
	}
}

func TestLifetimesOfTokens(t *testing.T) {
	c, token := newGuarded(t)
	for _, lifetime := range []string{"25h", "0s", "soon", "-1h"} {
		if e := c.fail(http.MethodPost, "/v1/tokens", `{"lifetime":"`+lifetime+`"}`, bearer(token), http.StatusUnprocessableEntity); e.Attribute != "/lifetime" {
			t.Errorf("%s: %+v", lifetime, e)
		}
	}
}
