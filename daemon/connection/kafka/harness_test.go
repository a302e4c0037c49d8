package kafka_test

import (
	"crypto/tls"
	"net"
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
	if e.Code != api.CodeConnection || e.Attribute != "/spec/bootstrap_servers" {
		t.Errorf("code %s, attribute %s", e.Code, e.Attribute)
	}
	wantWords(t, "cause", e.Detail, want.cause)
	wantWords(t, "remedy", e.Remedy, want.remedy)
}

func wantWords(t *testing.T, what, text string, words []string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the %s is %q, without %q", what, text, w)
		}
	}
}

// listen serves connections on a free port until the end of the test. A nil config serves without TLS, where handle
// gets the bare connection.
func listen(t *testing.T, cfg *tls.Config, handle func(net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	if cfg != nil {
		listener = tls.NewListener(listener, cfg)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

// shakeHands ends a TLS connection after the handshake.
func shakeHands(conn net.Conn) {
	if c, ok := conn.(*tls.Conn); ok {
		_ = c.Handshake()
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	must(t, listener.Close())
	return listener.Addr().String()
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
