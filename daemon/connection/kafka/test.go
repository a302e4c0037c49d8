package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Test walks to each bootstrap server in turn, DNS, TCP, TLS, protocol, authentication, authorization, and then looks
// whether the brokers that the cluster advertises can be reached from here. One bootstrap server that answers is enough,
// as it is for every Kafka client; the others are warned about. Where tokens are needed, the way to the token endpoint is
// walked too, before the first authentication.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	return newTester(target.(*api.KafkaConnection), nil).test(ctx)
}

type tester struct {
	probe.Recorder
	c *api.KafkaConnection

	mechanism sasl.Mechanism // made at the first authentication
	skew      time.Duration  // of the token endpoint's clock against ours
	tokens    error          // why there are none
}

// newTester makes a tester that speaks of a preset's own fields.
func newTester(c *api.KafkaConnection, own fields) *tester {
	t := &tester{c: c}
	t.Own, t.Base = own.own, KindName
	t.Attribute = "/spec" + own.own("/bootstrap_servers")
	return t
}

func (t *tester) test(ctx context.Context) api.ConnectionTest {
	everywhere := t.Attribute
	advertised := map[string]bool{}
	for i, server := range t.c.BootstrapServers {
		t.Attribute = "/spec" + t.Own(spec.Join("/bootstrap_servers", strconv.Itoa(i)))
		brokers, err := t.server(ctx, server)
		if t.tokens != nil {
			return t.Result() // no broker can be reached without a token
		}
		if err != nil {
			continue
		}
		for _, b := range brokers {
			advertised[b] = true
		}
	}
	t.Attribute = everywhere
	if len(advertised) == 0 {
		return t.Result()
	}
	t.Forgive()
	t.advertised(ctx, advertised)
	return t.Result()
}

func (t *tester) server(ctx context.Context, address string) (brokers []string, err error) {
	conn, err := t.connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	w := newWire(conn)
	if err := t.protocol(ctx, w, address); err != nil {
		return nil, err
	}
	if usesSASL(t.c) {
		if err := t.authentication(ctx, w, address); err != nil {
			return nil, err
		}
	}
	return t.authorization(ctx, w, address)
}

// connect takes the steps that come before the first byte of Kafka.
func (t *tester) connect(ctx context.Context, address string) (net.Conn, error) {
	if err := t.DNS(ctx, address); err != nil {
		return nil, err
	}
	conn, err := t.TCP(ctx, address)
	if err != nil || !usesTLS(t.c) {
		return conn, err
	}
	secured, err := t.handshake(ctx, conn, address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}

func (t *tester) handshake(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	cfg, err := tlsclient.Config(t.c.TLS, host)
	if err != nil {
		return nil, t.Step(ctx, api.StepTLS, address, func(context.Context) (string, error) { return "", err })
	}
	plain := "If the listener speaks without TLS, set {/security_protocol} to " + withoutTLS(t.c.SecurityProtocol) + ", or use the port of a TLS listener."
	return t.TLS(ctx, conn, address, cfg, plain)
}

func withoutTLS(protocol string) string {
	if protocol == "SASL_SSL" {
		return "SASL_PLAINTEXT"
	}
	return "PLAINTEXT"
}

// protocol sees that Kafka answers, and answers here.
func (t *tester) protocol(ctx context.Context, w *wire, address string) error {
	return t.Step(ctx, api.StepProtocol, address, func(ctx context.Context) (string, error) {
		err := w.apiVersions(ctx)
		switch {
		case err == nil:
			return fmt.Sprintf("Kafka answers, %d APIs", len(w.versions)), nil
		case !usesTLS(t.c) && speaksTLS(ctx, address):
			return "", probe.Blame("/security_protocol", "the listener speaks TLS and security_protocol is "+t.c.SecurityProtocol,
				"Set {/security_protocol} to "+strings.Replace(t.c.SecurityProtocol, "PLAINTEXT", "SSL", 1)+", or use the port of a listener without TLS.", nil)
		case errors.Is(err, errNotKafka):
			return "", probe.Fail("what listens there does not answer as Kafka", "Check the port: it must be a client listener of a broker.", nil)
		case isTimeout(err):
			return "", probe.Fail("what listens there does not answer as Kafka",
				"Check the port: it must be a client listener of a broker. If it is, the broker may hang, or be too busy to answer: look after it.", err)
		// With TLS 1.3 a server refuses a client certificate, or that there is none, only after the handshake.
		case probe.IsTLSAlert(err) && t.clientCertificate() != "":
			return "", probe.Blame("/tls/client_certificate", "the broker refuses the client certificate", "Set {/tls/client_certificate} and {/tls/client_key} to one that it trusts, and that has not expired.", err)
		case usesTLS(t.c) && t.clientCertificate() == "":
			return "", probe.Blame("/tls/client_certificate", "the broker ends the connection after the TLS handshake",
				"Most often it wants a client certificate: set {/tls/client_certificate} and {/tls/client_key} to one that it trusts.", err)
		}
		return "", probe.Fail("what listens there does not answer as Kafka", "Check the port: it must be a client listener of a broker.", err)
	})
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func (t *tester) clientCertificate() string {
	if t.c.TLS == nil {
		return ""
	}
	return t.c.TLS.ClientCertificate
}

// speaksTLS tries a handshake that takes any certificate; nothing is sent over it.
func speaksTLS(ctx context.Context, address string) bool {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} // #nosec G402 -- only asks whether TLS is spoken
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// advertised connects, TLS included, to the brokers under the names that the cluster gives them: clients use those, not the bootstrap ones.
func (t *tester) advertised(ctx context.Context, brokers map[string]bool) {
	for _, server := range t.c.BootstrapServers {
		delete(brokers, server)
	}
	names := make([]string, 0, len(brokers))
	for name := range brokers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, address := range names {
		conn, err := t.connect(ctx, address)
		if err != nil {
			t.explainAdvertised(address)
			return
		}
		_ = conn.Close()
	}
}

func (t *tester) explainAdvertised(address string) {
	failure := t.Failure()
	failure.Detail = fmt.Sprintf("The bootstrap servers answer, but the cluster advertises a broker at %s, which cannot be reached from here: %s", address, failure.Detail)
	if last := t.Test.Steps[len(t.Test.Steps)-1]; last.Step != api.StepTLS {
		failure.Remedy = "Use the listener that is meant for this network, or correct advertised.listeners on the brokers."
	}
}
