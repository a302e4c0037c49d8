// Package connection is Terraform's view of connections.
package connection

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

const noun = "connection"

var key = remote.Key{Attributes: []string{"name"}, Docs: []string{"The name of the connection."}, Example: "main"}

// clusterID is the attribute of the cluster's id.
const (
	clusterID    = "cluster_id"
	clusterIDDoc = "The id of the Kafka cluster that it leads to, as the cluster told when the connection was tested last; of `kafka_connect`, that of the cluster that it works on. " +
		"Null: not known. A plan that has the connection lead to another cluster warns of it."
)

type connectionResource struct {
	remote.Resource
	kinds spec.Kinds
}

var (
	_ resource.ResourceWithConfigure        = &connectionResource{}
	_ resource.ResourceWithConfigValidators = &connectionResource{}
	_ resource.ResourceWithModifyPlan       = &connectionResource{}
	_ resource.ResourceWithImportState      = &connectionResource{}
	_ resource.ResourceWithIdentity         = &connectionResource{}
)

// NewResource makes headgate_connection with the kinds that there are.
func NewResource(kinds spec.Kinds) resource.Resource { return &connectionResource{kinds: kinds} }

// Listing makes the connections listable.
func (r *connectionResource) Listing() (remote.Listing, bool) {
	pages := remote.Pages[api.Connection]{
		Page: func(ctx context.Context, client *api.Client, _, cursor string) (*api.Page[api.Connection], error) {
			return client.ListConnections(ctx, cursor)
		},
		Key: func(c *api.Connection) []string { return []string{c.Name} },
	}
	return remote.NewListing(noun, key, pages, r.fill), true
}

// fill completes a state that has nothing but the name in it.
func (r *connectionResource) fill(ctx context.Context, client *api.Client, state *tfsdk.State, diags *diag.Diagnostics) {
	var name string
	diags.Append(state.GetAttribute(ctx, path.Root("name"), &name)...)
	answer, err := client.GetConnection(ctx, name)
	if err != nil {
		written{name: name}.request("read").Error(diags, err)
		return
	}
	r.flatten(ctx, answer, state, diags)
}

func (r *connectionResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_connection"
}

func (r *connectionResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := kind.Blocks(r.kinds)
	maps.Copy(attributes, map[string]schema.Attribute{
		"name": schema.StringAttribute{
			MarkdownDescription: "The name that everything else refers to it by. Another name needs a new connection.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(api.NamePattern), remote.NameRule)},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"test": schema.BoolAttribute{
			MarkdownDescription: "Whether planning, creating and updating fail when the connection does not work, naming the step that failed. Default: `true`.",
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(true),
		},
		clusterID: schema.StringAttribute{MarkdownDescription: clusterIDDoc, Computed: true},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "A connection: how the Headgate daemon reaches a system. Addresses are in the open; credentials are write-only, " +
			"live sealed in the daemon and never come back. Topics, schemas and connectors refer to connections by name.",
		Attributes: attributes,
	}
}

func (r *connectionResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = key.IdentitySchema()
}

func (r *connectionResource) ConfigValidators(context.Context) []resource.ConfigValidator {
	return []resource.ConfigValidator{kind.ExactlyOne(r.kinds)}
}

func (r *connectionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if _, ok := r.Client(); !ok {
		return
	}
	change := remote.Planned(ctx, req, &resp.Diagnostics, "name")
	if change == remote.Update && kind.Changes(ctx, r.kinds, req, &resp.Diagnostics) {
		change = remote.Replace
	}
	switch change {
	case remote.Delete, remote.Replace:
		r.planDelete(ctx, req.State, &resp.Diagnostics)
	case remote.Create, remote.Update:
		r.planPut(ctx, change, req, resp)
	}
}

func (r *connectionResource) planPut(ctx context.Context, change remote.Change, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	diags := &resp.Diagnostics
	m, ok := r.expand(ctx, req.Plan, req.Config, diags)
	if !ok || diags.HasError() {
		return
	}
	r.Will(noun, m.name)
	client, _ := r.Client()
	answer, err := client.PutConnection(ctx, m.name, m.body, remote.PlanOptions(ctx, change, req.Private))
	if err != nil {
		m.request("check").Judged(diags, err, func(e api.Error) explain.Severity {
			switch {
			case e.Code == api.CodeAlreadyExists && r.Replaces(ctx, req.Private, noun, m.name):
				return explain.Ignore
			case e.Code == api.CodeNotFound && strings.HasPrefix(e.Attribute, "/spec/"):
				return r.MissingConnection(remote.ValueAt(m.body, e.Attribute))
			default:
				return explain.Fail
			}
		})
		return
	}
	m.request("check").Warnings(diags, answer.Warnings)
	if change == remote.Update {
		r.planCluster(ctx, m.name, answer.ClusterID, req.State, resp)
	}
}

// planCluster keeps the cluster's id out of plans that do not change it.
func (r *connectionResource) planCluster(ctx context.Context, name, found string, state tfsdk.State, resp *resource.ModifyPlanResponse) {
	var now types.String
	resp.Diagnostics.Append(state.GetAttribute(ctx, path.Root(clusterID), &now)...)
	switch {
	case now.ValueString() == found:
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(clusterID), now)...)
	case found != "" && !now.IsNull():
		r.Moves(name, now.ValueString(), found)
	}
}

