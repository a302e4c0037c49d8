// Package examples_test applies the examples of the docs to a daemon in dev mode.
package examples_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakekinesis"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// around has what an example needs around it: the provider and mostly connections, and what data sources look at.
func around(t *testing.T, d *acctest.Daemon) map[string]string {
	t.Helper()
	kinesis := providertest.Kinesis("kinesis", fakekinesis.Start(t, 0).URL) + providertest.Provider(d)
	clicks := `
resource "headgate_stream" "clicks" {
  connection_name     = headgate_connection.kinesis.name
  name                = "clicks"
  deletion_protection = false
}
`
	connections := providertest.Connections(d)
	kafkaConnect := providertest.Provider(d) + fmt.Sprintf(`
resource "headgate_connection" "connect" {
  name          = "connect"
  kafka_connect = { urls = [%q] }
}
`, fakeconnect.Start(t).URL)
	shop := kafkaConnect + fmt.Sprintf(`
resource "headgate_connector" "shop" {
  connection_name = headgate_connection.connect.name
  name            = "shop-jdbc"
  config          = { "connector.class" = %q, "connection.url" = "jdbc:postgresql://db/shop", "topic.prefix" = "shop." }
}
`, fakeconnect.JDBC)
	topic := `
resource "headgate_topic" "orders" {
  connection_name     = headgate_connection.main.name
  name                = "orders"
  deletion_protection = false
}
`
	schema := `
resource "headgate_schema" "orders" {
  connection_name = headgate_connection.registry.name
  subject         = "orders-value"
  schema          = jsonencode({ type = "record", name = "Order", fields = [{ name = "id", type = "string" }] })
}
`
	connector := topic + `
resource "headgate_source_connector" "orders_in" {
  name        = "orders-in"
  kafka       = { connection = headgate_connection.main.name, topics = [headgate_topic.orders.name] }
  destination = { connection = headgate_connection.second.name, topic_prefix = "copy." }
}
`
	namespace := `
resource "headgate_namespace" "payments" {
  name         = "payments"
  topic_prefix = "payments."
}
`
	group := `
resource "headgate_consumer_group_offsets" "billing" {
  connection_name = headgate_connection.main.name
  group           = "billing"
  topics          = [headgate_topic.orders.name]
  to              = "earliest"
}
`
	return map[string]string{
		"data-sources/headgate_topics":                connections + topic,
		"resources/headgate_connection":               providertest.Provider(d),
		"resources/headgate_topic":                    connections,
		"resources/headgate_topic_set":                connections,
		"resources/headgate_stream":                   kinesis,
		"data-sources/headgate_stream":                kinesis + clicks,
		"resources/headgate_schema":                   connections,
		"resources/headgate_schema_registry_settings": connections,
		"resources/headgate_source_connector":         strings.ReplaceAll(connections, `"second"`, `"old"`) + strings.ReplaceAll(topic, ".main.", ".old."),
		"resources/headgate_connector":                kafkaConnect,
		"data-sources/headgate_connector":             shop,
		"data-sources/headgate_connectors":            shop,
		"data-sources/headgate_connector_plugins":     kafkaConnect,
		"ephemeral-resources/headgate_token":          providertest.Provider(d),
		"data-sources/headgate_connection":            connections,
		"data-sources/headgate_connection_test":       connections,
		"data-sources/headgate_topic":                 connections + topic,
		"data-sources/headgate_topic_preview":         connections + topic,
		"data-sources/headgate_schema":                connections + schema,
		"data-sources/headgate_schema_versions":       connections + schema,
		"data-sources/headgate_schemas":               connections + schema,
		"data-sources/headgate_source_connector":      connections + connector,
		"resources/headgate_namespace":                connections,
		"data-sources/headgate_namespace":             connections + namespace,
		"data-sources/headgate_namespaces":            connections + namespace,
		"resources/headgate_acl":                      connections,
		"resources/headgate_scram_user":               connections,
		"resources/headgate_client_quota":             connections,
		"resources/headgate_consumer_group_offsets":   connections + topic,
		"data-sources/headgate_consumer_group":        connections + topic + group,
		"data-sources/headgate_consumer_groups":       connections + topic + group,
		"data-sources/headgate_cluster":               connections,
		"data-sources/headgate_brokers":               connections,
	}
}

// functionsNeed is what Terraform wants of a module that calls a provider's functions.
const functionsNeed = `
terraform {
  required_providers {
    headgate = { source = "hashicorp/headgate" }
  }
}

`

// onPulsar are the examples that need a real Pulsar, with what is there before them beside the connection.
var onPulsar = map[string]string{
	"resources/headgate_pulsar_topic": "",
	"data-sources/headgate_pulsar_topic": `
resource "headgate_pulsar_topic" "orders" {
  connection_name     = headgate_connection.pulsar.name
  name                = "persistent://public/default/orders"
  partitions          = 6
  deletion_protection = false
}
`,
}

func TestRealExamplesPulsarTopic(t *testing.T) {
	pulsar := real.DedicatedPulsar(t)
	token, err := pulsar.Token("admin")
	if err != nil {
		t.Fatal(err)
	}
	for dir, before := range onPulsar {
		t.Run(dir, func(t *testing.T) {
			apply(t, dir, providertest.Provider(acctest.Dev(t))+fmt.Sprintf(`
resource "headgate_connection" "pulsar" {
  name   = "pulsar"
  pulsar = { service_url = %q, admin_url = %q, token_wo = %q, token_wo_version = 1 }
}
`, pulsar.ServiceURL(), pulsar.AdminURL(), token)+before)
		})
	}
}

