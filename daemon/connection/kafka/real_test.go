package kafka_test

import (
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

var mechanisms = []string{real.MechanismPlain, real.MechanismSCRAMSHA256, real.MechanismSCRAMSHA512}

func TestRealEveryListener(t *testing.T) {
	cluster := real.Shared(t).Kafka
	ca, client := string(cluster.CA()), cluster.ClientCertificate()
	at := func(listener string) string { return cluster.BootstrapServers(listener)[0] }
	encrypted, err := client.Encrypted("open sesame")
	must(t, err)
	trials := []trial{
		{name: "mTLS with an encrypted key", connection: overTLS(api.TLS{CACertificate: ca, ClientCertificate: string(client.Cert), ClientKey: string(encrypted), ClientKeyPassword: "open sesame"}, at(real.ListenerMTLS))},
		{name: "PLAINTEXT", connection: plaintext(at(real.ListenerPlaintext))},
		{name: "SSL", connection: overTLS(api.TLS{CACertificate: ca}, at(real.ListenerSSL))},
		{name: "mTLS", connection: overTLS(api.TLS{CACertificate: ca, ClientCertificate: string(client.Cert), ClientKey: string(client.Key)}, at(real.ListenerMTLS))},
	}
	for _, m := range mechanisms {
		trials = append(trials,
			trial{name: "SASL_PLAINTEXT " + m, connection: overSASL(m, cluster.Alice, at(real.ListenerSASLPlaintext))},
			trial{name: "SASL_SSL " + m, connection: overSASLTLS(m, cluster.Alice, cluster.CA(), at(real.ListenerSASLSSL))})
	}
	try(t, trials)
}

func TestRealWrongCredentials(t *testing.T) {
	cluster := real.Shared(t).Kafka
	plain, secure := cluster.BootstrapServers(real.ListenerSASLPlaintext)[0], cluster.BootstrapServers(real.ListenerSASLSSL)[0]
	wrong := real.User{Name: cluster.Alice.Name, Password: "not-" + cluster.Alice.Password}
	nobody := real.User{Name: "nobody", Password: "nothing"}
	var trials []trial
	for _, m := range mechanisms {
		cause, remedy := []string{"refuses the user name or password"}, []string{"sasl.username and sasl.password", m}
		trials = append(trials,
			trial{"wrong password, " + m, overSASL(m, wrong, plain), api.StepAuthentication, cause, remedy},
			trial{"wrong password over TLS, " + m, overSASLTLS(m, wrong, cluster.CA(), secure), api.StepAuthentication, cause, remedy},
			trial{"unknown user, " + m, overSASL(m, nobody, plain), api.StepAuthentication, cause, remedy})
	}
	try(t, trials)
}

func TestRealWrongListener(t *testing.T) {
	cluster := real.Shared(t).Kafka
	ca := api.TLS{CACertificate: string(cluster.CA())}
	at := func(listener string) string { return cluster.BootstrapServers(listener)[0] }
	scram := real.MechanismSCRAMSHA512
	stranger, err := newPKI(t).IssueClient("client")
	must(t, err)
	try(t, []trial{
		{"PLAINTEXT to SSL", plaintext(at(real.ListenerSSL)), api.StepProtocol, []string{"speaks TLS and security_protocol is PLAINTEXT"}, []string{"security_protocol to SSL"}},
		{"PLAINTEXT to mTLS", plaintext(at(real.ListenerMTLS)), api.StepProtocol, []string{"speaks TLS"}, []string{"security_protocol to SSL"}},
		{"SASL_PLAINTEXT to SASL_SSL", overSASL(scram, cluster.Alice, at(real.ListenerSASLSSL)), api.StepProtocol, []string{"speaks TLS and security_protocol is SASL_PLAINTEXT"}, []string{"security_protocol to SASL_SSL"}},
		{"SSL to PLAINTEXT", overTLS(ca, at(real.ListenerPlaintext)), api.StepTLS, []string{"does not answer in TLS"}, []string{"security_protocol to PLAINTEXT"}},
		{"SASL_SSL to SASL_PLAINTEXT", overSASLTLS(scram, cluster.Alice, cluster.CA(), at(real.ListenerSASLPlaintext)), api.StepTLS, []string{"does not answer in TLS"}, []string{"security_protocol to SASL_PLAINTEXT"}},
		{"SASL_PLAINTEXT to PLAINTEXT", overSASL(scram, cluster.Alice, at(real.ListenerPlaintext)), api.StepAuthentication, []string{"does not authenticate with SASL"}, []string{"security_protocol to PLAINTEXT"}},
		{"SASL_SSL to SSL", overSASLTLS(scram, cluster.Alice, cluster.CA(), at(real.ListenerSSL)), api.StepAuthentication, []string{"does not authenticate with SASL"}, []string{"security_protocol to SSL"}},
		{"PLAINTEXT to SASL_PLAINTEXT", plaintext(at(real.ListenerSASLPlaintext)), api.StepAuthorization, []string{"not authenticated"}, []string{"security_protocol to SASL_PLAINTEXT", "sasl"}},
		{"SSL to SASL_SSL", overTLS(ca, at(real.ListenerSASLSSL)), api.StepAuthorization, []string{"not authenticated"}, []string{"security_protocol to SASL_SSL", "sasl"}},
		{"no client certificate", overTLS(ca, at(real.ListenerMTLS)), api.StepProtocol, []string{"after the TLS handshake"}, []string{"tls.client_certificate and tls.client_key"}},
		{
			"client certificate of another authority", overTLS(api.TLS{CACertificate: ca.CACertificate, ClientCertificate: string(stranger.Cert), ClientKey: string(stranger.Key)}, at(real.ListenerMTLS)),
			api.StepProtocol,
			[]string{"certificate"},
			[]string{"tls.client_certificate and tls.client_key"},
		},
	})
}

// The presets whose servers speak what Apache Kafka speaks too.
func TestRealPresets(t *testing.T) {
	cluster := real.Shared(t).Kafka
	ca, client, alice := string(cluster.CA()), cluster.ClientCertificate(), cluster.Alice
	secure, mutual := cluster.BootstrapServers(real.ListenerSASLSSL), cluster.BootstrapServers(real.ListenerMTLS)
	trust := &api.TLS{CACertificate: ca}
	for name, tt := range map[string]struct {
		kind string
		spec any
	}{
		"confluent_cloud":         {"confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: secure[0], APIKey: alice.Name, APISecret: alice.Password, CACertificate: ca}},
		"msk with SCRAM":          {"msk", &api.MSKConnection{BootstrapServers: secure, SCRAM: &api.SCRAMUser{Username: alice.Name, Password: alice.Password}, CACertificate: ca}},
		"redpanda, SCRAM-SHA-256": {"redpanda", &api.RedpandaConnection{BootstrapServers: secure, SASL: &api.RedpandaUser{Mechanism: "SCRAM-SHA-256", Username: alice.Name, Password: alice.Password}, TLS: trust}},
		"redpanda, SCRAM-SHA-512": {"redpanda", &api.RedpandaConnection{BootstrapServers: secure, SASL: &api.RedpandaUser{Mechanism: "SCRAM-SHA-512", Username: alice.Name, Password: alice.Password}, TLS: trust}},
		"redpanda, mutual TLS":    {"redpanda", &api.RedpandaConnection{BootstrapServers: mutual, TLS: &api.TLS{CACertificate: ca, ClientCertificate: string(client.Cert), ClientKey: string(client.Key)}}},
		"upstash":                 {"upstash", &api.UpstashConnection{Endpoint: secure[0], Username: alice.Name, Password: alice.Password, CACertificate: ca}},
	} {
		t.Run(name, func(t *testing.T) {
			if problems := preset(tt.kind).Check(tt.spec); len(problems) > 0 {
				t.Errorf("problems %v", problems)
			}
			wantSuccess(t, preset(tt.kind).Test(t.Context(), tt.spec))
			ping(t, tt.kind, tt.spec)
		})
	}
}
