import {
  to = headgate_connector.shop
  id = "connect/shop-jdbc"
}
