package spec_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

type inner struct {
	Mode   string `json:"mode,omitempty" enum:"fast,slow" default:"fast" doc:"How."`
	Secret string `json:"secret" secret:"true" doc:"What nobody sees."`
}

type outer struct {
	Name    string            `json:"name" pattern:"^[a-z]+$" minLength:"2" maxLength:"5"`
	Count   int64             `json:"count,omitempty" minimum:"1" maximum:"9" default:"3"`
	Wait    spec.Duration     `json:"wait,omitempty"`
	Size    spec.Size         `json:"size,omitempty"`
	Hosts   []string          `json:"hosts,omitempty" minItems:"1"`
	Labels  map[string]string `json:"labels,omitempty"`
	Enabled bool              `json:"enabled,omitempty"`
	Inner   *inner            `json:"inner,omitempty"`
}

var fields = spec.FieldsOf(reflect.TypeFor[outer]())

func TestComplete(t *testing.T) {
	tests := []struct {
		name    string
		object  map[string]any
		unknown []string
		want    map[string]string // pointer: part of the message
	}{
		{"smallest", map[string]any{"name": "abc"}, nil, nil},
		{"everything", map[string]any{"name": "abc", "count": 4.0, "wait": "5m", "size": "1MiB", "hosts": []any{"a"}, "labels": map[string]any{"a": "b"}, "enabled": true, "inner": map[string]any{"mode": "slow", "secret": "x"}}, nil, nil},
		{"required", map[string]any{}, nil, map[string]string{"/name": "is required"}},
		{"null counts as absent", map[string]any{"name": nil}, nil, map[string]string{"/name": "is required"}},
		{"unknown counts as there", map[string]any{}, []string{"/name"}, nil},
		{"not a field", map[string]any{"name": "abc", "nam": 1}, nil, map[string]string{"/nam": "not one of its fields"}},
		{"pattern", map[string]any{"name": "A1"}, nil, map[string]string{"/name": "must match"}},
		{"length", map[string]any{"name": "a"}, nil, map[string]string{"/name": "at least 2"}},
		{"bounds", map[string]any{"name": "abc", "count": 10.0}, nil, map[string]string{"/count": "at most 9"}},
		{"whole numbers", map[string]any{"name": "abc", "count": 1.5}, nil, map[string]string{"/count": "whole number"}},
		{
			"types",
			map[string]any{"name": 1.0, "count": "x", "hosts": "x", "labels": 1.0, "enabled": "x", "inner": "x"},
			nil,
			map[string]string{"/name": "a string", "/count": "a number", "/hosts": "a list", "/labels": "a map", "/enabled": "true or false", "/inner": "an object"},
		},
		{"units", map[string]any{"name": "abc", "wait": "5 minutes", "size": "big"}, nil, map[string]string{"/wait": "not a duration", "/size": "not a size"}},
		{"negative duration", map[string]any{"name": "abc", "wait": "-5m"}, nil, map[string]string{"/wait": "negative"}},
		{"items", map[string]any{"name": "abc", "hosts": []any{}}, nil, map[string]string{"/hosts": "at least 1"}},
		{"in lists and maps", map[string]any{"name": "abc", "hosts": []any{"a", 1.0}, "labels": map[string]any{"x/y": 1.0}}, nil, map[string]string{"/hosts/1": "a string", "/labels/x~1y": "a string"}},
		{"nested", map[string]any{"name": "abc", "inner": map[string]any{"mode": "quick"}}, nil, map[string]string{"/inner/mode": "one of fast, slow", "/inner/secret": "is required"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			unknown := func(path string) bool {
				return slices.Contains(tt.unknown, path)
			}
			problems := spec.Complete(fields, tt.object, unknown)
			if len(problems) != len(tt.want) {
				t.Errorf("problems %v, want %v", problems, tt.want)
			}
			for _, p := range problems {
				if part, ok := tt.want[p.Path]; !ok || !strings.Contains(p.Message, part) {
					t.Errorf("%s %s, want %q", p.Path, p.Message, part)
				}
			}
		})
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	object := map[string]any{"name": "abc", "inner": map[string]any{"secret": "x"}}
	if problems := spec.Complete(fields, object, spec.AllKnown); len(problems) > 0 {
		t.Fatal(problems)
	}
	var got outer
	if err := spec.Into(object, &got); err != nil {
		t.Fatal(err)
	}
	if got.Count != 3 || got.Inner.Mode != "fast" {
		t.Errorf("got %+v", got)
	}
}

func TestProblemsNeverHoldSecrets(t *testing.T) {
	object := map[string]any{"name": "abc", "inner": map[string]any{"secret": []any{"hunter2"}}}
	for _, p := range spec.Complete(fields, object, spec.AllKnown) {
		if strings.Contains(p.Message, "hunter2") {
			t.Errorf("%s says %q", p.Path, p.Message)
		}
	}
}

func TestSecretsComeOutAndGoBack(t *testing.T) {
	object := map[string]any{"name": "abc", "inner": map[string]any{"mode": "slow", "secret": "x"}}
	taken := spec.TakeSecrets(fields, object)
	if len(taken) != 1 || taken["/inner/secret"] != "x" {
		t.Fatalf("taken %v", taken)
	}
	if _, left := object["inner"].(map[string]any)["secret"]; left {
		t.Fatal("the secret is still there")
	}
	spec.PutSecrets(object, taken)
	if object["inner"].(map[string]any)["secret"] != "x" {
		t.Errorf("put back: %v", object)
	}
	if got := spec.TakeSecrets(fields, map[string]any{"name": "abc"}); len(got) != 0 {
		t.Errorf("secrets of an object without any: %v", got)
	}
}

func TestPointersSurviveAnyStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "steps")
		if got := spec.Steps(spec.Join("", steps...)); !reflect.DeepEqual(got, steps) {
			t.Fatalf("%q became %q", steps, got)
		}
	})
}

func TestFieldsAreWrittenAsInAConfiguration(t *testing.T) {
	fields := []spec.Field{
		{Name: "servers", Type: spec.List, Elem: &spec.Field{Type: spec.String}},
		{Name: "headers", Type: spec.Map, Elem: &spec.Field{Type: spec.String}},
		{Name: "sasl", Type: spec.Object, Fields: []spec.Field{{Name: "username", Type: spec.String}, {Name: "password", Type: spec.String, Secret: true}}},
	}
	for pointer, want := range map[string]string{
		"": "", "/servers": "servers", "/servers/1": "servers[1]", "/headers/a~1b": `headers["a/b"]`, "/sasl": "sasl", "/sasl/username": "sasl.username",
		"/sasl/password": "sasl.password (in Terraform password_wo)", "/sasl/none/deeper": "sasl.none.deeper",
	} {
		if got := spec.Written(fields, pointer); got != want {
			t.Errorf("%s is written %s, want %s", pointer, got, want)
		}
	}
}
