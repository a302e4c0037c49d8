// Package kinesis is the connection kind kinesis: its checks, its test, and the client made from it.
package kinesis

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "kinesis"

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	return awsconfig.Check(target.(*api.KinesisConnection).Credentials, "/credentials")
}

// Warnings is empty: requests are signed, and the secret is never sent.
func (Kind) Warnings(any) []api.Warning { return nil }

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Test walks to the service, checks the credentials, and lists a stream. Rights on single streams may be all that there
// are: that streams may not be listed is a warning.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	c := target.(*api.KinesisConnection)
	r := &probe.Recorder{Attribute: addressField(c.Endpoint)}
	client, err := Client(ctx, c)
	if err != nil {
		awsconfig.Unavailable(ctx, r, err)
		return r.Result()
	}
	var denied error
	awsconfig.Service{
		URL: endpoint(ctx, c), Credentials: c.Credentials, Config: client.cfg, Name: "Amazon Kinesis",
		Grant: "Allow kinesis:ListStreams on all resources, or ignore this when the rights are meant for some streams only.",
		Ask: func(ctx context.Context) (string, error) {
			got, err := client.ListStreams(ctx, &kinesis.ListStreamsInput{Limit: aws.Int32(1)})
			if err != nil {
				denied = err
				return "", fmt.Errorf("list streams: %w", err)
			}
			return streams(got), nil
		},
	}.Test(ctx, r)
	if awsconfig.IsDenied(denied) {
		r.Forgive()
	}
	return r.Result()
}

func streams(got *kinesis.ListStreamsOutput) string {
	if len(got.StreamNames) == 0 {
		return "Amazon Kinesis answers; there are no streams"
	}
	return "Amazon Kinesis answers; there are streams"
}

func addressField(endpoint string) string {
	if endpoint != "" {
		return "/spec/endpoint"
	}
	return "/spec/region"
}

// API is a client of the service.
type API struct {
	*kinesis.Client

	cfg aws.Config
}

// Client makes a client. Nothing is asked before its first request.
func Client(ctx context.Context, c *api.KinesisConnection) (*API, error) {
	cfg, err := awsconfig.Config(ctx, c.Credentials, c.Region)
	if err != nil {
		return nil, err
	}
	client := kinesis.NewFromConfig(cfg, func(o *kinesis.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
	return &API{Client: client, cfg: cfg}, nil
}

// endpoint is where the service is. The region's own is known to the SDK.
func endpoint(ctx context.Context, c *api.KinesisConnection) string {
	if c.Endpoint != "" {
		return c.Endpoint
	}
	found, err := kinesis.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, kinesis.EndpointParameters{Region: aws.String(c.Region), UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false)})
	if err != nil {
		return "https://kinesis." + c.Region + ".amazonaws.com"
	}
	return found.URI.String()
}
