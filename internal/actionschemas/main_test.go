package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestActionsAreAdded(t *testing.T) {
	const printed = `{"format_version":"1.0","provider_schemas":{"registry.terraform.io/hashicorp/headgate":{"provider":{"version":0},"resource_schemas":{"headgate_topic":{}}}}}`
	var out bytes.Buffer
	if err := run(t.Context(), strings.NewReader(printed), &out); err != nil {
		t.Fatal(err)
	}
	type attribute struct {
		Type, Description any
		Required          bool
		NestedType        *struct {
			Mode       string `json:"nesting_mode"`
			Attributes map[string]any
		} `json:"nested_type"`
	}
	var document struct {
		Format    string `json:"format_version"`
		Providers map[string]struct {
			Resources map[string]any `json:"resource_schemas"`
			Actions   map[string]struct {
				Block struct{ Attributes map[string]attribute }
			} `json:"action_schemas"`
		} `json:"provider_schemas"`
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	one := document.Providers["registry.terraform.io/hashicorp/headgate"]
	if document.Format != "1.0" || one.Resources["headgate_topic"] == nil {
		t.Errorf("what was there is gone: %s", out.String())
	}
	reset, restart := one.Actions["headgate_reset_offsets"].Block.Attributes, one.Actions["headgate_restart_connector"].Block.Attributes
	if !reset["group"].Required || reset["to"].Required || reset["to"].Description == "" {
		t.Errorf("reset: %+v", reset)
	}
	for name, want := range map[string]any{"group": "string", "shift": "number", "topics": []any{"set", "string"}, "offsets": []any{"map", []any{"map", "number"}}} {
		if got := reset[name].Type; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is of type %v, want %v", name, got, want)
		}
	}
	if nested := restart["timeouts"].NestedType; restart["only_failed"].Type != "bool" || nested == nil || nested.Mode != "single" || nested.Attributes["invoke"] == nil {
		t.Errorf("restart: %+v", restart)
	}
	if err := run(t.Context(), strings.NewReader("no schema"), &out); err == nil {
		t.Error("what is no schema is read")
	}
}
