package connector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const (
	address = "headgate_source_connector.orders_in"

	topics = `
resource "headgate_topic" "orders" {
  connection_name     = headgate_connection.second.name
  name                = "orders"
  deletion_protection = false
}
`
)

// connector declares orders-in, which reads the topic orders of the second cluster into the first.
func connector(d *acctest.Daemon, source, more string) string {
	return providertest.Connections(d) + topics + fmt.Sprintf(`
resource "headgate_source_connector" "orders_in" {
  name = "orders-in"
  kafka = {
    connection = headgate_connection.second.name
    %s
  }
  destination = {
    connection   = headgate_connection.main.name
    topic_prefix = "copy."
  }
  %s
}
`, source, more)
}

const fromOrders = "topics = [headgate_topic.orders.name]"

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

func TestAccConnectorLives(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connector(d, fromOrders, "")
	more := connector(d, fromOrders+"\n    topic_prefixes = [\"returns.\"]", "parallelism = 2\n  timeouts = { create = \"1m\" }")
	paused := connector(d, fromOrders, `state = "paused"`)
	stopped := connector(d, fromOrders, `state = "stopped"`)
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, config,
			resource.TestCheckResourceAttr(address, "status.state", "running"),
			resource.TestCheckResourceAttr(address, "status.guarantee", "at_least_once"),
			resource.TestCheckResourceAttrSet(address, "status.group_id"),
			resource.TestCheckResourceAttr(address, "kafka.start_from", "earliest"),
			resource.TestCheckResourceAttr(address, "parallelism", "1"),
		),
		providertest.Unchanged(config),
		providertest.Does(plancheck.ResourceActionUpdate, address, more,
			resource.TestCheckResourceAttr(address, "status.state", "running"),
			resource.TestCheckResourceAttr(address, "parallelism", "2"),
		),
		providertest.Unchanged(more),
		providertest.Does(plancheck.ResourceActionUpdate, address, paused, resource.TestCheckResourceAttr(address, "status.state", "paused")),
		providertest.Unchanged(paused),
		providertest.Does(plancheck.ResourceActionUpdate, address, stopped, resource.TestCheckResourceAttr(address, "status.state", "stopped")),
		providertest.Unchanged(stopped),
		providertest.Does(plancheck.ResourceActionUpdate, address, config, resource.TestCheckResourceAttr(address, "status.state", "running")),
		providertest.Unchanged(config),
		providertest.Does(plancheck.ResourceActionReplace, address, strings.ReplaceAll(config, `"orders-in"`, `"renamed"`)),
	)
	if _, err := d.Client.GetConnector(t.Context(), "orders-in"); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("the first connector: %v", err)
	}
}

func TestAccConnectorMovesRecords(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connector(d, fromOrders, "")
	filled := providertest.Unchanged(config)
	filled.PreConfig = func() {
		produce(t, d)
		consume(t, d)
	}
	test(t, providertest.Applied(config), filled)
}

func produce(t *testing.T, d *acctest.Daemon) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(d.Kafka2, ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("one")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func consume(t *testing.T, d *acctest.Daemon) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(d.Kafka, ",")...), kgo.ConsumeTopics("copy.orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	real.Eventually(t, func(ctx context.Context) error {
		fetched := client.PollFetches(ctx)
		if err := fetched.Err(); err != nil || fetched.NumRecords() != 1 {
			return fmt.Errorf("%d records, %w", fetched.NumRecords(), err)
		}
		return nil
	})
}

func TestAccConnectorDrift(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connector(d, fromOrders, "")
	changed := providertest.Does(plancheck.ResourceActionUpdate, address, config, resource.TestCheckResourceAttr(address, "parallelism", "1"))
	changed.PreConfig = func() { rewrite(t, d) }
	test(t, providertest.Applied(config), changed, providertest.Unchanged(config))
}

// rewrite changes the connector behind Terraform's back.
func rewrite(t *testing.T, d *acctest.Daemon) {
	t.Helper()
	c, err := d.Client.GetConnector(t.Context(), "orders-in")
	if err != nil {
		t.Fatal(err)
	}
	c.Parallelism = 3
	settings, err := json.Marshal(c.ConnectorSettings)
	if err != nil {
		t.Fatal(err)
	}
	body := api.ConnectorWrite{Type: c.Type, Kind: c.Kind, Spec: c.Spec, Settings: settings}
	if _, err := d.Client.PutConnector(t.Context(), "orders-in", body, api.ConnectorWriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Client.WaitConnector(t.Context(), "orders-in"); err != nil {
		t.Fatal(err)
	}
}

func TestAccConnectorImport(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connector(d, fromOrders, "parallelism = 2")
	test(t,
		providertest.Applied(config),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "orders-in", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "nothing", ExpectError: regexp.MustCompile(`(?s)does not exist.*nothing to\s+import by the id`)},
		resource.TestStep{
			Config:      config + strings.ReplaceAll(strings.TrimPrefix(config, providertest.Connections(d)+topics), `"orders_in"`, `"again"`),
			ExpectError: regexp.MustCompile(`(?s)already exists.*terraform\s+import\s+headgate_source_connector.<name>\s+'orders-in'`),
		},
	)
}

// A tainted connector goes first.
func TestAccConnectorTainted(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connector(d, fromOrders, "")
	replaced := providertest.Does(plancheck.ResourceActionReplace, address, config, resource.TestCheckResourceAttr(address, "status.state", "running"))
	replaced.Taint = []string{address}
	test(t, providertest.Applied(config), replaced, providertest.Unchanged(config))
}

