package objectstorage

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// s3Store is a bucket of Amazon S3, or of what speaks its API.
type s3Store struct{ *api.S3Storage }

func (s s3Store) check() []spec.Problem {
	return append(checkEndpoint(s.Endpoint, s.TLS), awsconfig.Check(s.Credentials, "/credentials")...)
}

// warnings are those of TLS: requests are signed, and the secret is never sent.
func (s s3Store) warnings(base string) []api.Warning { return tlsWarnings(s.TLS, base) }

func (s s3Store) test(ctx context.Context, r *probe.Recorder) {
	r.Attribute = "/spec/s3/credentials"
	cfg, err := awsconfig.Config(ctx, s.Credentials, s.Region)
	if err != nil {
		_ = r.Step(ctx, api.StepAuthentication, s.Bucket, func(context.Context) (string, error) {
			return "", probe.Fail("there is no AWS configuration to use", "Check the profile and the shared AWS files on the daemon's machine.", err)
		})
		return
	}
	r.Attribute = "/spec/s3/bucket"
	at, err := s.url(ctx)
	if err != nil {
		_ = r.Step(ctx, api.StepDNS, s.Bucket, func(context.Context) (string, error) {
			return "", probe.Fail("there is no endpoint for this bucket and region", "Check {/s3/bucket}, {/s3/region} and {/s3/endpoint}.", err)
		})
		return
	}
	own, done, err := client(access(s.TLS))
	if err != nil {
		_ = r.Step(ctx, api.StepTLS, s.Bucket, func(context.Context) (string, error) { return "", err })
		return
	}
	defer done()
	asking := s3.NewFromConfig(cfg, s.options, func(o *s3.Options) { o.HTTPClient = own })
	httpclient.Visit{
		Access: access(s.TLS), URL: at, IdentityField: "/spec/s3/credentials", AddressField: s.addressField(),
		Identify: func(ctx context.Context) (string, error) { return awsconfig.Retrieve(ctx, cfg, s.Credentials) },
		Ask:      func(ctx context.Context) (string, error) { return s.list(ctx, asking) },
	}.Test(ctx, r)
}

func (s s3Store) addressField() string {
	if s.Endpoint != "" {
		return "/spec/s3/endpoint"
	}
	return "/spec/s3/region"
}

func (s s3Store) options(o *s3.Options) {
	o.UsePathStyle = s.PathStyle
	if s.Endpoint != "" {
		o.BaseEndpoint = aws.String(s.Endpoint)
	}
}

// url is where the SDK sends requests for the bucket.
func (s s3Store) url(ctx context.Context) (string, error) {
	where := s3.EndpointParameters{Bucket: aws.String(s.Bucket), Region: aws.String(s.Region), ForcePathStyle: aws.Bool(s.PathStyle)}
	if s.Endpoint != "" {
		where.Endpoint = aws.String(s.Endpoint)
	}
	found, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, where.WithDefaults())
	if err != nil {
		return "", fmt.Errorf("find the endpoint: %w", err)
	}
	return found.URI.String(), nil
}

func (s s3Store) list(ctx context.Context, asking *s3.Client) (string, error) {
	got, err := asking.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(s.Bucket), MaxKeys: aws.Int32(1)})
	if err != nil {
		return "", s.explain(err)
	}
	return seen("bucket "+s.Bucket, len(got.Contents) > 0), nil
}

// seen is what a listing saw.
func seen(what string, objects bool) string {
	if objects {
		return "the " + what + " is there and holds objects"
	}
	return "the " + what + " is there and holds no objects"
}

// explain says what a refusal of S3 means (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func (s s3Store) explain(err error) error {
	if explained := awsconfig.Explain(err); explained != nil {
		return httpclient.Refused(api.StepAuthentication, explained)
	}
	if awsconfig.IsDenied(err) {
		return refused(api.StepAuthorization, "the credentials are good and may not list the bucket: "+awsconfig.Says(err),
			"Allow s3:ListBucket on arn:aws:s3:::"+s.Bucket+", and check the bucket's policy; or the bucket belongs to somebody else: check {/s3/bucket}.")
	}
	code := ""
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		code = refused.ErrorCode()
	}
	switch code {
	case "NoSuchBucket":
		return probe.Blame("/s3/bucket", fmt.Sprintf("there is no bucket %s", s.Bucket),
			fmt.Sprintf("Check {/s3/bucket}, or make it: aws s3 mb s3://%s --region %s", s.Bucket, s.Region), nil)
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "TemporaryRedirect", "IllegalLocationConstraintException", "MovedPermanently":
		return probe.Blame("/s3/region", "the bucket "+s.Bucket+" is not in the region "+s.Region, "Set {/s3/region} to "+bucketRegion(err)+".", nil)
	case "InvalidBucketName":
		return probe.Blame("/s3/bucket", "the service does not take the bucket's name", "Check {/s3/bucket}, and {/s3/path_style}, which most stores other than Amazon's need.", nil)
	case "InvalidToken":
		return refused(api.StepAuthentication, "AWS does not take the session token", "Set session_token_wo again and change its version.")
	}
	return elsewhere("Amazon S3", "Check {/s3/region}, {/s3/endpoint} and {/s3/path_style}, which most stores other than Amazon's need.", errors.New(awsconfig.Says(silent(err))))
}

// bucketRegion is where the service says that a bucket is.
func bucketRegion(err error) string {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.Response == nil {
		return "the bucket's"
	}
	if region := answer.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
		return region
	}
	return "the bucket's"
}
