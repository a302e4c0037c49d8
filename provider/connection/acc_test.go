package connection_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const address = "headgate_connection.main"

// connection declares one connection, main, with the given attributes.
func connection(d *acctest.Daemon, attributes string) string {
	return providertest.Provider(d) + "resource \"headgate_connection\" \"main\" {\n  name = \"main\"\n" + attributes + "\n}\n"
}

func kafka(d *acctest.Daemon, more string) string {
	return fmt.Sprintf("  kafka = {\n    bootstrap_servers = %s\n    security_protocol = \"PLAINTEXT\"\n    %s\n  }", providertest.List(d.Kafka), more)
}

// secretive is a connection with a secret, which is not tried.
func secretive(d *acctest.Daemon, password string, version int, username string) string {
	return connection(d, fmt.Sprintf(`
  kafka = {
    bootstrap_servers = ["127.0.0.1:1"]
    sasl = {
      mechanism           = "SCRAM-SHA-512"
      username            = %q
      password_wo         = %q
      password_wo_version = %d
    }
  }
  test = false`, username, password, version))
}

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

func TestAccConnectionLives(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	first := connection(d, kafka(d, ""))
	second := connection(d, fmt.Sprintf("  kafka = {\n    bootstrap_servers = [%q]\n    security_protocol = \"PLAINTEXT\"\n  }\n  test = false", strings.Split(d.Kafka, ",")[0]))
	other := connection(d, fmt.Sprintf("  schema_registry = { url = %q }", d.RegistryURL))
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, first,
			resource.TestCheckResourceAttr(address, "test", "true"),
			resource.TestCheckNoResourceAttr(address, "kafka.tls"),
		),
		providertest.Unchanged(first),
		providertest.Does(plancheck.ResourceActionUpdate, address, second, resource.TestCheckResourceAttr(address, "kafka.bootstrap_servers.#", "1")),
		providertest.Unchanged(second),
		providertest.Does(plancheck.ResourceActionReplace, address, other, resource.TestCheckNoResourceAttr(address, "kafka")),
		providertest.Unchanged(other),
		providertest.Does(plancheck.ResourceActionReplace, address, strings.ReplaceAll(other, `name = "main"`, `name = "other"`), resource.TestCheckResourceAttr(address, "name", "other")),
	)
}

func TestAccConnectionSecrets(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	first := secretive(d, "hunter-one", 1, "platform")
	rotated := secretive(d, "hunter-two", 2, "platform")
	test(t,
		providertest.Applied(first, noSecret("hunter-one"), resource.TestCheckResourceAttr(address, "kafka.sasl.password_wo_version", "1")),
		providertest.Unchanged(first),
		// Terraform cannot see that a write-only value changed: only the version tells.
		providertest.Unchanged(secretive(d, "hunter-two", 1, "platform")),
		providertest.Does(plancheck.ResourceActionUpdate, address, rotated, noSecret("hunter-two")),
		providertest.Unchanged(rotated),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name", ImportStateVerifyIgnore: []string{"test"}},
		resource.TestStep{Config: strings.ReplaceAll(rotated, "password_wo_version = 2", ""), ExpectError: regexp.MustCompile(`password_wo_version"\s+must\s+be\s+specified`)},
		resource.TestStep{Config: strings.ReplaceAll(rotated, "password_wo ", "password "), ExpectError: regexp.MustCompile(`password`)},
		providertest.Unchanged(rotated),
	)
}

func noSecret(secret string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		raw, err := json.Marshal(state)
		if err != nil {
			return err
		}
		if strings.Contains(string(raw), secret) {
			return fmt.Errorf("the secret is in state: %s", raw)
		}
		return nil
	}
}

