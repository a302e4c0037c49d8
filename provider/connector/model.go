package connector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// written is a connector on its way to the daemon.
type written struct {
	name     string
	kind     spec.Kind
	body     api.ConnectorWrite
	timeouts timeouts.Value
}

// request describes what is done with it, for errors.
func (w written) request(verb string) explain.Request {
	return explain.Request{
		Doing:    fmt.Sprintf("%s connector %q", verb, w.name),
		Where:    w.where,
		Resource: "headgate_source_connector",
		ImportID: w.name,
	}
}

func (w written) where(pointer string) path.Path {
	if rest, ok := strings.CutPrefix(pointer, "/spec"); ok && w.kind.Name != "" {
		return kind.Path(w.kind.Fields, path.Root(w.kind.Name), rest)
	}
	if rest, ok := strings.CutPrefix(pointer, "/settings"); ok {
		return kind.Path(settings(), path.Empty(), rest)
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
func (r *sourceResource) expand(ctx context.Context, plan tfsdk.Plan, config tfsdk.Config, diags *diag.Diagnostics) (written, bool) {
	var w written
	var name types.String
	diags.Append(plan.GetAttribute(ctx, path.Root("name"), &name)...)
	diags.Append(plan.GetAttribute(ctx, path.Root("timeouts"), &w.timeouts)...)
	k, planned, ok := kind.Chosen(ctx, r.kinds, plan, diags)
	root := kind.Root(ctx, settings(), plan, diags)
	block := kind.Block(ctx, k, config, diags)
	if !ok || name.IsUnknown() || diags.HasError() {
		return w, false
	}
	w.name, w.kind = name.ValueString(), k
	var err error
	if w.body, err = encode(kind.Encode(k.Fields, planned, block), kind.Encode(settings(), root, types.Object{})); err != nil {
		w.request("encode").Error(diags, err)
		return w, false
	}
	w.body.Kind = k.Name
	return w, true
}

func encode(source, rest kind.Encoded) (api.ConnectorWrite, error) {
	rawSource, err := source.JSON()
	if err != nil {
		return api.ConnectorWrite{}, err
	}
	rawRest, err := rest.JSON()
	if err != nil {
		return api.ConnectorWrite{}, err
	}
	unknown := slices.Concat(source.UnknownBelow("/spec"), rest.UnknownBelow("/settings"))
	return api.ConnectorWrite{Type: api.TypeSource, Spec: rawSource, Settings: rawRest, Unknown: unknown}, nil
}

// complete fills what the plan left open.
func (r *sourceResource) complete(ctx context.Context, c *api.Connector, state *tfsdk.State, diags *diag.Diagnostics) {
	status, err := status(c)
	if err != nil {
		diags.AddError("Cannot read the connector", err.Error())
		return
	}
	diags.Append(state.SetAttribute(ctx, path.Root("status"), status)...)
}

func status(c *api.Connector) (types.Object, error) {
	answer, err := kind.NewAnswer(stableStatus{State: c.Status.State, Guarantee: c.Status.Guarantee, GroupID: c.Status.GroupID}, nil)
	if err != nil {
		return types.Object{}, err
	}
	return kind.Decode(statusFields(), answer, types.Object{}, kind.Resource), nil
}

// flatten moves a connector into state.
func (r *sourceResource) flatten(ctx context.Context, c *api.Connector, state *tfsdk.State, diags *diag.Diagnostics) {
	values, ok := declared(ctx, r.kinds, c, state, kind.Resource, diags)
	if !ok {
		return
	}
	remote.SetAll(ctx, state, values, diags)
	r.complete(ctx, c, state, diags)
}

// declared are the values of what was declared. Prior, which may be nil, has the user's own writing of them.
func declared(ctx context.Context, kinds spec.Kinds, c *api.Connector, prior kind.Attributer, view kind.View, diags *diag.Diagnostics) (map[string]attr.Value, bool) {
	k, ok := kinds.Lookup(c.Kind)
	if !ok {
		diags.AddError("Unknown kind of connector", fmt.Sprintf("Connector %q is of kind %q, which this version of the provider does not know. Upgrade the provider.", c.Name, c.Kind))
		return nil, false
	}
	source, err := kind.NewAnswer(c.Spec, nil)
	if err != nil {
		diags.AddError("Cannot read the connector", err.Error())
		return nil, false
	}
	rest, err := kind.NewAnswer(c.ConnectorSettings, nil)
	if err != nil {
		diags.AddError("Cannot read the connector", err.Error())
		return nil, false
	}
	var block, root types.Object
	if view == kind.Resource {
		block, root = kind.Block(ctx, k, prior, diags), kind.Root(ctx, settings(), prior, diags)
	}
	values := kind.Values(kinds, k.Name, kind.Decode(k.Fields, source, block, view), view)
	maps.Copy(values, kind.Decode(settings(), rest, root, view).Attributes())
	values["name"] = types.StringValue(c.Name)
	return values, true
}
