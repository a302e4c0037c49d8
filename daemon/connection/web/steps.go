package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/oauthtoken"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// answerLimit bounds what a test reads of an answer, in bytes.
const answerLimit = 1 << 20

// Reach walks to the site, DNS, TCP and TLS, after it got a token where it needs one. It answers the site's address.
func (s Site) Reach(ctx context.Context, r *probe.Recorder) (address string, ok bool) {
	if s.OAuth2 != nil && !s.reachToken(ctx, r) {
		return "", false
	}
	return s.Access.Reach(ctx, r, s.URL)
}

// reachToken gets a token, step by step. Its failures blame the token endpoint.
func (s Site) reachToken(ctx context.Context, r *probe.Recorder) bool {
	attribute, subject := r.Attribute, r.Subject
	r.Attribute, r.Subject = "/spec/oauth2", "the token endpoint"
	defer func() { r.Attribute, r.Subject = attribute, subject }()
	address, ok := httpclient.Access{TLS: tokenTLS(s.OAuth2), Server: "token endpoint"}.Reach(ctx, r, s.OAuth2.TokenEndpoint)
	if !ok {
		return false
	}
	return nil == r.Step(ctx, api.StepAuthentication, address, func(ctx context.Context) (string, error) {
		source, err := s.tokens()
		if err != nil {
			return "", err
		}
		token, err := source.Token(ctx)
		if refused, ok := errors.AsType[*oauthtoken.RefusedError](err); ok {
			return "", probe.Fail("it gives no token", "Check oauth2.client_id, its secret, the scopes and the audience.", refused)
		}
		if err != nil {
			return "", probe.Fail("it does not answer as a token endpoint", "Check oauth2.token_endpoint.", err)
		}
		return "a token until " + token.Expiry.UTC().Format("15:04:05 UTC"), nil
	})
}

// Answer is what a server answered to a test.
type Answer struct {
	Status int
	Body   []byte
}

// Get asks for a path below a URL, during a test.
func Get(ctx context.Context, client *http.Client, method, address string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return Answer{}, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		if refused, ok := errors.AsType[*url.Error](err); ok {
			err = refused.Err
		}
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return Answer{Status: resp.StatusCode, Body: body}, nil
}

// Expected says how to judge an answer.
type Expected struct {
	// What is to be there, such as "Apicurio Registry".
	What string
	// Recognise says what it sees in a good answer, or why that is not what is to be there.
	Recognise func(Answer) (detail string, err error)
	// Where is the remedy when something else is there.
	Where string
	// Grant is the remedy when we may not do that.
	Grant string
}

// Judge writes down what an answer says: whether the right thing is there, whether it knows us, and whether we may.
func (s Site) Judge(ctx context.Context, r *probe.Recorder, address string, got Answer, asked error, want Expected) error {
	if err := r.Step(ctx, api.StepProtocol, address, func(context.Context) (string, error) { return s.protocol(got, asked, want) }); err != nil {
		return err
	}
	if err := r.Step(ctx, api.StepAuthentication, address, func(context.Context) (string, error) {
		if got.Status == http.StatusUnauthorized {
			return "", probe.Fail(want.What+" refuses the credentials ("+s.Identity()+")", "Check the credentials, or set those that it asks for.", nil)
		}
		return s.Identity(), nil
	}); err != nil {
		return err
	}
	return r.Step(ctx, api.StepAuthorization, address, func(context.Context) (string, error) {
		if got.Status == http.StatusForbidden {
			return "", probe.Fail("the credentials are good and may not do this", want.Grant, nil)
		}
		return want.Recognise(got)
	})
}

func (s Site) protocol(got Answer, err error, want Expected) (string, error) {
	switch {
	case err == nil && (got.Status == http.StatusUnauthorized || got.Status == http.StatusForbidden):
		return fmt.Sprintf("it answers %d", got.Status), nil
	case err == nil && got.Status >= http.StatusBadRequest:
		return "", probe.Fail(fmt.Sprintf("what listens there answers %d, not as %s", got.Status, want.What), want.Where, nil)
	case err == nil:
		if _, err := want.Recognise(got); err != nil {
			return "", probe.Fail("what listens there does not answer as "+want.What, want.Where, err)
		}
		return want.What + " answers", nil
	case probe.IsTLSAlert(err), s.Secure() && errors.Is(err, io.EOF):
		// With TLS 1.3 a server refuses a client certificate, or that there is none, only after the handshake.
		return "", probe.Fail("the server ends the connection after the TLS handshake", "Most often it wants a client certificate: set tls.client_certificate and tls.client_key to one that it trusts.", err)
	}
	return "", probe.Fail("what listens there does not answer as "+want.What, want.Where, err)
}
