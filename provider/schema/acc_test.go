package schema_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const (
	address = "headgate_schema.order"

	first    = `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}`
	reformed = `{
  "name": "Order", "type": "record",
  "fields": [ { "type": "string", "name": "id" } ]
}`
	second = `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"total","type":"long","default":0}]}`
	// third has a new field without a default: records of before cannot be read with it.
	third = `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"customer","type":"string"}]}`
)

func order(d *acctest.Daemon, schema, more string) string {
	return providertest.Connections(d) + fmt.Sprintf(`
resource "headgate_schema" "order" {
  connection_name = headgate_connection.registry.name
  subject         = "orders-value"
  schema          = %q
  %s
}
`, schema, more)
}

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

func TestAccSchemaLives(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, order(d, first, ""),
			resource.TestCheckResourceAttr(address, "format", "AVRO"),
			resource.TestCheckResourceAttr(address, "version", "1"),
			resource.TestCheckResourceAttrSet(address, "schema_id"),
			resource.TestCheckResourceAttrSet(address, "fingerprint"),
			resource.TestCheckNoResourceAttr(address, "compatibility"),
		),
		providertest.Unchanged(order(d, first, "")),
		// Form alone is no change.
		providertest.Unchanged(order(d, reformed, "")),
		providertest.Does(plancheck.ResourceActionUpdate, address, order(d, second, ""), resource.TestCheckResourceAttr(address, "version", "2")),
		providertest.Unchanged(order(d, second, "")),
		providertest.Does(plancheck.ResourceActionUpdate, address, order(d, second, `compatibility = "FULL"`),
			resource.TestCheckResourceAttr(address, "version", "2"), resource.TestCheckResourceAttr(address, "compatibility", "FULL")),
		providertest.Unchanged(order(d, second, `compatibility = "FULL"`)),
		providertest.Does(plancheck.ResourceActionUpdate, address, order(d, second, ""), resource.TestCheckNoResourceAttr(address, "compatibility")),
		providertest.Unchanged(order(d, second, "")),
	)
}

