data "headgate_schemas" "orders" {
  connection_name = headgate_connection.registry.name
  prefix          = "orders"
}

output "subjects" {
  value = { for s in data.headgate_schemas.orders.schemas : s.subject => s.version }
}
