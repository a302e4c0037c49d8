package topic_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const address = "headgate_topic.orders"

// topicWith declares the topic orders with more attributes.
func topicWith(d *acctest.Daemon, attributes string) string {
	return providertest.Connections(d) + fmt.Sprintf(`
resource "headgate_topic" "orders" {
  connection_name = headgate_connection.main.name
  name            = "orders"
  %s
}
`, attributes)
}

const unprotected = "deletion_protection = false\n"

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

func TestAccTopicLives(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := topicWith(d, unprotected)
	changed := topicWith(d, unprotected+`
  partitions  = 6
  retention   = "1h"
  description = "One record per order change"
  labels      = { domain = "shop" }
  config      = { "max.message.bytes" = "2000000", "cleanup.policy" = "compact, delete" }
`)
	fewer := topicWith(d, unprotected+`
  partitions = 6
  config     = { "max.message.bytes" = "2000000" }
`)
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, config,
			resource.TestCheckResourceAttr(address, "partitions", "3"),
			resource.TestCheckResourceAttr(address, "replication_factor", "3"),
			resource.TestCheckResourceAttr(address, "retention", "168h"),
			hasConfigs(t, d, map[string]string{"retention.ms": "604800000"}),
			resource.TestCheckResourceAttrSet(address, "topic_id"),
			resource.TestCheckNoResourceAttr(address, "config.%"),
		),
		providertest.Unchanged(config),
		providertest.Does(plancheck.ResourceActionUpdate, address, changed,
			hasConfigs(t, d, map[string]string{"max.message.bytes": "2000000", "cleanup.policy": "compact,delete", "retention.ms": "3600000"}),
		),
		providertest.Unchanged(changed),
		providertest.Does(plancheck.ResourceActionUpdate, address, fewer,
			hasConfigs(t, d, map[string]string{"max.message.bytes": "2000000", "retention.ms": "604800000"})),
		providertest.Unchanged(fewer),
	)
}

// hasConfigs checks the configs that are set on the topic.
func hasConfigs(t *testing.T, d *acctest.Daemon, want map[string]string) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		topic, err := d.Client.GetTopic(t.Context(), "main", "orders")
		if err != nil {
			return err
		}
		if fmt.Sprint(topic.Config) != fmt.Sprint(want) {
			return fmt.Errorf("configs are %v, want %v", topic.Config, want)
		}
		return nil
	}
}

func TestAccTopicRetention(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	words := topicWith(d, unprotected+`retention = "60m"`)
	kafkas := topicWith(d, unprotected+`config = { "retention.ms" = "3600000" }`)
	both := topicWith(d, unprotected+"retention = \"1h\"\n  config = { \"retention.ms\" = \"3600000\" }")
	forever := topicWith(d, unprotected+`retention = "unlimited"`)
	test(t,
		providertest.Applied(words, resource.TestCheckResourceAttr(address, "retention", "60m")),
		providertest.Unchanged(words),
		providertest.Applied(kafkas, resource.TestCheckResourceAttr(address, "retention", "60m")),
		providertest.Unchanged(kafkas),
		providertest.Applied(both),
		providertest.Unchanged(both),
		providertest.Applied(forever, hasConfigs(t, d, map[string]string{"retention.ms": "-1"})),
		providertest.Unchanged(forever),
		providertest.Applied(topicWith(d, unprotected), resource.TestCheckResourceAttr(address, "retention", "168h")),
	)
}

// A null in a map declares nothing.
func TestAccTopicNullValues(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	none := topicWith(d, unprotected+"config = { \"max.message.bytes\" = null }\n  labels = { domain = null }")
	some := topicWith(d, unprotected+"config = { \"max.message.bytes\" = \"2000000\", \"segment.bytes\" = null }\n  labels = { domain = \"shop\", tier = null }")
	test(t,
		providertest.Applied(none),
		providertest.Unchanged(none),
		providertest.Applied(some, hasConfigs(t, d, map[string]string{"max.message.bytes": "2000000", "retention.ms": "604800000"})),
		providertest.Unchanged(some),
		providertest.Applied(none, hasConfigs(t, d, map[string]string{"retention.ms": "604800000"}), resource.TestCheckNoResourceAttr(address, "labels.domain")),
		providertest.Unchanged(none),
	)
}

