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

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Test walks to each bootstrap server in turn, DNS, TCP, TLS, protocol, authentication, authorization, and then looks
// whether the brokers that the cluster advertises can be reached from here. One bootstrap server that answers is enough,
// as it is for every Kafka client; the others are warned about.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	t := &tester{c: target.(*api.KafkaConnection)}
	t.Attribute = "/spec/bootstrap_servers"
	advertised := map[string]bool{}
	for _, server := range t.c.BootstrapServers {
		brokers, err := t.server(ctx, server)
		if err != nil {
			continue
		}
		for _, b := range brokers {
			advertised[b] = true
		}
	}
	if len(advertised) == 0 {
		return t.Result()
	}
	t.Forgive()
	t.advertised(ctx, advertised)
	return t.Result()
}

type tester struct {
	probe.Recorder
	c *api.KafkaConnection
}

func (t *tester) server(ctx context.Context, address string) (brokers []string, err error) {
	if err := t.DNS(ctx, address); err != nil {
		return nil, err
	}
	conn, err := t.TCP(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if usesTLS(t.c) {
		if conn, err = t.handshake(ctx, conn, address); err != nil {
			return nil, err
		}
	}
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

func (t *tester) handshake(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	cfg, err := tlsclient.Config(t.c.TLS, host)
	if err != nil {
		return nil, t.Step(ctx, api.StepTLS, address, func(context.Context) (string, error) { return "", err })
	}
	plain := "If the listener speaks without TLS, set security_protocol to " + withoutTLS(t.c.SecurityProtocol) + ", or use the port of a TLS listener."
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
			return "", probe.Fail("the listener speaks TLS and security_protocol is "+t.c.SecurityProtocol,
				"Set security_protocol to "+strings.Replace(t.c.SecurityProtocol, "PLAINTEXT", "SSL", 1)+", or use the port of a listener without TLS.", nil)
		case errors.Is(err, errNotKafka):
			return "", probe.Fail("what listens there does not answer as Kafka", "Check the port: it must be a client listener of a broker.", nil)
		// With TLS 1.3 a server refuses a client certificate, or that there is none, only after the handshake.
		case probe.IsTLSAlert(err) && t.clientCertificate() != "":
			return "", probe.Fail("the broker refuses the client certificate", "Set tls.client_certificate and tls.client_key to one that it trusts, and that has not expired.", err)
		case usesTLS(t.c) && t.clientCertificate() == "":
			return "", probe.Fail("the broker ends the connection after the TLS handshake",
				"Most often it wants a client certificate: set tls.client_certificate and tls.client_key to one that it trusts.", err)
		}
		return "", probe.Fail("what listens there does not answer as Kafka", "Check the port: it must be a client listener of a broker.", err)
	})
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

// authentication runs the SASL exchange (KIP-43, KIP-152) step by step.
func (t *tester) authentication(ctx context.Context, w *wire, address string) error {
	return t.Step(ctx, api.StepAuthentication, address, func(ctx context.Context) (string, error) {
		handshake := kmsg.NewPtrSASLHandshakeRequest()
		handshake.Version = 1
		handshake.Mechanism = t.c.SASL.Mechanism
		offered := kmsg.NewPtrSASLHandshakeResponse()
		if err := w.do(ctx, handshake, offered); err != nil {
			return "", probe.Fail("the broker ends the connection when authentication begins", "Check that this port is a SASL listener.", err)
		}
		if err := t.mechanismError(offered); err != nil {
			return "", err
		}
		if err := exchange(ctx, w, t.c.SASL, address); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s as %s", t.c.SASL.Mechanism, t.c.SASL.Username), nil
	})
}

func (t *tester) mechanismError(offered *kmsg.SASLHandshakeResponse) error {
	switch {
	case kerr.ErrorForCode(offered.ErrorCode) == nil:
		return nil
	case errors.Is(kerr.ErrorForCode(offered.ErrorCode), kerr.UnsupportedSaslMechanism):
		return probe.Fail(fmt.Sprintf("the broker does not offer %s, it offers %s", t.c.SASL.Mechanism, strings.Join(offered.SupportedMechanisms, ", ")), "Set sasl.mechanism to one that it offers.", nil)
	case errors.Is(kerr.ErrorForCode(offered.ErrorCode), kerr.IllegalSaslState):
		return probe.Fail("the listener does not authenticate with SASL", "Set security_protocol to "+strings.TrimPrefix(t.c.SecurityProtocol, "SASL_")+", or use the port of a SASL listener.", nil)
	default:
		return probe.Fail("the broker refuses to begin authentication", "", kerr.ErrorForCode(offered.ErrorCode))
	}
}

func exchange(ctx context.Context, w *wire, s *api.KafkaSASL, address string) error {
	host, _, _ := net.SplitHostPort(address)
	session, message, err := mechanism(s).Authenticate(ctx, host)
	if err != nil {
		return fmt.Errorf("begin %s: %w", s.Mechanism, err)
	}
	for done := false; !done; {
		req := kmsg.NewPtrSASLAuthenticateRequest()
		w.negotiate(req)
		req.SASLAuthBytes = message
		resp := kmsg.NewPtrSASLAuthenticateResponse()
		if err := w.do(ctx, req, resp); err != nil {
			return probe.Fail("the broker ends the connection during authentication", "Most often the user name or password is wrong: check sasl.username and the password.", err)
		}
		if resp.ErrorCode != 0 {
			return probe.Fail("the broker refuses the user name or password", "Check sasl.username and the password, and that the user exists for "+s.Mechanism+".", kerr.ErrorForCode(resp.ErrorCode))
		}
		done, message, err = session.Challenge(resp.SASLAuthBytes)
		if err != nil {
			return probe.Fail("the broker could not prove that it knows the password", "Check the password, and that the address is that of the right cluster.", err)
		}
		// PLAIN is done before it has anything to say; SCRAM ends on the server's proof.
		if done || len(message) == 0 {
			return nil
		}
	}
	return nil
}

// authorization asks for the brokers and for what we may do.
func (t *tester) authorization(ctx context.Context, w *wire, address string) (brokers []string, err error) {
	err = t.Step(ctx, api.StepAuthorization, address, func(ctx context.Context) (string, error) {
		req := kmsg.NewPtrMetadataRequest()
		w.negotiate(req)
		req.Topics = []kmsg.MetadataRequestTopic{}
		resp := kmsg.NewPtrMetadataResponse()
		if err := w.do(ctx, req, resp); err != nil {
			return "", t.metadataFailure(err)
		}
		for _, b := range resp.Brokers {
			brokers = append(brokers, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))))
		}
		slices.Sort(brokers)
		cluster := "unnamed"
		if resp.ClusterID != nil {
			cluster = *resp.ClusterID
		}
		return fmt.Sprintf("cluster %s with %d broker(s)", cluster, len(brokers)), nil
	})
	return brokers, err
}

func (t *tester) metadataFailure(err error) error {
	if !usesSASL(t.c) {
		return probe.Fail("the broker answers, but not to a client that is not authenticated",
			"The listener wants SASL: set security_protocol to SASL_"+t.c.SecurityProtocol+" and fill in sasl.", err)
	}
	return probe.Fail("the broker ends the connection although it accepted the credentials", "Check what the user may do.", err)
}

// advertised connects to the brokers under the names that the cluster gives them: clients use those, not the bootstrap ones.
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
		if err := t.DNS(ctx, address); err != nil {
			t.explainAdvertised(address)
			return
		}
		conn, err := t.TCP(ctx, address)
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
	failure.Remedy = "Use the listener that is meant for this network, or correct advertised.listeners on the brokers."
}
