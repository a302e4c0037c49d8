package objectstorage

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// requestTimeout bounds one request.
	requestTimeout = 30 * time.Second
	// skewAllowed is how far apart the clocks may be. All three services refuse requests from 15 minutes on, and Google's
	// token endpoint earlier.
	skewAllowed = 5 * time.Minute
)

// visit is the walk to a service, and what is asked there.
type visit struct {
	access httpclient.Access
	// url is where the service is.
	url string
	// identityField and addressField are the fields to blame, as pointers into the request body.
	identityField, addressField string
	// identify gets the credentials, and says whose they are.
	identify func(ctx context.Context) (whose string, err error)
	// ask sends a request that changes nothing, and says what it saw. What it answers fails the step that the error
	// names with a [refusedError], or else the last one.
	ask func(ctx context.Context) (detail string, err error)
}

// refusedError is a failure of a step before the last one.
type refusedError struct {
	step string
	error
}

func (r refusedError) Unwrap() error { return r.error }

func refused(step, cause, remedy string) error {
	return refusedError{step, probe.Fail(cause, remedy, nil)}
}

// test walks: DNS, TCP, TLS, the credentials, whether they may, and whether it is there.
func (v visit) test(ctx context.Context, r *probe.Recorder) {
	r.Attribute = v.addressField
	address, ok := v.access.Reach(ctx, r, v.url)
	if !ok {
		return
	}
	r.Attribute = v.identityField
	var (
		detail string
		asked  error
	)
	if r.Step(ctx, api.StepAuthentication, address, func(ctx context.Context) (string, error) {
		whose, err := v.identify(ctx)
		if err != nil {
			return "", err
		}
		detail, asked = v.ask(ctx)
		return whose, during(api.StepAuthentication, asked)
	}) != nil {
		return
	}
	if r.Step(ctx, api.StepAuthorization, address, func(context.Context) (string, error) { return "", during(api.StepAuthorization, asked) }) != nil {
		return
	}
	r.Attribute = v.addressField
	_ = r.Step(ctx, api.StepProtocol, address, func(context.Context) (string, error) { return detail, asked })
}

func during(step string, err error) error {
	if r, ok := errors.AsType[refusedError](err); ok && r.step == step {
		return r.error
	}
	return nil
}

// client makes a client for an SDK, or for one request. Where a redirect leads is another server, that the credentials are
// not for.
func client(a httpclient.Access) (*http.Client, func(), error) {
	c, transport, err := a.Client(requestTimeout)
	if err != nil {
		return nil, nil, err
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, transport.CloseIdleConnections, nil
}

// silent takes the URL out of the error of a request: it may hold a signature.
func silent(err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		return inner.Err
	}
	return err
}

// elsewhere is the failure of a service that is not what it should be.
func elsewhere(what, remedy string, err error) error {
	return probe.Fail("what listens there does not answer as "+what, remedy, silent(err))
}

// clockIsOff says whether the clock of an answer and ours are too far apart to be believed.
func clockIsOff(answer *http.Response) bool {
	if answer == nil {
		return false
	}
	date, err := http.ParseTime(answer.Header.Get("Date"))
	return err == nil && time.Since(date).Abs() > skewAllowed
}
