package kind_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"pgregory.net/rapid"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
)

// sample has a field of every shape.
type sample struct {
	Name     string            `json:"name" pattern:"^[a-z]+$" minLength:"2" maxLength:"8" doc:"A name."`
	Mode     string            `json:"mode,omitempty" enum:"fast,safe" default:"safe" doc:"A mode."`
	Count    int64             `json:"count,omitempty" minimum:"1" maximum:"9" default:"3" doc:"A count."`
	Ratio    float64           `json:"ratio,omitempty" minimum:"0" doc:"A ratio."`
	Enabled  bool              `json:"enabled,omitempty" default:"true" doc:"A switch."`
	Every    spec.Duration     `json:"every,omitempty" default:"1h" doc:"A duration."`
	Limit    spec.Size         `json:"limit,omitempty" doc:"A size."`
	Hosts    []string          `json:"hosts" minItems:"1" doc:"Some hosts." example:"a:1"`
	Tags     []string          `json:"tags,omitempty" default:"[\"a\"]" doc:"Some tags."`
	Labels   map[string]string `json:"labels,omitempty" doc:"Labels."`
	Rules    []rule            `json:"rules,omitempty" maxItems:"2" doc:"Rules."`
	Routes   map[string]rule   `json:"routes,omitempty" doc:"Routes."`
	Login    *login            `json:"login,omitempty" doc:"A login."`
	Fixed    string            `json:"fixed,omitempty" replace:"true" doc:"Never changes."`
	Optional string            `json:"optional,omitempty" doc:"Anything."`
}

type rule struct {
	Field  string `json:"field" doc:"A field."`
	Weight int64  `json:"weight,omitempty" default:"1" doc:"A weight."`
}

type login struct {
	User string `json:"user" doc:"A user."`
	Key  *keys  `json:"key,omitempty" doc:"Keys."`
	Pass string `json:"pass" secret:"true" doc:"A password."`
}

type keys struct {
	Private string `json:"private,omitempty" secret:"true" doc:"A key."`
	Path    string `json:"path,omitempty" doc:"A path."`
}

