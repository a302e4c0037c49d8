// Package tlsclient turns the declared TLS settings into a client configuration.
package tlsclient

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// endsSoon is how long before its end a client certificate is warned about.
const endsSoon = 30 * 24 * time.Hour

// Config makes the configuration for one server name. Nil settings trust the system's authorities.
func Config(settings *api.TLS, serverName string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName}
	if settings == nil {
		return cfg, nil
	}
	if settings.CACertificate != "" {
		pool, err := pool(settings.CACertificate)
		if err != nil {
			return nil, fmt.Errorf("ca_certificate %w", err)
		}
		cfg.RootCAs = pool
	}
	if settings.ClientCertificate != "" {
		pair, problem := clientPair(settings)
		if problem != nil {
			return nil, fmt.Errorf("%s %s", problem.Path[1:], problem.Message)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	if settings.EndpointIdentification == "none" {
		skipName(cfg)
	}
	return cfg, nil
}

// Check finds what is wrong with the settings. base is the JSON pointer of the settings.
func Check(settings *api.TLS, base string) []spec.Problem {
	if settings == nil {
		return nil
	}
	var problems []spec.Problem
	if settings.CACertificate != "" {
		if _, err := pool(settings.CACertificate); err != nil {
			problems = append(problems, spec.Problem{Path: spec.Join(base, "ca_certificate"), Message: err.Error()})
		}
	}
	switch {
	case settings.ClientKey == "" && settings.ClientKeyPassword != "":
		problems = append(problems, spec.Problem{Path: spec.Join(base, "client_key"), Message: "is required with client_key_password"})
	case settings.ClientCertificate == "" && settings.ClientKey != "":
		problems = append(problems, spec.Problem{Path: spec.Join(base, "client_certificate"), Message: "is required with client_key"})
	case settings.ClientCertificate != "" && settings.ClientKey == "":
		problems = append(problems, spec.Problem{Path: spec.Join(base, "client_key"), Message: "is required with client_certificate"})
	case settings.ClientCertificate != "":
		if _, problem := clientPair(settings); problem != nil {
			problems = append(problems, spec.Problem{Path: base + problem.Path, Message: problem.Message})
		}
	}
	return problems
}

// Warnings says what works and should still be known: that the client's certificate ends soon, or has ended. base is the
// JSON pointer of the settings in the request body.
func Warnings(settings *api.TLS, base string) []api.Warning {
	if settings == nil || settings.ClientCertificate == "" {
		return nil
	}
	block, _ := pem.Decode([]byte(settings.ClientCertificate))
	if block == nil {
		return nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || time.Until(leaf.NotAfter) > endsSoon {
		return nil
	}
	summary := "The client certificate expires on " + leaf.NotAfter.UTC().Format(time.DateOnly)
	if time.Now().After(leaf.NotAfter) {
		summary = "The client certificate expired on " + leaf.NotAfter.UTC().Format(time.DateOnly)
	}
	return []api.Warning{{
		Summary: summary, Attribute: spec.Join(base, "client_certificate"),
		Detail: "From then on the server refuses it. Renew it, and declare the new certificate and key.",
	}}
}

func pool(certificates string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(certificates)) {
		return nil, errors.New(`holds no PEM certificate: give the text itself, in Terraform file("ca.pem"), and not the name of a file`)
	}
	return pool, nil
}

// skipName verifies the chain and lets any name pass.
func skipName(cfg *tls.Config) {
	roots := cfg.RootCAs
	cfg.InsecureSkipVerify = true // #nosec G402 -- the chain is verified below; the name is declared not to matter
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, cert := range state.PeerCertificates[1:] {
			opts.Intermediates.AddCert(cert)
		}
		if _, err := state.PeerCertificates[0].Verify(opts); err != nil {
			return fmt.Errorf("verify certificate chain: %w", err)
		}
		return nil
	}
}
