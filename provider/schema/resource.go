// Package schema is Terraform's view of the schemas in a registry.
package schema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
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

var key = remote.Key{
	Attributes: []string{"connection_name", "subject"},
	Docs:       []string{"The connection of the registry.", "The subject."},
	Example:    "registry/orders-value",
}

// NewResource makes headgate_schema.
func NewResource() resource.Resource {
	return remote.NewObject(remote.Definition[model, api.Schema]{
		Type:       "schema",
		Key:        key,
		Schema:     resourceSchema,
		What:       (*model).what,
		Where:      where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(s *api.Schema) string { return s.Generation },
		Flatten:    (*model).flatten,
		Complete:   (*model).complete,
		Prepare:    prepare,
		Planned:    planned,
		Replaced: func(w remote.Write[model]) bool {
			return otherFormat(w.State.Format.ValueString(), w.Plan.Format.ValueString())
		},
		Declared: declaration,
		Warnings: func(s *api.Schema) []api.Warning { return s.Warnings },
		Pages:    &remote.Pages[api.Schema]{Page: list, Key: func(s *api.Schema) []string { return []string{s.Connection, s.Subject} }},
	})
}

// declared are the fields of a schema that users declare, as the API describes them.
func declared() []spec.Field {
	var fields []spec.Field
	for _, f := range spec.FieldsOf(reflect.TypeFor[api.SchemaWrite]()) {
		switch f.Name {
		case "unknown":
			continue
		case "format":
			f.Default, f.Required = "AVRO", false
			f.Doc += " Changing it replaces the schema (destroys it and creates another), except from 'JSON' to 'CLOUDEVENTS' or back."
		case "schema":
			f.Doc += " Whitespace and the order of keys do not matter: a change of nothing else plans nothing."
			f.MinSize = new(1)
		}
		fields = append(fields, f)
	}
	return fields
}

func resourceSchema(context.Context) schema.Schema {
	attributes := kind.Attributes(declared())
	replaceFormat(attributes)
	followReferences(attributes)
	maps.Copy(attributes, map[string]schema.Attribute{
		"connection_name": schema.StringAttribute{
			MarkdownDescription: "The connection of the registry: of kind `schema_registry`, `apicurio` or `glue`. Changing it replaces the schema (destroys it and creates another).",
			Required:            true,
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"subject": schema.StringAttribute{
			MarkdownDescription: "The subject, such as `orders-value` for the values of the topic `orders`: an artifact of the connection's group in Apicurio Registry, a schema name in AWS Glue. Changing it replaces the schema (destroys it and creates another).",
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"schema_id":   schema.StringAttribute{MarkdownDescription: "The id that records carry: a number, in AWS Glue a UUID.", Computed: true},
		"version":     schema.Int64Attribute{MarkdownDescription: "The version within the subject, from 1.", Computed: true},
		"fingerprint": schema.StringAttribute{MarkdownDescription: "A hash of the schema, the same for schemas that differ only in form, such as whitespace and the order of keys.", Computed: true},
		"hard_delete": schema.BoolAttribute{
			MarkdownDescription: "Whether destroying deletes the subject for good, so that its ids no longer resolve and records written with them can no longer be read. " +
				"Otherwise it is soft-deleted: its ids still resolve, and it can be registered again. AWS Glue has no soft delete: there destroying is refused unless this is `true`. Default: `false`.",
			Optional: true,
			Computed: true,
			Default:  booldefault.StaticBool(false),
		},
	})
	return schema.Schema{
		MarkdownDescription: "The latest schema of a subject, in a registry that speaks the Confluent Schema Registry API, in Apicurio Registry or in AWS Glue. " +
			"A change registers a new version; one that the subject's compatibility mode forbids is refused when planning, with the reasons.",
		Attributes: attributes,
	}
}

// replaceFormat has a change of the format make a new subject, unless registries do not tell the two apart.
func replaceFormat(attributes map[string]schema.Attribute) {
	format, ok := attributes["format"].(schema.StringAttribute)
	if !ok {
		return
	}
	const doc = "Changing the format replaces the schema."
	format.PlanModifiers = append(format.PlanModifiers, stringplanmodifier.RequiresReplaceIf(
		func(_ context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
			resp.RequiresReplace = otherFormat(req.StateValue.ValueString(), req.PlanValue.ValueString())
		}, doc, doc))
	attributes["format"] = format
}

// followReferences lets the version of a reference be left out, and shows which one that is.
func followReferences(attributes map[string]schema.Attribute) {
	references, ok := attributes["references"].(schema.ListNestedAttribute)
	if !ok {
		return
	}
	version, ok := references.NestedObject.Attributes["version"].(schema.Int64Attribute)
	if !ok {
		return
	}
	version.MarkdownDescription = "The version in that subject, from 1. Without it, the latest is followed: when there is a newer one, the plan shows it, and applying registers a new version that refers to it. " +
		"To follow a schema of the same configuration in the same apply, give its `version` attribute."
	version.Computed = true
	references.NestedObject.Attributes["version"] = version
	attributes["references"] = references
}

// otherFormat says whether registries tell the formats apart.
func otherFormat(one, other string) bool { return registered(one) != registered(other) }

// registered is the format as registries know it.
func registered(format string) string {
	if format == cloudEvents {
		return "JSON"
	}
	return format
}

// declaration tells declarations apart.
func declaration(m *model) string {
	sum := sha256.New()
	for _, value := range []string{m.Format.String(), m.Schema.String(), m.References.String(), m.Compatibility.String(), m.Mode.String(), m.OnIncompatible.String()} {
		_, _ = sum.Write([]byte(value + "\x00"))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func put(ctx context.Context, client *api.Client, w remote.Write[model], options api.WriteOptions) (*api.Schema, error) {
	body, err := w.Plan.expand(w.Config.References)
	if err != nil {
		return nil, err
	}
	return client.PutSchema(ctx, w.Plan.ConnectionName.ValueString(), w.Plan.Subject.ValueString(), body, options)
}

func get(ctx context.Context, client *api.Client, m *model) (*api.Schema, error) {
	return client.GetSchema(ctx, m.ConnectionName.ValueString(), m.Subject.ValueString())
}

func del(ctx context.Context, client *api.Client, m *model, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeleteSchema(ctx, m.ConnectionName.ValueString(), m.Subject.ValueString(), m.HardDelete.ValueBool(), options)
}

func list(ctx context.Context, client *api.Client, connection, cursor string) (*api.Page[api.Schema], error) {
	return client.ListSchemas(ctx, connection, cursor)
}

// prepare has the versions that are followed asked for anew, in a plan that changes nothing too.
func prepare(_ context.Context, w remote.Write[model], _ *diag.Diagnostics) {
	w.Plan.References = withVersions(w.Plan.References, func(i int, version attrVersion) attrVersion {
		if follows(w.Config.References, i) {
			return unknownVersion
		}
		return version
	})
}

func planned(_ context.Context, change remote.Change, w remote.Write[model], answer *api.Schema, _ *diag.Diagnostics) bool {
	w.Plan.resolve(answer.References)
	switch {
	case change != remote.Update:
	case w.Plan.sameMeaning(*w.State, answer):
		w.Plan.keep(*w.State)
	default:
		// A newer version that is followed changes nothing that is declared, so nobody else says that these change.
		w.Plan.SchemaID, w.Plan.Version, w.Plan.Fingerprint = types.StringUnknown(), types.Int64Unknown(), types.StringUnknown()
	}
	return true
}
