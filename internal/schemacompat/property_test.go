package schemacompat

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

// object is a part of a JSON Schema.
type object = map[string]any

// jsonSchema draws a schema of few names and small bounds, so that two of them often have to do with one another. There is
// no default and no oneOf, about which the comparison is more lenient than validation is.
func jsonSchema(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		if rapid.IntRange(0, 9).Draw(t, "boolean") == 0 {
			return rapid.Bool().Draw(t, "value")
		}
		s := object{}
		for range rapid.IntRange(1, 3).Draw(t, "keywords") {
			addKeyword(t, s, depth)
		}
		return s
	})
}

func addKeyword(t *rapid.T, s object, depth int) {
	small := func(label string) int { return rapid.IntRange(0, 3).Draw(t, label) }
	types := rapid.SampledFrom([]string{"null", "boolean", "integer", "number", "string", "array", "object"})
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "ab"}), 1, 2, rapid.ID)
	leaves := []string{"type", "types", "enum", "const", "minimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "required", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems", "dependentRequired"}
	nested := []string{"properties", "patternProperties", "additionalProperties", "propertyNames", "prefixItems", "items", "contains", "allOf", "anyOf", "not", "if", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems"}
	if depth > 0 {
		leaves = append(leaves, nested...)
		leaves = append(leaves, "properties", "required", "type")
	}
	inner := func(label string) any { return jsonSchema(depth-1).Draw(t, label) }
	switch keyword := rapid.SampledFrom(leaves).Draw(t, "keyword"); keyword {
	case "type":
		s[keyword] = types.Draw(t, "type")
	case "types":
		s["type"] = rapid.SliceOfNDistinct(types, 1, 3, rapid.ID).Draw(t, "types")
	case "enum":
		s[keyword] = rapid.SliceOfN(jsonValue(1), 1, 3).Draw(t, "enum")
	case "const":
		s[keyword] = jsonValue(1).Draw(t, "const")
	case "multipleOf":
		s[keyword] = rapid.SampledFrom([]float64{0.5, 1, 2, 3}).Draw(t, "of")
	case "pattern":
		s[keyword] = rapid.SampledFrom([]string{"^a", "b$", "^ab$"}).Draw(t, "pattern")
	case "required":
		s[keyword] = names.Draw(t, "names")
	case "uniqueItems":
		s[keyword] = true
	case "dependentRequired":
		s[keyword] = object{"a": names.Draw(t, "names")}
	case "properties", "dependentSchemas":
		properties := object{}
		for _, name := range names.Draw(t, "names") {
			properties[name] = inner("property")
		}
		s[keyword] = properties
	case "patternProperties":
		s[keyword] = object{rapid.SampledFrom([]string{"^a", "b$"}).Draw(t, "pattern"): inner("schema")}
	case "prefixItems", "allOf", "anyOf":
		s[keyword] = []any{inner("first"), inner("second")}
	case "if":
		s["if"], s["then"] = inner("if"), inner("then")
		if rapid.Bool().Draw(t, "two ways") {
			s["else"] = inner("else")
		}
	case "additionalProperties", "propertyNames", "items", "contains", "not", "unevaluatedProperties", "unevaluatedItems":
		s[keyword] = inner("schema")
	default:
		s[keyword] = small("bound")
	}
}

func jsonValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 4
		if depth > 0 {
			kinds = 6
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "boolean")
		case 2:
			return json.Number(rapid.SampledFrom([]string{"-1", "0", "0.5", "1", "1.5", "2", "3", "4", "6"}).Draw(t, "number"))
		case 3:
			return rapid.SampledFrom([]string{"", "a", "b", "ab", "abb"}).Draw(t, "string")
		case 4:
			return rapid.SliceOfN(jsonValue(depth-1), 0, 3).Draw(t, "items")
		default:
			value := object{}
			for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "ab", "c"}), rapid.ID).Draw(t, "names") {
				value[name] = jsonValue(depth-1).Draw(t, "value")
			}
			return value
		}
	})
}

func parseJSON(t *rapid.T, value any, name string) Version {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(t.Context(), schematext.Schema{Format: schematext.FormatJSON, Text: string(text)})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return Version{Name: name, Schema: parsed}
}

// What the comparison says a reader can take, the validator takes: whatever the writer's schema allows.
func TestReadableMeansValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written := jsonSchema(2).Draw(t, "writer")
		var read any
		if rapid.IntRange(0, 3).Draw(t, "related") > 0 {
			read = relaxed(t, written)
			if rapid.Bool().Draw(t, "by reference") {
				read = object{"$ref": "#/$defs/x", "$defs": object{"x": read}}
			}
		} else {
			read = jsonSchema(2).Draw(t, "reader")
		}
		reader, writer := parseJSON(t, read, "reader"), parseJSON(t, written, "writer")
		reasons, err := unreadable(t.Context(), reader, writer)
		if err != nil {
			t.Fatal(err)
		}
		if len(reasons) > 0 || lenient(read) {
			return
		}
		for i := range 30 {
			value := jsonValue(2).Draw(t, fmt.Sprint("value ", i))
			if writer.Schema.json.Validate(value) == nil && reader.Schema.json.Validate(value) != nil {
				a, _ := json.Marshal(read)
				b, _ := json.Marshal(written)
				v, _ := json.Marshal(value)
				t.Fatalf("%s is said to read all of %s, and does not take %s", a, b, v)
			}
		}
	})
}

