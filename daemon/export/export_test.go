package export_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/export"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// daemon answers what it is given, by path.
func daemon(t *testing.T, answers map[string]any) *api.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		found, ok := answers[r.URL.Path]
		if !ok {
			found = api.NotFound("Connection", r.URL.Path)
		}
		if e, refused := found.(*api.Error); refused {
			w.WriteHeader(e.HTTPStatus)
		}
		if err := json.NewEncoder(w).Encode(found); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	client, err := api.NewClient(api.ClientConfig{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func behind(kind, segment string, items any) map[string]any {
	return map[string]any{
		"/v1/connections/c":            api.Connection{Name: "c", Kind: kind},
		"/v1/connections/c/" + segment: map[string]any{"items": items},
	}
}

func TestWrite(t *testing.T) {
	connectors := behind("kafka_connect", "connectors", []api.KafkaConnector{
		{
			Connection: "c", Name: "plain one", State: api.StateRunning,
			Config: map[string]string{"connector.class": "File", "file": "${file:/etc/x:y}", "note": "a\n\"b\" %{c}"},
		},
		{
			Connection: "c", Name: "secretive", State: api.StatePaused, SensitiveKeys: []string{"z.key", "db.password"},
			Config: map[string]string{"connector.class": "JDBC"}, Restart: &api.KafkaRestartPolicy{MaxRetries: 3, Backoff: "30s"},
		},
		{Connection: "c", Name: "usual", State: api.StateStopped, Config: map[string]string{}, Restart: &api.KafkaRestartPolicy{MaxRetries: 3, Backoff: "10s"}},
		{Connection: "c", Name: "a/b", State: api.StateRunning, Config: map[string]string{"connector.class": "File"}},
	})
	streams := behind("kinesis", "streams", []api.Stream{
		{Connection: "c", Name: "on-demand", Mode: api.StreamOnDemand, OpenShards: 4, Retention: "24h", DeletionProtection: true},
		{
			Connection: "c", Name: "shards", Mode: api.StreamProvisioned, OpenShards: 2, Retention: "48h", KMSKeyID: "alias/aws/kinesis",
			Tags: map[string]string{"team": "web", "aws:cloudformation:stack-name": "x"},
		},
	})
	pulsar := behind("pulsar", "pulsar-topics", []api.PulsarTopic{
		{Connection: "c", Name: "persistent://public/default/plain", DeletionProtection: true},
		{Connection: "c", Name: "persistent://public/default/both", Partitions: 3, Retention: "36h", RetentionSize: "40GiB"},
		{Connection: "c", Name: "persistent://public/default/by-size", Retention: api.Unlimited, RetentionSize: "1GiB", DeletionProtection: true},
		{Connection: "c", Name: "persistent://public/default/by-time", Retention: "1h", RetentionSize: api.Unlimited, DeletionProtection: true},
		{Connection: "c", Name: "non-persistent://public/default/forever", Partitions: 1, Retention: api.Unlimited, RetentionSize: api.Unlimited, DeletionProtection: true},
	})
	unread := behind("kafka", "topics", nil)
	unread["/v1/connections/c/topics"] = api.Page[api.Topic]{
		Items: []api.Topic{{Connection: "c", Name: "read", Partitions: 1}}, Warnings: []api.Warning{{Summary: `Topic "x" is left out`, Detail: "Not authorized."}},
	}
	for _, segment := range []string{"acls", "scram-users", "client-quotas"} {
		unread["/v1/connections/c/"+segment] = api.Page[any]{Items: []any{}}
	}
	namespaces := map[string]any{"/v1/namespaces": map[string]any{"items": []api.Namespace{
		{Name: "all", NamespaceSettings: api.NamespaceSettings{TopicPrefix: "all."}},
		{Name: "payments", NamespaceSettings: api.NamespaceSettings{
			TopicPrefix: "payments.", Connections: []string{"main", "second"}, Owner: "team", Environment: "production", Limits: &api.NamespaceLimits{Partitions: 48, Retention: "720h"},
		}},
	}}}
	for name, tt := range map[string]struct {
		daemon  map[string]any
		options export.Options
		has     []string
		hasNot  []string
		notes   string
	}{
		"connectors": {
			daemon: connectors, options: export.Options{Connection: "c"},
			has: []string{
				`# Without connector "a/b"`, "to = headgate_connector.plain_one", `id = "c/plain one"`, `file = "$${file:/etc/x:y}"`, `note = "a\n\"b\" %%{c}"`,
				"# Secret, and left as the connector has it: db.password, z.key.", `state = "paused"`, `backoff = "30s"`, `state = "stopped"`, `config = {}`,
			},
			hasNot: []string{`state = "running"`, `backoff = "10s"`, `"c/a/b"`},
			notes:  `connector "a/b"`,
		},
		"connectors with a prefix": {
			daemon: connectors, options: export.Options{Connection: "c", Prefix: "us"},
			has: []string{"headgate_connector.usual"}, hasNot: []string{"secretive", "a/b"},
		},
		"a topic that cannot be read": {
			daemon: unread, options: export.Options{Connection: "c"},
			has: []string{`# Topic "x" is left out: Not authorized.`, "to = headgate_topic.read"}, hasNot: []string{"headgate_topic.x"}, notes: `Topic "x" is left out`,
		},
		"streams": {
			daemon: streams, options: export.Options{Connection: "c"},
			has: []string{
				`id = "c/on-demand"`, `mode = "ON_DEMAND"`, `retention = "24h"`, `resource "headgate_stream" "shards"`, `mode = "PROVISIONED"`, `shards = 2`,
				`kms_key_id = "alias/aws/kinesis"`, `team = "web"`, `deletion_protection = false`,
			},
			hasNot: []string{"aws:cloudformation", "deletion_protection = true"},
		},
		"pulsar topics": {
			daemon: pulsar, options: export.Options{Connection: "c"},
			has: []string{
				`id = "c/persistent://public/default/plain"`, "partitions = 0", "partitions = 3", `retention = "36h"`, `retention_size = "40GiB"`,
				`retention_size = "1GiB"`, `retention = "1h"`, `retention = "unlimited"`,
			},
			hasNot: []string{`retention_size = "unlimited"`},
		},
		"pulsar topics by their own name": {
			daemon: pulsar, options: export.Options{Connection: "c", Prefix: "by-s"},
			has: []string{"by-size", `retention_size = "1GiB"`}, hasNot: []string{"by-time", ` retention =`},
		},
		"pulsar topics by their full name": {
			daemon: pulsar, options: export.Options{Connection: "c", Prefix: "non-persistent://"},
			has: []string{"default/forever"}, hasNot: []string{"by-size"},
		},
		"namespaces": {
			daemon: namespaces,
			has: []string{
				`id = "all"`, `topic_prefix = "all."`, `connections = ["main", "second"]`, `owner = "team"`, `environment = "production"`, "partitions = 48", `retention = "720h"`,
			},
			hasNot: []string{"replication_factor"},
		},
		"labels with a prefix": {
			daemon: streams, options: export.Options{Connection: "c", LabelPrefix: "old "},
			has: []string{"to = headgate_stream.old_shards", `resource "headgate_stream" "old_shards"`, `id = "c/shards"`, `name = "shards"`},
		},
		"nothing there": {
			daemon: behind("kinesis", "streams", []api.Stream{}), options: export.Options{Connection: "c"},
			has: []string{`# There are no streams behind connection "c".`}, notes: "There are no streams",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			notes, err := export.Write(t.Context(), daemon(t, tt.daemon), &out, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			written := spaced(out.String())
			for _, want := range tt.has {
				if !strings.Contains(written, want) {
					t.Errorf("it lacks %q", want)
				}
			}
			for _, unwanted := range tt.hasNot {
				if strings.Contains(written, unwanted) {
					t.Errorf("it has %q", unwanted)
				}
			}
			if all := strings.Join(notes, "\n"); !strings.Contains(all, tt.notes) || all != "" && tt.notes == "" {
				t.Errorf("the notes are %q", all)
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}

// spaced has one space where the alignment has several.
func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestWriteRefuses(t *testing.T) {
	kafka := behind("kafka", "topics", []api.Topic{{Connection: "c", Name: "orders"}})
	for _, segment := range []string{"acls", "scram-users", "client-quotas"} {
		kafka["/v1/connections/c/"+segment] = api.Refused(api.CodeRefused, "", "No authorizer", "", "")
	}
	unreadable := maps.Clone(kafka)
	unreadable["/v1/connections/c/topics"] = api.Page[api.Topic]{Items: []api.Topic{}, Warnings: []api.Warning{{Summary: `Topic "x" is left out`, Detail: "Not authorized."}}}
	for name, tt := range map[string]struct {
		daemon  map[string]any
		options export.Options
		want    []string
	}{
		"nothing that can be read":                    {unreadable, export.Options{Connection: "c"}, []string{"nothing that can be exported", `Topic "x" is left out: Not authorized.`}},
		"a prefix that nothing begins with":           {kafka, export.Options{Connection: "c", Prefix: "ordres"}, []string{`no name begins with "ordres"`, `topics, ACLs, SCRAM users or client quotas behind connection "c"`, "No authorizer"}},
		"a prefix that no namespace begins with":      {map[string]any{"/v1/namespaces": map[string]any{"items": []api.Namespace{}}}, export.Options{Prefix: "x"}, []string{`no name begins with "x"`, "namespaces"}},
		"a connection with nothing to export behind":  {behind("postgresql", "x", nil), export.Options{Connection: "c"}, []string{"nothing to export", "postgresql"}},
		"a connection that is not there":              {nil, export.Options{Connection: "d"}, []string{"does not exist"}},
		"a connection whose system does not tell all": {map[string]any{"/v1/connections/c": api.Connection{Kind: "kinesis"}}, export.Options{Connection: "c"}, []string{"does not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := export.Write(t.Context(), daemon(t, tt.daemon), &out, tt.options)
			if err == nil {
				t.Fatal("it is no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			if out.Len() > 0 {
				t.Errorf("it wrote %s", out.String())
			}
		})
	}
}
