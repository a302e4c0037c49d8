terraform {
  required_providers {
    headgate = {
      source = "headgate/headgate"
    }
  }
}

variable "headgate_token" {
  description = "The token that the Headgate daemon asks for. A daemon in dev mode needs none."
  type        = string
  sensitive   = true
  default     = null
}

provider "headgate" {
  endpoint = "https://headgate.internal:8443" # or HEADGATE_ENDPOINT
  token    = var.headgate_token               # or HEADGATE_TOKEN
}
