package connection

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type connectionDataSource struct {
	remote.DataSource
	kinds spec.Kinds
}

var _ datasource.DataSourceWithConfigure = &connectionDataSource{}

// NewDataSource makes the data source headgate_connection with the kinds that there are.
func NewDataSource(kinds spec.Kinds) datasource.DataSource {
	return &connectionDataSource{kinds: kinds}
}

func (d *connectionDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_connection"
}

func (d *connectionDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := kind.DataSourceBlocks(d.kinds)
	maps.Copy(attributes, map[string]schema.Attribute{
		"name":    schema.StringAttribute{MarkdownDescription: "The name of the connection.", Required: true},
		"kind":    schema.StringAttribute{MarkdownDescription: "Which kind of connection it is: the name of the block that is set.", Computed: true},
		clusterID: schema.StringAttribute{MarkdownDescription: clusterIDDoc, Computed: true},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "A connection that exists, without its secrets: of those only the versions are known.",
		Attributes:          attributes,
	}
}

func (d *connectionDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, ok := d.NeedClient(&resp.Diagnostics)
	if !ok {
		return
	}
	var name string
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &name)...)
	answer, err := client.GetConnection(ctx, name)
	if err != nil {
		written{name: name}.request("read").Error(&resp.Diagnostics, err)
		return
	}
	values, ok := blocks(ctx, d.kinds, answer, nil, kind.DataSource, &resp.Diagnostics)
	if !ok {
		return
	}
	values["name"] = types.StringValue(answer.Name)
	values["kind"] = types.StringValue(answer.Kind)
	values[clusterID] = remote.TextOrNull(answer.ClusterID)
	remote.SetAll(ctx, &resp.State, values, &resp.Diagnostics)
}
