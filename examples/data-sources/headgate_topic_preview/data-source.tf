data "headgate_topic_preview" "orders" {
  connection_name = "main"
  name            = "orders"
  last            = 5
}

output "last_orders" {
  value = [for r in data.headgate_topic_preview.orders.records : r.value]
}
