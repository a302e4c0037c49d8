import {
  to = headgate_acl.billing
  id = "main/User:billing"
}
