package schematext_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

// avroType draws a schema as it would be declared; names makes every definition its own name.
func avroType(depth int, names *int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := []string{"primitive", "wrapped", "logical"}
		if depth > 0 {
			kinds = append(kinds, "array", "map", "union", "record", "enum", "fixed")
		}
		inner := func(label string) any { return avroType(depth-1, names).Draw(t, label) }
		name := func() string {
			*names++
			return "T" + strconv.Itoa(*names)
		}
		primitive := rapid.SampledFrom([]string{"boolean", "int", "long", "float", "double", "bytes", "string"})
		switch rapid.SampledFrom(kinds).Draw(t, "kind") {
		case "wrapped":
			return map[string]any{"type": primitive.Draw(t, "primitive")}
		case "logical":
			return map[string]any{"type": "long", "logicalType": "timestamp-millis", "note": rapid.String().Draw(t, "note")}
		case "array":
			return map[string]any{"type": "array", "items": inner("items")}
		case "map":
			return map[string]any{"type": "map", "values": inner("values")}
		case "union":
			return []any{"null", primitive.Draw(t, "branch")}
		case "record":
			fields := []any{}
			for i := range rapid.IntRange(0, 3).Draw(t, "fields") {
				fields = append(fields, map[string]any{"name": "f" + strconv.Itoa(i), "type": inner("field"), "doc": rapid.String().Draw(t, "doc")})
			}
			record := map[string]any{"type": "record", "name": name(), "fields": fields, "aliases": []any{}}
			if rapid.Bool().Draw(t, "namespaced") {
				record["namespace"] = "a.b"
			}
			return record
		case "enum":
			return map[string]any{"type": "enum", "name": name(), "symbols": []any{"A", "B"}, "default": "A"}
		case "fixed":
			return map[string]any{"type": "fixed", "name": name(), "namespace": "", "size": 4}
		default:
			return primitive.Draw(t, "primitive")
		}
	})
}

// reformat writes the value with its keys shuffled and whitespace strewn in.
func reformat(value any, rng *rand.Rand) string {
	space := func() string { return strings.Repeat([]string{"", " ", "\n", "\t"}[rng.IntN(4)], rng.IntN(3)) }
	var b strings.Builder
	b.WriteString(space())
	switch v := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		parts := make([]string, len(keys))
		for i, key := range keys {
			parts[i] = space() + quote(key) + space() + ":" + reformat(v[key], rng)
		}
		fmt.Fprintf(&b, "{%s}", strings.Join(parts, ","))
	case []any:
		parts := make([]string, len(v))
		for i, element := range v {
			parts[i] = reformat(element, rng)
		}
		fmt.Fprintf(&b, "[%s]", strings.Join(parts, ","))
	default:
		b.WriteString(quote(v))
	}
	b.WriteString(space())
	return b.String()
}

func quote(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

func TestReformattingChangesNothing(t *testing.T) {
	for _, format := range []string{schematext.FormatAvro, schematext.FormatJSON} {
		t.Run(format, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				names := 0
				value := avroType(3, &names).Draw(rt, "schema")
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
				plain := schematext.Schema{Format: format, Text: quote(value)}
				other := schematext.Schema{Format: format, Text: reformat(value, rng)}

				canonical, err := schematext.Canonical(t.Context(), plain)
				if err != nil {
					rt.Fatal(err)
				}
				reformatted, err := schematext.Canonical(t.Context(), other)
				if err != nil {
					rt.Fatal(err)
				}
				if canonical != reformatted {
					rt.Fatalf("reformatting %s changed\n%s\nto\n%s", other.Text, canonical, reformatted)
				}
				again, err := schematext.Canonical(t.Context(), schematext.Schema{Format: format, Text: canonical})
				if err != nil {
					rt.Fatal(err)
				}
				if again != canonical {
					rt.Fatalf("not idempotent:\n%s\n%s", canonical, again)
				}
				if format != schematext.FormatAvro {
					return
				}
				if err := schematext.Validate(t.Context(), plain); err != nil {
					rt.Fatalf("%s: %v", plain.Text, err)
				}
				if err := schematext.Validate(t.Context(), schematext.Schema{Text: canonical}); err != nil {
					rt.Fatalf("canonical form %s: %v", canonical, err)
				}
			})
		})
	}
}

