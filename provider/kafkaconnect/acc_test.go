package kafkaconnect_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const (
	address  = "headgate_connector.shop"
	password = "hunter2-hunter2"
)

// cluster is the real one of this package; nil without real systems.
var cluster *real.Connect

func TestMain(m *testing.M) {
	if os.Getenv(acctest.RealEnv) != "" {
		os.Exit(m.Run()) // each test begins by emptying the clusters, Kafka Connect's own topics included
	}
	started, stop, err := real.SharedConnect(context.Background(), real.ConnectOptions{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cluster = started
	code := m.Run()
	if err := stop(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func connections(d *acctest.Daemon, url string) string {
	return providertest.Provider(d) + fmt.Sprintf(`
resource "headgate_connection" "connect" {
  name          = "connect"
  kafka_connect = { urls = [%q] }
}
`, url)
}

// with declares a connector whose other attributes are given.
func with(d *acctest.Daemon, f *fakeconnect.Fake, config map[string]string, attributes string) string {
	all := map[string]string{"connector.class": fakeconnect.JDBC, "connection.url": "jdbc:postgresql://db/shop", "topic.prefix": "shop."}
	maps.Copy(all, config)
	return connections(d, f.URL) + fmt.Sprintf(`
resource "headgate_connector" "shop" {
  connection_name = headgate_connection.connect.name
  name            = "shop"
  config = {
%s  }
  %s
}
`, quoted(all), attributes)
}

// quoted writes a map; what begins with terraform_data is an expression.
func quoted(all map[string]string) string {
	var lines strings.Builder
	for key, value := range all {
		switch {
		case value == "":
		case strings.HasPrefix(value, "terraform_data."):
			fmt.Fprintf(&lines, "    %q = %s\n", key, value)
		default:
			fmt.Fprintf(&lines, "    %q = %q\n", key, value)
		}
	}
	return lines.String()
}

func secret(value string, version int) string {
	return fmt.Sprintf("sensitive_config_wo = { \"connection.password\" = %q }\n  sensitive_config_wo_version = %d\n", value, version)
}

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

func start(t *testing.T) (*acctest.Daemon, *fakeconnect.Fake) {
	t.Helper()
	t.Parallel()
	return acctest.Dev(t), fakeconnect.Start(t)
}

func TestAccConnector(t *testing.T) {
	d, f := start(t)
	configured := func(key, want string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if got := f.Config("shop")[key]; got != want {
				return fmt.Errorf("the cluster has %s = %q, want %q", key, got, want)
			}
			return nil
		}
	}
	first := with(d, f, map[string]string{"tasks.max": "2"}, secret(password, 1))
	second := with(d, f, map[string]string{"mode": "incrementing"}, secret(password, 1)+"state = \"paused\"\n  restart = { max_retries = 3 }")
	rotated := with(d, f, map[string]string{"mode": "incrementing"}, secret("another-secret", 2)+"state = \"stopped\"")
	none := with(d, f, nil, "")
	test(t,
		providertest.Applied(first,
			resource.TestCheckResourceAttr(address, "status.state", "running"),
			resource.TestCheckResourceAttr(address, "status.tasks", "2"),
			resource.TestCheckResourceAttr(address, "status.type", "source"),
			resource.TestCheckResourceAttr(address, "sensitive_keys.#", "1"),
			resource.TestCheckNoResourceAttr(address, "sensitive_config_wo"),
			configured("connection.password", password),
		),
		providertest.Unchanged(first),
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name", ImportStateId: "connect/shop",
			ImportStateVerifyIgnore: []string{"sensitive_config_wo_version", "timeouts"},
		},
		// Rotating a secret without a new version is no change.
		providertest.Unchanged(strings.ReplaceAll(first, password, "something-else")),
		providertest.Does(plancheck.ResourceActionUpdate, address, second,
			resource.TestCheckResourceAttr(address, "status.state", "paused"),
			resource.TestCheckResourceAttr(address, "restart.backoff", "10s"),
			configured("mode", "incrementing"), configured("tasks.max", ""), configured("connection.password", password),
		),
		providertest.Unchanged(second),
		providertest.Does(plancheck.ResourceActionUpdate, address, rotated,
			resource.TestCheckResourceAttr(address, "status.state", "stopped"), configured("connection.password", "another-secret"),
		),
		providertest.Does(plancheck.ResourceActionUpdate, address, none,
			resource.TestCheckResourceAttr(address, "status.state", "running"), resource.TestCheckResourceAttr(address, "sensitive_keys.#", "0"), configured("connection.password", ""),
		),
		providertest.Unchanged(none),
	)
	if f.Config("shop") != nil {
		t.Error("the connector was not destroyed")
	}
}

func TestAccConnectorIsCheckedWhenPlanned(t *testing.T) {
	d, f := start(t)
	refused := func(config map[string]string, attributes, because string) {
		t.Helper()
		providertest.Refused(t, "", strings.ReplaceAll(with(d, f, config, attributes), "headgate_connection.connect.name", `"connect"`), map[string]string{address: because})
	}
	test(t, providertest.Applied(connections(d, f.URL)))
	d.Connect(t, "connect", "kafka_connect", api.KafkaConnectConnection{URLs: []string{f.URL}})
	refused(map[string]string{"batch.max.rows": "many"}, "", `"batch.max.rows" is not valid .*Not a number`)
	refused(map[string]string{"topic.prefix": ""}, "", `Missing required configuration`)
	refused(map[string]string{"connector.class": "Nothing"}, "", `no connector plugin "Nothing".*`+fakeconnect.JDBC)
	refused(map[string]string{"connection.password": "oops"}, "", `"connection.password" is secret .*sensitive_config_wo`)
	refused(map[string]string{"name": "other"}, "", `Remove "name" from config`)
	refused(nil, secret("wrong-"+password, 1), `Login failed`)
	refused(nil, `restart = { max_retries = 1, backoff = "soon" }`, `not a duration`)
	refused(nil, `state = "asleep"`, `state value must be one of`)
	refused(nil, `sensitive_config_wo_version = 1`, `sensitive_config_wo`)
}

func TestAccConnectorUnknownValues(t *testing.T) {
	d, f := start(t)
	later := `
resource "terraform_data" "later" {
  input = { prefix = "later.", password = "later-secret" }
}
`
	known := func(config map[string]string) string {
		config["topic.prefix"] = "terraform_data.later.output.prefix"
		return later + with(d, f, config, "sensitive_config_wo = { \"connection.password\" = terraform_data.later.output.password }\n  sensitive_config_wo_version = 1")
	}
	test(t,
		providertest.Applied(connections(d, f.URL)),
		resource.TestStep{Config: known(map[string]string{"batch.max.rows": "many"}), PlanOnly: true, ExpectError: regexp.MustCompile(`"batch.max.rows" is not valid`)},
		providertest.Applied(known(map[string]string{}), resource.TestCheckResourceAttr(address, "config.topic.prefix", "later.")),
		providertest.Unchanged(known(map[string]string{})),
	)
}

func TestAccConnectorThatCannotRun(t *testing.T) {
	d, f := start(t)
	broken := with(d, f, map[string]string{fakeconnect.FailKey: "no such table"}, "")
	fine := with(d, f, nil, "")
	cause := regexp.MustCompile(`(?s)could not start and was not created.*DeepException: no such table`)
	test(t,
		resource.TestStep{Config: broken, ExpectError: cause},
		providertest.Does(plancheck.ResourceActionCreate, address, fine, resource.TestCheckResourceAttr(address, "status.state", "running")),
		resource.TestStep{Config: broken, ExpectError: regexp.MustCompile(`(?s)which was taken\s+back.*DeepException: no such table`)},
		providertest.Unchanged(fine),
	)
}

func TestAccConnectorDrift(t *testing.T) {
	d, f := start(t)
	config := with(d, f, nil, secret(password, 1))
	repaired := func(action plancheck.ResourceActionType, change func(now map[string]string)) resource.TestStep {
		step := providertest.Does(action, address, config, resource.TestCheckResourceAttr(address, "status.state", "running"))
		step.PreConfig = func() { change(f.Config("shop")) }
		return step
	}
	test(t,
		providertest.Applied(config),
		repaired(plancheck.ResourceActionUpdate, func(now map[string]string) { f.Change("shop", now, "PAUSED") }),
		repaired(plancheck.ResourceActionUpdate, func(now map[string]string) {
			delete(now, "connection.password")
			f.Change("shop", now, "")
		}),
		providertest.Unchanged(config),
	)
}

func TestAccConnectorIsAdopted(t *testing.T) {
	d, f := start(t)
	theirs := map[string]string{"connector.class": fakeconnect.JDBC, "connection.url": "jdbc:postgresql://db/shop", "topic.prefix": "shop.", "connection.password": password}
	config := with(d, f, nil, "") + `
import {
  to = headgate_connector.shop
  id = "connect/shop"
}
`
	test(t,
		providertest.Applied(connections(d, f.URL)),
		resource.TestStep{
			PreConfig: func() { f.Change("shop", theirs, "RUNNING") },
			Config:    with(d, f, nil, ""), ExpectError: regexp.MustCompile(`(?s)already exists.*terraform\s+import\s+headgate_connector.<name>\s+'connect/shop'`),
		},
		// Secrets that were set by others stay.
		providertest.Applied(config, resource.TestCheckResourceAttr(address, "sensitive_keys.0", "connection.password")),
		providertest.Unchanged(config),
		providertest.Does(plancheck.ResourceActionUpdate, address, with(d, f, map[string]string{"mode": "incrementing"}, ""), func(*terraform.State) error {
			if f.Config("shop")["connection.password"] != password {
				return fmt.Errorf("the secret is gone")
			}
			return nil
		}),
	)
}

// What the cluster adds and masks by itself is no change; what others change still is.
func TestAccConnectorOfManagedService(t *testing.T) {
	d, f := start(t)
	f.Adds(map[string]string{"cloud.region": "eu-1", "cloud.secret": "theirs-only"})
	f.Masks("connection.url", "connection.password", "cloud.secret")
	first := with(d, f, nil, secret(password, 1)) + `
data "headgate_connector" "shop" {
  connection_name = headgate_connector.shop.connection_name
  name            = headgate_connector.shop.name
}
`
	second := with(d, f, map[string]string{"mode": "incrementing", "connection.url": "jdbc:postgresql://db2/shop"}, secret(password, 1))
	repaired := func(change func(now map[string]string)) resource.TestStep {
		step := providertest.Does(plancheck.ResourceActionUpdate, address, second, func(*terraform.State) error {
			if now := f.Config("shop"); now["mode"] != "incrementing" || now["added"] != "" || now["cloud.region"] != "eu-1" || now["connection.password"] != password {
				return fmt.Errorf("the cluster has %v", now)
			}
			return nil
		})
		step.PreConfig = func() {
			now := f.Config("shop")
			change(now)
			f.Change("shop", now, "")
		}
		return step
	}
	behindMask := providertest.Unchanged(second)
	behindMask.PreConfig = func() {
		now := f.Config("shop")
		now["connection.password"] = "by-hand"
		f.Change("shop", now, "")
	}
	test(t,
		providertest.Applied(first,
			resource.TestCheckResourceAttr(address, "config.%", "3"), resource.TestCheckResourceAttr(address, "sensitive_keys.#", "1"),
			resource.TestCheckResourceAttr("data.headgate_connector.shop", "server_keys.#", "2"),
		),
		providertest.Unchanged(first),
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name", ImportStateId: "connect/shop",
			ImportStateVerifyIgnore: []string{"sensitive_config_wo_version", "timeouts"},
		},
		providertest.Does(plancheck.ResourceActionUpdate, address, second),
		providertest.Unchanged(second),
		repaired(func(now map[string]string) { now["added"] = "by hand" }),
		repaired(func(now map[string]string) { now["mode"] = "bulk" }),
		repaired(func(now map[string]string) { now["cloud.region"] = "us-1" }),
		providertest.Unchanged(second),
		behindMask, // as the docs say; and the way out
		providertest.Applied(strings.Replace(second, secret(password, 1), secret(password, 2), 1), func(*terraform.State) error {
			if now := f.Config("shop"); now["connection.password"] != password {
				return fmt.Errorf("the cluster has %v", now)
			}
			return nil
		}),
	)
	if f.Config("shop") != nil {
		t.Error("the connector was not destroyed")
	}
}

// What others made shows as a whole when it is imported; after the first apply what the cluster adds by itself is left alone.
func TestAccConnectorOfManagedServiceIsAdopted(t *testing.T) {
	d, f := start(t)
	f.Adds(map[string]string{"cloud.region": "eu-1"})
	f.Masks("connection.url")
	config := with(d, f, nil, "")
	imported := config + `
import {
  to = headgate_connector.shop
  id = "connect/shop"
}
`
	adopted := providertest.Does(plancheck.ResourceActionUpdate, address, imported, resource.TestCheckResourceAttr(address, "config.%", "3"))
	adopted.PreConfig = func() {
		f.Change("shop", map[string]string{
			"connector.class": fakeconnect.JDBC, "connection.url": "jdbc:postgresql://db/shop", "topic.prefix": "shop.", "cloud.region": "eu-1",
		}, "RUNNING")
	}
	test(t, providertest.Applied(connections(d, f.URL)), adopted, providertest.Unchanged(config))
}

// A worker that is starting is waited for.
func TestAccConnectorOfStartingWorker(t *testing.T) {
	d, f := start(t)
	config := with(d, f, nil, "")
	starting := providertest.Unchanged(config)
	starting.PreConfig = func() {
		f.Starting(true)
		time.AfterFunc(2*time.Second, func() { f.Starting(false) })
	}
	test(t, providertest.Applied(config), starting)
}

func TestAccConnectorDataSources(t *testing.T) {
	d, f := start(t)
	config := with(d, f, nil, secret(password, 1)) + `
data "headgate_connector" "shop" {
  connection_name = headgate_connector.shop.connection_name
  name            = headgate_connector.shop.name
}
data "headgate_connectors" "all" {
  connection_name = headgate_connector.shop.connection_name
}
data "headgate_connector_plugins" "all" {
  connection_name = headgate_connection.connect.name
}
data "headgate_connector_plugins" "jdbc" {
  connection_name = headgate_connection.connect.name
  class           = "JdbcSource"
}
`
	test(t,
		providertest.Applied(config,
			resource.TestCheckResourceAttr("data.headgate_connector.shop", "status.tasks.0.state", "running"),
			resource.TestCheckResourceAttr("data.headgate_connector.shop", "sensitive_keys.0", "connection.password"),
			resource.TestCheckResourceAttr("data.headgate_connector.shop", "config.%", "3"),
			resource.TestCheckResourceAttr("data.headgate_connectors.all", "connectors.0.name", "shop"),
			resource.TestCheckResourceAttr("data.headgate_connector_plugins.all", "plugins.#", "3"),
			resource.TestCheckResourceAttr("data.headgate_connector_plugins.jdbc", "plugins.0.class", fakeconnect.JDBC),
			resource.TestCheckResourceAttr("data.headgate_connector_plugins.jdbc", "plugins.0.config.0.name", "name"),
		),
		resource.TestStep{Config: with(d, f, nil, "") + `
data "headgate_connector" "gone" {
  connection_name = headgate_connector.shop.connection_name
  name            = "nothing"
}`, ExpectError: regexp.MustCompile(`Connector "nothing" does not exist`)},
	)
}
