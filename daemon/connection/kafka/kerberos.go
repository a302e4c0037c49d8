package kafka

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// kerberosMechanism implements [sasl.Mechanism]. Every session logs in anew, and the client, which renews its tickets in a
// goroutine of its own, ends with it: brokers ask for a new session every few hours at most.
type kerberosMechanism struct {
	user, realm, password string
	service               string
	keys                  *keytab.Keytab // nil: the password
	config                *config.Config
}

var _ sasl.Mechanism = (*kerberosMechanism)(nil)

func newKerberos(s *api.KafkaSASL) (sasl.Mechanism, error) {
	cfg, err := kerberosConfig(s.Kerberos)
	if err != nil {
		return nil, err
	}
	keys, err := keys(s.Kerberos)
	if err != nil {
		return nil, err
	}
	realm := s.Kerberos.Realm
	if realm == "" {
		realm = cfg.LibDefaults.DefaultRealm
	}
	if realm == "" {
		return nil, errors.New("realm is not given, and the Kerberos configuration has no default_realm")
	}
	return &kerberosMechanism{user: s.Username, realm: realm, password: s.Password, service: s.Kerberos.ServiceName, keys: keys, config: cfg}, nil
}

// Name implements [sasl.Mechanism].
func (m *kerberosMechanism) Name() string { return api.SASLGSSAPI }

// kerberosError says that there is no ticket for the broker.
type kerberosError struct{ err error }

func (e *kerberosError) Error() string { return "get a Kerberos ticket: " + e.err.Error() }
func (e *kerberosError) Unwrap() error { return e.err }

// Authenticate implements [sasl.Mechanism].
func (m *kerberosMechanism) Authenticate(ctx context.Context, address string) (sasl.Session, []byte, error) {
	c := m.client()
	defer c.Destroy()
	inner := kerberos.Auth{Client: c, Service: m.service}.AsMechanism()
	session, message, err := inner.Authenticate(ctx, address)
	if err != nil {
		return nil, nil, &kerberosError{err}
	}
	return session, message, nil
}

func (m *kerberosMechanism) client() *client.Client {
	// PA-FX-FAST is an offer that some servers, Active Directory among them, answer with an error.
	noFast := client.DisablePAFXFAST(true)
	if m.keys != nil {
		return client.NewWithKeytab(m.user, m.realm, m.keys, m.config, noFast)
	}
	return client.NewWithPassword(m.user, m.realm, m.password, m.config, noFast)
}

func kerberosConfig(k *api.Kerberos) (*config.Config, error) {
	if k.Config != "" {
		cfg, err := config.NewFromString(k.Config)
		if err != nil && !isUnsupported(err) {
			return nil, fmt.Errorf("config is not a krb5.conf: %w", err)
		}
		return cfg, nil
	}
	path := os.Getenv("KRB5_CONFIG")
	if path == "" {
		path = "/etc/krb5.conf"
	}
	cfg, err := config.Load(path)
	if err != nil && !isUnsupported(err) {
		return nil, fmt.Errorf("read %s of the daemon's machine: %w", path, err)
	}
	return cfg, nil
}

// isUnsupported says that the configuration was read but for directives that the library does not know, such as include.
func isUnsupported(err error) bool {
	var unsupported config.UnsupportedDirective
	return errors.As(err, &unsupported)
}

// keys reads the keytab; nil when there is none.
func keys(k *api.Kerberos) (*keytab.Keytab, error) {
	if k.Keytab == "" {
		return nil, nil //nolint:nilnil // no keytab is no error: there is a password then
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(k.Keytab))
	if err != nil {
		return nil, errors.New("keytab is not base64")
	}
	keys := keytab.New()
	if err := keys.Unmarshal(raw); err != nil || len(keys.Entries) == 0 {
		return nil, errors.New("keytab is not a keytab")
	}
	return keys, nil
}

// kdcCode is a refusal of a key distribution center (RFC 4120, section 7.5.9).
var kdcCode = regexp.MustCompile(`KDC_ERR_[A-Z0-9_]+`)

// kerberosFailure says why there is no ticket for the broker. The library tells its errors apart only by their text.
func kerberosFailure(err error, s *api.KafkaSASL, address string) error {
	text := err.Error()
	secret := "/sasl/password"
	if s.Kerberos.Keytab != "" {
		secret = "/sasl/kerberos/keytab" // #nosec G101 -- the name of a field
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	code := kdcCode.FindString(text)
	switch {
	case has("KRB_AP_ERR_SKEW", "clock skew"):
		return probe.Blame("/sasl/kerberos", "the clock of the daemon's machine is too far from that of the key distribution center", "Set the clocks right: Kerberos allows five minutes.", err)
	case has("KDC_ERR_C_PRINCIPAL_UNKNOWN"):
		return probe.Blame("/sasl/username", "the key distribution center does not know the principal", "Check {/sasl/username} and {/sasl/kerberos/realm}.", err)
	case has("KDC_ERR_S_PRINCIPAL_UNKNOWN"):
		return probe.Blame("/sasl/kerberos/service_name", fmt.Sprintf("the key distribution center does not know the brokers' principal %s/%s", s.Kerberos.ServiceName, hostOf(address)),
			"Check {/sasl/kerberos/service_name}, and that the broker advertises the host name of its principal.", err)
	case has("KDC_ERR_PREAUTH_FAILED", "Decrypting_Error", "KRB_AP_ERR_BAD_INTEGRITY", "matching key not found in keytab"):
		return probe.Blame(secret, "the key distribution center refuses the password or keytab", "Check {"+secret+"}: a keytab ends with the next change of the password.", err)
	case code != "":
		return probe.Blame("/sasl/kerberos", "the key distribution center refuses a ticket for the broker with "+code, "Check {/sasl/username}, {/sasl/kerberos/realm}, and with the center's operator what it allows the principal.", err)
	case has("Networking_Error", "KDC"):
		return probe.Blame("/sasl/kerberos/config", "the key distribution center cannot be reached", "Check the kdc of the realm in {/sasl/kerberos/config}, and that its port 88 is open for the daemon's machine.", err)
	}
	return probe.Blame("/sasl/kerberos", "there is no Kerberos ticket for the broker", "Check {/sasl/kerberos/realm} and {/sasl/kerberos/config}.", err)
}
