package web

import (
	"context"
	"fmt"
	"net/http"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/oauthtoken"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
)

// authorized sends the credentials with every request, and hides those that are in headers of our own making where a
// refusal repeats them.
type authorized struct {
	next   http.RoundTripper
	idle   *http.Transport
	site   Site
	tokens *oauthtoken.Source
}

// RoundTrip implements [http.RoundTripper].
func (a *authorized) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	for name, value := range a.site.Headers {
		sent.Header.Set(name, value)
	}
	shown, err := a.authorize(sent)
	if err != nil {
		return nil, err
	}
	resp, err := a.next.RoundTrip(sent)
	if err != nil || resp.StatusCode < http.StatusBadRequest {
		return resp, err
	}
	return httpclient.Discreet(resp, secret.Replacer(secret.Shortest, shown))
}

// authorize puts the credentials into a request. It answers the one that the client below does not know to hide.
func (a *authorized) authorize(req *http.Request) (shown string, err error) {
	switch {
	case a.site.APIKey != nil:
		req.Header.Set(a.site.APIKey.Header, a.site.APIKey.Key)
		return a.site.APIKey.Key, nil
	case a.site.OAuth2 != nil:
		token, err := a.tokens.Token(req.Context())
		if err != nil {
			return "", fmt.Errorf("get a token from %s: %w", a.site.OAuth2.TokenEndpoint, err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Value)
		return token.Value, nil
	}
	a.site.Authorize(req)
	return "", nil
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] looks for.
func (a *authorized) CloseIdleConnections() { a.idle.CloseIdleConnections() }

// Token gets a token, for what does not go over HTTP.
func (s Site) Token(ctx context.Context) (string, error) {
	source, err := s.tokens()
	if err != nil {
		return "", err
	}
	token, err := source.Token(ctx)
	if err != nil {
		return "", fmt.Errorf("get a token from %s: %w", s.OAuth2.TokenEndpoint, err)
	}
	return token.Value, nil
}
