package schema

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type versionsModel struct {
	ConnectionName types.String   `tfsdk:"connection_name"`
	Subject        types.String   `tfsdk:"subject"`
	Versions       []versionModel `tfsdk:"versions"`
}

// NewVersionsDataSource makes the data source headgate_schema_versions.
func NewVersionsDataSource() datasource.DataSource {
	return remote.NewView(remote.View[versionsModel, []api.SchemaVersion]{
		Type:   "schema_versions",
		Schema: versionsSchema,
		What: func(m *versionsModel) string {
			return fmt.Sprintf("the versions of subject %q", m.Subject.ValueString())
		},
		Where: func(_ *versionsModel, pointer string) path.Path {
			if pointer == "/subject" {
				return path.Root("subject")
			}
			return path.Empty()
		},
		Get: func(ctx context.Context, client *api.Client, m *versionsModel) (*[]api.SchemaVersion, error) {
			return remote.All(func(cursor string) (*api.Page[api.SchemaVersion], error) {
				return client.ListSchemaVersions(ctx, m.ConnectionName.ValueString(), m.Subject.ValueString(), cursor)
			})
		},
		Show: func(m *versionsModel, found *[]api.SchemaVersion) error {
			m.Versions = make([]versionModel, 0, len(*found))
			for i := range *found {
				m.Versions = append(m.Versions, newVersionModel(&(*found)[i]))
			}
			return nil
		},
	})
}

func versionsSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "The history of a subject: every version that was not deleted, from the oldest.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{MarkdownDescription: "The connection of the registry.", Required: true},
			"subject":         schema.StringAttribute{MarkdownDescription: "The subject.", Required: true},
			"versions": schema.ListNestedAttribute{
				MarkdownDescription: "The versions, from the oldest.", Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: versionAttributes()},
			},
		},
	}
}

type subjectsModel struct {
	ConnectionName types.String   `tfsdk:"connection_name"`
	Prefix         types.String   `tfsdk:"prefix"`
	Schemas        []subjectModel `tfsdk:"schemas"`
}

type subjectModel struct {
	versionModel

	Compatibility types.String `tfsdk:"compatibility"`
	Mode          types.String `tfsdk:"mode"`
}

// NewListDataSource makes the data source headgate_schemas.
func NewListDataSource() datasource.DataSource {
	return remote.NewView(remote.View[subjectsModel, []api.Schema]{
		Type:   "schemas",
		Schema: subjectsSchema,
		What: func(m *subjectsModel) string {
			return fmt.Sprintf("the subjects of registry %q", m.ConnectionName.ValueString())
		},
		Get: func(ctx context.Context, client *api.Client, m *subjectsModel) (*[]api.Schema, error) {
			return remote.All(func(cursor string) (*api.Page[api.Schema], error) {
				return client.ListSchemasWithPrefix(ctx, m.ConnectionName.ValueString(), m.Prefix.ValueString(), cursor)
			})
		},
		Show: func(m *subjectsModel, found *[]api.Schema) error {
			m.Schemas = make([]subjectModel, 0, len(*found))
			for _, s := range *found {
				m.Schemas = append(m.Schemas, subjectModel{
					newVersionModel(&api.SchemaVersion{
						Subject: s.Subject, Version: s.Version, ID: s.ID, Format: s.Format, Schema: s.Schema, References: s.References, Fingerprint: s.Fingerprint,
					}),
					remote.TextOrNull(s.Compatibility), remote.TextOrNull(s.Mode),
				})
			}
			return nil
		},
	})
}

func subjectsSchema(context.Context) schema.Schema {
	attributes := versionAttributes()
	attributes["compatibility"] = schema.StringAttribute{MarkdownDescription: "The subject's own compatibility mode; null where the registry's global mode holds.", Computed: true}
	attributes["mode"] = schema.StringAttribute{MarkdownDescription: "The subject's own mode; null where the registry's global mode holds, and where there are no modes.", Computed: true}
	return schema.Schema{
		MarkdownDescription: "The subjects of a registry with their latest schemas, whoever registered them.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{MarkdownDescription: "The connection of the registry.", Required: true},
			"prefix":          schema.StringAttribute{MarkdownDescription: "Only subjects whose names begin with it. Default: all.", Optional: true},
			"schemas": schema.ListNestedAttribute{
				MarkdownDescription: "The subjects, by name.", Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: attributes},
			},
		},
	}
}
