package pulsartopic

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewDataSource makes the data source headgate_pulsar_topic.
func NewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[model, api.PulsarTopic]{
		Type: "pulsar_topic", Schema: viewSchema, What: (*model).what, Where: where, Get: get, Show: (*model).show,
	})
}

func viewSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A topic of Apache Pulsar that exists, whoever made it.",
		Attributes: map[string]schema.Attribute{
			"connection_name":     schema.StringAttribute{MarkdownDescription: "The connection of the cluster, of kind `pulsar`.", Required: true},
			"name":                schema.StringAttribute{MarkdownDescription: "The full name of the topic, such as `persistent://public/default/orders`.", Required: true},
			"partitions":          schema.Int64Attribute{MarkdownDescription: "The number of partitions; `0` for a topic that is not partitioned.", Computed: true},
			"retention":           schema.StringAttribute{MarkdownDescription: "How long messages are kept after they were acknowledged, in minutes, such as `10080m`, or `unlimited`; null where the Pulsar namespace's policy decides.", Computed: true},
			"retention_size":      schema.StringAttribute{MarkdownDescription: "How many bytes of acknowledged messages are kept, in MiB, such as `51200MiB`, or `unlimited`; null where the Pulsar namespace's policy decides.", Computed: true},
			"deletion_protection": schema.BoolAttribute{MarkdownDescription: "Whether Headgate refuses to delete the topic.", Computed: true},
		},
	}
}

// show fills in everything, whether or not it is declared anywhere.
func (m *model) show(t *api.PulsarTopic) error {
	m.Partitions, m.DeletionProtection = types.Int64Value(t.Partitions), types.BoolValue(t.DeletionProtection)
	m.Retention, m.RetentionSize = remote.TextOrNull(t.Retention), remote.TextOrNull(t.RetentionSize)
	return nil
}
