package provider_test

import (
	"encoding/json"
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
	spec, err := json.Marshal(map[string]any{"urls": []string{f.URL}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Client.PutConnection(t.Context(), "connect", api.ConnectionWrite{Kind: "kafka_connect", Spec: spec}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.Change("shop", map[string]string{"connector.class": fakeconnect.JDBC, "connection.url": "jdbc:postgresql://db/shop", "topic.prefix": "shop."}, "FAILED")
	var found []string
	for _, one := range newQuerier(t, d).read("headgate_connector", map[string]string{"connection_name": "connect", "name": "shop"}) {
		found = append(found, one.Severity.String()+": "+one.Summary)
	}
	if got := strings.Join(found, "\n"); got != `WARNING: Connector "shop" has failed` {
		t.Errorf("%q", got)
	}
}

// read refreshes a resource of which state has nothing but some texts, and that was written before.
func (q *querier) read(typ string, texts map[string]string) []*tfprotov6.Diagnostic {
	q.t.Helper()
	object, ok := q.schemas.ResourceSchemas[typ].ValueType().(tftypes.Object)
	if !ok {
		q.t.Fatalf("%s is no object", typ)
	}
	values := map[string]tftypes.Value{}
	for name, of := range object.AttributeTypes {
		values[name] = tftypes.NewValue(of, nil)
	}
	for name, text := range texts {
		values[name] = tftypes.NewValue(tftypes.String, text)
	}
	private, err := json.Marshal(map[string][]byte{"generation": []byte(`"1"`)})
	if err != nil {
		q.t.Fatal(err)
	}
	resp, err := q.server.ReadResource(q.t.Context(), &tfprotov6.ReadResourceRequest{TypeName: typ, CurrentState: q.value(object, values), Private: private})
	if err != nil {
		q.t.Fatal(err)
	}
	return resp.Diagnostics
}
