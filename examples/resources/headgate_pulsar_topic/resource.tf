resource "headgate_pulsar_topic" "orders" {
  connection_name = headgate_connection.pulsar.name
  name            = "persistent://public/default/orders"
  partitions      = 6
  retention       = "168h" # after they were acknowledged; without it the Pulsar namespace's policy decides
  retention_size  = "50GiB"
}
