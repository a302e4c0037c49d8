// Package group is Terraform's view of the consumer groups of Kafka clusters.
package group

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type groupModel struct {
	Name       types.String  `tfsdk:"name"`
	Protocol   types.String  `tfsdk:"protocol"`
	State      types.String  `tfsdk:"state"`
	Lag        types.Int64   `tfsdk:"lag"`
	LagSeconds types.Float64 `tfsdk:"lag_seconds"`
	Members    []memberModel `tfsdk:"members"`
	Offsets    []offsetModel `tfsdk:"offsets"`
}

type memberModel struct {
	ID          types.String      `tfsdk:"id"`
	InstanceID  types.String      `tfsdk:"instance_id"`
	ClientID    types.String      `tfsdk:"client_id"`
	Host        types.String      `tfsdk:"host"`
	Assignments []assignmentModel `tfsdk:"assignments"`
}

type assignmentModel struct {
	Topic      types.String  `tfsdk:"topic"`
	Partitions []types.Int64 `tfsdk:"partitions"`
}

type offsetModel struct {
	Topic       types.String  `tfsdk:"topic"`
	Partition   types.Int64   `tfsdk:"partition"`
	Committed   types.Int64   `tfsdk:"committed"`
	Earliest    types.Int64   `tfsdk:"earliest"`
	Latest      types.Int64   `tfsdk:"latest"`
	Lag         types.Int64   `tfsdk:"lag"`
	LagSeconds  types.Float64 `tfsdk:"lag_seconds"`
	Approximate types.Bool    `tfsdk:"approximate"`
}

// groupAttributes describe a group; the name is what a single one is read by.
func groupAttributes(name schema.StringAttribute) map[string]schema.Attribute {
	text := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: doc, Computed: true}
	}
	number := func(doc string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: doc, Computed: true}
	}
	seconds := func(doc string) schema.Float64Attribute {
		return schema.Float64Attribute{MarkdownDescription: doc, Computed: true}
	}
	return map[string]schema.Attribute{
		"name":        name,
		"protocol":    text("`classic`, or `consumer` for the newer protocol (KIP-848)."),
		"state":       text("The state in Kafka's words, such as `Stable` or `Empty`."),
		"lag":         number("How many records are still to be read, over all partitions with a committed offset. Null when that is not known of one of them, or there is none."),
		"lag_seconds": seconds("For how many seconds the oldest record that is still to be read has been waiting, by its timestamp. `0` when nothing waits; null when it is not known."),
		"members": schema.ListNestedAttribute{
			MarkdownDescription: "Who is in it.", Computed: true,
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"id":          text("The id that Kafka gave it."),
				"instance_id": text("The id of a static member; null for others."),
				"client_id":   text("The id that the client gives itself."),
				"host":        text("Where it connects from."),
				"assignments": schema.ListNestedAttribute{
					MarkdownDescription: "What it reads.", Computed: true,
					NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
						"topic":      text("The topic."),
						"partitions": schema.ListAttribute{MarkdownDescription: "The partitions, in order.", Computed: true, ElementType: types.Int64Type},
					}},
				},
			}},
		},
		"offsets": schema.ListNestedAttribute{
			MarkdownDescription: "How far it is in each partition that it has committed an offset of, or that a member has.", Computed: true,
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"topic":       text("The topic."),
				"partition":   number("The partition."),
				"committed":   number("The offset of the next record to read; null when none is committed."),
				"earliest":    number("The offset of the first record that is still there; null when it is not known, as when the topic is gone."),
				"latest":      number("The offset that the next record gets; null when it is not known."),
				"lag":         number("How many offsets are still to be read, without those that retention has removed; null when it is not known."),
				"lag_seconds": seconds("For how many seconds the next record to read has been waiting, by its timestamp. `0` when nothing waits; null when it is not known."),
				"approximate": schema.BoolAttribute{MarkdownDescription: "Whether there may be fewer records than `lag` says, because compaction removes records and leaves their offsets.", Computed: true},
			}},
		},
	}
}

