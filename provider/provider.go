// Package provider is Terraform's view of Headgate. It is thin: it converts, plans and explains, and speaks to the
// daemon only.
package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/acl"
	actions "github.com/headgate/terraform-provider-headgate/provider/action"
	"github.com/headgate/terraform-provider-headgate/provider/cluster"
	"github.com/headgate/terraform-provider-headgate/provider/connection"
	"github.com/headgate/terraform-provider-headgate/provider/connector"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	functions "github.com/headgate/terraform-provider-headgate/provider/function"
	"github.com/headgate/terraform-provider-headgate/provider/group"
	"github.com/headgate/terraform-provider-headgate/provider/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/provider/namespace"
	"github.com/headgate/terraform-provider-headgate/provider/pulsartopic"
	"github.com/headgate/terraform-provider-headgate/provider/quota"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
	registryschema "github.com/headgate/terraform-provider-headgate/provider/schema"
	"github.com/headgate/terraform-provider-headgate/provider/scramuser"
	"github.com/headgate/terraform-provider-headgate/provider/stream"
	"github.com/headgate/terraform-provider-headgate/provider/token"
	"github.com/headgate/terraform-provider-headgate/provider/topic"
)

// Environment variables that stand in for attributes that are not set.
const (
	EnvEndpoint      = "HEADGATE_ENDPOINT"
	EnvToken         = "HEADGATE_TOKEN"
	EnvCACertificate = "HEADGATE_CA_CERTIFICATE"
)

// typeNamePrefix is what the names of all types begin with.
const typeNamePrefix = "headgate"

type headgate struct {
	version string
	kinds   api.Kinds
	daemon  *remote.Daemon // nil before it is configured
}

func (p *headgate) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = typeNamePrefix
	resp.Version = p.version
}

func (p *headgate) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Declares event streaming: connections, Kafka topics with ACLs, users, quotas and consumer groups, namespaces, schemas, connectors that the Headgate daemon or Kafka Connect runs, Kinesis streams and Pulsar topics.",
		Attributes: map[string]schema.Attribute{
			"endpoint": schema.StringAttribute{
				MarkdownDescription: "The URL of the Headgate daemon, such as `https://headgate.internal:8443`. Needed, here or as `" + EnvEndpoint + "`.",
				Optional:            true,
			},
			"token": schema.StringAttribute{
				MarkdownDescription: "The token to show to the daemon. Or `" + EnvToken + "`. A daemon in dev mode needs none.",
				Optional:            true,
				Sensitive:           true,
			},
			"ca_certificate": schema.StringAttribute{
				MarkdownDescription: "PEM certificates of the authorities that the daemon's certificate is checked against, instead of the system's. Or `" + EnvCACertificate + "`.",
				Optional:            true,
			},
		},
	}
}

type model struct {
	Endpoint      types.String `tfsdk:"endpoint"`
	Token         types.String `tfsdk:"token"`
	CACertificate types.String `tfsdk:"ca_certificate"`
}

func (p *headgate) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if config.Endpoint.IsUnknown() || config.Token.IsUnknown() || config.CACertificate.IsUnknown() {
		p.use(remote.New(nil), resp)
		return
	}
	endpoint := or(config.Endpoint, EnvEndpoint)
	if endpoint == "" {
		resp.Diagnostics.AddAttributeError(path.Root("endpoint"), "Where is the Headgate daemon?",
			"Set the provider's endpoint, or the environment variable "+EnvEndpoint+", to the URL of the daemon, such as https://headgate.internal:8443. "+
				"To try things out, run headgated dev: it prints its URL.")
		return
	}
	cfg := api.ClientConfig{
		Endpoint:      endpoint,
		Token:         or(config.Token, EnvToken),
		CACertificate: or(config.CACertificate, EnvCACertificate),
		UserAgent:     fmt.Sprintf("terraform-provider-headgate/%s (terraform %s)", p.version, req.TerraformVersion),
	}
	client, err := api.NewClient(cfg)
	if err != nil {
		resp.Diagnostics.AddError("The provider's configuration is not valid", err.Error()+".")
		return
	}
	if greet(ctx, cfg, &resp.Diagnostics); resp.Diagnostics.HasError() {
		return
	}
	p.use(remote.New(client), resp)
}

// greetLimit bounds how long a daemon is waited for that does not answer.
const greetLimit = 5 * time.Second

// greet finds a wrong token, scheme or authority once, in place of once for every resource. An outage is none of its
// business: it may be over when a resource is asked for, and resources that need no daemon do without it.
func greet(ctx context.Context, cfg api.ClientConfig, diags *diag.Diagnostics) {
	cfg.Retries = -1
	client, err := api.NewClient(cfg)
	if err != nil {
		return
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, greetLimit)
	defer cancel()
	_, err = client.Version(ctx)
	var unreachable *api.UnreachableError
	if api.HasCode(err, api.CodeUnauthorized) || errors.As(err, &unreachable) && unreachable.Misconfigured() {
		explain.Request{Doing: "speak to the daemon"}.Error(diags, err)
	}
}

func (p *headgate) use(daemon *remote.Daemon, resp *provider.ConfigureResponse) {
	p.daemon = daemon
	resp.ResourceData, resp.DataSourceData, resp.ListResourceData, resp.EphemeralResourceData, resp.ActionData = daemon, daemon, daemon, daemon, daemon
}

func or(value types.String, variable string) string {
	if value.ValueString() != "" {
		return value.ValueString()
	}
	return os.Getenv(variable)
}

func (p *headgate) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		func() resource.Resource { return connection.NewResource(p.kinds.Connections) },
		topic.NewResource,
		stream.NewResource,
		pulsartopic.NewResource,
		namespace.NewResource,
		registryschema.NewResource,
		registryschema.NewSettingsResource,
		acl.NewResource,
		scramuser.NewResource,
		quota.NewResource,
		group.NewOffsetsResource,
		func() resource.Resource { return connector.NewSourceResource(p.kinds.Sources) },
		kafkaconnect.NewResource,
	}
}

// ListResources lists what can be imported, for terraform query.
func (p *headgate) ListResources(ctx context.Context) []func() list.ListResource {
	return remote.ListResources(p.Resources(ctx))
}

// EphemeralResources lists what is in no plan and no state.
func (p *headgate) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{token.NewEphemeral}
}

// Actions lists what Terraform 1.14 and later can have done.
func (p *headgate) Actions(context.Context) []func() action.Action {
	return []func() action.Action{actions.NewRestartConnector, group.NewResetAction}
}

// Functions lists the functions.
func (p *headgate) Functions(context.Context) []func() function.Function { return functions.All() }

func (p *headgate) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		func() datasource.DataSource { return connection.NewDataSource(p.kinds.Connections) },
		connection.NewTestDataSource,
		topic.NewDataSource,
		topic.NewAllDataSource,
		topic.NewPreviewDataSource,
		stream.NewDataSource,
		pulsartopic.NewDataSource,
		namespace.NewDataSource,
		namespace.NewAllDataSource,
		registryschema.NewDataSource,
		group.NewDataSource,
		group.NewListDataSource,
		cluster.NewDataSource,
		cluster.NewBrokersDataSource,
		registryschema.NewVersionsDataSource,
		registryschema.NewListDataSource,
		func() datasource.DataSource { return connector.NewSourceDataSource(p.kinds.Sources) },
		kafkaconnect.NewDataSource,
		kafkaconnect.NewListDataSource,
		kafkaconnect.NewPluginsDataSource,
	}
}
