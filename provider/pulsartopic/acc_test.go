package pulsartopic_test

import (
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const (
	address = "headgate_pulsar_topic.orders"
	orders  = "persistent://public/default/orders"
)

// cluster is a Pulsar and a daemon that is to reach it.
type cluster struct {
	*acctest.Daemon

	pulsar *real.Pulsar
	token  string
	// gate stands before Pulsar's admin API, at adminURL.
	gate     *acctest.Gate
	adminURL string
}

func (c *cluster) connection() string {
	return providertest.Provider(c.Daemon) + fmt.Sprintf(`
resource "headgate_connection" "pulsar" {
  name = "pulsar"
  pulsar = {
    service_url      = %q
    admin_url        = %q
    token_wo         = %q
    token_wo_version = 1
  }
}
`, c.pulsar.ServiceURL(), c.adminURL, c.token)
}

func (c *cluster) topic(name, attributes string) string {
	return c.connection() + fmt.Sprintf(`
resource "headgate_pulsar_topic" "orders" {
  connection_name = headgate_connection.pulsar.name
  name            = %q
  %s
}
`, name, attributes)
}

// admin asks Pulsar's own API.
func (c *cluster) admin(t *testing.T, method, path, body string) {
	t.Helper()
	c.ask(t, method, "/admin/v2/"+path, body)
}

func (c *cluster) ask(t *testing.T, method, path, body string) {
	t.Helper()
	if _, err := providertest.Ask(t.Context(), method, c.pulsar.AdminURL()+path, c.token, body); err != nil {
		t.Fatal(err)
	}
}

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

func TestRealPulsarTopics(t *testing.T) {
	pulsar := real.DedicatedPulsar(t)
	token, err := pulsar.Token("admin")
	if err != nil {
		t.Fatal(err)
	}
	start := func(t *testing.T) *cluster {
		t.Helper()
		gate := &acctest.Gate{}
		return &cluster{Daemon: acctest.Dev(t), pulsar: pulsar, token: token, gate: gate, adminURL: gate.Before(t, pulsar.AdminURL())}
	}
	// The export comes first, while there are no topics of the other tests.
	t.Run("export", func(t *testing.T) { exported(t, start(t)) })
	t.Run("lives", func(t *testing.T) { lives(t, start(t)) })
	t.Run("drift", func(t *testing.T) { drifts(t, start(t)) })
	t.Run("plain and non-persistent", func(t *testing.T) { others(t, start(t)) })
	t.Run("keeps its messages", func(t *testing.T) { keeps(t, start(t)) })
	t.Run("data source", func(t *testing.T) { seen(t, start(t)) })
	t.Run("refusals", func(t *testing.T) { refusals(t, start(t)) })
	t.Run("writers", func(t *testing.T) { writers(t, start(t)) })
	t.Run("rotation", func(t *testing.T) { rotates(t, start(t)) })
}

func lives(t *testing.T, c *cluster) {
	t.Helper()
	const unprotected = "deletion_protection = false\n"
	first := c.topic(orders, "partitions = 3")
	grown := c.topic(orders, "partitions = 5\n  retention = \"36h\"\n  retention_size = \"40GiB\"")
	timed := c.topic(orders, "partitions = 5\n  retention = \"2160m\"")
	sized := c.topic(orders, "partitions = 5\n  retention_size = \"20480MiB\"")
	last := c.topic(orders, unprotected+"  partitions = 5")
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, first, resource.TestCheckNoResourceAttr(address, "retention")),
		providertest.Unchanged(first),
		providertest.Does(plancheck.ResourceActionUpdate, address, grown, resource.TestCheckResourceAttr(address, "partitions", "5")),
		providertest.Unchanged(grown),
		resource.TestStep{Config: first, PlanOnly: true, ExpectError: regexp.MustCompile(`cannot lose partitions`)},
		resource.TestStep{Config: c.topic(orders, "partitions = 0"), PlanOnly: true, ExpectError: regexp.MustCompile(`stays partitioned or not`)},
		resource.TestStep{Config: c.topic(orders, "partitions = 5\n  retention_size = \"1MiB\""), ExpectError: regexp.MustCompile(`(?s)must exceed.*backlog\s+quota.*get-backlog-quotas`)},
		providertest.Applied(timed), providertest.Unchanged(timed),
		providertest.Applied(sized), providertest.Unchanged(sized),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "pulsar/" + orders, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		resource.TestStep{Config: c.connection(), PlanOnly: true, PreConfig: func() {
			c.admin(t, http.MethodPut, "persistent/public/default/orders/subscription/billing", "")
		}, ExpectError: regexp.MustCompile(`(?s)protected from deletion.*billing`)},
		providertest.Applied(last, resource.TestCheckNoResourceAttr(address, "retention_size")), providertest.Unchanged(last),
	)
	if _, err := c.Client.GetPulsarTopic(t.Context(), "pulsar", orders); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("after the destroy: %v", err)
	}
}

