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
		providertest.Does(plancheck.ResourceActionUpdate, address, order(d, second, `mode = "READONLY"`), resource.TestCheckResourceAttr(address, "mode", "READONLY")),
		providertest.Unchanged(order(d, second, `mode = "READONLY"`)),
		resource.TestStep{Config: order(d, first, `mode = "READONLY"`), PlanOnly: true, ExpectError: regexp.MustCompile(`is READONLY`)},
		resource.TestStep{Config: providertest.Connections(d), PlanOnly: true, ExpectError: regexp.MustCompile(`is READONLY`)},
		providertest.Applied(order(d, second, ""), resource.TestCheckNoResourceAttr(address, "mode")),
	)
}

func TestAccSchemaOverride(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	strict := `compatibility = "FULL"`
	override := strict + "\n  on_incompatible = \"override\""
	test(t,
		providertest.Applied(order(d, first, strict)),
		providertest.Does(plancheck.ResourceActionUpdate, address, order(d, third, override),
			resource.TestCheckResourceAttr(address, "version", "2"), resource.TestCheckResourceAttr(address, "compatibility", "FULL")),
		providertest.Unchanged(order(d, third, override)),
		providertest.Applied(order(d, third, strict), resource.TestCheckResourceAttr(address, "on_incompatible", "refuse")),
	)
}

