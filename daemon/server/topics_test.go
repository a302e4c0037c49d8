package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// A topic of a batch that may have been made after all, as its broker did not answer in time, is the next create's.
func TestBatchLeavesWhatFailedToTheNextCreate(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	fake.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		create := req.(*kmsg.CreateTopicsRequest)
		resp := create.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, asked := range create.Topics {
			one := kmsg.NewCreateTopicsResponseTopic()
			one.Topic, one.ErrorCode = asked.Topic, kerr.RequestTimedOut.Code
			resp.Topics = append(resp.Topics, one)
		}
		return resp, nil, true
	})
	c := newClient(t)
	c.do(http.MethodPut, "/v1/connections/slow", fmt.Sprintf(`{"kind":"kafka","spec":{"bootstrap_servers":[%q],"security_protocol":"PLAINTEXT"}}`, fake.ListenAddrs()[0]), nil, http.StatusOK)
	const create = `{"put":{"orders":{"partitions":1,"replication_factor":1,"create_only":true}}}`
	if _, raw := c.do(http.MethodPatch, "/v1/connections/slow/topics", create, nil, http.StatusOK); !strings.Contains(string(raw), `"code":"connection"`) {
		t.Fatalf("the first create is answered %s", raw)
	}

	raw, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if made, err := kadm.NewClient(raw).CreateTopic(t.Context(), 1, 1, nil, "orders"); err != nil || made.Err != nil {
		t.Fatal(err, made.Err)
	}
	if _, raw := c.do(http.MethodPatch, "/v1/connections/slow/topics", create, nil, http.StatusOK); strings.Contains(string(raw), `"error"`) {
		t.Errorf("the next create is answered %s", raw)
	}
}

// Before a topic goes, all connectors that read it are named: the daemon's own by whichever connection, and those of Kafka Connect.
func TestDeleteOfATopicNamesItsReaders(t *testing.T) {
	c := newClient(t)
	connect, down := fakeconnect.Start(t), fakeconnect.Start(t)
	_, raw := c.do(http.MethodGet, "/v1/connections/main", "", nil, http.StatusOK)
	var main api.Connection
	if err := json.Unmarshal(raw, &main); err != nil || main.ClusterID == "" {
		t.Fatalf("%v: the connection is %s", err, raw)
	}
	connect.Serves(main.ClusterID)
	connect.Change("archive", map[string]string{"connector.class": fakeconnect.Sink, "topics": "orders"}, "RUNNING")
	for name, body := range map[string]string{
		"again":   fmt.Sprintf(`{"kind":"kafka","spec":%s}`, main.Spec),
		"connect": fmt.Sprintf(`{"kind":"kafka_connect","spec":{"urls":[%q]}}`, connect.URL),
		"down":    fmt.Sprintf(`{"kind":"kafka_connect","spec":{"urls":[%q]},"test":false}`, down.URL),
	} {
		c.do(http.MethodPut, "/v1/connections/"+name, body, nil, http.StatusOK)
	}
	down.Stop()
	c.do(http.MethodPut, "/v1/connections/main/topics/orders", `{"deletion_protection":false}`, nil, http.StatusOK)
	c.do(http.MethodPut, "/v1/connectors/in", `{"type":"source","kind":"kafka","spec":{"connection":"again","topics":["orders"]},"settings":{"state":"stopped","destination":{"connection":"main","topic_prefix":"x."}}}`, nil, http.StatusOK)
	for _, dry := range []string{"?dry_run=true", ""} {
		_, raw = c.do(http.MethodDelete, "/v1/connections/main/topics/orders"+dry, "", nil, http.StatusOK)
		var gone api.Deletion
		if err := json.Unmarshal(raw, &gone); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`Connector "in", which is stopped, reads it`, `Connector "archive" of connection "connect" reads it`, `Which connectors of connection "down" read it is not known`} {
			if !slices.ContainsFunc(gone.Effects, func(e api.Warning) bool { return e.Summary == want }) {
				t.Errorf("the effects do not say %q: %+v", want, gone.Effects)
			}
		}
	}
}

// What a plan makes of a namespace allows nothing to a write.
func TestPlannedNamespacesAreForDryRuns(t *testing.T) {
	c := newClient(t)
	c.do(http.MethodPut, "/v1/namespaces/payments", `{"topic_prefix":"payments.","limits":{"partitions":2}}`, nil, http.StatusOK)
	const topic, planned = `"partitions":4,"replication_factor":1`, `"planned_namespaces":[{"name":"payments","topic_prefix":"payments.","limits":{"partitions":4}}]`
	for _, request := range []struct{ method, path, body string }{
		{http.MethodPut, "/v1/connections/main/topics/payments.a", `{` + topic + `,` + planned + `}`},
		{http.MethodPatch, "/v1/connections/main/topics", `{"put":{"payments.a":{` + topic + `}},` + planned + `}`},
	} {
		if _, raw := c.do(request.method, request.path+"?dry_run=true", request.body, nil, http.StatusOK); strings.Contains(string(raw), `"error"`) {
			t.Errorf("%s: the dry run is answered %s", request.method, raw)
		}
		if _, raw := c.do(request.method, request.path, request.body, nil, http.StatusUnprocessableEntity); !strings.Contains(string(raw), "/planned_namespaces") {
			t.Errorf("%s: the write is answered %s", request.method, raw)
		}
	}
}
