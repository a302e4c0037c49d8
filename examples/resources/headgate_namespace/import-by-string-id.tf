import {
  to = headgate_namespace.payments
  id = "payments"
}
