locals {
  published = jsonencode({ type = "record", name = "Order", fields = [{ name = "id", type = "string" }] })
  proposed = jsonencode({ type = "record", name = "Order", fields = [
    { name = "id", type = "string" },
    { name = "note", type = "string", default = "" },
  ] })

  verdict = provider::headgate::schema_compatible("AVRO", local.published, local.proposed, "BACKWARD")
}

check "order_schema" {
  assert {
    condition     = local.verdict.compatible
    error_message = join("\n", local.verdict.reasons)
  }
}
