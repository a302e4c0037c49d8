# All topics whose names begin with payments., those of these names, or all topics of the cluster:
terraform import headgate_topic_set.payments 'main/payments.*'
terraform import headgate_topic_set.payments main/payments.orders,payments.refunds
terraform import headgate_topic_set.payments main
