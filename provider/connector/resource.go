// Package connector is Terraform's view of the connectors that the daemon hosts.
package connector

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
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

const (
	noun = "connector"

	// defaultTimeout is how long a create, update or delete may take.
	defaultTimeout = 2 * time.Minute
	// grace is how much longer than the daemon the provider waits, so that the daemon's own verdict arrives.
	grace = time.Minute
)

var key = remote.Key{Attributes: []string{"name"}, Docs: []string{"The name of the connector."}, Example: "orders-in"}

type sourceResource struct {
	remote.Resource
	kinds spec.Kinds
}

var (
	_ resource.ResourceWithConfigure        = &sourceResource{}
	_ resource.ResourceWithConfigValidators = &sourceResource{}
	_ resource.ResourceWithModifyPlan       = &sourceResource{}
	_ resource.ResourceWithImportState      = &sourceResource{}
	_ resource.ResourceWithIdentity         = &sourceResource{}
)

// NewSourceResource makes headgate_source_connector with the kinds that there are.
func NewSourceResource(kinds spec.Kinds) resource.Resource { return &sourceResource{kinds: kinds} }

// Listing makes the source connectors listable.
func (r *sourceResource) Listing() (remote.Listing, bool) {
	pages := remote.Pages[api.Connector]{
		Page: func(ctx context.Context, client *api.Client, _, cursor string) (*api.Page[api.Connector], error) {
			return client.ListConnectors(ctx, cursor)
		},
		Key: func(c *api.Connector) []string { return []string{c.Name} },
	}
	return remote.NewListing("source_connector", key, pages, r.fill), true
}

// fill completes a state that has nothing but the name in it.
func (r *sourceResource) fill(ctx context.Context, client *api.Client, state *tfsdk.State, diags *diag.Diagnostics) {
	var name string
	diags.Append(state.GetAttribute(ctx, path.Root("name"), &name)...)
	answer, err := client.GetConnector(ctx, name)
	if err != nil {
		written{name: name}.request("read").Error(diags, err)
		return
	}
	r.flatten(ctx, answer, state, diags)
}

func (r *sourceResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_source_connector"
}

// settings are the fields that do not depend on the kind, as the API describes them.
func settings() []spec.Field { return spec.FieldsOf(reflect.TypeFor[api.ConnectorSettings]()) }

// stableStatus is the part of the status that stays the same while nothing is wrong.
type stableStatus struct {
	State     string `json:"state" doc:"What the connector is doing: running, paused, stopped, failed or starting."`
	Guarantee string `json:"guarantee" doc:"The guarantee that the whole path achieves."`
	GroupID   string `json:"group_id,omitempty" doc:"The consumer group that holds the positions."`
}

func statusFields() []spec.Field { return spec.FieldsOf(reflect.TypeFor[stableStatus]()) }

func (r *sourceResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := kind.Blocks(r.kinds)
	maps.Copy(attributes, kind.Attributes(settings()))
	maps.Copy(attributes, map[string]schema.Attribute{
		"name": schema.StringAttribute{
			MarkdownDescription: "The name of the connector. Another name needs a new connector, which begins anew.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(api.NamePattern), remote.NameRule)},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"status":   statusAttribute(),
		"timeouts": timeoutsAttribute(ctx),
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "A connector that the daemon hosts and that brings records into Kafka. Creating and updating end when every instance runs; " +
			"a create that cannot start leaves nothing behind, an update that cannot start is taken back, and the error names the root cause.",
		Attributes: attributes,
	}
}

func statusAttribute() schema.Attribute {
	inner := map[string]schema.Attribute{}
	for _, f := range statusFields() {
		inner[f.Name] = schema.StringAttribute{MarkdownDescription: f.Doc, Computed: true}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "What is really happening. The data source of the same name has all of it: instances, lag, errors.",
		Computed:            true,
		Attributes:          inner,
	}
}

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	length := func(what string) string { return "How long " + what + " may take, such as `5m`. Default: `2m`." }
	attribute := timeouts.Attributes(ctx, timeouts.Opts{
		Create: true, CreateDescription: length("creating"),
		Update: true, UpdateDescription: length("updating"),
		Delete: true, DeleteDescription: length("deleting"),
	})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long Terraform waits."
		return nested
	}
	return attribute
}

