package kafkaconnect

import (
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type model struct {
	ConnectionName           types.String   `tfsdk:"connection_name"`
	Name                     types.String   `tfsdk:"name"`
	Config                   types.Map      `tfsdk:"config"`
	SensitiveConfigWO        types.Map      `tfsdk:"sensitive_config_wo"`
	SensitiveConfigWOVersion types.Int64    `tfsdk:"sensitive_config_wo_version"`
	SensitiveKeys            types.Set      `tfsdk:"sensitive_keys"`
	State                    types.String   `tfsdk:"state"`
	Restart                  types.Object   `tfsdk:"restart"`
	Status                   types.Object   `tfsdk:"status"`
	Timeouts                 timeouts.Value `tfsdk:"timeouts"`
}

func restartTypes() map[string]attr.Type {
	return map[string]attr.Type{"max_retries": types.Int64Type, "backoff": types.StringType}
}

func statusTypes() map[string]attr.Type {
	return map[string]attr.Type{"state": types.StringType, "type": types.StringType, "tasks": types.Int64Type, "version": types.StringType}
}

func (m *model) what() string { return fmt.Sprintf("connector %q", m.Name.ValueString()) }

func (m *model) where(pointer string) path.Path {
	steps := spec.Steps(pointer)
	if len(steps) == 0 {
		return path.Empty()
	}
	switch steps[0] {
	case "name", "state":
		return path.Root(steps[0])
	case "config":
		return mapPath("config", steps)
	case "sensitive_config":
		return mapPath("sensitive_config_wo", steps)
	case "restart":
		if len(steps) > 1 {
			return path.Root("restart").AtName(steps[1])
		}
		return path.Root("restart")
	}
	return path.Empty()
}

func mapPath(name string, steps []string) path.Path {
	if len(steps) > 1 {
		return path.Root(name).AtMapKey(steps[1])
	}
	return path.Root(name)
}

// expand makes the request of a plan. The secrets are in the configuration only.
func expand(w remote.Write[model]) api.KafkaConnectorWrite {
	body := api.KafkaConnectorWrite{State: w.Plan.State.ValueString()}
	if w.Plan.State.IsUnknown() {
		body.Unknown = append(body.Unknown, "/state")
	}
	body.Config = texts(&body, "/config", w.Plan.Config)
	secrets := w.Config.SensitiveConfigWO
	switch {
	case !secrets.IsNull():
		given := texts(&body, "/sensitive_config", secrets)
		body.SensitiveConfig = &given
	case !w.State.SensitiveConfigWOVersion.IsNull():
		body.SensitiveConfig = &map[string]string{} // they were declared, and are no longer
	}
	expandRestart(&body, w.Plan.Restart)
	return body
}

// texts are the values that are known; the others are noted.
func texts(body *api.KafkaConnectorWrite, pointer string, values types.Map) map[string]string {
	if values.IsUnknown() {
		body.Unknown = append(body.Unknown, pointer)
	}
	known := map[string]string{}
	for key, value := range values.Elements() {
		text, ok := value.(types.String)
		if !ok || text.IsUnknown() {
			body.Unknown = append(body.Unknown, spec.Join(pointer, key))
			continue
		}
		known[key] = text.ValueString()
	}
	slices.Sort(body.Unknown)
	return known
}

func expandRestart(body *api.KafkaConnectorWrite, restart types.Object) {
	if restart.IsNull() || restart.IsUnknown() {
		return
	}
	body.Restart = &api.KafkaRestartPolicy{}
	for name, value := range restart.Attributes() {
		if value.IsUnknown() {
			body.Unknown = append(body.Unknown, spec.Join("/restart", name))
		}
		switch v := value.(type) {
		case types.Int64:
			body.Restart.MaxRetries = v.ValueInt64()
		case types.String:
			body.Restart.Backoff = v.ValueString()
		}
	}
}

// flatten moves an answer into state. Secrets that were added or removed elsewhere make the version unknown to us.
func (m *model) flatten(k *api.KafkaConnector, _ bool) error {
	before := m.SensitiveKeys
	m.Config = remote.TextMap(k.Config)
	m.State = types.StringValue(k.State)
	m.Restart = types.ObjectNull(restartTypes())
	if r := k.Restart; r != nil {
		m.Restart = types.ObjectValueMust(restartTypes(), map[string]attr.Value{"max_retries": types.Int64Value(r.MaxRetries), "backoff": types.StringValue(r.Backoff)})
	}
	m.SensitiveKeys, m.Status = types.SetUnknown(types.StringType), types.ObjectUnknown(statusTypes())
	err := m.complete(k)
	if !before.IsNull() && !before.Equal(m.SensitiveKeys) {
		m.SensitiveConfigWOVersion = types.Int64Null()
	}
	return err
}

// complete fills what a plan left open.
func (m *model) complete(k *api.KafkaConnector) error {
	if m.SensitiveKeys.IsUnknown() {
		m.SensitiveKeys = stringSet(k.SensitiveKeys)
	}
	if m.Status.IsUnknown() {
		m.Status = types.ObjectValueMust(statusTypes(), map[string]attr.Value{
			"state": types.StringValue(k.Status.State), "type": types.StringValue(k.Status.Type), "tasks": types.Int64Value(int64(len(k.Status.Tasks))),
			"version": types.StringValue(k.Status.Version),
		})
	}
	return nil
}

func stringSet(values []string) types.Set {
	elements := make([]attr.Value, 0, len(values))
	for _, value := range values {
		elements = append(elements, types.StringValue(value))
	}
	return types.SetValueMust(types.StringType, elements)
}