func TestMarkdownMakesCodeOfQuotedWords(t *testing.T) {
	const doc = "The source's 'offsets.retention.minutes', or none ('https'); the brokers' names. 'last'"
	if got, want := kind.Markdown(doc), "The source's `offsets.retention.minutes`, or none (`https`); the brokers' names. `last`"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

var sampleKind = spec.KindOf[sample]("sample", "A sample.")

// generate draws a planned object, as Terraform has it after defaults, with the writing that people use.
func generate(t *rapid.T, fields []spec.Field, label string) types.Object {
	values := map[string]attr.Value{}
	for _, f := range fields {
		at := label + "." + f.Name
		switch {
		case f.Secret:
			values[f.Name+"_wo"] = types.StringNull()
			values[f.Name+"_wo_version"] = types.Int64Null()
			if f.Required || rapid.Bool().Draw(t, at+" is set") {
				values[f.Name+"_wo_version"] = types.Int64Value(rapid.Int64Range(1, 5).Draw(t, at))
			}
		case !f.Required && f.Default == nil && rapid.Bool().Draw(t, at+" is absent"):
			values[f.Name] = nullOf(f)
		default:
			values[f.Name] = generateValue(t, f, at)
		}
	}
	return types.ObjectValueMust(kind.AttrTypes(fields, kind.Resource), values)
}

func nullOf(f spec.Field) attr.Value {
	object := kind.Decode([]spec.Field{f}, kind.Answer{}, types.Object{}, kind.Resource)
	return object.Attributes()[f.Name]
}

func generateValue(t *rapid.T, f spec.Field, at string) attr.Value {
	switch f.Type {
	case spec.Bool:
		return types.BoolValue(rapid.Bool().Draw(t, at))
	case spec.Int:
		return types.Int64Value(rapid.Int64Range(-1<<53, 1<<53).Draw(t, at)) // what JSON numbers hold everywhere
	case spec.Float:
		return types.Float64Value(rapid.Float64().Draw(t, at))
	case spec.DurationType:
		return types.StringValue(rapid.SampledFrom([]string{"1h", "60m", "3600s", "0ms", "168h"}).Draw(t, at))
	case spec.SizeType:
		return types.StringValue(rapid.SampledFrom([]string{"1MiB", "1024KiB", "1048576", "64MiB"}).Draw(t, at))
	case spec.List:
		items := make([]attr.Value, rapid.IntRange(0, 3).Draw(t, at+" length"))
		for i := range items {
			items[i] = generateValue(t, *f.Elem, fmt.Sprintf("%s[%d]", at, i))
		}
		return types.ListValueMust(elemType(f), items)
	case spec.Map:
		entries := map[string]attr.Value{}
		for _, key := range rapid.SliceOfN(rapid.StringMatching(`[a-z~/]{1,3}`), 0, 3).Draw(t, at+" keys") {
			entries[key] = generateValue(t, *f.Elem, at+"."+key)
		}
		return types.MapValueMust(elemType(f), entries)
	case spec.Object:
		return generate(t, f.Fields, at)
	default:
		return types.StringValue(rapid.String().Draw(t, at))
	}
}

func elemType(f spec.Field) attr.Type {
	switch typ := kind.AttrTypes([]spec.Field{f}, kind.Resource)[f.Name].(type) {
	case types.ListType:
		return typ.ElemType
	case types.MapType:
		return typ.ElemType
	}
	return nil
}

// answer is what the daemon makes of a request: it takes the secrets out, leaves out what is empty, and writes
// durations and sizes in its own way.
func answer(t *rapid.T, e kind.Encoded) kind.Answer {
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	spec.TakeSecrets(sampleKind.Fields, object)
	dropEmpty(sampleKind.Fields, object)
	rewrite(object, "every", map[string]string{"60m": "1h", "3600s": "1h"})
	rewrite(object, "limit", map[string]string{"1024KiB": "1MiB", "1048576": "1MiB"})
	a, err := kind.NewAnswer(object, e.SecretVersions)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func dropEmpty(fields []spec.Field, object map[string]any) {
	for _, f := range fields {
		switch v := object[f.Name].(type) {
		case string:
			if v == "" && f.Default == nil {
				delete(object, f.Name)
			}
		case []any:
			if len(v) == 0 && f.Default == nil {
				delete(object, f.Name)
			}
		case map[string]any:
			switch {
			case f.Type == spec.Object:
				dropEmpty(f.Fields, v)
			case len(v) == 0:
				delete(object, f.Name)
			}
		}
	}
}

func rewrite(object map[string]any, field string, words map[string]string) {
	if text, ok := object[field].(string); ok && words[text] != "" {
		object[field] = words[text]
	}
}

// After an apply, reading must give back exactly what was planned.
func TestReadingGivesBackWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		planned := generate(t, sampleKind.Fields, "sample")
		encoded := kind.Encode(sampleKind.Fields, planned, planned)
		if len(encoded.Unknown) > 0 {
			t.Fatalf("unknown: %v", encoded.Unknown)
		}
		read := kind.Decode(sampleKind.Fields, answer(t, encoded), planned, kind.Resource)
		if !read.Equal(planned) {
			t.Fatalf("planned %s\nread    %s", planned, read)
		}
	})
}

func TestSecretsComeFromTheConfigurationOnly(t *testing.T) {
	fields := sampleKind.Fields
	loginTypes := kind.AttrTypes(fields, kind.Resource)["login"].(types.ObjectType).AttrTypes
	keyTypes := loginTypes["key"].(types.ObjectType).AttrTypes
	object := func(pass types.String) types.Object {
		return with(t, fields, map[string]attr.Value{"login": types.ObjectValueMust(loginTypes, map[string]attr.Value{
			"user": types.StringValue("u"), "key": types.ObjectNull(keyTypes), "pass_wo": pass, "pass_wo_version": types.Int64Value(7),
		})})
	}
	encoded := kind.Encode(fields, object(types.StringNull()), object(types.StringValue("hidden")))
	if got := encoded.Object["login"].(map[string]any)["pass"]; got != "hidden" {
		t.Errorf("pass = %v", got)
	}
	if got := encoded.SecretVersions["/login/pass"]; got != 7 {
		t.Errorf("version = %d", got)
	}
	decoded := kind.Decode(fields, kind.Answer{Object: map[string]any{"login": map[string]any{"user": "u", "pass": "leaked"}}, SecretVersions: encoded.SecretVersions}, types.Object{}, kind.Resource)
	if text := decoded.String(); strings.Contains(text, "leaked") || !strings.Contains(text, "7") {
		t.Errorf("decoded = %s", text)
	}
	unknown := kind.Encode(fields, object(types.StringNull()), object(types.StringUnknown()))
	if !slices.Equal(unknown.Unknown, []string{"/login/pass"}) {
		t.Errorf("unknown = %v", unknown.Unknown)
	}
}

