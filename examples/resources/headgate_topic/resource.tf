resource "headgate_topic" "orders" {
  connection_name = headgate_connection.main.name
  name            = "payments.orders"
  partitions      = 12     # default 3; grows in place
  retention       = "336h" # default 7 days
  config = {               # others are left alone
    "min.insync.replicas" = "2"
    "compression.type"    = "zstd"
  }
  description = "One record per change of an order"
  labels = {
    domain = "payments"
  }
}

# A compacted topic keeps the last record of each key for good. To delete it, protection has to be off first.
resource "headgate_topic" "customers" {
  connection_name = headgate_connection.main.name
  name            = "payments.customers"
  retention       = "unlimited"
  config = {
    "cleanup.policy" = "compact"
  }
  deletion_protection = false
}
