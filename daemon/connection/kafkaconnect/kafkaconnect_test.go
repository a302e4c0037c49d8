package kafkaconnect_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// worker is one of Kafka Connect that knows one user and one token.
type worker struct {
	root, connectors int    // statuses, in place of answers
	page             string // in place of every answer
	basic, bearer    string // what it wants
}

func (w worker) ServeHTTP(resp http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	authorized := w.basic == "" && w.bearer == "" ||
		w.basic != "" && user+":"+password == w.basic || w.bearer != "" && r.Header.Get("Authorization") == "Bearer "+w.bearer
	body := map[string]string{"/": `{"version":"4.3.0","commit":"x","kafka_cluster_id":"the-cluster"}`, "/connectors": `["a","b"]`}[r.URL.Path]
	status := map[string]int{"/": w.root, "/connectors": w.connectors}[r.URL.Path]
	switch {
	case !authorized:
		status = http.StatusUnauthorized
	case status == 0 && body == "":
		status = http.StatusNotFound
	case status == 0 && w.page != "":
		body = w.page
	}
	if status != 0 {
		resp.WriteHeader(status)
		body = "<html>No: " + r.Header.Get("Authorization") + "</html>"
	}
	_, _ = io.WriteString(resp, body)
}

func serve(t *testing.T, w worker) string {
	t.Helper()
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	return server.URL
}

func at(urls ...string) *api.KafkaConnectConnection { return &api.KafkaConnectConnection{URLs: urls} }

func basic(password string, urls ...string) *api.KafkaConnectConnection {
	return &api.KafkaConnectConnection{URLs: urls, Basic: &api.BasicAuthentication{Username: "alice", Password: password}}
}

func bearer(token string, urls ...string) *api.KafkaConnectConnection {
	return &api.KafkaConnectConnection{URLs: urls, Bearer: &api.BearerToken{Token: token}}
}

func overTLS(settings api.TLS, urls ...string) *api.KafkaConnectConnection {
	return &api.KafkaConnectConnection{URLs: urls, TLS: &settings}
}

func TestWorkers(t *testing.T) {
	closed := httptest.NewServer(worker{})
	closed.Close()
	fine, withBasic, withBearer := serve(t, worker{}), serve(t, worker{basic: "alice:right"}), serve(t, worker{bearer: "right"})
	starting := serve(t, worker{root: http.StatusNotFound, connectors: http.StatusNotFound})
	kindtest.Try(t, kafkaconnect.Kind{}, []kindtest.Trial{
		{Name: "anonymous", Target: at(fine), Sees: "2 connector(s) visible"},
		{Name: "basic", Target: basic("right", withBasic), Sees: "2 connector(s) visible"},
		{Name: "bearer", Target: bearer("right", withBearer), Sees: "2 connector(s) visible"},
		{Name: "a worker that is starting", Target: at(starting), Step: api.StepProtocol, Cause: "the worker is starting", Remedy: "Try again in a few seconds", Attribute: "/spec/urls"},
		{Name: "a worker that lists nothing yet", Target: at(serve(t, worker{connectors: http.StatusNotFound})), Step: api.StepAuthorization, Cause: "listing connectors failed", Remedy: "a few seconds"},
		{Name: "wrong path", Target: at(fine + "/nowhere"), Step: api.StepProtocol, Cause: "not Kafka Connect", Remedy: "path included", Attribute: "/spec/urls"},
		{Name: "a web site", Target: at(serve(t, worker{page: "<html>Welcome</html>"})), Step: api.StepProtocol, Cause: "not as Kafka Connect", Remedy: "Check the URL"},
		{Name: "something else in JSON", Target: at(serve(t, worker{page: `{"status":"UP"}`})), Step: api.StepProtocol, Cause: "answers, but not as Kafka Connect", Remedy: "path included"},
		{Name: "fails", Target: at(serve(t, worker{root: http.StatusInternalServerError})), Step: api.StepProtocol, Cause: "answers 500", Remedy: "Check the URL"},
		{Name: "no credentials", Target: at(withBasic), Step: api.StepAuthentication, Cause: "refuses the credentials", Remedy: "basic, bearer"},
		{Name: "wrong password", Target: basic("wrong", withBasic), Step: api.StepAuthentication, Cause: "refuses the credentials", Remedy: "basic, bearer"},
		{Name: "wrong token", Target: bearer("wrong", withBearer), Step: api.StepAuthentication, Cause: "refuses the credentials", Remedy: "basic, bearer"},
		{Name: "may do nothing", Target: at(serve(t, worker{root: http.StatusForbidden, connectors: http.StatusForbidden})), Step: api.StepAuthorization, Cause: "may not list connectors", Remedy: "read access"},
		{Name: "may not list connectors", Target: at(serve(t, worker{connectors: http.StatusForbidden})), Step: api.StepAuthorization, Cause: "may not list connectors", Remedy: "read access"},
		{Name: "unknown host", Target: at("http://no..such.host"), Step: api.StepDNS, Cause: "no..such.host does not exist", Remedy: "Check the spelling"},
		{Name: "refused", Target: at(closed.URL), Step: api.StepTCP, Cause: "nothing listens", Remedy: "Check the port", Attribute: "/spec/urls"},
		{Name: "TLS on a plain port", Target: at(strings.Replace(fine, "http:", "https:", 1)), Step: api.StepTLS, Cause: "does not answer in TLS", Remedy: "http://"},
		{Name: "one of two workers is down", Target: at(closed.URL, fine), Sees: "2 connector(s) visible", Warns: []string{"nothing listens on this port"}},
		{Name: "one of two workers is starting", Target: at(fine, starting), Sees: "", Warns: []string{"the worker is starting"}},
		{Name: "both workers are down", Target: at(closed.URL, closed.URL), Step: api.StepTCP, Cause: "nothing listens"},
	})
}

