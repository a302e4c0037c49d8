// Package declaredtest is what the tests of those share who write to Kafka clusters: a connection to the in-memory cluster
// or to a real one, and clients that go around it.
package declaredtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// Conn is the name of the connection.
const Conn = "main"

// Env is what one test has.
type Env struct {
	Store  *store.Store
	Conns  *connection.Service
	Admins *kafka.Admins
	// Admin and Raw go around the daemon.
	Admin *kadm.Client
	Raw   *kgo.Client
	// Cluster is the real cluster; nil: the in-memory one.
	Cluster  *real.Cluster
	Servers  []string
	Replicas int16
	// Prefix begins names that no other test uses.
	Prefix string
}

// Dev connects to an in-memory cluster.
func Dev(t *testing.T) *Env {
	t.Helper()
	c, err := devkafka.Start(t.Context(), devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return Connect(t, c.BootstrapServers())
}

// Real connects to the shared real cluster.
func Real(t *testing.T) *Env {
	t.Helper()
	cluster := real.Shared(t).Kafka
	e := Connect(t, cluster.BootstrapServers(real.ListenerPlaintext))
	e.Cluster = cluster
	return e
}

// Connect makes a connection to these servers.
func Connect(t *testing.T, servers []string) *Env {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	admins := kafka.NewAdmins()
	t.Cleanup(admins.Close)
	raw, err := kgo.NewClient(kgo.SeedBrokers(servers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Close)
	spec := fmt.Sprintf(`{"bootstrap_servers":["%s"],"security_protocol":"PLAINTEXT"}`, strings.Join(servers, `","`))
	if _, err := conns.Put(t.Context(), Conn, api.ConnectionWrite{Kind: "kafka", Spec: []byte(spec), Test: new(false)}, api.WriteOptions{}, ""); err != nil {
		t.Fatal(err)
	}
	return &Env{
		Store: st, Conns: conns, Admins: admins, Admin: kadm.NewClient(raw), Raw: raw, Servers: servers,
		Replicas: int16(min(3, len(servers))), Prefix: real.Name(t) + "-", // #nosec G115 -- a few
	}
}

// Want checks that an error is one of the API.
func Want(t *testing.T, err error, code, attribute, words string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of the API with code %s", err, code)
	}
	if e.Code != code || e.Attribute != attribute {
		t.Errorf("got code %q at %q, want %q at %q: %v", e.Code, e.Attribute, code, attribute, e)
	}
	if !strings.Contains(e.Error(), words) {
		t.Errorf("got %q, want it to say %q", e.Error(), words)
	}
}
