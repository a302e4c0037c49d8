package function_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	functions "github.com/headgate/terraform-provider-headgate/provider/function"
)

// run calls a function as Terraform does.
func run(t *testing.T, name string, arguments ...string) (attr.Value, *function.FuncError) {
	t.Helper()
	for _, construct := range functions.All() {
		f := construct()
		var meta function.MetadataResponse
		f.Metadata(t.Context(), function.MetadataRequest{}, &meta)
		if meta.Name != name {
			continue
		}
		var definition function.DefinitionResponse
		f.Definition(t.Context(), function.DefinitionRequest{}, &definition)
		result, funcErr := definition.Definition.Return.NewResultData(t.Context())
		if funcErr != nil {
			t.Fatal(funcErr)
		}
		resp := function.RunResponse{Result: result}
		values := make([]attr.Value, len(arguments))
		for i, a := range arguments {
			values[i] = types.StringValue(a)
		}
		f.Run(t.Context(), function.RunRequest{Arguments: function.NewArgumentsData(values)}, &resp)
		return resp.Result.Value(), resp.Error
	}
	t.Fatalf("there is no function %s", name)
	return nil, nil
}

func TestUnits(t *testing.T) {
	for _, tt := range []struct {
		name, argument string
		want           int64
		err            string
	}{
		{"duration_ms", "168h", 604_800_000, ""},
		{"duration_ms", "1h30m", 5_400_000, ""},
		{"duration_ms", "0ms", 0, ""},
		{"duration_ms", "7 days", 0, "is not a duration"},
		{"duration_ms", "-5m", 0, "negative"},
		{"size_bytes", "64MiB", 64 << 20, ""},
		{"size_bytes", "1GB", 1_000_000_000, ""},
		{"size_bytes", "1048576", 1 << 20, ""},
		{"size_bytes", "big", 0, "is not a size"},
	} {
		got, err := run(t, tt.name, tt.argument)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Text, tt.err) || err.FunctionArgument == nil {
				t.Errorf("%s(%q): error %v, want %q on the argument", tt.name, tt.argument, err, tt.err)
			}
			continue
		}
		if err != nil || !got.Equal(types.Int64Value(tt.want)) {
			t.Errorf("%s(%q) = %v, %v, want %d", tt.name, tt.argument, got, err, tt.want)
		}
	}
}

func TestParseConnectionString(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{
			"postgresql://app:s%40crt@db.internal:5432/shop?sslmode=require",
			`{"database":"shop","hosts":["db.internal:5432"],"parameters":{"sslmode":"require"},"password":"s@crt","scheme":"postgresql","username":"app"}`,
		},
		{
			"pulsar+ssl://b-1.internal:6651,b-2.internal:6651",
			`{"database":<null>,"hosts":["b-1.internal:6651","b-2.internal:6651"],"parameters":{},"password":<null>,"scheme":"pulsar+ssl","username":<null>}`,
		},
		{
			"b-1:9092, b-2:9092",
			`{"database":<null>,"hosts":["b-1:9092","b-2:9092"],"parameters":{},"password":<null>,"scheme":<null>,"username":<null>}`,
		},
		{
			"Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=a+b/c==;EntityPath=orders",
			`{"database":"orders","hosts":["contoso.servicebus.windows.net"],"parameters":{},"password":"a+b/c==","scheme":"sb","username":"Root"}`,
		},
		{
			"DefaultEndpointsProtocol=https;AccountName=lake;AccountKey=k==;EndpointSuffix=core.windows.net",
			`{"database":<null>,"hosts":["lake.blob.core.windows.net"],"parameters":{"DefaultEndpointsProtocol":"https","EndpointSuffix":"core.windows.net"},"password":"k==","scheme":"https","username":"lake"}`,
		},
		{
			"jdbc:postgresql://db.internal:5432/shop?user=app",
			`{"database":"shop","hosts":["db.internal:5432"],"parameters":{"user":"app"},"password":<null>,"scheme":"postgresql","username":<null>}`,
		},
		{
			"mysql://[::1]:3306",
			`{"database":<null>,"hosts":["[::1]:3306"],"parameters":{},"password":<null>,"scheme":"mysql","username":<null>}`,
		},
	} {
		got, err := run(t, "parse_connection_string", tt.text)
		if err != nil || got.String() != tt.want {
			t.Errorf("%s:\n got %v, %v\nwant %s", tt.text, got, err, tt.want)
		}
	}
}

func TestConnectionStringsThatAreNone(t *testing.T) {
	for _, text := range []string{
		"", "postgresql://", "Endpoint=", "SharedAccessKeyName=Root;SharedAccessKey=hunter2", "a=b;hunter2",
		"postgresql://app:hunter2%zz@db/shop", "://hunter2", "app:hunter2@db", "not hunter2",
	} {
		got, err := run(t, "parse_connection_string", text)
		if err == nil {
			t.Errorf("%q was taken: %s", text, got)
			continue
		}
		if strings.Contains(err.Text, "hunter2") {
			t.Errorf("%q: the error shows what may be a password: %s", text, err.Text)
		}
	}
}

func TestSchemaCompatible(t *testing.T) {
	const (
		older  = `{"type":"record","name":"R","fields":[{"name":"id","type":"string"}]}`
		newer  = `{"type":"record","name":"R","fields":[{"name":"id","type":"string"},{"name":"n","type":"int"}]}`
		newer2 = `{"type":"record","name":"R","fields":[{"name":"id","type":"string"},{"name":"n","type":"int","default":0}]}`
	)
	for _, tt := range []struct {
		format, older, newer, mode string
		want                       bool
		argument                   int64 // that is refused
	}{
		{"AVRO", older, newer, "BACKWARD", false, -1},
		{"AVRO", older, newer, "FORWARD", true, -1},
		{"AVRO", older, newer, "NONE", true, -1},
		{"AVRO", older, newer2, "FULL_TRANSITIVE", true, -1},
		{"PROTOBUF", "syntax = \"proto3\"; message M { string a = 1; }", "syntax = \"proto3\"; message M { int32 a = 1; }", "BACKWARD", false, -1},
		{"JSON", `{"type":"string"}`, `{"type":["string","number"]}`, "BACKWARD", true, -1},
		{"XML", older, newer, "BACKWARD", false, 0},
		{"AVRO", "{", newer, "BACKWARD", false, 1},
		{"AVRO", older, "{", "BACKWARD", false, 2},
		{"AVRO", older, newer, "SIDEWAYS", false, 3},
	} {
		got, err := run(t, "schema_compatible", tt.format, tt.older, tt.newer, tt.mode)
		if tt.argument >= 0 {
			if err == nil || err.FunctionArgument == nil || *err.FunctionArgument != tt.argument {
				t.Errorf("%s %s: %v, want argument %d to be refused", tt.format, tt.mode, err, tt.argument)
			}
			continue
		}
		object, ok := got.(types.Object)
		if err != nil || !ok {
			t.Fatalf("%s %s: %v, %v", tt.format, tt.mode, got, err)
		}
		reasons, _ := object.Attributes()["reasons"].(types.List)
		if !object.Attributes()["compatible"].Equal(types.BoolValue(tt.want)) || (len(reasons.Elements()) == 0) != tt.want {
			t.Errorf("%s %s: %s, want %v", tt.format, tt.mode, got, tt.want)
		}
	}
}

func FuzzParseConnectionString(f *testing.F) {
	f.Add("postgresql://app:secret@db:5432/shop?sslmode=require")
	f.Add("Endpoint=sb://x/;SharedAccessKey=a==")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = run(t, "parse_connection_string", text)
	})
}
