resource "headgate_topic_set" "payments" {
  connection_name = headgate_connection.main.name
  defaults = {
    partitions = 6
    retention  = "336h"
    config     = { "compression.type" = "zstd" }
    labels     = { domain = "payments" }
  }
  topics = {
    "payments.orders"    = { partitions = 12, description = "One record per change of an order" }
    "payments.refunds"   = {}
    "payments.customers" = { retention = "unlimited", config = { "cleanup.policy" = "compact" } }

    # To delete a topic, apply this first, and then take the entry away.
    "payments.old" = { deletion_protection = false }
  }
}

# Or one file for each topic: topics/shop.clicks.yaml holds `partitions: 3`.
locals {
  from_files = { for f in fileset(path.module, "topics/*.yaml") : trimsuffix(basename(f), ".yaml") => yamldecode(file("${path.module}/${f}")) }

  # Terraform drops what it does not know without a word, such as `partition: 12`: the precondition below does not.
  known    = ["config", "deletion_protection", "description", "labels", "partitions", "replication_factor", "retention"]
  misspelt = flatten([for name, topic in local.from_files : [for key in keys(topic) : "${key} of ${name}" if !contains(local.known, key)]])
}

resource "headgate_topic_set" "from_files" {
  connection_name = headgate_connection.main.name
  topics          = local.from_files

  lifecycle {
    precondition {
      condition     = length(local.misspelt) == 0
      error_message = "A topic has no ${join(", no ", local.misspelt)}. It may have ${join(", ", local.known)}."
    }
  }
}