func TestAccTopicImport(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := topicWith(d, unprotected+`
  partitions  = 4
  retention   = "90m"
  description = "Orders"
  labels      = { domain = "shop" }
  config      = { "max.message.bytes" = "2000000" }
`)
	test(t,
		providertest.Applied(config),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main/orders", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "orders", ExpectError: regexp.MustCompile(`connection_name/name, such as`)},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main/nothing", ExpectError: regexp.MustCompile(`(?s)does not exist.*nothing to\s+import by the id`)},
	)
}

// What was imported plans nothing under a configuration that says the same.
func TestAccTopicImportBlock(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	elsewhere := map[string]*string{"retention.ms": new("7200000"), "cleanup.policy": new("compact")}
	config := topicWith(d, unprotected+"partitions = 2\n  retention = \"120m\"\n  config = { \"cleanup.policy\" = \"compact\" }") + `
import {
  to = headgate_topic.orders
  id = "main/orders"
}
`
	test(t,
		providertest.Applied(providertest.Connections(d)),
		resource.TestStep{
			PreConfig: func() {
				d.Behind(t, func(ctx context.Context, admin *kadm.Client) error {
					_, err := admin.CreateTopic(ctx, 2, 3, elsewhere, "orders")
					return err
				})
			},
			Config: topicWith(d, "replication_factor = 3"), ExpectError: regexp.MustCompile(`(?s)already exists.*terraform\s+import\s+headgate_topic.<name>\s+'main/orders'`),
		},
		providertest.Applied(config,
			resource.TestCheckResourceAttr(address, "partitions", "2"),
			resource.TestCheckResourceAttr(address, "config.%", "1"),
		),
		providertest.Unchanged(config),
	)
}

func TestAccTopicDrift(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := topicWith(d, unprotected+`config = { "max.message.bytes" = "2000000" }`)
	repaired := func(alter func(context.Context, *kadm.Client) error, shows func(*api.Topic) bool, action plancheck.ResourceActionType) resource.TestStep {
		step := providertest.Does(action, address, config, resource.TestCheckResourceAttr(address, "config.max.message.bytes", "2000000"))
		step.PreConfig = func() {
			d.Behind(t, alter)
			d.AwaitTopic(t, "orders", shows)
		}
		return step
	}
	altered := func(op kadm.IncrementalOp, name, value string, action plancheck.ResourceActionType) resource.TestStep {
		return repaired(func(ctx context.Context, admin *kadm.Client) error {
			_, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: op, Name: name, Value: new(value)}}, "orders")
			return err
		}, func(topic *api.Topic) bool { return topic != nil && topic.Config[name] == value }, action)
	}
	test(t,
		providertest.Applied(config),
		altered(kadm.DeleteConfig, "max.message.bytes", "", plancheck.ResourceActionUpdate),
		altered(kadm.SetConfig, "retention.ms", "5000", plancheck.ResourceActionUpdate),
		altered(kadm.SetConfig, "segment.ms", "5000", plancheck.ResourceActionNoop),
		providertest.Unchanged(config),
	)
}

func TestAccTopicIsProtected(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	refused := regexp.MustCompile(`(?s)Topic "orders" is protected from deletion.*deletion_protection = false`)
	test(t,
		providertest.Applied(topicWith(d, "")),
		resource.TestStep{Config: providertest.Connections(d), ExpectError: refused},
		resource.TestStep{Config: strings.ReplaceAll(topicWith(d, ""), `= "orders"`, `= "renamed"`), ExpectError: refused},
		resource.TestStep{Config: topicWith(d, ""), Destroy: true, ExpectError: refused},
		providertest.Applied(topicWith(d, unprotected)),
		providertest.Applied(providertest.Connections(d)),
	)
	if _, err := d.Client.GetTopic(t.Context(), "main", "orders"); err == nil {
		t.Error("the topic is still there")
	}
}

