package remote

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// Definition describes a resource whose objects the daemon writes by name, with dry runs and generations. M is the struct
// of its attributes, or a types.Object where these depend on the kinds that there are; A is the daemon's answer. [NewObject]
// makes the resource of it.
type Definition[M, A any] struct {
	// Type is the resource's type without the provider's, such as topic; it names the noun in sentences too.
	Type string
	Key  Key
	// Replacing lists the attributes beside the key whose change needs a new object.
	Replacing []string
	Schema    func(ctx context.Context) schema.Schema

	// What names one object in sentences, such as topic "orders".
	What func(m *M) string
	// Where finds the attribute that a JSON pointer into the request is about, or the empty path. /connection is known.
	Where func(m *M, pointer string) path.Path

	// Put answers an object beside an error when it was created all the same: state must have it.
	Put    func(ctx context.Context, client *api.Client, w Write[M], options api.WriteOptions) (*A, error)
	Get    func(ctx context.Context, client *api.Client, m *M) (*A, error)
	Delete func(ctx context.Context, client *api.Client, m *M, options api.WriteOptions) (*api.Deletion, error)
	// Generation is the generation of an answer; never empty.
	Generation func(a *A) string
	// Flatten moves an answer into the model. An import has nothing but the key in it.
	Flatten func(m *M, a *A, imported bool) error
	// Complete fills what the plan left open after a write.
	Complete func(plan *M, a *A) error

	// The rest may be nil.

	// Known says whether enough of a plan is known for the daemon to look at it; the key is.
	Known func(plan *M) bool
	// Validate checks a configuration by itself, without the daemon.
	Validate func(ctx context.Context, config *M, diags *diag.Diagnostics)
	// Prepare plans what follows from other attributes, before anybody asks the daemon.
	Prepare func(ctx context.Context, w Write[M], diags *diag.Diagnostics)
	// Check refuses an update that needs no daemon to be refused. It answers whether to go on.
	Check func(w Write[M], diags *diag.Diagnostics) bool
	// Planned looks at the answer of the dry run and may adjust the plan; it answers whether it did.
	Planned func(ctx context.Context, change Change, w Write[M], a *A, diags *diag.Diagnostics) bool
	// Leads tells where a connection led, and where an update has it lead: a cluster or a region. Empty where it is not known.
	Leads func(w Write[M], a *A) (what, from, to string)
	// Warnings are those of an answer; they are shown when planning.
	Warnings func(a *A) []api.Warning
	// Notice warns of what a read finds that is no plain change of an attribute, such as that the object has failed. m is as
	// it was before; an import gets no call.
	Notice func(m *M, a *A, diags *diag.Diagnostics)
	// Replaced says whether an update that changes none of Replacing needs a new object all the same.
	Replaced func(w Write[M]) bool
	// ReplacedBy names what Replaced looks at, in sentences.
	ReplacedBy string
	// Guarded has a delete refused when the object was changed since it was last read.
	Guarded bool
	// Declared tells declarations apart. Where it is set, a declaration that was applied before, and that the daemon refuses
	// since what is there changed elsewhere, is a warning when planning and an error when applying: Terraform plans before it
	// destroys, and an error would be in the way of that.
	Declared func(config *M) string
	// Missing names what an error says is missing, where the same apply may create it first: its noun, and its import id.
	// Where it is something else, the noun is empty.
	Missing func(m *M, pointer string) (noun, id string)
	// Timeouts are those that the user has set; Timeout is the default, zero for none.
	Timeouts func(m *M) timeouts.Value
	Timeout  time.Duration
	// Pages lists the objects for terraform query.
	Pages *Pages[A]
}

// Write is what a plan wants. State is the zero value for a new object; Config has the write-only values.
type Write[M any] struct {
	Plan, State, Config *M
}

type object[M, A any] struct {
	Resource
	Definition[M, A]
}

// NewObject makes a resource.
func NewObject[M, A any](d Definition[M, A]) resource.Resource { return &object[M, A]{Definition: d} }

