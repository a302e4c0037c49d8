package connection_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
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

// A connection that a change has lead to another cluster is warned of, with what is behind it.
func TestOtherCluster(t *testing.T) {
	st, err := store.OpenMemory(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	s := connectiontest.New(t, st)
	first, second := cluster(t), cluster(t)
	write := func(at string, body api.ConnectionWrite, opts api.WriteOptions) *api.Connection {
		t.Helper()
		body.Kind, body.Spec = "kafka", json.RawMessage(fmt.Sprintf(`{"bootstrap_servers":[%q],"security_protocol":"PLAINTEXT"}`, at))
		answer, err := s.Put(t.Context(), "main", body, opts, "")
		must(t, err)
		return answer
	}
	elsewhere := func(warnings []api.Warning) string {
		for _, w := range warnings {
			if strings.Contains(w.Summary, "cluster") {
				return w.Summary + ". " + w.Detail
			}
		}
		return ""
	}
	was := write(first, api.ConnectionWrite{}, api.WriteOptions{})
	if was.ClusterID == "" || elsewhere(was.Warnings) != "" {
		t.Fatalf("created: cluster %q, %+v", was.ClusterID, was.Warnings)
	}
	must(t, st.PutTopic(t.Context(), store.Topic{Connection: "main", Name: "orders", DeletionProtection: true}))
	dry := api.WriteOptions{DryRun: true}
	if same := write(first, api.ConnectionWrite{}, dry); same.ClusterID != was.ClusterID || elsewhere(same.Warnings) != "" {
		t.Errorf("unchanged: cluster %q, %+v", same.ClusterID, same.Warnings)
	}
	would := write(second, api.ConnectionWrite{}, dry)
	for _, want := range []string{was.ClusterID + " -> " + would.ClusterID, `topic "orders" (protected from deletion)`, "stays as it is", "declare another"} {
		if !strings.Contains(elsewhere(would.Warnings), want) {
			t.Errorf("planned: %q, without %q", elsewhere(would.Warnings), want)
		}
	}
	untested := write(second, api.ConnectionWrite{Test: new(false)}, dry)
	if untested.ClusterID != "" || !strings.Contains(elsewhere(untested.Warnings), "may lead to another cluster than "+was.ClusterID) {
		t.Errorf("without a test: cluster %q, %+v", untested.ClusterID, untested.Warnings)
	}
	if kept := write(first, api.ConnectionWrite{Test: new(false)}, dry); kept.ClusterID != was.ClusterID || elsewhere(kept.Warnings) != "" {
		t.Errorf("unchanged, without a test: cluster %q, %+v", kept.ClusterID, kept.Warnings)
	}
	if unknown := write(second, api.ConnectionWrite{Unknown: []string{"/spec/bootstrap_servers/0"}}, dry); elsewhere(unknown.Warnings) != "" {
		t.Errorf("not known yet: %+v", unknown.Warnings)
	}
	if now := write(second, api.ConnectionWrite{Test: new(false)}, api.WriteOptions{}); now.ClusterID != "" {
		t.Errorf("changed without a test: cluster %q", now.ClusterID)
	}
	// A test later takes note of the cluster.
	tested, err := s.Test(t.Context(), "main")
	must(t, err)
	if now, err := s.Get(t.Context(), "main"); err != nil || now.ClusterID != would.ClusterID || tested.ClusterID != now.ClusterID || elsewhere(tested.Warnings) != "" {
		t.Errorf("after the test: %+v, %v, %+v", now, err, tested)
	}
}

// cluster starts a cluster and answers the address of a broker.
func cluster(t *testing.T) string {
	t.Helper()
	c, err := devkafka.Start(t.Context(), devkafka.Config{Brokers: 1})
	must(t, err)
	t.Cleanup(c.Close)
	return c.BootstrapServers()[0]
}

// What a system says of the credentials that it was sent does not come out of the service.
func TestSecretsThatAreTriedOutAreHidden(t *testing.T) {
	s := newService(t)
	put(t, s, "kafka", fmt.Sprintf(specs[0].spec, "the-first-secret"))
	put(t, s, "kafka", fmt.Sprintf(specs[0].spec, "the-second-secret"))
	if got := s.Hider().Text("the-first-secret, the-second-secret"); got != "(hidden), (hidden)" {
		t.Error(got)
	}
}

// Fields are named as a configuration names them, with the block of their kind.
func TestProblemsNameFields(t *testing.T) {
	s := newService(t)
	for spec, want := range map[string]string{
		`{"bootstrap_servers":["b"]}`:                                                               "kafka.bootstrap_servers[0] is not valid",
		`{"bootstrap_servers":["b:1"],"security_protocol":"SASL_SSL"}`:                              "kafka.sasl is required with security_protocol SASL_SSL",
		`{"bootstrap_servers":["b:1"],"sasl":{"mechanism":"PLAIN","username":"u"}}`:                 "kafka.sasl.password (in Terraform password_wo) is required with mechanism PLAIN",
		`{"bootstrap_servers":["b:1"],"security_protocol":"PLAIN"}`:                                 "kafka.security_protocol must be one of",
		`{"bootstrap_servers":["b:1"],"security_protocol":"SSL","tls":{"ca_certificate":"ca.pem"}}`: `kafka.tls.ca_certificate holds no PEM certificate: give the text itself, in Terraform file("ca.pem")`,
	} {
		_, err := s.Put(t.Context(), "main", api.ConnectionWrite{Kind: "kafka", Spec: json.RawMessage(spec), Test: new(false)}, api.WriteOptions{}, "")
		if !api.HasCode(err, api.CodeInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
}
