data "headgate_consumer_group" "billing" {
  connection_name = headgate_connection.main.name
  name            = "billing"
}

output "behind" {
  value = {
    records = data.headgate_consumer_group.billing.lag
    seconds = data.headgate_consumer_group.billing.lag_seconds
  }
}
