package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/dev"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type client struct {
	t        *testing.T
	endpoint string
	http     *http.Client
}

func newClient(t *testing.T) *client {
	t.Helper()
	return newClientOf(t, dev.Config{})
}

// newClientOf is newClient of a daemon with settings.
func newClientOf(t *testing.T, cfg dev.Config) *client {
	t.Helper()
	d, err := dev.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &client{t: t, endpoint: d.Endpoint, http: &http.Client{Transport: transport}}
	servers, _ := json.Marshal(strings.Split(d.Kafka[0], ","))
	c.do(http.MethodPut, "/v1/connections/main", fmt.Sprintf(`{"kind":"kafka","spec":{"bootstrap_servers":%s,"security_protocol":"PLAINTEXT"}}`, servers), nil, http.StatusOK)
	return c
}

// do sends a request and answers header and body of the expected status.
func (c *client) do(method, path, body string, header map[string]string, want int) (http.Header, []byte) {
	c.t.Helper()
	status, answered, raw, err := c.exchange(method, path, body, header)
	if err != nil {
		c.t.Fatal(err)
	}
	if status != want {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, status, want, raw)
	}
	return answered, raw
}

func (c *client) fail(method, path, body string, header map[string]string, want int) api.Error {
	c.t.Helper()
	_, raw := c.do(method, path, body, header, want)
	var e api.Error
	if err := json.Unmarshal(raw, &e); err != nil || e.Code == "" || e.Summary == "" || e.RequestID == "" {
		c.t.Errorf("%s %s: not the one error type, or without its request id: %s", method, path, raw)
	}
	return e
}

