data "headgate_topic_preview" "orders" {
  connection_name = headgate_topic.orders.connection_name
  name            = headgate_topic.orders.name
  last            = 5
}

# What one customer did since this morning.
data "headgate_topic_preview" "customer" {
  connection_name = headgate_topic.orders.connection_name
  name            = headgate_topic.orders.name
  from_time       = "2026-11-21T06:00:00Z"
  key             = "customer-7"
  limit           = 100
}

output "last_orders" {
  value = [for r in data.headgate_topic_preview.orders.records : r.value]
}
