// Package schemaregistry is the connection kind schema_registry: its checks, its test, and the client made from it.
package schemaregistry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "schema_registry"

// requestTimeout bounds one request to a registry.
const requestTimeout = 30 * time.Second

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

func access(c *api.SchemaRegistryConnection) httpclient.Access {
	return httpclient.Access{Basic: c.Basic, Bearer: c.Bearer, TLS: c.TLS, Server: "registry"}
}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	c := target.(*api.SchemaRegistryConnection)
	return append(httpclient.CheckURL(c.URL, "/url", "https://registry.internal:8081"), access(c).Check(c.URL)...)
}

// Warnings says what is unsafe.
func (Kind) Warnings(target any) []api.Warning {
	c := target.(*api.SchemaRegistryConnection)
	return access(c).Warnings("/spec/url", c.URL)
}

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Test walks to the registry: DNS, TCP, TLS, then a request.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	c := target.(*api.SchemaRegistryConnection)
	r := &probe.Recorder{Attribute: "/spec/url"}
	if address, ok := access(c).Reach(ctx, r, c.URL); ok {
		request(ctx, r, c, address)
	}
	return r.Result()
}

func request(ctx context.Context, r *probe.Recorder, c *api.SchemaRegistryConnection, address string) {
	var (
		client *sr.Client
		asked  error
	)
	if r.Step(ctx, api.StepProtocol, address, func(ctx context.Context) (string, error) {
		made, transport, err := newClient(c)
		if err != nil {
			return "", err
		}
		// One request per connection: the test leaves none behind.
		transport.DisableKeepAlives = true
		client = made
		_, asked = client.SupportedTypes(ctx)
		return protocolOutcome(c, asked)
	}) != nil {
		return
	}
	if r.Step(ctx, api.StepAuthentication, address, func(context.Context) (string, error) {
		if status(asked) == http.StatusUnauthorized {
			return "", probe.Fail("the registry refuses the credentials", "Check basic, bearer or the client certificate, whichever it wants.", nil)
		}
		return access(c).Identity(), nil
	}) != nil {
		return
	}
	_ = r.Step(ctx, api.StepAuthorization, address, func(ctx context.Context) (string, error) {
		subjects, err := client.Subjects(ctx)
		if s := status(err); s == http.StatusForbidden || s == http.StatusUnauthorized {
			return "", probe.Fail("the credentials may not list subjects", "Grant them read access.", answered(err))
		}
		if err != nil {
			return "", probe.Fail("listing subjects failed", "Check that the URL is that of a Confluent-compatible API, path included.", answered(err))
		}
		return fmt.Sprintf("%d subject(s) visible", len(subjects)), nil
	})
}

// answered keeps what a registry says in its own format, and of any other answer the status: a page, or what a proxy
// makes of the request, does not belong into an error.
func answered(err error) error {
	var e *sr.ResponseError
	if !errors.As(err, &e) {
		return err
	}
	if e.ErrorCode != 0 && e.Message != "" {
		return fmt.Errorf("the registry answers %d: %s", e.ErrorCode, e.Message)
	}
	return fmt.Errorf("HTTP status %d", e.StatusCode)
}

func protocolOutcome(c *api.SchemaRegistryConnection, err error) (string, error) {
	switch s := status(err); {
	case err == nil, s == http.StatusUnauthorized, s == http.StatusForbidden:
		return "a schema registry answers", nil
	case s != 0:
		return "", probe.Fail(fmt.Sprintf("what listens there answers %d, not as a schema registry", s), "Check the URL, path included: Apicurio's compatible API is below /apis/ccompat/v7.", nil)
	case probe.IsTLSAlert(err), usesTLS(c) && errors.Is(err, io.EOF):
		// With TLS 1.3 a server refuses a client certificate, or that there is none, only after the handshake.
		return "", probe.Fail("the registry ends the connection after the TLS handshake", "Most often it wants a client certificate: set tls.client_certificate and tls.client_key to one that it trusts.", err)
	}
	return "", probe.Fail("what listens there does not answer as a schema registry", "Check the URL: its scheme, port and path.", err)
}

func usesTLS(c *api.SchemaRegistryConnection) bool { return strings.HasPrefix(c.URL, "https://") }

func status(err error) int {
	if e, ok := errors.AsType[*sr.ResponseError](err); ok {
		return e.StatusCode
	}
	return 0
}

// Client makes a client of the registry.
func Client(c *api.SchemaRegistryConnection) (*sr.Client, error) {
	client, _, err := newClient(c)
	return client, err
}

func newClient(c *api.SchemaRegistryConnection) (*sr.Client, *http.Transport, error) {
	opts := []sr.ClientOpt{sr.URLs(strings.TrimSuffix(c.URL, "/")), sr.UserAgent("headgate")}
	client, transport, err := access(c).Client(requestTimeout)
	if err != nil {
		return nil, nil, err
	}
	opts = append(opts, sr.HTTPClient(client))
	switch {
	case c.Basic != nil:
		opts = append(opts, sr.BasicAuth(c.Basic.Username, c.Basic.Password))
	case c.Bearer != nil:
		opts = append(opts, sr.BearerToken(c.Bearer.Token))
	}
	made, err := sr.NewClient(opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("make registry client: %w", err)
	}
	return made, transport, nil
}
