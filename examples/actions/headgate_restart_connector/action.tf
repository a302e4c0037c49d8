# By hand: terraform apply -invoke=action.headgate_restart_connector.orders_in
action "headgate_restart_connector" "orders_in" {
  config {
    name = "orders-in" # a connector that the daemon hosts
  }
}

# What has failed of a connector on Kafka Connect
action "headgate_restart_connector" "shop" {
  config {
    connection_name = headgate_connection.connect.name
    name            = "shop-jdbc"
    only_failed     = true
    timeouts        = { invoke = "5m" }
  }
}

action "headgate_restart_connector" "shop_anew" {
  config {
    connection_name = headgate_connection.connect.name
    name            = "shop-jdbc"
  }
}

variable "database_address" {
  type    = string
  default = "shop.db.internal:5432"
}

# Whenever the database's address changes, as the connector looks it up only when it starts
resource "terraform_data" "database" {
  input = var.database_address

  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.headgate_restart_connector.shop_anew]
    }
  }
}
