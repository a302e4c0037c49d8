resource "headgate_source_connector" "orders_in" {
  name = "orders-in"
  kafka = {
    connection     = headgate_connection.old.name
    topics         = ["orders"]
    topic_prefixes = ["returns."] # all topics that begin so, now and later
    start_from     = "earliest"
  }
  destination = {
    connection   = headgate_connection.main.name
    topic_prefix = "payments."
  }
  parallelism = 2
  timeouts = {
    create = "5m"
  }
}

output "guarantee" {
  description = "What the whole path achieves."
  value       = headgate_source_connector.orders_in.status.guarantee
}