// A connection that leads to another cluster plans nothing by its id alone; the plan tells the way, and of everything behind it.
func TestAccConnectionToAnotherCluster(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := func(servers string) string {
		return connection(d, fmt.Sprintf("  kafka = {\n    bootstrap_servers = %s\n    security_protocol = \"PLAINTEXT\"\n  }", providertest.List(servers))) + `
resource "headgate_topic" "orders" {
  connection_name     = headgate_connection.main.name
  name                = "orders"
  deletion_protection = false
}
resource "headgate_topic_set" "more" {
  connection_name = headgate_connection.main.name
  topics          = { more = { deletion_protection = false } }
}
data "headgate_connection" "main" {
  name = headgate_connection.main.name
}
`
	}
	cli := providertest.NewCLI(t, config(d.Kafka))
	step := func(args ...string) providertest.Outcome {
		t.Helper()
		out := cli.Run(args[0], args[1:]...)
		if out.Code != 0 {
			t.Fatal(out)
		}
		return out
	}
	wants := func(out providertest.Outcome, changes map[string]string, warned map[string]string) {
		t.Helper()
		if !maps.Equal(out.Changes, changes) {
			t.Errorf("planned %v, want %v", out.Changes, changes)
		}
		for address, words := range warned {
			if !slices.ContainsFunc(out.Diagnostics, func(d providertest.Diagnostic) bool {
				return d.Severity == "warning" && d.Address == address && regexp.MustCompile(words).MatchString(d.Summary+" "+d.Detail)
			}) {
				t.Errorf("nothing about %s that matches %q: %s", address, words, out)
			}
		}
	}
	step("apply", "-auto-approve")
	wants(step("plan"), map[string]string{}, nil)
	first, err := d.Client.GetConnection(t.Context(), "main")
	if err != nil || first.ClusterID == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	cli.Write(config(strings.Split(d.Kafka, ",")[0]))
	if out := step("apply", "-auto-approve"); slices.ContainsFunc(out.Diagnostics, func(d providertest.Diagnostic) bool { return strings.Contains(d.Summary, "cluster") }) {
		t.Errorf("another address of the same cluster: %s", out)
	}
	cli.Write(config(d.Kafka2))
	wants(step("plan"), map[string]string{address: "update", "data.headgate_connection.main": "read"}, map[string]string{
		address:                   `is to lead to another cluster: ` + first.ClusterID + ` -> [\w-]+`,
		"headgate_topic.orders":   `(?s)is to lead to another cluster.*topic "orders".*` + first.ClusterID + ` -> .*the next plan makes anew`,
		"headgate_topic_set.more": `(?s)is to lead to another cluster.*the topics of the set`,
	})
	step("apply", "-auto-approve")
	wants(step("plan"), map[string]string{"headgate_topic.orders": "create", "headgate_topic_set.more": "update"}, nil)
	step("apply", "-auto-approve")
	wants(step("plan"), map[string]string{}, nil)
	step("apply", "-destroy", "-auto-approve")
}

func TestAccConnectionImport(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connection(d, kafka(d, "")) + "import {\n  to = headgate_connection.main\n  id = \"main\"\n}\n"
	test(t,
		resource.TestStep{PreConfig: func() { d.ConnectKafka(t) }, Config: connection(d, kafka(d, "")), ExpectError: regexp.MustCompile(`(?s)already exists.*terraform\s+import\s+headgate_connection.<name>\s+'main'`)},
		providertest.Does(plancheck.ResourceActionNoop, address, config),
		providertest.Unchanged(config),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "nothing", ExpectError: regexp.MustCompile(`(?s)does not exist.*nothing to\s+import by the id`)},
	)
}

