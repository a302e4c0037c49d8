package kafka_test

import (
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestAddressesThatDoNotAnswer(t *testing.T) {
	closed := real.Address(t)
	working := devBroker(t)
	try(t, []trial{
		// A name that is no domain name at all is refused by the resolver itself, without a name server.
		{"unknown host", plaintext("no..such.host:9092"), api.StepDNS, []string{"host name no..such.host does not exist"}, []string{"Check the spelling", "private network"}},
		{"refused port", plaintext(closed), api.StepTCP, []string{"nothing listens"}, []string{"Check the port"}},
		{"one that works", plaintext(working), "", nil, nil},
	})
	t.Run("one of two", func(t *testing.T) {
		target := plaintext(closed, working)
		result := kafka.Kind{}.Test(t.Context(), &target)
		if !result.OK || len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Detail, "nothing listens") {
			t.Errorf("got %+v", result)
		}
	})
	t.Run("none of two", func(t *testing.T) {
		target := plaintext(closed, closed)
		if result := (kafka.Kind{}).Test(t.Context(), &target); result.OK || !strings.Contains(result.Error.Detail, "nothing listens") {
			t.Errorf("got %+v", result)
		}
	})
}

func TestListenersThatAreNotKafka(t *testing.T) {
	web := kindtest.Listen(t, nil, answerAsWeb)
	hangsUp := kindtest.Listen(t, nil, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1024)) })
	hangs := kindtest.Listen(t, nil, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	pki := newPKI(t)
	ca := string(pki.CA.Cert)
	secureWeb := kindtest.Listen(t, serverTLS(t, pki.Server, nil), answerAsWeb)
	try(t, []trial{
		{"a web server", plaintext(web), api.StepProtocol, []string{"does not answer as Kafka"}, []string{"client listener of a broker"}},
		{"a web server with TLS", overTLS(api.TLS{CACertificate: ca}, secureWeb), api.StepProtocol, []string{"does not answer as Kafka"}, []string{"client listener of a broker"}},
		{"one that hangs up", plaintext(hangsUp), api.StepProtocol, []string{"does not answer as Kafka"}, []string{"client listener of a broker"}},
		{"one that says nothing", plaintext(hangs), api.StepProtocol, []string{"does not answer as Kafka"}, []string{"client listener of a broker", "the broker may hang"}},
		{"TLS to a web server", overTLS(api.TLS{CACertificate: ca}, web), api.StepTLS, []string{"does not answer in TLS"}, []string{"PLAINTEXT"}},
		{"TLS to one that hangs up", overTLS(api.TLS{CACertificate: ca}, hangsUp), api.StepTLS, []string{"does not answer in TLS"}, []string{"PLAINTEXT"}},
	})
}

func answerAsWeb(conn net.Conn) {
	_, _ = conn.Read(make([]byte, 1024))
	_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
}

