package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// terraform is a real CLI in a folder of its own, with the provider built from here.
type terraform struct {
	tb      testing.TB
	program string
	dir     string
	env     []string
}

const requiredProvider = `terraform {
  required_providers {
    headgate = { source = "headgate/headgate" }
  }
}

provider "headgate" {}
`

func newTerraform(tb testing.TB, d *daemon, config string) *terraform {
	tb.Helper()
	t := &terraform{tb: tb, program: acctest.TerraformCLI(tb), dir: tb.TempDir()}
	t.env = cleanEnv("TF_CLI_CONFIG_FILE="+overrides(tb, t.dir), "TF_IN_AUTOMATION=1", "HEADGATE_ENDPOINT="+d.endpoint(), "HEADGATE_TOKEN="+token)
	t.write(config)
	return t
}

// overrides writes a CLI configuration that takes the provider built from here.
func overrides(tb testing.TB, dir string) string {
	tb.Helper()
	rc := filepath.Join(dir, "cli.tfrc")
	must(tb, os.WriteFile(rc, fmt.Appendf(nil, "disable_checkpoint = true\nprovider_installation {\n  dev_overrides {\n    \"headgate/headgate\" = %q\n  }\n  direct {}\n}\n", providerDir(tb)), 0o600))
	return rc
}

func (t *terraform) write(config string) {
	t.tb.Helper()
	must(t.tb, os.WriteFile(filepath.Join(t.dir, "main.tf"), []byte(requiredProvider+config), 0o600))
}

func (t *terraform) run(args ...string) outcome {
	t.tb.Helper()
	return run(t.tb, t.env, t.dir, t.program, args...)
}

func (t *terraform) apply() {
	t.tb.Helper()
	if out := t.run("apply", "-auto-approve", "-input=false", "-no-color"); out.code != 0 {
		t.tb.Fatalf("apply ended with %d:\n%s", out.code, out.all())
	}
}

// emptyPlan wants a plan without changes.
func (t *terraform) emptyPlan() {
	t.tb.Helper()
	if out := t.run("plan", "-detailed-exitcode", "-input=false", "-no-color"); out.code != 0 {
		t.tb.Fatalf("plan ended with %d:\n%s", out.code, out.all())
	}
}

// resources lists what is in the state.
func (t *terraform) resources() []string {
	t.tb.Helper()
	out := t.run("state", "list")
	if out.code != 0 {
		t.tb.Fatalf("state list ended with %d:\n%s", out.code, out.all())
	}
	return strings.Fields(out.stdout)
}

func hclList(values []string) string {
	raw, _ := json.Marshal(values)
	return string(raw)
}

func plaintextConnection(name string, servers []string) string {
	return fmt.Sprintf("resource \"headgate_connection\" %q {\n  name = %q\n  kafka = {\n    bootstrap_servers = %s\n    security_protocol = \"PLAINTEXT\"\n  }\n}\n", name, name, hclList(servers))
}

func topics(prefix string, n int) string {
	return fmt.Sprintf(`resource "headgate_topic" "all" {
  count               = %d
  connection_name     = headgate_connection.main.name
  name                = "%s-${count.index}"
  partitions          = 1
  replication_factor  = 1
  deletion_protection = false
}
`, n, prefix)
}

