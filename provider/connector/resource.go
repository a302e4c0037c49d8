// Package connector is Terraform's view of the connectors that the daemon hosts.
package connector

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

const (
	// defaultTimeout is how long a create, update or delete may take.
	defaultTimeout = 2 * time.Minute
	// grace is how much longer than the daemon the provider waits, so that the daemon's own verdict arrives.
	grace = time.Minute
)

var key = remote.Key{Attributes: []string{"name"}, Docs: []string{"The name of the connector."}, Example: "orders-in"}

// sources is the kinds of source connectors that there are. What is declared has a block for each, so it is no struct.
type sources struct{ kinds spec.Kinds }

// NewSourceResource makes headgate_source_connector with the kinds that there are.
func NewSourceResource(kinds spec.Kinds) resource.Resource {
	s := sources{kinds}
	return remote.NewObject(remote.Definition[types.Object, api.Connector]{
		Type:       "source_connector",
		Key:        key,
		Schema:     s.schema,
		What:       what,
		Where:      s.where,
		Put:        s.put,
		Get:        get,
		Delete:     del,
		Guarded:    true,
		Generation: func(c *api.Connector) string { return c.Generation },
		Flatten:    s.flatten,
		Complete:   complete,
		Validate: func(_ context.Context, config *types.Object, diags *diag.Diagnostics) {
			kind.ExactlyOne(kinds, *config, diags)
		},
		Known: func(plan *types.Object) bool {
			_, _, ok := kind.Chosen(kinds, *plan)
			return ok
		},
		Prepare:    s.prepare,
		Replaced:   s.replaced,
		ReplacedBy: "the kind",
		Missing:    s.missing,
		Warnings:   func(c *api.Connector) []api.Warning { return c.Warnings },
		Notice:     notice,
		Pages:      &remote.Pages[api.Connector]{Page: list, Key: func(c *api.Connector) []string { return []string{c.Name} }},
	})
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

func (s sources) schema(ctx context.Context) schema.Schema {
	attributes := kind.Blocks(s.kinds)
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
	return schema.Schema{
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
	return remote.Timeouts(ctx, "How long Terraform waits.", timeouts.Opts{
		Create: true, CreateDescription: length("creating"),
		Update: true, UpdateDescription: length("updating"),
		Delete: true, DeleteDescription: length("deleting"),
	})
}

func (s sources) replaced(w remote.Write[types.Object]) bool {
	return kind.Changes(s.kinds, *w.Plan, *w.State)
}

// prepare keeps of the status what an update leaves as it is. A stopped connector has no group, so another state may
// change all.
func (s sources) prepare(ctx context.Context, w remote.Write[types.Object], diags *diag.Diagnostics) {
	changes := func(name string) bool { return !w.Plan.Attributes()[name].Equal(w.State.Attributes()[name]) }
	status := kind.Attribute[types.Object](*w.State, "status")
	if status.IsNull() || !kind.Attribute[types.Object](*w.Plan, "status").IsUnknown() || changes("name") || changes("state") || s.replaced(w) {
		return
	}
	values := status.Attributes()
	for name, value := range values {
		if name == "state" || value.IsNull() || name == "guarantee" && changes(name) {
			values[name] = types.StringUnknown()
		}
	}
	known, found := types.ObjectValue(status.AttributeTypes(ctx), values)
	diags.Append(found...)
	if !found.HasError() {
		set(w.Plan, known, diags)
	}
}

func set(m *types.Object, status types.Object, diags *diag.Diagnostics) {
	with, err := kind.With(*m, map[string]attr.Value{"status": status})
	if err != nil {
		diags.AddError("Cannot plan the status of "+what(m), err.Error())
		return
	}
	*m = with
}

// put writes a connector and waits until it is as declared. The daemon holds each request until there is news.
func (s sources) put(ctx context.Context, client *api.Client, w remote.Write[types.Object], options api.WriteOptions) (*api.Connector, error) {
	given := kind.Attribute[timeouts.Value](*w.Plan, "timeouts")
	pick := given.Update
	if options.CreateOnly {
		pick = given.Create
	}
	limit, diags := pick(ctx, defaultTimeout)
	if diags.HasError() {
		return nil, fmt.Errorf("timeouts: %s", diags[0].Detail())
	}
	body, err := s.expand(*w.Plan, *w.Config)
	if err != nil {
		return nil, err
	}
	accepted, err := client.PutConnector(ctx, name(w.Plan), body, api.ConnectorWriteOptions{WriteOptions: options, StartTimeout: limit})
	if err != nil || options.DryRun {
		return accepted, err
	}
	settled, err := settle(ctx, client, name(w.Plan), limit)
	switch {
	case removed(err):
		return nil, err
	case err != nil: // Whether it runs is not known, but it is there: state must have it.
		return accepted, fmt.Errorf("see whether it starts: %w", err)
	}
	return settled, verdict(accepted, settled)
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

// verdict is the error of an update that was taken back, or of a connector that has failed since.
func verdict(accepted, settled *api.Connector) error {
	before, now := accepted.Status.RolledBack, settled.Status.RolledBack
	if now != nil && (before == nil || !now.Error.At.Equal(before.Error.At)) {
		return &api.Error{Code: api.CodeStartFailed, Summary: fmt.Sprintf("Connector %q could not start with the change, which was taken back", settled.Name), Detail: explain.Failure(now.Error)}
	}
	if settled.Status.State == api.StateFailed {
		return &api.Error{Code: api.CodeStartFailed, Summary: fmt.Sprintf("Connector %q has failed", settled.Name), Detail: cause(settled.Status.Error)}
	}
	return nil
}

// removed says that a connector is proven absent; one that could not start is removed by the daemon.
func removed(err error) bool {
	return api.HasCode(err, api.CodeNotFound) || api.HasCode(err, api.CodeStartFailed)
}

// notice says that a connector has failed, each time it is read.
func notice(_ *types.Object, c *api.Connector, diags *diag.Diagnostics) {
	if c.Status.State == api.StateFailed {
		diags.AddWarning(fmt.Sprintf("Connector %q has failed", c.Name), cause(c.Status.Error))
	}
}

func cause(f *api.Failure) string {
	if f == nil {
		return "The daemon does not say why; its status does: headgated status."
	}
	return explain.Failure(*f)
}

func get(ctx context.Context, client *api.Client, m *types.Object) (*api.Connector, error) {
	c, err := client.GetConnector(ctx, name(m))
	if removed(err) {
		return nil, api.NotFound("Connector", name(m))
	}
	return c, err
}

func del(ctx context.Context, client *api.Client, m *types.Object, options api.WriteOptions) (*api.Deletion, error) {
	limit, diags := kind.Attribute[timeouts.Value](*m, "timeouts").Delete(ctx, defaultTimeout)
	if diags.HasError() {
		return nil, fmt.Errorf("timeouts: %s", diags[0].Detail())
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	deletion, err := client.DeleteConnector(ctx, name(m), options)
	if removed(err) {
		return nil, api.NotFound("Connector", name(m))
	}
	return deletion, err
}

func list(ctx context.Context, client *api.Client, _, cursor string) (*api.Page[api.Connector], error) {
	return client.ListConnectors(ctx, cursor)
}
