// Package schema is Terraform's view of the schemas in a registry.
package schema

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

const noun = "schema"

var key = remote.Key{
	Attributes: []string{"connection_name", "subject"},
	Docs:       []string{"The connection of the registry.", "The subject."},
	Example:    "registry/orders-value",
}

type schemaResource struct {
	remote.Resource
}

var (
	_ resource.ResourceWithConfigure   = &schemaResource{}
	_ resource.ResourceWithModifyPlan  = &schemaResource{}
	_ resource.ResourceWithImportState = &schemaResource{}
	_ resource.ResourceWithIdentity    = &schemaResource{}
)

// NewResource makes headgate_schema.
func NewResource() resource.Resource { return &schemaResource{} }

func (r *schemaResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_schema"
}

// declared are the fields of a schema that users declare, as the API describes them.
func declared() []spec.Field {
	var fields []spec.Field
	for _, f := range spec.FieldsOf(reflect.TypeFor[api.SchemaWrite]()) {
		switch f.Name {
		case "format":
			f.Default, f.Required, f.Replace = "AVRO", false, true
		case "schema":
			f.Doc += " Whitespace and the order of keys do not matter: a change of nothing else plans nothing."
			f.MinSize = new(1)
		case "references", "compatibility":
		default:
			continue
		}
		fields = append(fields, f)
	}
	return fields
}

func (r *schemaResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := kind.Attributes(declared())
	maps.Copy(attributes, map[string]schema.Attribute{
		"connection_name": schema.StringAttribute{
			MarkdownDescription: "The connection of the registry. Another one needs a new subject.",
			Required:            true,
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"subject": schema.StringAttribute{
			MarkdownDescription: "The subject, such as `orders-value` for the values of the topic `orders`. Another one needs a new subject.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"schema_id":   schema.Int64Attribute{MarkdownDescription: "The id that records carry.", Computed: true},
		"version":     schema.Int64Attribute{MarkdownDescription: "The version within the subject.", Computed: true},
		"fingerprint": schema.StringAttribute{MarkdownDescription: "The same for schemas that differ in nothing but form.", Computed: true},
		"hard_delete": schema.BoolAttribute{
			MarkdownDescription: "Whether destroying deletes the subject for good, so that its ids no longer resolve and its records can no longer be read. " +
				"Otherwise it is deleted softly. Default: `false`.",
			Optional: true,
			Computed: true,
			Default:  booldefault.StaticBool(false),
		},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "The latest schema of a subject. A change registers a new version; one that the subject's compatibility mode forbids is refused when planning, with the registry's reasons.",
		Attributes:          attributes,
	}
}

func (r *schemaResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = key.IdentitySchema()
}

func (r *schemaResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if _, ok := r.Client(); !ok {
		return
	}
	change := remote.Planned(ctx, req, &resp.Diagnostics, append(slices.Clone(key.Attributes), "format")...)
	switch change {
	case remote.Delete, remote.Replace:
		r.planDelete(ctx, req.State, &resp.Diagnostics)
	case remote.Create, remote.Update:
		r.planPut(ctx, change, req, resp)
	}
}

func (r *schemaResource) planPut(ctx context.Context, change remote.Change, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if change == remote.Update {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() || plan.ConnectionName.IsUnknown() || plan.Subject.IsUnknown() {
		return
	}
	body, ok := plan.expand(&resp.Diagnostics)
	if !ok {
		return
	}
	client, _ := r.Client()
	answer, err := client.PutSchema(ctx, plan.ConnectionName.ValueString(), plan.Subject.ValueString(), body, remote.PlanOptions(ctx, change, req.Private))
	if err != nil {
		plan.request("check").Judged(&resp.Diagnostics, err, func(e api.Error) explain.Severity { return r.planSeverity(ctx, req.Private, plan, e) })
		return
	}
	if change == remote.Update && plan.sameMeaning(state, answer) {
		plan.keep(state)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	}
}

func (r *schemaResource) planSeverity(ctx context.Context, private remote.Private, plan model, e api.Error) explain.Severity {
	replaced := e.Code == api.CodeAlreadyExists && r.Replaces(ctx, private, noun, plan.id())
	// The same apply may create the connection, or the schemas that this one refers to, first.
	missing := e.Code == api.CodeNotFound && (e.Attribute == "/connection" || strings.HasPrefix(e.Attribute, "/references"))
	if replaced || missing {
		return explain.Ignore
	}
	return explain.Fail
}

func (r *schemaResource) planDelete(ctx context.Context, from tfsdk.State, diags *diag.Diagnostics) {
	var state model
	diags.Append(from.Get(ctx, &state)...)
	if diags.HasError() {
		return
	}
	client, _ := r.Client()
	deletion, err := client.DeleteSchema(ctx, state.ConnectionName.ValueString(), state.Subject.ValueString(), state.HardDelete.ValueBool(), api.WriteOptions{DryRun: true})
	remote.DryDelete(diags, state.request("delete"), state.what(), deletion, err)
}

func (r *schemaResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	body, ok := plan.expand(&resp.Diagnostics)
	if !ok {
		return
	}
	answer, err := client.PutSchema(ctx, plan.ConnectionName.ValueString(), plan.Subject.ValueString(), body, api.WriteOptions{CreateOnly: true})
	if err != nil {
		plan.request("create").Error(&resp.Diagnostics, err)
		return
	}
	plan.complete(answer)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
	key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

func (r *schemaResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	key.SetIdentity(ctx, resp.Identity, req.State, &resp.Diagnostics)
	client, ok := r.Client()
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	answer, err := client.GetSchema(ctx, state.ConnectionName.ValueString(), state.Subject.ValueString())
	gone, lost := remote.Absent(err)
	if gone {
		resp.State.RemoveResource(ctx)
		return
	}
	if lost && !state.SchemaID.IsNull() { // an import that has nothing in state yet gets the error
		remote.Lost(&resp.Diagnostics, state.what(), state.ConnectionName.ValueString(), "it stays in Terraform's state as it was.")
		return
	}
	if err != nil {
		state.request("read").Error(&resp.Diagnostics, err)
		return
	}
	r.InState(noun, state.id())
	state.flatten(answer, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
}

func (r *schemaResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	body, ok := plan.expand(&resp.Diagnostics)
	if !ok {
		return
	}
	answer, err := client.PutSchema(ctx, plan.ConnectionName.ValueString(), plan.Subject.ValueString(), body, api.WriteOptions{Generation: remote.Generation(ctx, req.Private)})
	if err != nil {
		plan.request("update").Error(&resp.Diagnostics, err)
		return
	}
	plan.complete(answer)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
	key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

func (r *schemaResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	_, err := client.DeleteSchema(ctx, state.ConnectionName.ValueString(), state.Subject.ValueString(), state.HardDelete.ValueBool(), api.WriteOptions{})
	gone, lost := remote.Absent(err)
	if lost {
		remote.Lost(&resp.Diagnostics, state.what(), state.ConnectionName.ValueString(), "it leaves Terraform's state; if it exists, it stays where it is.")
	}
	if err != nil && !gone && !lost {
		state.request("delete").Error(&resp.Diagnostics, err)
	}
}

func (r *schemaResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	key.Import(ctx, req, resp)
}
