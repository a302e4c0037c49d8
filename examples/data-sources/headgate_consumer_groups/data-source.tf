# Groups without members, and what waits for them
data "headgate_consumer_groups" "empty" {
  connection_name = headgate_connection.main.name
  prefix          = "billing"
  state           = "Empty"
}

output "waiting" {
  value = { for group in data.headgate_consumer_groups.empty.groups : group.name => group.lag }
}
