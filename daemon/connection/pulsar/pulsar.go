// Package pulsar is the connection kind pulsar: its checks, its test, and the client of the admin API made from it.
package pulsar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsaradmin/pkg/admin"
	"github.com/apache/pulsar-client-go/pulsaradmin/pkg/admin/auth"
	"github.com/apache/pulsar-client-go/pulsaradmin/pkg/admin/config"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/web"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "pulsar"

// discoveryTimeout bounds the question where an issuer gives tokens.
const discoveryTimeout = 10 * time.Second

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	c := target.(*api.PulsarConnection)
	var problems []spec.Problem
	if _, err := brokers(c); err != nil {
		problems = append(problems, spec.Problem{Path: "/service_url", Message: err.Error()})
	}
	if c.Token != "" && c.OAuth2 != nil {
		problems = append(problems, spec.Problem{Path: "/oauth2", Message: "cannot be used together with token"})
	}
	if secure(c) || strings.HasPrefix(c.AdminURL, "https://") {
		problems = append(problems, tlsclient.Check(c.TLS, "/tls")...)
	} else if c.TLS != nil {
		problems = append(problems, spec.Problem{Path: "/tls", Message: "has no effect without a pulsar+ssl or https URL"})
	}
	problems = append(problems, web.Site{URL: c.AdminURL, URLField: "admin_url"}.Check()...)
	if strings.HasSuffix(strings.TrimSuffix(c.AdminURL, "/"), "/admin") {
		problems = append(problems, spec.Problem{Path: "/admin_url", Message: "must be without /admin"})
	}
	return problems
}

// Warnings says what is unsafe.
func (Kind) Warnings(target any) []api.Warning {
	c := target.(*api.PulsarConnection)
	if c.Token == "" && c.OAuth2 == nil && (c.TLS == nil || c.TLS.ClientCertificate == "") {
		return []api.Warning{{
			Summary: "Nobody is authenticated", Attribute: "/spec/service_url",
			Detail: "Whoever reaches the brokers reads and writes everything. Use token, oauth2, or a client certificate in tls.",
		}}
	}
	var warnings []api.Warning
	for field, encrypted := range map[string]bool{"service_url": secure(c), "admin_url": strings.HasPrefix(c.AdminURL, "https://")} {
		if !encrypted {
			warnings = append(warnings, api.Warning{
				Summary: "Credentials are sent without encryption", Attribute: "/spec/" + field,
				Detail: "Everyone on the network can read them. Use pulsar+ssl and https where the servers offer them.",
			})
		}
	}
	return warnings
}

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

func secure(c *api.PulsarConnection) bool { return strings.HasPrefix(c.ServiceURL, "pulsar+ssl://") }

// brokers lists the hosts of the service URL, with their ports.
func brokers(c *api.PulsarConnection) ([]string, error) {
	_, rest, _ := strings.Cut(c.ServiceURL, "://")
	port := "6650"
	if secure(c) {
		port = "6651"
	}
	var addresses []string
	for host := range strings.SplitSeq(strings.TrimSuffix(rest, "/"), ",") {
		u, err := url.Parse("pulsar://" + host)
		if err != nil || u.Hostname() == "" || u.Path != "" || u.User != nil {
			return nil, errors.New("must be a URL such as pulsar+ssl://pulsar.internal:6651")
		}
		if u.Port() != "" {
			addresses = append(addresses, u.Host)
		} else {
			addresses = append(addresses, net.JoinHostPort(u.Hostname(), port))
		}
	}
	return addresses, nil
}

// Site is how the web service is reached. With OAuth 2.0 the issuer is asked where it gives tokens.
func Site(ctx context.Context, c *api.PulsarConnection) (web.Site, error) {
	site := web.Site{Access: httpclient.Access{Server: "web service"}, URL: strings.TrimSuffix(c.AdminURL, "/"), URLField: "admin_url"}
	if site.Secure() {
		site.TLS = c.TLS
	}
	if c.Token != "" {
		site.Bearer = &api.BearerToken{Token: c.Token}
	}
	if c.OAuth2 == nil {
		return site, nil
	}
	endpoint, err := discover(ctx, c.OAuth2.Issuer)
	if err != nil {
		return site, err
	}
	site.OAuth2 = &api.OAuth2{
		TokenEndpoint: endpoint, ClientID: c.OAuth2.ClientID, ClientSecret: c.OAuth2.ClientSecret, Audience: c.OAuth2.Audience, Scopes: strings.Fields(c.OAuth2.Scope),
	}
	return site, nil
}

// discover asks an issuer for its token endpoint (OpenID Connect Discovery 1.0, section 4).
func discover(ctx context.Context, issuer string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	client, err := web.Site{URL: issuer}.Client()
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	address := strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	answer, err := web.Get(ctx, client, http.MethodGet, address)
	if err != nil {
		return "", fmt.Errorf("ask %s for its token endpoint: %w", address, err)
	}
	var found struct {
		TokenEndpoint string `json:"token_endpoint"`
	}
	if answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &found) != nil || found.TokenEndpoint == "" {
		return "", fmt.Errorf("%s tells no token endpoint (HTTP status %d)", address, answer.Status)
	}
	return found.TokenEndpoint, nil
}

// Admin is a client of the admin API.
type Admin struct {
	admin.Client

	web *http.Client
}

// NewAdmin makes a client of the admin API. Close it when it is not needed any more.
func NewAdmin(ctx context.Context, c *api.PulsarConnection) (*Admin, error) {
	site, err := Site(ctx, c)
	if err != nil {
		return nil, err
	}
	made, err := site.Client()
	if err != nil {
		return nil, err
	}
	client, err := admin.NewPulsarClientWithAuthProvider(&config.Config{WebServiceURL: site.URL, PulsarAPIVersion: config.V2}, auth.NewDefaultProvider(made.Transport))
	if err != nil {
		return nil, fmt.Errorf("make a client of Pulsar's admin API: %w", err)
	}
	return &Admin{Client: client, web: made}, nil
}

// Close ends the idle connections.
func (a *Admin) Close() { a.web.CloseIdleConnections() }
