package registry_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/daemon/registry"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// change is a new version after some old ones, and in which directions it is compatible: B says that the new one reads the
// latest, F that the latest reads the new one, b and f say so of all old ones. FULL is both.
type change struct {
	name    string
	history []string
	next    string
	want    string
	// apicurio is what Apicurio Registry says, where it says something else, and why.
	apicurio, why string
}

// directions are what is expected of a registry, all four letters.
func (c change) directions(apicurio bool) string {
	directions := c.want
	if apicurio && c.why != "" {
		directions = c.apicurio
	}
	if len(c.history) == 1 {
		directions += strings.ToLower(directions)
	}
	return directions
}

func avroRecord(fields string) string {
	return `{"type":"record","name":"R","fields":[` + fields + `]}`
}

func protoMessage(fields string) string {
	return "syntax = \"proto3\";\npackage p;\nmessage M {\n" + fields + "\n}\n"
}

var changes = map[sr.SchemaType][]change{
	sr.TypeAvro: {
		{name: "same", history: []string{avroRecord(`{"name":"a","type":"int"}`)}, next: avroRecord(`{"name":"a","type":"int"}`), want: "BF"},
		{name: "field with default", history: []string{avroRecord(`{"name":"a","type":"int"}`)}, next: avroRecord(`{"name":"a","type":"int"},{"name":"b","type":"int","default":0}`), want: "BF"},
		{name: "field without default", history: []string{avroRecord(`{"name":"a","type":"int"}`)}, next: avroRecord(`{"name":"a","type":"int"},{"name":"b","type":"int"}`), want: "F"},
		{name: "field removed", history: []string{avroRecord(`{"name":"a","type":"int"},{"name":"b","type":"int"}`)}, next: avroRecord(`{"name":"a","type":"int"}`), want: "B"},
		{name: "promoted", history: []string{avroRecord(`{"name":"a","type":"int"}`)}, next: avroRecord(`{"name":"a","type":"long"}`), want: "B"},
		{name: "text and bytes", history: []string{avroRecord(`{"name":"a","type":"string"}`)}, next: avroRecord(`{"name":"a","type":"bytes"}`), want: "BF"},
		{name: "other type", history: []string{avroRecord(`{"name":"a","type":"int"}`)}, next: avroRecord(`{"name":"a","type":"string"}`), want: ""},
		{name: "becomes nullable", history: []string{avroRecord(`{"name":"a","type":"int"}`)}, next: avroRecord(`{"name":"a","type":["null","int"]}`), want: "B"},
		{name: "union grows", history: []string{`["null","int"]`}, next: `["null","int","string"]`, want: "B"},
		{name: "union reordered", history: []string{`["null","int"]`}, next: `["int","null"]`, want: "BF"},
		{name: "record renamed", history: []string{avroRecord("")}, next: `{"type":"record","name":"S","fields":[]}`, want: ""},
		{name: "record renamed with alias", history: []string{avroRecord("")}, next: `{"type":"record","name":"S","aliases":["R"],"fields":[]}`, want: "B"},
		{name: "field renamed with alias", history: []string{avroRecord(`{"name":"a","type":"int"}`)}, next: avroRecord(`{"name":"b","aliases":["a"],"type":"int"}`), want: "B"},
		{name: "namespace changed", history: []string{`{"type":"record","name":"a.R","fields":[]}`}, next: `{"type":"record","name":"b.R","fields":[]}`, want: "BF"},
		{name: "enum grows", history: []string{`{"type":"enum","name":"E","symbols":["A"]}`}, next: `{"type":"enum","name":"E","symbols":["A","B"]}`, want: "B"},
		{name: "enum grows with default", history: []string{`{"type":"enum","name":"E","symbols":["A"],"default":"A"}`}, next: `{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}`, want: "BF"},
		{name: "fixed size", history: []string{`{"type":"fixed","name":"F","size":4}`}, next: `{"type":"fixed","name":"F","size":8}`, want: ""},
		{name: "array items", history: []string{`{"type":"array","items":"int"}`}, next: `{"type":"array","items":"long"}`, want: "B"},
		{name: "map values", history: []string{`{"type":"map","values":"int"}`}, next: `{"type":"map","values":"string"}`, want: ""},
		{name: "decimal scale", history: []string{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":1}`}, next: `{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, want: "BF"},
		{name: "logical type", history: []string{`"long"`}, next: `{"type":"long","logicalType":"timestamp-millis"}`, want: "BF"},
		{name: "doc and order", history: []string{avroRecord(`{"name":"a","type":"int"}`)}, next: avroRecord(`{"name":"a","type":"int","doc":"x","order":"ignore"}`), want: "BF"},
		{name: "recursive", history: []string{avroRecord(`{"name":"next","type":["null","R"]}`)}, next: avroRecord(`{"name":"next","type":["null","R"]},{"name":"v","type":"int","default":1}`), want: "BF"},
		{
			name: "default dropped over time", history: []string{avroRecord(`{"name":"a","type":"int"}`), avroRecord(`{"name":"a","type":"int"},{"name":"b","type":"int","default":0}`)},
			next: avroRecord(`{"name":"a","type":"int"},{"name":"b","type":"int"}`), want: "BFf", apicurio: "Ff", why: "it asks every version when none is named, in the modes for the latest too",
		},
	},
	sr.TypeJSON: {
		{name: "same", history: []string{`{"type":"object","properties":{"a":{"type":"string"}}}`}, next: `{"type":"object","properties":{"a":{"type":"string"}}}`, want: "BF"},
		{name: "title and description", history: []string{`{"type":"string","title":"a"}`}, next: `{"type":"string","title":"b","description":"c"}`, want: "BF"},
		{name: "property added to open", history: []string{`{"type":"object"}`}, next: `{"type":"object","properties":{"a":{"type":"string"}}}`, want: "F"},
		{name: "empty property added to open", history: []string{`{"type":"object"}`}, next: `{"type":"object","properties":{"a":{}}}`, want: "BF", apicurio: "F", why: "an empty schema takes everything: Confluent documents it as compatible"},
		{name: "property added to closed", history: []string{`{"type":"object","additionalProperties":false}`}, next: `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`, want: "B"},
		{name: "required property added to closed", history: []string{`{"type":"object","additionalProperties":false}`}, next: `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`, want: ""},
		{name: "required property with default added to closed", history: []string{`{"type":"object","additionalProperties":false}`}, next: `{"type":"object","properties":{"a":{"type":"string","default":""}},"required":["a"],"additionalProperties":false}`, want: "B", apicurio: "", why: "Confluent documents a required property with a default as compatible"},
		{name: "required added", history: []string{`{"type":"object","properties":{"a":{"type":"string"}}}`}, next: `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`, want: "F"},
		{name: "required with default added", history: []string{`{"type":"object","properties":{"a":{"type":"string","default":""}}}`}, next: `{"type":"object","properties":{"a":{"type":"string","default":""}},"required":["a"]}`, want: "BF", apicurio: "F", why: "Confluent documents a required property with a default as compatible"},
		{name: "additional properties closed", history: []string{`{"type":"object","properties":{"a":{"type":"string"}}}`}, next: `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`, want: "F"},
		{name: "additional properties narrowed", history: []string{`{"type":"object","additionalProperties":{"type":["string","null"]}}`}, next: `{"type":"object","additionalProperties":{"type":"string"}}`, want: "F", apicurio: "", why: "it does not look into a list of types"},
		{name: "type changed", history: []string{`{"type":"string"}`}, next: `{"type":"integer"}`, want: ""},
		{name: "integer to number", history: []string{`{"type":"integer"}`}, next: `{"type":"number"}`, want: "B"},
		{name: "nested type changed", history: []string{`{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}}`}, next: `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"boolean"}}}}}`, want: ""},
		{name: "max length increased", history: []string{`{"type":"string","maxLength":5}`}, next: `{"type":"string","maxLength":9}`, want: "B"},
		{name: "min length increased", history: []string{`{"type":"string","minLength":5}`}, next: `{"type":"string","minLength":9}`, want: "F"},
		{name: "pattern added", history: []string{`{"type":"string"}`}, next: `{"type":"string","pattern":"^a"}`, want: "F"},
		{name: "pattern changed", history: []string{`{"type":"string","pattern":"^b"}`}, next: `{"type":"string","pattern":"^a"}`, want: ""},
		{name: "maximum decreased", history: []string{`{"type":"number","maximum":9}`}, next: `{"type":"number","maximum":5}`, want: "F"},
		{name: "minimum removed", history: []string{`{"type":"number","minimum":9}`}, next: `{"type":"number"}`, want: "B"},
		{name: "multiple of reduced", history: []string{`{"type":"integer","multipleOf":6}`}, next: `{"type":"integer","multipleOf":2}`, want: "B"},
		{name: "enum extended", history: []string{`{"type":"string","enum":["a"]}`}, next: `{"type":"string","enum":["a","b"]}`, want: "B"},
		{name: "enum changed", history: []string{`{"type":"string","enum":["a"]}`}, next: `{"type":"string","enum":["b"]}`, want: ""},
		{name: "items changed", history: []string{`{"type":"array","items":{"type":"string"}}`}, next: `{"type":"array","items":{"type":"integer"}}`, want: ""},
		{name: "max items decreased", history: []string{`{"type":"array","maxItems":9}`}, next: `{"type":"array","maxItems":5}`, want: "F"},
		{name: "unique items added", history: []string{`{"type":"array"}`}, next: `{"type":"array","uniqueItems":true}`, want: "F"},
		{name: "max properties increased", history: []string{`{"type":"object","maxProperties":1}`}, next: `{"type":"object","maxProperties":2}`, want: "B"},
		{name: "oneOf extended", history: []string{`{"oneOf":[{"type":"string"},{"type":"integer"}]}`}, next: `{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"boolean"}]}`, want: "B"},
		{name: "becomes nullable", history: []string{`{"type":"string"}`}, next: `{"oneOf":[{"type":"null"},{"type":"string"}]}`, want: "B", apicurio: "", why: "it does not see that one alternative is the old schema, which Confluent documents as compatible"},
		{name: "allOf extended", history: []string{`{"allOf":[{"type":"string"},{"maxLength":3}]}`}, next: `{"allOf":[{"type":"string"},{"maxLength":3},{"minLength":1}]}`, want: "F"},
		{name: "not extended", history: []string{`{"not":{"type":"string","maxLength":3}}`}, next: `{"not":{"type":"string","maxLength":5}}`, want: "F"},
		{name: "behind a reference", history: []string{`{"definitions":{"a":{"type":"string"}},"type":"object","properties":{"a":{"$ref":"#/definitions/a"}}}`}, next: `{"definitions":{"a":{"type":"integer"}},"type":"object","properties":{"a":{"$ref":"#/definitions/a"}}}`, want: ""},
		{name: "dependency added", history: []string{`{"type":"object"}`}, next: `{"type":"object","dependencies":{"a":["b"]}}`, want: "F"},
		{name: "lengths over time", history: []string{`{"type":"string","maxLength":9}`, `{"type":"string","maxLength":3}`}, next: `{"type":"string","maxLength":5}`, want: "B", apicurio: "", why: "it asks every version when none is named, in the modes for the latest too"},
	},
	sr.TypeProtobuf: {
		{name: "same", history: []string{protoMessage("int32 a = 1;")}, next: protoMessage("int32 a = 1;"), want: "BF"},
		{name: "comment", history: []string{protoMessage("int32 a = 1;")}, next: protoMessage("int32 a = 1; // a"), want: "BF"},
		{name: "field added", history: []string{protoMessage("int32 a = 1;")}, next: protoMessage("int32 a = 1; string b = 2;"), want: "BF", apicurio: "B", why: "going back removes a field without reserving it"},
		{name: "field removed", history: []string{protoMessage("int32 a = 1; string b = 2;")}, next: protoMessage("int32 a = 1;"), want: "BF", apicurio: "F", why: "it wants a removed field reserved; readers skip what they do not know"},
		{name: "field removed and reserved", history: []string{protoMessage("int32 a = 1; string b = 2;")}, next: protoMessage("int32 a = 1; reserved 2; reserved \"b\";"), want: "BF", apicurio: "B", why: "going back uses a reserved field, which is what the older schema did before"},
		{name: "reserved number used", history: []string{protoMessage("int32 a = 1; reserved 2;")}, next: protoMessage("int32 a = 1; string b = 2;"), want: "F", apicurio: "", why: "going back removes a field without reserving it"},
		{name: "field renamed", history: []string{protoMessage("int32 a = 1;")}, next: protoMessage("int32 b = 1;"), want: "BF", apicurio: "", why: "it joins fields by name too; on the wire they have numbers only"},
		{name: "type changed", history: []string{protoMessage("int32 a = 1;")}, next: protoMessage("string a = 1;"), want: ""},
		{name: "type of the same wire format", history: []string{protoMessage("int32 a = 1;")}, next: protoMessage("int64 a = 1;"), want: "BF", apicurio: "", why: "it takes no other type, though Protobuf documents these as compatible"},
		{name: "number changed", history: []string{protoMessage("int32 a = 1;")}, next: protoMessage("int32 a = 2;"), want: "BF", apicurio: "", why: "it joins fields by name; to a reader one field went and another came"},
		{name: "becomes repeated", history: []string{protoMessage("int32 a = 1;")}, next: protoMessage("repeated int32 a = 1;"), want: ""},
		{name: "message added", history: []string{protoMessage("int32 a = 1;")}, next: protoMessage("int32 a = 1;") + "message N { int32 b = 1; }", want: "B"},
		{name: "message removed", history: []string{protoMessage("int32 a = 1;") + "message N { int32 b = 1; }"}, next: protoMessage("int32 a = 1;"), want: "F"},
		{name: "enum value added", history: []string{protoMessage("E e = 1; enum E { Z = 0; }")}, next: protoMessage("E e = 1; enum E { Z = 0; Y = 1; }"), want: "BF", apicurio: "B", why: "going back removes a constant without reserving it"},
		{name: "enum value removed", history: []string{protoMessage("E e = 1; enum E { Z = 0; Y = 1; }")}, next: protoMessage("E e = 1; enum E { Z = 0; }"), want: "BF", apicurio: "F", why: "it wants a removed constant reserved; readers keep unknown ones"},
		{name: "moved into a oneof", history: []string{protoMessage("int32 a = 1; int32 b = 2;")}, next: protoMessage("oneof o { int32 a = 1; int32 b = 2; }"), want: "F", apicurio: "BF", why: "it does not look at oneofs: of two fields that were set, one would be lost"},
		{name: "oneof grows", history: []string{protoMessage("oneof o { int32 a = 1; }")}, next: protoMessage("oneof o { int32 a = 1; int32 b = 2; }"), want: "B"},
		{name: "package changed", history: []string{"syntax = \"proto3\";\npackage a;\nmessage M { int32 a = 1; }\n"}, next: "syntax = \"proto3\";\npackage b;\nmessage M { int32 a = 1; }\n", want: "", apicurio: "BF", why: "it does not look at the package, which is part of every message's name"},
		{name: "required added", history: []string{"syntax = \"proto2\";\nmessage M { optional int32 a = 1; }\n"}, next: "syntax = \"proto2\";\nmessage M { optional int32 a = 1; required int32 b = 2; }\n", want: ""},
		{name: "types over time", history: []string{protoMessage("int32 a = 1;"), protoMessage("string b = 2;")}, next: protoMessage("string a = 1; string b = 2;"), want: "BF", apicurio: "", why: "it asks every version when none is named, in the modes for the latest too"},
	},
}

// letters are the directions of the modes; those of FULL are both.
var letters = map[sr.CompatibilityLevel]string{
	sr.CompatNone: "", sr.CompatBackward: "B", sr.CompatForward: "F", sr.CompatFull: "BF",
	sr.CompatBackwardTransitive: "b", sr.CompatForwardTransitive: "f", sr.CompatFullTransitive: "bf",
}

// checkChanges asks a registry about every change in every mode.
func checkChanges(t *testing.T, cl *sr.Client, apicurio bool) {
	t.Helper()
	for format, list := range changes {
		for _, c := range list {
			t.Run(format.String()+"/"+c.name, func(t *testing.T) {
				subject := strings.ReplaceAll(real.Name(t), "/", "-")
				for _, text := range c.history {
					set(t, cl, subject, sr.CompatNone)
					if _, err := cl.RegisterSchema(t.Context(), subject, schemaOf(format, text), -1, -1); err != nil {
						t.Fatal(err)
					}
				}
				for level, directions := range letters {
					set(t, cl, subject, level)
					got, err := cl.CheckCompatibility(sr.WithParams(t.Context(), sr.Verbose), subject, -2, schemaOf(format, c.next))
					want := !strings.ContainsFunc(directions, func(letter rune) bool { return !strings.ContainsRune(c.directions(apicurio), letter) })
					if err != nil || got.Is != want {
						t.Errorf("%s: compatible is %t, want %t %q, %v", level, got.Is, want, got.Messages, err)
					}
				}
			})
		}
	}
}

func set(t *testing.T, cl *sr.Client, subject string, level sr.CompatibilityLevel) {
	t.Helper()
	if got := cl.SetCompatibility(t.Context(), sr.SetCompatibility{Level: level}, subject)[0]; got.Err != nil {
		t.Fatal(got.Err)
	}
}

// schemaOf says which draft a JSON Schema is of: without it Apicurio does not take one.
func schemaOf(format sr.SchemaType, text string) sr.Schema {
	if format == sr.TypeJSON {
		text = `{"$schema":"http://json-schema.org/draft-07/schema#",` + text[1:]
	}
	return sr.Schema{Schema: text, Type: format}
}

func TestChangesInAllModes(t *testing.T) {
	server := httptest.NewServer(registry.New(memory(t), slog.New(slog.DiscardHandler)).Handler())
	t.Cleanup(server.Close)
	checkChanges(t, real.RegistryClient(t, server.URL), false)
}

// Apicurio Registry, asked the same, says the same but for what the table names.
func TestRealApicurioAgrees(t *testing.T) {
	checkChanges(t, real.RegistryClient(t, real.Shared(t).Apicurio.CompatURL()), true)
}