func TestAccSchemaIncompatible(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	test(t,
		providertest.Applied(order(d, first, `compatibility = "BACKWARD"`)),
		resource.TestStep{Config: order(d, third, `compatibility = "BACKWARD"`), PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)with headgate_schema.order.*schema\s+=.*customer`)},
		providertest.Unchanged(order(d, first, `compatibility = "BACKWARD"`)),
		providertest.Applied(order(d, third, `compatibility = "NONE"`), resource.TestCheckResourceAttr(address, "version", "2")),
	)
}

func TestAccSchemaImport(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := order(d, first, `compatibility = "FORWARD"`)
	imported := strings.ReplaceAll(order(d, reformed, `compatibility = "FORWARD"`), `"orders-value"`, `"made/elsewhere"`) + `
import {
  to = headgate_schema.order
  id = "registry/made/elsewhere"
}
`
	elsewhere := providertest.Does(plancheck.ResourceActionNoop, address, imported, resource.TestCheckResourceAttr(address, "subject", "made/elsewhere"))
	elsewhere.PreConfig = func() {
		body := api.SchemaWrite{Format: "AVRO", Schema: first, Compatibility: "FORWARD"}
		if _, err := d.Client.PutSchema(t.Context(), "registry", "made/elsewhere", body, api.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	test(t,
		providertest.Applied(config),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "registry/orders-value", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "subject"},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "registry/nothing", ExpectError: regexp.MustCompile(`non-existent remote object`)},
		resource.TestStep{
			Config:      config + strings.ReplaceAll(strings.TrimPrefix(order(d, first, ""), providertest.Connections(d)), `"order"`, `"again"`),
			ExpectError: regexp.MustCompile(`(?s)already exists.*terraform\s+import\s+headgate_schema.<name>\s+'registry/orders-value'`),
		},
		providertest.Applied(providertest.Connections(d)),
		elsewhere,
		providertest.Unchanged(imported),
	)
}

func TestAccSchemaDrift(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := order(d, second, `compatibility = "NONE"`)
	elsewhere := func(schema, compatibility string) func() {
		return func() {
			if _, err := d.Client.PutSchema(t.Context(), "registry", "orders-value", api.SchemaWrite{Format: "AVRO", Schema: schema, Compatibility: compatibility}, api.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	changed := providertest.Does(plancheck.ResourceActionUpdate, address, config, resource.TestCheckResourceAttr(address, "version", "1"))
	changed.PreConfig = elsewhere(second, "FULL")
	// A registry keeps a schema once in a subject, so what is older cannot become the latest again.
	newer := resource.TestStep{PreConfig: elsewhere(third, "NONE"), Config: config, ExpectError: regexp.MustCompile(`version 1 of subject "orders-value", and the latest is 2`)}
	deleted := providertest.Does(plancheck.ResourceActionCreate, address, config)
	deleted.PreConfig = func() {
		if _, err := d.Client.DeleteSchema(t.Context(), "registry", "orders-value", false, api.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	test(t, providertest.Applied(config), changed, newer, deleted, providertest.Unchanged(config))
}

func TestAccSchemaReferences(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := providertest.Connections(d) + `
resource "headgate_schema" "money" {
  connection_name = headgate_connection.registry.name
  subject         = "Money"
  schema          = jsonencode({ type = "record", name = "Money", fields = [{ name = "amount", type = "long" }] })
}

resource "headgate_schema" "order" {
  connection_name = headgate_connection.registry.name
  subject         = "orders-value"
  schema          = jsonencode({ type = "record", name = "Order", fields = [{ name = "total", type = "Money" }] })
  references      = [{ name = "Money", subject = headgate_schema.money.subject, version = headgate_schema.money.version }]
}
`
	test(t,
		providertest.Applied(config, resource.TestCheckResourceAttr(address, "references.0.version", "1")),
		providertest.Unchanged(config),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "registry/orders-value", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "subject"},
	)
}

func TestAccSchemaDelete(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	test(t,
		providertest.Applied(order(d, first, "")),
		providertest.Applied(providertest.Connections(d)),
		providertest.Applied(order(d, second, "hard_delete = true")),
		providertest.Unchanged(order(d, second, "hard_delete = true")),
		providertest.Applied(providertest.Connections(d)),
		providertest.Applied(order(d, first, "")),
	)
	if _, err := d.Client.GetSchema(t.Context(), "registry", "orders-value"); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("after destroying: %v", err)
	}
}

func TestAccSchemaRefusesBadInput(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	declared := func(attributes map[string]string) string {
		all := providertest.Connections(d)
		for name, own := range attributes {
			all += fmt.Sprintf("resource \"headgate_schema\" %q {\n  connection_name = headgate_connection.registry.name\n  subject = %q\n  %s\n}\n", name, name, own)
		}
		return all
	}
	t.Run("without asking the daemon", func(t *testing.T) {
		providertest.Refused(t, "", declared(map[string]string{
			"format": `schema = "{}"` + "\n  format = \"XML\"",
			"mode":   `schema = "{}"` + "\n  compatibility = \"SOMETIMES\"",
			"empty":  `schema = ""`,
		}), map[string]string{
			"headgate_schema.format": `format must be one of AVRO, JSON, PROTOBUF`,
			"headgate_schema.mode":   `compatibility must be one of NONE, BACKWARD`,
			"headgate_schema.empty":  `schema must have at least 1 character`,
		})
	})
	t.Run("as the registry says", func(t *testing.T) {
		providertest.Refused(t, providertest.Connections(d), declared(map[string]string{
			"broken": `schema = "{\"type\":\"record\"}"`,
			"text":   `schema = "no schema"`,
		}), map[string]string{
			"headgate_schema.broken": `(?i)name`,
			"headgate_schema.text":   `(?i)schema`,
		})
	})
}

func TestAccSchemaDataSource(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	test(t, providertest.Applied(order(d, first, `compatibility = "FULL"`)+`
data "headgate_schema" "order" {
  connection_name = headgate_schema.order.connection_name
  subject         = headgate_schema.order.subject
}
`,
		resource.TestCheckResourceAttrPair("data.headgate_schema.order", "schema_id", address, "schema_id"),
		resource.TestCheckResourceAttrPair("data.headgate_schema.order", "fingerprint", address, "fingerprint"),
		resource.TestCheckResourceAttr("data.headgate_schema.order", "compatibility", "FULL"),
		resource.TestCheckResourceAttr("data.headgate_schema.order", "format", "AVRO"),
	))
}
