package schema

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// versionModel is one version of a subject.
type versionModel struct {
	Subject     types.String `tfsdk:"subject"`
	Version     types.Int64  `tfsdk:"version"`
	SchemaID    types.String `tfsdk:"schema_id"`
	Format      types.String `tfsdk:"format"`
	Schema      types.String `tfsdk:"schema"`
	References  types.List   `tfsdk:"references"`
	Fingerprint types.String `tfsdk:"fingerprint"`
}

type viewModel struct {
	versionModel

	ConnectionName types.String `tfsdk:"connection_name"`
	Compatibility  types.String `tfsdk:"compatibility"`
	Mode           types.String `tfsdk:"mode"`
}

// seen is a version with the settings of its subject.
type seen struct {
	version api.SchemaVersion
	subject *api.Schema // nil: no subject has it any more
}

// NewDataSource makes the data source headgate_schema.
func NewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[viewModel, seen]{
		Type: "schema", Schema: viewSchema, What: (*viewModel).what, Where: viewWhere, Get: getSeen, Show: (*viewModel).show,
	})
}

func versionAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"subject":     schema.StringAttribute{MarkdownDescription: "The subject.", Computed: true},
		"version":     schema.Int64Attribute{MarkdownDescription: "The version within the subject, from 1.", Computed: true},
		"schema_id":   schema.StringAttribute{MarkdownDescription: "The id that records carry: a number, in AWS Glue a UUID.", Computed: true},
		"format":      schema.StringAttribute{MarkdownDescription: "The schema language: `AVRO`, `JSON` or `PROTOBUF`.", Computed: true},
		"schema":      schema.StringAttribute{MarkdownDescription: "The schema as the registry has it.", Computed: true},
		"fingerprint": schema.StringAttribute{MarkdownDescription: "A hash of the schema, the same for schemas that differ only in form, such as whitespace and the order of keys.", Computed: true},
		"references": schema.ListNestedAttribute{
			MarkdownDescription: "The schemas that this one refers to.",
			Computed:            true,
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"name":    schema.StringAttribute{MarkdownDescription: "The name that the schema uses.", Computed: true},
				"subject": schema.StringAttribute{MarkdownDescription: "The subject that holds it.", Computed: true},
				"version": schema.Int64Attribute{MarkdownDescription: "The version in that subject.", Computed: true},
			}},
		},
	}
}

func viewSchema(context.Context) schema.Schema {
	attributes := versionAttributes()
	attributes["connection_name"] = schema.StringAttribute{MarkdownDescription: "The connection of the registry.", Required: true}
	attributes["subject"] = schema.StringAttribute{
		MarkdownDescription: "The subject. Not needed where `schema_id` is given; where several subjects have that schema, it is then the first by name.",
		Optional:            true, Computed: true,
		Validators: []validator.String{stringvalidator.AtLeastOneOf(path.MatchRoot("schema_id"))},
	}
	attributes["version"] = schema.Int64Attribute{
		MarkdownDescription: "The version to read, from 1. Not with `schema_id`. Default: the latest.",
		Optional:            true, Computed: true,
		Validators: []validator.Int64{int64validator.AtLeast(1), int64validator.ConflictsWith(path.MatchRoot("schema_id"))},
	}
	attributes["schema_id"] = schema.StringAttribute{
		MarkdownDescription: "The id that records carry, to read the schema that they were written with: a number, in AWS Glue a UUID.",
		Optional:            true, Computed: true,
	}
	attributes["compatibility"] = schema.StringAttribute{MarkdownDescription: "The subject's own compatibility mode; null where the registry's global mode holds.", Computed: true}
	attributes["mode"] = schema.StringAttribute{MarkdownDescription: "The subject's own mode; null where the registry's global mode holds, and where there are no modes.", Computed: true}
	return schema.Schema{MarkdownDescription: "A schema of a subject, whoever registered it: the latest, a version, or the one of an id that records carry.", Attributes: attributes}
}

func (m *viewModel) what() string {
	if id := m.SchemaID.ValueString(); id != "" {
		return "schema " + id
	}
	return fmt.Sprintf("subject %q", m.Subject.ValueString())
}

func viewWhere(_ *viewModel, pointer string) path.Path {
	if pointer == "/subject" {
		return path.Root("subject")
	}
	return path.Empty()
}

func getSeen(ctx context.Context, client *api.Client, m *viewModel) (*seen, error) {
	connection, subject := m.ConnectionName.ValueString(), m.Subject.ValueString()
	var (
		found *api.SchemaVersion
		err   error
	)
	switch {
	case !m.SchemaID.IsNull():
		found, err = client.GetSchemaByID(ctx, connection, m.SchemaID.ValueString(), subject)
	case !m.Version.IsNull():
		found, err = client.GetSchemaVersion(ctx, connection, subject, m.Version.ValueInt64())
	}
	if err != nil {
		return nil, err
	}
	if found != nil && found.Subject == "" {
		return &seen{version: *found}, nil
	}
	if found != nil {
		subject = found.Subject
	}
	latest, err := client.GetSchema(ctx, connection, subject)
	if err != nil {
		return nil, err
	}
	if found == nil {
		found = &api.SchemaVersion{
			Subject: latest.Subject, Version: latest.Version, ID: latest.ID, Format: latest.Format, Schema: latest.Schema,
			References: latest.References, Fingerprint: latest.Fingerprint,
		}
	}
	return &seen{*found, latest}, nil
}

func (m *viewModel) show(s *seen) error {
	m.versionModel = newVersionModel(&s.version)
	if s.subject != nil {
		m.Compatibility, m.Mode = remote.TextOrNull(s.subject.Compatibility), remote.TextOrNull(s.subject.Mode)
	}
	return nil
}

func newVersionModel(v *api.SchemaVersion) versionModel {
	m := versionModel{
		Subject: remote.TextOrNull(v.Subject), Version: types.Int64Value(v.Version), SchemaID: types.StringValue(v.ID), Format: types.StringValue(v.Format),
		Schema: types.StringValue(v.Schema), References: referenceList(v.References), Fingerprint: types.StringValue(v.Fingerprint),
	}
	if v.Version == 0 {
		m.Version = types.Int64Null()
	}
	return m
}

func referenceList(references []api.SchemaReference) types.List {
	object := map[string]attr.Type{"name": types.StringType, "subject": types.StringType, "version": types.Int64Type}
	elements := make([]attr.Value, 0, len(references))
	for _, ref := range references {
		elements = append(elements, types.ObjectValueMust(object, map[string]attr.Value{
			"name": types.StringValue(ref.Name), "subject": types.StringValue(ref.Subject), "version": types.Int64Value(ref.Version),
		}))
	}
	return types.ListValueMust(types.ObjectType{AttrTypes: object}, elements)
}