// rotates has a robot replaced by another one: tokens and certificates end by their time, or when their role loses its rights.
func rotates(t *testing.T, c *cluster) {
	t.Helper()
	grant := func(name string) {
		c.admin(t, http.MethodPost, "tenants/public", fmt.Sprintf(`{"adminRoles":[%q],"allowedClusters":["standalone"]}`, name))
	}
	for way, tt := range map[string]struct {
		credential func(role string) (providertest.Credential, error)
		kind       func(is providertest.Credential, version int) string
	}{
		"token": {
			func(role string) (providertest.Credential, error) {
				token, err := c.pulsar.Token(role)
				return providertest.Credential{Name: role, Secret: token}, err
			},
			func(is providertest.Credential, version int) string {
				return fmt.Sprintf("pulsar = {\n    service_url = %q\n    admin_url = %q\n    token_wo = %q\n    token_wo_version = %d\n  }", c.pulsar.ServiceURL(), c.adminURL, is.Secret, version)
			},
		},
		"client certificate": {
			func(role string) (providertest.Credential, error) {
				pair, err := c.pulsar.PKI.IssueClient(role)
				return providertest.Credential{Name: string(pair.Cert), Secret: string(pair.Key)}, err
			},
			func(is providertest.Credential, version int) string {
				return fmt.Sprintf("pulsar = {\n    service_url = %q\n    admin_url = %q\n    tls = { ca_certificate = %q, client_certificate = %q, client_key_wo = %q, client_key_wo_version = %d }\n  }",
					c.pulsar.ServiceURLTLS(), c.pulsar.AdminURLTLS(), c.pulsar.PKI.CA.Cert, is.Name, is.Secret, version)
			},
		},
	} {
		t.Run(way, func(t *testing.T) {
			robot := func(role string) providertest.Credential {
				grant(role)
				is, err := tt.credential(role)
				if err != nil {
					t.Fatal(err)
				}
				return is
			}
			providertest.Rotation{
				Kind: tt.kind, First: robot("first-robot"), Change: func(*testing.T) providertest.Credential { return robot("second-robot") },
				Step: api.StepAuthorization, Says: "may not do this",
				Uses: `
resource "headgate_pulsar_topic" "rotated" {
  connection_name     = headgate_connection.rotated.name
  name                = "persistent://public/default/rotated"
  partitions          = 1
  deletion_protection = false
}
`,
			}.Run(t, c.Daemon)
		})
	}
}

// keeps has a retention end under which a message is stored.
func keeps(t *testing.T, c *cluster) {
	t.Helper()
	kept, none := c.topic(orders, `retention = "36h"`), c.topic(orders, "")
	open := c.topic(orders, "deletion_protection = false")
	produce := func() {
		c.ask(t, http.MethodPost, "/topics/persistent/public/default/orders",
			`{"valueSchema":"{\"name\":\"\",\"schema\":\"\",\"type\":\"STRING\",\"properties\":{}}","messages":[{"payload":"hello"}]}`)
	}
	test(t,
		providertest.Applied(kept),
		resource.TestStep{Config: none, PreConfig: produce, ExpectError: regexp.MustCompile(`(?s)protected\s+from\s+losing.*nothing\s+is\s+retained\s+any\s+more.*2160m\s+to\s+none.*deletion_protection\s+=\s+false`)},
		providertest.Applied(c.topic(orders, `retention = "48h"`)),
		providertest.Applied(c.topic(orders, `retention = "24h"`)), // the message is younger
		providertest.Applied(open), providertest.Unchanged(open),
	)
}

