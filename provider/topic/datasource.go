package topic

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewDataSource makes the data source headgate_topic.
func NewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[model, api.Topic]{
		Type: "topic", Schema: viewSchema, What: (*model).what, Where: (*model).where, Get: view, Show: (*model).show,
	})
}

func viewSchema(context.Context) schema.Schema {
	return schema.Schema{
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

func view(ctx context.Context, client *api.Client, m *model) (*api.Topic, error) {
	return client.GetTopic(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
}

// show fills in everything, whether or not it is declared anywhere.
func (m *model) show(t *api.Topic) error {
	if err := m.flatten(t, true); err != nil {
		return err
	}
	m.Config = stringMap(t.Config)
	m.Labels = stringMap(t.Labels)
	m.Description = types.StringValue(t.Description)
	return nil
}
