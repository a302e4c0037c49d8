package remote

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// Action describes what Terraform 1.14 and later do when a resource changes, or on demand. M is the struct of its attributes.
// [NewAction] makes the action of it.
type Action[M any] struct {
	// Type is the action's type without the provider's, such as reset_offsets.
	Type   string
	Schema func(ctx context.Context) schema.Schema
	// What says what is done, such as: restart connector "orders-in".
	What func(m *M) string
	// Where finds the attribute that a JSON pointer into the request is about, or the empty path. /connection is known.
	Where func(m *M, pointer string) path.Path
	// Connection is the name of the connection that it is done behind; empty for none.
	Connection func(m *M) string
	// Missing names what an error says is missing, where the same apply may create it first: its noun, and its import id.
	// Where it is something else, the noun is empty.
	Missing func(m *M, pointer string) (noun, id string)
	// Known says whether enough of a configuration is known for the daemon to look at it.
	Known func(m *M) bool
	// Check finds what is wrong, and what there is to say, when planning.
	Check func(ctx context.Context, client *api.Client, m *M) ([]api.Warning, error)
	// Invoke does it; say tells how far it is.
	Invoke func(ctx context.Context, client *api.Client, m *M, say func(text string)) error
}

type act[M any] struct {
	Resource
	Action[M]
}

var (
	_ action.ActionWithConfigure  = &act[struct{}]{}
	_ action.ActionWithModifyPlan = &act[struct{}]{}
)

// NewAction makes an action.
func NewAction[M any](a Action[M]) action.Action { return &act[M]{Action: a} }

func (a *act[M]) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + a.Type
}

func (a *act[M]) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = a.Action.Schema(ctx)
}

// Configure takes over what the provider was configured with.
func (a *act[M]) Configure(_ context.Context, req action.ConfigureRequest, _ *action.ConfigureResponse) {
	a.Use(req.ProviderData)
}

// ModifyPlan looks ahead. The apply may change what the action meets, so what only others' doing is in the way of is a warning
// here and an error when the action runs.
func (a *act[M]) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	client, ok := a.Client()
	m := new(M)
	resp.Diagnostics.Append(req.Config.Get(ctx, m)...)
	if !ok || resp.Diagnostics.HasError() || !a.Known(m) {
		return
	}
	request := a.request("check how to ", m)
	warnings, err := a.Check(ctx, client, m)
	if err != nil {
		request.Judged(&resp.Diagnostics, err, func(e api.Error) explain.Severity { return a.severity(m, e) })
		return
	}
	request.Warnings(&resp.Diagnostics, warnings)
}

func (a *act[M]) severity(m *M, e api.Error) explain.Severity {
	switch {
	case e.Code == api.CodeInUse, e.Code == api.CodeRefused:
		return explain.Warn
	case e.Code == api.CodeNotFound && e.Attribute == "/connection":
		return a.MissingConnection(a.Connection(m))
	case e.Code == api.CodeNotFound:
		return a.missing(a.Missing(m, e.Attribute))
	default:
		return explain.Fail
	}
}

func (a *act[M]) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	client, ok := a.NeedClient(&resp.Diagnostics)
	m := new(M)
	resp.Diagnostics.Append(req.Config.Get(ctx, m)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	err := a.Action.Invoke(ctx, client, m, func(text string) { resp.SendProgress(action.InvokeProgressEvent{Message: text}) })
	if err != nil {
		a.request("", m).Error(&resp.Diagnostics, err)
	}
}

// request describes the action for errors.
func (a *act[M]) request(before string, m *M) explain.Request {
	return explain.Request{Doing: before + a.What(m), Where: connectionOr(m, a.Where)}
}
