data "headgate_topic" "orders" {
  connection_name = "main"
  name            = "orders"
}

output "retention" {
  value = data.headgate_topic.orders.retention
}
