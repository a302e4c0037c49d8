data "headgate_schema_versions" "order" {
  connection_name = headgate_connection.registry.name
  subject         = "orders-value"
}

output "ids" {
  value = { for v in data.headgate_schema_versions.order.versions : v.version => v.schema_id }
}