func (r *sourceResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = key.IdentitySchema()
}

func (r *sourceResource) ConfigValidators(context.Context) []resource.ConfigValidator {
	return []resource.ConfigValidator{kind.ExactlyOne(r.kinds)}
}

func (r *sourceResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
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
		r.planPut(ctx, change, req, &resp.Diagnostics)
	}
	if change == remote.Update {
		planStatus(ctx, req, resp)
	}
}

// planStatus keeps what an update leaves as it is. A stopped connector has no group, so another state may change all.
func planStatus(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var status types.Object
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("status"), &status)...)
	if status.IsNull() || remote.Differs(ctx, req, "state", &resp.Diagnostics) {
		return
	}
	values := status.Attributes()
	for name, value := range values {
		if name == "state" || value.IsNull() || name == "guarantee" && remote.Differs(ctx, req, name, &resp.Diagnostics) {
			values[name] = types.StringUnknown()
		}
	}
	known, diags := types.ObjectValue(status.AttributeTypes(ctx), values)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("status"), known)...)
}

func (r *sourceResource) planPut(ctx context.Context, change remote.Change, req resource.ModifyPlanRequest, diags *diag.Diagnostics) {
	m, ok := r.expand(ctx, req.Plan, req.Config, diags)
	if !ok {
		return
	}
	client, _ := r.Client()
	options := api.ConnectorWriteOptions{WriteOptions: remote.PlanOptions(ctx, change, req.Private)}
	answer, err := client.PutConnector(ctx, m.name, m.body, options)
	if err != nil {
		m.request("check").Judged(diags, err, func(e api.Error) explain.Severity {
			if e.Code == api.CodeAlreadyExists && r.Replaces(ctx, req.Private, noun, m.name) {
				return explain.Ignore
			}
			return r.missing(m.body, e)
		})
		return
	}
	m.request("check").Warnings(diags, answer.Warnings)
}

// missing judges that something is not there yet, which the same apply may create first.
func (r *sourceResource) missing(body api.ConnectorWrite, e api.Error) explain.Severity {
	switch {
	case e.Code != api.CodeNotFound:
		return explain.Fail
	case e.Attribute == "/spec/connection", e.Attribute == "/settings/destination/connection":
		return r.MissingConnection(remote.ValueAt(body, e.Attribute))
	case strings.HasPrefix(e.Attribute, "/spec/"):
		return explain.Warn
	default:
		return explain.Fail
	}
}

func (r *sourceResource) planDelete(ctx context.Context, state tfsdk.State, diags *diag.Diagnostics) {
	var name string
	diags.Append(state.GetAttribute(ctx, path.Root("name"), &name)...)
	client, _ := r.Client()
	deletion, err := client.DeleteConnector(ctx, name, api.WriteOptions{DryRun: true})
	remote.DryDelete(diags, written{name: name}.request("delete"), fmt.Sprintf("connector %q", name), deletion, err)
}

func (r *sourceResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	m, known := r.expand(ctx, req.Plan, req.Config, &resp.Diagnostics)
	limit, diags := m.timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if !ok || !known || resp.Diagnostics.HasError() {
		return
	}
	options := api.ConnectorWriteOptions{WriteOptions: api.WriteOptions{CreateOnly: true}, StartTimeout: limit}
	accepted, err := client.PutConnector(ctx, m.name, m.body, options)
	if err != nil {
		m.request("create").Error(&resp.Diagnostics, err)
		return
	}
	settled, err := settle(ctx, client, m.name, limit)
	if removed(err) {
		m.request("create").Error(&resp.Diagnostics, err)
		return
	}
	if err != nil {
		// Whether it runs is not known, but it is there: state must have it.
		m.request("see the start of").Error(&resp.Diagnostics, err)
		settled = accepted
	}
	failedSince(m, settled, &resp.Diagnostics)
	resp.State.Raw = req.Plan.Raw
	r.complete(ctx, settled, &resp.State, &resp.Diagnostics)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, settled.Generation)...)
	key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