func drifts(t *testing.T, c *cluster) {
	t.Helper()
	config := c.topic(orders, "partitions = 2\n  retention = \"48h\"\n  deletion_protection = false")
	changed := providertest.Does(plancheck.ResourceActionUpdate, address, config)
	changed.PreConfig = func() {
		c.admin(t, http.MethodPost, "persistent/public/default/orders/retention", `{"retentionTimeInMinutes":60,"retentionSizeInMB":-1}`)
	}
	deleted := providertest.Does(plancheck.ResourceActionCreate, address, config)
	deleted.PreConfig = func() { c.admin(t, http.MethodDelete, "persistent/public/default/orders/partitions", "") }
	// An outage removes nothing from state.
	out := resource.TestStep{Config: config, PreConfig: c.gate.Shut, ExpectError: regexp.MustCompile(`(?s)connection\s+"pulsar".*(Check|test)`)}
	back := providertest.Unchanged(config)
	back.PreConfig = c.gate.Open
	test(t, providertest.Applied(config), out, back, changed, providertest.Unchanged(config), deleted, providertest.Unchanged(config))
}

func others(t *testing.T, c *cluster) {
	t.Helper()
	plain := c.topic("persistent://public/default/plain", "deletion_protection = false\n  retention = \"unlimited\"")
	fleeting := c.topic("non-persistent://public/default/fleeting", "deletion_protection = false\n  partitions = 1")
	test(t,
		providertest.Applied(plain, resource.TestCheckResourceAttr(address, "partitions", "0")), providertest.Unchanged(plain),
		providertest.Does(plancheck.ResourceActionReplace, address, fleeting), providertest.Unchanged(fleeting),
	)
}

// seen looks at a topic that is declared, and at one that others made.
func seen(t *testing.T, c *cluster) {
	t.Helper()
	c.admin(t, http.MethodPut, "persistent/public/default/seen/partitions", "2")
	look := func(label, name string) string {
		return fmt.Sprintf("data \"headgate_pulsar_topic\" %q {\n  connection_name = headgate_connection.pulsar.name\n  name = %s\n}\n", label, name)
	}
	const own, theirs = "data.headgate_pulsar_topic.own", "data.headgate_pulsar_topic.theirs"
	config := c.topic(orders, "partitions = 3\n  retention = \"36h\"\n  deletion_protection = false") +
		look("own", "headgate_pulsar_topic.orders.name") + look("theirs", `"persistent://public/default/seen"`)
	test(t,
		providertest.Applied(config,
			resource.TestCheckResourceAttr(own, "partitions", "3"), resource.TestCheckResourceAttr(own, "retention", "2160m"),
			resource.TestCheckResourceAttr(own, "retention_size", "unlimited"), resource.TestCheckResourceAttr(own, "deletion_protection", "false"),
			resource.TestCheckResourceAttr(theirs, "partitions", "2"), resource.TestCheckNoResourceAttr(theirs, "retention"),
			resource.TestCheckNoResourceAttr(theirs, "retention_size"), resource.TestCheckResourceAttr(theirs, "deletion_protection", "true"),
		),
		providertest.Unchanged(config),
		resource.TestStep{Config: config + look("none", `"persistent://public/default/nothing"`), ExpectError: regexp.MustCompile(`(?s)nothing"\s+does\s+not\s+exist`)},
	)
}