// A renamed resource without a moved block would be deleted and created in any order.
func TestAccConnectorResourceRenamed(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connector(d, fromOrders, `state = "paused"`)
	renamed := strings.ReplaceAll(config, `"headgate_source_connector" "orders_in"`, `"headgate_source_connector" "renamed"`)
	moved := renamed + "\nmoved {\n  from = headgate_source_connector.orders_in\n  to   = headgate_source_connector.renamed\n}\n"
	test(t,
		providertest.Applied(config),
		// Terraform looks at the old and the new address in either order. Only when the old one was read first is it known that
		// this plan also deletes the connector.
		resource.TestStep{Config: renamed, ExpectError: regexp.MustCompile(`(?s)both creates and deletes the source connector "orders-in".*moved {|Connector "orders-in" already exists`)},
		providertest.Unchanged(moved),
	)
}

func TestAccConnectorRefusesBadInput(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	declared := func(sources map[string]string) string {
		all := providertest.Connections(d) + topics
		for name, source := range sources {
			all += fmt.Sprintf("resource \"headgate_source_connector\" %q {\n  name = %q\n  %s\n}\n", name, name, source)
		}
		return all
	}
	into := "\n  destination = { connection = \"main\", topic_prefix = \"copy.\" }"
	t.Run("without asking the daemon", func(t *testing.T) {
		providertest.Refused(t, "", declared(map[string]string{
			"UPPER":  `kafka = { connection = "second", topics = ["orders"] }` + into,
			"none":   into,
			"many":   `kafka = { connection = "second", topics = ["orders"] }` + "\n  parallelism = 0" + into,
			"state":  `kafka = { connection = "second", topics = ["orders"] }` + "\n  state = \"resting\"" + into,
			"hope":   `kafka = { connection = "second", topics = ["orders"] }` + "\n  guarantee = \"hope\"" + into,
			"forced": `kafka = { connection = "second", topics = ["orders"] }` + "\n  timeouts = { create = \"soon\" }" + into,
		}), map[string]string{
			"headgate_source_connector.UPPER":  `lower-case letters`,
			"headgate_source_connector.none":   `No kind is given.*There are: kafka`,
			"headgate_source_connector.many":   `parallelism must be at least 1`,
			"headgate_source_connector.state":  `state must be one of running, paused, stopped`,
			"headgate_source_connector.hope":   `guarantee must be one of at_least_once`,
			"headgate_source_connector.forced": `(?i)duration`,
		})
	})
	t.Run("as the systems say", func(t *testing.T) {
		applied := providertest.Connections(d) + topics
		providertest.Refused(t, applied, declared(map[string]string{
			"registry": `kafka = { connection = "registry", topics = ["orders"] }` + into,
			"pattern":  `kafka = { connection = "second", topic_pattern = "orders(" }` + into,
			"loop":     `kafka = { connection = "second", topic_pattern = ".*" }` + strings.ReplaceAll(into, "main", "second"),
			"nothing":  `kafka = { connection = "second" }` + into,
			"when":     `kafka = { connection = "second", topics = ["orders"], start_from = "yesterday" }` + into,
		}), map[string]string{
			"headgate_source_connector.registry": `schema_registry`,
			"headgate_source_connector.pattern":  `(?i)topic_pattern`,
			"headgate_source_connector.loop":     `(?i)loop|itself`,
			"headgate_source_connector.nothing":  `(?i)topic`,
			"headgate_source_connector.when":     `(?i)start_from`,
		})
	})
}

// What is missing may be made by the same apply: the plan warns, the apply fails.
func TestAccConnectorFromNothing(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connector(d, `topics = ["nothing"]`, "")
	test(t,
		providertest.Applied(providertest.Connections(d)+topics),
		resource.TestStep{Config: config, PlanOnly: true, ExpectNonEmptyPlan: true},
		resource.TestStep{Config: config, ExpectError: regexp.MustCompile(`(?s)with headgate_source_connector.orders_in.*nothing`)},
		providertest.Applied(connector(d, fromOrders, "")),
		resource.TestStep{Config: connector(d, `topics = ["nothing"]`, ""), ExpectError: regexp.MustCompile(`nothing`)},
		providertest.Unchanged(connector(d, fromOrders, "")),
	)
}

func TestAccConnectorDataSource(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connector(d, fromOrders, "") + `
data "headgate_source_connector" "orders_in" {
  name = headgate_source_connector.orders_in.name
}
`
	test(t, providertest.Applied(config,
		resource.TestCheckResourceAttr("data.headgate_source_connector.orders_in", "kind", "kafka"),
		resource.TestCheckResourceAttr("data.headgate_source_connector.orders_in", "kafka.topics.0", "orders"),
		resource.TestCheckResourceAttr("data.headgate_source_connector.orders_in", "destination.topic_prefix", "copy."),
		resource.TestCheckResourceAttr("data.headgate_source_connector.orders_in", "status.state", "running"),
		resource.TestCheckResourceAttr("data.headgate_source_connector.orders_in", "status.instances.#", "1"),
		resource.TestCheckResourceAttr("data.headgate_source_connector.orders_in", "status.instances.0.state", "running"),
		partitions(3),
	))
}

func partitions(want int) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		attributes := state.RootModule().Resources["data.headgate_source_connector.orders_in"].Primary.Attributes
		if got := attributes["status.instances.0.partitions.#"]; got != fmt.Sprint(want) {
			return fmt.Errorf("%s partitions, want %d", got, want)
		}
		return nil
	}
}
