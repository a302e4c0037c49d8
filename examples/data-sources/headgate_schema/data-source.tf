data "headgate_schema" "order" {
  connection_name = "registry"
  subject         = "orders-value"
}

output "schema_id" {
  value = data.headgate_schema.order.schema_id
}
