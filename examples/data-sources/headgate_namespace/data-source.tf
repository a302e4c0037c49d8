data "headgate_namespace" "payments" {
  name = headgate_namespace.payments.name
}

output "owner_of_payments" {
  value = data.headgate_namespace.payments.owner
}