// Nothing that cannot be read is taken for absent: while the broker, the registry or the daemon is down a plan fails, naming
// everything that it could not read, and the state keeps everything. What is back plans nothing.
func TestRealOutage(t *testing.T) {
	broker := real.Dedicated(t, real.KafkaOptions{})
	servers := broker.BootstrapServers(real.ListenerPlaintext)
	apicurio, registry := real.Shared(t).Apicurio, &acctest.Gate{}
	d := serve(t)
	subject := real.Name(t)
	tf := newTerraform(t, d, plaintextConnection("main", servers)+topics("outage", 5)+fmt.Sprintf(`
resource "headgate_topic_set" "more" {
  connection_name = headgate_connection.main.name
  topics          = { more = { partitions = 1, replication_factor = 1, deletion_protection = false } }
}

resource "headgate_acl" "orders" {
  connection_name = headgate_connection.main.name
  principal       = "User:orders"
  rules           = { reads = { resource_type = "TOPIC", resource_name = "orders", operations = ["READ"] } }
}

resource "headgate_scram_user" "orders" {
  connection_name     = headgate_connection.main.name
  username            = "orders"
  password_wo         = "hunter-two"
  password_wo_version = 1
}

resource "headgate_client_quota" "orders" {
  connection_name    = headgate_connection.main.name
  user               = "orders"
  producer_byte_rate = "10MiB"
}

resource "headgate_connection" "registry" {
  name            = "registry"
  schema_registry = { url = %q }
}

resource "headgate_schema" "order" {
  connection_name = headgate_connection.registry.name
  subject         = %q
  schema          = jsonencode({ type = "record", name = "Order", fields = [{ name = "id", type = "string" }] })
}

resource "headgate_schema_registry_settings" "all" {
  connection_name = headgate_connection.registry.name
}

resource "headgate_namespace" "payments" {
  name         = "payments"
  topic_prefix = "payments."
}

resource "headgate_consumer_group_offsets" "replay" {
  connection_name = headgate_connection.main.name
  group           = "replay"
  topics          = [headgate_topic.all[1].name]
  to              = "earliest"
}

resource "headgate_source_connector" "copy" {
  name = "copy"
  kafka = {
    connection = headgate_connection.main.name
    topics     = [headgate_topic.all[0].name]
  }
  destination = {
    connection   = headgate_connection.main.name
    topic_prefix = "copy."
  }
}
`, registry.Before(t, apicurio.URL())+strings.TrimPrefix(apicurio.CompatURL(), apicurio.URL()), subject))
	tf.apply()
	tf.emptyPlan()
	before := tf.resources()
	if len(before) != 16 {
		t.Fatalf("the state has %q", before)
	}
	inKafka := []string{
		"headgate_topic.all[0]", "headgate_topic.all[1]", "headgate_topic.all[2]", "headgate_topic.all[3]", "headgate_topic.all[4]",
		"headgate_topic_set.more", "headgate_acl.orders", "headgate_scram_user.orders", "headgate_client_quota.orders",
	}

	must(t, broker.KillBroker(0))
	// What was read a moment ago is still fresh.
	d.eventually("the daemon notices", time.Minute, func() (string, bool) {
		_, err := d.client.GetTopic(t.Context(), "main", "outage-0")
		return fmt.Sprint(err), err != nil
	})
	tf.outage("the broker", `connection "main"`, inKafka...)
	if out := tf.run("apply", "-auto-approve", "-input=false", "-no-color"); out.code == 0 {
		t.Errorf("with the broker down the apply succeeded:\n%s", out.all())
	}
	must(t, broker.StartBroker(t.Context(), 0))
	d.waitState("copy", "running")
	tf.emptyPlan()

	registry.Shut()
	tf.outage("the registry", `connection "registry"`, "headgate_schema.order", "headgate_schema_registry_settings.all")
	registry.Open()
	tf.emptyPlan()

	d.stop()
	// Terraform does not go on to what is behind a connection that it cannot read.
	tf.outage("the daemon", "Cannot reach the Headgate daemon", "headgate_connection.main", "headgate_connection.registry")
	d.start()
	tf.emptyPlan()
	if after := tf.resources(); !slices.Equal(after, before) {
		t.Errorf("the state has %q, before the outages %q", after, before)
	}
}

// outage wants a plan and a refresh to fail, with words about each of the addresses, and the state to keep everything.
func (t *terraform) outage(of, words string, addresses ...string) {
	t.tb.Helper()
	before := t.resources()
	began := time.Now()
	for _, args := range [][]string{{"plan", "-detailed-exitcode"}, {"apply", "-refresh-only", "-auto-approve"}} {
		out := t.run(append(args, "-input=false", "-no-color")...)
		said := flat(out.stderr)
		if out.code != 1 || !strings.Contains(said, words) {
			t.tb.Errorf("without %s %s ended with %d, want %q in what it says:\n%s", of, args[0], out.code, words, out.all())
		}
		for _, address := range addresses {
			if !strings.Contains(said, "with "+address+",") {
				t.tb.Errorf("without %s %s says nothing about %s:\n%s", of, args[0], address, said)
			}
		}
		if strings.Contains(out.stdout, "will be created") || strings.Contains(out.stdout, "has been deleted") {
			t.tb.Errorf("without %s something is taken for absent:\n%s", of, out.stdout)
		}
	}
	t.tb.Logf("without %s a plan and a refresh failed after %s", of, time.Since(began).Round(time.Second))
	if after := t.resources(); !slices.Equal(after, before) {
		t.tb.Errorf("without %s the state has %q, before it had %q", of, after, before)
	}
}

