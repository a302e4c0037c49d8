package schemaregistry_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/schemaregistry"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a registry that knows one user and one token.
type fake struct {
	types, subjects int    // statuses, in place of answers
	refusal         string // the body beside them
	page            string // in place of every answer
	basic, bearer   string // what it wants
}

func (f fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	authorized := f.basic == "" && f.bearer == "" ||
		f.basic != "" && user+":"+password == f.basic || f.bearer != "" && r.Header.Get("Authorization") == "Bearer "+f.bearer
	answers := map[string]string{"/schemas/types": `["AVRO"]`, "/subjects": `["a-value","b-value"]`}
	statuses := map[string]int{"/schemas/types": f.types, "/subjects": f.subjects}
	body := answers[r.URL.Path]
	status := statuses[r.URL.Path]
	if f.page != "" {
		body = f.page
	}
	if status != 0 {
		body = f.refusal
	}
	switch {
	case !authorized:
		w.WriteHeader(http.StatusUnauthorized)
	case status != 0:
		w.WriteHeader(status)
	case body == "":
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, body)
}

func serve(t *testing.T, f fake) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

type trial struct {
	name       string
	connection api.SchemaRegistryConnection
	step       string // empty wants success
	cause      string
	remedy     string
}

func try(t *testing.T, trials []trial) {
	t.Helper()
	for _, tt := range trials {
		t.Run(tt.name, func(t *testing.T) {
			result := schemaregistry.Kind{}.Test(t.Context(), &tt.connection)
			if tt.step == "" {
				if !result.OK || result.Error != nil || len(result.Steps) < 5 {
					t.Fatalf("failed: %v, steps %+v", result.Error, result.Steps)
				}
				return
			}
			wantFailure(t, result, tt)
		})
	}
}

func wantFailure(t *testing.T, result api.ConnectionTest, want trial) {
	t.Helper()
	if result.OK || result.Error == nil {
		t.Fatalf("succeeded: %+v", result.Steps)
	}
	e, last := result.Error, result.Steps[len(result.Steps)-1]
	if last.OK || last.Step != want.step || !strings.Contains(e.Summary, "step "+want.step+" for ") {
		t.Errorf("failed at step %s (%s), want %s", last.Step, e.Summary, want.step)
	}
	attribute := "/spec/url"
	switch {
	case strings.Contains(e.Detail, "self-signed"), strings.Contains(e.Detail, "authority that is not trusted"):
		attribute = "/spec/tls/ca_certificate"
	case strings.Contains(e.Detail, "refused the TLS handshake"):
		attribute = "/spec/tls/client_certificate"
	}
	if e.Code != api.CodeConnection || e.Attribute != attribute {
		t.Errorf("code %s, attribute %s", e.Code, e.Attribute)
	}
	if !strings.Contains(e.Detail, want.cause) || !strings.Contains(e.Remedy, want.remedy) {
		t.Errorf("cause %q, remedy %q, want %q and %q in them", e.Detail, e.Remedy, want.cause, want.remedy)
	}
}

func at(url string) api.SchemaRegistryConnection { return api.SchemaRegistryConnection{URL: url} }

func basic(url, user, password string) api.SchemaRegistryConnection {
	return api.SchemaRegistryConnection{URL: url, Basic: &api.BasicAuthentication{Username: user, Password: password}}
}

func bearer(url, token string) api.SchemaRegistryConnection {
	return api.SchemaRegistryConnection{URL: url, Bearer: &api.BearerToken{Token: token}}
}

func overTLS(url string, settings api.TLS) api.SchemaRegistryConnection {
	return api.SchemaRegistryConnection{URL: url, TLS: &settings}
}

