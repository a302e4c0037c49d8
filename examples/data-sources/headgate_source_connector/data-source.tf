data "headgate_source_connector" "orders_in" {
  name = headgate_source_connector.orders_in.name
}

output "lag" {
  value = data.headgate_source_connector.orders_in.status.lag_records
}

output "last_errors" {
  value = flatten([for i in data.headgate_source_connector.orders_in.status.instances : i.source_errors[*].summary])
}
