package kafka_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func overBearer(endpoint, secret string, address string) api.KafkaConnection {
	return api.KafkaConnection{
		BootstrapServers: []string{address}, SecurityProtocol: "SASL_PLAINTEXT",
		SASL: &api.KafkaSASL{Mechanism: "OAUTHBEARER", OAuth: &api.OAuthClientCredentials{TokenEndpoint: endpoint, ClientID: "headgate", ClientSecret: secret}},
	}
}

func TestTokens(t *testing.T) {
	endpoint := tokenEndpoint(t, "client-secret")
	takes := (&saslBroker{mechanism: "OAUTHBEARER", judge: bearerLogin(endpoint.valid), rights: 1}).start(t, nil)
	refuses := (&saslBroker{mechanism: "OAUTHBEARER", judge: bearerLogin(func(string) bool { return false }), rights: 1}).start(t, nil)
	mayNothing := (&saslBroker{mechanism: "OAUTHBEARER", judge: bearerLogin(endpoint.valid)}).start(t, nil)
	extended := (&saslBroker{mechanism: "OAUTHBEARER", judge: bearerLogin(endpoint.valid, "identityPoolId=pool-1", "logicalCluster=lkc-1"), rights: 1}).start(t, nil)
	withExtensions := overBearer(endpoint.URL, "client-secret", extended)
	withExtensions.SASL.OAuth.Extensions = map[string]string{"logicalCluster": "lkc-1", "identityPoolId": "pool-1"}
	try(t, []trial{
		{"works", overBearer(endpoint.URL, "client-secret", takes), "", nil, nil},
		{"works with extensions", withExtensions, "", nil, nil},
		{"refused token", overBearer(endpoint.URL, "client-secret", refuses), api.StepAuthentication, []string{"refuses the token", "invalid_token"}, []string{"trust this token endpoint"}},
		{"unauthorized", overBearer(endpoint.URL, "client-secret", mayNothing), api.StepAuthorization, []string{"may do nothing"}, []string{"Describe", "test = false"}},
	})
	endpoint.skew.Store(int64(time.Hour))
	try(t, []trial{{"clock skew", overBearer(endpoint.URL, "client-secret", refuses), api.StepAuthentication, []string{"refuses the token"}, []string{"clock of the token endpoint", "set the clocks right"}}})
}

// Whoever uses the connection later hears the broker's reason too.
func TestRefusedTokenIsExplainedToUsers(t *testing.T) {
	endpoint := tokenEndpoint(t, "client-secret")
	address := (&saslBroker{mechanism: "OAUTHBEARER", judge: bearerLogin(func(string) bool { return false })}).start(t, nil)
	if err := reach(t, overBearer(endpoint.URL, "client-secret", address)); err == nil || !strings.Contains(err.Error(), "the broker refuses the token: invalid_token") {
		t.Errorf("got %v", err)
	}
}

func TestTokenEndpointsThatGiveNone(t *testing.T) {
	endpoint := tokenEndpoint(t, "client-secret")
	broker := (&saslBroker{mechanism: "OAUTHBEARER", judge: bearerLogin(endpoint.valid), rights: 1}).start(t, nil)
	web := kindtest.Listen(t, nil, answerAsWeb)
	pki := newPKI(t)
	secure := kindtest.Listen(t, serverTLS(t, pki.Server, nil), kindtest.ShakeHands(t))
	for name, tt := range map[string]struct{ url, secret, step, cause, remedy, attribute string }{
		"down":            {"http://" + real.Address(t) + "/token", "x", api.StepTCP, "nothing listens", "Check the port", "/spec/sasl/oauth/token_endpoint"},
		"unknown host":    {"http://no..such.host/token", "x", api.StepDNS, "does not exist", "spelling", "/spec/sasl/oauth/token_endpoint"},
		"wrong secret":    {endpoint.URL, "wrong-secret", api.StepAuthentication, "refuses the client id or secret", "sasl.oauth.client_secret", "/spec/sasl/oauth/client_secret"},
		"a web server":    {"http://" + web, "x", api.StepAuthentication, "not a token endpoint", "path included", "/spec/sasl/oauth/token_endpoint"},
		"other authority": {"https://" + secure, "x", api.StepTLS, "authority that is not trusted", "sasl.oauth.tls.ca_certificate", "/spec/sasl/oauth/tls/ca_certificate"},
		"no TLS there":    {"https://" + web, "x", api.StepTLS, "does not answer in TLS", "http://", "/spec/sasl/oauth/token_endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			target := overBearer(tt.url, tt.secret, broker)
			result := kafka.Kind{}.Test(t.Context(), &target)
			if result.OK {
				t.Fatal("the test succeeded")
			}
			e, last := result.Error, result.Steps[len(result.Steps)-1]
			if last.Step != tt.step || !strings.Contains(e.Detail, tt.cause) || !strings.Contains(e.Remedy, tt.remedy) || e.Attribute != tt.attribute || !strings.Contains(e.Summary, "the token endpoint") {
				t.Errorf("step %s, %+v, want %+v", last.Step, e, tt)
			}
			if strings.Contains(e.Detail, "wrong-secret") {
				t.Errorf("the secret is told: %s", e.Detail)
			}
		})
	}
}