// Check the interfaces by an instance.
var (
	_ resource.ResourceWithConfigure      = &object[struct{}, struct{}]{}
	_ resource.ResourceWithValidateConfig = &object[struct{}, struct{}]{}
	_ resource.ResourceWithModifyPlan     = &object[struct{}, struct{}]{}
	_ resource.ResourceWithImportState    = &object[struct{}, struct{}]{}
	_ resource.ResourceWithIdentity       = &object[struct{}, struct{}]{}
)

func (o *object[M, A]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + o.Type
}

func (o *object[M, A]) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = o.Definition.Schema(ctx)
}

func (o *object[M, A]) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = o.Key.IdentitySchema()
}

func (o *object[M, A]) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	if o.Validate == nil {
		return
	}
	var config M
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !resp.Diagnostics.HasError() {
		o.Validate(ctx, &config, &resp.Diagnostics)
	}
}

func (o *object[M, A]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.Plan.Raw.IsNull() {
		o.prepare(ctx, &req, resp)
	}
	if _, ok := o.Client(); !ok || resp.Diagnostics.HasError() {
		return
	}
	change := planned(ctx, req, &resp.Diagnostics, slices.Concat(o.Key.Attributes, o.Replacing)...)
	if change == Update && o.replaced(ctx, req, &resp.Diagnostics) {
		change = Replace
	}
	if change == Nothing || change == Update {
		o.warnMoved(ctx, req.State, &resp.Diagnostics)
	}
	switch change {
	case Delete:
		if key, ok := o.planDelete(ctx, req.State, &resp.Diagnostics); ok {
			o.renamed(key, o.typeName(), o.WillGo(o.Type, key.id(), o.typeName()), &resp.Diagnostics)
		}
	case Replace:
		o.planReplace(ctx, req.State, &resp.Diagnostics)
	case Create, Update:
		o.planPut(ctx, change, req, resp)
	}
}

// warnMoved warns when the connection of an object is to lead elsewhere.
func (o *object[M, A]) warnMoved(ctx context.Context, from tfsdk.State, diags *diag.Diagnostics) {
	if !o.daemon.moves() {
		return
	}
	state := new(M)
	diags.Append(from.Get(ctx, state)...)
	key, _ := o.Key.of(ctx, from, diags)
	if diags.HasError() {
		return
	}
	if summary, detail, moved := o.Moved(key.connection(), o.What(state)); moved {
		diags.AddWarning(summary, detail)
	}
}

func (o *object[M, A]) replaced(ctx context.Context, req resource.ModifyPlanRequest, diags *diag.Diagnostics) bool {
	if o.Replaced == nil {
		return false
	}
	w := getWrite[M](ctx, req.Plan, req.State, req.Config, diags)
	return !diags.HasError() && o.Replaced(w)
}

// prepare plans what follows from other attributes, in the response and for the rest of the request.
func (o *object[M, A]) prepare(ctx context.Context, req *resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if o.Prepare == nil {
		return
	}
	w := getWrite[M](ctx, req.Plan, req.State, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	before := *w.Plan
	o.Prepare(ctx, w, &resp.Diagnostics)
	if reflect.DeepEqual(before, *w.Plan) { // to set a plan costs more than to make it
		return
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, w.Plan)...)
	req.Plan = resp.Plan
}

func getWrite[M any](ctx context.Context, plan tfsdk.Plan, state tfsdk.State, config tfsdk.Config, diags *diag.Diagnostics) Write[M] {
	w := Write[M]{Plan: new(M), State: new(M), Config: new(M)}
	diags.Append(plan.Get(ctx, w.Plan)...)
	diags.Append(config.Get(ctx, w.Config)...)
	if !state.Raw.IsNull() {
		diags.Append(state.Get(ctx, w.State)...)
	}
	return w
}