func (r *connectionResource) planDelete(ctx context.Context, state tfsdk.State, diags *diag.Diagnostics) {
	var name string
	diags.Append(state.GetAttribute(ctx, path.Root("name"), &name)...)
	client, _ := r.Client()
	deletion, err := client.DeleteConnection(ctx, name, api.WriteOptions{DryRun: true})
	remote.DryDelete(diags, written{name: name}.request("delete"), fmt.Sprintf("connection %q", name), deletion, err)
}

func (r *connectionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	if !ok {
		return
	}
	m, ok := r.expand(ctx, req.Plan, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	answer, err := client.PutConnection(ctx, m.name, m.body, api.WriteOptions{CreateOnly: true})
	if err != nil {
		m.request("create").Error(&resp.Diagnostics, err)
		return
	}
	resp.State.Raw = req.Plan.Raw
	keepCluster(ctx, answer, &resp.State, &resp.Diagnostics)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
	key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

func (r *connectionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	key.SetIdentity(ctx, resp.Identity, req.State, &resp.Diagnostics)
	client, ok := r.Client()
	if !ok {
		return
	}
	var name string
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &name)...)
	answer, err := client.GetConnection(ctx, name)
	if api.HasCode(err, api.CodeNotFound) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		written{name: name}.request("read").Error(&resp.Diagnostics, err)
		return
	}
	r.InState(noun, name)
	r.flatten(ctx, answer, &resp.State, &resp.Diagnostics)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
}

func (r *connectionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	if !ok {
		return
	}
	m, ok := r.expand(ctx, req.Plan, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	answer, err := client.PutConnection(ctx, m.name, m.body, api.WriteOptions{Generation: remote.Generation(ctx, req.Private)})
	if err != nil {
		m.request("update").Error(&resp.Diagnostics, err)
		return
	}
	resp.State.Raw = req.Plan.Raw
	keepCluster(ctx, answer, &resp.State, &resp.Diagnostics)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
	key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

// keepCluster fills in the cluster's id, where the plan left it open.
func keepCluster(ctx context.Context, answer *api.Connection, state *tfsdk.State, diags *diag.Diagnostics) {
	var planned types.String
	diags.Append(state.GetAttribute(ctx, path.Root(clusterID), &planned)...)
	if planned.IsUnknown() {
		diags.Append(state.SetAttribute(ctx, path.Root(clusterID), remote.TextOrNull(answer.ClusterID))...)
	}
}

func (r *connectionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	if !ok {
		return
	}
	var name string
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &name)...)
	_, err := client.DeleteConnection(ctx, name, api.WriteOptions{Generation: remote.Generation(ctx, req.Private)})
	if err != nil && !api.HasCode(err, api.CodeNotFound) {
		written{name: name}.request("delete").Error(&resp.Diagnostics, err)
	}
}

