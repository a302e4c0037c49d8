# The latest version of a subject.
data "headgate_schema" "order" {
  connection_name = headgate_connection.registry.name
  subject         = "orders-value"
}

# One version of it.
data "headgate_schema" "first" {
  connection_name = headgate_connection.registry.name
  subject         = "orders-value"
  version         = 1
}

# What records that carry an id were written with.
data "headgate_schema" "of_a_record" {
  connection_name = headgate_connection.registry.name
  schema_id       = data.headgate_schema.order.schema_id
}

output "compatibility" {
  value = data.headgate_schema.order.compatibility
}