func (o *object[M, A]) planPut(ctx context.Context, change Change, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	diags := &resp.Diagnostics
	state := req.State
	if change == Create {
		state = tfsdk.State{}
	}
	w := getWrite[M](ctx, req.Plan, state, req.Config, diags)
	key, known := o.Key.of(ctx, req.Plan, diags)
	if diags.HasError() || !known {
		return
	}
	// What refers to it is planned next. When this fails, the plan does.
	o.daemon.will(o.Type, key.id())
	if o.Known != nil && !o.Known(w.Plan) || o.Check != nil && !o.Check(w, diags) {
		return
	}
	client, _ := o.Client()
	answer, err := o.Put(ctx, client, w, planOptions(ctx, change, req.Private))
	if err != nil {
		applied, exists := o.applied(ctx, req.Private, w.Config), false
		o.request("check", w.Plan, key).Judged(diags, err, func(e api.Error) explain.Severity {
			exists = exists || e.Code == api.CodeAlreadyExists
			return o.planSeverity(ctx, req.Private, w.Plan, key, applied, e)
		})
		if exists {
			o.planAgain(ctx, req.Private, w.Plan, key, diags)
		}
		return
	}
	if o.Warnings != nil {
		o.request("check", w.Plan, key).Warnings(diags, o.Warnings(answer))
	}
	if o.Leads != nil && change == Update {
		what, from, to := o.Leads(w, answer)
		o.daemon.leads(key.id(), what, from, to)
	}
	if o.Planned != nil && o.Planned(ctx, change, w, answer, diags) {
		diags.Append(resp.Plan.Set(ctx, w.Plan)...)
	}
}

// applied says whether the declaration is the one that was applied last.
func (o *object[M, A]) applied(ctx context.Context, private privateData, config *M) bool {
	return o.Declared != nil && get(ctx, private, declarationKey) == o.Declared(config)
}

func (o *object[M, A]) planSeverity(ctx context.Context, private privateData, plan *M, key keyValues, applied bool, e api.Error) explain.Severity {
	switch {
	case applied && (e.Code == api.CodeRefused || e.Code == api.CodeIncompatible || e.Code == api.CodeProtected):
		return explain.Warn
	case e.Code == api.CodeAlreadyExists && o.daemon.goesFirst(ctx, private, o.Type, key.id()):
		return explain.Ignore
	case e.Code == api.CodeNotFound && e.Attribute == "/connection":
		return o.MissingConnection(key.connection())
	case e.Code == api.CodeNotFound && o.Missing != nil:
		return o.missing(o.Missing(plan, e.Attribute))
	default:
		return explain.Fail
	}
}

// planAgain is about an object that exists and that is created all the same. Where state has it, it goes first.
func (o *object[M, A]) planAgain(ctx context.Context, private privateData, plan *M, key keyValues, diags *diag.Diagnostics) {
	goes := ""
	if generation(ctx, private) == "" {
		goes = o.WillBeAgain(o.Type, key.id(), o.typeName())
	}
	switch {
	case goes != "":
		o.renamed(key, goes, o.typeName(), diags)
	case !o.daemon.remembers(o.Type, key.id()): // that it exists is said already
	case !o.daemon.replaces(o.Type, key.id()):
		var found diag.Diagnostics
		o.dryDelete(ctx, plan, key, &found)
		if found.HasError() {
			diags.AddError(fmt.Sprintf("The plan deletes the %s to make another", o.noun()),
				fmt.Sprintf("The one in state is tainted, or -replace asks for another. To keep it, plan without -replace, after terraform untaint headgate_%s.<name>. "+
					"If the resource was renamed, write a moved block. What follows is about the one that would go.", o.Type))
		}
		diags.Append(found...)
	}
}

// renamed refuses to create and to delete the same object; none when one of the two types is empty.
func (o *object[M, A]) renamed(key keyValues, from, to string, diags *diag.Diagnostics) {
	if from != "" && to != "" {
		diags.AddError(Renamed(fmt.Sprintf("the %s %q", o.noun(), key.id()), from, to))
	}
}

func (o *object[M, A]) planReplace(ctx context.Context, from tfsdk.State, diags *diag.Diagnostics) {
	var found diag.Diagnostics
	if key, ok := o.planDelete(ctx, from, &found); ok {
		o.daemon.willReplace(o.Type, key.id())
	}
	if found.HasError() {
		diags.AddError(fmt.Sprintf("The plan deletes the %s to make another", o.noun()),
			fmt.Sprintf("A change of %s needs another %s. If it was not meant, undo that change; what follows is about the one that would go.",
				strings.Join(o.replacing(), " or "), o.noun()))
	}
	diags.Append(found...)
}

