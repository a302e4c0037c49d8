// Package namespace is Terraform's view of namespaces.
package namespace

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

var key = remote.Key{Attributes: []string{"name"}, Docs: []string{"The name of the namespace."}, Example: "payments"}

// NewResource makes headgate_namespace.
func NewResource() resource.Resource {
	return remote.NewObject(remote.Definition[model, api.Namespace]{
		Type:       "namespace",
		Key:        key,
		Schema:     resourceSchema,
		What:       (*model).what,
		Where:      where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(n *api.Namespace) string { return n.Generation },
		Flatten:    func(m *model, n *api.Namespace, _ bool) error { return m.flatten(n, kind.Resource) },
		Complete:   func(*model, *api.Namespace) error { return nil },
		Warnings:   func(n *api.Namespace) []api.Warning { return n.Warnings },
		// The same apply may create the connections first.
		Missing: missing,
		Pages:   &remote.Pages[api.Namespace]{Page: list, Key: func(n *api.Namespace) []string { return []string{n.Name} }},
	})
}

// declared are the fields that users declare, as the API describes them.
func declared() []spec.Field { return spec.FieldsOf(reflect.TypeFor[api.NamespaceSettings]()) }

func resourceSchema(context.Context) schema.Schema {
	attributes := kind.Attributes(declared())
	maps.Copy(attributes, map[string]schema.Attribute{
		"name": schema.StringAttribute{
			MarkdownDescription: "The name of the namespace: 1 to 63 lower-case letters, digits, dots, dashes and underscores. Renaming replaces it (destroys it and creates another); its topics stay.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(api.NamePattern), remote.NameRule)},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
	})
	return schema.Schema{
		MarkdownDescription: "What a team may do by itself: the topics whose names begin with a prefix, within limits. The daemon holds every write of a topic to the limits, whoever asks for it, " +
			"and plans show it on the topic's own attribute. Topics that exist already belong to the namespace at once and keep all they have; one that has more than is allowed stays as it is, " +
			"and may not be raised further. Destroying a namespace leaves its topics.\n\n" +
			"When a plan changes a namespace and topics in it, the topics are checked against the new limits where they depend on the namespace, by a reference such as `headgate_namespace.payments.topic_prefix` below or by `depends_on`. " +
			"Other topics are checked against the limits as they are before the apply.",
		Attributes: attributes,
	}
}

type model struct {
	Name        types.String `tfsdk:"name"`
	TopicPrefix types.String `tfsdk:"topic_prefix"`
	Connections types.List   `tfsdk:"connections"`
	Owner       types.String `tfsdk:"owner"`
	Environment types.String `tfsdk:"environment"`
	Limits      types.Object `tfsdk:"limits"`
}

func (m *model) what() string { return fmt.Sprintf("namespace %q", m.Name.ValueString()) }

func where(_ *model, pointer string) path.Path {
	if pointer == "/name" {
		return path.Root("name")
	}
	return kind.Path(declared(), path.Empty(), pointer)
}

// missing names the connection that an error is about.
func missing(m *model, pointer string) (noun, id string) {
	body, err := m.expand()
	steps := spec.Steps(pointer)
	if err != nil || len(steps) != 2 || steps[0] != "connections" {
		return "", ""
	}
	if i, err := strconv.Atoi(steps[1]); err == nil && i < len(body.Connections) {
		return "connection", body.Connections[i]
	}
	return "", ""
}

// object is the declared part.
func (m *model) object() types.Object {
	return types.ObjectValueMust(kind.AttrTypes(declared(), kind.Resource), map[string]attr.Value{
		"topic_prefix": m.TopicPrefix, "connections": m.Connections, "owner": m.Owner, "environment": m.Environment, "limits": m.Limits,
	})
}

func (m *model) expand() (api.NamespaceWrite, error) {
	var body api.NamespaceWrite
	encoded := kind.Encode(declared(), m.object(), types.Object{})
	raw, err := encoded.JSON()
	if err != nil {
		return body, err
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return body, fmt.Errorf("encode %s: %w", m.what(), err)
	}
	body.Unknown = encoded.Unknown
	return body, nil
}

// flatten moves a namespace into state.
func (m *model) flatten(n *api.Namespace, view kind.View) error {
	answer, err := kind.NewAnswer(n, nil)
	if err != nil {
		return err
	}
	prior := types.ObjectNull(kind.AttrTypes(declared(), view))
	if view == kind.Resource && !m.TopicPrefix.IsNull() { // no import
		prior = m.object()
	}
	values := kind.Decode(declared(), answer, prior, view).Attributes()
	m.Name = types.StringValue(n.Name)
	m.TopicPrefix, _ = values["topic_prefix"].(types.String)
	m.Connections, _ = values["connections"].(types.List)
	m.Owner, _ = values["owner"].(types.String)
	m.Environment, _ = values["environment"].(types.String)
	m.Limits, _ = values["limits"].(types.Object)
	return nil
}

func put(ctx context.Context, client *api.Client, w remote.Write[model], options api.WriteOptions) (*api.Namespace, error) {
	body, err := w.Plan.expand()
	if err != nil {
		return nil, err
	}
	answer, err := client.PutNamespace(ctx, w.Plan.Name.ValueString(), body, options)
	if err == nil && options.DryRun {
		client.Plan(api.PlannedNamespace{Name: w.Plan.Name.ValueString(), NamespaceWrite: body})
	}
	return answer, err
}

func get(ctx context.Context, client *api.Client, m *model) (*api.Namespace, error) {
	return client.GetNamespace(ctx, m.Name.ValueString())
}

func del(ctx context.Context, client *api.Client, m *model, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeleteNamespace(ctx, m.Name.ValueString(), options)
}

func list(ctx context.Context, client *api.Client, _, cursor string) (*api.Page[api.Namespace], error) {
	return client.ListNamespaces(ctx, cursor)
}
