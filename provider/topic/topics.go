package topic

import (
	"context"
	"fmt"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// listed is a topic as headgate_topics shows it.
type listed struct {
	Name               string            `json:"name" doc:"The name of the topic."`
	Partitions         int64             `json:"partitions" doc:"The number of partitions."`
	ReplicationFactor  int64             `json:"replication_factor" doc:"The number of replicas of each partition; the smallest where they differ."`
	Retention          string            `json:"retention" doc:"How long records are kept, such as '36h', or 'unlimited'."`
	Config             map[string]string `json:"config" doc:"The configs that are set on the topic itself."`
	Description        string            `json:"description" doc:"What is in it, for people."`
	Labels             map[string]string `json:"labels" doc:"The labels that Headgate keeps for it."`
	DeletionProtection bool              `json:"deletion_protection" doc:"Whether Headgate refuses to delete the topic."`
	TopicID            string            `json:"topic_id" doc:"The cluster's id of the topic."`
}

func listedFields() []spec.Field { return spec.FieldsOf(reflect.TypeFor[listed]()) }

type topicsModel struct {
	ConnectionName types.String `tfsdk:"connection_name"`
	Prefix         types.String `tfsdk:"prefix"`
	Pattern        types.String `tfsdk:"pattern"`
	Namespace      types.String `tfsdk:"namespace"`
	Names          types.List   `tfsdk:"names"`
	Topics         types.List   `tfsdk:"topics"`
}

// found is what was found, and what was left out.
type found struct {
	topics   []api.Topic
	warnings []api.Warning
}

// NewAllDataSource makes the data source headgate_topics.
func NewAllDataSource() datasource.DataSource {
	return remote.NewView(remote.View[topicsModel, found]{
		Type: "topics", Schema: topicsSchema, Get: find, Show: (*topicsModel).show,
		What: func(m *topicsModel) string {
			return fmt.Sprintf("the topics of connection %q", m.ConnectionName.ValueString())
		},
		Where: func(_ *topicsModel, pointer string) path.Path {
			if pointer == "/pattern" || pointer == "/namespace" {
				return path.Root(pointer[1:])
			}
			return path.Empty()
		},
		Warnings: func(f *found) []api.Warning { return f.warnings },
	})
}

func topicsSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "The topics of a cluster, whoever made them; those that the cluster keeps for itself are left out. A topic that the connection's user may not read is left out with a warning.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{MarkdownDescription: "The connection of the cluster.", Required: true},
			"prefix":          schema.StringAttribute{MarkdownDescription: "Only topics whose names begin with it. Default: all.", Optional: true},
			"pattern":         schema.StringAttribute{MarkdownDescription: "Only topics whose whole names match this regular expression (RE2). Default: all.", Optional: true},
			"namespace":       schema.StringAttribute{MarkdownDescription: "Only topics of this namespace. Default: all.", Optional: true},
			"names":           schema.ListAttribute{MarkdownDescription: "The names of the topics, in order.", Computed: true, ElementType: types.StringType},
			"topics": schema.ListNestedAttribute{
				MarkdownDescription: "The topics, by name.", Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: kind.DataSourceAttributes(listedFields())},
			},
		},
	}
}

func find(ctx context.Context, client *api.Client, m *topicsModel) (*found, error) {
	q := api.TopicQuery{Prefix: m.Prefix.ValueString(), Pattern: m.Pattern.ValueString(), Namespace: m.Namespace.ValueString(), Effective: []string{api.RetentionConfig}}
	f := &found{}
	all, err := remote.All(func(cursor string) (*api.Page[api.Topic], error) {
		page, err := client.ListTopics(ctx, m.ConnectionName.ValueString(), q, cursor)
		if err == nil {
			f.warnings = append(f.warnings, page.Warnings...)
		}
		return page, err
	})
	if err != nil {
		return nil, err
	}
	f.topics = *all
	return f, nil
}

func (m *topicsModel) show(f *found) error {
	fields := listedFields()
	object := types.ObjectType{AttrTypes: kind.AttrTypes(fields, kind.DataSource)}
	names, topics := []attr.Value{}, []attr.Value{}
	for _, t := range f.topics {
		answer, err := kind.NewAnswer(listed{
			Name: t.Name, Partitions: t.Partitions, ReplicationFactor: t.ReplicationFactor, Retention: spec.RetentionText(t.InForce(api.RetentionConfig)),
			Config: t.Config, Description: t.Description, Labels: t.Labels, DeletionProtection: t.DeletionProtection, TopicID: t.ID,
		}, nil)
		if err != nil {
			return err
		}
		names = append(names, types.StringValue(t.Name))
		topics = append(topics, kind.Decode(fields, answer, types.ObjectNull(object.AttrTypes), kind.DataSource))
	}
	m.Names = types.ListValueMust(types.StringType, names)
	m.Topics = types.ListValueMust(object, topics)
	return nil
}
