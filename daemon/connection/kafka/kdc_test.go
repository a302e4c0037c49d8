package kafka_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// refusingKDC answers every request with one error (RFC 4120, section 7.5.9), over TCP.
func refusingKDC(t *testing.T, code int32) string {
	t.Helper()
	return kindtest.Listen(t, nil, func(conn net.Conn) {
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(size[:])))
		refusal := messages.NewKRBError(types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/EXAMPLE.TEST"), "EXAMPLE.TEST", code, "")
		raw, err := refusal.Marshal()
		if err != nil {
			return
		}
		_, _ = conn.Write(binary.BigEndian.AppendUint32(nil, uint32(len(raw))))
		_, _ = conn.Write(raw)
	})
}

func TestKDCsThatRefuse(t *testing.T) {
	broker := (&saslBroker{mechanism: "GSSAPI", judge: func([]byte) ([]byte, string) { return nil, "" }}).start(t, nil)
	over := func(kdc string) api.KafkaConnection {
		return api.KafkaConnection{
			BootstrapServers: []string{broker}, SecurityProtocol: "SASL_PLAINTEXT",
			SASL: &api.KafkaSASL{Mechanism: "GSSAPI", Username: "headgate", Password: "p", Kerberos: &api.Kerberos{
				ServiceName: "kafka", Config: "[libdefaults]\ndefault_realm = EXAMPLE.TEST\nudp_preference_limit = 1\n[realms]\nEXAMPLE.TEST = {\n  kdc = " + kdc + "\n}\n",
			}},
		}
	}
	try(t, []trial{
		{"clock skew", over(refusingKDC(t, errorcode.KRB_AP_ERR_SKEW)), api.StepAuthentication, []string{"clock of the daemon's machine"}, []string{"Set the clocks right"}},
		{"unknown principal", over(refusingKDC(t, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN)), api.StepAuthentication, []string{"does not know the principal"}, []string{"sasl.username"}},
		{"policy", over(refusingKDC(t, errorcode.KDC_ERR_ETYPE_NOSUPP)), api.StepAuthentication, []string{"refuses a ticket", "KDC_ERR_ETYPE_NOSUPP"}, []string{"sasl.kerberos.realm"}},
		{"down", over(real.Address(t)), api.StepAuthentication, []string{"cannot be reached"}, []string{"port 88"}},
	})
}

func TestCheckSASL(t *testing.T) {
	oauth := &api.OAuthClientCredentials{TokenEndpoint: "https://login.internal", ClientID: "c", ClientSecret: "s"}
	kerberos := func(keytab, config string) *api.Kerberos {
		return &api.Kerberos{Realm: "EXAMPLE.TEST", ServiceName: "kafka", Keytab: keytab, Config: config}
	}
	extended := *oauth
	extended.Extensions = map[string]string{"auth": "x", "logical.cluster": "x", "pool": "\x01"}
	withUser, withTLS := *oauth, *oauth
	withUser.TokenEndpoint = "https://user:secret@login.internal"
	withTLS.TokenEndpoint, withTLS.TLS = "http://login.internal", &api.TLS{}
	const config = "[libdefaults]\n"
	tests := []struct {
		name  string
		sasl  api.KafkaSASL
		paths []string
	}{
		{"PLAIN", api.KafkaSASL{Mechanism: "PLAIN", Username: "u", Password: "p"}, nil},
		{"PLAIN without anything", api.KafkaSASL{Mechanism: "PLAIN"}, []string{"/sasl/username", "/sasl/password"}},
		{"PLAIN with what is not its", api.KafkaSASL{Mechanism: "PLAIN", Username: "u", Password: "p", OAuth: oauth, AWSRegion: "x"}, []string{"/sasl/oauth", "/sasl/aws_region"}},
		{"OAUTHBEARER", api.KafkaSASL{Mechanism: "OAUTHBEARER", OAuth: oauth}, nil},
		{"OAUTHBEARER with a user", api.KafkaSASL{Mechanism: "OAUTHBEARER", OAuth: oauth, Username: "u", Password: "p"}, []string{"/sasl/username", "/sasl/password"}},
		{"OAUTHBEARER with extensions", api.KafkaSASL{Mechanism: "OAUTHBEARER", OAuth: &extended}, []string{"/sasl/oauth/extensions/auth", "/sasl/oauth/extensions/logical.cluster", "/sasl/oauth/extensions/pool"}},
		{"credentials in the URL", api.KafkaSASL{Mechanism: "OAUTHBEARER", OAuth: &withUser}, []string{"/sasl/oauth/token_endpoint"}},
		{"TLS over http", api.KafkaSASL{Mechanism: "OAUTHBEARER", OAuth: &withTLS}, []string{"/sasl/oauth/tls"}},
		{"AWS_MSK_IAM without region", api.KafkaSASL{Mechanism: "AWS_MSK_IAM"}, []string{"/sasl/aws_region"}},
		{"GSSAPI", api.KafkaSASL{Mechanism: "GSSAPI", Username: "u", Password: "p", Kerberos: kerberos("", config)}, nil},
		{"GSSAPI without secret", api.KafkaSASL{Mechanism: "GSSAPI", Username: "u", Kerberos: kerberos("", config)}, []string{"/sasl/password"}},
		{"GSSAPI with both", api.KafkaSASL{Mechanism: "GSSAPI", Username: "u", Password: "p", Kerberos: kerberos("AAAA", config)}, []string{"/sasl/kerberos/keytab"}},
		{"no keytab", api.KafkaSASL{Mechanism: "GSSAPI", Username: "u", Kerberos: kerberos("BQI=", config)}, []string{"/sasl/kerberos/keytab"}},
		{"damaged keytab", api.KafkaSASL{Mechanism: "GSSAPI", Username: "u", Kerberos: kerberos("BQIAAABWAAEADA==", config)}, []string{"/sasl/kerberos/keytab"}},
		{"no base64", api.KafkaSASL{Mechanism: "GSSAPI", Username: "u", Kerberos: kerberos("/etc/kafka.keytab!", config)}, []string{"/sasl/kerberos/keytab"}},
		{"realm in the name", api.KafkaSASL{Mechanism: "GSSAPI", Username: "u@EXAMPLE.TEST", Password: "p", Kerberos: kerberos("", config)}, []string{"/sasl/username"}},
		{"no configuration", api.KafkaSASL{Mechanism: "GSSAPI", Username: "u", Password: "p", Kerberos: kerberos("", "[libdefaults]\nticket_lifetime = much\n")}, []string{"/sasl/kerberos/config"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var paths []string
			for _, p := range (kafka.Kind{}).Check(&api.KafkaConnection{BootstrapServers: []string{"b:1"}, SecurityProtocol: "SASL_SSL", SASL: &tt.sasl}) {
				paths = append(paths, p.Path)
			}
			if len(paths) != len(tt.paths) {
				t.Fatalf("problems at %q, want %q", paths, tt.paths)
			}
			for i := range paths {
				if paths[i] != tt.paths[i] {
					t.Errorf("problems at %q, want %q", paths, tt.paths)
				}
			}
		})
	}
}
