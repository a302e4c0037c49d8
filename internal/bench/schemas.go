package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"golang.org/x/sync/errgroup"

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
		if err := o.registerAlone(ctx); err != nil {
			return err
		}
		return o.besideFloor(ctx, o.schemas, func(round int) (*root, error) {
			return o.newRoot("headgate", d.endpoint, schemas(o.schemas, fmt.Sprintf("%sround%d.", o.run, round)))
		})
	})
}

func schemas(n int, prefix string) string {
	return separate("headgate_schema", n, func(i int) string {
		return fmt.Sprintf("  subject = %q\n  schema  = jsonencode(%s)\n", prefix+label(i)+"-value", record(i))
	})
}

// record is an Avro schema of its own for each i. As JSON it is an expression of Terraform's too.
func record(i int) string {
	return fmt.Sprintf(`{ "type" : "record", "name" : %q, "fields" : [{ "name" : "id", "type" : "string" }, { "name" : "total", "type" : "long" }] }`, label(i))
}

// registerAlone registers as many schemas with a bare client, as many at a time as Terraform does. It comes first also
// because a registry that has just started takes several times as long for each.
func (o *options) registerAlone(ctx context.Context) error {
	client, err := sr.NewClient(sr.URLs(o.systems.Apicurio.CompatURL()))
	if err != nil {
		return err
	}
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range o.schemas {
		group.Go(func() error {
			_, err := client.CreateSchema(ctx, o.run+"alone."+label(i)+"-value", sr.Schema{Schema: record(i)})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("register schemas: %w", err)
	}
	alone(fmt.Sprintf("create, registry's client alone, %d at a time", atOnce), cost{wall: time.Since(began).Seconds()})
	return nil
}
