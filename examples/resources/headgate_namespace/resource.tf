resource "headgate_namespace" "payments" {
  name         = "payments"
  topic_prefix = "payments."
  owner        = "team-payments"
  environment  = "production"
  limits = {
    partitions         = 48
    retention          = "720h"
    replication_factor = 3
  }
}

# The reference has Terraform make the namespace first, and check the topic against the limits that it will have.
resource "headgate_topic" "refunds" {
  connection_name = headgate_connection.main.name
  name            = "${headgate_namespace.payments.topic_prefix}refunds"
  partitions      = 12

  description = "One record per refund"
}

# Within another one, on some clusters only: the longest prefix wins.
resource "headgate_namespace" "payments_archive" {
  name         = "payments-archive"
  topic_prefix = "payments.archive."
  connections  = [headgate_connection.main.name]
  owner        = "team-payments"
}
