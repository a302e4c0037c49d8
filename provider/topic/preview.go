package topic

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// previewDefault is how many records are shown unless told otherwise.
const previewDefault = 10

type previewDataSource struct {
	remote.DataSource
}

var _ datasource.DataSourceWithConfigure = &previewDataSource{}

// NewPreviewDataSource makes the data source headgate_topic_preview.
func NewPreviewDataSource() datasource.DataSource { return &previewDataSource{} }

func (d *previewDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_topic_preview"
}

func previewFields() []spec.Field { return spec.FieldsOf(reflect.TypeFor[api.Preview]()) }

func (d *previewDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := kind.DataSourceAttributes(previewFields())
	maps.Copy(attributes, map[string]schema.Attribute{
		"connection_name": schema.StringAttribute{MarkdownDescription: "The connection of the cluster.", Required: true},
		"name":            schema.StringAttribute{MarkdownDescription: "The name of the topic.", Required: true},
		"last": schema.Int64Attribute{
			MarkdownDescription: "How many of the newest records to show, over all partitions. From 1 to 1,000. Default: `10`.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 1000)},
		},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "The newest records of a topic, decoded where the connection names a schema registry. The records end up in Terraform's state: do not preview what must not be there.",
		Attributes:          attributes,
	}
}

func (d *previewDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, ok := d.NeedClient(&resp.Diagnostics)
	var connection, name types.String
	var last types.Int64
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("connection_name"), &connection)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &name)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("last"), &last)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	options := api.PreviewOptions{Last: previewDefault}
	if !last.IsNull() {
		options.Last = int(last.ValueInt64())
	}
	request := explain.Request{Doing: fmt.Sprintf("preview topic %q", name.ValueString()), Where: remote.ConnectionOr(&model{}, (*model).where)}
	preview, err := client.PreviewTopic(ctx, connection.ValueString(), name.ValueString(), options)
	if err != nil {
		request.Error(&resp.Diagnostics, err)
		return
	}
	answer, err := kind.NewAnswer(preview, nil)
	if err != nil {
		request.Error(&resp.Diagnostics, err)
		return
	}
	values := map[string]attr.Value{"connection_name": connection, "name": name, "last": last}
	maps.Copy(values, kind.Decode(previewFields(), answer, types.Object{}, kind.DataSource).Attributes())
	remote.SetAll(ctx, &resp.State, values, &resp.Diagnostics)
}
