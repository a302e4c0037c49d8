data "headgate_connection_test" "main" {
  name = headgate_connection.main.name
}

# A failed check warns in every plan, and stops nothing.
check "main_works" {
  assert {
    condition     = data.headgate_connection_test.main.ok
    error_message = "The connection main does not work. ${try(data.headgate_connection_test.main.error.remedy, "")}"
  }
}