// with is an object that has nothing but the given values.
func with(t *testing.T, fields []spec.Field, given map[string]attr.Value) types.Object {
	t.Helper()
	values := map[string]attr.Value{}
	for name, typ := range kind.AttrTypes(fields, kind.Resource) {
		null, err := typ.ValueFromTerraform(t.Context(), tftypes.NewValue(typ.TerraformType(t.Context()), nil))
		if err != nil {
			t.Fatal(err)
		}
		values[name] = null
	}
	maps.Copy(values, given)
	return types.ObjectValueMust(kind.AttrTypes(fields, kind.Resource), values)
}

func TestUnknownValuesArePointedTo(t *testing.T) {
	fields := sampleKind.Fields
	planned := with(t, fields, map[string]attr.Value{
		"name":   types.StringUnknown(),
		"hosts":  types.ListValueMust(types.StringType, []attr.Value{types.StringValue("a"), types.StringUnknown()}),
		"labels": types.MapValueMust(types.StringType, map[string]attr.Value{"a/b": types.StringUnknown(), "c": types.StringValue("d")}),
		"tags":   types.ListUnknown(types.StringType),
	})
	encoded := kind.Encode(fields, planned, planned)
	if want := []string{"/hosts/1", "/labels/a~1b", "/name", "/tags"}; !slices.Equal(encoded.Unknown, want) {
		t.Errorf("unknown = %v, want %v", encoded.Unknown, want)
	}
	raw, err := encoded.JSON()
	if err != nil || string(raw) != `{"hosts":["a",null],"labels":{"c":"d"}}` {
		t.Errorf("JSON = %s, %v", raw, err)
	}
	if got := encoded.UnknownBelow("/spec"); got[2] != "/spec/name" {
		t.Errorf("below /spec: %v", got)
	}
}

func TestPathsOfPointers(t *testing.T) {
	base := path.Root("sample")
	for pointer, want := range map[string]path.Path{
		"":                     base,
		"/name":                base.AtName("name"),
		"/hosts/1":             base.AtName("hosts").AtListIndex(1),
		"/labels/a~1b":         base.AtName("labels").AtMapKey("a/b"),
		"/rules/0/weight":      base.AtName("rules").AtListIndex(0).AtName("weight"),
		"/routes/x/field":      base.AtName("routes").AtMapKey("x").AtName("field"),
		"/login/pass":          base.AtName("login").AtName("pass_wo"),
		"/login/key/private":   base.AtName("login").AtName("key").AtName("private_wo"),
		"/login/nothing/there": base.AtName("login"),
		"/hosts/x":             base.AtName("hosts"),
		"/nowhere":             base,
	} {
		if got := kind.Path(sampleKind.Fields, base, pointer); !got.Equal(want) {
			t.Errorf("%q: %s, want %s", pointer, got, want)
		}
	}
}

func TestBoundsAreInDigits(t *testing.T) {
	attributes := kind.Attributes([]spec.Field{{Name: "n", Type: spec.Int, Doc: "A number.", Minimum: new(1.0), Maximum: new(1e6)}})
	if n, _ := attributes["n"].(schema.Int64Attribute); n.MarkdownDescription != "A number. From 1 to 1000000." {
		t.Errorf("%q", n.MarkdownDescription)
	}
}