func TestEveryListIsPaged(t *testing.T) {
	c := newClient(t)
	for n := range 5 {
		c.do(http.MethodPut, fmt.Sprintf("/v1/connections/main/topics/t%d", n), `{}`, nil, http.StatusOK)
		c.do(http.MethodPut, fmt.Sprintf("/v1/connections/r%d", n), `{"kind":"schema_registry","spec":{"url":"`+c.endpoint+`/registry"}}`, nil, http.StatusOK)
		c.do(http.MethodPut, fmt.Sprintf("/v1/connections/r0/schemas/s%d", n), `{"format":"AVRO","schema":"\"string\""}`, nil, http.StatusOK)
		c.do(http.MethodPut, fmt.Sprintf("/v1/connectors/c%d", n), fmt.Sprintf(`{"type":"source","kind":"kafka","spec":{"connection":"main","topics":["t0"]},"settings":{"state":"stopped","destination":{"connection":"main","topic_prefix":"copy%d."}}}`, n), nil, http.StatusOK)
	}
	for path, want := range map[string]int{"/v1/connections": 6, "/v1/connections/main/topics": 5, "/v1/connections/r0/schemas": 5, "/v1/connectors": 5} {
		seen := map[string]bool{}
		pages := 0
		for cursor := ""; ; pages++ {
			_, raw := c.do(http.MethodGet, path+"?limit=2&cursor="+cursor, "", nil, http.StatusOK)
			var page api.Page[struct{ Name, Subject string }]
			if err := json.Unmarshal(raw, &page); err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				seen[item.Name+item.Subject] = true
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if len(seen) != want || pages != (want-1)/2 {
			t.Errorf("%s: %d objects after %d full pages", path, len(seen), pages)
		}
	}
	c.fail(http.MethodGet, "/v1/connections?limit=0", "", nil, http.StatusUnprocessableEntity)
	c.fail(http.MethodGet, "/v1/connections?cursor=!", "", nil, http.StatusUnprocessableEntity)
}

func TestDryRunChangesNothing(t *testing.T) {
	c := newClient(t)
	c.do(http.MethodPut, "/v1/connections/main/topics/orders?dry_run=true", `{}`, nil, http.StatusOK)
	c.fail(http.MethodGet, "/v1/connections/main/topics/orders", "", nil, http.StatusNotFound)
	c.do(http.MethodPut, "/v1/connections/other?dry_run=true", `{"kind":"schema_registry","spec":{"url":"`+c.endpoint+`/registry"}}`, nil, http.StatusOK)
	c.fail(http.MethodGet, "/v1/connections/other", "", nil, http.StatusNotFound)
	c.do(http.MethodDelete, "/v1/connections/main?dry_run=true", "", nil, http.StatusOK)
	c.do(http.MethodGet, "/v1/connections/main", "", nil, http.StatusOK)
}

func TestRequestIDs(t *testing.T) {
	c := newClient(t)
	header, _ := c.do(http.MethodGet, "/v1/version", "", map[string]string{"X-Request-Id": "mine-1"}, http.StatusOK)
	if header.Get("X-Request-Id") != "mine-1" {
		t.Errorf("answered %q", header.Get("X-Request-Id"))
	}
	header, _ = c.do(http.MethodGet, "/v1/version", "", map[string]string{"X-Request-Id": "<script>"}, http.StatusOK)
	if id := header.Get("X-Request-Id"); id == "" || strings.Contains(id, "<") {
		t.Errorf("answered %q", id)
	}
}

func TestGenerationsGuardWrites(t *testing.T) {
	c := newClient(t)
	if e := c.fail(http.MethodPut, "/v1/connections/main/topics/orders", `{}`, map[string]string{"If-Match": `"x"`}, http.StatusNotFound); e.Code != api.CodeNotFound {
		t.Errorf("update of what is not there: %s", e.Code)
	}
	_, raw := c.do(http.MethodPut, "/v1/connections/main/topics/orders", `{}`, map[string]string{"If-None-Match": "*"}, http.StatusOK)
	var topic api.Topic
	if err := json.Unmarshal(raw, &topic); err != nil {
		t.Fatal(err)
	}
	c.do(http.MethodPut, "/v1/connections/main/topics/orders", `{"partitions":4}`, map[string]string{"If-Match": `"` + topic.Generation + `"`}, http.StatusOK)
	if e := c.fail(http.MethodPut, "/v1/connections/main/topics/orders", `{"partitions":5}`, map[string]string{"If-Match": `"` + topic.Generation + `"`}, http.StatusPreconditionFailed); e.Code != api.CodeConflict {
		t.Errorf("second writer: %s", e.Code)
	}
	if e := c.fail(http.MethodPut, "/v1/connections/main/topics/orders", `{}`, map[string]string{"If-None-Match": "*"}, http.StatusPreconditionFailed); e.Code != api.CodeAlreadyExists {
		t.Errorf("create of what is there: %s", e.Code)
	}
}

func TestBadRequests(t *testing.T) {
	c := newClient(t)
	tests := []struct {
		name, method, path, body string
		status                   int
		attribute                string
	}{
		{"malformed JSON", http.MethodPut, "/v1/connections/x", `{"kind":`, http.StatusBadRequest, ""},
		{"unknown property", http.MethodPut, "/v1/connections/x", `{"kind":"kafka","spec":{},"tset":true}`, http.StatusUnprocessableEntity, "/tset"},
		{"no such kind", http.MethodPut, "/v1/connections/x", `{"kind":"rabbit","spec":{}}`, http.StatusUnprocessableEntity, "/kind"},
		{"wrong type", http.MethodPut, "/v1/connections/main/topics/x", `{"partitions":"many"}`, http.StatusUnprocessableEntity, "/partitions"},
		{"bad name", http.MethodPut, "/v1/connections/UPPER", `{"kind":"kafka","spec":{}}`, http.StatusUnprocessableEntity, "/name"},
		{"no such path", http.MethodGet, "/v2/connections", "", http.StatusNotFound, ""},
		{"no such connection", http.MethodGet, "/v1/connections/nope/topics/x", "", http.StatusNotFound, "/connection"},
		{"no such state", http.MethodPost, "/v1/connectors/x/state", `{"state":"sleeping"}`, http.StatusUnprocessableEntity, "/state"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e := c.fail(tt.method, tt.path, tt.body, nil, tt.status); e.Attribute != tt.attribute {
				t.Errorf("attribute %q, want %q: %+v", e.Attribute, tt.attribute, e)
			}
		})
	}
}

