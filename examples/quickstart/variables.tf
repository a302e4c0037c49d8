# The defaults are the addresses of `headgated dev`.

variable "endpoint" {
  description = "The URL of the Headgate daemon."
  type        = string
  default     = "http://127.0.0.1:7070"
}

variable "registry_url" {
  description = "The URL of the schema registry."
  type        = string
  default     = "http://127.0.0.1:7070/registry"
}

variable "main_bootstrap_servers" {
  description = "The brokers of the cluster that the earthquakes arrive at."
  type        = list(string)
  default     = ["127.0.0.1:19092"]
}

variable "second_bootstrap_servers" {
  description = "The brokers of the cluster that they are copied to."
  type        = list(string)
  default     = ["127.0.0.1:29092"]
}