func (r *sourceResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	key.SetIdentity(ctx, resp.Identity, req.State, &resp.Diagnostics)
	client, ok := r.Client()
	var name string
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &name)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	answer, err := client.GetConnector(ctx, name)
	if removed(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		written{name: name}.request("read").Error(&resp.Diagnostics, err)
		return
	}
	r.InState(noun, name)
	if answer.Status.State == api.StateFailed {
		resp.Diagnostics.AddWarning(fmt.Sprintf("Connector %q has failed", name), cause(answer.Status.Error))
	}
	r.flatten(ctx, answer, &resp.State, &resp.Diagnostics)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, answer.Generation)...)
}

func (r *sourceResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	m, known := r.expand(ctx, req.Plan, req.Config, &resp.Diagnostics)
	limit, diags := m.timeouts.Update(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if !ok || !known || resp.Diagnostics.HasError() {
		return
	}
	options := api.ConnectorWriteOptions{WriteOptions: api.WriteOptions{Generation: remote.Generation(ctx, req.Private)}, StartTimeout: limit}
	accepted, err := client.PutConnector(ctx, m.name, m.body, options)
	if err != nil {
		m.request("update").Error(&resp.Diagnostics, err)
		return
	}
	settled, err := settle(ctx, client, m.name, limit)
	if err != nil {
		m.request("see the update of").Error(&resp.Diagnostics, err)
		return
	}
	if back := settled.Status.RolledBack; takenBack(accepted.Status.RolledBack, back) {
		resp.Diagnostics.AddError(fmt.Sprintf("Connector %q could not start with the change, which was taken back", m.name), explain.Failure(back.Error))
		return
	}
	failedSince(m, settled, &resp.Diagnostics)
	resp.State.Raw = req.Plan.Raw
	r.complete(ctx, settled, &resp.State, &resp.Diagnostics)
	resp.Diagnostics.Append(remote.SetGeneration(ctx, resp.Private, settled.Generation)...)
	key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

func (r *sourceResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	client, ok := r.NeedClient(&resp.Diagnostics)
	var name string
	var given timeouts.Value
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &name)...)
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("timeouts"), &given)...)
	limit, diags := given.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := client.DeleteConnector(ctx, name, api.WriteOptions{Generation: remote.Generation(ctx, req.Private)})
	if err != nil && !removed(err) {
		written{name: name}.request("delete").Error(&resp.Diagnostics, err)
	}
}

func (r *sourceResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	key.Import(ctx, req, resp)
}

// settle waits until a connector is no longer starting. The daemon holds each request until there is news.
func settle(ctx context.Context, client *api.Client, name string, limit time.Duration) (*api.Connector, error) {
	ctx, cancel := context.WithTimeout(ctx, limit+grace)
	defer cancel()
	for {
		c, err := client.WaitConnector(ctx, name)
		if err != nil || c.Status.State != api.StateStarting {
			return c, err
		}
	}
}

// removed says that a connector is proven absent; one that could not start is removed by the daemon.
func removed(err error) bool {
	return api.HasCode(err, api.CodeNotFound) || api.HasCode(err, api.CodeStartFailed)
}

// takenBack says whether an update was taken back since it was accepted.
func takenBack(before, now *api.Rollback) bool {
	return now != nil && (before == nil || !now.Error.At.Equal(before.Error.At))
}

// failedSince adds an error for a connector that started and has failed since.
func failedSince(m written, c *api.Connector, diags *diag.Diagnostics) {
	if c.Status.State == api.StateFailed {
		diags.AddError(fmt.Sprintf("Connector %q has failed", m.name), cause(c.Status.Error))
	}
}

func cause(f *api.Failure) string {
	if f == nil {
		return "The daemon does not say why; its status does: headgated status."
	}
	return explain.Failure(*f)
}
