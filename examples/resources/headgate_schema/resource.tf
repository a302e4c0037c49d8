resource "headgate_schema" "money" {
  connection_name = headgate_connection.registry.name
  subject         = "payments.Money"
  schema = jsonencode({
    type      = "record"
    name      = "Money"
    namespace = "payments"
    fields = [
      { name = "amount", type = "long" },
      { name = "currency", type = "string" },
    ]
  })
}

resource "headgate_schema" "order" {
  connection_name = headgate_connection.registry.name
  subject         = "payments.orders-value"
  compatibility   = "BACKWARD_TRANSITIVE" # by default the registry's own holds
  on_incompatible = "refuse"              # the default; "override" registers all the same, and the plan warns
  schema = jsonencode({
    type      = "record"
    name      = "Order"
    namespace = "payments"
    fields = [
      { name = "id", type = "string" },
      { name = "total", type = "payments.Money" },
    ]
  })
  references = [{
    name    = "payments.Money"
    subject = headgate_schema.money.subject
    version = headgate_schema.money.version # without a version, whatever is the latest is followed
  }]
}