// replacing names everything whose change needs a new object.
func (o *object[M, A]) replacing() []string {
	all := slices.Concat(o.Key.Attributes, o.Replacing)
	if o.ReplacedBy != "" {
		all = append(all, o.ReplacedBy)
	}
	return all
}

// planDelete says what goes with an object, and answers its key; false when state cannot be read.
func (o *object[M, A]) planDelete(ctx context.Context, from tfsdk.State, diags *diag.Diagnostics) (keyValues, bool) {
	state := new(M)
	diags.Append(from.Get(ctx, state)...)
	key, _ := o.Key.of(ctx, from, diags)
	if diags.HasError() {
		return key, false
	}
	o.dryDelete(ctx, state, key, diags)
	return key, true
}

func (o *object[M, A]) dryDelete(ctx context.Context, m *M, key keyValues, diags *diag.Diagnostics) {
	client, _ := o.Client()
	deletion, err := o.Definition.Delete(ctx, client, m, api.WriteOptions{DryRun: true})
	DryDelete(diags, o.request("delete", m, key), o.What(m), deletion, err)
}

func (o *object[M, A]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	client, ok := o.NeedClient(&resp.Diagnostics)
	w := getWrite[M](ctx, req.Plan, tfsdk.State{}, req.Config, &resp.Diagnostics)
	key, _ := o.Key.of(ctx, req.Plan, &resp.Diagnostics)
	ctx, cancel := o.within(ctx, w.Plan, timeouts.Value.Create, &resp.Diagnostics)
	defer cancel()
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	answer, err := o.Put(ctx, client, w, api.WriteOptions{CreateOnly: true})
	if err != nil {
		o.request("create", w.Plan, key).Error(&resp.Diagnostics, err)
	}
	if answer == nil {
		return
	}
	o.keep(ctx, w, answer, &resp.State, resp.Private, &resp.Diagnostics)
	o.Key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

func (o *object[M, A]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	o.Key.SetIdentity(ctx, resp.Identity, req.State, &resp.Diagnostics)
	client, ok := o.Client()
	state := new(M)
	resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	key, _ := o.Key.of(ctx, req.State, &resp.Diagnostics)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	imported := generation(ctx, req.Private) == ""
	answer, err := o.Get(ctx, client, state)
	gone, lost := Absent(err)
	switch {
	case gone && imported && get(ctx, req.Private, importKey) != "": // Terraform would say no more than that it is not there
		o.request("import", state, key).Error(&resp.Diagnostics, err)
		return
	case gone:
		resp.State.RemoveResource(ctx)
		return
	case lost && !imported: // an import that has nothing in state yet gets the error
		warnLost(&resp.Diagnostics, o.What(state), key.connection(), "it stays in Terraform's state as it was.")
		return
	case err != nil:
		o.request("read", state, key).Error(&resp.Diagnostics, err)
		return
	}
	o.daemon.remember(o.Type, key.id())
	if o.Notice != nil && !imported {
		o.Notice(state, answer, &resp.Diagnostics)
	}
	before := *state
	if err := o.Flatten(state, answer, imported); err != nil {
		o.request("read", state, key).Error(&resp.Diagnostics, err)
		return
	}
	if !reflect.DeepEqual(before, *state) {
		resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	}
	resp.Diagnostics.Append(setGeneration(ctx, resp.Private, o.Generation(answer))...)
}

func (o *object[M, A]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	client, ok := o.NeedClient(&resp.Diagnostics)
	w := getWrite[M](ctx, req.Plan, req.State, req.Config, &resp.Diagnostics)
	key, _ := o.Key.of(ctx, req.Plan, &resp.Diagnostics)
	ctx, cancel := o.within(ctx, w.Plan, timeouts.Value.Update, &resp.Diagnostics)
	defer cancel()
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	answer, err := o.Put(ctx, client, w, api.WriteOptions{Generation: generation(ctx, req.Private)})
	if err != nil {
		o.request("update", w.Plan, key).Error(&resp.Diagnostics, err)
		return
	}
	o.keep(ctx, w, answer, &resp.State, resp.Private, &resp.Diagnostics)
	o.Key.SetIdentity(ctx, resp.Identity, resp.State, &resp.Diagnostics)
}

func (o *object[M, A]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	client, ok := o.NeedClient(&resp.Diagnostics)
	state := new(M)
	resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	key, _ := o.Key.of(ctx, req.State, &resp.Diagnostics)
	ctx, cancel := o.within(ctx, state, timeouts.Value.Delete, &resp.Diagnostics)
	defer cancel()
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	var options api.WriteOptions
	if o.Guarded {
		options.Generation = generation(ctx, req.Private)
	}
	_, err := o.Definition.Delete(ctx, client, state, options)
	gone, lost := Absent(err)
	switch {
	case lost:
		warnLost(&resp.Diagnostics, o.What(state), key.connection(), "it leaves Terraform's state; if it exists, it stays where it is.")
	case err != nil && !gone:
		o.request("delete", state, key).Error(&resp.Diagnostics, err)
	}
}

func (o *object[M, A]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	if o.Key.Import(ctx, req, resp); resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(set(ctx, resp.Private, importKey, "begun")...)
}

// keep puts what was written into state.
func (o *object[M, A]) keep(ctx context.Context, w Write[M], answer *A, state *tfsdk.State, private privateSetter, diags *diag.Diagnostics) {
	if err := o.Complete(w.Plan, answer); err != nil {
		diags.AddError(fmt.Sprintf("Cannot read %s after writing it", o.What(w.Plan)), err.Error())
	}
	diags.Append(state.Set(ctx, w.Plan)...)
	diags.Append(setGeneration(ctx, private, o.Generation(answer))...)
	if o.Declared != nil {
		diags.Append(set(ctx, private, declarationKey, o.Declared(w.Config))...)
	}
}

// within bounds a request by the user's timeout or the default one.
func (o *object[M, A]) within(ctx context.Context, m *M, pick func(timeouts.Value, context.Context, time.Duration) (time.Duration, diag.Diagnostics), diags *diag.Diagnostics) (context.Context, context.CancelFunc) {
	limit := o.Timeout
	if o.Timeouts != nil {
		given, found := pick(o.Timeouts(m), ctx, limit)
		diags.Append(found...)
		limit = given
	}
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

func (o *object[M, A]) typeName() string { return "headgate_" + o.Type }

func (o *object[M, A]) noun() string { return strings.ReplaceAll(o.Type, "_", " ") }

// request describes what is done with an object, for errors.
func (o *object[M, A]) request(verb string, m *M, key keyValues) explain.Request {
	return explain.Request{Doing: verb + " " + o.What(m), Where: connectionOr(m, o.Where), Resource: o.typeName(), ImportID: key.id()}
}

// keyValues are the values of a key's attributes.
type keyValues struct {
	names, values []string
}

func (k keyValues) id() string { return strings.Join(k.values, "/") }

// connection is the name of the connection that the object is behind; empty when it is behind none.
func (k keyValues) connection() string {
	if i := slices.Index(k.names, "connection_name"); i >= 0 {
		return k.values[i]
	}
	return ""
}

// attributer is a plan, a state or a configuration.
type attributer interface {
	GetAttribute(ctx context.Context, at path.Path, target any) diag.Diagnostics
}

// of reads the key; false when it is not known yet.
func (k Key) of(ctx context.Context, from attributer, diags *diag.Diagnostics) (keyValues, bool) {
	key := keyValues{names: k.Attributes}
	for _, name := range k.Attributes {
		var value types.String
		diags.Append(from.GetAttribute(ctx, path.Root(name), &value)...)
		if value.IsUnknown() {
			return key, false
		}
		key.values = append(key.values, value.ValueString())
	}
	return key, true
}
