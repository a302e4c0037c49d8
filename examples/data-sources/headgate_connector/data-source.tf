data "headgate_connector" "shop" {
  connection_name = headgate_connection.connect.name
  name            = "shop-jdbc"
}

output "how_far_it_is" {
  value = data.headgate_connector.shop.offsets
}