// flat undoes the line breaks and frames of the CLI's messages.
func flat(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' || r == '│' }), " ")
}

// A daemon that is killed in the middle of an apply leaves some topics made and not told: the next apply takes them
// over. Once it comes back while the provider still tries, once only for the next apply.
func TestRealKilledDuringApply(t *testing.T) {
	cluster := real.Shared(t).Kafka
	servers := cluster.BootstrapServers(real.ListenerPlaintext)
	outside := newKafka(t, servers)
	for _, tt := range []struct {
		name    string
		restart bool // at once
	}{{"back at once", true}, {"back for the next apply", false}} {
		t.Run(tt.name, func(t *testing.T) {
			const n = 80 // so many that the daemon does not make them all before it is killed
			d := serve(t)
			prefix := strings.ToLower(real.Name(t))
			tf := newTerraform(t, d, plaintextConnection("main", servers)+topics(prefix, n))
			applied := make(chan outcome, 1)
			go func() { applied <- tf.run("apply", "-auto-approve", "-input=false", "-no-color") }()
			made := outside.waitTopics(t, prefix, 5)
			d.kill()
			if tt.restart {
				d.start()
			}
			first := <-applied
			if made >= n {
				t.Errorf("the daemon was killed after all %d topics were made", made)
			}
			if !tt.restart {
				if first.code == 0 {
					t.Errorf("the apply succeeded without a daemon:\n%s", first.all())
				}
				d.start()
			}
			t.Logf("killed with %d of %d topics made; the apply ended with %d and %d in the state", made, n, first.code, len(tf.resources())-1)
			tf.apply()
			tf.emptyPlan()
			if have := len(tf.resources()); have != n+1 {
				t.Errorf("%d resources in the state, want %d", have, n+1)
			}
			if out := tf.run("destroy", "-auto-approve", "-input=false", "-no-color"); out.code != 0 {
				t.Errorf("destroy ended with %d:\n%s", out.code, out.all())
			}
			if left := outside.countTopics(t, prefix); left != 0 {
				t.Errorf("%d topics are left", left)
			}
		})
	}
}

// waitTopics waits until at least n topics with a prefix are there, and answers how many.
func (k *kafka) waitTopics(t *testing.T, prefix string, n int) int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		found := k.countTopics(t, prefix)
		if found >= n {
			return found
		}
		if time.Now().After(deadline) {
			t.Fatal("only " + strconv.Itoa(found) + " topics after a minute")
		}
	}
}

func (k *kafka) countTopics(t *testing.T, prefix string) int {
	t.Helper()
	all, err := k.admin.ListTopics(t.Context())
	must(t, err)
	n := 0
	for name := range all {
		if strings.HasPrefix(name, prefix) {
			n++
		}
	}
	return n
}

// The broker dies during an apply: the apply fails and says why, and once the broker is back the next one converges,
// whatever the broker had made without being able to say so.
func TestRealBrokerDiesDuringApply(t *testing.T) {
	const n = 80 // so many that the broker does not make them all before it is killed
	broker := real.Dedicated(t, real.KafkaOptions{})
	servers := broker.BootstrapServers(real.ListenerPlaintext)
	outside := newKafka(t, servers)
	d := serve(t)
	tf := newTerraform(t, d, plaintextConnection("main", servers)+topics("half-way", n))
	applied := make(chan outcome, 1)
	go func() { applied <- tf.run("apply", "-auto-approve", "-input=false", "-no-color") }()
	made := outside.waitTopics(t, "half-way", 5)
	must(t, broker.KillBroker(0))
	first := <-applied
	if made >= n || first.code == 0 {
		t.Fatalf("the broker was killed with %d of %d topics made, and the apply ended with %d", made, n, first.code)
	}
	if text := flat(first.all()); !strings.Contains(text, `connection "main"`) {
		t.Errorf("the apply does not name the connection:\n%s", first.all())
	}
	t.Logf("killed with %d of %d topics made; %d resources in the state", made, n, len(tf.resources()))
	must(t, broker.StartBroker(t.Context(), 0))
	tf.apply()
	tf.emptyPlan()
	if have := len(tf.resources()); have != n+1 {
		t.Errorf("%d resources in the state, want %d", have, n+1)
	}
}
