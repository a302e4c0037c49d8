package tlsclient_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// encrypted answers a key as "openssl pkcs8 -topk8" and as old tools write it.
func encrypted(t *testing.T, pair real.KeyPair) (modern, legacy string) {
	t.Helper()
	key, err := pair.Encrypted("open sesame")
	must(t, err)
	block, _ := pem.Decode(pair.Key)
	old, err := x509.EncryptPEMBlock(rand.Reader, "PRIVATE KEY", block.Bytes, []byte("open sesame"), x509.PEMCipherAES256) //nolint:staticcheck // what old tools write
	must(t, err)
	return string(key), string(pem.EncodeToMemory(old))
}

func TestEncryptedKeys(t *testing.T) {
	pki, err := real.NewPKI()
	must(t, err)
	modern, legacy := encrypted(t, pki.Client)
	tests := []struct {
		name, key, password string
		path, message       string // empty path: it works
	}{
		{"PKCS #8", modern, "open sesame", "", ""},
		{"legacy", legacy, "open sesame", "", ""},
		{"not encrypted", string(pki.Client.Key), "", "", ""},
		{"no password", modern, "", "/tls/client_key_password", "is required"},
		{"legacy, no password", legacy, "", "/tls/client_key_password", "is required"},
		{"wrong password", modern, "open", "/tls/client_key_password", "the password is wrong"},
		{"legacy, wrong password", legacy, "open", "/tls/client_key_password", "the password is wrong"},
		{"needless password", string(pki.Client.Key), "open sesame", "/tls/client_key_password", "has no effect"},
		{"no key", "nonsense", "", "/tls/client_key", "not a PEM key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings := &api.TLS{ClientCertificate: string(pki.Client.Cert), ClientKey: tt.key, ClientKeyPassword: tt.password}
			problems := tlsclient.Check(settings, "/tls")
			cfg, err := tlsclient.Config(settings, "localhost")
			if tt.path == "" {
				if len(problems) > 0 || err != nil || len(cfg.Certificates) != 1 {
					t.Errorf("problems %v, error %v", problems, err)
				}
				return
			}
			if len(problems) != 1 || problems[0].Path != tt.path || !strings.Contains(problems[0].Message, tt.message) || err == nil {
				t.Errorf("problems %v, error %v", problems, err)
			}
			if err != nil && strings.Contains(err.Error(), "open sesame") {
				t.Errorf("the password is told: %v", err)
			}
		})
	}
}

func TestCertificateThatEndsSoon(t *testing.T) {
	pki, err := real.NewPKI()
	must(t, err)
	expired, err := pki.IssueExpiredClient("client")
	must(t, err)
	for name, tt := range map[string]struct{ certificate, want string }{
		"a day":   {string(pki.Client.Cert), "expires on " + time.Now().Add(24*time.Hour).UTC().Format(time.DateOnly)},
		"expired": {string(expired.Cert), "expired on 20"},
		"no PEM":  {"nonsense", ""},
		"none":    {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			warnings := tlsclient.Warnings(&api.TLS{ClientCertificate: tt.certificate}, "/spec/tls")
			if tt.want == "" {
				if len(warnings) > 0 {
					t.Errorf("warns %v", warnings)
				}
				return
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0].Summary, tt.want) || warnings[0].Attribute != "/spec/tls/client_certificate" {
				t.Errorf("warns %v, want %q", warnings, tt.want)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
