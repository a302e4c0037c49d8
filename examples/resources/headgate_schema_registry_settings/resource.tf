resource "headgate_schema_registry_settings" "registry" {
  connection_name = headgate_connection.registry.name
  compatibility   = "BACKWARD_TRANSITIVE" # of every subject that declares none
}
