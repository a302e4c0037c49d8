// Package topic is Terraform's view of Kafka topics.
package topic

import (
	"context"
	"fmt"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

const noun = "topic"

var key = remote.Key{
	Attributes: []string{"connection_name", "name"},
	Docs:       []string{"The connection of the cluster.", "The name of the topic."},
	Example:    "main/orders",
}

type topicResource struct {
	remote.Resource
}

var (
	_ resource.ResourceWithConfigure      = &topicResource{}
	_ resource.ResourceWithValidateConfig = &topicResource{}
	_ resource.ResourceWithModifyPlan     = &topicResource{}
	_ resource.ResourceWithImportState    = &topicResource{}
	_ resource.ResourceWithIdentity       = &topicResource{}
)

// NewResource makes headgate_topic.
func NewResource() resource.Resource { return &topicResource{} }

func (r *topicResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_topic"
}

func (r *topicResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Kafka topic. Its number of partitions grows in place; what would lose records is refused when planning, " +
			"or needs `deletion_protection = false` first.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the cluster. Another one needs a new topic.",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "The name of the topic. Another name needs a new topic.",
				Required:            true,
				Validators: []validator.String{
					stringvalidator.RegexMatches(regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`), "must be 1 to 249 letters, digits, dots, dashes and underscores"),
					stringvalidator.NoneOf(".", ".."),
				},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"partitions": schema.Int64Attribute{
				MarkdownDescription: "The number of partitions. It grows in place, which changes the partition that new records of a key go to, and never shrinks. Default: `3`.",
				Optional:            true,
				Computed:            true,
				Default:             int64default.StaticInt64(api.DefaultPartitions),
				Validators:          []validator.Int64{int64validator.Between(1, 1_000_000)},
			},
			"replication_factor": schema.Int64Attribute{
				MarkdownDescription: "The number of replicas of each partition. Default: `3`.",
				Optional:            true,
				Computed:            true,
				Default:             int64default.StaticInt64(api.DefaultReplicationFactor),
				Validators:          []validator.Int64{int64validator.Between(1, 32767)},
			},
			"retention": schema.StringAttribute{
				MarkdownDescription: "How long records are kept, such as `36h`, or `unlimited`: the same as `config[\"retention.ms\"]` in words. Default: `168h`, 7 days.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{retentionValidator{}},
			},
			"config": schema.MapAttribute{
				MarkdownDescription: "Topic configs by Kafka's names, values as text. Only what is declared here is managed: changes of it made elsewhere show in the next plan, " +
					"other configs are left alone, and a config that is no longer declared goes back to the broker's default.",
				ElementType: types.StringType,
				Optional:    true,
			},
			"config_effective": schema.MapAttribute{
				MarkdownDescription: "All configs in force, those of the broker and Kafka's defaults included.",
				ElementType:         types.StringType,
				Computed:            true,
				PlanModifiers:       []planmodifier.Map{mapplanmodifier.UseStateForUnknown()},
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
				MarkdownDescription: "Whether Headgate refuses to delete the topic. To delete it, apply `false` first. Default: `true`.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(true),
			},
			"topic_id": schema.StringAttribute{
				MarkdownDescription: "The cluster's id of the topic; a topic that was deleted and made again has another.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
		},
	}
}

func (r *topicResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = key.IdentitySchema()
}

func (r *topicResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	millis, declared := config.configText(retentionConfig)
	if !declared || config.Retention.IsNull() || config.Retention.IsUnknown() || sameRetention(config.Retention.ValueString(), millis) {
		return
	}
	resp.Diagnostics.AddAttributeError(path.Root("retention"), "Two different retentions",
		fmt.Sprintf("retention is %q, and config[%q] is %q, which is %s. Write only one of the two.", config.Retention.ValueString(), retentionConfig, millis, retentionText(millis)))
}

func (r *topicResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.Plan.Raw.IsNull() {
		r.planComputed(ctx, &req, resp)
	}
	if _, ok := r.Client(); !ok || resp.Diagnostics.HasError() {
		return
	}
	change := remote.Planned(ctx, req, &resp.Diagnostics, key.Attributes...)
	switch change {
	case remote.Delete:
		r.planDelete(ctx, req.State, &resp.Diagnostics)
	case remote.Replace:
		var found diag.Diagnostics
		r.planDelete(ctx, req.State, &found)
		if found.HasError() {
			resp.Diagnostics.AddError("The plan deletes the topic to make another", "connection_name or name was changed, and that needs another topic. If it was not meant, undo that change; what follows is about the topic that would go.")
		}
		resp.Diagnostics.Append(found...)
	case remote.Create, remote.Update:
		r.planPut(ctx, change, req, &resp.Diagnostics)
	}
}

// planComputed plans what follows from other attributes, in the response and for the rest of the request.
func (r *topicResource) planComputed(ctx context.Context, req *resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var plan, config model
	state := model{}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.Retention = plannedRetention(config, state)
	if !plan.Config.Equal(state.Config) || !plan.Retention.Equal(state.Retention) {
		plan.ConfigEffective = types.MapUnknown(types.StringType)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	req.Plan = resp.Plan
}

func (r *topicResource) planPut(ctx context.Context, change remote.Change, req resource.ModifyPlanRequest, diags *diag.Diagnostics) {
	var plan model
	state := model{}
	diags.Append(req.Plan.Get(ctx, &plan)...)
	if change == remote.Update {
		diags.Append(req.State.Get(ctx, &state)...)
	}
	if diags.HasError() || plan.ConnectionName.IsUnknown() || plan.Name.IsUnknown() {
		return
	}
	if plan.Partitions.ValueInt64() < state.Partitions.ValueInt64() && !plan.Partitions.IsUnknown() {
		diags.AddAttributeError(path.Root("partitions"), "A topic cannot lose partitions",
			fmt.Sprintf("%s has %d partitions, and Kafka has no way to take partitions away without their records. Keep at least %d, or make a new topic and copy the records. To destroy the topic although it has grown: terraform destroy -refresh=false.",
				plan.what(), state.Partitions.ValueInt64(), state.Partitions.ValueInt64()))
		return
	}
	client, _ := r.Client()
	_, err := client.PutTopic(ctx, plan.ConnectionName.ValueString(), plan.Name.ValueString(), plan.expand(state), remote.PlanOptions(ctx, change, req.Private))
	if err == nil {
		return
	}
	plan.request("check").Judged(diags, err, func(e api.Error) explain.Severity {
		replaced := e.Code == api.CodeAlreadyExists && r.Replaces(ctx, req.Private, noun, plan.id())
		// The same apply may create the connection first.
		missing := e.Code == api.CodeNotFound && e.Attribute == "/connection"
		if replaced || missing {
			return explain.Ignore
		}
		return explain.Fail
	})
}

func (r *topicResource) planDelete(ctx context.Context, from tfsdk.State, diags *diag.Diagnostics) {
	var state model
	diags.Append(from.Get(ctx, &state)...)
	if diags.HasError() {
		return
	}
	client, _ := r.Client()
	deletion, err := client.DeleteTopic(ctx, state.ConnectionName.ValueString(), state.Name.ValueString(), api.WriteOptions{DryRun: true})
	remote.DryDelete(diags, state.request("delete"), state.what(), deletion, err)
}

func (r *topicResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	answer, err := client.PutTopic(ctx, plan.ConnectionName.ValueString(), plan.Name.ValueString(), plan.expand(model{}), api.WriteOptions{CreateOnly: true})
	if err != nil {
		plan.request("create").Error(&resp.Diagnostics, err)
		return
	}
	plan.complete(answer)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
	key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

func (r *topicResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	key.SetIdentity(ctx, resp.Identity, req.State, &resp.Diagnostics)
	client, ok := r.Client()
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	answer, err := client.GetTopic(ctx, state.ConnectionName.ValueString(), state.Name.ValueString())
	gone, lost := remote.Absent(err)
	if gone {
		resp.State.RemoveResource(ctx)
		return
	}
	if lost && !state.Partitions.IsNull() { // an import that has nothing in state yet gets the error
		remote.Lost(&resp.Diagnostics, state.what(), state.ConnectionName.ValueString(), "it stays in Terraform's state as it was.")
		return
	}
	if err != nil {
		state.request("read").Error(&resp.Diagnostics, err)
		return
	}
	r.InState(noun, state.id())
	state.flatten(answer)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
}

func (r *topicResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	answer, err := client.PutTopic(ctx, plan.ConnectionName.ValueString(), plan.Name.ValueString(), plan.expand(state), api.WriteOptions{Generation: remote.Generation(ctx, req.Private)})
	if err != nil {
		plan.request("update").Error(&resp.Diagnostics, err)
		return
	}
	plan.complete(answer)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
	key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

func (r *topicResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	_, err := client.DeleteTopic(ctx, state.ConnectionName.ValueString(), state.Name.ValueString(), api.WriteOptions{})
	gone, lost := remote.Absent(err)
	if lost {
		remote.Lost(&resp.Diagnostics, state.what(), state.ConnectionName.ValueString(), "it leaves Terraform's state; if it exists, it stays where it is.")
	}
	if err != nil && !gone && !lost {
		state.request("delete").Error(&resp.Diagnostics, err)
	}
}

func (r *topicResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	key.Import(ctx, req, resp)
}
