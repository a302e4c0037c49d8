variable "billing_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "headgate_scram_user" "billing" {
  connection_name     = headgate_connection.main.name
  username            = "billing"
  password_wo         = var.billing_password
  password_wo_version = 1 # change it to rotate
}