func TestCertificates(t *testing.T) {
	pki, other := newPKI(t), newPKI(t)
	ca := string(pki.CA.Cert)
	good := serverTLS(t, pki.Server, nil)
	expired, err := pki.IssueExpiredServer("127.0.0.1")
	expiredServer := kindtest.Listen(t, serverTLS(t, expired, err), kindtest.ShakeHands(t))
	early, err := pki.IssueEarlyServer("127.0.0.1")
	earlyServer := kindtest.Listen(t, serverTLS(t, early, err), kindtest.ShakeHands(t))
	self, err := real.SelfSigned("127.0.0.1")
	selfSigned := kindtest.Listen(t, serverTLS(t, self, err), kindtest.ShakeHands(t))
	elsewhere, err := pki.IssueServer("b-1.elsewhere.example")
	wrongHost := kindtest.Listen(t, serverTLS(t, elsewhere, err), kindtest.ShakeHands(t))
	server := kindtest.Listen(t, good, kindtest.ShakeHands(t))
	try(t, []trial{
		{"expired", overTLS(api.TLS{CACertificate: ca}, expiredServer), api.StepTLS, []string{"expired on 20"}, []string{"Renew the server's certificate"}},
		{"clock skew: not valid yet", overTLS(api.TLS{CACertificate: ca}, earlyServer), api.StepTLS, []string{"valid only from"}, []string{"Check the clocks"}},
		{"self-signed", overTLS(api.TLS{CACertificate: ca}, selfSigned), api.StepTLS, []string{"self-signed"}, []string{"tls.ca_certificate"}},
		{"other authority", overTLS(api.TLS{CACertificate: string(other.CA.Cert)}, server), api.StepTLS, []string{"authority that is not trusted"}, []string{"tls.ca_certificate"}},
		{"the system's authorities", overTLS(api.TLS{}, server), api.StepTLS, []string{"authority that is not trusted"}, []string{"tls.ca_certificate"}},
		{"wrong host name", overTLS(api.TLS{CACertificate: ca}, wrongHost), api.StepTLS, []string{"not for this host name", "127.0.0.1"}, []string{"tls.endpoint_identification"}},
		// The name passes, and what fails is that nothing speaks Kafka there.
		{"any host name", overTLS(api.TLS{CACertificate: ca, EndpointIdentification: "none"}, wrongHost), api.StepProtocol, []string{"after the TLS handshake"}, []string{"client certificate"}},
		{"any host name of another authority", overTLS(api.TLS{CACertificate: string(other.CA.Cert), EndpointIdentification: "none"}, wrongHost), api.StepTLS, []string{"authority that is not trusted"}, []string{"tls.ca_certificate"}},
	})
}

func TestClientCertificates(t *testing.T) {
	pki, other := newPKI(t), newPKI(t)
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			cfg := serverTLS(t, pki.Server, nil)
			cfg.ClientAuth, cfg.ClientCAs, cfg.MaxVersion = tls.RequireAndVerifyClientCert, pki.Pool(), version
			address := kindtest.Listen(t, cfg, kindtest.ShakeHands(t))
			// With TLS 1.3 the client has finished its handshake when the server refuses.
			step := api.StepTLS
			if version == tls.VersionTLS13 {
				step = api.StepProtocol
			}
			stranger := api.TLS{CACertificate: string(pki.CA.Cert), ClientCertificate: string(other.Client.Cert), ClientKey: string(other.Client.Key)}
			try(t, []trial{
				{"missing", overTLS(api.TLS{CACertificate: string(pki.CA.Cert)}, address), step, nil, []string{"tls.client_certificate and tls.client_key"}},
				{"of another authority", overTLS(stranger, address), step, nil, []string{"tls.client_certificate and tls.client_key"}},
			})
		})
	}
}

// Clients use the names that the cluster advertises, not the bootstrap servers.
func TestAdvertisedBrokerThatCannotBeReached(t *testing.T) {
	const correct = "advertised.listeners"
	closed := real.Address(t)
	try(t, []trial{
		{"refused", plaintext(advertising(t, closed)), api.StepTCP, []string{"advertises a broker at " + closed, "nothing listens"}, []string{correct}},
		// The pod's or the container's own name, which is known inside only (RFC 6761: no name under .invalid exists).
		{"unknown name", plaintext(advertising(t, "kafka-0.kafka.invalid:9092")), api.StepDNS, []string{"advertises a broker at kafka-0.kafka.invalid:9092", "does not exist"}, []string{correct}},
	})
}

// advertising starts a cluster whose one broker says that it is somewhere else, and answers where it is.
func advertising(t *testing.T, elsewhere string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(elsewhere)
	must(t, err)
	number, err := strconv.ParseInt(port, 10, 32)
	must(t, err)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	must(t, err)
	t.Cleanup(cluster.Close)
	cluster.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		broker := kmsg.NewMetadataResponseBroker()
		broker.Host, broker.Port = host, int32(number)
		resp.Brokers = []kmsg.MetadataResponseBroker{broker}
		return resp, nil, true
	})
	return cluster.ListenAddrs()[0]
}

func devBroker(t *testing.T) string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	must(t, err)
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}
