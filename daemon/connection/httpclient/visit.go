package httpclient

import (
	"context"
	"errors"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Visit is the walk to a service that takes credentials which are made or found first, and what is asked there.
type Visit struct {
	Access Access
	// URL is where the service is.
	URL string
	// IdentityField and AddressField are the fields to blame, as pointers into the request body.
	IdentityField, AddressField string
	// Identify gets the credentials, and says whose they are.
	Identify func(ctx context.Context) (whose string, err error)
	// Ask sends a request that changes nothing, and says what it saw. What it answers fails the step that [Refused] names,
	// or else the last one.
	Ask func(ctx context.Context) (detail string, err error)
}

// refusedError is a failure of a step before the last one.
type refusedError struct {
	step string
	error
}

func (r refusedError) Unwrap() error { return r.error }

// Refused says that an error is a failure of a step before the last one.
func Refused(step string, err error) error { return refusedError{step, err} }

// Test walks: DNS, TCP, TLS, the credentials, whether they may, and whether it is there.
func (v Visit) Test(ctx context.Context, r *probe.Recorder) {
	r.Attribute = v.AddressField
	address, ok := v.Access.Reach(ctx, r, v.URL)
	if !ok {
		return
	}
	r.Attribute = v.IdentityField
	var (
		detail string
		asked  error
	)
	if r.Step(ctx, api.StepAuthentication, address, func(ctx context.Context) (string, error) {
		whose, err := v.Identify(ctx)
		if err != nil {
			return "", err
		}
		detail, asked = v.Ask(ctx)
		return whose, during(api.StepAuthentication, asked)
	}) != nil {
		return
	}
	if r.Step(ctx, api.StepAuthorization, address, func(context.Context) (string, error) { return "", during(api.StepAuthorization, asked) }) != nil {
		return
	}
	r.Attribute = v.AddressField
	_ = r.Step(ctx, api.StepProtocol, address, func(context.Context) (string, error) { return detail, asked })
}

func during(step string, err error) error {
	if r, ok := errors.AsType[refusedError](err); ok && r.step == step {
		return r.error
	}
	return nil
}
