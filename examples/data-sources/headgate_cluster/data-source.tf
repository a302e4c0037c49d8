data "headgate_cluster" "main" {
  connection_name = headgate_connection.main.name
}

output "kafka_version" {
  value = data.headgate_cluster.main.version
}
