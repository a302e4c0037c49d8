# What may be set, and what is secret, in the configuration of a plugin.
data "headgate_connector_plugins" "jdbc" {
  connection_name = headgate_connection.connect.name
  class           = "JdbcSource"
}

output "secret_keys" {
  value = [for k in data.headgate_connector_plugins.jdbc.plugins[0].config : k.name if k.type == "PASSWORD"]
}
