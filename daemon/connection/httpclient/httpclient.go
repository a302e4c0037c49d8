// Package httpclient is what the connection kinds that speak HTTP have in common: their checks, the way to their servers
// in a connection test, and a client that keeps credentials out of what it reports.
package httpclient

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	// idleTimeout is how long a connection to a server is kept for the next request.
	idleTimeout = 30 * time.Second

	// idlePerHost is how many are kept: Terraform works on ten resources at a time, each of which may ask some things at once.
	idlePerHost = 32
)

// Access is how to speak to a server.
type Access struct {
	Basic  *api.BasicAuthentication
	Bearer *api.BearerToken
	TLS    *api.TLS
	// Server is what is at the other end, such as registry.
	Server string
}

// CheckURL finds what is wrong with a URL at a pointer. example is one for the sentence.
func CheckURL(text, pointer, example string) []spec.Problem {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return []spec.Problem{{Path: pointer, Message: "must be a URL such as " + example}}
	case u.User != nil:
		return []spec.Problem{{Path: pointer, Message: "must not hold credentials: put them into basic"}}
	}
	return nil
}

// Check finds what is wrong with the rest, given the URLs that it is for.
func (a Access) Check(urls ...string) []spec.Problem {
	var problems []spec.Problem
	if a.Basic != nil && a.Bearer != nil {
		problems = append(problems, spec.Problem{Path: "/bearer", Message: "cannot be used together with basic"})
	}
	if a.TLS != nil && !anyPrefix(urls, "https://") {
		problems = append(problems, spec.Problem{Path: "/tls", Message: "has no effect with an http URL"})
	}
	return append(problems, tlsclient.Check(a.TLS, "/tls")...)
}

// Warnings says what is unsafe; pointer is that of the URLs in the request.
func (a Access) Warnings(pointer string, urls ...string) []api.Warning {
	if !anyPrefix(urls, "http://") || a.Basic == nil && a.Bearer == nil {
		return nil
	}
	return []api.Warning{{
		Summary: "Credentials are sent without encryption", Attribute: pointer,
		Detail: fmt.Sprintf("Everyone on the network can read them. Use https where the %s offers it.", a.Server),
	}}
}

func anyPrefix(urls []string, prefix string) bool {
	for _, u := range urls {
		if strings.HasPrefix(u, prefix) {
			return true
		}
	}
	return false
}

// Reach walks to a server: DNS, TCP and for https TLS. It answers the address and whether the server was reached.
func (a Access) Reach(ctx context.Context, r *probe.Recorder, text string) (address string, ok bool) {
	u, err := url.Parse(text)
	if err != nil {
		_ = r.Step(ctx, api.StepDNS, text, func(context.Context) (string, error) { return "", probe.Fail("it is not a URL", "", nil) })
		return text, false
	}
	address = HostPort(u)
	if r.DNS(ctx, address) != nil {
		return address, false
	}
	conn, err := r.TCP(ctx, address)
	if err != nil {
		return address, false
	}
	defer func() { _ = conn.Close() }()
	return address, u.Scheme != "https" || a.handshake(ctx, r, conn, u.Hostname(), address) == nil
}

func (a Access) handshake(ctx context.Context, r *probe.Recorder, conn net.Conn, host, address string) error {
	cfg, err := tlsclient.Config(a.TLS, host)
	if err != nil {
		return r.Step(ctx, api.StepTLS, address, func(context.Context) (string, error) { return "", err })
	}
	_, err = r.TLS(ctx, conn, address, cfg, fmt.Sprintf("If the %s speaks plain HTTP, write http:// in the URL.", a.Server))
	return err
}

// Client makes a client that hides the credentials in refusals. Its transport is answered too, to be closed.
func (a Access) Client(timeout time.Duration) (*http.Client, *http.Transport, error) {
	// Without a server name the transport takes the host of each request.
	cfg, err := tlsclient.Config(a.TLS, "")
	if err != nil {
		return nil, nil, err
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: idleTimeout, TLSClientConfig: cfg,
	}
	return &http.Client{Transport: &discreet{next: transport, hide: a.credentials()}, Timeout: timeout}, transport, nil
}

// Authorize puts the credentials into a request.
func (a Access) Authorize(req *http.Request) {
	switch {
	case a.Basic != nil:
		req.SetBasicAuth(a.Basic.Username, a.Basic.Password)
	case a.Bearer != nil:
		req.Header.Set("Authorization", "Bearer "+a.Bearer.Token)
	}
}

// Identity says who we are to the server.
func (a Access) Identity() string {
	switch {
	case a.Basic != nil:
		return "basic as " + a.Basic.Username
	case a.Bearer != nil:
		return "bearer token"
	case a.TLS != nil && a.TLS.ClientCertificate != "":
		return "client certificate"
	}
	return "anonymous"
}

// HostPort is the address of a URL, the port of its scheme included.
func HostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}