func TestClusterIsTold(t *testing.T) {
	if result := (kafkaconnect.Kind{}).Test(t.Context(), at(serve(t, worker{}))); result.ClusterID != "the-cluster" {
		t.Errorf("the cluster is %q", result.ClusterID)
	}
}

// A worker, or a proxy before it, that repeats the request in its refusals does not carry the credentials into errors.
func TestCredentialsAreHiddenInRefusals(t *testing.T) {
	const secret = "a-secret-of-some-length"
	result := kafkaconnect.Kind{}.Test(t.Context(), bearer(secret, serve(t, worker{bearer: "right"})))
	if result.Error == nil || strings.Contains(result.Error.Error()+result.Error.Detail, secret) {
		t.Errorf("the error is %v", result.Error)
	}
}

func TestCertificates(t *testing.T) {
	pki, other := newPKI(t), newPKI(t)
	ca := string(pki.CA.Cert)
	server := kindtest.ServeTLS(t, serverTLS(t, pki.Server), worker{})
	expired, err := pki.IssueExpiredServer("127.0.0.1")
	must(t, err)
	elsewhere, err := pki.IssueServer("connect.elsewhere.example")
	must(t, err)
	self, err := real.SelfSigned("127.0.0.1")
	must(t, err)
	wrongHost := kindtest.ServeTLS(t, serverTLS(t, elsewhere), worker{})
	kindtest.Try(t, kafkaconnect.Kind{}, []kindtest.Trial{
		{Name: "right", Target: overTLS(api.TLS{CACertificate: ca}, server), Sees: "visible"},
		{Name: "any name", Target: overTLS(api.TLS{CACertificate: ca, EndpointIdentification: "none"}, wrongHost), Sees: "visible"},
		{Name: "not trusted", Target: at(server), Step: api.StepTLS, Cause: "authority that is not trusted", Remedy: "tls.ca_certificate", Attribute: "/spec/tls/ca_certificate"},
		{Name: "self-signed", Target: at(kindtest.ServeTLS(t, serverTLS(t, self), worker{})), Step: api.StepTLS, Cause: "self-signed", Remedy: "tls.ca_certificate"},
		{Name: "expired", Target: overTLS(api.TLS{CACertificate: ca}, kindtest.ServeTLS(t, serverTLS(t, expired), worker{})), Step: api.StepTLS, Cause: "expired on 20", Remedy: "Renew"},
		{Name: "wrong host", Target: overTLS(api.TLS{CACertificate: ca}, wrongHost), Step: api.StepTLS, Cause: "not for this host name", Remedy: "endpoint_identification"},
		{Name: "plain on a TLS port", Target: at(strings.Replace(server, "https:", "http:", 1)), Step: api.StepProtocol, Cause: "answers 400", Remedy: "Check the URL"},
	})
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		cfg := serverTLS(t, pki.Server)
		cfg.ClientAuth, cfg.ClientCAs, cfg.MaxVersion = tls.RequireAndVerifyClientCert, pki.Pool(), version
		mutual := kindtest.ServeTLS(t, cfg, worker{})
		step := map[uint16]string{tls.VersionTLS12: api.StepTLS, tls.VersionTLS13: api.StepProtocol}[version]
		kindtest.Try(t, kafkaconnect.Kind{}, []kindtest.Trial{
			{Name: "client certificate " + name, Target: overTLS(withClient(ca, pki.Client), mutual), Sees: "visible"},
			{Name: "no client certificate " + name, Target: overTLS(api.TLS{CACertificate: ca}, mutual), Step: step, Cause: "TLS handshake", Remedy: "tls.client_certificate"},
			{Name: "wrong client certificate " + name, Target: overTLS(withClient(ca, other.Client), mutual), Step: step, Cause: "TLS handshake", Remedy: "tls.client_certificate"},
		})
	}
}

