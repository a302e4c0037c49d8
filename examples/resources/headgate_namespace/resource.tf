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

# Within another one, on some clusters only: the longest prefix wins.
resource "headgate_namespace" "payments_archive" {
  name         = "payments-archive"
  topic_prefix = "payments.archive."
  connections  = [headgate_connection.main.name]
  owner        = "team-payments"
}
