package schema

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
)

type model struct {
	ConnectionName types.String `tfsdk:"connection_name"`
	Subject        types.String `tfsdk:"subject"`
	Format         types.String `tfsdk:"format"`
	Schema         types.String `tfsdk:"schema"`
	References     types.List   `tfsdk:"references"`
	Compatibility  types.String `tfsdk:"compatibility"`
	SchemaID       types.Int64  `tfsdk:"schema_id"`
	Version        types.Int64  `tfsdk:"version"`
	Fingerprint    types.String `tfsdk:"fingerprint"`
	HardDelete     types.Bool   `tfsdk:"hard_delete"`
}

func (m *model) what() string { return fmt.Sprintf("subject %q", m.Subject.ValueString()) }

func where(_ *model, pointer string) path.Path {
	if pointer == "/name" || pointer == "/subject" {
		return path.Root("subject")
	}
	return kind.Path(declared(), path.Empty(), pointer)
}

// object is the declared part.
func (m *model) object() types.Object {
	return types.ObjectValueMust(kind.AttrTypes(declared(), kind.Resource), map[string]attr.Value{
		"format": m.Format, "schema": m.Schema, "references": m.References, "compatibility": m.Compatibility,
	})
}

// expand makes the request of a plan.
func (m *model) expand() (api.SchemaWrite, error) {
	var body api.SchemaWrite
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
	if m.SchemaID.IsUnknown() {
		m.SchemaID = types.Int64Value(s.ID)
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
func (m *model) flatten(s *api.Schema, _ bool) error {
	answer, err := kind.NewAnswer(s, nil)
	if err != nil {
		return err
	}
	values := kind.Decode(declared(), answer, m.object(), kind.Resource).Attributes()
	if m.Fingerprint.ValueString() != s.Fingerprint || m.Schema.IsNull() {
		m.Schema = types.StringValue(s.Schema)
	}
	m.Format = types.StringValue(s.Format)
	if references, ok := values["references"].(types.List); ok {
		m.References = references
	}
	if compatibility, ok := values["compatibility"].(types.String); ok {
		m.Compatibility = compatibility
	}
	m.SchemaID = types.Int64Value(s.ID)
	m.Version = types.Int64Value(s.Version)
	m.Fingerprint = types.StringValue(s.Fingerprint)
	if m.HardDelete.IsNull() {
		m.HardDelete = types.BoolValue(false)
	}
	return nil
}