func TestProblems(t *testing.T) {
	both := basic("a", "http://connect:8083")
	both.Bearer = &api.BearerToken{Token: "c"}
	kindtest.WantProblems(t, kafkaconnect.Kind{}, kindtest.Problems{
		"good":                    {Target: at("https://a:8083", "http://b:8083/connect")},
		"no host":                 {Target: at("http://a", "http://"), Paths: []string{"/urls/1"}},
		"no scheme":               {Target: at("connect:8083"), Paths: []string{"/urls/0"}},
		"user in the URL":         {Target: at("http://alice:secret@connect:8083"), Paths: []string{"/urls/0"}},
		"two ways":                {Target: both, Paths: []string{"/bearer"}},
		"TLS for nothing":         {Target: overTLS(api.TLS{}, "http://a", "http://b"), Paths: []string{"/tls"}},
		"TLS for one of two":      {Target: overTLS(api.TLS{}, "http://a", "https://b")},
		"no certificate":          {Target: overTLS(api.TLS{CACertificate: "nonsense"}, "https://a"), Paths: []string{"/tls/ca_certificate"}},
		"certificate, but no key": {Target: overTLS(api.TLS{ClientCertificate: "x"}, "https://a"), Paths: []string{"/tls/client_key"}},
	})
}

func TestCredentialsInTheOpenWarn(t *testing.T) {
	for connection, want := range map[*api.KafkaConnectConnection]int{
		at("http://a"): 0, bearer("x", "https://a"): 0, bearer("x", "http://a"): 1, basic("x", "https://a", "http://b"): 1,
	} {
		if got := (kafkaconnect.Kind{}).Warnings(connection); len(got) != want {
			t.Errorf("%s: warnings %v, want %d", connection.URLs, got, want)
		}
	}
}

func withClient(ca string, pair real.KeyPair) api.TLS {
	return api.TLS{CACertificate: ca, ClientCertificate: string(pair.Cert), ClientKey: string(pair.Key)}
}

func newPKI(t *testing.T) *real.PKI {
	t.Helper()
	pki, err := real.NewPKI()
	must(t, err)
	return pki
}

func serverTLS(t *testing.T, pair real.KeyPair) *tls.Config {
	t.Helper()
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

// A worker that cannot ask the one that leads is asked again, unless that might do something twice.
func TestLeaderIsGone(t *testing.T) {
	const forwarding = "IO Error trying to forward REST request: java."
	for name, tt := range map[string]struct {
		method, message string
		asked           int32
	}{
		"write":             {http.MethodPut, forwarding + "io.EOFException: HttpConnectionOverHTTP", 3},
		"create, not heard": {http.MethodPost, forwarding + "net.ConnectException: Connection refused", 3},
		"create, heard":     {http.MethodPost, forwarding + "io.EOFException: HttpConnectionOverHTTP", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) < 3 {
					w.WriteHeader(http.StatusInternalServerError)
					_ = json.NewEncoder(w).Encode(map[string]any{"error_code": 500, "message": tt.message})
				}
			}))
			t.Cleanup(server.Close)
			client, err := kafkaconnect.NewClient(&api.KafkaConnectConnection{URLs: []string{server.URL}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			err = client.Do(t.Context(), tt.method, "/connectors/x/restart", nil, nil)
			if (err == nil) != (tt.asked == 3) || asked.Load() != tt.asked {
				t.Errorf("asked %d times, want %d: %v", asked.Load(), tt.asked, err)
			}
		})
	}
}
