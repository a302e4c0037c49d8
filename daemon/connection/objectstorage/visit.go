package objectstorage

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
)

const (
	// requestTimeout bounds one request.
	requestTimeout = 30 * time.Second
	// skewAllowed is how far apart the clocks may be. All three services refuse requests from 15 minutes on, and Google's
	// token endpoint earlier.
	skewAllowed = 5 * time.Minute
)

// refused is a failure of a step before the last one.
func refused(step, cause, remedy string) error {
	return httpclient.Refused(step, probe.Fail(cause, remedy, nil))
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
