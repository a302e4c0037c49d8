data "headgate_pulsar_topic" "orders" {
  connection_name = headgate_connection.pulsar.name
  name            = "persistent://public/default/orders"
}

output "orders_partitions" {
  value = data.headgate_pulsar_topic.orders.partitions
}
