package provider_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider"
)

func server(t *testing.T, kinds api.Kinds) tfprotov6.ProviderServer {
	t.Helper()
	return provider.Server("test", kinds)()
}

func schemas(t *testing.T, kinds api.Kinds) *tfprotov6.GetProviderSchemaResponse {
	t.Helper()
	resp, err := server(t, kinds).GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		t.Errorf("%s: %s", d.Summary, d.Detail)
	}
	return resp
}

func TestSchemaIsComplete(t *testing.T) {
	resp := schemas(t, api.BuiltinKinds())
	both := []string{"headgate_connection", "headgate_schema", "headgate_source_connector", "headgate_topic"}
	resources := append([]string{"headgate_topic_set"}, both...)
	sources := append([]string{"headgate_connection_test", "headgate_topic_preview"}, both...)
	for _, name := range resources {
		if resp.ResourceSchemas[name] == nil {
			t.Errorf("no resource %s", name)
		}
	}
	for _, name := range sources {
		if resp.DataSourceSchemas[name] == nil {
			t.Errorf("no data source %s", name)
		}
	}
	for name, s := range resp.ResourceSchemas {
		checkQuality(t, name, s)
	}
	for name, s := range resp.DataSourceSchemas {
		checkQuality(t, "data."+name, s)
	}
	for _, name := range []string{"headgate_reset_offsets", "headgate_restart_connector"} {
		if resp.ActionSchemas[name] == nil {
			t.Errorf("no action %s", name)
		}
	}
	for name, s := range resp.ActionSchemas {
		checkQuality(t, "action."+name, s.Schema)
	}
	checkQuality(t, "provider", resp.Provider)
}

func checkQuality(t *testing.T, name string, s *tfprotov6.Schema) {
	t.Helper()
	if s.Block.Description == "" {
		t.Errorf("%s has no description", name)
	}
	each(name, s.Block.Attributes, func(at string, siblings map[string]*tfprotov6.SchemaAttribute, a *tfprotov6.SchemaAttribute) {
		checkAttribute(t, at, siblings, a)
	})
}

func checkAttribute(t *testing.T, at string, siblings map[string]*tfprotov6.SchemaAttribute, a *tfprotov6.SchemaAttribute) {
	t.Helper()
	if description := strings.TrimSpace(a.Description); description == "" || !strings.HasSuffix(description, ".") {
		t.Errorf("%s is described as %q: write sentences", at, description)
	}
	if !strings.HasSuffix(a.Name, "_wo") {
		if a.WriteOnly {
			t.Errorf("%s is write-only and not called so", at)
		}
		return
	}
	version := siblings[a.Name+"_version"]
	if !a.WriteOnly || !a.Sensitive || version == nil || version.WriteOnly || version.Required != a.Required {
		t.Errorf("%s: write-only %v, sensitive %v, version %+v", at, a.WriteOnly, a.Sensitive, version)
	}
}

func each(at string, attributes []*tfprotov6.SchemaAttribute, do func(at string, siblings map[string]*tfprotov6.SchemaAttribute, a *tfprotov6.SchemaAttribute)) {
	siblings := map[string]*tfprotov6.SchemaAttribute{}
	for _, a := range attributes {
		siblings[a.Name] = a
	}
	for _, a := range attributes {
		do(at+"."+a.Name, siblings, a)
		if a.NestedType != nil {
			each(at+"."+a.Name, a.NestedType.Attributes, do)
		}
	}
}

// Every secret of every kind is write-only: the provider has no other way to take one.
func TestSecretsAreWriteOnly(t *testing.T) {
	resp := schemas(t, api.BuiltinKinds())
	var found []string
	each("", resp.ResourceSchemas["headgate_connection"].Block.Attributes, func(at string, _ map[string]*tfprotov6.SchemaAttribute, a *tfprotov6.SchemaAttribute) {
		if a.WriteOnly {
			found = append(found, strings.TrimSuffix(at, "_wo"))
		}
	})
	var want []string
	for _, k := range api.BuiltinKinds().Connections {
		for _, pointer := range spec.Secrets(k.Fields) {
			want = append(want, "."+k.Name+strings.ReplaceAll(pointer, "/", "."))
		}
	}
	slices.Sort(found)
	slices.Sort(want)
	if len(want) == 0 || !slices.Equal(found, want) {
		t.Errorf("write-only: %v, want %v", found, want)
	}
}

