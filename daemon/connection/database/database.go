// Package database is what the connections to databases have in common: how they verify TLS.
package database

import (
	"crypto/tls"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Mode is how much of TLS is asked for. The names are those of the two databases' own modes.
type Mode string

// The modes, of PostgreSQL and of MySQL.
const (
	Disable        Mode = "disable"
	Require        Mode = "require"
	VerifyCA       Mode = "verify-ca"
	VerifyFull     Mode = "verify-full"
	Disabled       Mode = "DISABLED"
	Required       Mode = "REQUIRED"
	VerifyCAMySQL  Mode = "VERIFY_CA"
	VerifyIdentity Mode = "VERIFY_IDENTITY"
)

// Secure says whether there is TLS at all.
func (m Mode) Secure() bool { return m != Disable && m != Disabled }

// Verifies says whether the server has to prove who it is.
func (m Mode) Verifies() bool { return m.Secure() && m != Require && m != Required }

// TLS makes the configuration for a host.
func TLS(c *api.DatabaseTLS, mode Mode, host string) (*tls.Config, error) {
	settings := settingsOf(c)
	if mode == VerifyCA || mode == VerifyCAMySQL {
		settings.EndpointIdentification = "none"
	}
	cfg, err := tlsclient.Config(settings, host)
	if err != nil {
		return nil, err
	}
	if !mode.Verifies() {
		cfg.InsecureSkipVerify = true // #nosec G402 -- the declared mode says that any certificate will do; a warning tells it
		cfg.VerifyConnection = nil
	}
	return cfg, nil
}

// Check finds what is wrong with the certificates. modeField is the name of the field with the mode.
func Check(c *api.DatabaseTLS, mode Mode, modeField string) []spec.Problem {
	if c == nil {
		return nil
	}
	problems := tlsclient.Check(settingsOf(c), "/tls")
	if !mode.Secure() {
		problems = append(problems, spec.Problem{Path: "/tls", Message: "has no effect without TLS: set " + modeField})
	}
	if mode.Secure() && !mode.Verifies() && c.CACertificate != "" {
		problems = append(problems, spec.Problem{Path: "/tls/ca_certificate", Message: "has no effect with this " + modeField + ", which verifies nothing"})
	}
	return problems
}

// Warnings says what is unsafe about the mode.
func Warnings(mode Mode, modeField string, strictest Mode) []api.Warning {
	attribute := "/spec/" + modeField
	if !mode.Secure() {
		return []api.Warning{{
			Summary: "Credentials and data are sent without encryption", Attribute: attribute,
			Detail: "Everyone on the network can read them. Use " + string(strictest) + " where the server offers TLS.",
		}}
	}
	if !mode.Verifies() {
		return []api.Warning{{
			Summary: "The server's certificate is not verified", Attribute: attribute,
			Detail: "Whoever answers at this address gets the credentials. Use " + string(strictest) + ", with the server's authority in tls.ca_certificate.",
		}}
	}
	return nil
}

func settingsOf(c *api.DatabaseTLS) *api.TLS {
	if c == nil {
		return &api.TLS{}
	}
	return &api.TLS{CACertificate: c.CACertificate, ClientCertificate: c.ClientCertificate, ClientKey: c.ClientKey}
}
