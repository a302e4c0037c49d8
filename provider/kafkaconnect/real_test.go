package kafkaconnect_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// The tests of this file share the one worker of a real cluster: the one that kills it runs before the others.

func realDaemon(t *testing.T) *acctest.Daemon {
	t.Helper()
	real.Shared(t)
	if cluster == nil {
		t.Skipf("it runs without %s", acctest.RealEnv)
	}
	return acctest.Dev(t)
}

// realSink declares a connector on the real cluster that writes a file.
func realSink(d *acctest.Daemon, name, file, more string) string {
	return connections(d, cluster.URLs()[0]) + fmt.Sprintf(`
resource "headgate_connector" "shop" {
  connection_name = headgate_connection.connect.name
  name            = %q
  config = {
    "connector.class" = "FileStreamSink"
    "topics"          = %q
    "file"            = %q
  }
  %s
}
`, name, name, file, more)
}

// A sink on a real cluster, from nothing to nothing.
func TestRealAccConnector(t *testing.T) {
	t.Parallel()
	d := realDaemon(t)
	name := real.Name(t)
	out := filepath.Join(t.TempDir(), "out")
	first := realSink(d, name, out, "")
	second := realSink(d, name, out+"2", `state = "paused"`)
	test(t,
		resource.TestStep{Config: realSink(d, name, "/nonexistent/dir/out", ""), ExpectError: regexp.MustCompile(`(?s)was not created.*NoSuchFileException`)},
		providertest.Applied(first, resource.TestCheckResourceAttr(address, "status.state", "running"), resource.TestCheckResourceAttr(address, "status.type", "sink")),
		providertest.Unchanged(first),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name", ImportStateId: "connect/" + name},
		providertest.Does(plancheck.ResourceActionUpdate, address, second, resource.TestCheckResourceAttr(address, "status.state", "paused")),
		providertest.Unchanged(second),
	)
}

// Whatever is set, unset and set again, a second plan is empty.
func TestRealAccConnectorSecondPlan(t *testing.T) {
	d := realDaemon(t)
	name, out := real.Name(t), filepath.Join(t.TempDir(), "out")
	const timeouts = "timeouts = { create = \"1m\", update = \"1m\" }\n"
	test(t,
		providertest.Applied(realSink(d, name, out, timeouts+"state = \"paused\"\n  restart = { max_retries = 3 }")),
		providertest.Applied(realSink(d, name, out, "")),
		providertest.Applied(realSink(d, name, out, timeouts+"state = \"stopped\"\n  restart = { max_retries = 3, backoff = \"1m\" }")),
	)
}

