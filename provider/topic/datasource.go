package topic

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type topicDataSource struct {
	remote.DataSource
}

var _ datasource.DataSourceWithConfigure = &topicDataSource{}

// NewDataSource makes the data source headgate_topic.
func NewDataSource() datasource.DataSource { return &topicDataSource{} }

func (d *topicDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_topic"
}

func (d *topicDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Kafka topic that exists, whoever made it.",
		Attributes: map[string]schema.Attribute{
			"connection_name":     schema.StringAttribute{MarkdownDescription: "The connection of the cluster.", Required: true},
			"name":                schema.StringAttribute{MarkdownDescription: "The name of the topic.", Required: true},
			"partitions":          schema.Int64Attribute{MarkdownDescription: "The number of partitions.", Computed: true},
			"replication_factor":  schema.Int64Attribute{MarkdownDescription: "The number of replicas of each partition; the smallest where they differ.", Computed: true},
			"retention":           schema.StringAttribute{MarkdownDescription: "How long records are kept, such as `36h`, or `unlimited`.", Computed: true},
			"config":              schema.MapAttribute{MarkdownDescription: "The configs that are set on the topic itself.", Computed: true, ElementType: types.StringType},
			"config_effective":    schema.MapAttribute{MarkdownDescription: "All configs in force, those of the broker and Kafka's defaults included.", Computed: true, ElementType: types.StringType},
			"description":         schema.StringAttribute{MarkdownDescription: "What is in it, for people.", Computed: true},
			"labels":              schema.MapAttribute{MarkdownDescription: "Labels.", Computed: true, ElementType: types.StringType},
			"deletion_protection": schema.BoolAttribute{MarkdownDescription: "Whether Headgate refuses to delete the topic.", Computed: true},
			"topic_id":            schema.StringAttribute{MarkdownDescription: "The cluster's id of the topic.", Computed: true},
		},
	}
}

func (d *topicDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, ok := d.NeedClient(&resp.Diagnostics)
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	answer, err := client.GetTopic(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
	if err != nil {
		m.request("read").Error(&resp.Diagnostics, err)
		return
	}
	m.view(answer)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// view shows everything, whether or not it is declared anywhere.
func (m *model) view(t *api.Topic) {
	m.flatten(t)
	m.Config = stringMap(t.Config)
	m.Labels = stringMap(t.Labels)
	m.Description = types.StringValue(t.Description)
}
