package provider_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Terraform's test harness shows no warnings: this test speaks its protocol itself.
func TestReadWarnsOfAFailedConnector(t *testing.T) {
	d, f := acctest.Dev(t), fakeconnect.Start(t)
	d.Connect(t, "connect", "kafka_connect", api.KafkaConnectConnection{URLs: []string{f.URL}})
	f.Change("shop", map[string]string{"connector.class": fakeconnect.JDBC, "connection.url": "jdbc:postgresql://db/shop", "topic.prefix": "shop."}, "FAILED")
	var found []string
	for _, one := range newQuerier(t, d).read("headgate_connector", map[string]string{"connection_name": "connect", "name": "shop"}) {
		found = append(found, one.Severity.String()+": "+one.Summary)
	}
	if got := strings.Join(found, "\n"); got != `WARNING: Connector "shop" has failed` {
		t.Errorf("%q", got)
	}
}

// What goes with a tainted topic is said, as with any other that is replaced.
func TestPlanSaysWhatGoesWithTheTainted(t *testing.T) {
	d := acctest.Dev(t)
	d.ConnectKafka(t)
	if _, err := d.Client.PutTopic(t.Context(), "main", "orders", api.TopicWrite{Partitions: 3, ReplicationFactor: 3, DeletionProtection: new(false)}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	q := newQuerier(t, d)
	orders := map[string]tftypes.Value{"connection_name": tftypes.NewValue(tftypes.String, "main"), "name": tftypes.NewValue(tftypes.String, "orders")}
	q.read("headgate_topic", map[string]string{"connection_name": "main", "name": "orders"})
	found := q.plan("headgate_topic", orders)
	if len(found) != 1 || found[0].Severity != tfprotov6.DiagnosticSeverityWarning || found[0].Summary != `What goes with topic "orders"` {
		t.Errorf("%v", found)
	}
}

// The positions of a connector go with it, which would copy again when it is created again.
func TestPlanSaysWhatGoesWithAConnector(t *testing.T) {
	d := acctest.Dev(t)
	d.CopyOrders(t, 1)
	found := newQuerier(t, d).destroy("headgate_source_connector", map[string]tftypes.Value{"name": tftypes.NewValue(tftypes.String, "orders-in")})
	if len(found) != 1 || found[0].Severity != tfprotov6.DiagnosticSeverityWarning || !strings.HasPrefix(found[0].Summary, "What goes with ") || !strings.Contains(found[0].Detail, "Its positions go") {
		t.Errorf("%v", found)
	}
}

// A topic that neither exists nor is planned is warned of: somebody else may make it in the same apply.
func TestPlanWarnsOfTopicsThatNobodyMakes(t *testing.T) {
	d := acctest.Dev(t)
	d.ConnectKafka(t)
	q := newQuerier(t, d)
	if found := q.plan("headgate_topic", map[string]tftypes.Value{"connection_name": tftypes.NewValue(tftypes.String, "main"), "name": tftypes.NewValue(tftypes.String, "orders")}); len(found) != 0 {
		t.Errorf("%v", found)
	}
	topics := tftypes.Set{ElementType: tftypes.String}
	found := q.plan("headgate_consumer_group_offsets", map[string]tftypes.Value{
		"connection_name": tftypes.NewValue(tftypes.String, "main"), "group": tftypes.NewValue(tftypes.String, "billing"), "to": tftypes.NewValue(tftypes.String, "latest"),
		"topics": tftypes.NewValue(topics, []tftypes.Value{tftypes.NewValue(tftypes.String, "typo"), tftypes.NewValue(tftypes.String, "orders")}),
	})
	if len(found) != 1 || found[0].Severity != tfprotov6.DiagnosticSeverityWarning || found[0].Summary != `Topic "typo" does not exist` {
		t.Errorf("%v", found)
	}
}

// plan plans a resource that has no prior state.
func (q *querier) plan(typ string, declared map[string]tftypes.Value) []*tfprotov6.Diagnostic {
	q.t.Helper()
	object := q.object(typ)
	prior, err := tfprotov6.NewDynamicValue(object, tftypes.NewValue(object, nil))
	if err != nil {
		q.t.Fatal(err)
	}
	config := q.value(object, filled(object, declared))
	resp, err := q.server.PlanResourceChange(q.t.Context(), &tfprotov6.PlanResourceChangeRequest{TypeName: typ, PriorState: &prior, ProposedNewState: config, Config: config})
	if err != nil {
		q.t.Fatal(err)
	}
	return resp.Diagnostics
}

func (q *querier) object(typ string) tftypes.Object {
	q.t.Helper()
	object, ok := q.schemas.ResourceSchemas[typ].ValueType().(tftypes.Object)
	if !ok {
		q.t.Fatalf("%s is no object", typ)
	}
	return object
}

// filled has a null for each attribute that is not given.
func filled(object tftypes.Object, given map[string]tftypes.Value) map[string]tftypes.Value {
	values := map[string]tftypes.Value{}
	for name, of := range object.AttributeTypes {
		values[name] = tftypes.NewValue(of, nil)
	}
	maps.Copy(values, given)
	return values
}

// read refreshes a resource of which state has nothing but some texts, and that was written before.
func (q *querier) read(typ string, texts map[string]string) []*tfprotov6.Diagnostic {
	q.t.Helper()
	given := map[string]tftypes.Value{}
	for name, text := range texts {
		given[name] = tftypes.NewValue(tftypes.String, text)
	}
	return q.refresh(typ, given)
}

// refresh reads a resource that was written before.
func (q *querier) refresh(typ string, state map[string]tftypes.Value) []*tfprotov6.Diagnostic {
	q.t.Helper()
	object := q.object(typ)
	private, err := json.Marshal(map[string][]byte{"generation": []byte(`"1"`)})
	if err != nil {
		q.t.Fatal(err)
	}
	resp, err := q.server.ReadResource(q.t.Context(), &tfprotov6.ReadResourceRequest{TypeName: typ, CurrentState: q.value(object, filled(object, state)), Private: private})
	if err != nil {
		q.t.Fatal(err)
	}
	return resp.Diagnostics
}

// More partitions put the keys of a compacted topic out of order: the plan says so, of a topic and of a set.
func TestPlanWarnsOfKeysOutOfOrder(t *testing.T) {
	d := acctest.Dev(t)
	d.ConnectKafka(t)
	compact := map[string]string{"cleanup.policy": "compact"}
	for _, name := range []string{"orders", "clicks"} {
		if _, err := d.Client.PutTopic(t.Context(), "main", name, api.TopicWrite{Partitions: 3, ReplicationFactor: 3, Config: compact}, api.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	q := newQuerier(t, d)
	text := func(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }
	topic := func(partitions int) map[string]tftypes.Value {
		return map[string]tftypes.Value{
			"connection_name": text("main"), "partitions": tftypes.NewValue(tftypes.Number, partitions), "replication_factor": tftypes.NewValue(tftypes.Number, 3),
			"retention": text("168h"), "deletion_protection": tftypes.NewValue(tftypes.Bool, true),
			"config": tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, map[string]tftypes.Value{"cleanup.policy": text("compact")}),
		}
	}
	alone := func(partitions int) map[string]tftypes.Value {
		values := topic(partitions)
		values["name"], values["topic_id"] = text("orders"), text("id")
		return values
	}
	const one, many = "headgate_topic", "headgate_topic_set"
	topics, ok := q.object(many).AttributeTypes["topics"].(tftypes.Map)
	entry, isObject := topics.ElementType.(tftypes.Object)
	if !ok || !isObject {
		t.Fatal("a set has no topics")
	}
	set := func(partitions int) map[string]tftypes.Value {
		values := topic(partitions)
		delete(values, "connection_name")
		element := tftypes.NewValue(entry, filled(entry, values))
		return map[string]tftypes.Value{"connection_name": text("main"), "topics": tftypes.NewValue(topics, map[string]tftypes.Value{"orders": element, "clicks": element})}
	}
	for typ, tt := range map[string]struct {
		prior, planned map[string]tftypes.Value
		want           string
	}{
		one:  {alone(3), alone(6), `Topic "orders" is compacted: with more partitions its keys are out of order`},
		many: {set(3), set(6), `Topic "clicks" is compacted: with more partitions its keys are out of order (and so for 1 more)`},
	} {
		found := q.change(typ, tt.prior, tt.planned)
		if len(found) != 1 || found[0].Severity != tfprotov6.DiagnosticSeverityWarning || found[0].Summary != tt.want {
			t.Errorf("%s: %s", typ, words(found))
		}
		if found := q.change(typ, tt.prior, tt.prior); len(found) != 0 {
			t.Errorf("%s unchanged: %s", typ, words(found))
		}
	}
}

// change plans a change of a resource.
func (q *querier) change(typ string, prior, planned map[string]tftypes.Value) []*tfprotov6.Diagnostic {
	q.t.Helper()
	object := q.object(typ)
	config := maps.Clone(planned)
	delete(config, "topic_id")
	resp, err := q.server.PlanResourceChange(q.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: typ, PriorState: q.value(object, filled(object, prior)), ProposedNewState: q.value(object, filled(object, planned)), Config: q.value(object, filled(object, config)),
	})
	if err != nil {
		q.t.Fatal(err)
	}
	return resp.Diagnostics
}
