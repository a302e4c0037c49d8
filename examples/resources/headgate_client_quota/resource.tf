# Every user without quotas of its own
resource "headgate_client_quota" "everyone" {
  connection_name    = headgate_connection.main.name
  user               = "<default>"
  producer_byte_rate = "10MiB"
  consumer_byte_rate = "20MiB"
}

# One client of one user
resource "headgate_client_quota" "reports" {
  connection_name    = headgate_connection.main.name
  user               = "billing"
  client_id          = "reports"
  consumer_byte_rate = "1MiB"
  request_percentage = 50
}

resource "headgate_client_quota" "connections" {
  connection_name          = headgate_connection.main.name
  ip                       = "<default>"
  connection_creation_rate = 20
}
