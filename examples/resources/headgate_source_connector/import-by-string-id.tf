import {
  to = headgate_source_connector.orders_in
  id = "orders-in"
}
