package schema

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// cloudEvents is the format that registries keep as JSON.
const cloudEvents = "CLOUDEVENTS"

type model struct {
	ConnectionName types.String `tfsdk:"connection_name"`
	Subject        types.String `tfsdk:"subject"`
	Format         types.String `tfsdk:"format"`
	Schema         types.String `tfsdk:"schema"`
	References     types.List   `tfsdk:"references"`
	Compatibility  types.String `tfsdk:"compatibility"`
	Mode           types.String `tfsdk:"mode"`
	OnIncompatible types.String `tfsdk:"on_incompatible"`
	SchemaID       types.String `tfsdk:"schema_id"`
	Version        types.Int64  `tfsdk:"version"`
	Fingerprint    types.String `tfsdk:"fingerprint"`
	HardDelete     types.Bool   `tfsdk:"hard_delete"`
}

func (m *model) what() string { return fmt.Sprintf("subject %q", m.Subject.ValueString()) }

func where(_ *model, pointer string) path.Path {
	switch pointer {
	case "/name", "/subject":
		return path.Root("subject")
	case "/hard":
		return path.Root("hard_delete")
	}
	return kind.Path(declared(), path.Empty(), pointer)
}

// object is the declared part.
func (m *model) object() types.Object {
	return types.ObjectValueMust(kind.AttrTypes(declared(), kind.Resource), map[string]attr.Value{
		"format": m.Format, "schema": m.Schema, "references": m.References, "compatibility": m.Compatibility,
		"mode": m.Mode, "on_incompatible": m.OnIncompatible,
	})
}

// expand makes the request of a plan. The configuration tells which references follow the latest version.
func (m *model) expand(references types.List) (api.SchemaWrite, error) {
	var body api.SchemaWrite
	sent := *m
	sent.References = m.sent(references)
	encoded := kind.Encode(declared(), sent.object(), types.Object{})
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

// sameMeaning says whether the planned schema, as the daemon understood it, is the one in state.
func (m *model) sameMeaning(state model, answer *api.Schema) bool {
	return !m.Schema.IsUnknown() && !m.References.IsUnknown() && m.References.Equal(state.References) && answer.Fingerprint == state.Fingerprint.ValueString()
}

// keep takes over from state what a change of form alone does not change.
func (m *model) keep(state model) {
	m.Schema = state.Schema
	m.SchemaID = state.SchemaID
	m.Version = state.Version
	m.Fingerprint = state.Fingerprint
}

// complete fills what the plan left open.
func (m *model) complete(s *api.Schema) error {
	m.resolve(s.References)
	if m.SchemaID.IsUnknown() {
		m.SchemaID = types.StringValue(s.ID)
	}
	if m.Version.IsUnknown() {
		m.Version = types.Int64Value(s.Version)
	}
	if m.Fingerprint.IsUnknown() {
		m.Fingerprint = types.StringValue(s.Fingerprint)
	}
	return nil
}

// flatten moves a schema into state. The text in state stays while it means the same.
func (m *model) flatten(s *api.Schema, imported bool) error {
	answer, err := kind.NewAnswer(s, nil)
	if err != nil {
		return err
	}
	values := kind.Decode(declared(), answer, m.object(), kind.Resource).Attributes()
	if m.Fingerprint.ValueString() != s.Fingerprint || m.Schema.IsNull() {
		m.Schema = types.StringValue(s.Schema)
	}
	if references, ok := values["references"].(types.List); ok {
		m.References = references
	}
	m.Format = types.StringValue(m.format(s))
	m.Compatibility = m.compatibility(s, imported)
	m.Mode = remote.TextOrNull(s.Mode)
	m.SchemaID = types.StringValue(s.ID)
	m.Version = types.Int64Value(s.Version)
	m.Fingerprint = types.StringValue(s.Fingerprint)
	if m.OnIncompatible.IsNull() {
		m.OnIncompatible = types.StringValue(api.IncompatibleRefuse)
	}
	if m.HardDelete.IsNull() {
		m.HardDelete = types.BoolValue(false)
	}
	return nil
}

// format is the registry's, unless the schema is what was declared as CLOUDEVENTS, or may have been.
func (m *model) format(s *api.Schema) string {
	if s.CloudEvent && (m.Format.IsNull() || m.Format.ValueString() == cloudEvents) {
		return cloudEvents
	}
	return s.Format
}

// compatibility is null where none was declared and the registry gave the subject what it gives to such ones.
func (m *model) compatibility(s *api.Schema, imported bool) types.String {
	if s.CompatibilityImplied && m.Compatibility.IsNull() && !imported {
		return types.StringNull()
	}
	return remote.TextOrNull(s.Compatibility)
}
