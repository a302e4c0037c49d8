package pulsar_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
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
	expired, err := server.ExpiredToken("admin")
	must(t, err)
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
		{Name: "an expired token", Target: at(func(c *api.PulsarConnection) { c.Token = expired }), Step: api.StepAuthentication, Cause: "refuses the credentials"},
		{Name: "another's token", Target: at(func(c *api.PulsarConnection) { c.Token += "x" }), Step: api.StepAuthentication, Cause: "refuses the credentials"},
		{Name: "a role without rights", Target: at(func(c *api.PulsarConnection) { c.Token = tokenOf("nobody") }), Step: api.StepAuthorization, Cause: "may not do this", Remedy: "tenant public"},
		{Name: "no such tenant", Target: at(func(c *api.PulsarConnection) { c.Tenant = "acme" }), Step: api.StepAuthorization, Cause: "there is no tenant acme", Attribute: "/spec/tenant"},
		{Name: "no such namespace", Target: at(func(c *api.PulsarConnection) { c.Namespace = "orders" }), Step: api.StepAuthorization, Cause: "there is no namespace public/orders", Attribute: "/spec/namespace"},
		{Name: "the broker's port as admin", Target: at(func(c *api.PulsarConnection) { c.AdminURL = "http://" + c.ServiceURL[len("pulsar://"):] }), Step: api.StepProtocol, Remedy: "admin_url"},
		{Name: "the web port as broker", Target: at(func(c *api.PulsarConnection) { c.ServiceURL = "pulsar://" + c.AdminURL[len("http://"):] }), Step: api.StepAuthentication, Cause: "does not answer as one", Attribute: "/spec/service_url"},
	})
	t.Run("TLS", func(t *testing.T) { overTLS(t, server) })
}

