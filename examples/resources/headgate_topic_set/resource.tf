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
  files = fileset(path.module, "topics/*.yaml")
}

resource "headgate_topic_set" "from_files" {
  connection_name = headgate_connection.main.name
  topics          = { for f in local.files : trimsuffix(basename(f), ".yaml") => yamldecode(file("${path.module}/${f}")) }
}
