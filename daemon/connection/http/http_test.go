package http_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	httpconn "github.com/headgate/terraform-provider-headgate/daemon/connection/http"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// guarded is a server that lets in whoever sends the right header, gives tokens, and repeats what it refuses.
func guarded(t *testing.T, header, value string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			giveToken(w, r)
		case r.Header.Get(header) != value:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, r.Header.Get(header))
		case r.URL.Path == "/forbidden":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/missing":
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Path == "/elsewhere":
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		case r.Method == http.MethodHead && r.URL.Path != "/head":
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func giveToken(w http.ResponseWriter, r *http.Request) {
	id, secret, header := r.BasicAuth()
	if !header {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	w.Header().Set("Content-Type", "application/json")
	if r.FormValue("grant_type") != "client_credentials" || id != "headgate" || secret != "the-right-secret" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"invalid_client","error_description":"%s is wrong"}`, secret)
		return
	}
	_, _ = io.WriteString(w, `{"access_token":"token-of-the-day","token_type":"Bearer","expires_in":300}`)
}

func get(path string) *api.HTTPProbe { return &api.HTTPProbe{Method: http.MethodGet, Path: path} }

func TestEndpoints(t *testing.T) {
	bearer := guarded(t, "Authorization", "Bearer token-of-the-day")
	basic := guarded(t, "Authorization", "Basic YWxpY2U6cmlnaHQ=")
	key := guarded(t, "X-Key", "the-right-key")
	open := guarded(t, "X-Team", "payments")
	closed := httptest.NewServer(nil)
	closed.Close()
	oauth := func(endpoint, secret string) *api.HTTPConnection {
		return &api.HTTPConnection{URL: bearer, OAuth2: &api.OAuth2{TokenEndpoint: endpoint, ClientID: "headgate", ClientSecret: secret}, Probe: get("/")}
	}
	kindtest.Try(t, httpconn.Kind{}, []kindtest.Trial{
		{Name: "without a probe", Target: &api.HTTPConnection{URL: basic}, Sees: "connected"},
		{Name: "basic", Target: &api.HTTPConnection{URL: basic + "/", Basic: &api.BasicAuthentication{Username: "alice", Password: "right"}, Probe: get("/v1")}, Sees: "GET " + basic + "/v1 answers 200"},
		{Name: "wrong password", Target: &api.HTTPConnection{URL: basic, Basic: &api.BasicAuthentication{Username: "alice", Password: "wrong"}, Probe: get("")}, Step: api.StepAuthentication, Cause: "basic as alice", Remedy: "Check the credentials"},
		{Name: "bearer", Target: &api.HTTPConnection{URL: bearer, Bearer: &api.BearerToken{Token: "token-of-the-day"}, Probe: get("")}},
		{Name: "key", Target: &api.HTTPConnection{URL: key, APIKey: &api.APIKey{Header: "X-Key", Key: "the-right-key"}, Probe: get("")}},
		{Name: "wrong key", Target: &api.HTTPConnection{URL: key, APIKey: &api.APIKey{Header: "X-Key", Key: "the-wrong-key"}, Probe: get("")}, Step: api.StepAuthentication, Cause: "key in the header X-Key"},
		{Name: "a header of one's own", Target: &api.HTTPConnection{URL: open, Headers: map[string]string{"X-Team": "payments"}, Probe: &api.HTTPProbe{Method: http.MethodHead, Path: "/head"}}},
		{Name: "oauth2", Target: oauth(bearer+"/token", "the-right-secret")},
		{Name: "wrong client secret", Target: oauth(bearer+"/token", "the-wrong-secret"), Step: api.StepAuthentication, Cause: "invalid_client: (hidden) is wrong", Remedy: "client_id", Attribute: "/spec/oauth2"},
		{Name: "token endpoint down", Target: oauth(closed.URL, "x"), Step: api.StepTCP, Cause: "nothing listens", Attribute: "/spec/oauth2"},
		{Name: "no token endpoint", Target: oauth(open, "x"), Step: api.StepAuthentication, Cause: "401"},
		{Name: "may not", Target: &api.HTTPConnection{URL: open, Headers: map[string]string{"X-Team": "payments"}, Probe: get("/forbidden")}, Step: api.StepAuthorization, Cause: "may not do this", Attribute: "/spec/probe"},
		{Name: "missing", Target: &api.HTTPConnection{URL: open, Headers: map[string]string{"X-Team": "payments"}, Probe: get("/missing")}, Step: api.StepProtocol, Cause: "answers 404", Remedy: "probe.path"},
		{Name: "a redirect is not followed", Target: &api.HTTPConnection{URL: open, Headers: map[string]string{"X-Team": "payments"}, Probe: get("/elsewhere")}, Sees: "302"},
		{Name: "refused", Target: &api.HTTPConnection{URL: closed.URL}, Step: api.StepTCP, Cause: "nothing listens", Attribute: "/spec/url"},
		{Name: "TLS on a plain port", Target: &api.HTTPConnection{URL: strings.Replace(open, "http:", "https:", 1)}, Step: api.StepTLS, Remedy: "http://"},
	})
}

func TestProblems(t *testing.T) {
	kindtest.WantProblems(t, httpconn.Kind{}, kindtest.Problems{
		"good":            {Target: &api.HTTPConnection{URL: "https://a", Headers: map[string]string{"Accept": "text/plain"}, Probe: get("/x")}},
		"no host":         {Target: &api.HTTPConnection{URL: "https://"}, Paths: []string{"/url"}},
		"user in the URL": {Target: &api.HTTPConnection{URL: "https://a:b@c"}, Paths: []string{"/url"}},
		"two ways":        {Target: &api.HTTPConnection{URL: "https://a", Basic: &api.BasicAuthentication{}, APIKey: &api.APIKey{}}, Paths: []string{"/api_key"}},
		"secret headers": {
			Target: &api.HTTPConnection{URL: "https://a", Headers: map[string]string{"Authorization": "x", "X-Api-Key": "x", "X-Auth-Token": "x", "Cookie": "x", "X-Fine": "x"}},
			Paths:  []string{"/headers/Authorization", "/headers/Cookie", "/headers/X-Api-Key", "/headers/X-Auth-Token"},
		},
		"no header": {Target: &api.HTTPConnection{URL: "https://a", Headers: map[string]string{"a b": "x", "Host": "x", "X": "a\nb"}}, Paths: []string{"/headers/Host", "/headers/X", "/headers/a b"}},
		"path":      {Target: &api.HTTPConnection{URL: "https://a", Probe: get("x")}, Paths: []string{"/probe/path"}},
		"TLS":       {Target: &api.HTTPConnection{URL: "http://a", TLS: &api.TLS{}}, Paths: []string{"/tls"}},
	})
}

func TestCredentialsInTheOpenWarn(t *testing.T) {
	for connection, want := range map[*api.HTTPConnection]int{
		{URL: "http://a"}: 0, {URL: "https://a", APIKey: &api.APIKey{}}: 0, {URL: "http://a", APIKey: &api.APIKey{}}: 1, {URL: "http://a", OAuth2: &api.OAuth2{}}: 1,
	} {
		if got := (httpconn.Kind{}).Warnings(connection); len(got) != want {
			t.Errorf("%s: warnings %v, want %d", connection.URL, got, want)
		}
	}
}
