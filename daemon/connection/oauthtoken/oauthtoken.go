// Package oauthtoken gets OAuth 2.0 access tokens by the client credentials grant, and keeps each until shortly before it
// ends.
package oauthtoken

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// requestTimeout bounds one request for a token.
	requestTimeout = 10 * time.Second
	// renewAfter is the part of its life after which a token is renewed, as Kafka's own clients do
	// (sasl.login.refresh.window.factor).
	renewAfter = 0.8
	// shortestHidden is the length from which a secret is hidden in what a token endpoint answers.
	shortestHidden = 4
)

// Token is an access token.
type Token struct {
	Value string
	// Expiry is when it ends; zero when the token endpoint does not say.
	Expiry time.Time
	// Skew is how far the clock of the token endpoint is ahead of ours, as far as its answer tells.
	Skew time.Duration
}

// RefusedError is a token endpoint's refusal.
type RefusedError struct {
	Status int
	// Code is the error of RFC 6749, section 5.2, such as invalid_client; empty when the answer has none.
	Code        string
	Description string
}

func (e *RefusedError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("the token endpoint answers %d", e.Status)
	}
	return strings.TrimSuffix(fmt.Sprintf("the token endpoint answers %d %s: %s", e.Status, e.Code, e.Description), ": ")
}

// Source gets tokens. It is safe for concurrent use, and holds no connection open.
type Source struct {
	fetch func(ctx context.Context) (*Token, error)

	mu    sync.Mutex
	token *Token
	renew time.Time
}

// New makes a source for declared credentials.
func New(c *api.OAuthClientCredentials) (*Source, error) {
	endpoint, err := url.Parse(c.TokenEndpoint)
	if err != nil || endpoint.Host == "" {
		return nil, errors.New("token_endpoint is not a URL")
	}
	cfg, err := tlsclient.Config(c.TLS, endpoint.Hostname())
	if err != nil {
		return nil, err
	}
	e := &exchange{
		transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg, DisableKeepAlives: true},
		secret:    c.ClientSecret,
		config:    clientcredentials.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, TokenURL: c.TokenEndpoint, Scopes: c.Scopes},
	}
	if c.Audience != "" {
		e.config.EndpointParams = url.Values{"audience": {c.Audience}}
	}
	return &Source{fetch: e.token}, nil
}

// Token answers a token that is good for a while. When a new one cannot be had, the old one serves to its end.
func (s *Source) Token(ctx context.Context) (*Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != nil && time.Now().Before(s.renew) {
		return s.token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	asked := time.Now()
	fresh, err := s.fetch(ctx)
	switch {
	case err == nil:
	case s.token != nil && time.Now().Before(s.token.Expiry):
		return s.token, nil
	default:
		return nil, err
	}
	s.token, s.renew = fresh, asked
	if !fresh.Expiry.IsZero() {
		s.renew = asked.Add(time.Duration(renewAfter * float64(fresh.Expiry.Sub(asked))))
	}
	return fresh, nil
}

// exchange is the request for a token.
type exchange struct {
	transport http.RoundTripper
	secret    string
	config    clientcredentials.Config
}

func (e *exchange) token(ctx context.Context) (*Token, error) {
	clock := &clock{next: e.transport}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: clock})
	got, err := e.config.Token(ctx)
	if err != nil {
		return nil, e.refused(err)
	}
	return &Token{Value: got.AccessToken, Expiry: got.Expiry, Skew: clock.skew}, nil
}

// refused keeps of a refusal what RFC 6749 defines, and no page of a proxy.
func (e *exchange) refused(err error) error {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the URL, which the caller names
		}
		return err
	}
	refusal := &RefusedError{Code: e.hide(answer.ErrorCode), Description: e.hide(answer.ErrorDescription)}
	if answer.Response != nil {
		refusal.Status = answer.Response.StatusCode
	}
	return refusal
}

// hide takes our secret out of what the other side says: some repeat the request in their refusals.
func (e *exchange) hide(text string) string {
	return secret.Replacer(shortestHidden, e.secret).Replace(text)
}

// clock reads the other side's clock from its answers.
type clock struct {
	next http.RoundTripper
	skew time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (c *clock) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.skew = time.Until(date)
	}
	return resp, nil
}
