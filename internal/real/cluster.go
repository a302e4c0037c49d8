package real

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The listeners of every broker, named as in its configuration.
const (
	// ListenerPlaintext has neither TLS nor authentication. Its clients are User:ANONYMOUS, a super user.
	ListenerPlaintext = "PLAINTEXT"
	// ListenerSSL has TLS and asks for no client certificate. Its clients are User:ANONYMOUS, a super user.
	ListenerSSL = "SSL"
	// ListenerMTLS requires a client certificate of the cluster's authority. The user is the certificate's common name.
	ListenerMTLS = "MTLS"
	// ListenerSASLSSL has TLS and takes PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
	ListenerSASLSSL = "SASL_SSL"
	// ListenerSASLPlaintext has no TLS and takes PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
	ListenerSASLPlaintext = "SASL_PLAINTEXT"
)

// The SASL mechanisms of the SASL listeners, with their registered names.
const (
	MechanismPlain       = "PLAIN"
	MechanismSCRAMSHA256 = "SCRAM-SHA-256"
	MechanismSCRAMSHA512 = "SCRAM-SHA-512"
	// MechanismOAuthBearer is taken by clusters that were started with Tokens only.
	MechanismOAuthBearer = "OAUTHBEARER"
	// MechanismGSSAPI is taken by clusters that were started with Kerberos only.
	MechanismGSSAPI = "GSSAPI"
)

// User is a user of a cluster, known to every SASL mechanism. Its principal is "User:" and the name.
type User struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// Cluster says how a Kafka cluster is reached.
type Cluster struct {
	// ClusterID is the id the cluster was formatted with.
	ClusterID string `json:"cluster_id"`
	// Listeners maps a listener's name to its host:port at each broker, in the order of the broker ids.
	Listeners map[string][]string `json:"listeners"`
	// Admin is a super user: no ACL limits it.
	Admin User `json:"admin"`
	// Alice may do everything until an ACL for a resource exists; from then on what the ACLs of that resource allow.
	Alice User `json:"alice"`
	// PKI is the authority of the brokers' certificates, which also signs those of their clients.
	PKI *PKI `json:"pki"`
}

// BootstrapServers returns the host:port of the listener at every broker, in the order of the broker ids. It is empty
// for an unknown listener.
func (c *Cluster) BootstrapServers(listener string) []string {
	return slices.Clone(c.Listeners[listener])
}

// CA returns the certificate, PEM, of the authority that clients must trust.
func (c *Cluster) CA() []byte {
	return slices.Clone(c.PKI.CA.Cert)
}

// ClientCertificate returns the key pair to use on [ListenerMTLS]. Its user is User:client.
func (c *Cluster) ClientCertificate() KeyPair {
	return c.PKI.Client
}

// TLSConfig returns a configuration that trusts the cluster's authority and shows the given client certificates.
func (c *Cluster) TLSConfig(client ...KeyPair) (*tls.Config, error) {
	config := &tls.Config{RootCAs: c.PKI.Pool(), MinVersion: tls.VersionTLS12}
	for _, pair := range client {
		certificate, err := pair.TLS()
		if err != nil {
			return nil, err
		}
		config.Certificates = append(config.Certificates, certificate)
	}
	return config, nil
}

// ClientOptions returns the franz-go options to reach the listener: seed brokers, TLS and, on [ListenerMTLS], the
// client certificate. Add [Cluster.SASL] on the SASL listeners.
func (c *Cluster) ClientOptions(listener string) ([]kgo.Opt, error) {
	servers := c.BootstrapServers(listener)
	if len(servers) == 0 {
		return nil, fmt.Errorf("the cluster has no listener %q", listener)
	}
	opts := []kgo.Opt{kgo.SeedBrokers(servers...)}

	var client []KeyPair
	switch listener {
	case ListenerPlaintext, ListenerSASLPlaintext:
		return opts, nil
	case ListenerMTLS:
		client = append(client, c.ClientCertificate())
	}
	config, err := c.TLSConfig(client...)
	if err != nil {
		return nil, err
	}
	return append(opts, kgo.DialTLSConfig(config)), nil
}

// SASL returns the franz-go option to authenticate as the user with the mechanism.
func (*Cluster) SASL(mechanism string, user User) (kgo.Opt, error) {
	m, err := saslMechanism(mechanism, user)
	if err != nil {
		return nil, err
	}
	return kgo.SASL(m), nil
}

func saslMechanism(mechanism string, user User) (sasl.Mechanism, error) {
	switch mechanism {
	case MechanismPlain:
		return plain.Auth{User: user.Name, Pass: user.Password}.AsMechanism(), nil
	case MechanismSCRAMSHA256:
		return scram.Auth{User: user.Name, Pass: user.Password}.AsSha256Mechanism(), nil
	case MechanismSCRAMSHA512:
		return scram.Auth{User: user.Name, Pass: user.Password}.AsSha512Mechanism(), nil
	case "":
		return nil, errors.New("no SASL mechanism was given")
	default:
		return nil, fmt.Errorf("the cluster has no SASL mechanism %q", mechanism)
	}
}