func TestRejectedValuesAreNotEchoed(t *testing.T) {
	c := newClient(t)
	for _, body := range []string{
		`{"kind":"kafka","spec":{"bootstrap_servers":"hunter2","sasl":{"mechanism":"hunter2","username":1,"password":["hunter2"]}}}`,
		`{"kind":"kafka","spec":{},"secret_versions":{"/sasl/password":"hunter2"}}`,
		`{"kind":7,"spec":"hunter2","test":"hunter2"}`,
	} {
		_, raw := c.do(http.MethodPut, "/v1/connections/x", body, nil, http.StatusUnprocessableEntity)
		if bytes.Contains(raw, []byte("hunter2")) {
			t.Errorf("echoed: %s", raw)
		}
	}
}

// Systems repeat what they were sent in their refusals. No secret comes out with that: not in errors, in warnings, in the
// status of a connector or in the log.
func TestSecretsThatSystemsRepeat(t *testing.T) {
	const password = "hunter \"two\" of many"
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	kafka.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		sent := req.(*kmsg.SASLAuthenticateRequest)
		resp := sent.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		resp.ErrorMessage = new("alice cannot log in with " + strings.ReplaceAll(string(sent.SASLAuthBytes), "\x00", " ") + ", which is " + base64.StdEncoding.EncodeToString(sent.SASLAuthBytes))
		return resp, nil, true
	})
	var log bytes.Buffer
	c := newClientOf(t, dev.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	body := func(test bool) string {
		raw, err := json.Marshal(map[string]any{"kind": "kafka", "test": test, "spec": map[string]any{
			"bootstrap_servers": kafka.ListenAddrs(), "security_protocol": "SASL_PLAINTEXT", "sasl": map[string]any{"mechanism": "PLAIN", "username": "alice", "password": password},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	var said []string
	say := func(method, path, body string, want int) {
		t.Helper()
		_, raw := c.do(method, path, body, nil, want)
		said = append(said, string(raw))
	}
	say(http.MethodPut, "/v1/connections/echo?dry_run=true", body(true), http.StatusBadGateway)
	say(http.MethodPut, "/v1/connections/echo", body(true), http.StatusBadGateway)
	c.do(http.MethodPut, "/v1/connections/echo", body(false), nil, http.StatusOK)
	say(http.MethodPost, "/v1/connections/echo/test", "", http.StatusOK)
	say(http.MethodGet, "/v1/connections/echo/topics/orders", "", http.StatusBadGateway)
	said = append(said, "the log: (hidden)"+log.String())
	for _, text := range said {
		if !strings.Contains(text, "(hidden)") || !strings.Contains(text, "log") {
			t.Errorf("it is not what was repeated: %s", text)
		}
		for _, part := range []string{"hunter", "of many", base64.StdEncoding.EncodeToString([]byte(password))[2:20], base64.StdEncoding.EncodeToString([]byte("alice\x00" + password))[10:30]} {
			if strings.Contains(text, part) {
				t.Errorf("%q is in %s", part, text)
			}
		}
	}
}

func TestOpenAPIHasTheKinds(t *testing.T) {
	c := newClient(t)
	_, raw := c.do(http.MethodGet, "/openapi.json", "", nil, http.StatusOK)
	var document struct {
		OpenAPI    string                    `json:"openapi"`
		Paths      map[string]map[string]any `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					OneOf []map[string]string `json:"oneOf"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(document.OpenAPI, "3.1") || len(document.Paths) < 10 {
		t.Errorf("version %s with %d paths", document.OpenAPI, len(document.Paths))
	}
	for schema, kinds := range map[string]int{"ConnectionWrite": len(api.BuiltinKinds().Connections), "ConnectorWrite": len(api.BuiltinKinds().Sources)} {
		of := document.Components.Schemas[schema].Properties["spec"].OneOf
		if len(of) != kinds {
			t.Errorf("%s.spec is one of %v, want %d kinds", schema, of, kinds)
		}
		for _, ref := range of {
			if _, ok := document.Components.Schemas[strings.TrimPrefix(ref["$ref"], "#/components/schemas/")]; !ok {
				t.Errorf("%s.spec refers to %v, which is not there", schema, ref)
			}
		}
	}
}

func TestMetrics(t *testing.T) {
	c := newClient(t)
	c.do(http.MethodPut, "/v1/connections/main/topics/t", `{}`, nil, http.StatusOK)
	c.do(http.MethodPut, "/v1/connectors/c", `{"type":"source","kind":"kafka","spec":{"connection":"main","topics":["t"]},"settings":{"destination":{"connection":"main","topic_prefix":"copy."}}}`, nil, http.StatusOK)
	c.do(http.MethodGet, "/v1/connectors/c?wait=settled", "", nil, http.StatusOK)
	_, raw := c.do(http.MethodGet, "/metrics", "", nil, http.StatusOK)
	for _, want := range []string{`headgate_connector_state{connector="c",state="running"} 1`, `headgate_connector_lag_records{connector="c"} 0`, "headgate_http_request_duration_seconds", `headgate_kafka_requests_total{connection="main",request="CreateTopics"} `} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

func TestUnknownValuesAreForDryRuns(t *testing.T) {
	c := newClient(t)
	body := `{"kind":"kafka","spec":{"security_protocol":"PLAINTEXT"},"unknown":["/spec/bootstrap_servers"]}`
	c.do(http.MethodPut, "/v1/connections/x?dry_run=true", body, nil, http.StatusOK)
	if e := c.fail(http.MethodPut, "/v1/connections/x", body, nil, http.StatusUnprocessableEntity); e.Attribute != "/unknown" {
		t.Errorf("got %+v", e)
	}
	c.fail(http.MethodGet, "/v1/connections/x", "", nil, http.StatusNotFound)
}

// A caller that goes away before its create is answered does not know that it has the object: its next create takes
// the object over.
func TestAnswerThatNobodyTakesLeavesTheObjectToTheNextCreate(t *testing.T) {
	c := newClient(t)
	create := map[string]string{"If-None-Match": "*"}
	for n := range 5 {
		path := fmt.Sprintf("/v1/connections/main/topics/orders-%d", n)
		if c.leave(http.MethodPut, path, `{}`, create) && c.takesOver(path, create) {
			c.fail(http.MethodPut, path, `{}`, create, http.StatusPreconditionFailed)
			return
		}
		// It was answered all the same, or the answer was on its way: that is not what this is about.
	}
	t.Fatal("no create takes over what an earlier one made whose caller had gone away")
}

// takesOver says whether a create ends with the topic. Whether the first one came as far as the cluster or not, it does.
func (c *client) takesOver(path string, create map[string]string) bool {
	c.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		status, err := c.try(http.MethodPut, path, `{}`, create)
		if err != nil {
			c.t.Fatal(err)
		}
		if status == http.StatusOK {
			return true
		}
	}
	return false
}

// leave sends a request and goes away at once; it answers whether that was before the answer came.
func (c *client) leave(method, path, body string, header map[string]string) bool {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	req, err := http.NewRequestWithContext(ctx, method, c.endpoint+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	go cancel()
	resp, err := c.http.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err != nil
}

// try sends a request and answers its status.
func (c *client) try(method, path, body string, header map[string]string) (int, error) {
	status, _, _, err := c.exchange(method, path, body, header)
	return status, err
}

// exchange sends a request and answers status, header and body.
func (c *client) exchange(method, path, body string, header map[string]string) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.endpoint+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, raw, err
}
