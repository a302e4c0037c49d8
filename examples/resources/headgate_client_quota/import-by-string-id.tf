import {
  to = headgate_client_quota.reports
  id = "main/user=billing,client-id=reports"
}
