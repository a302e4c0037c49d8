terraform import headgate_schema.order registry/payments.orders-value
