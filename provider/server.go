package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/topicset"
)

// frameworkServer is what the plugin framework serves.
type frameworkServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
}

// server serves everything by the plugin framework, but for resources that hold too much for it.
type server struct {
	frameworkServer
	provider *headgate
	large    map[string]*topicset.Resource
}

// Server makes what Terraform speaks to: the provider of a version, with the kinds that there are.
func Server(version string, kinds api.Kinds) func() tfprotov6.ProviderServer {
	return func() tfprotov6.ProviderServer {
		p := &headgate{version: version, kinds: kinds}
		framework, ok := serve(p).(frameworkServer)
		if !ok { // only another version of the framework could do less
			return serve(p)
		}
		return &server{frameworkServer: framework, provider: p, large: map[string]*topicset.Resource{topicset.TypeName: {}}}
	}
}

func serve(p provider.Provider) tfprotov6.ProviderServer { return providerserver.NewProtocol6(p)() }

func (s *server) resource(typeName string) tfprotov6.ResourceServer {
	if r, ok := s.large[typeName]; ok {
		return r
	}
	return s.frameworkServer
}

func (s *server) GetMetadata(ctx context.Context, req *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	resp, err := s.frameworkServer.GetMetadata(ctx, req)
	if err == nil {
		resp.Resources = append(resp.Resources, tfprotov6.ResourceMetadata{TypeName: topicset.TypeName})
	}
	return resp, err
}

func (s *server) GetProviderSchema(ctx context.Context, req *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	resp, err := s.frameworkServer.GetProviderSchema(ctx, req)
	if err == nil {
		resp.ResourceSchemas[topicset.TypeName] = topicset.Schema()
	}
	return resp, err
}

func (s *server) GetResourceIdentitySchemas(ctx context.Context, req *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	resp, err := s.frameworkServer.GetResourceIdentitySchemas(ctx, req)
	if err == nil {
		resp.IdentitySchemas[topicset.TypeName] = topicset.IdentitySchema()
	}
	return resp, err
}

func (s *server) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	resp, err := s.frameworkServer.ConfigureProvider(ctx, req)
	for _, r := range s.large {
		r.Use(s.provider.daemon)
	}
	return resp, err
}

func (s *server) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp, err := s.resource(req.TypeName).ValidateResourceConfig(ctx, req)
	if err == nil {
		resp.Diagnostics = worded(ctx, s.provider.resourceSchema, req.TypeName, req.Config, resp.Diagnostics)
	}
	return resp, err
}

func (s *server) ValidateDataResourceConfig(ctx context.Context, req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	resp, err := s.frameworkServer.ValidateDataResourceConfig(ctx, req)
	if err == nil {
		resp.Diagnostics = worded(ctx, s.provider.dataSourceSchema, req.TypeName, req.Config, resp.Diagnostics)
	}
	return resp, err
}

func (s *server) ValidateEphemeralResourceConfig(ctx context.Context, req *tfprotov6.ValidateEphemeralResourceConfigRequest) (*tfprotov6.ValidateEphemeralResourceConfigResponse, error) {
	resp, err := s.frameworkServer.ValidateEphemeralResourceConfig(ctx, req)
	if err == nil {
		resp.Diagnostics = worded(ctx, s.provider.ephemeralSchema, req.TypeName, req.Config, resp.Diagnostics)
	}
	return resp, err
}

func (s *server) ValidateActionConfig(ctx context.Context, req *tfprotov6.ValidateActionConfigRequest) (*tfprotov6.ValidateActionConfigResponse, error) {
	resp, err := s.frameworkServer.ValidateActionConfig(ctx, req)
	if err == nil {
		resp.Diagnostics = worded(ctx, s.provider.actionSchema, req.ActionType, req.Config, resp.Diagnostics)
	}
	return resp, err
}

func (s *server) UpgradeResourceState(ctx context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return s.resource(req.TypeName).UpgradeResourceState(ctx, req)
}

func (s *server) UpgradeResourceIdentity(ctx context.Context, req *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return s.resource(req.TypeName).UpgradeResourceIdentity(ctx, req)
}

func (s *server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return s.resource(req.TypeName).ReadResource(ctx, req)
}

func (s *server) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := s.resource(req.TypeName).PlanResourceChange(ctx, req)
	if err == nil { // a value that was not known when the configuration was validated
		resp.Diagnostics = worded(ctx, s.provider.resourceSchema, req.TypeName, req.Config, resp.Diagnostics)
	}
	return resp, err
}

func (s *server) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return s.resource(req.TypeName).ApplyResourceChange(ctx, req)
}

func (s *server) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	return s.resource(req.TypeName).ImportResourceState(ctx, req)
}

func (s *server) MoveResourceState(ctx context.Context, req *tfprotov6.MoveResourceStateRequest) (*tfprotov6.MoveResourceStateResponse, error) {
	return s.resource(req.TargetTypeName).MoveResourceState(ctx, req)
}

func (s *server) GenerateResourceConfig(ctx context.Context, req *tfprotov6.GenerateResourceConfigRequest) (*tfprotov6.GenerateResourceConfigResponse, error) {
	return s.resource(req.TypeName).GenerateResourceConfig(ctx, req)
}
