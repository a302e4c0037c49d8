import {
  to = headgate_connection.main
  id = "main"
}