// Every example applies, and then plans nothing.
func TestAccExamples(t *testing.T) {
	var found []string
	for _, pattern := range []string{"*/headgate_*", "functions/*"} {
		dirs, err := filepath.Glob(pattern)
		if err != nil || len(dirs) == 0 {
			t.Fatalf("no examples %s: %v", pattern, err)
		}
		found = append(found, dirs...)
	}
	for _, dir := range found {
		if _, needed := onPulsar[dir]; needed || strings.HasPrefix(dir, "actions/") {
			continue // TestRealExamplesPulsarTopic, TestAccExamplesOfActions
		}
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			d := acctest.Dev(t)
			before, ok := around(t, d)[dir]
			if strings.HasPrefix(dir, "functions/") {
				before, ok = functionsNeed+providertest.Provider(d), true
			}
			if !ok {
				t.Fatal("nothing is known about what this example needs")
			}
			apply(t, dir, before)
		})
	}
}

func apply(t *testing.T, dir, before string) {
	t.Helper()
	first, second := folder(t, before, ""), folder(t, before, dir)
	last := folder(t, before, dir)
	untest(t, second)
	untest(t, last)
	unprotect(t, last)
	variables := config.Variables{}
	if dir == "resources/headgate_connection" {
		variables["kafka_password"] = config.StringVariable("hunter-one")
		secrets := map[string]config.Variable{}
		for _, name := range []string{"cloud", "hubs", "tokens", "pulsar", "shop", "minio", "azure"} {
			secrets[name] = config.StringVariable("hunter-two")
		}
		variables["secrets"] = config.MapVariable(secrets)
	}
	if dir == "resources/headgate_connector" {
		variables["shop_password"] = config.StringVariable("hunter-three")
	}
	if dir == "resources/headgate_scram_user" {
		variables["billing_password"] = config.StringVariable("hunter-two")
	}
	step := func(dir string, checks ...plancheck.PlanCheck) resource.TestStep {
		return resource.TestStep{
			ProtoV6ProviderFactories: providertest.Factories(),
			ConfigDirectory:          config.StaticDirectory(dir),
			ConfigVariables:          variables,
			ConfigPlanChecks:         resource.ConfigPlanChecks{PreApply: checks},
		}
	}
	// What data sources look at is there before them, as it is for their readers.
	resource.Test(t, resource.TestCase{Steps: []resource.TestStep{step(first), step(second), step(second, plancheck.ExpectEmptyPlan()), step(last)}})
}

var connection = regexp.MustCompile(`(?m)^resource "headgate_connection" ".*" \{\n`)

// untest lets the test apply connections to what is not there.
func untest(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "resource.tf")
	content, err := os.ReadFile(file)
	if err != nil {
		return
	}
	write(t, file, connection.ReplaceAll(content, []byte("$0  test = false\n")))
}

// unprotect lets the test destroy what an example protects.
func unprotect(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "resource.tf")
	content, err := os.ReadFile(file)
	if err != nil {
		return
	}
	content = bytes.ReplaceAll(content, []byte("  description = \"One"), []byte("  deletion_protection = false\n  description = \"One"))
	content = bytes.ReplaceAll(content, []byte("  defaults = {\n"), []byte("  defaults = {\n    deletion_protection = false\n"))
	for _, connection := range []string{"kinesis", "pulsar"} {
		name := "= headgate_connection." + connection + ".name\n"
		content = bytes.ReplaceAll(content, []byte(name), []byte(name+"  deletion_protection = false\n"))
	}
	write(t, file, content)
}

// folder holds an example and what it needs.
func folder(t *testing.T, before, dir string) string {
	t.Helper()
	at := t.TempDir()
	write(t, filepath.Join(at, "before.tf"), []byte(before))
	for _, name := range []string{"resource.tf", "data-source.tf", "function.tf", "ephemeral-resource.tf"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && dir != "" {
			write(t, filepath.Join(at, name), content)
		}
	}
	return at
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A key that Terraform would drop is found in the files that the topics come from.
func TestAccExampleFindsMisspeltKeys(t *testing.T) {
	const dir = "resources/headgate_topic_set"
	at := folder(t, around(t, acctest.Dev(t))[dir], dir)
	unprotect(t, at)
	topics := filepath.Join(at, "topics")
	if err := os.Mkdir(topics, 0o700); err != nil {
		t.Fatal(err)
	}
	// The module is copied to where it is applied, but not its folders.
	file := filepath.Join(at, "resource.tf")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, []byte(strings.NewReplacer("${path.module}", at, "path.module", strconv.Quote(at)).Replace(string(content))))
	write(t, filepath.Join(topics, "shop.clicks.yaml"), []byte("partitions: 2\ndeletion_protection: false\n"))
	write(t, filepath.Join(topics, "shop.views.yaml"), []byte("{}"))
	write(t, filepath.Join(topics, "shop.carts.yaml"), []byte("partition: 12\n"))
	resource.Test(t, resource.TestCase{Steps: []resource.TestStep{{
		ProtoV6ProviderFactories: providertest.Factories(),
		ConfigDirectory:          config.StaticDirectory(at),
		ExpectError:              regexp.MustCompile(`(?s)A topic has no partition of shop\.carts\..*It may have config`),
	}}})
}
