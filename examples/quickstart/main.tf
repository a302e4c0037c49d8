terraform {
  required_providers {
    headgate = {
      source = "headgate/headgate"
    }
  }
}

provider "headgate" {
  endpoint = var.endpoint
}

# Where the schemas live. `headgated dev` has a registry of its own.
resource "headgate_connection" "registry" {
  name = "registry"
  schema_registry = {
    url = var.registry_url
  }
}

# Two Kafka clusters. Each connection is tested before it is kept.
resource "headgate_connection" "main" {
  name = "main"
  kafka = {
    bootstrap_servers = var.main_bootstrap_servers
    security_protocol = "PLAINTEXT"
    schema_registry   = headgate_connection.registry.name # previews show decoded records
  }
}

resource "headgate_connection" "second" {
  name = "second"
  kafka = {
    bootstrap_servers = var.second_bootstrap_servers
    security_protocol = "PLAINTEXT"
    schema_registry   = headgate_connection.registry.name
  }
}

resource "headgate_topic" "earthquakes" {
  connection_name     = headgate_connection.main.name
  name                = "earthquakes"
  partitions          = 4
  retention           = "336h"
  description         = "One record per earthquake, keyed by its id"
  labels              = { source = "usgs" }
  deletion_protection = false # this is a demo; the default is true
}

# Kafka clients look for the schema of a topic's values under this subject.
resource "headgate_schema" "earthquake" {
  connection_name = headgate_connection.registry.name
  subject         = "${headgate_topic.earthquakes.name}-value"
  schema          = file("${path.module}/earthquake.avsc")
  compatibility   = "BACKWARD"
}

# Copies the topic to the second cluster, partition for partition, as copy.earthquakes.
resource "headgate_source_connector" "earthquakes" {
  name = "earthquakes"
  kafka = {
    connection = headgate_connection.main.name
    topics     = [headgate_topic.earthquakes.name]
  }
  destination = {
    connection   = headgate_connection.second.name
    topic_prefix = "copy."
  }
  parallelism = 2
}

output "connector" {
  description = "What the connector is really doing, and the guarantee that its whole path achieves."
  value       = headgate_source_connector.earthquakes.status
}
