package connection_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// Topics, previews and connectors work with a preset as they do with the kind kafka.
func TestRealPresetServesEverything(t *testing.T) {
	cluster := real.Shared(t).Kafka
	d := acctest.Dev(t)
	topic := real.Name(t)
	servers := providertest.List(cluster.BootstrapServers(real.ListenerSASLSSL)[0])
	config := providertest.Provider(d) + fmt.Sprintf(`
locals {
  ca = %q
}
resource "headgate_connection" "pandas" {
  name = "pandas"
  redpanda = {
    bootstrap_servers = %s
    sasl              = { username = %q, password_wo = %q, password_wo_version = 1 }
    tls               = { ca_certificate = local.ca }
  }
}
resource "headgate_connection" "amazon" {
  name = "amazon"
  msk = {
    bootstrap_servers = %s
    scram             = { username = %q, password_wo = %q, password_wo_version = 1 }
    ca_certificate    = local.ca
  }
}
resource "headgate_topic" "orders" {
  connection_name     = headgate_connection.pandas.name
  name                = %q
  partitions          = 1
  replication_factor  = 1
  deletion_protection = false
}
resource "headgate_source_connector" "copy" {
  name        = "copy"
  kafka       = { connection = headgate_connection.pandas.name, topics = [headgate_topic.orders.name] }
  destination = { connection = headgate_connection.amazon.name, topic_prefix = "copy." }
}
data "headgate_topic_preview" "orders" {
  connection_name = headgate_connection.amazon.name
  name            = headgate_topic.orders.name
}
data "headgate_connection_test" "amazon" {
  name = headgate_connection.amazon.name
}
`, cluster.CA(), servers, cluster.Alice.Name, cluster.Alice.Password, servers, cluster.Alice.Name, cluster.Alice.Password, topic)
	test(t,
		providertest.Applied(config,
			noSecret(cluster.Alice.Password),
			resource.TestCheckResourceAttr("headgate_source_connector.copy", "status.state", "running"),
			resource.TestCheckResourceAttr("data.headgate_topic_preview.orders", "records.#", "0"),
			resource.TestCheckResourceAttr("data.headgate_connection_test.amazon", "ok", "true"),
			resource.TestCheckResourceAttr("data.headgate_connection_test.amazon", "steps.2.step", "tls"),
		),
		providertest.Unchanged(config),
	)
}
