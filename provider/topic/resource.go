// Package topic is Terraform's view of Kafka topics.
package topic

import (
	"context"
	"fmt"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
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
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/reassign"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

var key = remote.Key{
	Attributes: []string{"connection_name", "name"},
	Docs:       []string{"The connection of the cluster.", "The name of the topic."},
	Example:    "main/orders",
}

// NewResource makes headgate_topic.
func NewResource() resource.Resource {
	return remote.NewObject(remote.Definition[resourceModel, api.Topic]{
		Type:       "topic",
		Key:        key,
		Schema:     resourceSchema,
		What:       (*resourceModel).what,
		Where:      (*resourceModel).where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(t *api.Topic) string { return t.Generation },
		Flatten:    (*resourceModel).flatten,
		Complete:   (*resourceModel).complete,
		Validate:   validate,
		Prepare:    prepare,
		Check:      check,
		Warnings:   func(t *api.Topic) []api.Warning { return t.Warnings },
		Notice:     notice,
		Timeouts:   func(m *resourceModel) timeouts.Value { return m.Timeouts },
		Timeout:    reassign.Timeout,
		Pages:      &remote.Pages[api.Topic]{Page: list, Key: func(t *api.Topic) []string { return []string{t.Connection, t.Name} }},
	})
}

func resourceSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A Kafka topic. Its number of partitions grows in place and its replication factor changes in place; what would lose records is refused " +
			"when planning, or needs `deletion_protection = false` first.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the cluster. Changing it replaces the topic (destroys it and creates another).",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "The name of the topic: 1 to 249 letters, digits, dots, dashes and underscores. Renaming replaces it (destroys it and creates another).",
				Required:            true,
				Validators: []validator.String{
					stringvalidator.RegexMatches(regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`), "must be 1 to 249 letters, digits, dots, dashes and underscores"),
					stringvalidator.NoneOf(".", ".."),
				},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"partitions": schema.Int64Attribute{
				MarkdownDescription: "The number of partitions. It grows in place, which changes the partition that new records of a key go to, and never shrinks. From 1 to 1000000. Default: `3`.",
				Optional:            true,
				Computed:            true,
				Default:             int64default.StaticInt64(api.DefaultPartitions),
				Validators:          []validator.Int64{int64validator.Between(1, 1_000_000)},
			},
			"replication_factor": schema.Int64Attribute{
				MarkdownDescription: "The number of replicas of each partition, at most one on each broker. It changes in place: new replicas go to racks that have none yet, then to the brokers " +
					"with the fewest; nothing else moves, and leaders stay. The apply waits until they have caught up; if the timeout comes first, the apply fails and the brokers go on copying. Default: `3`.",
				Optional:   true,
				Computed:   true,
				Default:    int64default.StaticInt64(api.DefaultReplicationFactor),
				Validators: []validator.Int64{int64validator.Between(1, 32767)},
			},
			"replication_throttle": schema.StringAttribute{
				MarkdownDescription: reassign.ThrottleDoc,
				Optional:            true,
				Validators:          []validator.String{throttleValidator{}},
			},
			"timeouts": timeoutsAttribute(ctx),
			"retention": schema.StringAttribute{
				MarkdownDescription: "How long records are kept, such as `36h`, or `unlimited`: the same as `config[\"retention.ms\"]` in words. " +
					"A shorter one is refused while `deletion_protection` is on and the topic holds older records. Default: `168h`, 7 days.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{retentionValidator{}},
			},
			"config": schema.MapAttribute{
				MarkdownDescription: "Topic configs by Kafka's names, values as text. Only what is declared here is managed: changes of it made elsewhere show in the next plan, " +
					"other configs are left alone, and a config that is no longer declared goes back to the broker's default. " +
					"After an import all configs set on the topic count as declared: repeat those to keep, or the next apply gives them back to the broker's default. " +
					"While `deletion_protection` is on, what would remove records that are there is refused: a shorter `retention.ms` or `retention.bytes`, another `cleanup.policy`, or the end of `remote.storage.enable`. " +
					"The data source `headgate_topic` shows all that are in force.",
				ElementType: types.StringType,
				Optional:    true,
			},
			"description": schema.StringAttribute{
				MarkdownDescription: "What is in it, for people. Headgate keeps it; Kafka does not know it.",
				Optional:            true,
			},
			"labels": schema.MapAttribute{
				MarkdownDescription: "Labels of your own. Headgate keeps them; Kafka does not know them.",
				ElementType:         types.StringType,
				Optional:            true,
			},
			"deletion_protection": schema.BoolAttribute{
				MarkdownDescription: "Whether Headgate refuses to delete the topic, and to change its retention or `cleanup.policy` where records that are there would go. To delete it, apply `false` first; " +
					"a retention may be changed in the same apply. Headgate keeps it, the description and the labels with the connection, by its name: seen through another connection to the same cluster, the topic has them not. Default: `true`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
			},
			"topic_id": schema.StringAttribute{
				MarkdownDescription: "The cluster's id of the topic; a topic that was deleted and made again has another.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
		},
	}
}

func get(ctx context.Context, client *api.Client, m *resourceModel) (*api.Topic, error) {
	effective := []string{api.RetentionConfig} // small answers: of the configs in force only those that are declared
	for name := range m.Config.Elements() {
		effective = append(effective, name)
	}
	return client.GetTopic(ctx, m.ConnectionName.ValueString(), m.Name.ValueString(), effective...)
}

func del(ctx context.Context, client *api.Client, m *resourceModel, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeleteTopic(ctx, m.ConnectionName.ValueString(), m.Name.ValueString(), options)
}

func list(ctx context.Context, client *api.Client, connection, cursor string) (*api.Page[api.Topic], error) {
	return client.ListTopics(ctx, connection, api.TopicQuery{Effective: []string{api.RetentionConfig}}, cursor)
}

func validate(_ context.Context, config *resourceModel, diags *diag.Diagnostics) {
	millis, declared := config.configText(api.RetentionConfig)
	if !declared || config.Retention.IsNull() || config.Retention.IsUnknown() || spec.SameRetention(config.Retention.ValueString(), millis) {
		return
	}
	diags.AddAttributeError(path.Root("retention"), "Two different retentions",
		spec.TwoRetentions(config.Retention.ValueString(), millis))
}

func prepare(_ context.Context, w remote.Write[resourceModel], _ *diag.Diagnostics) {
	w.Plan.Retention = plannedRetention(w.Config.model, w.State.model)
}

func check(w remote.Write[resourceModel], diags *diag.Diagnostics) bool {
	if w.Plan.Partitions.IsUnknown() || w.Plan.Partitions.ValueInt64() >= w.State.Partitions.ValueInt64() {
		return true
	}
	diags.AddAttributeError(path.Root("partitions"), "A topic cannot lose partitions",
		fmt.Sprintf("%s has %d partitions, and Kafka has no way to take partitions away without their records. Keep at least %d, or make a new topic and copy the records. To destroy the topic although it has grown: terraform destroy -refresh=false.",
			w.Plan.what(), w.State.Partitions.ValueInt64(), w.State.Partitions.ValueInt64()))
	return false
}
