// Package acctest starts daemons in the test's own process, for acceptance tests that drive the real Terraform CLI.
package acctest

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/dev"
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
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
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

// testWriter logs to the test.
type testWriter struct{ tb testing.TB }

func (w testWriter) Write(line []byte) (int, error) {
	if w.tb.Context().Err() == nil {
		w.tb.Logf("%s", line)
	}
	return len(line), nil
}
