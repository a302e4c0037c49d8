package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakekinesis"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// What is exported of other systems than Kafka is taken over, and nothing is planned of it.
func TestAccExport(t *testing.T) {
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skipf("it runs with %s", resource.EnvTfAcc)
	}
	d := acctest.Dev(t)
	connect, kinesis := fakeconnect.Start(t), fakekinesis.Start(t, 0)
	connected(t, d, "connect", "kafka_connect", map[string]any{"urls": []string{connect.URL}})
	connected(t, d, "aws", "kinesis", map[string]any{
		"region": "eu-central-1", "endpoint": kinesis.URL, "credentials": map[string]any{"access_key_id": "AKIDEXAMPLE", "secret_access_key": "secret"},
	})
	connected(t, d, "main", "kafka", api.KafkaConnection{BootstrapServers: strings.Split(d.Kafka, ","), SecurityProtocol: "PLAINTEXT"})
	someConnectors(t, d, connect)
	someStreams(t, d, kinesis)
	someNamespaces(t, d)

	config := providertest.Provider(d)
	for _, connection := range []string{"connect", "aws", ""} {
		config += d.Export(t, connection)
	}
	nothing := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
	writes := len(connect.Writes())
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: []resource.TestStep{
		{
			Config: config, ConfigPlanChecks: nothing,
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr("headgate_connector.theirs", "sensitive_keys.0", "connection.password"),
				resource.TestCheckResourceAttr("headgate_connector.ours", "state", "paused"),
				resource.TestCheckResourceAttr("headgate_stream.theirs", "tags.%", "1"),
				resource.TestCheckResourceAttr("headgate_stream.ours", "shards", "3"),
				resource.TestCheckResourceAttr("headgate_namespace.payments", "limits.partitions", "48"),
			),
		},
		{Config: config, ConfigPlanChecks: nothing, PreConfig: func() {
			if now := connect.Writes(); len(now) != writes {
				t.Errorf("taking over wrote: %v", now[writes:])
			}
		}},
	}})
}

func connected(t *testing.T, d *acctest.Daemon, name, kind string, spec any) {
	t.Helper()
	raw, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Client.PutConnection(t.Context(), name, api.ConnectionWrite{Kind: kind, Spec: raw, Test: new(false)}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func someConnectors(t *testing.T, d *acctest.Daemon, connect *fakeconnect.Fake) {
	t.Helper()
	config := map[string]string{"connector.class": fakeconnect.JDBC, "connection.url": "${file:/etc/db:url}", "topic.prefix": "shop. %{x}\n\"y\""}
	theirs := maps.Clone(config)
	theirs["connection.password"] = "hunter2-hunter2"
	connect.Change("theirs", theirs, "RUNNING")
	connect.Change("stopped", map[string]string{"connector.class": fakeconnect.Sink, "topics": "a,b"}, "STOPPED")
	connect.Change("a/b", map[string]string{"connector.class": fakeconnect.Sink, "topics": "a,b"}, "STOPPED") // which cannot be managed
	for name, body := range map[string]api.KafkaConnectorWrite{
		"ours":     {Config: config, State: api.StatePaused, SensitiveConfig: &map[string]string{"connection.password": "hunter2-hunter2", "topic.note": "secret"}},
		"restarts": {Config: config, Restart: &api.KafkaRestartPolicy{MaxRetries: 3, Backoff: "30s"}},
	} {
		if _, err := d.Client.PutKafkaConnector(t.Context(), "connect", name, body, api.KafkaConnectorWriteOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Client.WaitKafkaConnector(t.Context(), "connect", name); err != nil {
			t.Fatal(err)
		}
	}
}

func someStreams(t *testing.T, d *acctest.Daemon, kinesis *fakekinesis.Fake) {
	t.Helper()
	kinesis.Change("theirs", func(*fakekinesis.Stream) *fakekinesis.Stream {
		return &fakekinesis.Stream{Mode: api.StreamOnDemand, Shards: 4, Hours: 24, Tags: map[string]string{}}
	})
	unprotected := new(false)
	for name, body := range map[string]api.StreamWrite{
		"ours":   {Mode: api.StreamProvisioned, Shards: 3, Retention: "48h", KMSKeyID: "alias/aws/kinesis", Tags: map[string]string{"team": "web", "cost": "42"}, DeletionProtection: unprotected},
		"theirs": {Tags: map[string]string{"team": "web"}, DeletionProtection: unprotected},
	} {
		for settled := false; !settled; {
			now, err := d.Client.PutStream(t.Context(), "aws", name, body, api.WriteOptions{})
			if err != nil {
				t.Fatal(err)
			}
			settled = now.Settled
		}
	}
	kinesis.Change("theirs", func(s *fakekinesis.Stream) *fakekinesis.Stream {
		s.Tags["aws:cloudformation:stack-name"] = "shop"
		return s
	})
}

func someNamespaces(t *testing.T, d *acctest.Daemon) {
	t.Helper()
	for i, body := range []api.NamespaceWrite{
		{TopicPrefix: "everywhere."},
		{TopicPrefix: "payments.", Connections: []string{"main"}, Owner: "team-payments", Environment: "production", Limits: &api.NamespaceLimits{Partitions: 48, Retention: spec.Duration("720h"), ReplicationFactor: 3}},
	} {
		name := []string{"everywhere", "payments"}[i]
		if _, err := d.Client.PutNamespace(t.Context(), name, body, api.WriteOptions{}); err != nil {
			t.Fatal(fmt.Errorf("namespace %s: %w", name, err))
		}
	}
}
