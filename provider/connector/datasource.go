package connector

import (
	"context"
	"maps"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type sourceDataSource struct {
	remote.DataSource
	kinds spec.Kinds
}

var _ datasource.DataSourceWithConfigure = &sourceDataSource{}

// NewSourceDataSource makes the data source headgate_source_connector with the kinds that there are.
func NewSourceDataSource(kinds spec.Kinds) datasource.DataSource {
	return &sourceDataSource{kinds: kinds}
}

func (d *sourceDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_source_connector"
}

func fullStatus() []spec.Field { return spec.FieldsOf(reflect.TypeFor[api.ConnectorStatus]()) }

func (d *sourceDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := kind.DataSourceBlocks(d.kinds)
	maps.Copy(attributes, kind.DataSourceAttributes(settings()))
	maps.Copy(attributes, map[string]schema.Attribute{
		"name":   schema.StringAttribute{MarkdownDescription: "The name of the connector.", Required: true},
		"kind":   schema.StringAttribute{MarkdownDescription: "What it reads: the name of the block that is set.", Computed: true},
		"status": schema.SingleNestedAttribute{MarkdownDescription: "What is really happening.", Computed: true, Attributes: kind.DataSourceAttributes(fullStatus())},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "A source connector that the daemon hosts, with its full status: every instance, its counters and errors, and how far it is behind.",
		Attributes:          attributes,
	}
}

func (d *sourceDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, ok := d.NeedClient(&resp.Diagnostics)
	var name string
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &name)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	request := written{name: name}.request("read")
	connector, err := client.GetConnector(ctx, name)
	if err != nil {
		request.Error(&resp.Diagnostics, err)
		return
	}
	values, ok := declared(ctx, d.kinds, connector, nil, kind.DataSource, &resp.Diagnostics)
	if !ok {
		return
	}
	full, err := kind.NewAnswer(connector.Status, nil)
	if err != nil {
		request.Error(&resp.Diagnostics, err)
		return
	}
	values["kind"] = types.StringValue(connector.Kind)
	values["status"] = kind.Decode(fullStatus(), full, types.Object{}, kind.DataSource)
	remote.SetAll(ctx, &resp.State, values, &resp.Diagnostics)
}
