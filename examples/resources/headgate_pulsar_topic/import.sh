terraform import headgate_pulsar_topic.orders pulsar/persistent://public/default/orders
