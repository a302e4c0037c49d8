package schematext_test

import (
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

func TestCloudEvents(t *testing.T) {
	const (
		required = `"required":["id","source","specversion","type"]`
		id       = `"id":{"type":"string","minLength":1}`
		source   = `"source":{"type":"string","format":"uri-reference"}`
		rest     = `"specversion":{"const":"1.0"},"type":{"enum":["a","b"]}`
	)
	for _, test := range []struct {
		name, text string
		references map[string]string
		said       string
	}{
		{"plain", `{` + required + `,"properties":{` + id + `,` + source + `,` + rest + `}}`, nil, ""},
		{"by allOf", `{"allOf":[{` + required + `},{"properties":{` + id + `,` + source + `}},{"properties":{` + rest + `}}],"properties":{"data":{"type":"object"}}}`, nil, ""},
		{"by a local reference", `{"$ref":"#/definitions/e","definitions":{"e":{` + required + `,"properties":{` + id + `,` + source + `,` + rest + `}}}}`, nil, ""},
		{"by a reference", `{"allOf":[{"$ref":"envelope.json"}]}`, map[string]string{"envelope.json": `{` + required + `,"properties":{` + id + `,` + source + `,` + rest + `}}`}, ""},
		{"anything", `{}`, nil, "missing: id, source, specversion, type"},
		{"not required", `{"required":["id","source","type"],"properties":{` + id + `,` + source + `,` + rest + `}}`, nil, "missing: specversion"},
		{"not a property", `{` + required + `,"properties":{` + id + `,` + rest + `}}`, nil, "missing: source"},
		{"a number", `{` + required + `,"properties":{"id":{"type":"integer"},` + source + `,` + rest + `}}`, nil, "/properties/id"},
		{"untyped", `{` + required + `,"properties":{"id":true,` + source + `,` + rest + `}}`, nil, "/properties/id"},
		{"another version", `{` + required + `,"properties":{` + id + `,` + source + `,"type":{"type":"string"},"specversion":{"const":"0.3"}}}`, nil, `"1.0"`},
		{"no schema", `[]`, nil, "object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := schematext.ValidateCloudEvent(schematext.Schema{Format: schematext.FormatJSON, Text: test.text, References: test.references})
			switch {
			case test.said == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.said != "" && (err == nil || !strings.Contains(err.Error(), test.said)):
				t.Errorf("got %v, want it to say %q", err, test.said)
			}
		})
	}
}