func TestAccSchemaFollows(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := providertest.Connections(d) + `
resource "headgate_schema" "order" {
  connection_name = headgate_connection.registry.name
  subject         = "orders-value"
  schema          = jsonencode({ type = "record", name = "Order", fields = [{ name = "total", type = "Money" }] })
  references      = [{ name = "Money", subject = "Money" }]
}
`
	money := func(fields string) func() {
		return func() {
			body := api.SchemaWrite{Format: "AVRO", Schema: `{"type":"record","name":"Money","fields":[` + fields + `]}`}
			if _, err := d.Client.PutSchema(t.Context(), "registry", "Money", body, api.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	made := providertest.Applied(config, resource.TestCheckResourceAttr(address, "references.0.version", "1"), resource.TestCheckResourceAttr(address, "version", "1"))
	made.PreConfig = money(`{"name":"amount","type":"long"}`)
	newer := providertest.Does(plancheck.ResourceActionUpdate, address, config, resource.TestCheckResourceAttr(address, "references.0.version", "2"), resource.TestCheckResourceAttr(address, "version", "2"))
	newer.PreConfig = money(`{"name":"amount","type":"long"},{"name":"currency","type":"string","default":"EUR"}`)
	test(t,
		providertest.Applied(providertest.Connections(d)),
		made, providertest.Unchanged(config), newer, providertest.Unchanged(config),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "registry/orders-value", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "subject"},
	)
}

func TestAccSchemaRegistrySettings(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	const settings = "headgate_schema_registry_settings.all"
	with := func(more string) string {
		return providertest.Connections(d) + fmt.Sprintf("resource \"headgate_schema_registry_settings\" \"all\" {\n  connection_name = headgate_connection.registry.name\n  %s\n}\n", more)
	}
	test(t,
		providertest.Applied(with(`compatibility = "FULL_TRANSITIVE"`), resource.TestCheckResourceAttr(settings, "compatibility", "FULL_TRANSITIVE"), resource.TestCheckResourceAttr(settings, "mode", "READWRITE")),
		providertest.Unchanged(with(`compatibility = "FULL_TRANSITIVE"`)),
		// What is not declared any more stays as it is.
		providertest.Applied(with(`mode = "READONLY"`), resource.TestCheckResourceAttr(settings, "compatibility", "FULL_TRANSITIVE"), resource.TestCheckResourceAttr(settings, "mode", "READONLY")),
		resource.TestStep{Config: with(`mode = "READONLY"`) + strings.TrimPrefix(order(d, first, ""), providertest.Connections(d)), PlanOnly: true, ExpectError: regexp.MustCompile(`The registry is READONLY`)},
		resource.TestStep{ResourceName: settings, ImportState: true, ImportStateId: "registry", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "connection_name"},
		resource.TestStep{Config: with(`compatibility = "DISABLED"`), PlanOnly: true, ExpectError: regexp.MustCompile(`compatibility must be one of`)},
		providertest.Applied(providertest.Connections(d)),
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
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "registry/nothing", ExpectError: regexp.MustCompile(`(?s)does not exist.*nothing to\s+import by the id`)},
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
			if _, err := d.Client.PutSchema(t.Context(), "registry", "orders-value", api.SchemaWrite{Format: "AVRO", Schema: schema, Compatibility: compatibility, OnIncompatible: api.IncompatibleOverride}, api.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A registry keeps a schema once in a subject, so what is older cannot become the latest again. The plan warns, so that
	// a destroy, before which Terraform plans too, is possible; the apply fails.
	newer := resource.TestStep{PreConfig: elsewhere(third, "NONE"), Config: config, ExpectError: regexp.MustCompile(`(?s)Error:.*version 1 of subject "orders-value", and the latest is 2`)}
	planned := resource.TestStep{Config: config, PlanOnly: true, ExpectNonEmptyPlan: true}
	destroyed := resource.TestStep{Config: config, Destroy: true}
	test(t, providertest.Applied(config), newer, planned, destroyed, providertest.Applied(config))
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
	followed := strings.ReplaceAll(config, ", version = headgate_schema.money.version", "")
	test(t,
		providertest.Applied(providertest.Connections(d)),
		resource.TestStep{Config: followed, PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)leads nowhere.*headgate_schema\.<name>\.version`)},
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
			"headgate_schema.format": `format must be one of AVRO, JSON, PROTOBUF, CLOUDEVENTS`,
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

func TestAccSchemaDataSources(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	const data = `
data "headgate_schema" "latest" {
  connection_name = headgate_schema.order.connection_name
  subject         = headgate_schema.order.subject
}

data "headgate_schema" "first" {
  connection_name = headgate_schema.order.connection_name
  subject         = headgate_schema.order.subject
  version         = 1
}

data "headgate_schema" "by_id" {
  connection_name = headgate_schema.order.connection_name
  schema_id       = headgate_schema.order.schema_id
}

data "headgate_schema_versions" "order" {
  connection_name = headgate_schema.order.connection_name
  subject         = headgate_schema.order.subject
}

data "headgate_schemas" "all" {
  connection_name = headgate_schema.order.connection_name
  prefix          = "orders"
}
`
	full := `compatibility = "FULL"`
	test(t,
		providertest.Applied(order(d, first, full)),
		providertest.Applied(order(d, second, full)+data,
			resource.TestCheckResourceAttrPair("data.headgate_schema.latest", "schema_id", address, "schema_id"),
			resource.TestCheckResourceAttrPair("data.headgate_schema.latest", "fingerprint", address, "fingerprint"),
			resource.TestCheckResourceAttr("data.headgate_schema.latest", "compatibility", "FULL"),
			resource.TestCheckResourceAttr("data.headgate_schema.latest", "format", "AVRO"),
			resource.TestCheckResourceAttr("data.headgate_schema.first", "version", "1"),
			resource.TestCheckResourceAttr("data.headgate_schema.first", "schema", first),
			resource.TestCheckResourceAttr("data.headgate_schema.by_id", "version", "2"),
			resource.TestCheckResourceAttr("data.headgate_schema.by_id", "subject", "orders-value"),
			resource.TestCheckResourceAttr("data.headgate_schema_versions.order", "versions.#", "2"),
			resource.TestCheckResourceAttr("data.headgate_schema_versions.order", "versions.0.schema", first),
			resource.TestCheckResourceAttr("data.headgate_schemas.all", "schemas.#", "1"),
			resource.TestCheckResourceAttr("data.headgate_schemas.all", "schemas.0.version", "2"),
		),
		providertest.Unchanged(order(d, second, full)+data),
		resource.TestStep{Config: order(d, second, full) + strings.ReplaceAll(data, "= 1", "= 9"), ExpectError: regexp.MustCompile(`(?s)Version 9 of subject "orders-value" does not exist.*headgate_schema_versions`)},
		resource.TestStep{Config: order(d, second, full) + strings.ReplaceAll(data, `headgate_schema.order.schema_id`, `"99999"`), ExpectError: regexp.MustCompile(`Schema with id "99999" does not exist`)},
		providertest.Applied(order(d, second, full)),
	)
}

func TestAccSchemaCloudEvents(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	const event = `{"type":"object","required":["id","source","specversion","type","data"],"properties":{"id":{"type":"string"},"source":{"type":"string"},"specversion":{"const":"1.0"},"type":{"const":"order.placed"},"data":{"type":"object"}}}`
	as := func(format, text string) string { return order(d, text, fmt.Sprintf("format = %q", format)) }
	test(t,
		resource.TestStep{Config: as("CLOUDEVENTS", `{"type":"object"}`), ExpectError: regexp.MustCompile(`(?s)does not\s+describe\s+a\s+CloudEvent`)},
		providertest.Applied(as("CLOUDEVENTS", event), resource.TestCheckResourceAttr(address, "format", "CLOUDEVENTS")),
		providertest.Unchanged(as("CLOUDEVENTS", event)),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "registry/orders-value", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "subject"},
		// To the registry it is the same.
		providertest.Does(plancheck.ResourceActionUpdate, address, as("JSON", event), resource.TestCheckResourceAttr(address, "version", "1")),
		providertest.Unchanged(as("JSON", event)),
	)
}
