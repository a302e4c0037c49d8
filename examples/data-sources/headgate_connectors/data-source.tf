data "headgate_connectors" "all" {
  connection_name = headgate_connection.connect.name
}

output "what_has_failed" {
  value = { for c in data.headgate_connectors.all.connectors : c.name => c.status.error if c.status.state == "failed" }
}