func TestAccConnectionRefusesBadInput(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	declared := func(attributes map[string]string) string {
		all := providertest.Provider(d)
		for name, own := range attributes {
			all += fmt.Sprintf("resource \"headgate_connection\" %q {\n  name = %q\n%s\n}\n", name, name, own)
		}
		return all
	}
	t.Run("without asking the daemon", func(t *testing.T) {
		providertest.Refused(t, "", declared(map[string]string{
			"UPPER":    kafka(d, ""),
			"nothing":  "",
			"two":      kafka(d, "") + "\n  schema_registry = { url = \"http://x\" }",
			"protocol": `kafka = { bootstrap_servers = ["x:1"], security_protocol = "plain" }`,
			"empty":    `kafka = { bootstrap_servers = [] }`,
			"url":      `schema_registry = { url = "x:8081" }`,
		}), map[string]string{
			"headgate_connection.UPPER":    `lower-case letters`,
			"headgate_connection.nothing":  `(?s)No kind is given.*kafka,.*schema_registry`,
			"headgate_connection.two":      `More than one kind is given`,
			"headgate_connection.protocol": `must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL`,
			"headgate_connection.empty":    `at least 1 item`,
			"headgate_connection.url":      `must match`,
		})
	})
	t.Run("as the systems say", func(t *testing.T) {
		providertest.Refused(t, "", declared(map[string]string{
			"host":    `kafka = { bootstrap_servers = ["no-such-host.invalid:9092"], security_protocol = "PLAINTEXT" }`,
			"port":    `kafka = { bootstrap_servers = ["127.0.0.1:1"], security_protocol = "PLAINTEXT" }`,
			"sasl":    `kafka = { bootstrap_servers = ["127.0.0.1:1"], security_protocol = "SASL_SSL" }`,
			"decoder": `kafka = { bootstrap_servers = ["127.0.0.1:1"], security_protocol = "PLAINTEXT", schema_registry = "decoder" }`,
		}), map[string]string{
			"headgate_connection.host":    `(?i)no-such-host`,
			"headgate_connection.port":    `(?i)refused|127\.0\.0\.1:1`,
			"headgate_connection.sasl":    `(?i)sasl`,
			"headgate_connection.decoder": `names itself`,
		})
	})
}

// A tainted connection goes first. That something else uses it is the apply's to say: it may go before.
func TestAccConnectionTainted(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connection(d, kafka(d, ""))
	replaced := providertest.Does(plancheck.ResourceActionReplace, address, config, resource.TestCheckResourceAttr(address, "kafka.bootstrap_servers.#", "3"))
	replaced.Taint = []string{address}
	test(t, providertest.Applied(config), replaced, providertest.Unchanged(config))
}

// A renamed resource without a moved block would be deleted and created in any order.
func TestAccConnectionResourceRenamed(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := secretive(d, "hunter-one", 1, "platform")
	renamed := strings.ReplaceAll(config, `"headgate_connection" "main"`, `"headgate_connection" "renamed"`)
	moved := renamed + "\nmoved {\n  from = headgate_connection.main\n  to   = headgate_connection.renamed\n}\n"
	test(t,
		providertest.Applied(config),
		// Terraform looks at the old and the new address in either order. Only when the old one was read first is it known that
		// this plan also deletes the connection.
		resource.TestStep{Config: renamed, ExpectError: regexp.MustCompile(`(?s)both creates and deletes the connection "main".*moved {|Connection "main" already exists`)},
		providertest.Unchanged(moved),
	)
}

// A connection and what refers to it, and what that refers to, are planned together although none of them is there yet.
func TestAccConnectionsOfOnePlan(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connection(d, kafka(d, "schema_registry = headgate_connection.registry.name")) + registry(d) + `
resource "headgate_topic" "orders" {
  connection_name     = headgate_connection.main.name
  name                = "orders"
  deletion_protection = false
}
`
	test(t, providertest.Applied(config), providertest.Unchanged(config))
}

// Which kind it is may be known only when it is applied.
func TestAccConnectionUnknownKind(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := connection(d, "  schema_registry = terraform_data.later.output") + fmt.Sprintf("resource \"terraform_data\" \"later\" {\n  input = { url = %q }\n}\n", d.RegistryURL)
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, config, resource.TestCheckResourceAttr(address, "schema_registry.url", d.RegistryURL)),
		providertest.Unchanged(config),
	)
}