func (m *groupModel) show(g *api.ConsumerGroup) {
	*m = groupModel{
		Name: types.StringValue(g.Name), Protocol: types.StringValue(g.Protocol), State: types.StringValue(g.State),
		Lag: types.Int64PointerValue(g.Lag), LagSeconds: types.Float64PointerValue(g.LagSeconds), Members: []memberModel{}, Offsets: []offsetModel{},
	}
	for _, one := range g.Members {
		member := memberModel{
			ID: types.StringValue(one.ID), InstanceID: types.StringNull(), ClientID: types.StringValue(one.ClientID), Host: types.StringValue(one.Host), Assignments: []assignmentModel{},
		}
		if one.InstanceID != "" {
			member.InstanceID = types.StringValue(one.InstanceID)
		}
		for _, a := range one.Assignments {
			assignment := assignmentModel{Topic: types.StringValue(a.Topic), Partitions: []types.Int64{}}
			for _, p := range a.Partitions {
				assignment.Partitions = append(assignment.Partitions, types.Int64Value(p))
			}
			member.Assignments = append(member.Assignments, assignment)
		}
		m.Members = append(m.Members, member)
	}
	for _, o := range g.Offsets {
		m.Offsets = append(m.Offsets, offsetModel{
			Topic: types.StringValue(o.Topic), Partition: types.Int64Value(o.Partition), Committed: types.Int64PointerValue(o.Committed),
			Earliest: types.Int64PointerValue(o.Earliest), Latest: types.Int64PointerValue(o.Latest),
			Lag: types.Int64PointerValue(o.Lag), LagSeconds: types.Float64PointerValue(o.LagSeconds), Approximate: types.BoolValue(o.Approximate),
		})
	}
}

type oneModel struct {
	ConnectionName types.String `tfsdk:"connection_name"`
	groupModel
}

// NewDataSource makes the data source headgate_consumer_group.
func NewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[oneModel, api.ConsumerGroup]{
		Type: "consumer_group",
		Schema: func(context.Context) schema.Schema {
			attributes := groupAttributes(schema.StringAttribute{MarkdownDescription: "The name of the group.", Required: true})
			attributes["connection_name"] = schema.StringAttribute{MarkdownDescription: "The connection of the cluster.", Required: true}
			return schema.Schema{MarkdownDescription: "A consumer group: who is in it, what they read, and how far behind they are, in records and in seconds.", Attributes: attributes}
		},
		What: func(m *oneModel) string { return fmt.Sprintf("consumer group %q", m.Name.ValueString()) },
		Get: func(ctx context.Context, client *api.Client, m *oneModel) (*api.ConsumerGroup, error) {
			return client.GetConsumerGroup(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
		},
		Show: func(m *oneModel, g *api.ConsumerGroup) error { m.show(g); return nil },
	})
}

type listModel struct {
	ConnectionName types.String `tfsdk:"connection_name"`
	Prefix         types.String `tfsdk:"prefix"`
	State          types.String `tfsdk:"state"`
	Groups         []groupModel `tfsdk:"groups"`
}

// NewListDataSource makes the data source headgate_consumer_groups.
func NewListDataSource() datasource.DataSource {
	return remote.NewView(remote.View[listModel, []api.ConsumerGroup]{
		Type: "consumer_groups",
		Schema: func(context.Context) schema.Schema {
			return schema.Schema{
				MarkdownDescription: "The consumer groups of a cluster: who is in them, what they read, and how far behind they are, in records and in seconds.",
				Attributes: map[string]schema.Attribute{
					"connection_name": schema.StringAttribute{MarkdownDescription: "The connection of the cluster.", Required: true},
					"prefix":          schema.StringAttribute{MarkdownDescription: "Only groups whose names begin with it. Default: all.", Optional: true},
					"state":           schema.StringAttribute{MarkdownDescription: "Only groups in this state, in Kafka's words: `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Assigning` or `Reconciling`. Default: any.", Optional: true},
					"groups": schema.ListNestedAttribute{
						MarkdownDescription: "The groups, by name.", Computed: true,
						NestedObject: schema.NestedAttributeObject{Attributes: groupAttributes(schema.StringAttribute{MarkdownDescription: "The name of the group.", Computed: true})},
					},
				},
			}
		},
		What: func(*listModel) string { return "the consumer groups" },
		Get: func(ctx context.Context, client *api.Client, m *listModel) (*[]api.ConsumerGroup, error) {
			query := api.GroupQuery{Prefix: m.Prefix.ValueString(), State: m.State.ValueString()}
			return remote.All(func(cursor string) (*api.Page[api.ConsumerGroup], error) {
				return client.ListConsumerGroups(ctx, m.ConnectionName.ValueString(), query, cursor)
			})
		},
		Show: func(m *listModel, all *[]api.ConsumerGroup) error {
			m.Groups = make([]groupModel, len(*all))
			for i := range *all {
				m.Groups[i].show(&(*all)[i])
			}
			return nil
		},
	})
}
