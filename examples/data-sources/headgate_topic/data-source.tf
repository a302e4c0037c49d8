data "headgate_topic" "orders" {
  connection_name = headgate_connection.main.name
  name            = "orders"
}

output "retention" {
  value = data.headgate_topic.orders.retention
}
