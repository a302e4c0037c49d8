package kafka_test

import (
	"slices"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestCheck(t *testing.T) {
	pki, other := newPKI(t), newPKI(t)
	user := real.User{Name: "alice", Password: "secret"}
	sasl := overSASL("PLAIN", user, "b:1")
	saslOnPlaintext, missing, tlsOnPlaintext := sasl, sasl, plaintext("b:1")
	saslOnPlaintext.SecurityProtocol, missing.SASL, tlsOnPlaintext.TLS = "PLAINTEXT", nil, &api.TLS{}
	tests := []struct {
		name       string
		connection api.KafkaConnection
		paths      []string
	}{
		{"right", sasl, nil},
		{"right with TLS", overTLS(api.TLS{CACertificate: string(pki.CA.Cert), ClientCertificate: string(pki.Client.Cert), ClientKey: string(pki.Client.Key)}, "b:1"), nil},
		{"no port", plaintext("b"), []string{"/bootstrap_servers/0"}},
		{"a URL", plaintext("b:1", "kafka://b:1"), []string{"/bootstrap_servers/1"}},
		{"no host", plaintext(":1"), []string{"/bootstrap_servers/0"}},
		{"port 0 and port 65536", plaintext("b:0", "b:65536"), []string{"/bootstrap_servers/0", "/bootstrap_servers/1"}},
		{"sasl without SASL_", saslOnPlaintext, []string{"/sasl"}},
		{"SASL_ without sasl", missing, []string{"/sasl"}},
		{"tls without SSL", tlsOnPlaintext, []string{"/tls"}},
		{"no PEM", overTLS(api.TLS{CACertificate: "nonsense"}, "b:1"), []string{"/tls/ca_certificate"}},
		{"certificate without key", overTLS(api.TLS{ClientCertificate: string(pki.Client.Cert)}, "b:1"), []string{"/tls/client_key"}},
		{"key without certificate", overTLS(api.TLS{ClientKey: string(pki.Client.Key)}, "b:1"), []string{"/tls/client_certificate"}},
		{"key of another certificate", overTLS(api.TLS{ClientCertificate: string(pki.Client.Cert), ClientKey: string(other.Client.Key)}, "b:1"), []string{"/tls/client_certificate"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var paths []string
			for _, p := range (kafka.Kind{}).Check(&tt.connection) {
				paths = append(paths, p.Path)
			}
			if !slices.Equal(paths, tt.paths) {
				t.Errorf("problems at %q, want %q", paths, tt.paths)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	user := real.User{Name: "alice", Password: "secret"}
	tests := []struct {
		connection api.KafkaConnection
		attributes []string
	}{
		{plaintext("b:1"), []string{"/spec/security_protocol"}},
		{overSASL("PLAIN", user, "b:1"), []string{"/spec/security_protocol"}},
		{overTLS(api.TLS{EndpointIdentification: "none"}, "b:1"), []string{"/spec/tls/endpoint_identification"}},
		{overSASLTLS("PLAIN", user, nil, "b:1"), nil},
	}
	for _, tt := range tests {
		var attributes []string
		for _, w := range (kafka.Kind{}).Warnings(&tt.connection) {
			attributes = append(attributes, w.Attribute)
		}
		if !slices.Equal(attributes, tt.attributes) {
			t.Errorf("%s warns at %q, want %q", tt.connection.SecurityProtocol, attributes, tt.attributes)
		}
	}
}
