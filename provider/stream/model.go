package stream

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

type model struct {
	ConnectionName     types.String   `tfsdk:"connection_name"`
	Name               types.String   `tfsdk:"name"`
	Mode               types.String   `tfsdk:"mode"`
	Shards             types.Int64    `tfsdk:"shards"`
	Retention          types.String   `tfsdk:"retention"`
	KMSKeyID           types.String   `tfsdk:"kms_key_id"`
	Tags               types.Map      `tfsdk:"tags"`
	DeletionProtection types.Bool     `tfsdk:"deletion_protection"`
	ARN                types.String   `tfsdk:"arn"`
	OpenShards         types.Int64    `tfsdk:"open_shards"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
}

func (m *model) what() string { return fmt.Sprintf("stream %q", m.Name.ValueString()) }

func (m *model) where(pointer string) path.Path {
	steps := spec.Steps(pointer)
	if len(steps) == 0 {
		return path.Empty()
	}
	switch steps[0] {
	case "name", "mode", "shards", "retention", "kms_key_id", "deletion_protection":
		return path.Root(steps[0])
	case "untag":
		return path.Root("tags")
	case "tags":
		if len(steps) > 1 {
			return path.Root("tags").AtMapKey(steps[1])
		}
		return path.Root("tags")
	}
	return path.Empty()
}

// expand makes the request of a plan. state tells which tags were declared before.
func (m *model) expand(state *model) api.StreamWrite {
	body := api.StreamWrite{
		Mode: m.Mode.ValueString(), Shards: m.Shards.ValueInt64(), Retention: spec.Duration(m.Retention.ValueString()),
		KMSKeyID: m.KMSKeyID.ValueString(), DeletionProtection: m.DeletionProtection.ValueBoolPointer(),
	}
	for pointer, value := range map[string]attr.Value{"/mode": m.Mode, "/shards": m.Shards, "/retention": m.Retention, "/kms_key_id": m.KMSKeyID, "/tags": m.Tags, "/deletion_protection": m.DeletionProtection} {
		if value.IsUnknown() {
			body.Unknown = append(body.Unknown, pointer)
		}
	}
	for name, value := range m.Tags.Elements() {
		text, ok := value.(types.String)
		switch {
		case !ok || text.IsUnknown():
			body.Unknown = append(body.Unknown, spec.Join("/tags", name))
		case text.IsNull(): // declares nothing
		default:
			if body.Tags == nil {
				body.Tags = map[string]string{}
			}
			body.Tags[name] = text.ValueString()
		}
	}
	if m.Tags.IsUnknown() {
		return body
	}
	for name, value := range state.Tags.Elements() {
		if now, still := m.Tags.Elements()[name]; !value.IsNull() && (!still || now.IsNull()) {
			body.Untag = append(body.Untag, name)
		}
	}
	return body
}

// complete fills what the plan left open.
func (m *model) complete(a *api.Stream) error {
	if m.Mode.IsUnknown() {
		m.Mode = types.StringValue(a.Mode)
	}
	if m.ARN.IsUnknown() {
		m.ARN = types.StringValue(a.ARN)
	}
	if m.OpenShards.IsUnknown() {
		m.OpenShards = types.Int64Value(a.OpenShards)
	}
	return nil
}

// flatten moves a stream into state. Of the tags only the declared ones count; an import takes all but AWS's own.
func (m *model) flatten(a *api.Stream, imported bool) error {
	m.Mode, m.ARN, m.OpenShards = types.StringValue(a.Mode), types.StringValue(a.ARN), types.Int64Value(a.OpenShards)
	m.DeletionProtection = types.BoolValue(a.DeletionProtection)
	m.Shards = types.Int64Null()
	if a.Mode == api.StreamProvisioned {
		m.Shards = types.Int64Value(a.OpenShards)
	}
	m.KMSKeyID = types.StringNull()
	if a.KMSKeyID != "" {
		m.KMSKeyID = types.StringValue(a.KMSKeyID)
	}
	if m.Retention.IsNull() || spec.Duration(m.Retention.ValueString()).Or(-1) != a.Retention.Or(-2) {
		m.Retention = types.StringValue(string(a.Retention))
	}
	m.Tags = m.managed(a.Tags, imported)
	return nil
}

func (m *model) managed(tags map[string]string, imported bool) types.Map {
	values := map[string]attr.Value{}
	for name, value := range tags {
		prior, declared := m.Tags.Elements()[name]
		if imported && !api.ReservedStreamTag(name) || declared && !prior.IsNull() {
			values[name] = types.StringValue(value)
		}
	}
	for name, prior := range m.Tags.Elements() {
		if prior.IsNull() { // declares nothing, and stays
			values[name] = prior
		}
	}
	if len(values) == 0 && (m.Tags.IsNull() || imported) {
		return types.MapNull(types.StringType)
	}
	return types.MapValueMust(types.StringType, values)
}
