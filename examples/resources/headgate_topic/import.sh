terraform import headgate_topic.orders main/payments.orders
