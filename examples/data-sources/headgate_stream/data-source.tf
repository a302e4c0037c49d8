data "headgate_stream" "clicks" {
  connection_name = headgate_connection.kinesis.name
  name            = "clicks"
}

output "open_shards" {
  value = data.headgate_stream.clicks.open_shards
}
