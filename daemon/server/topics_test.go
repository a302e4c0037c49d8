package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
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
