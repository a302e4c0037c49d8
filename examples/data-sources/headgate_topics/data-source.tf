data "headgate_topics" "orders" {
  connection_name = headgate_connection.main.name
  prefix          = "orders"
}

# Topics without a second copy of their records.
output "not_replicated" {
  value = [for t in data.headgate_topics.orders.topics : t.name if t.replication_factor < 2]
}