// overTLS tries what lets in clients with a certificate only.
func overTLS(t *testing.T, server *real.Pulsar) {
	t.Helper()
	client := func(pki *real.PKI, role string) real.KeyPair {
		pair, err := pki.IssueClient(role)
		must(t, err)
		return pair
	}
	admin, nobody := client(server.PKI, "admin"), client(server.PKI, "nobody")
	other, err := real.NewPKI()
	must(t, err)
	stranger := client(other, "admin")
	const byAddress = "127.0.0.1" // for which the certificate is not
	address := strings.NewReplacer("localhost", byAddress)
	token, err := server.Token("admin")
	must(t, err)
	at := func(change func(c *api.PulsarConnection)) *api.PulsarConnection {
		c := &api.PulsarConnection{
			ServiceURL: server.ServiceURLTLS(), AdminURL: server.AdminURLTLS(), Tenant: "public", Namespace: "default",
			TLS: &api.TLS{CACertificate: string(server.PKI.CA.Cert), ClientCertificate: string(admin.Cert), ClientKey: string(admin.Key)},
		}
		change(c)
		return c
	}
	with := func(pair real.KeyPair) func(*api.PulsarConnection) {
		return func(c *api.PulsarConnection) {
			c.TLS.ClientCertificate, c.TLS.ClientKey = string(pair.Cert), string(pair.Key)
		}
	}
	// The web service comes first, so that what the broker says needs one that is content.
	brokerOnly := func(change func(*api.PulsarConnection)) *api.PulsarConnection {
		return at(func(c *api.PulsarConnection) {
			c.AdminURL, c.Token = server.AdminURL(), token
			change(c)
		})
	}
	none := func(c *api.PulsarConnection) { with(real.KeyPair{})(c) }
	const certificate, refused = "tls.client_certificate", "TLS handshake"
	good := at(func(*api.PulsarConnection) {})
	kindtest.Try(t, pulsar.Kind{}, []kindtest.Trial{
		{Name: "client certificate", Target: good, Sees: "protocol version"},
		{Name: "any host name", Target: at(func(c *api.PulsarConnection) {
			c.ServiceURL, c.AdminURL, c.TLS.EndpointIdentification = address.Replace(c.ServiceURL), address.Replace(c.AdminURL), "none"
		}), Sees: "protocol version"},
		{Name: "another host name", Target: at(func(c *api.PulsarConnection) { c.AdminURL = address.Replace(c.AdminURL) }), Step: api.StepTLS, Cause: "not for this host name", Remedy: "endpoint_identification", Attribute: "/spec/admin_url"},
		{Name: "another host name of the broker", Target: at(func(c *api.PulsarConnection) { c.ServiceURL = address.Replace(c.ServiceURL) }), Step: api.StepTLS, Cause: "not for this host name", Remedy: "endpoint_identification", Attribute: "/spec/service_url"},
		{Name: "no authority", Target: at(func(c *api.PulsarConnection) { c.TLS.CACertificate = "" }), Step: api.StepTLS, Cause: "not trusted", Remedy: "tls.ca_certificate", Attribute: "/spec/tls/ca_certificate"},
		{Name: "no client certificate", Target: at(none), Step: api.StepProtocol, Cause: refused, Remedy: certificate},
		{Name: "no client certificate for the broker", Target: brokerOnly(none), Step: api.StepAuthentication, Cause: refused, Remedy: certificate, Attribute: "/spec/tls/client_certificate"},
		{Name: "another authority's client", Target: at(with(stranger)), Step: api.StepProtocol, Cause: refused, Remedy: certificate},
		{Name: "another authority's client for the broker", Target: brokerOnly(with(stranger)), Step: api.StepAuthentication, Cause: refused, Remedy: certificate, Attribute: "/spec/tls/client_certificate"},
		{Name: "a role without rights", Target: at(with(nobody)), Step: api.StepAuthorization, Cause: "may not do this", Remedy: "tenant public"},
		{Name: "TLS on the plain port", Target: at(func(c *api.PulsarConnection) { c.AdminURL = strings.Replace(server.AdminURL(), "http:", "https:", 1) }), Step: api.StepTLS, Cause: "does not answer in TLS"},
		{Name: "TLS on the broker's plain port", Target: at(func(c *api.PulsarConnection) {
			c.ServiceURL = strings.Replace(server.ServiceURL(), "pulsar:", "pulsar+ssl:", 1)
		}), Step: api.StepTLS, Cause: "does not answer in TLS", Remedy: "pulsar://"},
		{Name: "plain on the TLS port", Target: at(func(c *api.PulsarConnection) { c.AdminURL = strings.Replace(c.AdminURL, "https:", "http:", 1) }), Step: api.StepProtocol, Remedy: "admin_url"},
		{Name: "plain on the broker's TLS port", Target: at(func(c *api.PulsarConnection) { c.ServiceURL = strings.Replace(c.ServiceURL, "+ssl", "", 1) }), Step: api.StepAuthentication, Cause: "does not answer as one", Remedy: "pulsar+ssl://"},
	})
	asks(t, good)

	self, err := real.SelfSigned("localhost")
	must(t, err)
	old, err := server.PKI.IssueExpiredServer("localhost")
	must(t, err)
	for says, pair := range map[string]real.KeyPair{"self-signed": self, "expired on 20": old} {
		must(t, server.Present(pair))
		for part, target := range map[string]*api.PulsarConnection{"web service": good, "broker": brokerOnly(func(*api.PulsarConnection) {})} {
			t.Run(says+" "+part, func(t *testing.T) {
				real.Until(t, "it presents the certificate", func() bool {
					result := pulsar.Kind{}.Test(t.Context(), target)
					last := result.Steps[len(result.Steps)-1]
					return result.Error != nil && last.Step == api.StepTLS && strings.Contains(result.Error.Detail, says) && result.Error.Remedy != ""
				})
			})
		}
	}
}

// asks has the client of the admin API ask something.
func asks(t *testing.T, c *api.PulsarConnection) {
	t.Helper()
	client, err := pulsar.NewAdmin(t.Context(), c)
	must(t, err)
	defer client.Close()
	if found, err := client.Namespaces().GetNamespaces("public"); err != nil || !slices.Contains(found, "public/default") {
		t.Errorf("the namespaces are %q, %v", found, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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