func TestAccConnectionInUse(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	using := connection(d, kafka(d, "schema_registry = headgate_connection.registry.name")) + registry(d)
	notUsing := connection(d, kafka(d, `schema_registry = "registry"`))
	test(t,
		// Both are created, and destroyed at the end, in one apply each.
		providertest.Applied(using),
		providertest.Unchanged(using),
		resource.TestStep{Config: notUsing, ExpectError: regexp.MustCompile(`(?s)Connection "registry" is in use.*connection "main"`)},
		providertest.Applied(using),
	)
}

func TestAccConnectionDataSources(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := secretive(d, "hunter-one", 4, "platform") + registry(d) + `
data "headgate_connection" "main" {
  name = headgate_connection.main.name
}
data "headgate_connection_test" "main" {
  name = headgate_connection.main.name
}
data "headgate_connection_test" "registry" {
  name = headgate_connection.registry.name
}
`
	test(t, providertest.Applied(config,
		resource.TestCheckResourceAttr("data.headgate_connection.main", "kind", "kafka"),
		resource.TestCheckResourceAttr("data.headgate_connection.main", "kafka.sasl.username", "platform"),
		resource.TestCheckResourceAttr("data.headgate_connection.main", "kafka.sasl.password_wo_version", "4"),
		resource.TestCheckNoResourceAttr("data.headgate_connection.main", "schema_registry"),
		resource.TestCheckResourceAttr("data.headgate_connection_test.main", "ok", "false"),
		resource.TestCheckResourceAttrSet("data.headgate_connection_test.main", "error.summary"),
		resource.TestCheckResourceAttr("data.headgate_connection_test.registry", "ok", "true"),
		resource.TestCheckResourceAttrSet("data.headgate_connection_test.registry", "steps.0.step"),
		resource.TestCheckResourceAttrSet("data.headgate_connection_test.registry", "steps.0.duration_ms"),
		resource.TestCheckResourceAttr("data.headgate_connection_test.main", "error.attribute", "bootstrap_servers.0"),
		resource.TestCheckResourceAttr("data.headgate_connection_test.main", "warnings.#", "0"),
	))
}

func registry(d *acctest.Daemon) string {
	return fmt.Sprintf("resource \"headgate_connection\" \"registry\" {\n  name = \"registry\"\n  schema_registry = { url = %q }\n}\n", d.RegistryURL)
}

// The provider's configuration may depend on what the same apply makes.
func TestAccUnknownEndpoint(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	late := func(d *acctest.Daemon) string {
		return fmt.Sprintf("resource \"terraform_data\" \"daemon\" {\n  input = %q\n}\n", d.Endpoint) +
			strings.ReplaceAll(connection(d, kafka(d, "")), fmt.Sprintf("endpoint = %q", d.Endpoint), "endpoint = terraform_data.daemon.output")
	}
	config := late(d)
	asking := config + "data \"headgate_connection\" \"main\" {\n  name = \"main\"\n}\n"
	test(t,
		resource.TestStep{Config: asking, ExpectError: regexp.MustCompile(`The daemon is not known yet`)},
		providertest.Applied(config),
		providertest.Unchanged(config),
	)
}

