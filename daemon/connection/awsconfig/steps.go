package awsconfig

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Service is a service of AWS that a test walks to.
type Service struct {
	// URL is where the service is.
	URL string
	// Credentials are those that Config was made from.
	Credentials *api.AWSCredentials
	// Config signs the requests.
	Config aws.Config
	// Name is what it is called, such as "Amazon Kinesis".
	Name string
	// Ask sends a request that changes nothing, and says what it saw.
	Ask func(ctx context.Context) (detail string, err error)
	// Grant is the remedy when that is not allowed, such as "Allow kinesis:ListStreams."
	Grant string
}

// Test walks to the service: DNS, TCP, TLS, the credentials, and a signed request. That the request is not allowed is left
// to the caller to forgive.
func (s Service) Test(ctx context.Context, r *probe.Recorder) {
	httpclient.Visit{
		Access: httpclient.Access{Server: "service"}, URL: s.URL, IdentityField: "/spec/credentials", AddressField: r.Attribute,
		Identify: func(ctx context.Context) (string, error) { return Retrieve(ctx, s.Config, s.Credentials) },
		Ask: func(ctx context.Context) (string, error) {
			detail, err := s.Ask(ctx)
			return detail, s.explain(err)
		},
	}.Test(ctx, r)
}

// explain says what an answer means, and at which step.
func (s Service) explain(err error) error {
	if err == nil {
		return nil
	}
	if explained := Explain(err); explained != nil {
		return httpclient.Refused(api.StepAuthentication, explained)
	}
	if IsDenied(err) {
		return httpclient.Refused(api.StepAuthorization, probe.Fail("the credentials are good and may not do this: "+Says(err), s.Grant, nil))
	}
	if _, ok := errors.AsType[*probe.StepError](err); ok {
		return err
	}
	return probe.Fail("what listens there does not answer as "+s.Name, "Check region and endpoint.", errors.New(Says(err)))
}

// Unavailable is the step of a test that fails because there is no configuration to go by.
func Unavailable(ctx context.Context, r *probe.Recorder, err error) {
	r.Attribute = "/spec/credentials"
	_ = r.Step(ctx, api.StepAuthentication, "", func(context.Context) (string, error) {
		return "", probe.Fail("there is no AWS configuration to use", "Check the profile and the shared AWS files on the daemon's machine.", err)
	})
}
