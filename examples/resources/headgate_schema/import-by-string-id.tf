import {
  to = headgate_schema.order
  id = "registry/payments.orders-value"
}
