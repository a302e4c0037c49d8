package provider_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider"
)

// terraform query needs Terraform 1.14: these tests speak its protocol themselves.

// notListed are the resources of which there is nothing to list: a registry has one set of settings, what a set holds is
// listed as single topics, and moving offsets is an act.
var notListed = []string{"headgate_consumer_group_offsets", "headgate_schema_registry_settings", "headgate_topic_set"}

func TestEverythingImportableIsListable(t *testing.T) {
	resp := schemas(t, api.BuiltinKinds())
	for name := range resp.ResourceSchemas {
		if listed := resp.ListResourceSchemas[name] != nil; listed == slices.Contains(notListed, name) {
			t.Errorf("%s: listed %v", name, listed)
		}
	}
}

func TestList(t *testing.T) {
	d := acctest.Dev(t)
	ctx := t.Context()
	main, err := json.Marshal(api.KafkaConnection{BootstrapServers: strings.Split(d.Kafka, ","), SecurityProtocol: "PLAINTEXT"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Client.PutConnection(ctx, "main", api.ConnectionWrite{Kind: "kafka", Spec: main}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"orders", "payments.a", "payments.b"} {
		if _, err := d.Client.PutTopic(ctx, "main", name, api.TopicWrite{Partitions: 2, ReplicationFactor: 1}, api.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	q := newQuerier(t, d)
	topics := func(prefix any, limit int64) []tfprotov6.ListResourceResult {
		return q.list("headgate_topic", limit, map[string]tftypes.Value{
			"connection_name": tftypes.NewValue(tftypes.String, "main"), "prefix": tftypes.NewValue(tftypes.String, prefix),
		})
	}
	for _, tt := range []struct {
		prefix any
		limit  int64
		want   []string
	}{
		{nil, 100, []string{"orders", "payments.a", "payments.b"}},
		{"payments.", 100, []string{"payments.a", "payments.b"}},
		{nil, 1, []string{"orders"}},
		{"nothing", 100, nil},
	} {
		var got []string
		for _, r := range topics(tt.prefix, tt.limit) {
			got = append(got, r.DisplayName)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("prefix %v, limit %d: %v, want %v", tt.prefix, tt.limit, got, tt.want)
		}
	}
	first := topics(nil, 1)[0]
	if got := q.text("headgate_topic", first.Resource, "name"); got != "orders" {
		t.Errorf("the listed resource is %q", got)
	}
	connections := q.list("headgate_connection", 10, map[string]tftypes.Value{"prefix": tftypes.NewValue(tftypes.String, nil)})
	if len(connections) != 1 || q.text("headgate_connection", connections[0].Resource, "name") != "main" {
		t.Errorf("connections: %v", connections)
	}
	missing := q.list("headgate_topic", 10, map[string]tftypes.Value{
		"connection_name": tftypes.NewValue(tftypes.String, "nowhere"), "prefix": tftypes.NewValue(tftypes.String, nil),
	})
	if len(missing) != 1 || len(missing[0].Diagnostics) != 1 || missing[0].Diagnostics[0].Summary != `Connection "nowhere" does not exist` {
		t.Errorf("a connection that does not exist: %v", missing)
	}
}

// querier asks a provider as terraform query does.
type querier struct {
	t       *testing.T
	server  tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse
}

func newQuerier(t *testing.T, d *acctest.Daemon) *querier {
	t.Helper()
	t.Setenv(provider.EnvEndpoint, d.Endpoint)
	s := provider.Server("test", api.BuiltinKinds())()
	q := &querier{t: t, server: s}
	var err error
	if q.schemas, err = s.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		t.Fatal(err)
	}
	config := q.value(q.schemas.Provider.ValueType(), map[string]tftypes.Value{
		"endpoint": tftypes.NewValue(tftypes.String, nil), "token": tftypes.NewValue(tftypes.String, nil), "ca_certificate": tftypes.NewValue(tftypes.String, nil),
	})
	if _, err := s.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: config}); err != nil {
		t.Fatal(err)
	}
	return q
}

func (q *querier) value(typ tftypes.Type, attributes map[string]tftypes.Value) *tfprotov6.DynamicValue {
	q.t.Helper()
	v, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, attributes))
	if err != nil {
		q.t.Fatal(err)
	}
	return &v
}

func (q *querier) list(typ string, limit int64, config map[string]tftypes.Value) []tfprotov6.ListResourceResult {
	q.t.Helper()
	server, ok := q.server.(tfprotov6.ListResourceServer)
	if !ok {
		q.t.Fatal("the provider cannot list")
	}
	stream, err := server.ListResource(q.t.Context(), &tfprotov6.ListResourceRequest{
		TypeName: typ, Config: q.value(q.schemas.ListResourceSchemas[typ].ValueType(), config), IncludeResource: true, Limit: limit,
	})
	if err != nil {
		q.t.Fatal(err)
	}
	return slices.Collect(stream.Results)
}

// text is an attribute of a listed resource.
func (q *querier) text(typ string, resource *tfprotov6.DynamicValue, name string) string {
	q.t.Helper()
	value, err := resource.Unmarshal(q.schemas.ResourceSchemas[typ].ValueType())
	if err != nil {
		q.t.Fatal(err)
	}
	attributes := map[string]tftypes.Value{}
	var text string
	if err := value.As(&attributes); err != nil {
		q.t.Fatal(err)
	}
	if err := attributes[name].As(&text); err != nil {
		q.t.Fatal(err)
	}
	return text
}
