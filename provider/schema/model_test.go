package schema

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Where every subject has a mode of its own, one that nobody declared makes no plan, and an import shows it.
func TestImpliedCompatibility(t *testing.T) {
	implied := &api.Schema{Format: "AVRO", Schema: "{}", Compatibility: "BACKWARD", CompatibilityImplied: true}
	full := &api.Schema{Format: "AVRO", Schema: "{}", Compatibility: "FULL"}
	for _, test := range []struct {
		name     string
		state    types.String
		answer   *api.Schema
		imported bool
		want     types.String
	}{
		{"not declared", types.StringNull(), implied, false, types.StringNull()},
		{"declared", types.StringValue("BACKWARD"), implied, false, types.StringValue("BACKWARD")},
		{"imported", types.StringNull(), implied, true, types.StringValue("BACKWARD")},
		{"changed elsewhere", types.StringNull(), full, false, types.StringValue("FULL")},
		{"taken back elsewhere", types.StringValue("FULL"), &api.Schema{Format: "AVRO", Schema: "{}"}, false, types.StringNull()},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := model{Compatibility: test.state}
			if got := m.compatibility(test.answer, test.imported); !got.Equal(test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestFormatOfCloudEvents(t *testing.T) {
	event, other := &api.Schema{Format: "JSON", CloudEvent: true}, &api.Schema{Format: "JSON"}
	for _, test := range []struct {
		name   string
		state  types.String
		answer *api.Schema
		want   string
	}{
		{"declared", types.StringValue("CLOUDEVENTS"), event, "CLOUDEVENTS"},
		{"declared as JSON", types.StringValue("JSON"), event, "JSON"},
		{"imported", types.StringNull(), event, "CLOUDEVENTS"},
		{"no event any more", types.StringValue("CLOUDEVENTS"), other, "JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := model{Format: test.state}
			if got := m.format(test.answer); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if otherFormat("JSON", "CLOUDEVENTS") || !otherFormat("JSON", "AVRO") {
		t.Error("only JSON and CLOUDEVENTS are one to registries")
	}
}
