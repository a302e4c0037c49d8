data "headgate_schema_versions" "order" {
  connection_name = "registry"
  subject         = "orders-value"
}

output "ids" {
  value = { for v in data.headgate_schema_versions.order.versions : v.version => v.schema_id }
}