// lenient says that the comparison takes what alternatives evaluate as evaluated.
func lenient(reader any) bool {
	text := fmt.Sprint(reader)
	return strings.Contains(text, "unevaluated") && (strings.Contains(text, "anyOf") || strings.Contains(text, "if:") || strings.Contains(text, "dependentSchemas"))
}

// relaxed is the schema with something taken away or put in another place, which often leaves it compatible.
func relaxed(t *rapid.T, value any) any {
	s, ok := value.(object)
	if !ok {
		return value
	}
	out := object{}
	for _, keyword := range sortedKeys(s) {
		switch inner := s[keyword].(type) {
		case object:
			if rapid.Bool().Draw(t, "inside") {
				out[keyword] = relaxedInside(t, keyword, inner)
				continue
			}
		case []any:
			if keyword == "anyOf" && rapid.Bool().Draw(t, "one more") {
				out[keyword] = append(slices.Clone(inner), jsonSchema(1).Draw(t, "alternative"))
				continue
			}
		}
		if rapid.IntRange(0, 4).Draw(t, "keep") > 0 {
			out[keyword] = s[keyword]
		}
	}
	switch rapid.IntRange(0, 5).Draw(t, "wrap") {
	case 0:
		return object{"anyOf": []any{out, jsonSchema(1).Draw(t, "other")}}
	case 1:
		return object{"allOf": []any{out}}
	case 2:
		addKeyword(t, out, 1)
	}
	return out
}

// relaxedInside changes what a keyword holds: a schema, or several by name.
func relaxedInside(t *rapid.T, keyword string, inner object) any {
	switch keyword {
	case "dependentRequired", "const":
		return inner
	case "properties", "patternProperties", "dependentSchemas", "$defs":
		out := object{}
		for _, name := range sortedKeys(inner) {
			if rapid.IntRange(0, 3).Draw(t, "keep") > 0 {
				out[name] = relaxed(t, inner[name])
			}
		}
		return out
	default:
		return relaxed(t, inner)
	}
}

func sortedKeys(m object) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// avroSchema draws a record.
func avroSchema() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		types := []string{`"int"`, `"long"`, `"string"`, `"bytes"`, `["null","int"]`, `["null","string","long"]`, `{"type":"array","items":"int"}`, `{"type":"map","values":"long"}`, `["null","R"]`}
		var fields []string
		for i, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID).Draw(t, "names") {
			field := fmt.Sprintf(`{"name":%q,"type":%s`, name, rapid.SampledFrom(types).Draw(t, "type"))
			if strings.Contains(field, `["null"`) && rapid.Bool().Draw(t, "default") {
				field += `,"default":null`
			}
			if i == 0 && rapid.Bool().Draw(t, "alias") {
				field += `,"aliases":["d"]`
			}
			fields = append(fields, field+"}")
		}
		return fmt.Sprintf(`{"type":"record","name":%q,"fields":[%s]}`, rapid.SampledFrom([]string{"R", "R", "R"}).Draw(t, "name"), strings.Join(fields, ","))
	})
}

// protobufSchema draws a file.
func protobufSchema() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		types := rapid.SampledFrom([]string{"int32", "int64", "bool", "string", "bytes", "double", "M", "N", "E", "repeated int32", "repeated string", "map<string, int32>", "optional int32", "fixed64"})
		var fields strings.Builder
		for i, number := range rapid.SliceOfNDistinct(rapid.IntRange(1, 4), 0, 4, rapid.ID).Draw(t, "numbers") {
			kind := types.Draw(t, "type")
			if !strings.ContainsAny(kind, " <") && rapid.Bool().Draw(t, "in a oneof") {
				fmt.Fprintf(&fields, "oneof o%d { %s f%d = %d; }\n", i, kind, number, number)
				continue
			}
			fmt.Fprintf(&fields, "%s f%d = %d;\n", kind, number, number)
		}
		if rapid.Bool().Draw(t, "reserve") {
			fields.WriteString("reserved 5;\n")
		}
		return "syntax = \"proto3\"; package p; message M { " + fields.String() + " } message N {} enum E { Z = 0; }" + rapid.SampledFrom([]string{"", " message O {}"}).Draw(t, "more")
	})
}

func jsonText() *rapid.Generator[string] {
	return rapid.Map(jsonSchema(2), func(value any) string {
		text, _ := json.Marshal(value)
		return string(text)
	})
}