func TestRegistries(t *testing.T) {
	closed := httptest.NewServer(fake{})
	closed.Close()
	withBasic, withBearer := serve(t, fake{basic: "alice:right"}), serve(t, fake{bearer: "right"})
	web := serve(t, fake{page: "<html>Welcome</html>"})
	forbids := serve(t, fake{subjects: http.StatusForbidden, refusal: `{"error_code":40301,"message":"alice may not do that"}`})
	try(t, []trial{
		{"anonymous", at(serve(t, fake{})), "", "", ""},
		{"with a slash at the end", at(serve(t, fake{}) + "/"), "", "", ""},
		{"basic", basic(withBasic, "alice", "right"), "", "", ""},
		{"bearer", bearer(withBearer, "right"), "", "", ""},
		{"unknown host", at("http://no..such.host"), api.StepDNS, "no..such.host does not exist", "Check the spelling"},
		{"nothing listens", at(closed.URL), api.StepTCP, "nothing listens", "Check the port"},
		{"no credentials", at(withBasic), api.StepAuthentication, "refuses the credentials", "basic, bearer"},
		{"wrong password", basic(withBasic, "alice", "wrong"), api.StepAuthentication, "refuses the credentials", "basic, bearer"},
		{"wrong token", bearer(withBearer, "wrong"), api.StepAuthentication, "refuses the credentials", "basic, bearer"},
		{"may not do anything", at(serve(t, fake{types: http.StatusForbidden, subjects: http.StatusForbidden, refusal: "<html>No</html>"})), api.StepAuthorization, "may not list subjects: HTTP status 403", "read access"},
		{"may not list subjects", at(forbids), api.StepAuthorization, "the registry answers 40301: alice may not do that", "read access"},
		{"wrong path", at(serve(t, fake{}) + "/nowhere"), api.StepProtocol, "answers 404, not as a schema registry", "path included"},
		{"a web site", at(web), api.StepProtocol, "does not answer as a schema registry", "Check the URL"},
		{"fails", at(serve(t, fake{types: http.StatusInternalServerError})), api.StepProtocol, "answers 500", "Check the URL"},
		{"https to http", at(strings.Replace(withBasic, "http:", "https:", 1)), api.StepTLS, "does not answer in TLS", "http://"},
	})
}

