package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// benchSchemas creates and plans schemas in a real registry, by the API that most registries have.
func benchSchemas(ctx context.Context, o *options) error {
	return o.withDaemon(ctx, func(d *daemon) error {
		spec, err := json.Marshal(api.SchemaRegistryConnection{URL: o.systems.Apicurio.CompatURL()})
		if err != nil {
			return err
		}
		if err := d.connect(ctx, "main", "schema_registry", spec); err != nil {
			return err
		}
		fmt.Printf("\n%d schemas as separate resources, in Apicurio Registry on the same machine\n", o.schemas)
		header()
		return o.besideFloor(ctx, o.schemas, func(round int) (*root, error) {
			return o.newRoot("headgate", d.endpoint, schemas(o.schemas, fmt.Sprintf("%sround%d.", o.run, round)))
		})
	})
}

func schemas(n int, prefix string) string {
	return separate("headgate_schema", n, func(i int) string {
		return fmt.Sprintf("  subject = \"%s%s-value\"\n  schema  = jsonencode({ type = \"record\", name = %q, fields = [{ name = \"id\", type = \"string\" }, { name = \"total\", type = \"long\" }] })\n",
			prefix, label(i), label(i))
	})
}
