package group_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const address = "headgate_consumer_group_offsets.replay"

func around(d *acctest.Daemon) string {
	return providertest.Connections(d) + `
resource "headgate_topic" "orders" {
  connection_name     = headgate_connection.main.name
  name                = "orders"
  partitions          = 2
  deletion_protection = false
}
`
}

func declares(d *acctest.Daemon, group, attributes string) string {
	return around(d) + fmt.Sprintf(`
resource "headgate_consumer_group_offsets" "replay" {
  connection_name = headgate_connection.main.name
  group           = %q
  %s
}
`, group, attributes)
}

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

// outside is a client that goes around the daemon.
func outside(t *testing.T, d *acctest.Daemon, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(strings.Split(d.Kafka, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func produce(t *testing.T, d *acctest.Daemon, n int) {
	t.Helper()
	client := outside(t, d)
	for range n {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("x"), Timestamp: time.Now().Add(-time.Hour)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// stands checks where the group is in partition 0.
func stands(t *testing.T, d *acctest.Daemon, group string, want int64) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		g, err := d.Client.GetConsumerGroup(t.Context(), "main", group)
		if err != nil {
			return err
		}
		if len(g.Offsets) == 0 || g.Offsets[0].Committed == nil || *g.Offsets[0].Committed != want {
			return fmt.Errorf("the offsets are %+v, want %d", g.Offsets, want)
		}
		return nil
	}
}

func TestAccOffsets(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	group := real.Name(t)
	on := func(attributes string) string {
		return declares(d, group, "topics = [headgate_topic.orders.name]\n  "+attributes)
	}
	moved := func(config string, action plancheck.ResourceActionType, want int64) resource.TestStep {
		return providertest.Does(action, address, config, stands(t, d, group, want))
	}
	latest := moved(on(`to = "latest"`), plancheck.ResourceActionCreate, 5)
	latest.PreConfig = func() { produce(t, d, 5) }
	// The group goes on by itself, and that is no change.
	goesOn := providertest.Unchanged(on("shift = -2"))
	goesOn.PreConfig = func() {
		var all kadm.Offsets
		all.Add(kadm.Offset{Topic: "orders", Partition: 0, At: 4, LeaderEpoch: -1})
		real.Eventually(t, func(ctx context.Context) error {
			return kadm.NewClient(outside(t, d)).CommitAllOffsets(ctx, group, all)
		})
	}
	test(t,
		providertest.Applied(around(d)),
		latest,
		providertest.Unchanged(on(`to = "latest"`)),
		moved(on("shift = -2"), plancheck.ResourceActionUpdate, 3),
		goesOn,
		moved(on("shift = -2\n  trigger = \"again\""), plancheck.ResourceActionUpdate, 2),
		moved(on(`to = "earliest"`), plancheck.ResourceActionUpdate, 0),
		moved(on(fmt.Sprintf("to = %q", time.Now().Add(-time.Minute).UTC().Format(time.RFC3339))), plancheck.ResourceActionUpdate, 5),
		moved(declares(d, group, `offsets = { orders = { 0 = 1 } }`), plancheck.ResourceActionUpdate, 1),
		providertest.Unchanged(declares(d, group, `offsets = { orders = { 0 = 1 } }`)),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main/" + group, ExpectError: regexp.MustCompile(`cannot be\s+imported`)},
		// Destroying it moves nothing.
		providertest.Applied(around(d), stands(t, d, group, 1)),
	)
}

// A topic that the same apply creates is no error when planning.
func TestAccOffsetsOfNewTopic(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	group := real.Name(t)
	test(t,
		providertest.Applied(providertest.Connections(d)),
		providertest.Applied(declares(d, group, "topics = [headgate_topic.orders.name]\n  to = \"earliest\""), stands(t, d, group, 0)),
	)
}

func TestAccOffsetsRefusals(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	group := real.Name(t)
	refused := func(attributes, words string) resource.TestStep {
		return resource.TestStep{Config: declares(d, group, attributes), PlanOnly: true, ExpectError: regexp.MustCompile(words)}
	}
	active := refused(`topics = ["orders"]`+"\n  to = \"latest\"", `(?s)is being used.*billing-1 at .*wait until the group is\s+empty`)
	active.PreConfig = func() { join(t, d, group) }
	test(t,
		providertest.Applied(around(d)),
		refused(`topics = ["orders"]`, `only one\) of`),
		refused("topics = [\"orders\"]\n  to = \"latest\"\n  shift = 1", `only one\) of`),
		refused("topics = [\"orders\"]\n  shift = 0", `must be none of`),
		refused("to = \"latest\"", `No topic is named`),
		refused("topics = [\"orders\"]\n  to = \"yesterday\"", `neither earliest, latest nor a time`),
		refused("offsets = { orders = { 0 = 7 } }", `(?s)has no offset 7.*the next record gets 0`),
		refused("offsets = { orders = { 9 = 0 } }", `has no partition 9`),
		active,
	)
}

// join joins a group until the test ends.
func join(t *testing.T, d *acctest.Daemon, group string) {
	t.Helper()
	client := outside(t, d, kgo.ClientID("billing-1"), kgo.ConsumerGroup(group), kgo.ConsumeTopics("orders"))
	real.Eventually(t, func(ctx context.Context) error {
		polling, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		defer stop()
		client.PollFetches(polling)
		g, err := d.Client.GetConsumerGroup(ctx, "main", group)
		if err == nil && (len(g.Members) != 1 || len(g.Members[0].Assignments) != 1) {
			err = fmt.Errorf("the group is %+v", g)
		}
		return err
	})
}

func TestAccGroupDataSources(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	group := real.Name(t)
	config := declares(d, group, "topics = [headgate_topic.orders.name]\n  to = \"earliest\"")
	reads := config + fmt.Sprintf(`
data "headgate_consumer_group" "one" {
  connection_name = headgate_connection.main.name
  name            = %q
}
data "headgate_consumer_groups" "all" {
  connection_name = headgate_connection.main.name
  prefix          = %q
  state           = "Empty"
}
data "headgate_cluster" "main" {
  connection_name = headgate_connection.main.name
}
data "headgate_brokers" "main" {
  connection_name = headgate_connection.main.name
}
`, group, group)
	lagging := providertest.Applied(reads,
		resource.TestCheckResourceAttr("data.headgate_consumer_group.one", "state", "Empty"),
		resource.TestCheckResourceAttr("data.headgate_consumer_group.one", "lag", "3"),
		resource.TestCheckResourceAttrWith("data.headgate_consumer_group.one", "lag_seconds", func(value string) error {
			if !strings.HasPrefix(value, "36") {
				return fmt.Errorf("it is %s seconds, want an hour", value)
			}
			return nil
		}),
		resource.TestCheckResourceAttr("data.headgate_consumer_group.one", "offsets.0.committed", "0"),
		resource.TestCheckResourceAttr("data.headgate_consumer_group.one", "offsets.1.lag_seconds", "0"),
		resource.TestCheckResourceAttr("data.headgate_consumer_groups.all", "groups.#", "1"),
		resource.TestCheckResourceAttr("data.headgate_consumer_groups.all", "groups.0.lag", "3"),
		resource.TestCheckResourceAttrSet("data.headgate_cluster.main", "cluster_id"),
		resource.TestCheckResourceAttr("data.headgate_cluster.main", "broker_count", "3"),
		resource.TestCheckResourceAttr("data.headgate_brokers.main", "brokers.#", "3"),
		resource.TestCheckResourceAttrSet("data.headgate_brokers.main", "brokers.0.log_dirs.0.size_bytes"),
	)
	lagging.PreConfig = func() { produce(t, d, 3) }
	test(t,
		providertest.Applied(config),
		lagging,
		resource.TestStep{Config: providertest.Connections(d) + `
data "headgate_consumer_group" "gone" {
  connection_name = "main"
  name            = "nobody"
}`, ExpectError: regexp.MustCompile(`Consumer group "nobody" does not exist`)},
	)
}
