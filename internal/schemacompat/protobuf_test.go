package schemacompat

import (
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

// message is a file with one message M of some fields.
func message(fields string) string {
	return `syntax = "proto3"; package p; message M { ` + fields + ` }`
}

func TestProtobuf(t *testing.T) {
	tests := []struct {
		name, reader, writer string
		want                 string // a part of the reason; none: readable
	}{
		{"same", message("int32 a = 1;"), message("int32 a = 1;"), ""},
		{"field added", message("int32 a = 1; string b = 2;"), message("int32 a = 1;"), ""},
		{"field removed", message("int32 a = 1;"), message("int32 a = 1; string b = 2;"), ""},
		{"field renamed", message("int32 b = 1;"), message("int32 a = 1;"), ""},
		{"number of another type", message("string b = 1;"), message("int32 a = 1;"), "M.b (1): the reader reads string where the writer writes int32"},
		{"numbers are alike", message("uint64 a = 1;"), message("int32 a = 1;"), ""},
		{"bool is a number", message("bool a = 1;"), message("int32 a = 1;"), ""},
		{"enum is a number", message("E a = 1; enum E { Z = 0; }"), message("int32 a = 1;"), ""},
		{"zigzag is not", message("sint32 a = 1;"), message("int32 a = 1;"), "reads sint32 where"},
		{"zigzags are alike", message("sint64 a = 1;"), message("sint32 a = 1;"), ""},
		{"fixed", message("sfixed32 a = 1;"), message("fixed32 a = 1;"), ""},
		{"fixed of another size", message("fixed64 a = 1;"), message("fixed32 a = 1;"), "reads fixed64"},
		{"float is not double", message("double a = 1;"), message("float a = 1;"), "reads double"},
		{"text and bytes", message("bytes a = 1;"), message("string a = 1;"), ""},
		{"becomes repeated", message("repeated int32 a = 1;"), message("int32 a = 1;"), "has it repeated where the writer has it optional"},
		{"message becomes repeated", message("repeated N a = 1; message N {}"), message("N a = 1; message N {}"), ""},
		{"becomes a map", message("map<string, int32> a = 1;"), message("repeated N a = 1; message N {}"), "reads map<string, int32> where"},
		{"value of a map", message("map<string, int32> a = 1;"), message("map<string, string> a = 1;"), "M.a (1) (value): "},
		{"key of a map", message("map<int64, int32> a = 1;"), message("map<int32, int32> a = 1;"), ""},
		{"message added", message("") + "message N {}", message(""), ""},
		{"message removed", message(""), message("") + "message N {}", "N: the reader has no such message"},
		{"nested message removed", message(""), message("message N {}"), "M.N: the reader has no such message"},
		{"message moved", "syntax = \"proto3\"; message A {} message B {}", "syntax = \"proto3\"; message B {} message A {}", ""},
		{"enum removed", message("int32 a = 1;"), message("E a = 1; enum E { Z = 0; }"), ""},
		{"enum value removed", message("E a = 1; enum E { Z = 0; }"), message("E a = 1; enum E { Z = 0; Y = 1; }"), ""},
		{"package changed", `syntax = "proto3"; package q; message M {}`, message(""), `has package "q" where`},
		{"message of another name", message("O n = 1; message N {} message O {}"), message("N n = 1; message N {} message O {}"), "message p.M.O"},
		{"change in a nested message", message("N n = 1; message N { string a = 1; }"), message("N n = 1; message N { int32 a = 1; }"), "M.N.a (1): "},
		{"field moves into a new oneof", message("oneof o { int32 a = 1; }"), message("int32 a = 1;"), ""},
		{"two fields move into a oneof", message("oneof o { int32 a = 1; int32 b = 2; }"), message("int32 a = 1; int32 b = 2;"), `only one of the fields "a", "b"`},
		{"field moves into a oneof that was there", message("oneof o { int32 a = 1; int32 b = 2; }"), message("oneof o { int32 a = 1; } int32 b = 2;"), "only one of the fields"},
		{"field added to a oneof", message("oneof o { int32 a = 1; int32 b = 2; }"), message("oneof o { int32 a = 1; }"), ""},
		{"field removed from a oneof", message("oneof o { int32 a = 1; }"), message("oneof o { int32 a = 1; int32 b = 2; }"), `one of oneof "o"`},
		{"oneof removed", message("int32 c = 3;"), message("int32 c = 3; oneof o { int32 a = 1; int32 b = 2; }"), ""},
		{"field moves out of a oneof", message("oneof o { int32 a = 1; } int32 b = 2;"), message("oneof o { int32 a = 1; int32 b = 2; }"), ""},
		{"type changes on the way into a oneof", message("oneof o { string a = 1; }"), message("int32 a = 1;"), "reads string"},
		{"explicit presence", message("optional int32 a = 1;"), message("int32 a = 1;"), ""},
		{"explicit presence twice", message("optional int32 a = 1; optional int32 b = 2;"), message("int32 a = 1; int32 b = 2;"), ""},
		{"required added", `syntax = "proto2"; message M { required int32 a = 1; }`, `syntax = "proto2"; message M {}`, "M.a (1): the reader requires this field"},
		{"required removed", `syntax = "proto2"; message M {}`, `syntax = "proto2"; message M { required int32 a = 1; }`, "which the writer requires"},
		{"becomes required", `syntax = "proto2"; message M { required int32 a = 1; }`, `syntax = "proto2"; message M { optional int32 a = 1; }`, "has it required"},
		{"group is no message", `syntax = "proto2"; message M { optional group A = 1 {} }`, `syntax = "proto2"; message M { optional A a = 1; message A {} }`, "reads group M.A"},
		{"recursive", message("M m = 1; int32 a = 2;"), message("M m = 1; int32 a = 2;"), ""},
		{"known types", `syntax = "proto3"; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp t = 1; }`, `syntax = "proto3"; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp t = 1; }`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found, err := unreadable(t.Context(), version(t, schematext.FormatProtobuf, tt.reader, "the reader"), version(t, schematext.FormatProtobuf, tt.writer, "the writer"))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(found, "; ")
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A change in an import is a change of what its messages are in.
func TestProtobufImports(t *testing.T) {
	parsed := func(imported string) Version {
		s, err := Parse(t.Context(), schematext.Schema{
			Format: schematext.FormatProtobuf, Text: `syntax = "proto3"; import "a.proto"; message M { a.A a = 1; }`,
			References: map[string]string{"a.proto": `syntax = "proto3"; package a; message A { ` + imported + ` }`},
		})
		if err != nil {
			t.Fatal(err)
		}
		return Version{Name: imported, Schema: s}
	}
	got, err := Check(t.Context(), Backward, parsed("string x = 1;"), parsed("int32 x = 1;"))
	if err != nil || len(got) != 1 || !strings.HasPrefix(got[0], "M.a (1).x (1): ") {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := Check(t.Context(), FullTransitive, parsed("int32 y = 1;"), parsed("int32 x = 1;")); err != nil || len(got) > 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

// A number that was reserved may not come back, and reserving one is no obstacle in any mode.
func TestReservedNumbers(t *testing.T) {
	used := version(t, schematext.FormatProtobuf, message("int32 a = 1; string b = 2;"), "used")
	reserved := version(t, schematext.FormatProtobuf, message("int32 a = 1; reserved 2;"), "reserved")
	for _, mode := range Modes() {
		if got, err := Check(t.Context(), mode, reserved, used); err != nil || len(got) > 0 {
			t.Errorf("%s: reserving: %q, %v", mode, got, err)
		}
		got, err := Check(t.Context(), mode, used, reserved)
		if want := mode.backward(); err != nil || (len(got) > 0) != want {
			t.Errorf("%s: using again: %q, %v", mode, got, err)
		}
	}
}
