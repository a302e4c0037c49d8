# `headgated dev` is all that these tests need: no Kafka, no registry. In another terminal, or in CI before this:
#
#   headgated dev &
#   HEADGATE_ENDPOINT=http://127.0.0.1:7070 terraform test
#
# Where its ports are taken, give it others (0 is a free one), and the tests the addresses that it tells:
#
#   headgated dev --listen 127.0.0.1:0 --kafka-ports 0,0 &
#   HEADGATE_ENDPOINT=http://127.0.0.1:… terraform test -var 'bootstrap_servers=["127.0.0.1:…"]' -var registry_url=http://127.0.0.1:…/registry
#
# With a provider that was built here, see "dev_overrides" in the README; terraform init is not needed then.

variables {
  deletion_protection = false # what a test makes it takes away again
}

run "creates" {
  assert {
    condition     = output.topic.name == "payments.orders" && headgate_topic.orders.partitions == 6
    error_message = "The topic should be there, with its six partitions."
  }
}

run "grows" {
  variables {
    partitions = 12
  }
  assert {
    condition     = headgate_topic.orders.partitions == 12
    error_message = "The topic should have grown."
  }
}

run "takes_a_compatible_schema" {
  variables {
    partitions  = 12
    more_fields = [{ name = "amount", type = "double", default = 0 }]
  }
  assert {
    condition     = headgate_schema.orders.version > 1
    error_message = "The schema should have a new version."
  }
}

run "refuses_too_many_partitions" {
  command = plan
  variables {
    partitions = 25
  }
  expect_failures = [var.partitions]
}
