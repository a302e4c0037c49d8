package kafka_test

import (
	"context"
	"encoding/base64"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// One broker takes every mechanism that there is a server for; the mechanisms of its two SASL listeners differ.
func TestRealMechanisms(t *testing.T) {
	const lifetime = 10 * time.Second
	tokens, kdc := real.DedicatedTokenServer(t, lifetime), real.DedicatedKDC(t)
	must(t, kdc.AddPrincipal(t.Context(), "headgate", "first-password"))
	k := real.Dedicated(t, real.KafkaOptions{Tokens: tokens, Kerberos: kdc, Config: map[string]string{
		"listener.name.sasl_plaintext.sasl.enabled.mechanisms":               real.MechanismOAuthBearer + "," + real.MechanismGSSAPI,
		"listener.name.sasl_ssl.sasl.enabled.mechanisms":                     real.MechanismPlain + "," + real.MechanismSCRAMSHA256,
		"listener.name.sasl_plaintext.oauthbearer.connections.max.reauth.ms": "3000",
		"listener.name.sasl_plaintext.gssapi.connections.max.reauth.ms":      "3000",
		"allow.everyone.if.no.acl.found":                                     "false",
		"super.users":                                                        "User:ANONYMOUS;User:admin;User:headgate;User:headgate/host.internal",
	}})
	address := k.BootstrapServers(real.ListenerSASLPlaintext)[0]
	secure := k.BootstrapServers(real.ListenerSASLSSL)[0]
	t.Run("OAUTHBEARER", func(t *testing.T) { bearerTokens(t, tokens, address) })
	t.Run("GSSAPI", func(t *testing.T) { tickets(t, kdc, address) })
	t.Run("wrong mechanism", func(t *testing.T) {
		try(t, []trial{
			{
				"SCRAM where tokens and tickets are offered", overSASL(real.MechanismSCRAMSHA512, k.Alice, address), api.StepAuthentication,
				[]string{"does not offer SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"},
				[]string{"sasl.mechanism"},
			},
			{
				"the other SCRAM", overSASLTLS(real.MechanismSCRAMSHA512, k.Alice, k.CA(), secure), api.StepAuthentication,
				[]string{"does not offer SCRAM-SHA-512", "PLAIN", "SCRAM-SHA-256"},
				[]string{"sasl.mechanism"},
			},
		})
	})
	// Alice may log in, and has no right at all.
	t.Run("unauthorized", func(t *testing.T) {
		try(t, []trial{{"", overSASLTLS(real.MechanismPlain, k.Alice, k.CA(), secure), api.StepAuthorization, []string{"may do nothing"}, []string{"Describe", "test = false"}}})
	})
}

func withTokens(tokens *real.TokenServer, scope, address string) api.KafkaConnection {
	c := overBearer(tokens.TokenEndpoint(), "client-secret", address)
	c.SASL.OAuth.Scopes = []string{scope}
	return c
}

func bearerTokens(t *testing.T, tokens *real.TokenServer, address string) {
	t.Helper()
	try(t, []trial{
		{"works", withTokens(tokens, real.Audience, address), "", nil, nil},
		{"another audience", withTokens(tokens, "another", address), api.StepAuthentication, []string{"refuses the token", "invalid_token"}, []string{"audience"}},
	})
	t.Run("stays over the end of the session and of the token", func(t *testing.T) {
		target := withTokens(tokens, real.Audience, address)
		stays(t, target, 12*time.Second)
	})
}

func overKerberos(kdc *real.KDC, user, password, address string) api.KafkaConnection {
	return api.KafkaConnection{
		BootstrapServers: []string{address}, SecurityProtocol: "SASL_PLAINTEXT",
		SASL: &api.KafkaSASL{Mechanism: real.MechanismGSSAPI, Username: user, Password: password, Kerberos: &api.Kerberos{Config: kdc.Config(), ServiceName: "kafka"}},
	}
}

func tickets(t *testing.T, kdc *real.KDC, address string) {
	t.Helper()
	keytabOf := func() api.KafkaConnection {
		raw, err := kdc.Keytab(t.Context(), "headgate")
		must(t, err)
		c := overKerberos(kdc, "headgate", "", address)
		c.SASL.Kerberos.Keytab = base64.StdEncoding.EncodeToString(raw)
		return c
	}
	withKeytab := keytabOf()
	anotherService := overKerberos(kdc, "headgate", "first-password", address)
	anotherService.SASL.Kerberos.ServiceName = "nobody"
	nobodyThere := overKerberos(kdc, "headgate", "first-password", address)
	nobodyThere.SASL.Kerberos.Config = strings.ReplaceAll(kdc.Config(), kdc.Address(), real.Address(t))
	_, port, err := net.SplitHostPort(address)
	must(t, err)
	try(t, []trial{
		{"password", overKerberos(kdc, "headgate", "first-password", address), "", nil, nil},
		{"keytab", withKeytab, "", nil, nil},
		{"wrong password", overKerberos(kdc, "headgate", "wrong", address), api.StepAuthentication, []string{"key distribution center refuses the password"}, []string{"sasl.password"}},
		{"unknown principal", overKerberos(kdc, "nobody", "wrong", address), api.StepAuthentication, []string{"does not know the principal"}, []string{"sasl.username and sasl.kerberos.realm"}},
		{"unknown service", anotherService, api.StepAuthentication, []string{"does not know the brokers' principal nobody/127.0.0.1"}, []string{"sasl.kerberos.service_name"}},
		{"another host name", overKerberos(kdc, "headgate", "first-password", net.JoinHostPort("localhost", port)), api.StepAuthentication, []string{"does not know the brokers' principal kafka/localhost"}, []string{"advertises the host name"}},
		{"no KDC", nobodyThere, api.StepAuthentication, []string{"key distribution center cannot be reached"}, []string{"sasl.kerberos.config"}},
	})
	t.Run("stays over the end of the session", func(t *testing.T) {
		stays(t, withKeytab, 5*time.Second)
	})
	t.Run("rotates", func(t *testing.T) {
		must(t, kdc.AddPrincipal(t.Context(), "headgate", "second-password"))
		if err := reach(t, overKerberos(kdc, "headgate", "first-password", address)); err == nil {
			t.Error("the old password still works")
		}
		if err := reach(t, withKeytab); err == nil {
			t.Error("the old keytab still works")
		}
		must(t, reach(t, overKerberos(kdc, "headgate", "second-password", address)))
		must(t, reach(t, keytabOf()))
	})
}

func reach(t *testing.T, c api.KafkaConnection) error {
	t.Helper()
	client, err := kafka.NewClient(&connection.Target{Name: "main", Kind: "kafka", Spec: &c}, kgo.RequestRetries(0), kgo.RetryTimeout(time.Second))
	must(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return client.Ping(ctx)
}

// stays uses one client for a while, without a request that fails: the broker ends connections whose session is over.
func stays(t *testing.T, c api.KafkaConnection, long time.Duration) {
	t.Helper()
	client, err := kafka.NewClient(&connection.Target{Name: "main", Kind: "kafka", Spec: &c}, kgo.RequestRetries(0))
	must(t, err)
	defer client.Close()
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := client.Ping(ctx)
		cancel()
		if err != nil {
			t.Fatalf("%s before the end: %v", time.Until(end), err)
		}
	}
}
