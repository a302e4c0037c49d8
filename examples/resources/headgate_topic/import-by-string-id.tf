import {
  to = headgate_topic.orders
  id = "main/payments.orders"
}
