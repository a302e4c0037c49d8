package stream

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewDataSource makes the data source headgate_stream.
func NewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[viewModel, api.Stream]{
		Type: "stream", Schema: viewSchema, What: (*viewModel).what, Where: (*viewModel).where, Get: view, Show: (*viewModel).show,
	})
}

func viewSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A stream of Amazon Kinesis Data Streams that exists, whoever made it.",
		Attributes: map[string]schema.Attribute{
			"connection_name":     schema.StringAttribute{MarkdownDescription: "The connection of the region, of kind `kinesis`.", Required: true},
			"name":                schema.StringAttribute{MarkdownDescription: "The name of the stream, or its ARN, which must be in the connection's region and account.", Required: true},
			"mode":                schema.StringAttribute{MarkdownDescription: "Who decides how many shards there are: AWS, by what is written (`ON_DEMAND`), or its owner (`PROVISIONED`).", Computed: true},
			"open_shards":         schema.Int64Attribute{MarkdownDescription: "How many shards take records. With mode `ON_DEMAND` AWS changes it.", Computed: true},
			"retention":           schema.StringAttribute{MarkdownDescription: "How long records are kept, in hours, such as `24h`.", Computed: true},
			"kms_key_id":          schema.StringAttribute{MarkdownDescription: "The key that records are encrypted with at rest; null where they are not.", Computed: true},
			"tags":                schema.MapAttribute{MarkdownDescription: "All tags of the stream.", Computed: true, ElementType: types.StringType},
			"deletion_protection": schema.BoolAttribute{MarkdownDescription: "Whether Headgate refuses to delete the stream.", Computed: true},
			"arn":                 schema.StringAttribute{MarkdownDescription: "The stream's Amazon resource name.", Computed: true},
			"status":              schema.StringAttribute{MarkdownDescription: "What AWS says of it: `CREATING`, `UPDATING`, `DELETING` or `ACTIVE`.", Computed: true},
		},
	}
}

// viewModel is a stream as it is, whatever is declared of it.
type viewModel struct {
	ConnectionName     types.String `tfsdk:"connection_name"`
	Name               types.String `tfsdk:"name"`
	Mode               types.String `tfsdk:"mode"`
	OpenShards         types.Int64  `tfsdk:"open_shards"`
	Retention          types.String `tfsdk:"retention"`
	KMSKeyID           types.String `tfsdk:"kms_key_id"`
	Tags               types.Map    `tfsdk:"tags"`
	DeletionProtection types.Bool   `tfsdk:"deletion_protection"`
	ARN                types.String `tfsdk:"arn"`
	Status             types.String `tfsdk:"status"`
}

func (m *viewModel) what() string { return (&model{Name: m.Name}).what() }

func (*viewModel) where(pointer string) path.Path { return (&model{}).where(pointer) }

func view(ctx context.Context, client *api.Client, m *viewModel) (*api.Stream, error) {
	return client.GetStream(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
}

func (m *viewModel) show(s *api.Stream) error {
	m.Mode, m.Status, m.ARN = types.StringValue(s.Mode), types.StringValue(s.Status), types.StringValue(s.ARN)
	m.OpenShards, m.Retention = types.Int64Value(s.OpenShards), types.StringValue(string(s.Retention))
	m.KMSKeyID, m.Tags = remote.TextOrNull(s.KMSKeyID), remote.TextMap(s.Tags)
	m.DeletionProtection = types.BoolValue(s.DeletionProtection)
	return nil
}
