// Package http is the connection kind http: an HTTP endpoint that records are sent to or read from.
package http

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/web"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "http"

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

// Site is how the endpoint is reached.
func Site(c *api.HTTPConnection) web.Site {
	return web.Site{Access: httpclient.Access{Basic: c.Basic, Bearer: c.Bearer, TLS: c.TLS, Server: "server"}, URL: strings.TrimSuffix(c.URL, "/"), APIKey: c.APIKey, OAuth2: c.OAuth2, Headers: c.Headers}
}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	c := target.(*api.HTTPConnection)
	problems := Site(c).Check()
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if message := headerProblem(name, c.Headers[name]); message != "" {
			problems = append(problems, spec.Problem{Path: spec.Join("/headers", name), Message: message})
		}
	}
	if c.Probe != nil && c.Probe.Path != "" && !strings.HasPrefix(c.Probe.Path, "/") {
		problems = append(problems, spec.Problem{Path: "/probe/path", Message: "must begin with a slash"})
	}
	return problems
}

// secretWords are in the names of headers that hold credentials.
var secretWords = []string{"authorization", "api-key", "apikey", "token", "secret", "password", "cookie", "credential", "signature", "access-key"}

func headerProblem(name, value string) string {
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return "is not a header that HTTP allows"
	}
	lower := strings.ToLower(name)
	if slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(lower, word) }) {
		return "looks like a credential, and headers are stored in the open: use basic, bearer, oauth2, or api_key with this header's name"
	}
	if slices.Contains([]string{"host", "content-length", "transfer-encoding", "connection"}, lower) {
		return "is set by HTTP itself"
	}
	return ""
}

// Warnings says what is unsafe.
func (Kind) Warnings(target any) []api.Warning { return Site(target.(*api.HTTPConnection)).Warnings() }

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Test walks to the endpoint, DNS, TCP and TLS, and sends the probe where there is one.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	c := target.(*api.HTTPConnection)
	r := &probe.Recorder{Attribute: "/spec/url"}
	if address, ok := Site(c).Reach(ctx, r); ok && c.Probe != nil {
		request(ctx, r, c, address)
	}
	return r.Result()
}

func request(ctx context.Context, r *probe.Recorder, c *api.HTTPConnection, address string) {
	r.Attribute = "/spec/probe"
	site := Site(c)
	client, err := site.Client()
	if err != nil {
		_ = r.Step(ctx, api.StepProtocol, address, func(context.Context) (string, error) { return "", err })
		return
	}
	defer client.CloseIdleConnections()
	// Where a redirect leads is another server, that the credentials are not for.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	within, cancel := context.WithTimeout(ctx, probe.StepTimeout)
	defer cancel()
	answer, err := web.Get(within, client, c.Probe.Method, site.URL+c.Probe.Path)
	what := fmt.Sprintf("%s %s", c.Probe.Method, site.URL+c.Probe.Path)
	_ = site.Judge(ctx, r, address, answer, err, web.Expected{
		What: "the answer to " + what, Where: "Check url and probe.path: the probe must answer with a status below 400.",
		Grant:     "Let the credentials " + what + ", or probe another path.",
		Recognise: func(a web.Answer) (string, error) { return fmt.Sprintf("%s answers %d", what, a.Status), nil },
	})
}
