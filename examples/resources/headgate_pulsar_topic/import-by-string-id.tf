import {
  to = headgate_pulsar_topic.orders
  id = "pulsar/persistent://public/default/orders"
}