type numbersSource struct {
	Upto int64  `json:"upto" minimum:"1" doc:"The last number."`
	Seed string `json:"seed" secret:"true" doc:"The seed."`
}

// A new kind is one more description, and nothing else in the provider.
func TestAnotherKindNeedsNoOtherChange(t *testing.T) {
	kinds := api.BuiltinKinds()
	kinds.Sources = append(kinds.Sources, spec.KindOf[numbersSource]("numbers", "Numbers, counted up."))
	resp := schemas(t, kinds)
	var names []string
	each("", resp.ResourceSchemas["headgate_source_connector"].Block.Attributes, func(at string, _ map[string]*tfprotov6.SchemaAttribute, _ *tfprotov6.SchemaAttribute) {
		names = append(names, at)
	})
	for _, want := range []string{".kafka.topics", ".numbers.upto", ".numbers.seed_wo", ".numbers.seed_wo_version"} {
		if !slices.Contains(names, want) {
			t.Errorf("the resource has no %s", want)
		}
	}
	checkQuality(t, "headgate_source_connector", resp.ResourceSchemas["headgate_source_connector"])
}

func TestConfigure(t *testing.T) {
	daemon := httptest.NewServer(http.NotFoundHandler())
	defer daemon.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	defer secure.Close()
	strict := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(api.Error{Code: api.CodeUnauthorized, Summary: "The daemon wants a valid token"})
	}))
	defer strict.Close()
	for _, tt := range []struct {
		name     string
		endpoint tftypes.Value
		env      string
		want     string
	}{
		{name: "given", endpoint: tftypes.NewValue(tftypes.String, daemon.URL)},
		{name: "from the environment", endpoint: tftypes.NewValue(tftypes.String, nil), env: daemon.URL},
		{name: "unknown", endpoint: tftypes.NewValue(tftypes.String, tftypes.UnknownValue)},
		{name: "missing", endpoint: tftypes.NewValue(tftypes.String, nil), want: "Where is the Headgate daemon?"},
		{name: "an outage is the resources' own", endpoint: tftypes.NewValue(tftypes.String, "http://127.0.0.1:1")},
		{name: "the daemon wants a token", endpoint: tftypes.NewValue(tftypes.String, strict.URL), want: "No token was given, and the daemon wants one"},
		{name: "the other scheme", endpoint: tftypes.NewValue(tftypes.String, strings.Replace(secure.URL, "https", "http", 1)), want: "Cannot reach the Headgate daemon"},
		{name: "unknown authority", endpoint: tftypes.NewValue(tftypes.String, secure.URL), want: "Cannot reach the Headgate daemon"},
		{name: "no URL", endpoint: tftypes.NewValue(tftypes.String, "headgate.internal:8443"), want: "The provider's configuration is not valid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(provider.EnvEndpoint, tt.env)
			if got := configure(t, tt.endpoint); got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

func configure(t *testing.T, endpoint tftypes.Value) string {
	t.Helper()
	typ := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"endpoint": tftypes.String, "token": tftypes.String, "ca_certificate": tftypes.String}}
	value := tftypes.NewValue(typ, map[string]tftypes.Value{
		"endpoint": endpoint, "token": tftypes.NewValue(tftypes.String, nil), "ca_certificate": tftypes.NewValue(tftypes.String, nil),
	})
	config, err := tfprotov6.NewDynamicValue(typ, value)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server(t, api.BuiltinKinds()).ConfigureProvider(context.WithoutCancel(t.Context()), &tfprotov6.ConfigureProviderRequest{Config: &config})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		return d.Summary
	}
	return ""
}
