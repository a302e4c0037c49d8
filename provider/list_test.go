package provider_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// terraform query needs Terraform 1.14: these tests speak its protocol themselves.

// notListed are the resources of which there is nothing to list: what a set holds is listed as single topics, and moving
// offsets is an act.
var notListed = []string{"headgate_consumer_group_offsets", "headgate_topic_set"}

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
	d.ConnectKafka(t)
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
	server, schemas := providertest.Configured(t, d)
	return &querier{t: t, server: server, schemas: schemas}
}

func (q *querier) value(typ tftypes.Type, attributes map[string]tftypes.Value) *tfprotov6.DynamicValue {
	q.t.Helper()
	return providertest.Dynamic(q.t, typ, attributes)
}

func (q *querier) list(typ string, limit int64, config map[string]tftypes.Value) []tfprotov6.ListResourceResult {
	q.t.Helper()
	return providertest.Query(q.t, q.server, q.schemas, typ, limit, config)
}

// text is an attribute of a listed resource.
func (q *querier) text(typ string, resource *tfprotov6.DynamicValue, name string) string {
	q.t.Helper()
	return q.texts(q.schemas.ResourceSchemas[typ].ValueType(), resource, name)[name]
}

// texts are attributes of a value.
func (q *querier) texts(of tftypes.Type, raw *tfprotov6.DynamicValue, names ...string) map[string]string {
	q.t.Helper()
	value, err := raw.Unmarshal(of)
	if err != nil {
		q.t.Fatal(err)
	}
	attributes := map[string]tftypes.Value{}
	if err := value.As(&attributes); err != nil {
		q.t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range names {
		var text string
		if err := attributes[name].As(&text); err != nil {
			q.t.Fatal(err)
		}
		texts[name] = text
	}
	return texts
}

// listed wants everything that state has to be listed, once, with its identity and as a resource.
func (w *world) listed() {
	w.t.Helper()
	q := newQuerier(w.t, w.d)
	identities, err := q.server.GetResourceIdentitySchemas(w.t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	for typ, schema := range q.schemas.ListResourceSchemas {
		made := w.cli.Attributes(typ)
		if len(made) == 0 && !slices.Contains(onlyReal, typ) {
			w.t.Errorf("%s: nothing was made", typ)
		}
		for _, attributes := range made {
			config := map[string]tftypes.Value{}
			for _, a := range schema.Block.Attributes {
				config[a.Name] = tftypes.NewValue(tftypes.String, nil)
				if a.Required {
					config[a.Name] = tftypes.NewValue(tftypes.String, attributes[a.Name])
				}
			}
			if problem := q.lists(typ, config, identities.IdentitySchemas[typ], attributes); problem != "" {
				w.t.Errorf("%s: %s", typ, problem)
			}
		}
	}
}

// lists tells what is wrong with a list in which one with the attributes has to be.
func (q *querier) lists(typ string, config map[string]tftypes.Value, identity *tfprotov6.ResourceIdentitySchema, attributes map[string]any) string {
	q.t.Helper()
	want := map[string]string{}
	for _, a := range identity.IdentityAttributes {
		want[a.Name] = fmt.Sprint(attributes[a.Name])
	}
	names := slices.Collect(maps.Keys(want))
	found := 0
	for _, r := range q.list(typ, 1000, config) {
		if len(r.Diagnostics) > 0 || r.Identity == nil || r.Resource == nil {
			return fmt.Sprintf("%s is listed with identity %v, resource %v and %v", r.DisplayName, r.Identity, r.Resource, r.Diagnostics)
		}
		listed := q.texts(identity.ValueType(), r.Identity.IdentityData, names...)
		if resource := q.texts(q.schemas.ResourceSchemas[typ].ValueType(), r.Resource, names...); !maps.Equal(listed, resource) {
			return fmt.Sprintf("the resource %v is listed with the identity %v", resource, listed)
		}
		if maps.Equal(listed, want) {
			found++
		}
	}
	if found != 1 {
		return fmt.Sprintf("%v is listed %d times", want, found)
	}
	return ""
}
