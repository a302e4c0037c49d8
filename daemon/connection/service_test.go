package connection_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newService(t *testing.T) *connection.Service {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	return connectiontest.New(t, st)
}

func put(t *testing.T, s *connection.Service, kind, spec string) *api.Connection {
	t.Helper()
	answer, err := s.Put(t.Context(), "main", api.ConnectionWrite{Kind: kind, Spec: json.RawMessage(spec), Test: new(false)}, api.WriteOptions{}, "")
	must(t, err)
	return answer
}

// specs are one of each way to authenticate to Kafka, with a place for the secret.
var specs = []struct{ name, kind, spec string }{
	{"PLAIN", "kafka", `{"bootstrap_servers":["b:1"],"sasl":{"mechanism":"PLAIN","username":"u","password":%q}}`},
	{"SCRAM", "kafka", `{"bootstrap_servers":["b:1"],"sasl":{"mechanism":"SCRAM-SHA-512","username":"u","password":%q}}`},
	{"OAUTHBEARER", "kafka", `{"bootstrap_servers":["b:1"],"sasl":{"mechanism":"OAUTHBEARER","oauth":{"token_endpoint":"https://t","client_id":"c","client_secret":%q}}}`},
	{"AWS_MSK_IAM", "kafka", `{"bootstrap_servers":["b:1"],"sasl":{"mechanism":"AWS_MSK_IAM","aws_region":"r","aws":{"access_key_id":"a","secret_access_key":%q}}}`},
	{"GSSAPI", "kafka", `{"bootstrap_servers":["b:1"],"sasl":{"mechanism":"GSSAPI","username":"u","password":%q,"kerberos":{"realm":"R","config":"[libdefaults]\n"}}}`},
	{"Confluent Cloud", "confluent_cloud", `{"bootstrap_server":"b","api_key":"k","api_secret":%q}`},
	{"MSK, IAM", "msk", `{"bootstrap_servers":["b"],"region":"r","iam":{"access_key_id":"a","secret_access_key":%q}}`},
	{"MSK, SCRAM", "msk", `{"bootstrap_servers":["b"],"scram":{"username":"u","password":%q}}`},
	{"Redpanda", "redpanda", `{"bootstrap_servers":["b"],"sasl":{"username":"u","password":%q}}`},
	{"Event Hubs", "event_hubs", `{"namespace":"contoso","connection_string":"Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=%s"}`},
	{"Event Hubs, Entra ID", "event_hubs", `{"namespace":"contoso","entra_id":{"tenant_id":"t","client_id":"c","client_secret":%q}}`},
	{"Upstash", "upstash", `{"endpoint":"e","username":"u","password":%q}`},
}

// Whoever asks for a Kafka connection gets every preset, converted, and the newest secret of each.
func TestRotation(t *testing.T) {
	for _, tt := range specs {
		t.Run(tt.name, func(t *testing.T) {
			s := newService(t)
			told := 0
			s.OnChange(func(string) { told++ })
			generations := map[int64]bool{}
			for i, secret := range []string{"first-secret", "second-secret"} {
				answer := put(t, s, tt.kind, fmt.Sprintf(tt.spec, secret))
				if text := string(answer.Spec); strings.Contains(text, secret) {
					t.Errorf("the answer has the secret: %s", text)
				}
				target, err := s.Resolve(t.Context(), "main", "/connection", "kafka")
				must(t, err)
				raw, err := json.Marshal(target.Spec)
				must(t, err)
				if _, ok := target.Spec.(*api.KafkaConnection); !ok || target.Kind != "kafka" || !strings.Contains(string(raw), secret) {
					t.Errorf("resolved to %s %s", target.Kind, raw)
				}
				if generations[target.Generation] = true; len(generations) != i+1 || told != i+1 {
					t.Errorf("%d generations, %d times told, after %d changes", len(generations), told, i+1)
				}
			}
		})
	}
}

func TestResolve(t *testing.T) {
	s := newService(t)
	put(t, s, "upstash", `{"endpoint":"e","username":"u","password":"p"}`)
	for name, tt := range map[string]struct {
		kinds []string
		want  string // kind, or a part of the error
	}{
		"any":             {nil, "upstash"},
		"itself":          {[]string{"upstash"}, "upstash"},
		"its base":        {[]string{"schema_registry", "kafka"}, "kafka"},
		"itself and base": {[]string{"kafka", "upstash"}, "upstash"},
		"another":         {[]string{"schema_registry"}, "is of kind upstash"},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := s.Resolve(t.Context(), "main", "/connection", tt.kinds...)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Error(err)
				}
				return
			}
			if target.Kind != tt.want {
				t.Errorf("got %s, want %s", target.Kind, tt.want)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
