# AWS adds and removes shards by itself.
resource "headgate_stream" "clicks" {
  connection_name = headgate_connection.kinesis.name
  name            = "clicks"
  retention       = "168h"
  kms_key_id      = "alias/aws/kinesis"
  tags            = { team = "web" }
}

# A fixed number of shards: another number splits or merges them in place, in as many steps as AWS wants.
resource "headgate_stream" "orders" {
  connection_name = headgate_connection.kinesis.name
  name            = "orders"
  shards          = 8
}
