package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/oauthtoken"
)

const (
	// refusalLimit bounds what is read of a refusal, in bytes.
	refusalLimit = 64 << 10
	// shortestHidden is the length from which a credential is hidden; what is shorter could be a part of anything.
	shortestHidden = 8
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
	secret, err := a.authorize(sent)
	if err != nil {
		return nil, err
	}
	resp, err := a.next.RoundTrip(sent)
	if err != nil || resp.StatusCode < http.StatusBadRequest || len(secret) < shortestHidden {
		return resp, err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, refusalLimit))
	_ = resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	text := strings.ReplaceAll(string(raw), secret, httpclient.Hidden)
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// authorize puts the credentials into a request. It answers the one that the client below does not know to hide.
func (a *authorized) authorize(req *http.Request) (secret string, err error) {
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
