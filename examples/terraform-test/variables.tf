# The defaults are the addresses of `headgated dev`.

variable "bootstrap_servers" {
  description = "The brokers of the cluster."
  type        = list(string)
  default     = ["127.0.0.1:19092"]
}

variable "security_protocol" {
  description = "How to speak to the brokers."
  type        = string
  default     = "PLAINTEXT"
}

variable "registry_url" {
  description = "The URL of the schema registry."
  type        = string
  default     = "http://127.0.0.1:7070/registry"
}

variable "partitions" {
  description = "How many partitions the topic has."
  type        = number
  default     = 6
  validation {
    condition     = var.partitions <= 24
    error_message = "The namespace allows 24 partitions."
  }
}

variable "more_fields" {
  description = "Fields of an order beside its id, as Avro has them."
  type        = any
  default     = []
}

variable "deletion_protection" {
  description = "Whether the topic may not be deleted."
  type        = bool
  default     = true
}
