// Package connection is Terraform's view of connections.
package connection

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
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
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
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

// family is the kinds of connections that there are. What is declared has a block for each, so it is no struct.
type family struct{ kinds spec.Kinds }

// NewResource makes headgate_connection with the kinds that there are.
func NewResource(kinds spec.Kinds) resource.Resource {
	f := family{kinds}
	return kind.NewObject(kinds, remote.Definition[types.Object, api.Connection]{
		Type:       noun,
		Key:        key,
		Schema:     f.schema,
		What:       what,
		Where:      f.where,
		Put:        f.put,
		Get:        get,
		Delete:     del,
		Guarded:    true,
		Generation: func(c *api.Connection) string { return c.Generation },
		Flatten:    f.flatten,
		Complete:   complete,
		Missing:    f.missing,
		Planned:    planned,
		Leads:      f.leads,
		Warnings:   func(c *api.Connection) []api.Warning { return c.Warnings },
		Pages:      &remote.Pages[api.Connection]{Page: list, Key: func(c *api.Connection) []string { return []string{c.Name} }},
	})
}

func (f family) schema(context.Context) schema.Schema {
	attributes := kind.Blocks(f.kinds)
	maps.Copy(attributes, map[string]schema.Attribute{
		"name": schema.StringAttribute{
			MarkdownDescription: "The name that everything else refers to it by: 1 to 63 lower-case letters, digits, dots, dashes and underscores. Renaming replaces it (destroys it and creates another).",
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
	return schema.Schema{
		MarkdownDescription: "How the Headgate daemon reaches a system. Exactly one block, such as `kafka`, says what kind of system that is. " +
			"Secrets are write-only: the daemon keeps them encrypted and never gives them back. Topics, schemas and connectors refer to connections by name.\n\n" +
			"Another kind replaces the connection (destroys it and creates another); everything else changes in place. Destroying a connection is refused while a connector, a namespace or another connection uses it. " +
			"What is behind it stays as it is, but Headgate forgets the descriptions, labels and deletion protection of its topics.",
		Attributes: attributes,
	}
}

func name(m *types.Object) string { return kind.Attribute[types.String](*m, "name").ValueString() }

func what(m *types.Object) string { return fmt.Sprintf("connection %q", name(m)) }

func (f family) where(m *types.Object, pointer string) path.Path {
	k, _, chosen := kind.Chosen(f.kinds, *m)
	rest, below := strings.CutPrefix(pointer, "/spec")
	switch {
	case below && chosen:
		return kind.Path(k.Fields, path.Root(k.Name), rest)
	case pointer == "/kind" && chosen:
		return path.Root(k.Name)
	case pointer == "/name":
		return path.Root("name")
	}
	return path.Empty()
}

// missing names the other connection that an error is about.
func (f family) missing(m *types.Object, pointer string) (missing, id string) {
	body, err := f.expand(*m, types.Object{})
	if err != nil || !strings.HasPrefix(pointer, "/spec/") {
		return "", ""
	}
	return noun, remote.ValueAt(body, pointer)
}

// expand makes the request of a plan. The secrets are in the configuration only.
func (f family) expand(plan, config types.Object) (api.ConnectionWrite, error) {
	k, planned, _ := kind.Chosen(f.kinds, plan)
	encoded := kind.Encode(k.Fields, planned, kind.Attribute[types.Object](config, k.Name))
	raw, err := encoded.JSON()
	if err != nil {
		return api.ConnectionWrite{}, err
	}
	body := api.ConnectionWrite{Kind: k.Name, Spec: raw, SecretVersions: encoded.SecretVersions, Unknown: encoded.UnknownBelow("/spec")}
	test := kind.Attribute[types.Bool](plan, "test")
	if test.IsUnknown() {
		body.Unknown = append(body.Unknown, "/test")
		return body, nil
	}
	body.Test = test.ValueBoolPointer()
	return body, nil
}

func (f family) put(ctx context.Context, client *api.Client, w remote.Write[types.Object], options api.WriteOptions) (*api.Connection, error) {
	body, err := f.expand(*w.Plan, *w.Config)
	if err != nil {
		return nil, err
	}
	return client.PutConnection(ctx, name(w.Plan), body, options)
}

func get(ctx context.Context, client *api.Client, m *types.Object) (*api.Connection, error) {
	return client.GetConnection(ctx, name(m))
}

func del(ctx context.Context, client *api.Client, m *types.Object, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeleteConnection(ctx, name(m), options)
}

func list(ctx context.Context, client *api.Client, _, cursor string) (*api.Page[api.Connection], error) {
	return client.ListConnections(ctx, cursor)
}

// flatten moves an answer into state.
func (f family) flatten(m *types.Object, c *api.Connection, _ bool) error {
	values, err := f.blocks(c, *m, kind.Resource)
	if err != nil {
		return err
	}
	if kind.Attribute[types.Bool](*m, "test").IsNull() {
		values["test"] = types.BoolValue(true)
	}
	return kind.Set(m, values)
}

// planned keeps the cluster's id out of plans that do not change it.
func planned(_ context.Context, change remote.Change, w remote.Write[types.Object], c *api.Connection, diags *diag.Diagnostics) bool {
	now := kind.Attribute[types.String](*w.State, clusterID)
	if change != remote.Update || now.ValueString() != c.ClusterID {
		return false
	}
	if err := kind.Set(w.Plan, map[string]attr.Value{clusterID: now}); err != nil {
		diags.AddError("Cannot plan the cluster of "+what(w.Plan), err.Error())
		return false
	}
	return true
}

// leads tells from which cluster to which an update has a connection lead, or where it has none from which region; empty where
// it is not known.
func (f family) leads(w remote.Write[types.Object], c *api.Connection) (what, from, to string) {
	if from = kind.Attribute[types.String](*w.State, clusterID).ValueString(); from != "" || c.ClusterID != "" {
		return "cluster", from, c.ClusterID
	}
	return "region", f.region(*w.State), f.region(*w.Plan)
}

// region is that of a connection whose kind is at home in one.
func (f family) region(m types.Object) string {
	k, block, chosen := kind.Chosen(f.kinds, m)
	if !chosen || !slices.ContainsFunc(k.Fields, func(field spec.Field) bool { return field.Name == "region" && field.Required }) {
		return ""
	}
	return kind.Attribute[types.String](block, "region").ValueString()
}

// complete fills in the cluster's id, where the plan left it open.
func complete(m *types.Object, c *api.Connection) error {
	if kind.Attribute[types.String](*m, clusterID).IsUnknown() {
		return kind.Set(m, map[string]attr.Value{clusterID: remote.TextOrNull(c.ClusterID)})
	}
	return nil
}

// blocks are the name, the cluster and the values of all kinds' blocks. Prior has the user's own writing of them; a data source has none.
func (f family) blocks(c *api.Connection, prior types.Object, view kind.View) (map[string]attr.Value, error) {
	k, err := kind.Of(f.kinds, c.Kind, fmt.Sprintf("connection %q", c.Name))
	if err != nil {
		return nil, err
	}
	answer, err := kind.NewAnswer(c.Spec, c.SecretVersions)
	if err != nil {
		return nil, err
	}
	values := kind.Values(f.kinds, k.Name, kind.Decode(k.Fields, answer, kind.Attribute[types.Object](prior, k.Name), view), view)
	values["name"] = types.StringValue(c.Name)
	values[clusterID] = remote.TextOrNull(c.ClusterID)
	return values, nil
}
