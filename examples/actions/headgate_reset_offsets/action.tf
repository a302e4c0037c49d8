# Read everything since the morning of the incident once more: terraform apply -invoke=action.headgate_reset_offsets.replay
# The plan says what moves; the group must have no members then.
action "headgate_reset_offsets" "replay" {
  config {
    connection_name = headgate_connection.main.name
    group           = "billing"
    topics          = ["orders"]
    to              = "2026-11-21T08:00:00Z" # or earliest, latest
  }
}

# The last 100 records of each partition again
action "headgate_reset_offsets" "again" {
  config {
    connection_name = headgate_connection.main.name
    group           = "billing"
    topics          = ["orders"]
    shift           = -100
  }
}

# From these offsets on
action "headgate_reset_offsets" "explicit" {
  config {
    connection_name = headgate_connection.main.name
    group           = "reports"
    offsets         = { orders = { 0 = 0, 1 = 0 } }
  }
}
