terraform import headgate_connection.main main