// Apache's own Kafka Connect adds nothing but the name and masks nothing: secrets, and references to them, are shown as
// they were written, and neither makes a plan.
func TestRealAccConnectorSecrets(t *testing.T) {
	t.Parallel()
	d := realDaemon(t)
	name, dir := real.Name(t), t.TempDir()
	properties := filepath.Join(dir, "sink.properties")
	if err := os.WriteFile(properties, []byte("out="+filepath.Join(dir, "out")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := realSink(d, name, fmt.Sprintf("$${file:%s:out}", properties), `
  sensitive_config_wo = {
    "consumer.override.sasl.jaas.config" = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=\"`+password+`\";"
  }
  sensitive_config_wo_version = 1
`) + `
data "headgate_connector" "shop" {
  connection_name = headgate_connector.shop.connection_name
  name            = headgate_connector.shop.name
}
`
	test(t,
		providertest.Applied(config,
			resource.TestCheckResourceAttr(address, "status.state", "running"),
			resource.TestCheckResourceAttr(address, "config.file", fmt.Sprintf("${file:%s:out}", properties)),
			resource.TestCheckResourceAttr(address, "sensitive_keys.0", "consumer.override.sasl.jaas.config"),
			resource.TestCheckResourceAttr("data.headgate_connector.shop", "server_keys.#", "0"),
		),
		providertest.Unchanged(config),
	)
}

// others is what someone else asks of the real cluster, past the daemon. Workers that rebalance refuse, for a while.
func others(t *testing.T, method, path string, body, answer any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	real.Eventually(t, func(ctx context.Context) error {
		got, err := providertest.Ask(ctx, method, cluster.URLs()[0]+"/connectors/"+path, "", string(raw))
		if err != nil || answer == nil {
			return err
		}
		return json.Unmarshal(got, answer)
	})
}

// awaitOthers waits until the real cluster itself says that a connector and its only task are in a state.
func awaitOthers(t *testing.T, name, connector, task string) {
	t.Helper()
	real.Until(t, "the task is "+task, func() bool {
		var status struct {
			Connector struct{ State string }
			Tasks     []struct{ State string }
		}
		others(t, http.MethodGet, name+"/status", nil, &status)
		return status.Connector.State == connector && len(status.Tasks) == 1 && status.Tasks[0].State == task
	})
}

// What others do to a connector of a real cluster is in the plan, and put back.
func TestRealAccConnectorDrift(t *testing.T) {
	t.Parallel()
	d := realDaemon(t)
	name, out := real.Name(t), filepath.Join(t.TempDir(), "out")
	config := realSink(d, name, out, "")
	repaired := func(action plancheck.ResourceActionType, change func()) resource.TestStep {
		step := providertest.Does(action, address, config, resource.TestCheckResourceAttr(address, "status.state", "running"), func(*terraform.State) error {
			now := map[string]string{}
			others(t, http.MethodGet, name+"/config", nil, &now)
			if len(now) != 4 || now["name"] != name || now["file"] != out {
				return fmt.Errorf("the cluster has %v", now)
			}
			return nil
		})
		step.PreConfig = change
		return step
	}
	theirs := func(more ...string) func() {
		all := map[string]string{"connector.class": "FileStreamSink", "topics": name, "file": out}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return func() { others(t, http.MethodPut, name+"/config", all, nil) }
	}
	test(t,
		providertest.Applied(config),
		repaired(plancheck.ResourceActionUpdate, theirs("file", out+"-theirs")),
		repaired(plancheck.ResourceActionUpdate, theirs("errors.tolerance", "all")),
		repaired(plancheck.ResourceActionUpdate, func() {
			others(t, http.MethodPut, name+"/pause", nil, nil)
			awaitOthers(t, name, "PAUSED", "PAUSED")
		}),
		repaired(plancheck.ResourceActionCreate, func() { others(t, http.MethodDelete, name, nil, nil) }),
		providertest.Unchanged(config),
	)
}

// A real cluster that is down is an error that says so; what state has of it stays.
func TestRealAccConnectorOutage(t *testing.T) {
	d := realDaemon(t)
	config := realSink(d, real.Name(t), filepath.Join(t.TempDir(), "out"), "")
	down := resource.TestStep{
		PreConfig: func() { cluster.KillWorker(0) },
		Config:    config, ExpectError: regexp.MustCompile(`(?s)Cannot\s+read\s+connector.*Through\s+connection\s+"connect":\s+no\s+answer\s+from.*Check\s+that\s+the\s+workers\s+are\s+up`),
	}
	up := providertest.Unchanged(config)
	up.PreConfig = func() {
		if err := cluster.StartWorker(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = cluster.LaunchWorker(0) }) // it runs already, unless the test has failed
	test(t, providertest.Applied(config), down, up)
}

// The workers of this package let everyone in, and the proxy before them those with the password of the moment; workers
// that ask for it themselves are in daemon/kafkaconnect.
func TestRealAccConnectorRotation(t *testing.T) {
	t.Parallel()
	d := realDaemon(t)
	guard, name := &acctest.Guard{}, real.Name(t)
	at := guard.Before(t, cluster.URLs()[0])
	let := func() providertest.Credential {
		c := providertest.Credential{Name: "robot", Secret: rand.Text()}
		guard.Let(c.Secret)
		return c
	}
	providertest.Rotation{
		Kind: func(c providertest.Credential, version int) string {
			return fmt.Sprintf("kafka_connect = {\n    urls = [%q]\n    basic = { username = %q, password_wo = %q, password_wo_version = %d }\n  }", at, c.Name, c.Secret, version)
		},
		First: let(), Change: func(*testing.T) providertest.Credential { return let() },
		Step: api.StepAuthentication, Says: "refuses the credentials",
		Uses: fmt.Sprintf(`
resource "headgate_connector" "shop" {
  connection_name = headgate_connection.rotated.name
  name            = %q
  config          = { "connector.class" = "FileStreamSink", "topics" = %[1]q, "file" = %q }
}
`, name, filepath.Join(t.TempDir(), "out")),
	}.Run(t, d)
}

// A task that has failed on a real cluster runs again by itself once its cause is mended.
func TestRealAccConnectorRestartPolicy(t *testing.T) {
	t.Parallel()
	d := realDaemon(t)
	name, dir := real.Name(t), filepath.Join(t.TempDir(), "volume")
	mount := func() {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	mount()
	config := realSink(d, name, filepath.Join(dir, "out"), `restart = { max_retries = 1000, backoff = "1s" }`)
	again := providertest.Unchanged(config)
	again.PreConfig = func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		others(t, http.MethodPost, name+"/tasks/0/restart", nil, nil)
		awaitOthers(t, name, "RUNNING", "FAILED")
		mount()
		awaitOthers(t, name, "RUNNING", "RUNNING")
		k, err := d.Client.GetKafkaConnector(t.Context(), "connect", name)
		if err != nil || len(k.Status.Tasks) != 1 || k.Status.Tasks[0].Restarts == 0 {
			t.Errorf("%v: nothing was restarted: %+v", err, k)
		}
	}
	test(t, providertest.Applied(config, resource.TestCheckResourceAttr(address, "status.tasks", "1")), again)
}

// The plan of deleting a topic of a real cluster names the sinks of Kafka Connect that read it, though they are paused.
func TestRealAccDeleteOfATopicNamesItsSinks(t *testing.T) {
	t.Parallel()
	d := realDaemon(t)
	name := real.Name(t)
	without := realSink(d, name, filepath.Join(t.TempDir(), "out"), `state = "paused"`) + fmt.Sprintf(`
resource "headgate_connection" "main" {
  name  = "real"
  kafka = {
    bootstrap_servers = %s
    security_protocol = "PLAINTEXT"
  }
}
`, providertest.List(strings.Join(cluster.Servers, ",")))
	cli := providertest.NewCLI(t, without+fmt.Sprintf(`
resource "headgate_topic" "orders" {
  connection_name     = headgate_connection.main.name
  name                = %q
  replication_factor  = 1
  deletion_protection = false
}
`, name))
	step := func(args ...string) providertest.Outcome {
		t.Helper()
		out := cli.Run(args[0], args[1:]...)
		if out.Code != 0 {
			t.Fatal(out)
		}
		return out
	}
	step("apply", "-auto-approve")
	cli.Write(without)
	out := step("plan")
	says := fmt.Sprintf("Connector %q of connection \"connect\", which is paused, reads it", name)
	if out.Changes["headgate_topic.orders"] != "delete" || !slices.ContainsFunc(out.Diagnostics, func(d providertest.Diagnostic) bool { return strings.Contains(d.Detail, says) }) {
		t.Errorf("the plan does not say %q: %s", says, out)
	}
	step("destroy", "-auto-approve")
}
