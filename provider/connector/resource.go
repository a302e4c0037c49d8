// Package connector is Terraform's view of the connectors that the daemon hosts.
package connector

import (
	"context"
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
	"github.com/headgate/terraform-provider-headgate/internal/restart"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
	"github.com/headgate/terraform-provider-headgate/provider/running"
)

var engine = running.Engine[api.Connector]{
	Grace:   time.Minute,
	Silence: restart.HostedSilence,
	Of: func(c *api.Connector) running.Outcome {
		return running.Outcome{Name: c.Name, State: c.Status.State, Error: c.Status.Error, RolledBack: c.Status.RolledBack}
	},
}

var key = remote.Key{Attributes: []string{"name"}, Docs: []string{"The name of the connector."}, Example: "orders-in"}

// sources is the kinds of source connectors that there are. What is declared has a block for each, so it is no struct.
type sources struct{ kinds spec.Kinds }

// NewSourceResource makes headgate_source_connector with the kinds that there are.
func NewSourceResource(kinds spec.Kinds) resource.Resource {
	s := sources{kinds}
	return kind.NewObject(kinds, remote.Definition[types.Object, api.Connector]{
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
		Prepare:    s.prepare,
		Missing:    s.missing,
		Warnings:   func(c *api.Connector) []api.Warning { return c.Warnings },
		Notice:     func(_ *types.Object, c *api.Connector, diags *diag.Diagnostics) { engine.Notice(c, diags) },
		Pages:      &remote.Pages[api.Connector]{Page: list, Key: func(c *api.Connector) []string { return []string{c.Name} }},
	})
}

// settings are the fields that do not depend on the kind, as the API describes them.
func settings() []spec.Field { return spec.FieldsOf(reflect.TypeFor[api.ConnectorSettings]()) }

// stableStatus is the part of the status that stays the same while nothing is wrong.
type stableStatus struct {
	State     string `json:"state" doc:"What the connector is doing: 'running', 'paused', 'stopped', 'failed' or 'starting'."`
	Guarantee string `json:"guarantee" doc:"The guarantee that the whole path achieves."`
	GroupID   string `json:"group_id,omitempty" doc:"The consumer group of the source cluster that holds the positions."`
}

func statusFields() []spec.Field { return spec.FieldsOf(reflect.TypeFor[stableStatus]()) }

func (s sources) schema(ctx context.Context) schema.Schema {
	attributes := kind.Blocks(s.kinds)
	maps.Copy(attributes, kind.Attributes(settings()))
	maps.Copy(attributes, map[string]schema.Attribute{
		"name": schema.StringAttribute{
			MarkdownDescription: "The name of the connector: 1 to 63 lower-case letters, digits, dots, dashes and underscores. Renaming replaces it (destroys it and creates another): the new one begins anew.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(api.NamePattern), remote.NameRule)},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"status":   statusAttribute(),
		"timeouts": timeoutsAttribute(ctx),
	})
	return schema.Schema{
		MarkdownDescription: "A connector that the Headgate daemon hosts and that brings records into Kafka; for one on a Kafka Connect cluster there is `headgate_connector`. Creating and updating end when every instance runs; " +
			"a create that cannot start leaves nothing behind, an update that cannot start is taken back, and the error names the root cause. " +
			"Destroying it deletes its positions with it, which the plan warns of: one that is created again begins anew. The topics at the destination stay.",
		Attributes: attributes,
	}
}

func statusAttribute() schema.Attribute {
	inner := map[string]schema.Attribute{}
	for _, f := range statusFields() {
		inner[f.Name] = schema.StringAttribute{MarkdownDescription: kind.Markdown(f.Doc), Computed: true}
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

// prepare keeps of the status what an update leaves as it is. A stopped connector has no group, so another state may
// change all.
func (s sources) prepare(_ context.Context, w remote.Write[types.Object], diags *diag.Diagnostics) {
	changes := func(name string) bool { return !w.Plan.Attributes()[name].Equal(w.State.Attributes()[name]) }
	status := kind.Attribute[types.Object](*w.State, "status")
	if status.IsNull() || !kind.Attribute[types.Object](*w.Plan, "status").IsUnknown() || changes("name") || changes("state") || kind.Changes(s.kinds, *w.Plan, *w.State) {
		return
	}
	values := status.Attributes()
	for name, value := range values {
		if name == "state" || value.IsNull() || name == "guarantee" && changes(name) {
			values[name] = types.StringUnknown()
		}
	}
	err := kind.Set(&status, values)
	if err == nil {
		err = kind.Set(w.Plan, map[string]attr.Value{"status": status})
	}
	if err != nil {
		diags.AddError("Cannot plan the status of "+what(w.Plan), err.Error())
	}
}

// put writes a connector and waits until it is as declared. The daemon holds each request until there is news.
func (s sources) put(ctx context.Context, client *api.Client, w remote.Write[types.Object], options api.WriteOptions) (*api.Connector, error) {
	limit, err := running.StartLimit(ctx, kind.Attribute[timeouts.Value](*w.Plan, "timeouts"), options)
	if err != nil {
		return nil, err
	}
	body, err := s.expand(*w.Plan, *w.Config)
	if err != nil {
		return nil, err
	}
	accepted, err := client.PutConnector(ctx, name(w.Plan), body, api.ConnectorWriteOptions{WriteOptions: options, StartTimeout: limit})
	if err != nil || options.DryRun {
		return accepted, err
	}
	return engine.Await(ctx, limit, accepted, func(ctx context.Context) (*api.Connector, error) { return client.WaitConnector(ctx, name(w.Plan)) })
}

func get(ctx context.Context, client *api.Client, m *types.Object) (*api.Connector, error) {
	c, err := client.GetConnector(ctx, name(m))
	return c, running.Removed(err, name(m))
}

func del(ctx context.Context, client *api.Client, m *types.Object, options api.WriteOptions) (*api.Deletion, error) {
	limit, err := running.StopLimit(ctx, kind.Attribute[timeouts.Value](*m, "timeouts"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	deletion, err := client.DeleteConnector(ctx, name(m), options)
	return deletion, running.Removed(err, name(m))
}

func list(ctx context.Context, client *api.Client, _, cursor string) (*api.Page[api.Connector], error) {
	return client.ListConnectors(ctx, cursor)
}
