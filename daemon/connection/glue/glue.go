// Package glue is the connection kind glue: its checks, its test, and the client made from it.
package glue

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "glue"

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	return awsconfig.Check(target.(*api.GlueConnection).Credentials, "/credentials")
}

// Warnings is empty: requests are signed, and the secret is never sent.
func (Kind) Warnings(any) []api.Warning { return nil }

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Test walks to the service, checks the credentials, and looks for the registry.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	c := target.(*api.GlueConnection)
	r := &probe.Recorder{Attribute: "/spec/region"}
	if c.Endpoint != "" {
		r.Attribute = "/spec/endpoint"
	}
	cfg, err := awsconfig.Config(ctx, c.Credentials, c.Region)
	if err != nil {
		awsconfig.Unavailable(ctx, r, err)
		return r.Result()
	}
	client := newClient(cfg, c)
	awsconfig.Service{
		URL: endpoint(ctx, c), Credentials: c.Credentials, Config: cfg, Name: "AWS Glue",
		Grant: "Allow glue:GetRegistry on the registry " + c.Registry + ".",
		Ask:   func(ctx context.Context) (string, error) { return registry(ctx, client, c) },
	}.Test(ctx, r)
	return r.Result()
}

func registry(ctx context.Context, client *glue.Client, c *api.GlueConnection) (string, error) {
	got, err := client.GetRegistry(ctx, &glue.GetRegistryInput{RegistryId: &types.RegistryId{RegistryName: aws.String(c.Registry)}})
	if _, missing := errors.AsType[*types.EntityNotFoundException](err); missing {
		return "", probe.Fail(fmt.Sprintf("there is no registry %s in %s", c.Registry, c.Region),
			fmt.Sprintf("Check registry and region, or make it: aws glue create-registry --registry-name %s --region %s", c.Registry, c.Region), nil)
	}
	if err != nil {
		return "", fmt.Errorf("look for the registry %s: %w", c.Registry, err)
	}
	return "AWS Glue answers: " + aws.ToString(got.RegistryArn), nil
}

// Client makes a client. Nothing is asked before its first request.
func Client(ctx context.Context, c *api.GlueConnection) (*glue.Client, error) {
	cfg, err := awsconfig.Config(ctx, c.Credentials, c.Region)
	if err != nil {
		return nil, err
	}
	return newClient(cfg, c), nil
}

func newClient(cfg aws.Config, c *api.GlueConnection) *glue.Client {
	return glue.NewFromConfig(cfg, func(o *glue.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
}

// endpoint is where the service is. The region's own is known to the SDK.
func endpoint(ctx context.Context, c *api.GlueConnection) string {
	if c.Endpoint != "" {
		return c.Endpoint
	}
	found, err := glue.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, glue.EndpointParameters{Region: aws.String(c.Region), UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false)})
	if err != nil {
		return "https://glue." + c.Region + ".amazonaws.com"
	}
	return found.URI.String()
}
