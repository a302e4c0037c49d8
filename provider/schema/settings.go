package schema

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// kindsWithSettings are the kinds of connections to registries that have settings for all subjects.
var kindsWithSettings = []string{"schema_registry", "apicurio"}

type settingsModel struct {
	ConnectionName types.String `tfsdk:"connection_name"`
	Compatibility  types.String `tfsdk:"compatibility"`
	Mode           types.String `tfsdk:"mode"`
}

// NewSettingsResource makes headgate_schema_registry_settings.
func NewSettingsResource() resource.Resource {
	return remote.NewObject(remote.Definition[settingsModel, api.SchemaRegistrySettings]{
		Type:   "schema_registry_settings",
		Key:    remote.Key{Attributes: []string{"connection_name"}, Docs: []string{"The connection of the registry."}, Example: "registry"},
		Schema: settingsSchema,
		What: func(m *settingsModel) string {
			return fmt.Sprintf("the settings of registry %q", m.ConnectionName.ValueString())
		},
		Where: func(_ *settingsModel, pointer string) path.Path {
			return kind.Path(settingsFields(), path.Empty(), pointer)
		},
		Put:        putSettings,
		Get:        getSettings,
		Delete:     deleteSettings,
		Generation: func(s *api.SchemaRegistrySettings) string { return s.Generation },
		Flatten:    (*settingsModel).flatten,
		Complete:   (*settingsModel).complete,
		Planned: func(_ context.Context, _ remote.Change, w remote.Write[settingsModel], answer *api.SchemaRegistrySettings, _ *diag.Diagnostics) bool {
			return w.Plan.complete(answer) == nil
		},
		Warnings: func(s *api.SchemaRegistrySettings) []api.Warning { return s.Warnings },
		Pages:    &remote.Pages[api.SchemaRegistrySettings]{Page: listSettings, Key: func(s *api.SchemaRegistrySettings) []string { return []string{s.Connection} }},
	})
}

func settingsFields() []spec.Field {
	var fields []spec.Field
	for _, f := range spec.FieldsOf(reflect.TypeFor[api.SchemaRegistrySettingsWrite]()) {
		if f.Name != "unknown" {
			fields = append(fields, f)
		}
	}
	return fields
}

func settingsSchema(context.Context) schema.Schema {
	attributes := kind.Attributes(settingsFields())
	for name, attribute := range attributes {
		if text, ok := attribute.(schema.StringAttribute); ok {
			text.Computed = true // what is not declared is shown
			attributes[name] = text
		}
	}
	attributes["connection_name"] = schema.StringAttribute{
		MarkdownDescription: "The connection of the registry, of kind `" + strings.Join(kindsWithSettings, "` or `") + "`. Changing it replaces the settings: this registry gets its defaults back.",
		Required:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
	}
	return schema.Schema{
		MarkdownDescription: "What holds for every subject of a registry that has no setting of its own. Declare it once for a registry. " +
			"Destroying it gives the registry back the defaults that it is configured with. AWS Glue has no such settings.",
		Attributes: attributes,
	}
}

// putSettings sends what is declared; the rest of the plan is what was found.
func putSettings(ctx context.Context, client *api.Client, w remote.Write[settingsModel], options api.WriteOptions) (*api.SchemaRegistrySettings, error) {
	body := api.SchemaRegistrySettingsWrite{Compatibility: w.Config.Compatibility.ValueString(), Mode: w.Config.Mode.ValueString()}
	if options.DryRun {
		body.Unknown = unknown(w.Config)
	} else {
		// What was not known when planning is known now, in the plan.
		body.Compatibility, body.Mode = declaredNow(w.Config.Compatibility, w.Plan.Compatibility), declaredNow(w.Config.Mode, w.Plan.Mode)
	}
	return client.PutSchemaRegistrySettings(ctx, w.Plan.ConnectionName.ValueString(), body, options)
}

func declaredNow(config, plan types.String) string {
	if config.IsNull() {
		return ""
	}
	return plan.ValueString()
}

func unknown(m *settingsModel) []string {
	var pointers []string
	if m.Compatibility.IsUnknown() {
		pointers = append(pointers, "/compatibility")
	}
	if m.Mode.IsUnknown() {
		pointers = append(pointers, "/mode")
	}
	return pointers
}

func getSettings(ctx context.Context, client *api.Client, m *settingsModel) (*api.SchemaRegistrySettings, error) {
	return client.GetSchemaRegistrySettings(ctx, m.ConnectionName.ValueString())
}

// listSettings has one for each connection of a registry that has settings: all are there from the beginning.
func listSettings(ctx context.Context, client *api.Client, _, cursor string) (*api.Page[api.SchemaRegistrySettings], error) {
	connections, err := client.ListConnections(ctx, cursor)
	if err != nil {
		return nil, err
	}
	page := &api.Page[api.SchemaRegistrySettings]{Next: connections.Next}
	for _, c := range connections.Items {
		if slices.Contains(kindsWithSettings, c.Kind) {
			page.Items = append(page.Items, api.SchemaRegistrySettings{Connection: c.Name})
		}
	}
	return page, nil
}

func deleteSettings(ctx context.Context, client *api.Client, m *settingsModel, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeleteSchemaRegistrySettings(ctx, m.ConnectionName.ValueString(), options)
}

func (m *settingsModel) flatten(s *api.SchemaRegistrySettings, _ bool) error {
	m.Compatibility, m.Mode = remote.TextOrNull(s.Compatibility), remote.TextOrNull(s.Mode)
	return nil
}

// complete fills what is not declared.
func (m *settingsModel) complete(s *api.SchemaRegistrySettings) error {
	if m.Compatibility.IsUnknown() {
		m.Compatibility = remote.TextOrNull(s.Compatibility)
	}
	if m.Mode.IsUnknown() {
		m.Mode = remote.TextOrNull(s.Mode)
	}
	return nil
}