// What would remove records that are there needs protection to be off, in the same apply.
func TestAccTopicKeepsItsRecords(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	week, hour, open := topicWith(d, ""), topicWith(d, `retention = "1h"`), topicWith(d, unprotected+`retention = "1h"`)
	produce := func() {
		client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(d.Kafka, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		for range 5 {
			record := &kgo.Record{Topic: "orders", Partition: 1, Key: []byte("k"), Value: []byte("v"), Timestamp: time.Now().Add(-3 * time.Hour)}
			if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	lost := `(?s)"orders"\s+is\s+protected\s+from\s+losing.*%s.*set\s+deletion_protection\s+=\s+false`
	refused := func(config, words string) resource.TestStep {
		return resource.TestStep{Config: config, ExpectError: regexp.MustCompile(fmt.Sprintf(lost, words))}
	}
	first := refused(hour, `5\s+records\s+of.*in\s+1\s+partition\s+go:\s+they\s+are\s+older\s+than\s+1h`)
	first.PreConfig = produce
	test(t,
		providertest.Applied(week),
		first,
		refused(topicWith(d, `config = { "retention.ms" = "3600000" }`), `retention.ms\s+goes\s+from\s+168h\s+to\s+1h`),
		refused(topicWith(d, `config = { "cleanup.policy" = "compact" }`), `Up\s+to\s+5\s+records`),
		providertest.Unchanged(week),
		providertest.Does(plancheck.ResourceActionUpdate, address, topicWith(d, `retention = "4h"`)), // they are younger
		providertest.Does(plancheck.ResourceActionUpdate, address, open, hasConfigs(t, d, map[string]string{"retention.ms": "3600000"})),
		providertest.Unchanged(open),
	)
}

func TestAccTopicRefusesBadInput(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	t.Run("without asking the daemon", func(t *testing.T) {
		providertest.Refused(t, "", providertest.Connections(d)+topics(map[string]string{
			"none":     `partitions = 0`,
			"negative": `partitions = -1`,
			"billions": `partitions = 2000000000`,
			"half":     `partitions = 3.5`,
			"sizes":    `replication_factor = 1e30`,
			"week":     `retention = "7 days"`,
			"twice":    "retention = \"1h\"\n  config = { \"retention.ms\" = \"5\" }",
			"long":     `name = "` + strings.Repeat("x", 250) + `"`,
			"space":    `name = "a b"`,
			"dots":     `name = ".."`,
			"empty":    `name = ""`,
		}), map[string]string{
			"headgate_topic.none":     `partitions value must be between 1`,
			"headgate_topic.negative": `partitions value must be between 1`,
			"headgate_topic.billions": `partitions value must be between 1`,
			"headgate_topic.half":     `partitions must be a whole number.* 3.5 is not one`,
			"headgate_topic.sizes":    `replication_factor must be a whole number.*64 bits`,
			"headgate_topic.week":     `"7 days" is not a duration`,
			"headgate_topic.twice":    `Two different retentions`,
			"headgate_topic.long":     `must be 1 to 249 letters`,
			"headgate_topic.space":    `must be 1 to 249 letters`,
			"headgate_topic.dots":     `value must be none of`,
			"headgate_topic.empty":    `must be 1 to 249 letters`,
		})
	})
	t.Run("as the cluster says", func(t *testing.T) {
		providertest.Refused(t, providertest.Connections(d)+topics(map[string]string{"a.b": unprotected}), providertest.Connections(d)+topics(map[string]string{
			"a.b":      unprotected,
			"a_b":      ``,
			"replicas": `replication_factor = 9`,
			"key":      `config = { "no.such.config" = "1" }`,
			"value":    `config = { "cleanup.policy" = "odd" }`,
			"secret":   `config = { "ssl.keystore.password" = "hunter-one" }`,
		}), map[string]string{
			"headgate_topic.a_b":      `(?i)collide`,
			"headgate_topic.replicas": `(?i)replica`,
			"headgate_topic.key":      `no\.such\.config`,
			"headgate_topic.value":    `cleanup\.policy`,
			"headgate_topic.secret":   `(?s)looks like a secret.*tls of the\s+headgate_connection`,
		})
	})
}

// What is wrong whatever the cluster says is refused when planning, also when the plan makes the connection too.
func TestAccTopicBeforeItsConnection(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	if _, err := d.Client.PutNamespace(t.Context(), "shop", api.NamespaceWrite{TopicPrefix: "shop.", Limits: &api.NamespaceLimits{Partitions: 2}}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	providertest.Refused(t, "", providertest.Connections(d)+topics(map[string]string{
		"value":     `config = { "cleanup.policy" = "odd" }`,
		"number":    `config = { "segment.ms" = "5 days" }`,
		"sync":      "replication_factor = 1\n  config = { \"min.insync.replicas\" = \"2\" }",
		"secret":    `config = { "ssl.keystore.password" = "hunter-one" }`,
		"shop.many": `partitions = 3`,
	}), map[string]string{
		"headgate_topic.value":     `No cluster takes this value of cleanup\.policy`,
		"headgate_topic.number":    `No cluster takes this value of segment\.ms`,
		"headgate_topic.sync":      `cannot have 2 replicas in sync`,
		"headgate_topic.secret":    `looks like a secret`,
		"headgate_topic.shop-many": `Namespace "shop" allows partitions of at most 2`,
	})
	test(t, providertest.Applied(topicWith(d, unprotected+`config = { "cleanup.policy" = "compact" }`)))
}

// topics declares topics that are each called as their resource, unless an attribute names them.
func topics(attributes map[string]string) string {
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		own := fmt.Sprintf("name = %q", name)
		if strings.HasPrefix(attributes[name], "name") {
			own = ""
		}
		fmt.Fprintf(&all, "resource \"headgate_topic\" %q {\n  connection_name = headgate_connection.main.name\n  %s\n  %s\n}\n", strings.ReplaceAll(name, ".", "-"), own, attributes[name])
	}
	return all.String()
}

func TestAccTopicNeverShrinks(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	test(t,
		providertest.Applied(topicWith(d, unprotected+"partitions = 5")),
		resource.TestStep{Config: topicWith(d, unprotected+"partitions = 4"), ExpectError: regexp.MustCompile(`A topic cannot lose partitions`)},
		providertest.Unchanged(topicWith(d, unprotected+"partitions = 5")),
	)
}

func TestAccTopicsDataSource(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	all := providertest.Connections(d) + topics(map[string]string{
		"orders": unprotected + "retention = \"1h\"", "orders.eu": unprotected + "replication_factor = 1", "payments": unprotected + "partitions = 7",
	}) + `
resource "headgate_namespace" "eu" {
  name         = "eu"
  topic_prefix = "orders.eu"
}
`
	after := "depends_on = [headgate_topic.orders, headgate_topic.orders-eu, headgate_topic.payments, headgate_namespace.eu]\n  connection_name = \"main\"\n"
	look := all + fmt.Sprintf("data \"headgate_topics\" \"all\" {\n %[1]s }\ndata \"headgate_topics\" \"prefix\" {\n %[1]s prefix = \"orders\"\n }\n"+
		"data \"headgate_topics\" \"pattern\" {\n %[1]s pattern = \"[op].*s\"\n }\ndata \"headgate_topics\" \"namespace\" {\n %[1]s namespace = \"eu\"\n }\n"+
		"data \"headgate_topic\" \"orders\" {\n %[1]s name = \"orders\"\n with_figures = true\n }\n", after)
	bad := func(attribute string) string {
		return all + fmt.Sprintf("data \"headgate_topics\" \"bad\" {\n %s %s\n }\n", after, attribute)
	}
	figures := "data.headgate_topic.orders"
	test(t,
		providertest.Applied(all),
		providertest.Applied(look,
			resource.TestCheckResourceAttr("data.headgate_topics.all", "names.#", "3"),
			resource.TestCheckResourceAttr("data.headgate_topics.all", "topics.0.retention", "1h"),
			resource.TestCheckResourceAttr("data.headgate_topics.all", "topics.2.partitions", "7"),
			resource.TestCheckResourceAttr("data.headgate_topics.prefix", "names.#", "2"),
			resource.TestCheckResourceAttr("data.headgate_topics.prefix", "topics.1.replication_factor", "1"),
			resource.TestCheckResourceAttr("data.headgate_topics.pattern", "names.#", "2"),
			resource.TestCheckResourceAttr("data.headgate_topics.namespace", "names.0", "orders.eu"),
			resource.TestCheckResourceAttr(figures, "figures.records", "0"),
			resource.TestCheckResourceAttr(figures, "figures.partitions.#", "3"),
			resource.TestCheckResourceAttr(figures, "figures.brokers.#", "3"),
			resource.TestCheckNoResourceAttr(figures, "figures.last_write"),
			resource.TestCheckNoResourceAttr(figures, "figures.records_per_second"),
		),
		resource.TestStep{Config: bad(`pattern = "["`), ExpectError: regexp.MustCompile(`not\s+a\s+regular\s+expression`)},
		resource.TestStep{Config: bad(`namespace = "nothing"`), ExpectError: regexp.MustCompile(`"nothing"\s+does\s+not\s+exist`)},
	)
}

// The replication factor changes in place, both ways, and a min.insync.replicas with it.
func TestAccTopicReplicationFactor(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	one := topicWith(d, unprotected+"replication_factor = 1")
	three := topicWith(d, unprotected+"replication_factor = 3\n  replication_throttle = \"20MiB\"\n  config = { \"min.insync.replicas\" = \"2\" }\n  timeouts = { update = \"5m\" }")
	two := topicWith(d, unprotected+"replication_factor = 2\n  config = { \"min.insync.replicas\" = \"2\" }")
	test(t,
		providertest.Applied(one),
		providertest.Does(plancheck.ResourceActionUpdate, address, three, resource.TestCheckResourceAttr(address, "replication_factor", "3"),
			hasConfigs(t, d, map[string]string{"min.insync.replicas": "2", "retention.ms": "604800000"})),
		providertest.Unchanged(three),
		providertest.Does(plancheck.ResourceActionUpdate, address, two, resource.TestCheckResourceAttr(address, "replication_factor", "2")),
		providertest.Unchanged(two),
		resource.TestStep{Config: topicWith(d, unprotected+"replication_factor = 1\n  config = { \"min.insync.replicas\" = \"2\" }"), ExpectError: regexp.MustCompile(`replicas\s+in\s+sync`)},
		resource.TestStep{Config: topicWith(d, unprotected+"replication_factor = 9"), ExpectError: regexp.MustCompile(`3\s+of\s+the\s+cluster's\s+brokers\s+are\s+up`)},
		resource.TestStep{Config: topicWith(d, unprotected+"replication_throttle = \"fast\""), ExpectError: regexp.MustCompile(`replication_throttle\s+is\s+not\s+valid`)},
		// Changing only the throttle moves nothing.
		providertest.Applied(topicWith(d, unprotected+"replication_factor = 2\n  replication_throttle = \"unlimited\"")),
	)
}

func TestAccTopicReplaced(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	renamed := strings.ReplaceAll(topicWith(d, unprotected), `= "orders"`, `= "renamed"`)
	test(t,
		providertest.Applied(topicWith(d, unprotected)),
		providertest.Does(plancheck.ResourceActionReplace, address, renamed),
		resource.TestStep{Config: renamed, Taint: []string{address}, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction(address, plancheck.ResourceActionReplace),
		}}},
	)
	if _, err := d.Client.GetTopic(t.Context(), "main", "orders"); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("the first topic: %v", err)
	}
}

