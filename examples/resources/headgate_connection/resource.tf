variable "kafka_password" {
  type      = string
  ephemeral = true
}

resource "headgate_connection" "main" {
  name = "main"
  kafka = {
    bootstrap_servers = ["b-1.internal:9093", "b-2.internal:9093"]
    security_protocol = "SASL_SSL"
    sasl = {
      mechanism           = "SCRAM-SHA-512"
      username            = "platform"
      password_wo         = var.kafka_password
      password_wo_version = 1 # another number sends the password again: that rotates it
    }
  }
  test = false # the brokers come with the same apply; by default a connection that does not work is refused
}

resource "headgate_connection" "registry" {
  name = "registry"
  schema_registry = {
    url = "https://registry.internal:8081"
  }
  test = false
}
