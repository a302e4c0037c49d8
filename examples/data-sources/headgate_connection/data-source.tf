# A connection that another configuration declares.
data "headgate_connection" "main" {
  name = "main"
}

output "brokers" {
  value = data.headgate_connection.main.kafka.bootstrap_servers
}
