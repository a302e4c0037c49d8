// Package web is an HTTP server as several kinds of connections see it: every way to authenticate, the client with its
// credentials, and how an answer to a test is judged.
package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/oauthtoken"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// requestTimeout bounds one request.
const requestTimeout = 30 * time.Second

// Site is what is declared about an HTTP server. Of the ways to authenticate, at most one is set.
type Site struct {
	httpclient.Access

	URL     string
	APIKey  *api.APIKey
	OAuth2  *api.OAuth2
	Headers map[string]string
	// URLField is the name of the field that holds the URL. Default: url.
	URLField string
}

// Check finds what is wrong beyond single fields. Paths are below the spec.
func (s Site) Check() []spec.Problem {
	problems := append(httpclient.CheckURL(s.URL, s.urlPath(), "https://server.internal:8081"), s.Access.Check(s.URL)...)
	if ways := s.ways(); len(ways) > 1 && (s.APIKey != nil || s.OAuth2 != nil) {
		problems = append(problems, spec.Problem{Path: "/" + ways[len(ways)-1], Message: "cannot be used together with " + ways[0]})
	}
	if s.OAuth2 != nil {
		problems = append(problems, tlsclient.Check(tokenTLS(s.OAuth2), "/oauth2")...)
	}
	return problems
}

// Warnings says what is unsafe.
func (s Site) Warnings() []api.Warning {
	warnings := tlsclient.Warnings(s.TLS, "/spec/tls")
	if s.Secure() || len(s.ways()) == 0 {
		return warnings
	}
	return append(warnings, api.Warning{
		Summary: "Credentials are sent without encryption", Attribute: "/spec" + s.urlPath(),
		Detail: "Everyone on the network can read them. Use https where the server offers it.",
	})
}

// Secure says whether the site speaks TLS.
func (s Site) Secure() bool { return strings.HasPrefix(s.URL, "https://") }

// Identity is who we are there, in words.
func (s Site) Identity() string {
	switch {
	case s.APIKey != nil:
		return "key in the header " + s.APIKey.Header
	case s.OAuth2 != nil:
		return "OAuth 2.0 token of client " + s.OAuth2.ClientID
	}
	return s.Access.Identity()
}

// Client makes a client that sends the credentials along. It keeps idle connections: close them when it is not needed
// any more.
func (s Site) Client() (*http.Client, error) {
	client, transport, err := s.Access.Client(requestTimeout)
	if err != nil {
		return nil, err
	}
	a := &authorized{next: client.Transport, idle: transport, site: s}
	if s.OAuth2 != nil {
		if a.tokens, err = s.tokens(); err != nil {
			return nil, err
		}
	}
	client.Transport = a
	return client, nil
}

func (s Site) tokens() (*oauthtoken.Source, error) {
	return oauthtoken.New(&api.OAuthClientCredentials{
		TokenEndpoint: s.OAuth2.TokenEndpoint, ClientID: s.OAuth2.ClientID, ClientSecret: s.OAuth2.ClientSecret,
		Scopes: s.OAuth2.Scopes, Audience: s.OAuth2.Audience, TLS: tokenTLS(s.OAuth2),
	})
}

func tokenTLS(o *api.OAuth2) *api.TLS {
	if o.CACertificate == "" {
		return nil
	}
	return &api.TLS{CACertificate: o.CACertificate}
}

func (s Site) ways() []string {
	var ways []string
	for _, way := range []struct {
		name string
		set  bool
	}{{"basic", s.Basic != nil}, {"bearer", s.Bearer != nil}, {"api_key", s.APIKey != nil}, {"oauth2", s.OAuth2 != nil}} {
		if way.set {
			ways = append(ways, way.name)
		}
	}
	return ways
}

func (s Site) urlPath() string {
	if s.URLField == "" {
		return "/url"
	}
	return "/" + s.URLField
}