// A registry, or a proxy before it, that repeats the request in its refusals does not carry the credentials into errors.
func TestCredentialsAreHiddenInRefusals(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"error_code":40301,"message":"%s may not, nor %s"}`, r.Header.Get("Authorization"), password)
	}))
	t.Cleanup(echo.Close)
	const secret = "a-secret-of-some-length"
	for _, c := range []api.SchemaRegistryConnection{basic(echo.URL, "alice", secret), bearer(echo.URL, secret)} {
		result := schemaregistry.Kind{}.Test(t.Context(), &c)
		client, err := schemaregistry.Client(&c)
		must(t, err)
		_, err = client.Subjects(t.Context())
		if result.Error == nil || err == nil {
			t.Fatal("a refusal is taken for success")
		}
		for _, text := range []string{result.Error.Detail, err.Error()} {
			if strings.Contains(text, secret) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("alice:"+secret))) || !strings.Contains(text, "(hidden) may not") {
				t.Errorf("the error is %q", text)
			}
		}
	}
}

func TestCertificates(t *testing.T) {
	pki, other := newPKI(t), newPKI(t)
	ca := string(pki.CA.Cert)
	server := kindtest.ServeTLS(t, serverTLS(t, pki.Server, nil), fake{})
	expired, err := pki.IssueExpiredServer("127.0.0.1")
	expiredServer := kindtest.ServeTLS(t, serverTLS(t, expired, err), fake{})
	elsewhere, err := pki.IssueServer("registry.elsewhere.example")
	wrongHost := kindtest.ServeTLS(t, serverTLS(t, elsewhere, err), fake{})
	self, err := real.SelfSigned("127.0.0.1")
	selfSigned := kindtest.ServeTLS(t, serverTLS(t, self, err), fake{})
	try(t, []trial{
		{"right", overTLS(server, api.TLS{CACertificate: ca}), "", "", ""},
		{"any name", overTLS(wrongHost, api.TLS{CACertificate: ca, EndpointIdentification: "none"}), "", "", ""},
		{"not trusted", at(server), api.StepTLS, "authority that is not trusted", "tls.ca_certificate"},
		{"self-signed", at(selfSigned), api.StepTLS, "self-signed", "tls.ca_certificate"},
		{"expired", overTLS(expiredServer, api.TLS{CACertificate: ca}), api.StepTLS, "expired on 20", "Renew"},
		{"wrong host", overTLS(wrongHost, api.TLS{CACertificate: ca}), api.StepTLS, "not for this host name", "endpoint_identification"},
		{"http to https", at(strings.Replace(server, "https:", "http:", 1)), api.StepProtocol, "answers 400", "URL"},
	})
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		cfg := serverTLS(t, pki.Server, nil)
		cfg.ClientAuth, cfg.ClientCAs, cfg.MaxVersion = tls.RequireAndVerifyClientCert, pki.Pool(), version
		mutual := kindtest.ServeTLS(t, cfg, fake{})
		step := map[uint16]string{tls.VersionTLS12: api.StepTLS, tls.VersionTLS13: api.StepProtocol}[version]
		try(t, []trial{
			{"mutual " + name, overTLS(mutual, withClient(ca, pki.Client)), "", "", ""},
			{"no client certificate " + name, overTLS(mutual, api.TLS{CACertificate: ca}), step, "TLS handshake", "tls.client_certificate"},
			{"wrong client certificate " + name, overTLS(mutual, withClient(ca, other.Client)), step, "TLS handshake", "tls.client_certificate"},
		})
	}
}

func withClient(ca string, pair real.KeyPair) api.TLS {
	return api.TLS{CACertificate: ca, ClientCertificate: string(pair.Cert), ClientKey: string(pair.Key)}
}

func TestCheck(t *testing.T) {
	both := basic("http://registry:8081", "a", "b")
	both.Bearer = &api.BearerToken{Token: "c"}
	tests := []struct {
		connection api.SchemaRegistryConnection
		paths      []string
	}{
		{at("https://registry:8081"), nil},
		{at("http://"), []string{"/url"}},
		{at("http://alice:secret@registry:8081"), []string{"/url"}},
		{both, []string{"/bearer"}},
		{overTLS("http://registry:8081", api.TLS{}), []string{"/tls"}},
		{overTLS("https://registry:8081", api.TLS{CACertificate: "nonsense"}), []string{"/tls/ca_certificate"}},
	}
	for _, tt := range tests {
		var paths []string
		for _, p := range (schemaregistry.Kind{}).Check(&tt.connection) {
			paths = append(paths, p.Path)
		}
		if !slices.Equal(paths, tt.paths) {
			t.Errorf("%s: problems at %q, want %q", tt.connection.URL, paths, tt.paths)
		}
	}
}

func TestCredentialsInTheOpenWarn(t *testing.T) {
	for connection, want := range map[*api.SchemaRegistryConnection]int{
		{URL: "http://r"}: 0, {URL: "https://r", Bearer: &api.BearerToken{}}: 0,
		{URL: "http://r", Bearer: &api.BearerToken{}}: 1, {URL: "http://r", Basic: &api.BasicAuthentication{}}: 1,
	} {
		if got := (schemaregistry.Kind{}).Warnings(connection); len(got) != want {
			t.Errorf("%s: warnings %v, want %d", connection.URL, got, want)
		}
	}
}

func TestRealApicurio(t *testing.T) {
	apicurio := real.Shared(t).Apicurio
	try(t, []trial{
		{"the compatible API", at(apicurio.CompatURL()), "", "", ""},
		{"its root", at(apicurio.URL()), api.StepProtocol, "answers 404", "/apis/ccompat/v7"},
		{"its own API", at(fmt.Sprintf("%s/apis/registry/v3", apicurio.URL())), api.StepProtocol, "not as a schema registry", "/apis/ccompat/v7"},
	})
}

func newPKI(t *testing.T) *real.PKI {
	t.Helper()
	pki, err := real.NewPKI()
	must(t, err)
	return pki
}

func serverTLS(t *testing.T, pair real.KeyPair, err error) *tls.Config {
	t.Helper()
	must(t, err)
	certificate, err := pair.TLS()
	must(t, err)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
