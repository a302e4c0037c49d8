package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakekinesis"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// using is what is behind a connection when somebody wants to delete it.
type using struct {
	kind, spec string
	// puts are what is made, a path and a body each; %s in either is the connection.
	puts [][2]string
	then func()
	// user is who keeps the connection; empty: nobody does.
	user string
	// forgotten is what a delete says that is kept beside.
	forgotten string
}

// Who names a connection, and whom the daemon serves through it by itself, keeps it. What lives on without the daemon does
// not: a delete says what is forgotten beside it, where something is kept.
func TestUsersOfConnections(t *testing.T) {
	c := newClient(t)
	connect, down, kinesis := fakeconnect.Start(t), fakeconnect.Start(t), fakekinesis.Start(t, 0)
	_, raw := c.do(http.MethodGet, "/v1/connections/main", "", nil, http.StatusOK)
	var main api.Connection
	if err := json.Unmarshal(raw, &main); err != nil {
		t.Fatal(err)
	}
	kafka := string(main.Spec)
	registry := fmt.Sprintf(`{"url":"%s/registry"}`, c.endpoint)
	workers := func(f *fakeconnect.Fake) string { return fmt.Sprintf(`{"urls":[%q]}`, f.URL) }
	region := fmt.Sprintf(`{"region":"eu-central-1","endpoint":%q,"credentials":{"access_key_id":"AKIDEXAMPLE","secret_access_key":"secret"}}`, kinesis.URL)
	sink := fmt.Sprintf(`{"config":{"connector.class":%q,"topics":"a"},"state":"stopped"}`, fakeconnect.Sink)
	const behind = "/v1/connections/%s/"
	for name, u := range map[string]using{
		"nothing":          {kind: "kafka", spec: kafka},
		"connection":       {kind: "schema_registry", spec: registry, puts: [][2]string{{"/v1/connections/reader", strings.TrimSuffix(fmt.Sprintf(`{"kind":"kafka","spec":%s`, kafka), "}") + `,"schema_registry":"%s"}}`}}, user: `connection "reader"`},
		"namespace":        {kind: "kafka", spec: kafka, puts: [][2]string{{"/v1/namespaces/payments", `{"topic_prefix":"payments.","connections":["main","%s"]}`}}, user: `namespace "payments"`},
		"namespace of all": {kind: "kafka", spec: kafka, puts: [][2]string{{"/v1/namespaces/all", `{"topic_prefix":"all."}`}}},
		"hosted connector": {kind: "kafka", spec: kafka, puts: [][2]string{{
			"/v1/connectors/in",
			`{"type":"source","kind":"kafka","spec":{"connection":"main","topic_prefixes":["none."]},"settings":{"state":"stopped","destination":{"connection":"%s","topic_prefix":"x."}}}`,
		}}, user: `connector "in"`},
		"connector":                     {kind: "kafka_connect", spec: workers(connect), puts: [][2]string{{behind + "connectors/ours", sink}}, user: `connector "ours"`},
		"connector that others made":    {kind: "kafka_connect", spec: workers(connect), then: func() { connect.Change("theirs", map[string]string{"connector.class": fakeconnect.Sink}, "") }},
		"connector that others deleted": {kind: "kafka_connect", spec: workers(connect), puts: [][2]string{{behind + "connectors/gone", sink}}, then: func() { connect.Change("gone", nil, "") }},
		"connector of a dead cluster":   {kind: "kafka_connect", spec: workers(down), puts: [][2]string{{behind + "connectors/lost", sink}}, then: down.Stop},
		"topic":                         {kind: "kafka", spec: kafka, puts: [][2]string{{behind + "topics/orders", `{"description":"x"}`}, {behind + "topics/refunds", `{"deletion_protection":false}`}}, forgotten: `"orders", "refunds"`},
		"stream":                        {kind: "kinesis", spec: region, puts: [][2]string{{behind + "streams/clicks", `{}`}}, forgotten: `"clicks"`},
		"schema":                        {kind: "schema_registry", spec: registry, puts: [][2]string{{behind + "schemas/used", `{"format":"AVRO","schema":"\"string\""}`}}},
		"ACL":                           {kind: "kafka", spec: kafka, puts: [][2]string{{behind + "acls/User:a", `{"rules":[{"resource_type":"TOPIC","resource_name":"a","operations":["READ"]}]}`}}},
		"SCRAM user":                    {kind: "kafka", spec: kafka, puts: [][2]string{{behind + "scram-users/a", `{"password":"hunter-two"}`}}},
		"client quota":                  {kind: "kafka", spec: kafka, puts: [][2]string{{behind + "client-quotas/user=a", `{"values":{"producer_byte_rate":1000}}`}}},
		"consumer group offsets":        {kind: "kafka", spec: kafka, puts: [][2]string{{"/v1/connections/main/topics/moved", `{}`}, {behind + "consumer-groups/g/offsets", `{"topics":["moved"],"to":"earliest"}`}}},
	} {
		t.Run(name, func(t *testing.T) { c.deletes(t, strings.ReplaceAll(strings.ToLower(name), " ", "-"), u) })
	}
}

func (c *client) deletes(t *testing.T, name string, u using) {
	t.Helper()
	c = &client{t: t, endpoint: c.endpoint, http: c.http}
	path := "/v1/connections/" + name
	c.do(http.MethodPut, path, fmt.Sprintf(`{"kind":%q,"spec":%s,"test":false}`, u.kind, u.spec), nil, http.StatusOK)
	for _, put := range u.puts {
		c.do(http.MethodPut, strings.ReplaceAll(put[0], "%s", name), strings.ReplaceAll(put[1], "%s", name), nil, http.StatusOK)
	}
	if u.then != nil {
		u.then()
	}
	for _, dry := range []string{"?dry_run=true", ""} {
		if u.user != "" {
			if e := c.fail(http.MethodDelete, path+dry, "", nil, http.StatusConflict); e.Code != api.CodeInUse || !strings.Contains(e.Detail, u.user) {
				t.Errorf("it is refused with %+v, want %s named", e, u.user)
			}
			continue
		}
		_, raw := c.do(http.MethodDelete, path+dry, "", nil, http.StatusOK)
		var gone api.Deletion
		if err := json.Unmarshal(raw, &gone); err != nil {
			t.Fatal(err)
		}
		switch {
		case u.forgotten == "" && len(gone.Effects) > 0:
			t.Errorf("it says %v", gone.Effects)
		case u.forgotten != "" && (len(gone.Effects) != 1 || !strings.HasSuffix(gone.Effects[0].Summary, " "+u.forgotten)):
			t.Errorf("it says %v, want %s named", gone.Effects, u.forgotten)
		}
	}
}
