// Package registry knows which kinds of connection lead to a schema registry.
package registry

import (
	"github.com/headgate/terraform-provider-headgate/daemon/connection/apicurio"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/glue"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/schemaregistry"
)

// Kinds are the kinds of connection that lead to a registry.
func Kinds() []string { return []string{schemaregistry.KindName, apicurio.KindName, glue.KindName} }