// protoTokens are a file whose tokens may stand apart in any way.
var protoTokens = strings.Fields(`syntax = "proto3" ; package p ; import "google/protobuf/any.proto" ; message M { int32 a = 1 ;
	repeated google . protobuf . Any b = 2 [ deprecated = true ] ; oneof o { string c = 3 ; bytes d = 4 ; } map < string , N > e = 5 ; reserved 9 ;
	message N { optional double f = 1 ; } } enum E { Z = 0 ; Y = 1 ; } service S { rpc R ( M ) returns ( M . N ) ; }`)

func TestProtobufWhitespaceAndComments(t *testing.T) {
	want := fingerprint(t, schematext.Schema{Format: schematext.FormatProtobuf, Text: strings.Join(protoTokens, " ")})
	rapid.Check(t, func(rt *rapid.T) {
		between := rapid.SampledFrom([]string{" ", "\n", "\t ", " /* a { comment */ ", " // another }\n", "\n\n// one\n// and one more\n"})
		var text strings.Builder
		for _, token := range protoTokens {
			text.WriteString(token + between.Draw(rt, "between"))
		}
		if got := fingerprint(t, schematext.Schema{Format: schematext.FormatProtobuf, Text: text.String()}); got != want {
			rt.Fatalf("%s means something else", text.String())
		}
	})
}

// A change of any number, text, key or order of a list is a change of the schema.
func TestChangesAreSeen(t *testing.T) {
	for _, format := range []string{schematext.FormatAvro, schematext.FormatJSON} {
		t.Run(format, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				names := 0
				value := avroType(3, &names).Draw(rt, "schema")
				before := quote(value)
				changed := change(rt, value)
				if quote(changed) == before {
					return
				}
				a, err := schematext.Canonical(t.Context(), schematext.Schema{Format: format, Text: before})
				if err != nil {
					rt.Fatal(err)
				}
				b, err := schematext.Canonical(t.Context(), schematext.Schema{Format: format, Text: quote(changed)})
				if err == nil && a == b {
					rt.Fatalf("%s and %s are both %s", before, quote(changed), a)
				}
			})
		})
	}
}

// change alters one leaf somewhere.
func change(t *rapid.T, value any) any {
	switch v := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			// What is left empty means the same as what is left out.
			if key != "aliases" && key != "namespace" {
				keys = append(keys, key)
			}
		}
		if len(keys) == 0 {
			return v
		}
		slices.Sort(keys)
		out := maps.Clone(v)
		key := rapid.SampledFrom(keys).Draw(t, "key")
		out[key] = change(t, v[key])
		return out
	case []any:
		if len(v) == 0 {
			return v
		}
		out := slices.Clone(v)
		i := rapid.IntRange(0, len(v)-1).Draw(t, "place")
		out[i] = change(t, v[i])
		return out
	case string:
		return v + "x"
	case int:
		return v + 1
	default:
		return v
	}
}

// Whatever the text, reading it ends with an answer.
func FuzzCanonical(f *testing.F) {
	f.Add("AVRO", `{"type":"record","name":"R","fields":[{"name":"x","type":["null","R"]}]}`)
	f.Add("JSON", `{"$ref":"#"}`)
	f.Add("PROTOBUF", `syntax="proto3"; message A { int32 a = 1; }`)
	f.Fuzz(func(t *testing.T, format, text string) {
		s := schematext.Schema{Format: format, Text: text}
		canonical, err := schematext.Canonical(t.Context(), s)
		_ = schematext.Validate(t.Context(), s)
		if err != nil || format == schematext.FormatProtobuf {
			return
		}
		again, err := schematext.Canonical(t.Context(), schematext.Schema{Format: format, Text: canonical})
		if err != nil || again != canonical {
			t.Fatalf("not idempotent: %q, then %q, %v", canonical, again, err)
		}
	})
}
