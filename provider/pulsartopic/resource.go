// Package pulsartopic is Terraform's view of the topics of Apache Pulsar.
package pulsartopic

import (
	"context"
	"fmt"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

var key = remote.Key{
	Attributes: []string{"connection_name", "name"},
	Docs:       []string{"The connection of the cluster.", "The full name of the topic."},
	Example:    "pulsar/persistent://public/default/orders",
}

// NewResource makes headgate_pulsar_topic.
func NewResource() resource.Resource {
	return remote.NewObject(remote.Definition[model, api.PulsarTopic]{
		Type:       "pulsar_topic",
		Key:        key,
		Schema:     resourceSchema,
		What:       (*model).what,
		Where:      where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(t *api.PulsarTopic) string { return t.Generation },
		Flatten:    (*model).flatten,
		Complete:   func(*model, *api.PulsarTopic) error { return nil },
		Warnings:   func(t *api.PulsarTopic) []api.Warning { return t.Warnings },
		Pages:      &remote.Pages[api.PulsarTopic]{Page: list, Key: func(t *api.PulsarTopic) []string { return []string{t.Connection, t.Name} }},
	})
}

func resourceSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A topic of Apache Pulsar, persistent or not, partitioned or not. Partitions grow in place; what would lose messages is refused when planning, " +
			"or needs `deletion_protection = false` first.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the cluster, of kind `pulsar`. Changing it replaces the topic (destroys it and creates another).",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "The full name of the topic, such as `persistent://public/default/orders`: whether messages are stored (`persistent` or `non-persistent`), tenant, namespace and name. Renaming replaces it (destroys it and creates another).",
				Required:            true,
				Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^(persistent|non-persistent)://[^/]+/[^/]+/[^/]+$`),
					"must be a full name such as persistent://tenant/namespace/name or non-persistent://tenant/namespace/name")},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"partitions": schema.Int64Attribute{
				MarkdownDescription: "The number of partitions. It grows in place, which changes the partition that new messages of a key go to, and never shrinks. `0` is a topic that is not partitioned, and stays so. Default: `0`.",
				Optional:            true,
				Computed:            true,
				Default:             int64default.StaticInt64(0),
				Validators:          []validator.Int64{int64validator.Between(0, 1_000_000)},
			},
			"retention": schema.StringAttribute{
				MarkdownDescription: "How long messages are kept after they were acknowledged, in whole minutes, such as `168h`, or `unlimited`. With `retention_size` alone: `unlimited`. Without both, the Pulsar namespace's policy decides. " +
					"A change by which stored messages would go is refused while `deletion_protection` is on.",
				Optional: true,
			},
			"retention_size": schema.StringAttribute{
				MarkdownDescription: "How many bytes of acknowledged messages are kept, in whole MiB, such as `50GiB`, or `unlimited`; the older ones go first. It must be more than the backlog quota. With `retention` alone: `unlimited`. Without both, the Pulsar namespace's policy decides. " +
					"A change by which stored messages would go is refused while `deletion_protection` is on.",
				Optional: true,
			},
			"deletion_protection": schema.BoolAttribute{
				MarkdownDescription: "Whether Headgate refuses to delete the topic, and to shorten its retention where stored messages would go. To delete it, with its subscriptions, apply `false` first; a retention may be shortened in the same apply. Default: `true`.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(true),
			},
		},
	}
}

type model struct {
	ConnectionName     types.String `tfsdk:"connection_name"`
	Name               types.String `tfsdk:"name"`
	Partitions         types.Int64  `tfsdk:"partitions"`
	Retention          types.String `tfsdk:"retention"`
	RetentionSize      types.String `tfsdk:"retention_size"`
	DeletionProtection types.Bool   `tfsdk:"deletion_protection"`
}

func (m *model) what() string { return fmt.Sprintf("topic %q", m.Name.ValueString()) }

func where(_ *model, pointer string) path.Path {
	switch pointer {
	case "/name", "/partitions", "/retention", "/retention_size", "/deletion_protection":
		return path.Root(pointer[1:])
	}
	return path.Empty()
}

func (m *model) expand() api.PulsarTopicWrite {
	body := api.PulsarTopicWrite{
		Partitions: m.Partitions.ValueInt64(), Retention: m.Retention.ValueString(), RetentionSize: m.RetentionSize.ValueString(),
		DeletionProtection: m.DeletionProtection.ValueBoolPointer(),
	}
	for pointer, value := range map[string]attr.Value{"/partitions": m.Partitions, "/retention": m.Retention, "/retention_size": m.RetentionSize, "/deletion_protection": m.DeletionProtection} {
		if value.IsUnknown() {
			body.Unknown = append(body.Unknown, pointer)
		}
	}
	return body
}

// flatten moves a topic into state. What means the same stays as it is written, and what follows from the other
// retention stays unwritten.
func (m *model) flatten(t *api.PulsarTopic, _ bool) error {
	m.Partitions = types.Int64Value(t.Partitions)
	m.DeletionProtection = types.BoolValue(t.DeletionProtection)
	impliedTime := m.Retention.IsNull() && t.Retention == api.Unlimited && (!m.RetentionSize.IsNull() || t.RetentionSize != api.Unlimited)
	impliedSize := m.RetentionSize.IsNull() && t.RetentionSize == api.Unlimited && !impliedTime
	m.Retention = written(m.Retention, t.Retention, impliedTime, api.SameRetention)
	m.RetentionSize = written(m.RetentionSize, t.RetentionSize, impliedSize, api.SameRetentionSize)
	return nil
}

func written(prior types.String, now string, implied bool, same func(a, b string) bool) types.String {
	switch {
	case now == "", implied:
		return types.StringNull()
	case !prior.IsNull() && same(prior.ValueString(), now):
		return prior
	}
	return types.StringValue(now)
}

func put(ctx context.Context, client *api.Client, w remote.Write[model], options api.WriteOptions) (*api.PulsarTopic, error) {
	return client.PutPulsarTopic(ctx, w.Plan.ConnectionName.ValueString(), w.Plan.Name.ValueString(), w.Plan.expand(), options)
}

func get(ctx context.Context, client *api.Client, m *model) (*api.PulsarTopic, error) {
	return client.GetPulsarTopic(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
}

func del(ctx context.Context, client *api.Client, m *model, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeletePulsarTopic(ctx, m.ConnectionName.ValueString(), m.Name.ValueString(), options)
}

func list(ctx context.Context, client *api.Client, connection, cursor string) (*api.Page[api.PulsarTopic], error) {
	return client.ListPulsarTopics(ctx, connection, cursor)
}