// connect declares the connection without Terraform.
func (c *cluster) connect(t *testing.T) {
	t.Helper()
	spec := fmt.Appendf(nil, `{"service_url":%q,"admin_url":%q,"token":%q}`, c.pulsar.ServiceURL(), c.adminURL, c.token)
	if _, err := c.Client.PutConnection(t.Context(), "pulsar", api.ConnectionWrite{Kind: "pulsar", Spec: spec}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// What is exported is taken over as it is.
func exported(t *testing.T, c *cluster) {
	t.Helper()
	c.connect(t)
	for name, body := range map[string]api.PulsarTopicWrite{
		"persistent://public/default/exported":       {},
		"persistent://public/default/exported-both":  {Partitions: 2, Retention: "36h", RetentionSize: "40GiB"},
		"persistent://public/default/exported-size":  {RetentionSize: "20480MiB"},
		"persistent://public/default/exported-time":  {Partitions: 1, Retention: "2160m"},
		"persistent://public/default/exported-ever":  {Retention: api.Unlimited},
		"non-persistent://public/default/exported-1": {Partitions: 1},
	} {
		body.DeletionProtection = new(false)
		if _, err := c.Client.PutPulsarTopic(t.Context(), "pulsar", name, body, api.WriteOptions{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	config := providertest.Provider(c.Daemon) + c.Export(t, "pulsar")
	test(t, providertest.Unchanged(config), providertest.Unchanged(config))
}

func refusals(t *testing.T, c *cluster) {
	t.Helper()
	c.admin(t, http.MethodPut, "persistent/public/default/theirs/partitions", "2")
	declared := ""
	for name, attributes := range map[string]string{
		"fleeting": `name = "non-persistent://public/default/a"`,
		"stored":   "name = \"non-persistent://public/default/b\"\n  partitions = 1\n  retention = \"1h\"",
		"seconds":  "name = \"persistent://public/default/c\"\n  retention = \"90s\"",
		"bytes":    "name = \"persistent://public/default/d\"\n  retention_size = \"1000\"",
		"theirs":   `name = "persistent://public/default/theirs"`,
		"part":     `name = "persistent://public/default/theirs-partition-0"`,
	} {
		declared += fmt.Sprintf("resource \"headgate_pulsar_topic\" %q {\n  connection_name = headgate_connection.pulsar.name\n  %s\n}\n", name, attributes)
	}
	providertest.Refused(t, c.connection(), c.connection()+declared, map[string]string{
		"headgate_pulsar_topic.fleeting": `without partitions cannot be declared`,
		"headgate_pulsar_topic.stored":   `non-persistent topic retains nothing`,
		"headgate_pulsar_topic.seconds":  `retention is not possible`,
		"headgate_pulsar_topic.bytes":    `retention size is not possible`,
		"headgate_pulsar_topic.theirs":   `(?s)already exists.*pulsar/persistent://public/default/theirs`,
		"headgate_pulsar_topic.part":     `name is not that of a topic`,
	})
}

// writers are ten at once that have all read the same: one is heard, the others are told, and nothing is overwritten unseen.
func writers(t *testing.T, c *cluster) {
	t.Helper()
	const contested = "persistent://public/default/contested"
	c.connect(t)
	kept := func(writer int) string { return fmt.Sprintf("%dm", 60+writer) }
	put := func(writer int, opts api.WriteOptions) error {
		_, err := c.Client.PutPulsarTopic(t.Context(), "pulsar", contested, api.PulsarTopicWrite{Partitions: 2, Retention: kept(writer), DeletionProtection: new(bool)}, opts)
		return err
	}
	if err := put(0, api.WriteOptions{CreateOnly: true}); err != nil {
		t.Fatal(err)
	}
	read, err := c.Client.GetPulsarTopic(t.Context(), "pulsar", contested)
	if err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 11)
	var all sync.WaitGroup
	for w := 1; w <= 10; w++ {
		all.Go(func() { errs[w] = put(w, api.WriteOptions{Generation: read.Generation}) })
	}
	all.Wait()
	var heard []string
	for w := 1; w <= 10; w++ {
		if errs[w] == nil {
			heard = append(heard, kept(w))
		} else if !api.HasCode(errs[w], api.CodeConflict) {
			t.Errorf("writer %d: %v", w, errs[w])
		}
	}
	listed(t, c, contested)
	now, err := c.Client.GetPulsarTopic(t.Context(), "pulsar", contested)
	if err != nil {
		t.Fatal(err)
	}
	if len(heard) != 1 || now.Retention != heard[0] {
		t.Errorf("heard were %v, and the retention is %s", heard, now.Retention)
	}
	if _, err := c.Client.DeletePulsarTopic(t.Context(), "pulsar", contested, api.WriteOptions{Generation: now.Generation}); err != nil {
		t.Error(err)
	}
}

// listed wants a topic to be listed once, with its resource.
func listed(t *testing.T, c *cluster, name string) {
	t.Helper()
	server, schemas := providertest.Configured(t, c.Daemon)
	found := providertest.Query(t, server, schemas, "headgate_pulsar_topic", 100, map[string]tftypes.Value{
		"connection_name": tftypes.NewValue(tftypes.String, "pulsar"), "prefix": tftypes.NewValue(tftypes.String, name),
	})
	if len(found) != 1 || found[0].DisplayName != name || found[0].Resource == nil || found[0].Identity == nil || len(found[0].Diagnostics) > 0 {
		t.Errorf("listed are %+v", found)
	}
}
