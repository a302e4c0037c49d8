import {
  to = headgate_schema_registry_settings.registry
  id = "registry"
}
