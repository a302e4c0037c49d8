package pulsar_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/pulsar"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProblems(t *testing.T) {
	kindtest.WantProblems(t, pulsar.Kind{}, kindtest.Problems{
		"good":        {Target: &api.PulsarConnection{ServiceURL: "pulsar+ssl://a:6651,b", AdminURL: "https://a:8443", TLS: &api.TLS{}}},
		"no host":     {Target: &api.PulsarConnection{ServiceURL: "pulsar://", AdminURL: "http://a"}, Paths: []string{"/service_url"}},
		"two ways":    {Target: &api.PulsarConnection{ServiceURL: "pulsar://a", AdminURL: "http://a", Token: "t", OAuth2: &api.PulsarOAuth2{}}, Paths: []string{"/oauth2"}},
		"TLS":         {Target: &api.PulsarConnection{ServiceURL: "pulsar://a", AdminURL: "http://a", TLS: &api.TLS{}}, Paths: []string{"/tls"}},
		"admin's URL": {Target: &api.PulsarConnection{ServiceURL: "pulsar://a", AdminURL: "http://a/admin/"}, Paths: []string{"/admin_url"}},
	})
}

func TestIssuersThatAreNone(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	kindtest.Try(t, pulsar.Kind{}, []kindtest.Trial{{
		Name: "no issuer", Target: &api.PulsarConnection{ServiceURL: "pulsar://127.0.0.1:1", AdminURL: "http://127.0.0.1:1", OAuth2: &api.PulsarOAuth2{Issuer: web.URL}},
		Step: api.StepAuthentication, Cause: "tells no token endpoint", Attribute: "/spec/oauth2/issuer",
	}})
}

func TestRealPulsar(t *testing.T) {
	server := real.DedicatedPulsar(t)
	tokenOf := func(role string) string {
		token, err := server.Token(role)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	at := func(change func(c *api.PulsarConnection)) *api.PulsarConnection {
		c := &api.PulsarConnection{ServiceURL: server.ServiceURL(), AdminURL: server.AdminURL(), Tenant: "public", Namespace: "default", Token: tokenOf("admin")}
		change(c)
		return c
	}
	kindtest.Try(t, pulsar.Kind{}, []kindtest.Trial{
		{Name: "token", Target: at(func(*api.PulsarConnection) {}), Sees: "protocol version"},
		{Name: "one broker of two", Target: at(func(c *api.PulsarConnection) {
			c.ServiceURL = "pulsar://127.0.0.1:1," + c.ServiceURL[len("pulsar://"):]
		}), Sees: "protocol version", Warns: []string{"nothing listens"}},
		{Name: "by OAuth 2.0", Target: at(func(c *api.PulsarConnection) {
			c.OAuth2 = &api.PulsarOAuth2{Issuer: issuer(t, c.Token), ClientID: "headgate", ClientSecret: "s", Audience: "pulsar", Scope: "a b"}
			c.Token = ""
		}), Sees: "protocol version"},
		{Name: "no token", Target: at(func(c *api.PulsarConnection) { c.Token = "" }), Step: api.StepAuthentication, Cause: "refuses the credentials", Attribute: "/spec/admin_url"},
		{Name: "another's token", Target: at(func(c *api.PulsarConnection) { c.Token += "x" }), Step: api.StepAuthentication, Cause: "refuses the credentials"},
		{Name: "a role without rights", Target: at(func(c *api.PulsarConnection) { c.Token = tokenOf("nobody") }), Step: api.StepAuthorization, Cause: "may not do this", Remedy: "tenant public"},
		{Name: "no such tenant", Target: at(func(c *api.PulsarConnection) { c.Tenant = "acme" }), Step: api.StepAuthorization, Cause: "there is no tenant acme", Attribute: "/spec/tenant"},
		{Name: "no such namespace", Target: at(func(c *api.PulsarConnection) { c.Namespace = "orders" }), Step: api.StepAuthorization, Cause: "there is no namespace public/orders", Attribute: "/spec/namespace"},
		{Name: "the broker's port as admin", Target: at(func(c *api.PulsarConnection) { c.AdminURL = "http://" + c.ServiceURL[len("pulsar://"):] }), Step: api.StepProtocol, Remedy: "admin_url"},
		{Name: "the web port as broker", Target: at(func(c *api.PulsarConnection) { c.ServiceURL = "pulsar://" + c.AdminURL[len("http://"):] }), Step: api.StepAuthentication, Cause: "does not answer as one", Attribute: "/spec/service_url"},
	})
}

// issuer gives this one token.
func issuer(t *testing.T, token string) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	answer := func(path, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		})
	}
	answer("/.well-known/openid-configuration", `{"token_endpoint":"`+server.URL+`/token"}`)
	answer("/token", `{"access_token":"`+token+`","token_type":"Bearer","expires_in":300}`)
	return server.URL
}
