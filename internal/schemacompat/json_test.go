package schemacompat

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

func readsJSON(t *testing.T, reader, writer string) []string {
	t.Helper()
	found, err := unreadable(t.Context(), version(t, schematext.FormatJSON, reader, "the reader"), version(t, schematext.FormatJSON, writer, "the writer"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func version(t *testing.T, format, text, name string) Version {
	t.Helper()
	parsed, err := Parse(t.Context(), schematext.Schema{Format: format, Text: text})
	if err != nil {
		t.Fatalf("schema %s: %v", text, err)
	}
	return Version{Name: name, Schema: parsed}
}

// What a reader of the first schema takes of what a writer of the second may write. Where Confluent's documentation names
// the change, the name of the test is its name.
func TestJSONSchema(t *testing.T) {
	const (
		open   = `{"type":"object","properties":{"a":{"type":"string"}}}`
		closed = `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`
		addr   = `{"definitions":{"addr":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}},"type":"object","properties":{"home":{"$ref":"#/definitions/addr"}}}`
	)
	tests := []struct {
		name, reader, writer string
		want                 string // a part of the reason; none: readable
	}{
		{"same", open, open, ""},
		{"true reads all", `true`, open, ""},
		{"empty reads all", `{}`, `true`, ""},
		{"false reads nothing", `false`, open, "takes nothing"},
		{"false writes nothing", `{"type":"string"}`, `false`, ""},
		{"annotations", `{"title":"x","description":"y","$comment":"z","default":1,"examples":[1],"type":"integer"}`, `{"type":"integer"}`, ""},
		{"format does not count", `{"type":"string","format":"date"}`, `{"type":"string","format":"email"}`, ""},

		{"type changed", `{"type":"string"}`, `{"type":"integer"}`, "$: the reader takes string where the writer may write integer"},
		{"type extended", `{"type":"number"}`, `{"type":"integer"}`, ""},
		{"type narrowed", `{"type":"integer"}`, `{"type":"number"}`, "takes integer where the writer may write number"},
		{"type list extended", `{"type":["string","null"]}`, `{"type":"string"}`, ""},
		{"type list narrowed", `{"type":"string"}`, `{"type":["string","null"]}`, "may write null or string"},
		{"type added", `{"type":"string"}`, `{}`, "may write value"},

		{"max length increased", `{"type":"string","maxLength":9}`, `{"type":"string","maxLength":5}`, ""},
		{"max length decreased", `{"type":"string","maxLength":5}`, `{"type":"string","maxLength":9}`, "at most 5 characters where the writer may write 9"},
		{"max length added", `{"type":"string","maxLength":5}`, `{"type":"string"}`, "may write any number"},
		{"min length increased", `{"type":"string","minLength":5}`, `{"type":"string"}`, "at least 5 characters"},
		{"min length removed", `{"type":"string"}`, `{"type":"string","minLength":5}`, ""},
		{"pattern added", `{"type":"string","pattern":"^a"}`, `{"type":"string"}`, `pattern "^a"`},
		{"pattern changed", `{"type":"string","pattern":"^a"}`, `{"type":"string","pattern":"^ab"}`, `pattern "^a"`},
		{"pattern removed", `{"type":"string"}`, `{"type":"string","pattern":"^a"}`, ""},
		{"length of no string", `{"maxLength":5}`, `{"type":"integer"}`, ""},

		{"maximum increased", `{"type":"number","maximum":9}`, `{"type":"number","maximum":5}`, ""},
		{"maximum decreased", `{"type":"number","maximum":5.5}`, `{"type":"number","maximum":9}`, "up to 5.5 where the writer may write up to 9"},
		{"maximum becomes exclusive", `{"type":"number","exclusiveMaximum":5}`, `{"type":"number","maximum":5}`, "up to 5 (exclusive)"},
		{"exclusive maximum becomes maximum", `{"type":"number","maximum":5}`, `{"type":"number","exclusiveMaximum":5}`, ""},
		{"minimum increased", `{"type":"number","minimum":1}`, `{"type":"number","minimum":0}`, "from 1 where the writer may write from 0"},
		{"draft 4 exclusive maximum", `{"$schema":"http://json-schema.org/draft-04/schema#","type":"number","maximum":5,"exclusiveMaximum":true}`, `{"type":"number","maximum":5}`, "(exclusive)"},
		{"multiple of reduced", `{"type":"integer","multipleOf":2}`, `{"type":"integer","multipleOf":6}`, ""},
		{"multiple of expanded", `{"type":"integer","multipleOf":6}`, `{"type":"integer","multipleOf":2}`, "multiples of 6"},
		{"integers are multiples of 1", `{"type":"number","multipleOf":1}`, `{"type":"integer"}`, ""},

		{"enum extended", `{"enum":["a","b"]}`, `{"enum":["a"]}`, ""},
		{"enum narrowed", `{"enum":["a"]}`, `{"enum":["a","b","c"]}`, `may write "b", "c", which the reader does not take`},
		{"enum added", `{"type":"string","enum":["a"]}`, `{"type":"string"}`, `takes only "a"`},
		{"enum removed", `{"type":"string"}`, `{"type":"string","enum":["a"]}`, ""},
		{"enum of another type", `{"type":"integer"}`, `{"enum":["a",1]}`, `may write "a"`},
		{"const in enum", `{"enum":["a","b"]}`, `{"const":"a"}`, ""},
		{"enum of all booleans", `{"enum":[true,false]}`, `{"type":"boolean"}`, ""},
		{"constant objects", `{"type":"object","required":["a"]}`, `{"const":{"a":1}}`, ""},
		{"numbers are compared by value", `{"enum":[1]}`, `{"const":1.0}`, ""},

		{"required attribute added", `{"properties":{"a":{}},"required":["a"]}`, `{"type":"object","properties":{"a":{}}}`, "$.a: the reader requires this property and gives it no default"},
		{"required attribute with default added", `{"properties":{"a":{"default":1}},"required":["a"]}`, `{"type":"object","properties":{"a":{}}}`, ""},
		{"required attribute removed", `{"properties":{"a":{}}}`, `{"type":"object","properties":{"a":{}},"required":["a"]}`, ""},
		{"property added to open content model", open, `{"type":"object"}`, "$.a: the reader says what this property holds; the writer does not list it, and being open may write anything"},
		{"property with empty schema added to open content model", `{"type":"object","properties":{"a":{}}}`, `{"type":"object"}`, ""},
		{"optional property added to closed content model", closed, `{"type":"object","additionalProperties":false}`, ""},
		{"required property added to closed content model", `{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false}`, `{"type":"object","additionalProperties":false}`, "requires this property"},
		{"required property with default added to closed content model", `{"type":"object","properties":{"a":{"default":1}},"required":["a"],"additionalProperties":false}`, `{"type":"object","additionalProperties":false}`, ""},
		{"property removed from open content model", `{"type":"object"}`, open, ""},
		{"property removed from closed content model", `{"type":"object","additionalProperties":false}`, closed, "$.a: the reader does not take this property"},
		{"property with false removed from closed content model", `{"type":"object","additionalProperties":false}`, `{"type":"object","properties":{"a":false},"additionalProperties":false}`, ""},
		{"property covered by partially open content model", `{"type":"object","patternProperties":{"^a":{"type":"string"}},"additionalProperties":false}`, closed, ""},
		{"property not covered by partially open content model", `{"type":"object","patternProperties":{"^a":{"type":"integer"}},"additionalProperties":false}`, closed, "$.a: the reader takes integer"},
		{"property added is covered by partially open content model", open, `{"type":"object","additionalProperties":{"type":"string"}}`, ""},
		{"property added is not covered by partially open content model", open, `{"type":"object","additionalProperties":{"type":"integer"}}`, "$.a: the reader takes string where the writer may write integer"},
		{"additional properties removed", closed, open, "takes no properties but those it lists"},
		{"additional properties added", open, closed, ""},
		{"additional properties narrowed", `{"type":"object","additionalProperties":{"type":"string"}}`, `{"type":"object"}`, "$.*: "},
		{"additional properties extended", `{"type":"object","additionalProperties":{"type":["string","null"]}}`, `{"type":"object","additionalProperties":{"type":"string"}}`, ""},
		{"pattern property added", `{"type":"object","patternProperties":{"^x":{"type":"string"}}}`, `{"type":"object"}`, "$[^x]: "},
		{"pattern property kept", `{"type":"object","patternProperties":{"^x":{"type":"string"}}}`, `{"type":"object","patternProperties":{"^x":{"type":"string","maxLength":2}}}`, ""},
		{"pattern property removed from closed", `{"type":"object","additionalProperties":false}`, `{"type":"object","patternProperties":{"^x":{}},"additionalProperties":false}`, "takes no properties but those"},
		{"nested", `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"integer"}}}}}`, `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}}`, "$.a.b: "},
		{"max properties decreased", `{"type":"object","maxProperties":1}`, `{"type":"object","maxProperties":2}`, "at most 1 properties"},
		{"max properties of a closed one", `{"type":"object","maxProperties":1}`, closed, ""},
		{"min properties of required ones", `{"type":"object","minProperties":1}`, `{"type":"object","required":["a"]}`, ""},
		{"property names", `{"type":"object","propertyNames":{"maxLength":3}}`, `{"type":"object"}`, "names of properties"},
		{"property names kept", `{"type":"object","propertyNames":{"maxLength":3}}`, `{"type":"object","propertyNames":{"maxLength":2}}`, ""},
		{"property names of a closed one", `{"type":"object","propertyNames":{"maxLength":3}}`, closed, ""},
		{"dependency array extended", `{"type":"object","dependencies":{"a":["b"]}}`, `{"type":"object"}`, `only together with "b"`},
		{"dependency array narrowed", `{"type":"object"}`, `{"type":"object","dependencies":{"a":["b"]}}`, ""},
		{"dependency of required ones", `{"type":"object","dependencies":{"a":["b"]}}`, `{"type":"object","required":["b"]}`, ""},
		{"dependency schema kept", `{"type":"object","dependencies":{"a":{"required":["b"]}}}`, `{"type":"object","dependencies":{"a":{"required":["b","c"]}}}`, ""},
		{"dependency schema added", `{"type":"object","dependencies":{"a":{"required":["b"]}}}`, `{"type":"object"}`, "$.b: the reader requires"},
		{"dependent required", `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","dependentRequired":{"a":["b"]}}`, `{"type":"object"}`, `only together with "b"`},
		{"dependency of what is never there", `{"type":"object","dependencies":{"z":["b"]}}`, closed, ""},

		{"items", `{"type":"array","items":{"type":"number"}}`, `{"type":"array","items":{"type":"integer"}}`, ""},
		{"items changed", `{"type":"array","items":{"type":"integer"}}`, `{"type":"array","items":{"type":"string"}}`, "$[]: the reader takes integer"},
		{"items added", `{"type":"array","items":{"type":"integer"}}`, `{"type":"array"}`, "$[]: "},
		{"max items decreased", `{"type":"array","maxItems":1}`, `{"type":"array","maxItems":2}`, "at most 1 items"},
		{"unique items added", `{"type":"array","uniqueItems":true}`, `{"type":"array"}`, "no item twice"},
		{"item added to closed tuple", `{"items":[{"type":"string"},{"type":"string"}],"additionalItems":false,"$schema":"http://json-schema.org/draft-07/schema#"}`, `{"type":"array","items":[{"type":"string"}],"additionalItems":false,"$schema":"http://json-schema.org/draft-07/schema#"}`, ""},
		{"item added to open tuple", `{"items":[{"type":"string"},{"type":"string"}],"$schema":"http://json-schema.org/draft-07/schema#"}`, `{"type":"array","items":[{"type":"string"}],"$schema":"http://json-schema.org/draft-07/schema#"}`, "$[1]: "},
		{"item removed from closed tuple", `{"items":[{"type":"string"}],"additionalItems":false,"$schema":"http://json-schema.org/draft-07/schema#"}`, `{"type":"array","items":[{"type":"string"},{"type":"string"}],"additionalItems":false,"$schema":"http://json-schema.org/draft-07/schema#"}`, "at most 1 items|takes nothing"},
		{"prefix items", `{"prefixItems":[{"type":"string"}],"items":false}`, `{"type":"array","prefixItems":[{"const":"a"}],"items":false}`, ""},
		{"contains added", `{"type":"array","contains":{"type":"string"}}`, `{"type":"array"}`, "contain certain items"},
		{"contains kept", `{"type":"array","contains":{"type":"string"}}`, `{"type":"array","contains":{"const":"a"}}`, ""},
		{"contains of items", `{"type":"array","contains":{"type":"string"}}`, `{"type":"array","items":{"type":"string"},"minItems":1}`, ""},

		{"sum type extended", `{"oneOf":[{"type":"string"},{"type":"integer"}]}`, `{"oneOf":[{"type":"string"}]}`, ""},
		{"sum type narrowed", `{"oneOf":[{"type":"string"}]}`, `{"oneOf":[{"type":"string"},{"type":"integer"}]}`, "may write integer, which no alternative of oneOf takes"},
		{"becomes a sum type", `{"anyOf":[{"type":"null"},{"type":"string"}]}`, `{"type":"string"}`, ""},
		{"nullable in two ways", `{"anyOf":[{"type":"null"},{"type":"string"}]}`, `{"type":["null","string"]}`, ""},
		{"nullable in two ways back", `{"type":["null","string"]}`, `{"oneOf":[{"type":"null"},{"type":"string"}]}`, ""},
		{"enum as a sum type", `{"oneOf":[{"const":"a"},{"const":"b"}]}`, `{"enum":["a","b"]}`, ""},
		{"change inside a sum type", `{"oneOf":[{"type":"null"},{"type":"object","properties":{"a":{"type":"integer"}}}]}`, `{"oneOf":[{"type":"null"},{"type":"object","properties":{"a":{"type":"string"}}}]}`, "$.a: the reader takes integer where the writer may write string"},
		{"product type extended", `{"allOf":[{"type":"string"},{"maxLength":3}]}`, `{"allOf":[{"type":"string"}]}`, "at most 3 characters"},
		{"product type narrowed", `{"allOf":[{"type":"string"}]}`, `{"allOf":[{"type":"string"},{"maxLength":3}]}`, ""},
		{"all of it together", `{"type":"string","maxLength":3}`, `{"allOf":[{"type":"string"},{"maxLength":3}]}`, ""},
		{"not type extended", `{"type":"string","not":{"enum":["a","b"]}}`, `{"type":"string","not":{"enum":["a"]}}`, "excludes values by not"},
		{"not type narrowed", `{"type":"string","not":{"enum":["a"]}}`, `{"type":"string","not":{"enum":["a","b"]}}`, ""},
		{"not of another type", `{"not":{"type":"integer"}}`, `{"type":"string"}`, ""},
		{"condition kept", `{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{"type":"object","if":{"required":["a"]},"then":{"required":["b","c"]}}`, ""},
		{"condition added", `{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{"type":"object"}`, "if, then and else"},
		{"both outcomes", `{"type":"object","required":["b"]}`, `{"type":"object","if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["b","c"]}}`, ""},

		{"reference", addr, addr, ""},
		{"change behind a reference", addr, strings.ReplaceAll(addr, `"required":["city"]`, `"minProperties":0`), "$.home.city: the reader requires"},
		{"reference written out", addr, `{"type":"object","properties":{"home":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}`, ""},
		{"recursive", `{"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"number"}}}`, `{"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"integer"}}}`, ""},
		{"recursive with a difference", `{"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"integer"}}}`, `{"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"number"}}}`, ".v: the reader takes integer"},
		{"unevaluated properties close", `{"allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":false}`, `{"type":"object","properties":{"a":{}},"additionalProperties":false}`, ""},
		{"unevaluated properties close to others", `{"allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":false}`, `{"type":"object"}`, "takes no properties but those it lists"},
		{"unevaluated items", `{"prefixItems":[{}],"unevaluatedItems":false}`, `{"type":"array","maxItems":1}`, ""},
		{"unreadable patterns", `{"type":"object","patternProperties":{"(?=x)":{"type":"string"}},"additionalProperties":false}`, `{"type":"object","patternProperties":{"(?=x)":{"type":"string"}},"additionalProperties":false}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(readsJSON(t, tt.reader, tt.writer), "; ")
			if tt.want == "" {
				if got != "" {
					t.Errorf("not readable: %s", got)
				}
				return
			}
			for want := range strings.SplitSeq(tt.want, "|") {
				if strings.Contains(got, want) {
					return
				}
			}
			t.Errorf("got %q, want %q", got, tt.want)
		})
	}
}

func TestAllReasonsAreGiven(t *testing.T) {
	got := readsJSON(t,
		`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer","maximum":5}},"required":["c"],"additionalProperties":false}`,
		`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"d":{}},"additionalProperties":false}`)
	for i, want := range []string{"$.c: ", "$.a: ", "$.b: ", "$.d: "} {
		if len(got) != 4 || !strings.HasPrefix(got[i], want) {
			t.Fatalf("got %q, want %d to begin with %q", got, i, want)
		}
	}
}

// Alternatives of alternatives multiply; the comparison ends all the same, and refuses.
func TestHostileJSONSchemas(t *testing.T) {
	alternatives := func(prefix string, n int) string {
		var list []string
		for i := range n {
			list = append(list, `{"properties":{"`+prefix+strings.Repeat("x", i)+`":{"type":"string"}}}`)
		}
		return `{"anyOf":[` + strings.Join(list, ",") + `]}`
	}
	var all []string
	for i := range 30 {
		all = append(all, alternatives(strings.Repeat("y", i), 30))
	}
	writer := `{"type":"object","allOf":[` + strings.Join(all, ",") + `]}`
	for _, reader := range []string{alternatives("z", 50), `{"type":"object","required":["q"]}`} {
		if got := readsJSON(t, reader, writer); len(got) == 0 {
			t.Errorf("%s takes everything", reader)
		}
	}
}

// Large ones are compared, or refused, in a time that does not grow with their product.
func TestLargeJSONSchemas(t *testing.T) {
	list := func(n int, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(parts, ",")
	}
	properties := list(5_000, `"p%d":{"type":"string"}`)
	for name, text := range map[string]string{
		"properties":   `{"type":"object","properties":{` + properties + `},"additionalProperties":false}`,
		"and patterns": `{"type":"object","properties":{` + properties + `},"patternProperties":{` + list(2_000, `"^q%d":{"type":"string"}`) + `}}`,
		"enum":         `{"enum":[` + list(4_000, `"v%d"`) + `]}`,
		"allOf":        `{"allOf":[` + list(1_000, `{"minLength":%d}`) + `]}`,
		"huge enum":    `{"enum":[` + list(100_000, `%d`) + `]}`,
		"two enums":    `{"allOf":[{"enum":[` + list(10_000, `%d`) + `]},{"enum":[` + list(10_000, `%d`) + `]}]}`,
		"huge allOf":   `{"allOf":[` + list(8_000, `{"minLength":%d}`) + `]}`,
		"oneOf":        `{"oneOf":[` + list(2_000, `{"const":%d}`) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			one := version(t, schematext.FormatJSON, text, "one")
			two := version(t, schematext.FormatJSON, text, "two")
			began := time.Now()
			reasons, err := Check(ctx, Full, one, two)
			if bounded := name == "huge enum" || name == "two enums" || name == "huge allOf" || name == "and patterns" || name == "oneOf"; err != nil || bounded != (len(reasons) > 0) {
				t.Errorf("%d reasons, %v", len(reasons), err)
			}
			t.Logf("%s, %d reasons", time.Since(began), len(reasons))
		})
	}
}
