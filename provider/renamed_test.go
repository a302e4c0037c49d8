package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Terraform plans what is deleted at one address and made at another in either order. In each the plan is refused, with the
// way out: these tests choose the order.
func TestPlanRefusesToMakeAndDeleteInAnyOrder(t *testing.T) {
	d := acctest.Dev(t)
	d.ConnectKafka(t)
	if _, err := d.Client.PutTopic(t.Context(), "main", "orders", api.TopicWrite{Partitions: 3, ReplicationFactor: 3, DeletionProtection: new(false)}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	const topic, set = "headgate_topic", "headgate_topic_set"
	for _, tt := range []struct{ from, to, summary, remedy string }{
		{topic, topic, `The plan both creates and deletes the topic "main/orders"`, "moved {\n      from = headgate_topic.<old>\n      to   = headgate_topic.<new>"},
		{set, set, `The plan both creates and deletes topic "orders"`, "moved {\n      from = headgate_topic_set.<old>\n      to   = headgate_topic_set.<new>"},
		{topic, set, `The plan both creates and deletes`, "removed {\n      from = headgate_topic.<name>"},
		{set, topic, `The plan both creates and deletes`, "removed {\n      from = headgate_topic_set.<name>"},
	} {
		for _, order := range []string{"read delete create", "read create delete", "create read delete"} {
			t.Run(tt.from+" to "+tt.to+": "+order, func(t *testing.T) {
				q := newQuerier(t, d)
				var found []*tfprotov6.Diagnostic
				for step := range strings.SplitSeq(order, " ") {
					switch step {
					case "read":
						q.refresh(tt.from, q.orders(tt.from, false))
					case "delete":
						found = append(found, q.destroy(tt.from, q.orders(tt.from, false))...)
					case "create":
						found = append(found, q.plan(tt.to, q.orders(tt.to, true))...)
					}
				}
				refused := slices.ContainsFunc(found, func(one *tfprotov6.Diagnostic) bool {
					return one.Severity == tfprotov6.DiagnosticSeverityError && strings.HasPrefix(one.Summary, tt.summary) && strings.Contains(one.Detail, tt.remedy)
				})
				if !refused {
					for _, one := range found {
						t.Errorf("%s: %s: %s", one.Severity, one.Summary, one.Detail)
					}
				}
			})
		}
	}
}

// orders is the topic orders as a resource of a type declares it, or has it in state.
func (q *querier) orders(typ string, adopt bool) map[string]tftypes.Value {
	q.t.Helper()
	main := tftypes.NewValue(tftypes.String, "main")
	if typ == "headgate_topic" {
		return map[string]tftypes.Value{"connection_name": main, "name": tftypes.NewValue(tftypes.String, "orders")}
	}
	topics, ok := q.object(typ).AttributeTypes["topics"].(tftypes.Map)
	entry, isObject := topics.ElementType.(tftypes.Object)
	if !ok || !isObject {
		q.t.Fatal("a set has no topics")
	}
	return map[string]tftypes.Value{
		"connection_name": main, "adopt_existing": tftypes.NewValue(tftypes.Bool, adopt),
		"topics": tftypes.NewValue(topics, map[string]tftypes.Value{"orders": tftypes.NewValue(entry, filled(entry, nil))}),
	}
}

// destroy plans that a resource goes.
func (q *querier) destroy(typ string, state map[string]tftypes.Value) []*tfprotov6.Diagnostic {
	q.t.Helper()
	object := q.object(typ)
	none, err := tfprotov6.NewDynamicValue(object, tftypes.NewValue(object, nil))
	if err != nil {
		q.t.Fatal(err)
	}
	resp, err := q.server.PlanResourceChange(q.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: typ, PriorState: q.value(object, filled(object, state)), ProposedNewState: &none, Config: &none,
	})
	if err != nil {
		q.t.Fatal(err)
	}
	return resp.Diagnostics
}
