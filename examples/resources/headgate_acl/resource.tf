# All that the billing service may do: what is not here, it may not.
resource "headgate_acl" "billing" {
  connection_name = headgate_connection.main.name
  principal       = "User:billing"
  rules = {
    orders = { resource_type = "TOPIC", resource_name = "orders", operations = ["READ", "DESCRIBE"] }
    groups = { resource_type = "GROUP", resource_name = "billing-", pattern_type = "PREFIXED", operations = ["READ"] }
    writes = { resource_type = "CLUSTER", operations = ["IDEMPOTENT_WRITE"] }
    secrets = {
      resource_type = "TOPIC"
      resource_name = "secrets"
      operations    = ["ALL"]
      permission    = "DENY"
    }
  }
}

# Many topics, and the same for each.
resource "headgate_acl" "shipping" {
  connection_name = headgate_connection.main.name
  principal       = "User:shipping"
  rules = {
    for topic in ["parcels", "returns", "routes"] :
    topic => { resource_type = "TOPIC", resource_name = topic, operations = ["READ", "WRITE"] }
  }
}
