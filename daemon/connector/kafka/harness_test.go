package kafka_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	kafkaconn "github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/daemon/connector/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is a connector service between two in-memory clusters, "from" and "to".
type harness struct {
	t           *testing.T
	store       *store.Store
	connections *connection.Service
	admins      *kafkaconn.Admins
	service     *connector.Service
	from, to    *kgo.Client
	fromServers []string
	toServers   []string
	scope       string
	began       time.Time // of record 0; recent, for brokers delete records that are older than the retention
}

// n makes a name of this harness's own, for clusters that others use too.
func (h *harness) n(name string) string { return h.scope + name }

func newHarness(t *testing.T) *harness {
	t.Helper()
	from, to := startCluster(t), startCluster(t)
	return newHarnessOn(t, from, to)
}

func startCluster(t *testing.T) []string {
	t.Helper()
	c, err := devkafka.Start(t.Context(), devkafka.Config{Brokers: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.BootstrapServers()
}

func newHarnessOn(t *testing.T, from, to []string) *harness {
	t.Helper()
	ctx := t.Context()
	st, err := store.OpenMemory(ctx)
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	h := &harness{
		t: t, store: st, connections: conns, admins: kafkaconn.NewAdmins(), fromServers: from, toServers: to, scope: fmt.Sprintf("t%08x.", rand.Uint32()),
		began: time.Now().Add(-time.Hour).Truncate(time.Second),
	}
	t.Cleanup(h.admins.Close)
	conns.OnChange(h.admins.Forget)
	h.connect("from", from)
	h.connect("to", to)
	h.from, h.to = newClient(t, from), newClient(t, to)
	h.start()
	t.Cleanup(func() { h.service.Close() })
	return h
}

// start begins a service over the store, as a daemon does.
func (h *harness) start() {
	kind := kafka.Kind{Connections: h.connections, Admins: h.admins}
	service, err := connector.New(h.t.Context(), connector.Config{
		Store: h.store, Connections: h.connections, Kinds: api.BuiltinKinds().Sources,
		Sources: map[string]connector.SourceKind{kafka.KindName: kind}, OpenSink: kind.OpenSink,
		WorkerID: "test", Log: slog.New(slog.DiscardHandler),
	})
	must(h.t, err)
	must(h.t, service.Start(h.t.Context()))
	h.service = service
}

func (h *harness) connect(name string, servers []string) {
	h.t.Helper()
	spec, _ := json.Marshal(map[string]any{"bootstrap_servers": servers, "security_protocol": "PLAINTEXT"})
	_, err := h.connections.Put(h.t.Context(), name, api.ConnectionWrite{Kind: "kafka", Spec: spec}, api.WriteOptions{}, "key")
	must(h.t, err)
}

func (h *harness) createTopic(client *kgo.Client, topic string, partitions int32) {
	h.t.Helper()
	real.CreateTopic(h.t, client, partitions, 1, nil, topic)
}

func (h *harness) timestamp(record int) time.Time {
	return h.began.Add(time.Duration(record) * time.Millisecond)
}

// produce writes n numbered records to each partition, continuing at first.
func (h *harness) produce(topic string, partitions int32, first, n int) {
	h.t.Helper()
	for p := range partitions {
		for i := first; i < first+n; i++ {
			r := &kgo.Record{
				Topic: topic, Partition: p, Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "%d", i),
				Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Appendf(nil, "%d", i)}}, Timestamp: h.timestamp(i),
			}
			h.from.Produce(h.t.Context(), r, nil)
		}
	}
	must(h.t, h.from.Flush(h.t.Context()))
}

type declared map[string]any

// put writes a connector and waits until it is no longer starting.
func (h *harness) put(name string, spec, settings declared) (*api.Connector, error) {
	h.t.Helper()
	if _, err := h.service.Put(h.t.Context(), name, body(spec, settings), api.ConnectorWriteOptions{StartTimeout: 10 * time.Second}, "key-"+name); err != nil {
		return nil, err
	}
	return h.service.Get(h.t.Context(), name, true)
}

func body(spec, settings declared) api.ConnectorWrite {
	if spec["connection"] == nil {
		spec["connection"] = "from"
	}
	if settings["destination"] == nil {
		settings["destination"] = declared{"connection": "to", "topic_prefix": "copy."}
	}
	rawSpec, _ := json.Marshal(spec)
	rawSettings, _ := json.Marshal(settings)
	return api.ConnectorWrite{Type: api.TypeSource, Kind: "kafka", Spec: rawSpec, Settings: rawSettings}
}

// read reads n records of a topic of the destination, by partition.
func (h *harness) read(topic string, n int) map[int32][]*kgo.Record {
	h.t.Helper()
	client := newClient(h.t, h.toServers, kgo.ConsumeTopics(topic))
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	got := map[int32][]*kgo.Record{}
	for count := 0; count < n; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			h.t.Fatalf("read %d of %d records of %s", count, n, topic)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			got[r.Partition] = append(got[r.Partition], r)
			count++
		})
	}
	return got
}

func (h *harness) status(name string) api.ConnectorStatus {
	h.t.Helper()
	c, err := h.service.Get(h.t.Context(), name, false)
	must(h.t, err)
	return c.Status
}

func newClient(t *testing.T, servers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(servers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(100 * time.Millisecond), kgo.MetadataMaxAge(time.Second),
	}, opts...)...)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not contain %q", err, p)
		}
	}
}
