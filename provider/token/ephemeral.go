// Package token is Terraform's view of short-lived tokens.
package token

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type tokenEphemeral struct {
	remote.Resource
}

var _ ephemeral.EphemeralResourceWithConfigure = &tokenEphemeral{}

// NewEphemeral makes the ephemeral resource headgate_token.
func NewEphemeral() ephemeral.EphemeralResource { return &tokenEphemeral{} }

type model struct {
	Description types.String `tfsdk:"description"`
	Lifetime    types.String `tfsdk:"lifetime"`
	Token       types.String `tfsdk:"token"`
	TokenID     types.String `tfsdk:"token_id"`
	ExpiresAt   types.String `tfsdk:"expires_at"`
}

func (e *tokenEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_token"
}

// Configure takes over what the provider was configured with.
func (e *tokenEphemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, _ *ephemeral.ConfigureResponse) {
	e.Use(req.ProviderData)
}

func (e *tokenEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A short-lived token of the Headgate daemon, for another provider or a job. It is made anew in every plan and apply, is in no plan and no state, " +
			"and is not revoked when Terraform is done: it stays good until it expires. A short-lived token cannot make others, so the provider itself needs a token that the daemon was started with.",
		Attributes: map[string]schema.Attribute{
			"description": schema.StringAttribute{MarkdownDescription: "What it is for, for people; at most 200 characters.", Optional: true},
			"lifetime":    schema.StringAttribute{MarkdownDescription: "How long it is good for, such as `1h`; from `1s` to `24h`. Default: `15m`.", Optional: true},
			"token":       schema.StringAttribute{MarkdownDescription: "The token.", Computed: true, Sensitive: true},
			"token_id":    schema.StringAttribute{MarkdownDescription: "What the daemon calls it when it is listed or revoked; no secret.", Computed: true},
			"expires_at":  schema.StringAttribute{MarkdownDescription: "From when on it is worth nothing, as an RFC 3339 time.", Computed: true},
		},
	}
}

func (e *tokenEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	client, ok := e.NeedClient(&resp.Diagnostics)
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	issued, err := client.IssueToken(ctx, api.TokenRequest{Description: m.Description.ValueString(), Lifetime: spec.Duration(m.Lifetime.ValueString())})
	if err != nil {
		explain.Request{Doing: "make a short-lived token", Where: where}.Error(&resp.Diagnostics, err)
		return
	}
	m.Token = types.StringValue(issued.Secret)
	m.TokenID = types.StringValue(issued.ID)
	m.ExpiresAt = types.StringValue(issued.ExpiresAt.Format("2006-01-02T15:04:05Z07:00"))
	resp.Diagnostics.Append(resp.Result.Set(ctx, &m)...)
}

func where(pointer string) path.Path {
	switch pointer {
	case "/lifetime":
		return path.Root("lifetime")
	case "/description":
		return path.Root("description")
	}
	return path.Empty()
}
