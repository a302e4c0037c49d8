package topic

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
)

// requests counts what a client sends to brokers.
type requests struct{ atomic.Int64 }

func (r *requests) OnBrokerWrite(kgo.BrokerMetadata, int16, int, time.Duration, time.Duration, error) {
	r.Add(1)
}

var _ kgo.HookBrokerWrite = &requests{}

func TestThousandsOfTopicsInFewRequests(t *testing.T) {
	const topics, most = 5000, 10
	kafka, err := devkafka.Start(t.Context(), devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	sent := &requests{}
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.BootstrapServers()...), kgo.WithHooks(sent))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("t%04d", i)
	}
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopics(t.Context(), 1, 1, nil, names...); err != nil {
		t.Fatal(err)
	}
	c := newCluster("main", client, admin)
	defer c.close()
	sent.Store(0)
	found, err := c.all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := sent.Load(); len(found) != topics || n > most {
		t.Errorf("%d topics in %d requests, want %d in at most %d", len(found), n, topics, most)
	}
	for _, st := range found {
		if policy, ok := st.config("cleanup.policy"); !ok || policy.value != "delete" {
			t.Fatalf("topic %s has cleanup.policy %q", st.name, policy.value)
		}
	}
}