func (r *connectionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	key.Import(ctx, req, resp)
}

// written is a connection on its way to the daemon.
type written struct {
	name string
	kind spec.Kind
	body api.ConnectionWrite
}

// request describes what is done with it, for errors.
func (w written) request(verb string) explain.Request {
	return explain.Request{
		Doing:    fmt.Sprintf("%s connection %q", verb, w.name),
		Where:    w.where,
		Resource: "headgate_connection",
		ImportID: w.name,
	}
}

func (w written) where(pointer string) path.Path {
	if rest, ok := strings.CutPrefix(pointer, "/spec"); ok && w.kind.Name != "" {
		return kind.Path(w.kind.Fields, path.Root(w.kind.Name), rest)
	}
	switch pointer {
	case "/name":
		return path.Root("name")
	case "/kind":
		return path.Root(w.kind.Name)
	}
	return path.Empty()
}

// expand makes the request of a plan. It answers false when what it is called, or of which kind it is, is not known yet.
func (r *connectionResource) expand(ctx context.Context, plan tfsdk.Plan, config tfsdk.Config, diags *diag.Diagnostics) (written, bool) {
	var name types.String
	var test types.Bool
	diags.Append(plan.GetAttribute(ctx, path.Root("name"), &name)...)
	diags.Append(plan.GetAttribute(ctx, path.Root("test"), &test)...)
	k, planned, ok := kind.Chosen(ctx, r.kinds, plan, diags)
	if !ok || name.IsUnknown() || diags.HasError() {
		return written{}, false
	}
	encoded := kind.Encode(k.Fields, planned, kind.Block(ctx, k, config, diags))
	raw, err := encoded.JSON()
	if err != nil {
		diags.AddError("Cannot encode the connection", err.Error())
		return written{}, false
	}
	body := api.ConnectionWrite{Kind: k.Name, Spec: raw, SecretVersions: encoded.SecretVersions, Unknown: encoded.UnknownBelow("/spec")}
	if !test.IsUnknown() {
		body.Test = test.ValueBoolPointer()
	} else {
		body.Unknown = append(body.Unknown, "/test")
	}
	return written{name: name.ValueString(), kind: k, body: body}, true
}

// flatten moves an answer into state.
func (r *connectionResource) flatten(ctx context.Context, c *api.Connection, state *tfsdk.State, diags *diag.Diagnostics) {
	values, ok := blocks(ctx, r.kinds, c, state, kind.Resource, diags)
	if !ok {
		return
	}
	values["name"] = types.StringValue(c.Name)
	values[clusterID] = remote.TextOrNull(c.ClusterID)
	var test types.Bool
	diags.Append(state.GetAttribute(ctx, path.Root("test"), &test)...)
	if test.IsNull() {
		values["test"] = types.BoolValue(true)
	}
	remote.SetAll(ctx, state, values, diags)
}

// blocks are the values of all kinds' blocks. Prior, which may be nil, has the user's own writing of them.
func blocks(ctx context.Context, kinds spec.Kinds, c *api.Connection, prior kind.Attributer, view kind.View, diags *diag.Diagnostics) (map[string]attr.Value, bool) {
	k, ok := kinds.Lookup(c.Kind)
	if !ok {
		diags.AddError("Unknown kind of connection", fmt.Sprintf("Connection %q is of kind %q, which this version of the provider does not know. Upgrade the provider.", c.Name, c.Kind))
		return nil, false
	}
	answer, err := kind.NewAnswer(c.Spec, c.SecretVersions)
	if err != nil {
		diags.AddError("Cannot read the connection", err.Error())
		return nil, false
	}
	var before types.Object
	if view == kind.Resource {
		before = kind.Block(ctx, k, prior, diags)
	}
	return kind.Values(kinds, k.Name, kind.Decode(k.Fields, answer, before, view), view), true
}
