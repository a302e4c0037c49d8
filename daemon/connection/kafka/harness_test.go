package kafka_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// trial is a connection to try, and what must come of it. An empty step wants success.
type trial struct {
	name       string
	connection api.KafkaConnection
	step       string
	cause      []string // words of the error's detail
	remedy     []string // words of its remedy
}

func try(t *testing.T, trials []trial) {
	t.Helper()
	for _, tt := range trials {
		t.Run(tt.name, func(t *testing.T) {
			result := kafka.Kind{}.Test(t.Context(), &tt.connection)
			if tt.step == "" {
				wantSuccess(t, result)
				return
			}
			wantFailure(t, result, tt)
		})
	}
}

func wantSuccess(t *testing.T, result api.ConnectionTest) {
	t.Helper()
	if !result.OK || result.Error != nil {
		t.Fatalf("the test failed: %v", result.Error)
	}
	for _, s := range result.Steps {
		if !s.OK || s.Detail == "" {
			t.Errorf("step %+v", s)
		}
	}
}

func wantFailure(t *testing.T, result api.ConnectionTest, want trial) {
	t.Helper()
	if result.OK || result.Error == nil {
		t.Fatalf("the test succeeded: %+v", result.Steps)
	}
	e := result.Error
	last := result.Steps[len(result.Steps)-1]
	if last.OK || last.Step != want.step || !strings.Contains(e.Summary, "step "+want.step+" for "+last.Address) {
		t.Errorf("failed at step %s (%s), want %s", last.Step, e.Summary, want.step)
	}
	for _, s := range result.Steps[:len(result.Steps)-1] {
		if !s.OK {
			t.Errorf("step %s failed and the test went on", s.Step)
		}
	}
	if attribute := blamed(t, e.Detail); e.Code != api.CodeConnection || e.Attribute != attribute {
		t.Errorf("code %s, attribute %s, want %s", e.Code, e.Attribute, attribute)
	}
	wantWords(t, "cause", e.Detail, want.cause)
	wantWords(t, "remedy", e.Remedy, want.remedy)
}

// blames says which field each cause is the fault of.
var blames = []struct{ cause, attribute string }{
	{"advertises a broker", "/spec/bootstrap_servers"},
	{"does not exist", "/spec/bootstrap_servers/0"},
	{"nothing listens", "/spec/bootstrap_servers/0"},
	{"packets are dropped", "/spec/bootstrap_servers/0"},
	{"not for this host name", "/spec/bootstrap_servers/0"},
	{"expired on", "/spec/bootstrap_servers/0"},
	{"valid only from", "/spec/bootstrap_servers/0"},
	{"does not answer as Kafka", "/spec/bootstrap_servers/0"},
	{"may do nothing", "/spec/bootstrap_servers/0"},
	{"self-signed", "/spec/tls/ca_certificate"},
	{"authority that is not trusted", "/spec/tls/ca_certificate"},
	{"does not answer in TLS", "/spec/security_protocol"},
	{"the listener speaks TLS", "/spec/security_protocol"},
	{"does not authenticate with SASL", "/spec/security_protocol"},
	{"not authenticated", "/spec/security_protocol"},
	{"the server refused the TLS handshake", "/spec/tls/client_certificate"},
	{"after the TLS handshake", "/spec/tls/client_certificate"},
	{"refuses the client certificate", "/spec/tls/client_certificate"},
	{"does not offer", "/spec/sasl/mechanism"},
	{"refuses the user name or password", "/spec/sasl/password"},
	{"refuses the token", "/spec/sasl/oauth"},
	{"refuses the client id or secret", "/spec/sasl/oauth/client_secret"},
	{"key distribution center refuses the password", "/spec/sasl/password"},
	{"clock of the daemon's machine", "/spec/sasl/kerberos"},
	{"refuses a ticket", "/spec/sasl/kerberos"},
	{"does not know the principal", "/spec/sasl/username"},
	{"does not know the brokers' principal", "/spec/sasl/kerberos/service_name"},
	{"key distribution center cannot be reached", "/spec/sasl/kerberos/config"},
}

func blamed(t *testing.T, detail string) string {
	t.Helper()
	for _, b := range blames {
		if strings.Contains(detail, b.cause) {
			return b.attribute
		}
	}
	t.Errorf("nobody knows what is to blame for %q", detail)
	return ""
}

func wantWords(t *testing.T, what, text string, words []string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the %s is %q, without %q", what, text, w)
		}
	}
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

// plaintext, overTLS and overSASL make connections.
func plaintext(address ...string) api.KafkaConnection {
	return api.KafkaConnection{BootstrapServers: address, SecurityProtocol: "PLAINTEXT"}
}

func overTLS(settings api.TLS, address ...string) api.KafkaConnection {
	return api.KafkaConnection{BootstrapServers: address, SecurityProtocol: "SSL", TLS: &settings}
}

func overSASL(mechanism string, user real.User, address ...string) api.KafkaConnection {
	return api.KafkaConnection{
		BootstrapServers: address, SecurityProtocol: "SASL_PLAINTEXT",
		SASL: &api.KafkaSASL{Mechanism: mechanism, Username: user.Name, Password: user.Password},
	}
}

func overSASLTLS(mechanism string, user real.User, ca []byte, address ...string) api.KafkaConnection {
	c := overSASL(mechanism, user, address...)
	c.SecurityProtocol, c.TLS = "SASL_SSL", &api.TLS{CACertificate: string(ca)}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
