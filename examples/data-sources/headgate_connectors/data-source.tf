data "headgate_connectors" "all" {
  connection_name = "connect"
}

output "what_has_failed" {
  value = { for c in data.headgate_connectors.all.connectors : c.name => c.status.error if c.status.state == "failed" }
}
