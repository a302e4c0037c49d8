data "headgate_brokers" "main" {
  connection_name = headgate_connection.main.name
}

output "leaders" {
  value = { for broker in data.headgate_brokers.main.brokers : broker.id => broker.leaders }
}
