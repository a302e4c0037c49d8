package topic

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type model struct {
	ConnectionName     types.String `tfsdk:"connection_name"`
	Name               types.String `tfsdk:"name"`
	Partitions         types.Int64  `tfsdk:"partitions"`
	ReplicationFactor  types.Int64  `tfsdk:"replication_factor"`
	Retention          types.String `tfsdk:"retention"`
	Config             types.Map    `tfsdk:"config"`
	Description        types.String `tfsdk:"description"`
	Labels             types.Map    `tfsdk:"labels"`
	DeletionProtection types.Bool   `tfsdk:"deletion_protection"`
	TopicID            types.String `tfsdk:"topic_id"`
}

func (m *model) what() string { return fmt.Sprintf("topic %q", m.Name.ValueString()) }

func (m *model) where(pointer string) path.Path {
	steps := spec.Steps(pointer)
	if len(steps) == 0 {
		return path.Empty()
	}
	switch steps[0] {
	case "name", "partitions", "replication_factor", "replication_throttle", "description", "deletion_protection":
		return path.Root(steps[0])
	case "unset":
		return path.Root("config")
	case "config", "labels":
		return m.whereInMap(steps)
	}
	return path.Empty()
}

func (m *model) whereInMap(steps []string) path.Path {
	at := path.Root(steps[0])
	if len(steps) == 1 {
		return at
	}
	if _, declared := m.configText(steps[1]); steps[1] == api.RetentionConfig && !declared {
		return path.Root("retention")
	}
	return at.AtMapKey(steps[1])
}

// configText is a declared config; false when it is not declared or not known.
func (m *model) configText(name string) (string, bool) {
	value, ok := m.Config.Elements()[name].(types.String)
	if !ok || value.IsNull() || value.IsUnknown() {
		return "", false
	}
	return value.ValueString(), true
}

// plannedRetention is the retention that a configuration asks for: in words, as retention.ms, or by default.
func plannedRetention(config, state model) types.String {
	if !config.Retention.IsNull() {
		return config.Retention
	}
	if config.Config.IsUnknown() {
		return types.StringUnknown()
	}
	if value, ok := config.Config.Elements()[api.RetentionConfig]; ok && value.IsUnknown() {
		return types.StringUnknown()
	}
	millis, declared := config.configText(api.RetentionConfig)
	if !declared {
		millis, _ = spec.RetentionMillis(api.DefaultRetention)
	}
	if spec.SameRetention(state.Retention.ValueString(), millis) {
		return state.Retention
	}
	return types.StringValue(spec.RetentionText(millis))
}

// expand makes the request of a plan. What state declares and the plan no longer does is taken back.
func (m *model) expand(state model) api.TopicWrite {
	w := api.TopicWrite{
		Partitions:         m.Partitions.ValueInt64(),
		ReplicationFactor:  m.ReplicationFactor.ValueInt64(),
		Description:        m.Description.ValueString(),
		DeletionProtection: m.DeletionProtection.ValueBoolPointer(),
	}
	for pointer, value := range map[string]attr.Value{
		"/partitions": m.Partitions, "/replication_factor": m.ReplicationFactor, "/description": m.Description,
		"/deletion_protection": m.DeletionProtection, "/config": m.Config, "/labels": m.Labels,
	} {
		if value.IsUnknown() {
			w.Unknown = append(w.Unknown, pointer)
		}
	}
	if m.DeletionProtection.IsUnknown() {
		w.DeletionProtection = nil
	}
	w.Config = expandMap(m.Config, "/config", &w.Unknown)
	w.Labels = expandMap(m.Labels, "/labels", &w.Unknown)
	m.expandRetention(&w)
	if !m.Config.IsUnknown() {
		w.Unset = m.noLongerDeclared(state)
	}
	slices.Sort(w.Unknown)
	return w
}

func (m *model) expandRetention(w *api.TopicWrite) {
	pointer := spec.Join("/config", api.RetentionConfig)
	if _, declared := w.Config[api.RetentionConfig]; declared || slices.Contains(w.Unknown, pointer) {
		return
	}
	if m.Retention.IsUnknown() {
		w.Unknown = append(w.Unknown, pointer)
		return
	}
	if millis, err := spec.RetentionMillis(m.Retention.ValueString()); err == nil {
		w.Config[api.RetentionConfig] = millis
	}
}

func (m *model) noLongerDeclared(state model) []string {
	var names []string
	for name, value := range state.Config.Elements() {
		now, still := m.Config.Elements()[name]
		if !value.IsNull() && (!still || now.IsNull()) && name != api.RetentionConfig {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func expandMap(from types.Map, pointer string, unknown *[]string) map[string]string {
	values := map[string]string{}
	for key, element := range from.Elements() {
		value, ok := element.(types.String)
		switch {
		case ok && value.IsUnknown():
			*unknown = append(*unknown, spec.Join(pointer, key))
		case ok && !value.IsNull():
			values[key] = value.ValueString()
		}
	}
	return values
}

// complete fills what the plan left open.
func (m *model) complete(t *api.Topic) error {
	if m.TopicID.IsUnknown() {
		m.TopicID = types.StringValue(t.ID)
	}
	if m.Retention.IsUnknown() {
		m.Retention = types.StringValue(spec.RetentionText(t.InForce(api.RetentionConfig)))
	}
	return nil
}

// flatten moves a topic into state. Of the configs only the declared ones are looked at; an import, which has declared
// nothing yet, takes all that are set on the topic.
func (m *model) flatten(t *api.Topic, imported bool) error {
	m.Name = types.StringValue(t.Name)
	m.Partitions = types.Int64Value(t.Partitions)
	m.ReplicationFactor = types.Int64Value(t.ReplicationFactor)
	m.DeletionProtection = types.BoolValue(t.DeletionProtection)
	m.TopicID = types.StringValue(t.ID)
	if t.Description != m.Description.ValueString() {
		m.Description = types.StringValue(t.Description)
	}
	m.Labels = mapOrNone(t.Labels, m.Labels)
	if millis := t.InForce(api.RetentionConfig); !spec.SameRetention(m.Retention.ValueString(), millis) && millis != "" {
		m.Retention = types.StringValue(spec.RetentionText(millis))
	}
	declared := m.declared(t)
	if imported {
		declared = maps.Clone(t.Config)
		delete(declared, api.RetentionConfig)
	}
	m.Config = mapOrNone(declared, m.Config)
	return nil
}

// declared are the declared configs as they are now: a config that is no longer set on the topic has the value in force.
func (m *model) declared(t *api.Topic) map[string]string {
	now := map[string]string{}
	for name, prior := range m.Config.Elements() {
		if prior.IsNull() {
			continue
		}
		value := t.InForce(name)
		if own, _ := m.configText(name); api.SameConfig(own, value) {
			value = own
		}
		now[name] = value
	}
	return now
}

// mapOrNone keeps a prior null or empty map when there is nothing in it, and the nulls of a prior map, which declare nothing.
func mapOrNone(values map[string]string, prior types.Map) types.Map {
	if len(values) == 0 && len(prior.Elements()) == 0 {
		if prior.IsNull() {
			return types.MapNull(types.StringType)
		}
		return prior
	}
	elements := remote.TextMap(values).Elements()
	for key, value := range prior.Elements() {
		if _, has := elements[key]; !has && value.IsNull() {
			elements[key] = value
		}
	}
	return types.MapValueMust(types.StringType, elements)
}
