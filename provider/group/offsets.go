package group

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// maxLines is how many partitions a plan lists one by one.
const maxLines = 100

// applied is the generation of every reset: it is an act, and what comes after it is the group's own.
const applied = "applied"

// NewOffsetsResource makes headgate_consumer_group_offsets.
func NewOffsetsResource() resource.Resource {
	return remote.NewObject(remote.Definition[offsetsModel, api.OffsetMoves]{
		Type: "consumer_group_offsets",
		Key: remote.Key{
			Attributes: []string{"connection_name", "group"},
			Docs:       []string{"The connection of the cluster.", "The group."},
			Example:    "main/billing",
		},
		Schema: offsetsSchema,
		What: func(m *offsetsModel) string {
			return fmt.Sprintf("the offsets of consumer group %q", m.Group.ValueString())
		},
		Where: func(_ *offsetsModel, pointer string) path.Path { return where(pointer) },
		Put:   reset,
		Get: func(context.Context, *api.Client, *offsetsModel) (*api.OffsetMoves, error) {
			return &api.OffsetMoves{}, nil
		},
		Delete:     forget,
		Generation: func(*api.OffsetMoves) string { return applied },
		Flatten:    keep,
		Complete:   func(*offsetsModel, *api.OffsetMoves) error { return nil },
		Warnings:   preview,
		Missing:    func(m *offsetsModel, pointer string) (noun, id string) { return m.missing(pointer) },
	})
}

// resetModel says which offsets move, and where to.
type resetModel struct {
	ConnectionName types.String `tfsdk:"connection_name"`
	Group          types.String `tfsdk:"group"`
	Topics         types.Set    `tfsdk:"topics"`
	To             types.String `tfsdk:"to"`
	Shift          types.Int64  `tfsdk:"shift"`
	Offsets        types.Map    `tfsdk:"offsets"`
}

type offsetsModel struct {
	resetModel
	Trigger types.String `tfsdk:"trigger"`
}

func offsetsSchema(context.Context) schema.Schema {
	m := moves()
	return schema.Schema{
		MarkdownDescription: "Moves the committed offsets of a consumer group (classic or KIP-848): to read again, or to skip. It does so once when it is created, and again whenever one of its attributes changes. " +
			"The plan warns with every partition, from where to where. That the group goes on from there afterwards is no change. " +
			"A group that has members is refused: stop its consumers first. Destroying the resource moves nothing. It cannot be imported: there is nothing to read. " +
			"With Terraform 1.14 or newer, the action `headgate_reset_offsets` does the same whenever it is invoked.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the cluster. Changing it replaces the resource: offsets move there, and those here stay where they are.",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"group": schema.StringAttribute{
				MarkdownDescription: "The consumer group. One that does not exist yet is created, and its first member begins there. Changing it replaces the resource: the other group's offsets move, and this one's stay where they are.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"topics":  m.topics,
			"to":      m.to,
			"shift":   m.shift,
			"offsets": m.offsets,
			"trigger": schema.StringAttribute{
				MarkdownDescription: "Any text, such as a date or a ticket. Change it to do the same once more.",
				Optional:            true,
			},
		},
	}
}

// move is the attributes that say which offsets move and where to, as the resource has them.
type move struct {
	topics  schema.SetAttribute
	to      schema.StringAttribute
	shift   schema.Int64Attribute
	offsets schema.MapAttribute
}

func moves() move {
	ways := []path.Expression{path.MatchRoot("to"), path.MatchRoot("shift"), path.MatchRoot("offsets")}
	return move{
		topics: schema.SetAttribute{
			MarkdownDescription: "The topics whose offsets move, in all their partitions. Needed with `to` and `shift`. Not with `offsets`, which names its topics itself.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ConflictsWith(path.MatchRoot("offsets"))},
		},
		to: schema.StringAttribute{
			MarkdownDescription: "Where to: `earliest`, `latest`, or an RFC 3339 time such as `2026-11-21T08:00:00Z`: the first record of that time or later, or the end where there is none. Exactly one of `to`, `shift` and `offsets`.",
			Optional:            true,
			Validators:          []validator.String{stringvalidator.ExactlyOneOf(ways...), stringvalidator.LengthAtLeast(1)},
		},
		shift: schema.Int64Attribute{
			MarkdownDescription: "By how many offsets forward, or backward where it is negative. What would lead beyond what a partition holds ends there; partitions without a committed offset keep none. Exactly one of `to`, `shift` and `offsets`.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.NoneOf(0)},
		},
		offsets: schema.MapAttribute{
			MarkdownDescription: "The offsets, by topic and partition, such as `{ orders = { 0 = 1200, 1 = 1180 } }`. Other partitions stay where they are. An offset that a partition does not hold is refused. Exactly one of `to`, `shift` and `offsets`.",
			ElementType:         types.MapType{ElemType: types.Int64Type},
			Optional:            true,
		},
	}
}

