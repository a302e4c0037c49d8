package apicurio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/apicurio"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake answers as a registry: info to everyone, artifacts to those with the token.
func fake(t *testing.T, info string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/system/info":
			_, _ = io.WriteString(w, info)
		case r.Header.Get("Authorization") != "Bearer right":
			w.WriteHeader(http.StatusForbidden)
		default:
			_, _ = io.WriteString(w, `{"count":3,"artifacts":[]}`)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestRegistries(t *testing.T) {
	good := fake(t, `{"name":"Apicurio Registry","version":"3.3.3"}`)
	with := func(url, token string) *api.ApicurioConnection {
		return &api.ApicurioConnection{URL: url, GroupID: "payments", Bearer: &api.BearerToken{Token: token}}
	}
	kindtest.Try(t, apicurio.Kind{}, []kindtest.Trial{
		{Name: "good", Target: with(good+"/", "right"), Sees: "3 artifact(s) in the group payments"},
		{Name: "may not read the group", Target: with(good, "wrong"), Step: api.StepAuthorization, Cause: "may not read the group payments", Remedy: "sr-readonly"},
		{Name: "an old registry", Target: with(fake(t, `{"name":"Apicurio Registry","version":"2.6.0"}`), "right"), Step: api.StepProtocol, Cause: "version 2.6.0, and 3 is needed"},
		{Name: "another page", Target: with(fake(t, `<html>`), "right"), Step: api.StepProtocol, Cause: "not answer as an Apicurio Registry", Remedy: "/apis/registry/v3"},
	})
}

func TestProblems(t *testing.T) {
	kindtest.WantProblems(t, apicurio.Kind{}, kindtest.Problems{
		"good":       {Target: &api.ApicurioConnection{URL: "https://r/apis/registry/v3"}},
		"compatible": {Target: &api.ApicurioConnection{URL: "https://r/apis/ccompat/v7"}, Paths: []string{"/url"}},
		"two ways":   {Target: &api.ApicurioConnection{URL: "https://r", Basic: &api.BasicAuthentication{}, OAuth2: &api.OAuth2{}}, Paths: []string{"/oauth2"}},
	})
}

func TestRealApicurioOwnAPI(t *testing.T) {
	registry := real.Shared(t).Apicurio
	kindtest.Try(t, apicurio.Kind{}, []kindtest.Trial{
		{Name: "its own API", Target: &api.ApicurioConnection{URL: registry.URL() + "/apis/registry/v3", GroupID: "default"}, Sees: "artifact(s) in the group default"},
		{Name: "its root", Target: &api.ApicurioConnection{URL: registry.URL(), GroupID: "default"}, Step: api.StepProtocol, Cause: "answers 404", Remedy: "/apis/registry/v3"},
		{Name: "the compatible API", Target: &api.ApicurioConnection{URL: registry.CompatURL(), GroupID: "default"}, Step: api.StepProtocol, Remedy: "/apis/registry/v3"},
	})
}
