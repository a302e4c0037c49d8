// Package schema is Terraform's view of the schemas in a registry.
package schema

import (
	"context"
	"maps"
	"reflect"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
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
		Replacing:  []string{"format"},
		Schema:     resourceSchema,
		What:       (*model).what,
		Where:      where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(s *api.Schema) string { return s.Generation },
		Flatten:    (*model).flatten,
		Complete:   (*model).complete,
		Planned:    planned,
		// The same apply may register the schemas that this one refers to first.
		Missing: func(pointer string) bool { return strings.HasPrefix(pointer, "/references") },
		Pages:   &remote.Pages[api.Schema]{Page: list, Key: func(s *api.Schema) []string { return []string{s.Connection, s.Subject} }},
	})
}

// declared are the fields of a schema that users declare, as the API describes them.
func declared() []spec.Field {
	var fields []spec.Field
	for _, f := range spec.FieldsOf(reflect.TypeFor[api.SchemaWrite]()) {
		switch f.Name {
		case "format":
			f.Default, f.Required, f.Replace = "AVRO", false, true
		case "schema":
			f.Doc += " Whitespace and the order of keys do not matter: a change of nothing else plans nothing."
			f.MinSize = new(1)
		case "references", "compatibility":
		default:
			continue
		}
		fields = append(fields, f)
	}
	return fields
}

func resourceSchema(context.Context) schema.Schema {
	attributes := kind.Attributes(declared())
	maps.Copy(attributes, map[string]schema.Attribute{
		"connection_name": schema.StringAttribute{
			MarkdownDescription: "The connection of the registry. Another one needs a new subject.",
			Required:            true,
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"subject": schema.StringAttribute{
			MarkdownDescription: "The subject, such as `orders-value` for the values of the topic `orders`. Another one needs a new subject.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"schema_id":   schema.Int64Attribute{MarkdownDescription: "The id that records carry.", Computed: true},
		"version":     schema.Int64Attribute{MarkdownDescription: "The version within the subject.", Computed: true},
		"fingerprint": schema.StringAttribute{MarkdownDescription: "The same for schemas that differ in nothing but form.", Computed: true},
		"hard_delete": schema.BoolAttribute{
			MarkdownDescription: "Whether destroying deletes the subject for good, so that its ids no longer resolve and its records can no longer be read. " +
				"Otherwise it is deleted softly. Default: `false`.",
			Optional: true,
			Computed: true,
			Default:  booldefault.StaticBool(false),
		},
	})
	return schema.Schema{
		MarkdownDescription: "The latest schema of a subject. A change registers a new version; one that the subject's compatibility mode forbids is refused when planning, with the registry's reasons.",
		Attributes:          attributes,
	}
}

func put(ctx context.Context, client *api.Client, w remote.Write[model], options api.WriteOptions) (*api.Schema, error) {
	body, err := w.Plan.expand()
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

func planned(_ context.Context, change remote.Change, w remote.Write[model], answer *api.Schema, _ *diag.Diagnostics) bool {
	if change != remote.Update || !w.Plan.sameMeaning(*w.State, answer) {
		return false
	}
	w.Plan.keep(*w.State)
	return true
}