func TestAttributesSayWhatFieldsSay(t *testing.T) {
	attributes := kind.Attributes(sampleKind.Fields)
	name, _ := attributes["name"].(schema.StringAttribute)
	if !name.Required || name.Computed {
		t.Errorf("name: required %v, computed %v", name.Required, name.Computed)
	}
	mode, _ := attributes["mode"].(schema.StringAttribute)
	if !mode.Optional || !mode.Computed || mode.Default == nil {
		t.Error("mode has no default")
	}
	for _, part := range []string{"A mode.", "`fast`, `safe`", "Default: `safe`"} {
		if !strings.Contains(mode.MarkdownDescription, part) {
			t.Errorf("mode is described as %q, without %q", mode.MarkdownDescription, part)
		}
	}
	if fixed, _ := attributes["fixed"].(schema.StringAttribute); len(fixed.PlanModifiers) == 0 {
		t.Error("fixed needs no new object")
	}
	nested, _ := attributes["login"].(schema.SingleNestedAttribute)
	pass, _ := nested.Attributes["pass_wo"].(schema.StringAttribute)
	version, _ := nested.Attributes["pass_wo_version"].(schema.Int64Attribute)
	if !pass.WriteOnly || !pass.Sensitive || !pass.Required || !version.Required || version.WriteOnly {
		t.Errorf("secret: %+v, version: %+v", pass, version)
	}
	if _, open := nested.Attributes["pass"]; open {
		t.Error("the secret has an attribute in the open")
	}
	if _, ok := kind.DataSourceAttributes(sampleKind.Fields)["login"]; !ok {
		t.Error("the data source has no login")
	}
}

func TestValidationIsOnTheAttribute(t *testing.T) {
	texts := func(values ...string) types.List {
		items := make([]attr.Value, len(values))
		for i, v := range values {
			items[i] = types.StringValue(v)
		}
		return types.ListValueMust(types.StringType, items)
	}
	for _, tt := range []struct {
		field string
		value attr.Value
		want  string
	}{
		{"name", types.StringValue("ok"), ""},
		{"name", types.StringValue("NO"), "name must match ^[a-z]+$."},
		{"name", types.StringValue("a"), "at least 2 character"},
		{"name", types.StringUnknown(), ""},
		{"mode", types.StringValue("odd"), "mode must be one of fast, safe."},
		{"count", types.Int64Value(10), "at most 9"},
		{"ratio", types.Float64Value(-1), "at least 0"},
		{"every", types.StringValue("5 minutes"), "is not a duration"},
		{"every", types.StringValue("90s"), ""},
		{"limit", types.StringValue("much"), "is not a size"},
		{"hosts", texts(), "at least 1 item"},
		{"hosts", texts("a"), ""},
		{"hosts", types.ListNull(types.StringType), ""},
	} {
		if got := problem(t, tt.field, tt.value); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s = %s: %q, want %q", tt.field, tt.value, got, tt.want)
		}
	}
}

// problem is what the validators of an attribute say of a value.
func problem(t *testing.T, field string, value attr.Value) string {
	t.Helper()
	at := path.Root(field)
	switch a := kind.Attributes(sampleKind.Fields)[field].(type) {
	case schema.StringAttribute:
		var resp validator.StringResponse
		for _, v := range a.Validators {
			v.ValidateString(t.Context(), validator.StringRequest{Path: at, ConfigValue: value.(types.String)}, &resp)
		}
		return details(resp.Diagnostics.Errors(), at)
	case schema.Int64Attribute:
		var resp validator.Int64Response
		a.Validators[0].ValidateInt64(t.Context(), validator.Int64Request{Path: at, ConfigValue: value.(types.Int64)}, &resp)
		return details(resp.Diagnostics.Errors(), at)
	case schema.Float64Attribute:
		var resp validator.Float64Response
		a.Validators[0].ValidateFloat64(t.Context(), validator.Float64Request{Path: at, ConfigValue: value.(types.Float64)}, &resp)
		return details(resp.Diagnostics.Errors(), at)
	case schema.ListAttribute:
		var resp validator.ListResponse
		a.Validators[0].ValidateList(t.Context(), validator.ListRequest{Path: at, ConfigValue: value.(types.List)}, &resp)
		return details(resp.Diagnostics.Errors(), at)
	}
	t.Fatalf("no attribute %s", field)
	return ""
}

func details(found diag.Diagnostics, at path.Path) string {
	var all []string
	for _, d := range found {
		if located, ok := d.(diag.DiagnosticWithPath); ok && located.Path().Equal(at) {
			all = append(all, d.Detail())
		}
	}
	return strings.Join(all, "; ")
}
