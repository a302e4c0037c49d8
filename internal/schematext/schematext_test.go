package schematext_test

import (
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

func fingerprint(t *testing.T, s schematext.Schema) string {
	t.Helper()
	f, err := schematext.Fingerprint(t.Context(), s)
	if err != nil {
		t.Fatalf("Fingerprint(%s): %v", s.Text, err)
	}
	return f
}

// protoOptions declares options of messages.
const protoOptions = `syntax="proto2"; import "google/protobuf/descriptor.proto"; extend google.protobuf.MessageOptions { optional int32 one = 50001; optional string two = 50002; } `

func TestSameMeaning(t *testing.T) {
	tests := []struct {
		name, format, a, b string
		same               bool
	}{
		{"avro whitespace and key order", "AVRO", `{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}`, "{\"fields\": [\n{\"type\": \"int\", \"name\": \"x\"}],\n \"name\": \"R\", \"type\": \"record\"}", true},
		{"avro wrapped primitive", "AVRO", `{"type":"record","name":"R","fields":[{"name":"x","type":{"type":"string"}}]}`, `{"type":"record","name":"R","fields":[{"name":"x","type":"string"}]}`, true},
		{"avro namespace apart", "AVRO", `{"type":"record","name":"R","namespace":"a.b","fields":[]}`, `{"type":"record","name":"a.b.R","fields":[]}`, true},
		{"avro short reference", "AVRO", `{"type":"record","name":"a.R","fields":[{"name":"next","type":["null","R"]}]}`, `{"type":"record","name":"a.R","fields":[{"name":"next","type":["null","a.R"]}]}`, true},
		{"avro default order", "AVRO", `{"type":"record","name":"R","fields":[{"name":"x","type":"int","order":"ascending"}]}`, `{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}`, true},
		{"avro empty format is AVRO", "", `"string"`, `{"type":"string"}`, true},
		{"avro doc", "AVRO", `{"type":"record","name":"R","doc":"a","fields":[]}`, `{"type":"record","name":"R","doc":"b","fields":[]}`, false},
		{"avro default", "AVRO", `{"type":"record","name":"R","fields":[{"name":"x","type":"int","default":1}]}`, `{"type":"record","name":"R","fields":[{"name":"x","type":"int","default":2}]}`, false},
		{"avro alias", "AVRO", `{"type":"record","name":"R","aliases":["S"],"fields":[]}`, `{"type":"record","name":"R","fields":[]}`, false},
		{"avro order of fields", "AVRO", `{"type":"record","name":"R","fields":[{"name":"x","type":"int"},{"name":"y","type":"int"}]}`, `{"type":"record","name":"R","fields":[{"name":"y","type":"int"},{"name":"x","type":"int"}]}`, false},
		{"avro order of branches", "AVRO", `["null","int"]`, `["int","null"]`, false},
		{"avro logical type", "AVRO", `{"type":"long","logicalType":"timestamp-millis"}`, `{"type":"long","logicalType":"timestamp-micros"}`, false},
		{"avro sort order", "AVRO", `{"type":"record","name":"R","fields":[{"name":"x","type":"int","order":"ignore"}]}`, `{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}`, false},
		{"avro null namespace inside another", "AVRO", `{"type":"record","name":"a.R","fields":[{"name":"x","type":{"type":"fixed","name":"F","namespace":"","size":1}}]}`, `{"type":"record","name":"a.R","fields":[{"name":"x","type":{"type":"fixed","name":"F","size":1}}]}`, false},
		{"json key order", "JSON", `{"type":"object","properties":{"a":{"type":"string"},"b":{}}}`, `{"properties":{"b":{}, "a":{"type":"string"}},"type":"object"}`, true},
		{"json order of required", "JSON", `{"required":["a","b"]}`, `{"required":["b","a"]}`, false},
		{"json large numbers", "JSON", `{"maximum":9007199254740993}`, `{"maximum":9007199254740992}`, false},
		{"json numbers written otherwise", "JSON", `{"maximum":1.50,"minimum":1e2,"multipleOf":0.25}`, `{"maximum":1.5,"minimum":100.0,"multipleOf":25e-2}`, true},
		{"json negative zero", "JSON", `{"default":-0.0}`, `{"default":0.0}`, false},
		{"json small numbers", "JSON", `{"multipleOf":0.1}`, `{"multipleOf":0.01}`, false},
		{"avro default written otherwise", "AVRO", `{"type":"record","name":"R","fields":[{"name":"x","type":"double","default":1.0}]}`, `{"type":"record","name":"R","fields":[{"name":"x","type":"double","default":1}]}`, true},
		{"json markup stays", "JSON", `{"pattern":"<a&b>"}`, `{"pattern":"<a&c>"}`, false},
		{"protobuf whitespace and comments", "PROTOBUF", "syntax = \"proto3\";\n// an order\nmessage A { int32 id = 1; }", "syntax=\"proto3\"; message A {\n  /* its id */ int32 id=1;\n}", true},
		{"protobuf order of statements", "PROTOBUF", `syntax="proto3"; package p; enum E { Z = 0; } enum F { Y = 0; } message A { E e = 1; }`, `syntax="proto3"; enum F { Y = 0; } message A { E e = 1; } enum E { Z = 0; } package p;`, true},
		{"protobuf order of imports", "PROTOBUF", `syntax="proto3"; import "google/protobuf/any.proto"; import public "google/protobuf/empty.proto"; message A { google.protobuf.Any a = 1; }`, `syntax="proto3"; import public "google/protobuf/empty.proto"; import "google/protobuf/any.proto"; message A { google.protobuf.Any a = 1; }`, true},
		{"protobuf full type name", "PROTOBUF", `syntax="proto3"; package p; message A { B b = 1; } message B {}`, `syntax="proto3"; package p; message A { .p.B b = 1; } message B {}`, true},
		{"protobuf public import", "PROTOBUF", `syntax="proto3"; import "google/protobuf/any.proto"; import public "google/protobuf/empty.proto"; message A { google.protobuf.Any a = 1; }`, `syntax="proto3"; import public "google/protobuf/any.proto"; import "google/protobuf/empty.proto"; message A { google.protobuf.Any a = 1; }`, false},
		{"protobuf order of messages", "PROTOBUF", `syntax="proto3"; message A {} message B {}`, `syntax="proto3"; message B {} message A {}`, false},
		{"protobuf order of enum values", "PROTOBUF", `syntax="proto2"; enum E { A = 0; B = 1; }`, `syntax="proto2"; enum E { B = 1; A = 0; }`, false},
		{"protobuf field number", "PROTOBUF", `syntax="proto3"; message A { int32 id = 1; }`, `syntax="proto3"; message A { int32 id = 2; }`, false},
		{"protobuf option", "PROTOBUF", `syntax="proto3"; message A { int32 id = 1; }`, `syntax="proto3"; message A { int32 id = 1 [deprecated = true]; }`, false},
		{"protobuf order of options", "PROTOBUF", `syntax="proto3"; option java_package="a"; option go_package="b"; message A { option deprecated=true; int32 id = 1 [deprecated=true, json_name="x"]; }`, `syntax="proto3"; option go_package="b"; option java_package="a"; message A { int32 id = 1 [json_name="x", deprecated=true]; option deprecated=true; }`, true},
		{"protobuf order of custom options", "PROTOBUF", protoOptions + `message A { option (one) = 1; option (two) = "x"; }`, protoOptions + `message A { option (two) = "x"; option (one) = 1; }`, true},
		{"protobuf custom option", "PROTOBUF", protoOptions + `message A { option (one) = 1; }`, protoOptions + `message A { option (one) = 2; }`, false},
		{"protobuf order of unknown options", "PROTOBUF", `syntax="proto3"; import "o.proto"; message A { option (one) = 1; option (two) = 2; }`, `syntax="proto3"; import "o.proto"; message A { option (two) = 2; option (one) = 1; }`, true},
		{"protobuf Confluent's options", "PROTOBUF", `syntax="proto3"; import "confluent/meta.proto"; message A { option (confluent.message_meta).doc = "x"; }`, `syntax="proto3"; import "confluent/meta.proto"; message A { option (confluent.message_meta) = { doc: "x" }; }`, true},
		{"protobuf order of reserved", "PROTOBUF", `syntax="proto3"; message A { reserved 5, 2 to 3; reserved "x", "a"; }`, `syntax="proto3"; message A { reserved "a", "x"; reserved 2 to 3, 5; }`, true},
		{"protobuf reserved", "PROTOBUF", `syntax="proto3"; message A { reserved 5; }`, `syntax="proto3"; message A { reserved 6; }`, false},
		{"protobuf order of nested enums", "PROTOBUF", `syntax="proto3"; message A { enum E { Z = 0; } enum F { Y = 0; } }`, `syntax="proto3"; message A { enum F { Y = 0; } enum E { Z = 0; } }`, true},
		{"protobuf default JSON name", "PROTOBUF", `syntax="proto3"; message A { int32 an_id = 1 [json_name="anId"]; }`, `syntax="proto3"; message A { int32 an_id = 1; }`, true},
		{"protobuf JSON name", "PROTOBUF", `syntax="proto3"; message A { int32 an_id = 1 [json_name="id"]; }`, `syntax="proto3"; message A { int32 an_id = 1; }`, false},
		{"protobuf default", "PROTOBUF", `syntax="proto2"; message A { optional int32 a = 1 [default=1]; }`, `syntax="proto2"; message A { optional int32 a = 1 [default=2]; }`, false},
		{"protobuf oneof", "PROTOBUF", `syntax="proto3"; message A { oneof o { int32 a = 1; } int32 b = 2; }`, `syntax="proto3"; message A { oneof o { int32 a = 1; int32 b = 2; } }`, false},
		{"protobuf presence", "PROTOBUF", `syntax="proto3"; message A { optional int32 a = 1; }`, `syntax="proto3"; message A { int32 a = 1; }`, false},
		{"protobuf syntax", "PROTOBUF", `syntax="proto2"; message A {}`, `syntax="proto3"; message A {}`, false},
		{"protobuf no syntax is proto2", "PROTOBUF", `syntax="proto2"; message A {}`, `message A {}`, true},
		{"protobuf descriptor", "PROTOBUF", `syntax="proto3"; package p; message A { int32 an_id = 1; }`, "CgFhEgFwIhIKAUESDQoFYW5faWQYASABKAViBnByb3RvMw==", true},
		{"protobuf unknown import", "PROTOBUF", `syntax="proto3"; import "other.proto"; message A { Other o = 1; }`, `syntax="proto3"; import "other.proto"; message A { Other o = 1; } // text`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := fingerprint(t, schematext.Schema{Format: tt.format, Text: tt.a})
			b := fingerprint(t, schematext.Schema{Format: tt.format, Text: tt.b})
			if (a == b) != tt.same {
				t.Errorf("same = %t, want %t", a == b, tt.same)
			}
		})
	}
}