func where(pointer string) path.Path {
	steps := spec.Steps(pointer)
	if len(steps) == 0 {
		return path.Empty()
	}
	at := path.Root(steps[0])
	if steps[0] == "offsets" {
		for _, step := range steps[1:] {
			at = at.AtMapKey(step)
		}
	}
	return at
}

// missing names the topic that an error is about.
func (m *resetModel) missing(pointer string) (noun, id string) {
	body, steps := m.expand(), spec.Steps(pointer)
	if len(steps) < 2 {
		return "", ""
	}
	topic := steps[1]
	if steps[0] == "topics" {
		i, err := strconv.Atoi(topic)
		if err != nil || i >= len(body.Topics) {
			return "", ""
		}
		topic = body.Topics[i]
	}
	return "topic", m.ConnectionName.ValueString() + "/" + topic
}

func reset(ctx context.Context, client *api.Client, w remote.Write[offsetsModel], options api.WriteOptions) (*api.OffsetMoves, error) {
	return w.Plan.reset(ctx, client, options)
}

func (m *resetModel) reset(ctx context.Context, client *api.Client, options api.WriteOptions) (*api.OffsetMoves, error) {
	return client.ResetOffsets(ctx, m.ConnectionName.ValueString(), m.Group.ValueString(), m.expand(), options)
}

func (m *resetModel) expand() api.OffsetReset {
	body := api.OffsetReset{To: m.To.ValueString(), Shift: m.Shift.ValueInt64Pointer()}
	note := func(pointer string, value attr.Value) {
		if value.IsUnknown() && !slices.Contains(body.Unknown, pointer) {
			body.Unknown = append(body.Unknown, pointer)
		}
	}
	note("/to", m.To)
	note("/shift", m.Shift)
	note("/topics", m.Topics)
	note("/offsets", m.Offsets)
	if m.Shift.IsUnknown() {
		body.Shift = nil
	}
	for _, element := range m.Topics.Elements() {
		note("/topics", element)
		if topic, ok := element.(types.String); ok && !topic.IsUnknown() {
			body.Topics = append(body.Topics, topic.ValueString())
		}
	}
	slices.Sort(body.Topics)
	for topic, element := range m.Offsets.Elements() {
		note("/offsets", element)
		partitions, _ := element.(types.Map)
		for id, value := range partitions.Elements() {
			note("/offsets", value)
			if offset, ok := value.(types.Int64); ok && !offset.IsUnknown() {
				if body.Offsets == nil {
					body.Offsets = map[string]map[string]int64{}
				}
				if body.Offsets[topic] == nil {
					body.Offsets[topic] = map[string]int64{}
				}
				body.Offsets[topic][id] = offset.ValueInt64()
			}
		}
	}
	return body
}

// forget moves nothing: where the group is by now is its own.
func forget(_ context.Context, _ *api.Client, m *offsetsModel, _ api.WriteOptions) (*api.Deletion, error) {
	return &api.Deletion{Effects: []api.Warning{{Summary: fmt.Sprintf("Nothing: consumer group %q stays where it is", m.Group.ValueString())}}}, nil
}

func keep(_ *offsetsModel, _ *api.OffsetMoves, imported bool) error {
	if imported {
		return api.Invalid("", "The offsets of a consumer group cannot be imported", "This resource is an act, not a thing: there is nothing to read. An import would make the next apply move the offsets.",
			"Write the resource, and look at its plan. To look at a group, use the data source headgate_consumer_group.")
	}
	return nil
}

// preview tells when planning what moves from where to where.
func preview(m *api.OffsetMoves) []api.Warning {
	if len(m.Moves) == 0 {
		return nil
	}
	topics := map[string]bool{}
	for _, move := range m.Moves {
		topics[move.Topic] = true
	}
	return []api.Warning{{
		Summary: fmt.Sprintf("What moves in consumer group %q", m.Group),
		Detail:  fmt.Sprintf("In %s, as of now:\n- %s", strings.Join(slices.Sorted(maps.Keys(topics)), ", "), strings.Join(lines(m), "\n- ")),
	}}
}

// lines tell from where to where, a line for each partition as long as there are not too many.
func lines(m *api.OffsetMoves) []string {
	all := make([]string, 0, len(m.Moves))
	for _, move := range m.Moves {
		all = append(all, line(move))
	}
	if len(all) > maxLines {
		all = append(all[:maxLines], fmt.Sprintf("%d partitions more", len(m.Moves)-maxLines))
	}
	return all
}

func line(move api.OffsetMove) string {
	at := fmt.Sprintf("%s, partition %d: ", move.Topic, move.Partition)
	var text string
	switch {
	case move.From == nil:
		text = fmt.Sprintf("none -> %d", move.To)
	case *move.From == move.To:
		text = fmt.Sprintf("stays at %d", move.To)
	case *move.From > move.To:
		text = fmt.Sprintf("%d -> %d, reads %d again", *move.From, move.To, *move.From-move.To)
	default:
		text = fmt.Sprintf("%d -> %d, skips %d", *move.From, move.To, move.To-*move.From)
	}
	if move.Clamped {
		text += " (the end of what the partition holds)"
	}
	return at + text
}
