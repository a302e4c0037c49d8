package reassign

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
)

// While brokers differ nothing is known; when all agree on other replicas, the reassignment was cancelled by someone else.
func TestShown(t *testing.T) {
	dev, err := devkafka.Start(t.Context(), devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(dev.BootstrapServers()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c := &cluster{name: "main", admin: kadm.NewClient(client), client: client}
	if made, err := c.admin.CreateTopic(t.Context(), 2, 3, nil, "orders"); err != nil || made.Err != nil {
		t.Fatal(err, made.Err)
	}
	note := store.Reassignment{Topic: "orders", Partitions: []int32{0, 1}, Factor: 3}
	shown := func(patience time.Duration) (bool, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return c.shown(ctx, "orders", note)
	}
	if ok, err := shown(time.Minute); !ok || err != nil {
		t.Errorf("what all show is %v, %v", ok, err)
	}
	dev.Lag(1, "orders", true)
	if ok, err := shown(time.Second); ok || err == nil {
		t.Errorf("what one does not show is %v, %v", ok, err)
	}
	dev.Lag(1, "orders", false)
	note.Factor = 2
	if ok, err := shown(3 * time.Second); ok || err != nil {
		t.Errorf("what none shows is %v, %v", ok, err)
	}
}