// Every kind of Kafka is one block; what it leaves out plans nothing, and what it keeps secret is imported as set.
func TestAccConnectionPresets(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]string{
		"confluent_cloud": `confluent_cloud = { bootstrap_server = "127.0.0.1:1", api_key = "key", api_secret_wo = "hunter-one", api_secret_wo_version = 1 }`,
		"msk":             `msk = { bootstrap_servers = ["b-1.a.kafka.eu-central-1.amazonaws.com"], iam = {} }`,
		"msk_role":        `msk = { bootstrap_servers = ["127.0.0.1:1"], region = "eu-central-1", iam = { role_arn = "arn:aws:iam::123456789012:role/headgate", external_id = "x" } }`,
		"msk_scram":       `msk = { bootstrap_servers = ["127.0.0.1:1"], scram = { username = "u", password_wo = "hunter-one", password_wo_version = 1 } }`,
		"redpanda":        `redpanda = { bootstrap_servers = ["127.0.0.1:1"], sasl = { username = "u", password_wo = "hunter-one", password_wo_version = 1 }, tls = {} }`,
		"redpanda_tls":    `redpanda = { bootstrap_servers = ["127.0.0.1:1"] }`,
		"event_hubs":      `event_hubs = { namespace = "contoso", connection_string_wo = "Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=hunter;SharedAccessKey=hunter-one", connection_string_wo_version = 1 }`,
		"entra_id":        `event_hubs = { namespace = "contoso", entra_id = { tenant_id = "t", client_id = "c", client_secret_wo = "hunter-one", client_secret_wo_version = 1 } }`,
		"upstash":         `upstash = { endpoint = "127.0.0.1:1", username = "u", password_wo = "hunter-one", password_wo_version = 1 }`,
		"oauthbearer":     `kafka = { bootstrap_servers = ["127.0.0.1:1"], sasl = { mechanism = "OAUTHBEARER", oauth = { token_endpoint = "https://127.0.0.1:1", client_id = "c", client_secret_wo = "hunter-one", client_secret_wo_version = 1, scopes = ["a"], extensions = { logicalCluster = "lkc-1" }, tls = {} } } }`,
		"aws_msk_iam":     `kafka = { bootstrap_servers = ["127.0.0.1:1"], sasl = { mechanism = "AWS_MSK_IAM", aws_region = "eu-central-1" } }`,
		"kinesis":         `kinesis = { region = "eu-central-1", credentials = { access_key_id = "a", secret_access_key_wo = "hunter-one", secret_access_key_wo_version = 1 } }`,
		"kinesis_default": `kinesis = { region = "eu-central-1" }`,
		"glue":            `glue = { region = "eu-central-1", credentials = { role_arn = "arn:aws:iam::123456789012:role/headgate" } }`,
		"apicurio":        `apicurio = { url = "https://127.0.0.1:1/apis/registry/v3", oauth2 = { token_endpoint = "https://127.0.0.1:1", client_id = "c", client_secret_wo = "hunter-one", client_secret_wo_version = 1 } }`,
		"pulsar":          `pulsar = { service_url = "pulsar://127.0.0.1:1", admin_url = "http://127.0.0.1:1", token_wo = "hunter-one", token_wo_version = 1 }`,
		"postgresql":      `postgresql = { host = "127.0.0.1", database = "d", username = "u", password_wo = "hunter-one", password_wo_version = 1 }`,
		"mysql":           `mysql = { host = "127.0.0.1", port = 1, username = "u", password_wo = "hunter-one", password_wo_version = 1, ssl_mode = "REQUIRED" }`,
		"http":            `http = { url = "https://127.0.0.1:1", headers = { "X-Team" = "payments" }, api_key = { key_wo = "hunter-one", key_wo_version = 1 }, probe = {} }`,
		"s3":              `object_storage = { s3 = { bucket = "archive", region = "eu-central-1", credentials = { access_key_id = "a", secret_access_key_wo = "hunter-one", secret_access_key_wo_version = 1 } } }`,
		"s3_own":          `object_storage = { s3 = { bucket = "archive", region = "auto", endpoint = "https://127.0.0.1:1", path_style = true, tls = {} } }`,
		"gcs":             `object_storage = { gcs = { bucket = "archive" } }`,
		"azure_blob":      `object_storage = { azure_blob = { account = "contoso", container = "archive", sas_wo = "sv=2024-11-04&sig=hunter-one", sas_wo_version = 1 } }`,
		"folder":          `object_storage = { folder = { path = "/var/lib/headgate/archive" } }`,
		"gssapi":          `kafka = { bootstrap_servers = ["127.0.0.1:1"], sasl = { mechanism = "GSSAPI", username = "u", password_wo = "hunter-one", password_wo_version = 1, kerberos = { realm = "EXAMPLE.TEST", config = "[libdefaults]\n" } } }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := acctest.Dev(t)
			config := connection(d, "  "+block+"\n  test = false")
			test(t,
				providertest.Does(plancheck.ResourceActionCreate, address, config, noSecret("hunter-one")),
				providertest.Unchanged(config),
				resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name", ImportStateVerifyIgnore: []string{"test"}},
			)
		})
	}
}

// What is wrong with a preset is shown on the preset's own attribute.
func TestAccConnectionPresetsRefuseBadInput(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	declared := providertest.Provider(d)
	for name, block := range map[string]string{
		"half":     `event_hubs = { namespace = "contoso" }`,
		"both":     `msk = { bootstrap_servers = ["b-1.internal"], iam = {}, scram = { username = "u", password_wo = "p", password_wo_version = 1 } }`,
		"region":   `msk = { bootstrap_servers = ["b-1.internal"], iam = {} }`,
		"hub":      `event_hubs = { namespace = "contoso", connection_string_wo = "nonsense", connection_string_wo_version = 1 }`,
		"username": `kafka = { bootstrap_servers = ["x:1"], sasl = { mechanism = "PLAIN", password_wo = "x", password_wo_version = 1 } }`,
		"oauth":    `kafka = { bootstrap_servers = ["x:1"], sasl = { mechanism = "OAUTHBEARER" } }`,
		"header":   `http = { url = "https://127.0.0.1:1", headers = { "Authorization" = "Bearer hunter" } }`,
		"store":    `object_storage = {}`,
		"stores":   `object_storage = { folder = { path = "/x" }, s3 = { bucket = "archive", region = "auto" } }`,
		"sas":      `object_storage = { azure_blob = { account = "contoso", container = "archive" } }`,
		"gone":     `object_storage = { folder = { path = "/there/is/no/such/folder" } }`,
		"key":      `kinesis = { region = "eu-central-1", credentials = { access_key_id = "a" } }`,
		"down":     `confluent_cloud = { bootstrap_server = "127.0.0.1:1", api_key = "key", api_secret_wo = "p", api_secret_wo_version = 1 }`,
	} {
		declared += fmt.Sprintf("resource \"headgate_connection\" %q {\n  name = %q\n  %s\n}\n", name, name, block)
	}
	providertest.Refused(t, "", declared, map[string]string{
		"headgate_connection.half":     `event_hubs.connection_string \(in Terraform connection_string_wo\) is required, unless\s+entra_id is given`,
		"headgate_connection.both":     `scram cannot be used together with iam`,
		"headgate_connection.region":   `region is required: the name of the bootstrap server does not tell`,
		"headgate_connection.hub":      `connection_string \(in Terraform connection_string_wo\) is not a\s+connection string of Event Hubs`,
		"headgate_connection.username": `kafka.sasl.username is required with mechanism PLAIN`,
		"headgate_connection.oauth":    `sasl.oauth is required with mechanism OAUTHBEARER`,
		"headgate_connection.header":   `looks\s+like\s+a\s+credential`,
		"headgate_connection.store":    `s3 is required, unless gcs, azure_blob or folder is given`,
		"headgate_connection.stores":   `folder cannot be used together with s3`,
		"headgate_connection.sas":      `account_key \(in Terraform account_key_wo\) is required, unless connection_string or sas is\s+given`,
		"headgate_connection.gone":     `there is no folder /there/is/no/such/folder`,
		"headgate_connection.key":      `secret_access_key \(in Terraform secret_access_key_wo\)\s+is required with\s+access_key_id`,
		"headgate_connection.down":     `nothing listens on this port`,
	})
}
