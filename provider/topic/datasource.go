package topic

import (
	"context"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewDataSource makes the data source headgate_topic.
func NewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[viewModel, viewed]{
		Type: "topic", Schema: viewSchema, What: (*viewModel).what, Where: (*viewModel).where, Get: view, Show: (*viewModel).showAll,
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
			"labels":              schema.MapAttribute{MarkdownDescription: "The labels that Headgate keeps for it.", Computed: true, ElementType: types.StringType},
			"deletion_protection": schema.BoolAttribute{MarkdownDescription: "Whether Headgate refuses to delete the topic.", Computed: true},
			"with_figures": schema.BoolAttribute{
				MarkdownDescription: "Whether to ask the brokers for `figures`, which takes a few requests more. Default: `false`.",
				Optional:            true,
			},
			"figures": schema.SingleNestedAttribute{
				MarkdownDescription: "How much is in it, how much comes, and where it is; null without `with_figures`. What is not known is null.",
				Computed:            true,
				Attributes:          kind.DataSourceAttributes(figureFields()),
			},
			"topic_id": schema.StringAttribute{MarkdownDescription: "The cluster's id of the topic.", Computed: true},
		},
	}
}

// viewModel is the model with what only the data source has.
type viewModel struct {
	model

	ConfigEffective types.Map    `tfsdk:"config_effective"`
	WithFigures     types.Bool   `tfsdk:"with_figures"`
	Figures         types.Object `tfsdk:"figures"`
}

// viewed is a topic with its figures, where they were asked for.
type viewed struct {
	topic   *api.Topic
	figures *api.TopicFigures
}

func figureFields() []spec.Field { return spec.FieldsOf(reflect.TypeFor[api.TopicFigures]()) }

func view(ctx context.Context, client *api.Client, m *viewModel) (*viewed, error) {
	var v viewed
	var err error
	if v.topic, err = client.GetTopic(ctx, m.ConnectionName.ValueString(), m.Name.ValueString()); err != nil {
		return nil, err
	}
	if m.WithFigures.ValueBool() {
		v.figures, err = client.GetTopicFigures(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
	}
	return &v, err
}

func (m *viewModel) showAll(v *viewed) error {
	fields := figureFields()
	m.Figures = types.ObjectNull(kind.AttrTypes(fields, kind.DataSource))
	if v.figures != nil {
		answer, err := kind.NewAnswer(v.figures, nil)
		if err != nil {
			return err
		}
		m.Figures = kind.Decode(fields, answer, m.Figures, kind.DataSource)
	}
	m.ConfigEffective = remote.TextMap(v.topic.ConfigEffective)
	return m.show(v.topic)
}

// show fills in everything, whether or not it is declared anywhere.
func (m *model) show(t *api.Topic) error {
	if err := m.flatten(t, true); err != nil {
		return err
	}
	m.Config = remote.TextMap(t.Config)
	m.Labels = remote.TextMap(t.Labels)
	m.Description = types.StringValue(t.Description)
	return nil
}
