package topic

import (
	"maps"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

func text(values map[string]string) types.Map {
	if values == nil {
		return types.MapNull(types.StringType)
	}
	return remote.TextMap(values)
}

func TestPlannedRetention(t *testing.T) {
	unknownValue := types.MapValueMust(types.StringType, map[string]attr.Value{api.RetentionConfig: types.StringUnknown()})
	for _, tt := range []struct {
		name   string
		config model
		state  string
		want   types.String
	}{
		{"default", model{Config: text(nil)}, "", types.StringValue("168h")},
		{"in words", model{Retention: types.StringValue("24h"), Config: text(nil)}, "", types.StringValue("24h")},
		{"in words, not known", model{Retention: types.StringUnknown(), Config: text(nil)}, "", types.StringUnknown()},
		{"as Kafka has it", model{Config: text(map[string]string{api.RetentionConfig: "3600000"})}, "", types.StringValue("1h")},
		{"not known", model{Config: unknownValue}, "", types.StringUnknown()},
		{"configs not known", model{Config: types.MapUnknown(types.StringType)}, "", types.StringUnknown()},
		{"the same in other words", model{Config: text(map[string]string{api.RetentionConfig: "3600000"})}, "60m", types.StringValue("60m")},
		{"no longer declared", model{Config: text(nil)}, "24h", types.StringValue("168h")},
	} {
		if got := plannedRetention(tt.config, model{Retention: types.StringValue(tt.state)}); !got.Equal(tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestExpand(t *testing.T) {
	plan := model{
		Partitions: types.Int64Value(6), ReplicationFactor: types.Int64Unknown(), Retention: types.StringValue("1h"),
		Config: types.MapValueMust(types.StringType, map[string]attr.Value{"max.message.bytes": types.StringValue("9"), "a/b": types.StringUnknown()}),
		Labels: text(map[string]string{"domain": "shop"}), DeletionProtection: types.BoolValue(false),
	}
	state := model{Config: text(map[string]string{"max.message.bytes": "1", "cleanup.policy": "compact", api.RetentionConfig: "1"})}
	w := plan.expand(state)
	if want := map[string]string{"max.message.bytes": "9", api.RetentionConfig: "3600000"}; !maps.Equal(w.Config, want) {
		t.Errorf("config = %v, want %v", w.Config, want)
	}
	if want := []string{"cleanup.policy"}; !slices.Equal(w.Unset, want) {
		t.Errorf("unset = %v, want %v", w.Unset, want)
	}
	if want := []string{"/config/a~1b", "/replication_factor"}; !slices.Equal(w.Unknown, want) {
		t.Errorf("unknown = %v, want %v", w.Unknown, want)
	}
	if w.Partitions != 6 || w.Labels["domain"] != "shop" || *w.DeletionProtection {
		t.Errorf("request = %+v", w)
	}
}

func TestFlatten(t *testing.T) {
	cluster := func() *api.Topic {
		return &api.Topic{
			Connection: "main", Name: "orders", ID: "id", Partitions: 6, ReplicationFactor: 3, DeletionProtection: true,
			Config:          map[string]string{api.RetentionConfig: "3600000", "cleanup.policy": "compact,delete", "max.message.bytes": "9"},
			ConfigEffective: map[string]string{api.RetentionConfig: "3600000", "cleanup.policy": "compact,delete", "max.message.bytes": "9", "segment.ms": "5"},
		}
	}
	for _, tt := range []struct {
		name      string
		state     model
		retention string
		config    map[string]string
	}{
		{"import takes what is set on the topic", model{Config: text(nil)}, "1h", map[string]string{"cleanup.policy": "compact,delete", "max.message.bytes": "9"}},
		{"only declared configs", model{Partitions: types.Int64Value(6), Config: text(map[string]string{"max.message.bytes": "8"})}, "1h", map[string]string{"max.message.bytes": "9"}},
		{"what means the same", model{Partitions: types.Int64Value(6), Retention: types.StringValue("60m"), Config: text(map[string]string{"cleanup.policy": "compact, delete"})}, "60m", map[string]string{"cleanup.policy": "compact, delete"}},
		{"a value that is gone is the one in force", model{Partitions: types.Int64Value(6), Config: text(map[string]string{"segment.ms": "7"})}, "1h", map[string]string{"segment.ms": "5"}},
		{"nothing declared", model{Partitions: types.Int64Value(6), Config: text(nil)}, "1h", nil},
		{"an empty map stays", model{Partitions: types.Int64Value(6), Config: text(map[string]string{})}, "1h", map[string]string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.state
			if err := m.flatten(cluster(), m.Partitions.IsNull()); err != nil {
				t.Fatal(err)
			}
			if got := m.Retention.ValueString(); got != tt.retention {
				t.Errorf("retention = %s, want %s", got, tt.retention)
			}
			if !m.Config.Equal(text(tt.config)) {
				t.Errorf("config = %s, want %v", m.Config, tt.config)
			}
			if m.Description != types.StringNull() || !m.Labels.IsNull() {
				t.Errorf("description %s, labels %s: they were never set", m.Description, m.Labels)
			}
		})
	}
}

func TestWhereErrorsBelong(t *testing.T) {
	m := model{Config: text(map[string]string{"max.message.bytes": "9"})}
	for pointer, want := range map[string]path.Path{
		"/name":                     path.Root("name"),
		"/partitions":               path.Root("partitions"),
		"/config/max.message.bytes": path.Root("config").AtMapKey("max.message.bytes"),
		"/config/retention.ms":      path.Root("retention"),
		"/unset/0":                  path.Root("config"),
		"/labels/x":                 path.Root("labels").AtMapKey("x"),
		"/elsewhere":                path.Empty(),
		"":                          path.Empty(),
	} {
		if got := m.where(pointer); !got.Equal(want) {
			t.Errorf("%q: %s, want %s", pointer, got, want)
		}
	}
}