// A tainted topic goes first: what holds against that is an error of the plan.
func TestAccTopicTainted(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	replaced := resource.TestStep{Config: topicWith(d, unprotected), PreConfig: func() {
		body := api.TopicWrite{Partitions: 3, ReplicationFactor: 3, DeletionProtection: new(false)}
		if _, err := d.Client.PutTopic(t.Context(), "main", "orders", body, api.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}}
	test(t,
		providertest.Applied(topicWith(d, "")),
		resource.TestStep{
			Config: topicWith(d, ""), Taint: []string{address},
			ExpectError: regexp.MustCompile(`(?s)deletes the topic to make another.*untaint.*protected\s+from\s+deletion`),
		},
		replaced,
		providertest.Unchanged(topicWith(d, unprotected)),
	)
}

// A renamed resource without a moved block would be deleted and created in any order.
func TestAccTopicResourceRenamed(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	renamed := strings.ReplaceAll(topicWith(d, unprotected), `"headgate_topic" "orders"`, `"headgate_topic" "renamed"`)
	moved := renamed + "\nmoved {\n  from = headgate_topic.orders\n  to   = headgate_topic.renamed\n}\n"
	test(t,
		providertest.Applied(topicWith(d, unprotected)),
		resource.TestStep{Config: renamed, ExpectError: regexp.MustCompile(`(?s)both creates and deletes the topic "main/orders".*moved {`)},
		providertest.Unchanged(moved),
	)
}

// Values that are known only after apply skip only the checks that need them.
func TestAccTopicUnknownValues(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	unknowns := `
resource "terraform_data" "later" {
  input = { retention = "2h", bytes = "2000000", label = "x", name = "later" }
}
`
	config := unknowns + topicWith(d, unprotected+`
  retention = terraform_data.later.output.retention
  config    = { "max.message.bytes" = terraform_data.later.output.bytes }
  labels    = { domain = terraform_data.later.output.label }
`)
	wrong := unknowns + topicWith(d, unprotected+`
  retention = terraform_data.later.output.retention
  config    = { "no.such.config" = "1" }
`)
	named := strings.ReplaceAll(unknowns+topicWith(d, unprotected), `= "orders"`, `= terraform_data.later.output.name`)
	test(t,
		resource.TestStep{Config: wrong, PlanOnly: true, ExpectError: regexp.MustCompile(`no.such.config`)},
		providertest.Applied(config, resource.TestCheckResourceAttr(address, "retention", "2h")),
		providertest.Unchanged(config),
	)
	test(t, providertest.Applied(named, resource.TestCheckResourceAttr(address, "name", "later")))
}

func TestAccTopicDataSources(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := topicWith(d, unprotected+`labels = { domain = "shop" }`) + `
data "headgate_topic" "orders" {
  connection_name = headgate_topic.orders.connection_name
  name            = headgate_topic.orders.name
}
data "headgate_topic_preview" "orders" {
  connection_name = headgate_topic.orders.connection_name
  name            = headgate_topic.orders.name
  last            = 2
}
`
	produce := func() {
		client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(d.Kafka, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		for i := range 3 {
			record := &kgo.Record{Topic: "orders", Partition: 0, Value: fmt.Appendf(nil, `{"n":%d}`, i)}
			if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	filled := providertest.Applied(config,
		resource.TestCheckResourceAttr("data.headgate_topic_preview.orders", "records.#", "2"),
		resource.TestCheckResourceAttr("data.headgate_topic_preview.orders", "records.1.value", `{"n":2}`),
	)
	filled.PreConfig = produce
	const preview = "data.headgate_topic_preview.orders"
	looking := func(attributes string) string { return strings.ReplaceAll(config, "last            = 2", attributes) }
	test(t,
		providertest.Applied(config,
			resource.TestCheckResourceAttr("data.headgate_topic.orders", "partitions", "3"),
			resource.TestCheckResourceAttr("data.headgate_topic.orders", "retention", "168h"),
			resource.TestCheckResourceAttr("data.headgate_topic.orders", "config_effective.cleanup.policy", "delete"),
			resource.TestCheckResourceAttr("data.headgate_topic.orders", "labels.domain", "shop"),
			resource.TestCheckResourceAttr("data.headgate_topic_preview.orders", "records.#", "0"),
		),
		filled,
		providertest.Applied(looking("from_offset = 0\n limit = 1\n decode = \"hex\""),
			resource.TestCheckResourceAttr(preview, "records.#", "1"), resource.TestCheckResourceAttr(preview, "records.0.value_format", "hex"), resource.TestCheckNoResourceAttr(preview, "records.0.key")),
		providertest.Applied(looking(`from_time = "2020-01-01T00:00:00Z"`), resource.TestCheckResourceAttr(preview, "records.#", "3")),
		providertest.Applied(looking(`key = "nothing"`), resource.TestCheckResourceAttr(preview, "records.#", "0")),
		resource.TestStep{Config: looking(`from_time = "yesterday"`), ExpectError: regexp.MustCompile(`time\s+is\s+not\s+valid`)},
		resource.TestStep{Config: looking(`limit = 1`), ExpectError: regexp.MustCompile(`limit\s+goes\s+with`)},
		resource.TestStep{Config: looking(`partition = 9`), ExpectError: regexp.MustCompile(`no\s+partition\s+9`)},
		resource.TestStep{Config: providertest.Connections(d) + `
data "headgate_topic" "gone" {
  connection_name = "main"
  name            = "nothing"
}`, ExpectError: regexp.MustCompile(`Topic "nothing" does not exist`)},
	)
}
