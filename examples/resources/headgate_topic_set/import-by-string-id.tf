import {
  to = headgate_topic_set.payments
  id = "main/payments.*"
}
