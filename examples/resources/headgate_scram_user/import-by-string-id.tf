import {
  to = headgate_scram_user.billing
  id = "main/billing"
}
