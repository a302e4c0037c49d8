# A topic with its schema within the limits of its team, as a module might have it. tests/ tries it out.

terraform {
  required_providers {
    headgate = {
      source = "headgate/headgate"
    }
  }
}

provider "headgate" {} # HEADGATE_ENDPOINT says where the daemon is

resource "headgate_connection" "main" {
  name = "main"
  kafka = {
    bootstrap_servers = var.bootstrap_servers
    security_protocol = var.security_protocol
  }
}

resource "headgate_connection" "registry" {
  name = "registry"
  schema_registry = {
    url = var.registry_url
  }
}

resource "headgate_namespace" "payments" {
  name         = "payments"
  topic_prefix = "payments."
  owner        = "team-payments"
  limits       = { partitions = 24, retention = "720h" }
}

resource "headgate_topic" "orders" {
  connection_name     = headgate_connection.main.name
  name                = "${headgate_namespace.payments.topic_prefix}orders"
  partitions          = var.partitions
  retention           = "168h"
  deletion_protection = var.deletion_protection
}

resource "headgate_schema" "orders" {
  connection_name = headgate_connection.registry.name
  subject         = "${headgate_topic.orders.name}-value"
  compatibility   = "BACKWARD"
  schema = jsonencode({
    type   = "record"
    name   = "Order"
    fields = concat([{ name = "id", type = "string" }], var.more_fields)
  })
}

output "topic" {
  description = "The topic, with the id that it has in the cluster."
  value       = { name = headgate_topic.orders.name, id = headgate_topic.orders.topic_id }
}