// A new secret is used by the next client, for every mechanism that has one; and by no client that was made before.
func TestRotation(t *testing.T) {
	endpoint := tokenEndpoint(t, "first")
	login := "first"
	for mechanism, tt := range map[string]struct {
		judge  func([]byte) ([]byte, string)
		rotate func()
		sasl   func(secret string) *api.KafkaSASL
	}{
		"PLAIN": {
			func(m []byte) ([]byte, string) { return plainLogin("alice", login)(m) },
			func() { login = "second" },
			func(secret string) *api.KafkaSASL {
				return &api.KafkaSASL{Mechanism: "PLAIN", Username: "alice", Password: secret}
			},
		},
		"OAUTHBEARER": {
			bearerLogin(endpoint.valid),
			func() { endpoint.secret.Store("second") },
			func(secret string) *api.KafkaSASL {
				return &api.KafkaSASL{Mechanism: "OAUTHBEARER", OAuth: &api.OAuthClientCredentials{TokenEndpoint: endpoint.URL, ClientID: "headgate", ClientSecret: secret}}
			},
		},
		"AWS_MSK_IAM": {
			func(m []byte) ([]byte, string) { return signedLogin("AKID", login, "eu-central-1", "")(m) },
			func() { login = "second" },
			func(secret string) *api.KafkaSASL {
				return &api.KafkaSASL{Mechanism: "AWS_MSK_IAM", AWSRegion: "eu-central-1", AWS: &api.AWSCredentials{AccessKeyID: "AKID", SecretAccessKey: secret}}
			},
		},
	} {
		t.Run(mechanism, func(t *testing.T) {
			login = "first"
			address := (&saslBroker{mechanism: mechanism, judge: tt.judge}).start(t, nil)
			with := func(secret string) error {
				return reach(t, api.KafkaConnection{BootstrapServers: []string{address}, SecurityProtocol: "SASL_PLAINTEXT", SASL: tt.sasl(secret)})
			}
			must(t, with("first"))
			tt.rotate()
			if with("first") == nil {
				t.Error("the old secret still works")
			}
			must(t, with("second"))
		})
	}
}

// A new certificate and key are shown by the next client.
func TestClientCertificateRotation(t *testing.T) {
	first, second := newPKI(t), newPKI(t)
	cfg := serverTLS(t, first.Server, nil)
	var trusted atomic.Pointer[x509.CertPool]
	trusted.Store(first.Pool())
	cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := cfg.Clone()
		now.ClientAuth, now.ClientCAs = tls.RequireAndVerifyClientCert, trusted.Load()
		return now, nil
	}
	address := (&saslBroker{mechanism: "PLAIN", judge: plainLogin("alice", "secret")}).start(t, cfg)
	with := func(pair real.KeyPair) error {
		key, err := pair.Encrypted("open sesame")
		must(t, err)
		c := overSASLTLS("PLAIN", real.User{Name: "alice", Password: "secret"}, first.CA.Cert, address)
		c.TLS.ClientCertificate, c.TLS.ClientKey, c.TLS.ClientKeyPassword = string(pair.Cert), string(key), "open sesame"
		return reach(t, c)
	}
	must(t, with(first.Client))
	trusted.Store(second.Pool())
	if with(first.Client) == nil {
		t.Error("the old certificate still works")
	}
	must(t, with(second.Client))
}
