variable "shop_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

# Reads tables of the shop's database with a JDBC connector.
resource "headgate_connector" "shop" {
  connection_name = headgate_connection.connect.name
  name            = "shop-jdbc"
  config = {
    "connector.class" = "io.aiven.connect.jdbc.JdbcSourceConnector"
    "tasks.max"       = "2"
    "connection.url"  = "jdbc:postgresql://db.internal:5432/shop"
    "connection.user" = "headgate"
    "mode"            = "bulk"
    "topic.prefix"    = "shop."
  }
  sensitive_config_wo         = { "connection.password" = var.shop_password }
  sensitive_config_wo_version = 1 # change it to rotate

  # What fails is restarted: after 30 seconds, then after a minute, and so on.
  restart = { max_retries = 10, backoff = "30s" }

  # A create that does not run by then leaves nothing behind.
  timeouts = { create = "5m" }
}