func TestCanonicalAvroStaysReadable(t *testing.T) {
	got, err := schematext.Canonical(t.Context(), schematext.Schema{Format: "AVRO", Text: `{
		"namespace": "shop", "name": "Order", "type": "record", "aliases": ["Purchase", "old.Order"],
		"fields": [
			{"type": {"type": "array", "items": {"type": "Order"}}, "name": "parts", "default": [], "aliases": []},
			{"name": "price", "type": {"logicalType": "decimal", "type": "bytes", "scale": 2, "precision": 10}, "currency": "EUR <1.50>"}
		]}`})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"aliases":["shop.Purchase","old.Order"],"fields":[` +
		`{"default":[],"name":"parts","type":{"items":"shop.Order","type":"array"}},` +
		`{"currency":"EUR <1.50>","name":"price","type":{"logicalType":"decimal","precision":10,"scale":2,"type":"bytes"}}],` +
		`"name":"shop.Order","type":"record"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestValidate(t *testing.T) {
	const proto = "syntax = \"proto3\";\nimport \"a/b.proto\";\nmessage M { a.B b = 1; }"
	tests := []struct {
		name       string
		schema     schematext.Schema
		wantErrors []string // parts of the message; none: valid
	}{
		{"avro", schematext.Schema{Text: `{"type":"record","name":"R","fields":[{"name":"x","type":["null","R"],"default":null}]}`}, nil},
		{"avro reference", schematext.Schema{
			Text:       `{"type":"record","name":"b.R","fields":[{"name":"x","type":"a.S"}]}`,
			References: map[string]string{"1": `{"type":"record","name":"a.S","fields":[{"name":"e","type":"E"}]}`, "2": `{"type":"enum","name":"a.E","symbols":["A"]}`},
		}, nil},
		{"avro broken JSON", schematext.Schema{Text: "{\n  \"type\": \"record\",\n  \"name\" \"R\"}"}, []string{"line 3, column 10", "not valid JSON"}},
		{"avro cut off", schematext.Schema{Text: "{\n  \"type\""}, []string{"line 2", "unexpected end"}},
		{"avro not quoted", schematext.Schema{Text: `string`}, []string{"line 1, column 1", "not valid JSON"}},
		{"avro key twice", schematext.Schema{Text: `{"type":"record","name":"R","fields":[{"name":"x","type":"int","type":"long"}]}`}, []string{"/fields/0/type: ", "twice"}},
		{"avro unknown type", schematext.Schema{Text: `{"type":"record","name":"R","fields":[{"name":"x","type":["null","strin"]}]}`}, []string{"/fields/0/type/1: ", `unknown type "strin"`}},
		{"avro record in a name", schematext.Schema{Text: `{"type":"record","name":"R","fields":[{"name":"x","type":"record"}]}`}, []string{"/fields/0/type: ", "object of its own"}},
		{"avro no type", schematext.Schema{Text: `{"type":"record","name":"R","fields":[{"name":"x"}]}`}, []string{"/fields/0: ", `field "x" needs a "type"`}},
		{"avro no symbols", schematext.Schema{Text: `{"type":"enum","name":"E"}`}, []string{`enum "E" needs a list of "symbols"`}},
		{"avro no items", schematext.Schema{Text: `{"type":"array"}`}, []string{`an array needs "items"`}},
		{"avro no fields", schematext.Schema{Text: `{"type":"record","name":"a.R"}`}, []string{`record "a.R" needs a list of "fields"`}},
		{"avro number", schematext.Schema{Text: `{"type":"map","values":7}`}, []string{"/values: ", "an Avro schema is"}},
		{"avro bad default", schematext.Schema{Text: `{"type":"record","name":"R","fields":[{"name":"x","type":"string","default":1}]}`}, []string{`"x"`, "default"}},
		{"avro bad enum default", schematext.Schema{Text: `{"type":"enum","name":"E","symbols":["A"],"default":"B"}`}, []string{"default"}},
		{"avro bad name", schematext.Schema{Text: `{"type":"record","name":"R-1","fields":[]}`}, []string{"R-1"}},
		{"avro union in union", schematext.Schema{Text: `["null",["int"]]`}, []string{"union"}},
		{"avro broken reference", schematext.Schema{Text: `"string"`, References: map[string]string{"x": `{"type":"record","name":"R","fields":[{"name":"a","type":"Nope"}]}`}}, []string{`reference "x"`, "Nope"}},
		{"empty", schematext.Schema{Text: " \n"}, []string{"empty"}},
		{"not UTF-8", schematext.Schema{Text: "\"a\n\xff\""}, []string{"line 2, column 1", "UTF-8"}},
		{"unknown format", schematext.Schema{Format: "XML", Text: "<a/>"}, []string{"XML", "PROTOBUF"}},
		{"too deep", schematext.Schema{Text: strings.Repeat("[", 2000) + strings.Repeat("]", 2000)}, []string{"levels deep"}},

		{"json", schematext.Schema{Format: "JSON", Text: `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"type":"string","pattern":"^(?=x)"}}}`}, nil},
		{"json true", schematext.Schema{Format: "JSON", Text: `true`}, nil},
		{"json reference", schematext.Schema{Format: "JSON", Text: `{"properties":{"a":{"$ref":"address.json"}}}`, References: map[string]string{"address.json": `{"type":"object"}`}}, nil},
		{"json reference below $id", schematext.Schema{Format: "JSON", Text: `{"$id":"https://example.com/x/order.json","properties":{"a":{"$ref":"address.json#/definitions/a"}}}`, References: map[string]string{"address.json": `{"definitions":{"a":{"type":"object"}}}`}}, nil},
		{"json bad type", schematext.Schema{Format: "JSON", Text: `{"properties":{"a":{"type":"strin"}}}`}, []string{"/properties/a/type: "}},
		{"json bad bound", schematext.Schema{Format: "JSON", Text: `{"minLength":-1}`}, []string{"/minLength: "}},
		{"json no reference", schematext.Schema{Format: "JSON", Text: `{"$ref":"address.json"}`}, []string{"address.json", "none of the references"}},
		{"json file is not read", schematext.Schema{Format: "JSON", Text: `{"$ref":"file:///etc/hostname"}`}, []string{"none of the references"}},
		{"json no pointer", schematext.Schema{Format: "JSON", Text: `{"$ref":"#/definitions/nope"}`}, []string{"definitions/nope"}},
		{"json number", schematext.Schema{Format: "JSON", Text: `7`}, []string{"an object, true or false"}},
		{"json too many parts", schematext.Schema{Format: "JSON", Text: `{"allOf":[` + strings.Repeat(`{},`, 30_000) + `true]}`}, []string{"more than 20000 parts"}},
		{"json broken", schematext.Schema{Format: "JSON", Text: "{\n\"a\":}"}, []string{"line 2, column 5"}},

		{"protobuf", schematext.Schema{Format: "PROTOBUF", Text: `syntax="proto3"; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp t = 1; }`}, nil},
		{"protobuf reference", schematext.Schema{Format: "PROTOBUF", Text: proto, References: map[string]string{"a/b.proto": `syntax="proto3"; package a; message B {}`}}, nil},
		{"protobuf no reference", schematext.Schema{Format: "PROTOBUF", Text: proto}, []string{`import "a/b.proto"`, "not among the references"}},
		{"protobuf unknown type", schematext.Schema{Format: "PROTOBUF", Text: "syntax = \"proto3\";\nmessage M {\n  Nope n = 1;\n}"}, []string{"line 3, column 3", "Nope"}},
		{"protobuf broken", schematext.Schema{Format: "PROTOBUF", Text: "syntax = \"proto3\";\nmessage M {\n  int32 = 1;\n}"}, []string{"line 3, column ", "syntax error"}},
		{"protobuf number twice", schematext.Schema{Format: "PROTOBUF", Text: "syntax = \"proto3\";\nmessage M {\n  int32 a = 1;\n  int32 b = 1;\n}"}, []string{"line 4, column "}},
		{"protobuf broken reference", schematext.Schema{Format: "PROTOBUF", Text: proto, References: map[string]string{"a/b.proto": `syntax="proto3"; package a; message B {`}}, []string{"a/b.proto"}},
		{"protobuf too deep", schematext.Schema{Format: "PROTOBUF", Text: `syntax="proto3";` + strings.Repeat("message A {", 1000)}, []string{"levels deep"}},
		{"protobuf brackets in text", schematext.Schema{Format: "PROTOBUF", Text: `syntax="proto3"; /* ` + strings.Repeat("{", 1000) + ` */ message A {} // ` + strings.Repeat("(", 1000)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := schematext.Validate(t.Context(), tt.schema)
			if len(tt.wantErrors) == 0 {
				if err != nil {
					t.Fatalf("valid schema refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("broken schema accepted")
			}
			for _, want := range tt.wantErrors {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}
