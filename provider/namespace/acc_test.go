package namespace_test

import (
	"context"
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const address = "headgate_namespace.payments"

func namespaceWith(d *acctest.Daemon, attributes string) string {
	return providertest.Connections(d) + fmt.Sprintf(`
resource "headgate_namespace" "payments" {
  name         = "payments"
  topic_prefix = "payments."
  %s
}
`, attributes)
}

func topicWith(attributes string) string {
	return fmt.Sprintf(`
resource "headgate_topic" "orders" {
  depends_on          = [headgate_namespace.payments]
  connection_name     = headgate_connection.main.name
  name                = "payments.orders"
  deletion_protection = false
  %s
}
`, attributes)
}

const limits = `limits = { partitions = 6, retention = "240h", replication_factor = 3 }`

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

func TestAccNamespaceLives(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	plain := namespaceWith(d, "")
	full := namespaceWith(d, `
  owner       = "team-payments"
  environment = "production"
  connections = [headgate_connection.main.name]
`+limits)
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, plain, resource.TestCheckNoResourceAttr(address, "limits.partitions")),
		providertest.Unchanged(plain),
		providertest.Does(plancheck.ResourceActionUpdate, address, full, resource.TestCheckResourceAttr(address, "limits.retention", "240h")),
		providertest.Unchanged(full),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "payments", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		// The same length of time in other words.
		providertest.Applied(namespaceWith(d, `limits = { retention = "14400m" }`)),
		providertest.Does(plancheck.ResourceActionUpdate, address, plain),
		resource.TestStep{Config: namespaceWith(d, `limits = { partitions = 0 }`), ExpectError: regexp.MustCompile(`partitions`)},
		resource.TestStep{Config: namespaceWith(d, `limits = { retention = "a month" }`), ExpectError: regexp.MustCompile(`not\s+a\s+duration`)},
		resource.TestStep{Config: namespaceWith(d, `connections = ["nothing"]`), PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)"nothing"\s+does\s+not\s+exist.*headgate_connection`)},
	)
}

// A connection that the same apply creates is no error when planning.
func TestAccNamespaceOfNewConnection(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	test(t, providertest.Applied(namespaceWith(d, `connections = [headgate_connection.main.name]`)))
}

func TestAccNamespaceExists(t *testing.T) {
	t.Parallel()
	config := namespaceWith(acctest.Dev(t), "")
	test(t, providertest.Applied(config), resource.TestStep{Config: config + `
resource "headgate_namespace" "again" {
  name         = "payments"
  topic_prefix = "other."
}
`, ExpectError: regexp.MustCompile(`(?s)already exists.*terraform\s+import\s+headgate_namespace.<name>\s+'payments'`)})
}

// The limits hold for topics, at plan time and on the topic's own attribute; what was there before keeps what it has.
func TestAccNamespaceLimits(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := namespaceWith(d, `owner = "team-payments"
  `+limits)
	topic := "headgate_topic.orders"
	test(t,
		providertest.Applied(config+topicWith("")),
		providertest.Unchanged(config+topicWith("")),
	)
	for attributes, pattern := range map[string]string{
		`partitions = 7`:                             `allows partitions of at most 6.*partitions = 7`,
		`retention = "unlimited"`:                    `allows retention of at most 240h.*retention = "unlimited"`,
		`config = { "retention.ms" = "9999999999" }`: `allows retention of at most 240h.*team-payments`,
	} {
		providertest.Refused(t, config, config+topicWith(attributes), map[string]string{topic: pattern})
	}
}

// A plan that makes or changes a namespace checks what depends on it against what the namespace will be, and the apply takes
// it in that order.
func TestAccNamespacePlannedLimits(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	upTo := func(partitions int) string {
		return namespaceWith(d, fmt.Sprintf("limits = { partitions = %d }", partitions))
	}
	ofTopics := func(partitions int) string {
		return topicWith(fmt.Sprintf("partitions = %d", partitions)) + fmt.Sprintf(`
resource "headgate_topic_set" "refunds" {
  connection_name = headgate_connection.main.name
  topics = {
    "${headgate_namespace.payments.topic_prefix}refunds" = { partitions = %d, deletion_protection = false }
  }
}
`, partitions)
	}
	// A namespace within it, of another team, that is new too.
	within := `
resource "headgate_namespace" "bulk" {
  name         = "bulk"
  topic_prefix = "payments.bulk."
  owner        = "team-bulk"
  limits       = { partitions = 40 }
}

resource "headgate_topic" "bulk" {
  connection_name     = headgate_connection.main.name
  name                = "${headgate_namespace.bulk.topic_prefix}load"
  partitions          = 40
  deletion_protection = false
}
`
	refused := func(config string) resource.TestStep {
		return resource.TestStep{Config: config, PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)allows\s+partitions\s+of\s+at\s+most.*depends_on`)}
	}
	test(t,
		providertest.Applied(providertest.Connections(d)),
		refused(upTo(6)+ofTopics(7)), // held to a limit that is not there yet
		providertest.Applied(upTo(6)+ofTopics(6)),
		providertest.Unchanged(upTo(6)+ofTopics(6)),
		refused(upTo(8)+ofTopics(9)),
		providertest.Applied(upTo(9)+ofTopics(9)),
		refused(upTo(8)+ofTopics(10)),
		providertest.Applied(upTo(9)+ofTopics(9)+within),
		providertest.Unchanged(upTo(9)+ofTopics(9)+within),
		providertest.Applied(namespaceWith(d, "")+ofTopics(12)),
	)
}

func TestAccNamespaceAdopts(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	ctx := context.WithoutCancel(t.Context())
	large := topicWith(`partitions = 9`)
	namespace := namespaceWith(d, limits)
	first := providertest.Connections(d) + regexp.MustCompile(`  depends_on.*`).ReplaceAllString(large, "")
	test(t,
		providertest.Applied(first),
		// It has more than is allowed, keeps it, and can still be changed otherwise.
		providertest.Applied(namespace+large),
		providertest.Unchanged(namespace+large),
		providertest.Applied(namespace+topicWith("partitions = 9\n  description = \"large\"")),
		resource.TestStep{Config: namespace + topicWith("partitions = 10"), ExpectError: regexp.MustCompile(`allows\s+partitions\s+of\s+at\s+most\s+6`)},
		// Without the namespace the topic stays.
		resource.TestStep{Config: first, Check: func(*terraform.State) error {
			_, err := d.Client.GetTopic(ctx, "main", "payments.orders")
			return err
		}},
	)
}

func TestAccNamespaceDataSources(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := namespaceWith(d, limits) + `
data "headgate_namespace" "payments" { name = headgate_namespace.payments.name }
data "headgate_namespaces" "all" { depends_on = [headgate_namespace.payments] }
`
	test(t, providertest.Applied(config,
		resource.TestCheckResourceAttr("data.headgate_namespace.payments", "topic_prefix", "payments."),
		resource.TestCheckResourceAttr("data.headgate_namespace.payments", "limits.partitions", "6"),
		resource.TestCheckResourceAttr("data.headgate_namespaces.all", "namespaces.#", "1"),
		resource.TestCheckResourceAttr("data.headgate_namespaces.all", "namespaces.0.limits.retention", "240h"),
		resource.TestCheckResourceAttr("data.headgate_namespaces.all", "namespaces.0.name", "payments"),
	), providertest.Unchanged(config))
}