// Of any two schemas: each may follow itself, FULL is BACKWARD and FORWARD, FORWARD is BACKWARD the other way round, and
// asking twice gives the same reasons.
func TestModes(t *testing.T) {
	for format, generator := range map[string]*rapid.Generator[string]{
		schematext.FormatAvro: avroSchema(), schematext.FormatJSON: jsonText(), schematext.FormatProtobuf: protobufSchema(),
	} {
		t.Run(format, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				parse := func(label, name string) (Version, string) {
					text := generator.Draw(t, label)
					parsed, err := Parse(t.Context(), schematext.Schema{Format: format, Text: text})
					if err != nil {
						t.Fatalf("%s: %v", text, err)
					}
					return Version{Name: name, Schema: parsed}, text
				}
				check := func(mode Mode, newer, older Version) []string {
					reasons, err := Check(t.Context(), mode, newer, older)
					if err != nil {
						t.Fatal(err)
					}
					return reasons
				}
				a, text := parse("a", "a")
				b, _ := parse("b", "b")
				for _, mode := range Modes() {
					if reasons := check(mode, a, a); len(reasons) > 0 {
						t.Fatalf("%s may not follow itself: %q", text, reasons)
					}
				}
				backward, forward, full := check(Backward, a, b), check(Forward, a, b), check(Full, a, b)
				if !slices.Equal(full, append(slices.Clone(backward), forward...)) {
					t.Fatalf("FULL %q, BACKWARD %q, FORWARD %q", full, backward, forward)
				}
				if reversed, err := unreadable(t.Context(), b, a); err != nil || !slices.Equal(forward, reversed) {
					t.Fatalf("FORWARD %q, the other way round %q, %v", forward, reversed, err)
				}
				for _, reason := range full {
					if !strings.Contains(reason, ": ") || !strings.Contains(reason, "a") {
						t.Fatalf("the reason %q names no place", reason)
					}
				}
				if again := check(Full, a, b); !slices.Equal(again, full) {
					t.Fatalf("first %q, then %q", full, again)
				}
			})
		})
	}
}

// The order of keys and of fields does not count.
func TestOrderDoesNotCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := jsonSchema(2).Draw(t, "schema")
		other := jsonSchema(2).Draw(t, "other")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		one, err := unreadable(t.Context(), parseJSON(t, value, "a"), parseJSON(t, other, "b"))
		if err != nil {
			t.Fatal(err)
		}
		two, err := unreadable(t.Context(), parseJSON(t, shuffled(value, rng), "a"), parseJSON(t, shuffled(other, rng), "b"))
		if err != nil {
			t.Fatal(err)
		}
		if (len(one) == 0) != (len(two) == 0) {
			t.Fatalf("%q, and in another order %q", one, two)
		}
	})
}

// shuffled puts lists that are sets into another order.
func shuffled(value any, rng *rand.Rand) any {
	switch v := value.(type) {
	case object:
		out := object{}
		for key, inner := range v {
			if key == "prefixItems" {
				out[key] = inner
				continue
			}
			out[key] = shuffled(inner, rng)
		}
		return out
	case []any:
		out := slices.Clone(v)
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		return out
	case []string:
		out := slices.Clone(v)
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		return out
	default:
		return value
	}
}

// Whatever two texts, comparing them ends with an answer.
func FuzzCheck(f *testing.F) {
	f.Add(schematext.FormatAvro, `{"type":"record","name":"R","fields":[{"name":"x","type":["null","R"]}]}`, `"int"`)
	f.Add(schematext.FormatJSON, `{"$ref":"#"}`, `{"oneOf":[{"$ref":"#"},{"not":{"$ref":"#"}}]}`)
	f.Add(schematext.FormatJSON, `{"unevaluatedProperties":false,"$dynamicRef":"#x","$dynamicAnchor":"x"}`, `{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,"items":{"$recursiveRef":"#"}}`)
	f.Add(schematext.FormatProtobuf, `syntax="proto3"; message A { oneof o { A a = 1; } }`, `syntax="proto2"; message A { optional group B = 1 { required A a = 2; } extensions 100 to 200; }`)
	f.Fuzz(func(t *testing.T, format, first, second string) {
		var versions []Version
		for _, text := range []string{first, second} {
			parsed, err := Parse(t.Context(), schematext.Schema{Format: format, Text: text})
			if err != nil {
				return
			}
			versions = append(versions, Version{Name: "a", Schema: parsed})
		}
		if _, err := Check(t.Context(), Full, versions[0], versions[1]); err != nil {
			t.Fatal(err)
		}
		if reasons, err := Check(t.Context(), Full, versions[0], versions[0]); err != nil || len(reasons) > 0 && !strings.Contains(reasons[0], "too many") {
			t.Fatalf("not compatible with itself: %q, %v", reasons, err)
		}
	})
}
