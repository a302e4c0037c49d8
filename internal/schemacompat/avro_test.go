package schemacompat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

func parse(t *testing.T, text string) *avroType {
	t.Helper()
	s := schematext.Schema{Format: schematext.FormatAvro, Text: text}
	if err := schematext.Validate(t.Context(), s); err != nil {
		t.Fatalf("schema %s: %v", text, err)
	}
	typ, err := parseAvro(t.Context(), s)
	if err != nil {
		t.Fatalf("schema %s: %v", text, err)
	}
	return typ
}

// record is a record R with one line of fields.
func record(fields string) string { return `{"type":"record","name":"R","fields":[` + fields + `]}` }

func TestResolution(t *testing.T) {
	const (
		enumAB  = `{"type":"enum","name":"E","symbols":["A","B"]}`
		enumA   = `{"type":"enum","name":"E","symbols":["A"]}`
		enumADf = `{"type":"enum","name":"E","symbols":["A"],"default":"A"}`
		fixed4  = `{"type":"fixed","name":"F","size":4}`
		fixed8  = `{"type":"fixed","name":"F","size":8}`
		x       = `{"name":"x","type":"int"}`
		y       = `{"name":"y","type":"string"}`
	)
	tests := []struct {
		name           string
		reader, writer string
		want           []string // parts of the reasons, in order; none: readable
	}{
		{"same", record(x), record(x), nil},
		{"field without default missing", record(x + "," + y), record(x), []string{"R.y: the reader needs this field and gives it no default, and the writer does not write it"}},
		{"field with default missing", record(x + `,{"name":"y","type":"string","default":""}`), record(x), nil},
		{"nullable field is no default", record(x + `,{"name":"y","type":["null","string"]}`), record(x), []string{"R.y: "}},
		{"null is a default", record(x + `,{"name":"y","type":["null","string"],"default":null}`), record(x), nil},
		{"field skipped", record(x), record(x + "," + y), nil},
		{"fields in another order", record(x + "," + y), record(y + "," + x), nil},
		{"field by alias", record(`{"name":"z","aliases":["x"],"type":"int"}`), record(x), nil},
		{"writer's aliases do not count", record(x), record(`{"name":"z","aliases":["x"],"type":"int"}`), []string{"R.x: "}},
		{"two fields by alias", record(`{"name":"z","aliases":["x"],"type":"int"}`), record(x + `,{"name":"z","type":"int"}`), []string{`R.z: the writer writes "z", "x", which are one field`}},
		{"all reasons", record(`{"name":"x","type":"string"},` + y + `,{"name":"z","type":"int"}`), record(x), []string{"R.x: ", "R.y: ", "R.z: "}},
		{"nested field", record(`{"name":"in","type":{"type":"record","name":"In","fields":[` + x + `]}}`), record(`{"name":"in","type":{"type":"record","name":"In","fields":[]}}`), []string{"R.in.x: "}},

		{"record renamed", `{"type":"record","name":"S","fields":[]}`, record(""), []string{`an alias "R" would join them`}},
		{"record by alias", `{"type":"record","name":"S","aliases":["R"],"fields":[]}`, record(""), nil},
		{"record by full alias", `{"type":"record","name":"b.S","aliases":["a.R"],"fields":[]}`, `{"type":"record","name":"a.R","fields":[]}`, nil},
		{"alias of another namespace", `{"type":"record","name":"b.S","aliases":["R"],"fields":[]}`, `{"type":"record","name":"a.R","fields":[]}`, []string{`record "b.S"`}},
		{"namespaces do not count", `{"type":"record","name":"b.R","fields":[]}`, `{"type":"record","name":"a.R","fields":[]}`, nil},
		{"error is a record", `{"type":"error","name":"R","fields":[]}`, record(""), nil},
		{"record for primitive", record(""), `"int"`, []string{`the reader reads record "R" where the writer writes int`}},

		{"enum grows", enumAB, enumA, nil},
		{"enum shrinks", enumA, enumAB, []string{`the writer may write "B"`}},
		{"enum shrinks with default", enumADf, enumAB, nil},
		{"writer's enum default does not count", enumA, `{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}`, []string{`"B"`}},
		{"enum renamed", `{"type":"enum","name":"G","symbols":["A","B"]}`, enumAB, []string{`enum "G"`}},
		{"fixed", fixed4, fixed4, nil},
		{"fixed size", fixed4, fixed8, []string{"of 4 bytes where the writer writes 8 bytes"}},
		{"fixed renamed", `{"type":"fixed","name":"G","size":4}`, fixed4, []string{`fixed "G"`}},
		{"fixed is not bytes", `"bytes"`, fixed4, []string{"reads bytes"}},

		{"array items", `{"type":"array","items":"long"}`, `{"type":"array","items":"int"}`, nil},
		{"array items narrowed", `{"type":"array","items":"int"}`, `{"type":"array","items":"long"}`, []string{"schema[]: the reader reads int where the writer writes long"}},
		{"map values", `{"type":"map","values":"string"}`, `{"type":"map","values":"bytes"}`, nil},
		{"map values differ", `{"type":"map","values":"int"}`, `{"type":"map","values":"string"}`, []string{"schema{}: "}},
		{"map is not array", `{"type":"map","values":"int"}`, `{"type":"array","items":"int"}`, []string{"reads a map where the writer writes an array"}},

		{"decimal", `{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, `{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, nil},
		{"decimal without scale", `{"type":"bytes","logicalType":"decimal","precision":4,"scale":0}`, `{"type":"bytes","logicalType":"decimal","precision":4}`, nil},
		{"decimal scale", `{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, `{"type":"bytes","logicalType":"decimal","precision":4,"scale":1}`, nil},
		{"decimal or bytes", `"bytes"`, `{"type":"bytes","logicalType":"decimal","precision":4,"scale":1}`, nil},
		{"other logical types do not count", `{"type":"long","logicalType":"timestamp-millis"}`, `"long"`, nil},

		{"into union", `["null","int"]`, `"int"`, nil},
		{"into union by promotion", `["null","long"]`, `"int"`, nil},
		{"not into union", `["null","int"]`, `"string"`, []string{"the writer may write string, and the reader reads only a union of null, int"}},
		{"out of union", `"int"`, `["null","int"]`, []string{"the writer may write null, and the reader reads only int"}},
		{"out of union that promotes", `"long"`, `["int","long"]`, nil},
		{"out of union of one", `"int"`, `["int"]`, nil},
		{"union grows", `["null","int","string"]`, `["null","int"]`, nil},
		{"union shrinks", `["null"]`, `["null","int","boolean"]`, []string{"may write int", "may write boolean"}},
		{"union in another order", `["int","null"]`, `["null","int"]`, nil},
		{"record in union", `["null",` + record(x+","+y) + `]`, `["null",` + record(x) + `]`, []string{"schema.y: "}},
		{"other record in union", `["null",` + record(x) + `]`, `["null",{"type":"record","name":"S","fields":[]}]`, []string{`may write record "S"`}},
		{
			"full name before short name",
			`[{"type":"record","name":"a.R","fields":[{"name":"q","type":"int"}]},{"type":"record","name":"b.R","fields":[]}]`,
			`{"type":"record","name":"b.R","fields":[]}`, nil,
		},
		{"fixed size chooses branch", `["null",` + fixed4 + `]`, fixed8, []string{`may write fixed "F" of 8 bytes`}},
		{"union in field", record(`{"name":"x","type":["null","int"]}`), record(x), nil},

		{"recursive", `{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`, `{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`, nil},
		{
			"recursive with a difference",
			`{"type":"record","name":"L","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","L"]}]}`,
			`{"type":"record","name":"L","fields":[{"name":"v","type":"long"},{"name":"next","type":["null","L"]}]}`,
			[]string{"L.v: "},
		},
		{"named type used twice", record(`{"name":"a","type":` + fixed4 + `},{"name":"b","type":"F"}`), record(`{"name":"a","type":` + fixed4 + `},{"name":"b","type":{"type":"fixed","name":"G","size":4}}`), []string{"R.b: "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := avroUnreadable(t.Context(), parse(t, tt.reader), "the reader", parse(t, tt.writer), "the writer")
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %d reasons %q, want %d", len(got), got, len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("reason %q does not say %q", got[i], want)
				}
			}
		})
	}
}

// Every pair of primitives, against the table of the specification.
func TestPromotions(t *testing.T) {
	primitives := []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
	readers := map[string][]string{
		"int":    {"long", "float", "double"},
		"long":   {"float", "double"},
		"float":  {"double"},
		"string": {"bytes"},
		"bytes":  {"string"},
	}
	for _, writer := range primitives {
		for _, reader := range primitives {
			got, err := avroUnreadable(t.Context(), parse(t, `"`+reader+`"`), "reader", parse(t, `"`+writer+`"`), "writer")
			if err != nil {
				t.Fatal(err)
			}
			want := reader == writer || slices.Contains(readers[writer], reader)
			if (len(got) == 0) != want {
				t.Errorf("%s read as %s: %q, want readable = %t", writer, reader, got, want)
			}
		}
	}
}

func TestComparisonStopsWithItsCaller(t *testing.T) {
	reader, writer := parse(t, `"int"`), parse(t, `"int"`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := avroUnreadable(ctx, reader, "reader", writer, "writer"); err == nil {
		t.Error("no error after the caller left")
	}
}

func TestReasonsAreBounded(t *testing.T) {
	var fields []string
	for i := range 2 * maxReasons {
		fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":"int"}`, i))
	}
	got, err := avroUnreadable(t.Context(), parse(t, record(strings.Join(fields, ","))), "reader", parse(t, record("")), "writer")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != maxReasons+1 || !strings.Contains(got[maxReasons], "more") {
		t.Errorf("got %d reasons, the last %q", len(got), got[len(got)-1])
	}
}
