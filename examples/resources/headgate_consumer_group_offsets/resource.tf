# Read everything since the morning of the incident once more. The plan says what moves; the group must have no members then.
resource "headgate_consumer_group_offsets" "replay" {
  connection_name = headgate_connection.main.name
  group           = "billing"
  topics          = [headgate_topic.orders.name]
  to              = "2026-11-21T08:00:00Z" # or earliest, latest
  trigger         = "incident 42"          # change it to do the same once more
}

# From these offsets on
resource "headgate_consumer_group_offsets" "explicit" {
  connection_name = headgate_connection.main.name
  group           = "reports"
  offsets         = { (headgate_topic.orders.name) = { 0 = 0, 1 = 0 } }
}
