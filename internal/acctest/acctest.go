// Package acctest starts daemons in the test's own process, for acceptance tests that drive the real Terraform CLI.
package acctest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/dev"
	"github.com/headgate/terraform-provider-headgate/daemon/export"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// RealEnv makes the acceptance tests use the shared real Kafka clusters instead of the daemon's in-memory ones. The
// tests then have to run one after the other: each begins and ends with empty clusters.
const RealEnv = "HEADGATE_ACC_REAL"

// Daemon is a daemon in dev mode.
type Daemon struct {
	Endpoint    string
	Client      *api.Client
	Kafka       string // bootstrap servers of the first cluster, comma-separated
	Kafka2      string // of the second
	RegistryURL string
	dev         *dev.Daemon
}

// Dev starts a daemon in dev mode and stops it at the end of the test.
func Dev(tb testing.TB) *Daemon {
	tb.Helper()
	return DevWith(tb, dev.Config{})
}

// DevWith is Dev with settings of the daemon.
func DevWith(tb testing.TB, cfg dev.Config) *Daemon {
	tb.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(testWriter{tb}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	kafka := realClusters(tb)
	running, err := dev.Start(tb.Context(), cfg)
	if err != nil {
		tb.Fatalf("start daemon: %v", err)
	}
	if kafka == nil {
		kafka = running.Kafka
	}
	client, err := api.NewClient(api.ClientConfig{Endpoint: running.Endpoint})
	if err != nil {
		tb.Fatalf("make client: %v", err)
	}
	d := &Daemon{Endpoint: running.Endpoint, Client: client, Kafka: kafka[0], Kafka2: kafka[1], RegistryURL: running.RegistryURL, dev: running}
	tb.Cleanup(d.Stop)
	return d
}

// Connect declares a connection, which the daemon tests.
func (d *Daemon) Connect(tb testing.TB, name, kind string, spec any) {
	tb.Helper()
	raw, err := json.Marshal(spec)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := d.Client.PutConnection(tb.Context(), name, api.ConnectionWrite{Kind: kind, Spec: raw}, api.WriteOptions{}); err != nil {
		tb.Fatal(err)
	}
}

// ConnectKafka declares the connection main to the first cluster.
func (d *Daemon) ConnectKafka(tb testing.TB) {
	tb.Helper()
	d.Connect(tb, "main", "kafka", api.KafkaConnection{BootstrapServers: strings.Split(d.Kafka, ","), SecurityProtocol: "PLAINTEXT"})
}

// CopyOrders makes the topic orders behind the connection main, and the connector orders-in that copies it, and waits until that
// runs.
func (d *Daemon) CopyOrders(tb testing.TB, partitions int64) {
	tb.Helper()
	d.ConnectKafka(tb)
	_, err := d.Client.PutTopic(tb.Context(), "main", "orders", api.TopicWrite{Partitions: partitions, ReplicationFactor: 1}, api.WriteOptions{})
	if err == nil {
		_, err = d.Client.PutConnector(tb.Context(), "orders-in", api.ConnectorWrite{
			Type: api.TypeSource, Kind: "kafka", Spec: json.RawMessage(`{"connection":"main","topics":["orders"]}`),
			Settings: json.RawMessage(`{"destination":{"connection":"main","topic_prefix":"copy."}}`),
		}, api.ConnectorWriteOptions{})
	}
	if err == nil {
		_, err = d.Client.WaitConnector(tb.Context(), "orders-in")
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// Export is what the daemon exports; connection is empty for the namespaces.
func (d *Daemon) Export(tb testing.TB, connection string) string {
	tb.Helper()
	var out bytes.Buffer
	if _, err := export.Write(tb.Context(), d.Client, &out, export.Options{Connection: connection}); err != nil {
		tb.Fatalf("export: %v", err)
	}
	return out.String()
}

// Stop stops the daemon; a second call does nothing.
func (d *Daemon) Stop() {
	d.Client.Close()
	_ = d.dev.Close()
}

// realClusters answers the bootstrap servers of the real clusters, emptied, or nil where the tests are to use the
// in-memory ones.
func realClusters(tb testing.TB) []string {
	tb.Helper()
	if os.Getenv(RealEnv) == "" {
		return nil
	}
	systems := real.Shared(tb)
	var servers []string
	for _, cluster := range []*real.Cluster{systems.Kafka, systems.Kafka2} {
		empty(tb.Context(), tb, cluster)
		tb.Cleanup(func() { empty(context.WithoutCancel(tb.Context()), tb, cluster) })
		servers = append(servers, strings.Join(cluster.BootstrapServers(real.ListenerPlaintext), ","))
	}
	return servers
}

// empty deletes all topics and waits until every broker has heard of it.
func empty(ctx context.Context, tb testing.TB, cluster *real.Cluster) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.BootstrapServers(real.ListenerPlaintext)...))
	if err != nil {
		tb.Fatalf("empty the cluster: %v", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for seenEmpty := 0; seenEmpty < 2*len(cluster.BootstrapServers(real.ListenerPlaintext)); {
		topics, err := admin.ListTopics(kadm.WithAuthorizedOps(ctx))
		if err != nil {
			tb.Fatalf("empty the cluster: %v", err)
		}
		if len(topics) == 0 {
			seenEmpty++
			continue
		}
		seenEmpty = 0
		if _, err := admin.DeleteTopics(ctx, topics.Names()...); err != nil {
			tb.Fatalf("empty the cluster: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Behind changes the first cluster behind the daemon's back, and waits until every broker has heard of it: the daemon asks
// any of them.
func (d *Daemon) Behind(tb testing.TB, do func(ctx context.Context, admin *kadm.Client) error) {
	tb.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(d.Kafka, ",")...))
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	if err := do(tb.Context(), kadm.NewClient(client)); err != nil {
		tb.Fatal(err)
	}
	if os.Getenv(RealEnv) != "" {
		heard(tb, client)
	}
}

// heard waits until every broker shows an ACL that is made for this: brokers hear of changes in the order in which the
// controller made them, and of ACLs last among those that come together.
func heard(tb testing.TB, client *kgo.Client) {
	tb.Helper()
	admin := kadm.NewClient(client)
	mark := kadm.NewACLs().Allow("User:" + real.Name(tb)).AllowHosts("*").Topics("mark").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral)
	made, err := admin.CreateACLs(tb.Context(), mark)
	if err != nil || len(made) != 1 || made[0].Err != nil {
		tb.Fatalf("mark what was changed: %v, %v", made, err)
	}
	for _, broker := range client.SeedBrokers() {
		real.Eventually(tb, func(ctx context.Context) error { return shows(ctx, broker, made[0].Principal) })
	}
	if _, err := admin.DeleteACLs(tb.Context(), mark); err != nil {
		tb.Fatalf("take the mark away: %v", err)
	}
}

func shows(ctx context.Context, broker *kgo.Broker, principal string) error {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	req.Principal = &principal
	resp, err := req.RequestWith(ctx, broker)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err == nil && len(resp.Resources) == 0 {
		err = errors.New("a broker has not heard yet")
	}
	return err
}

// AwaitTopic waits until the daemon, which reads a cluster every few seconds only, shows a topic of the first cluster, or
// that it is gone, after it was changed [Daemon.Behind]. shows gets nil for a topic that is not there.
func (d *Daemon) AwaitTopic(tb testing.TB, name string, shows func(*api.Topic) bool) {
	tb.Helper()
	real.Eventually(tb, func(ctx context.Context) error {
		topic, err := d.Client.GetTopic(ctx, "main", name)
		if err != nil && !api.HasCode(err, api.CodeNotFound) {
			return err
		}
		if !shows(topic) {
			return fmt.Errorf("topic %s is %+v", name, topic)
		}
		return nil
	})
}

// testWriter logs to the test.
type testWriter struct{ tb testing.TB }

func (w testWriter) Write(line []byte) (int, error) {
	if w.tb.Context().Err() == nil {
		w.tb.Logf("%s", line)
	}
	return len(line), nil
}

// TerraformCLI finds the CLI as the make targets do: the one that they name, else terraform or tofu from the PATH.
func TerraformCLI(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("TF_ACC_TERRAFORM_PATH"); path != "" {
		return path
	}
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv(real.RequiredEnv) == "1" {
		tb.Fatal("no Terraform CLI: set TF_ACC_TERRAFORM_PATH")
	}
	tb.Skip("no Terraform CLI: set TF_ACC_TERRAFORM_PATH")
	return ""
}
