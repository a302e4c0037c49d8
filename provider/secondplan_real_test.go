package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeglue"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// What stands in for a system may be kinder than it is: these are rows of TestAccSecondPlanIsEmpty on the systems themselves.
// Those of Kafka run on real brokers with HEADGATE_ACC_REAL.

// The registry is of this test alone: its settings hold for all subjects.
func TestRealSecondPlanIsEmptyOnApicurio(t *testing.T) {
	registry := real.DedicatedApicurio(t, real.ApicurioOptions{Properties: map[string]string{"apicurio.rest.deletion.artifact.enabled": "true"}})
	for name, connection := range map[string]func(url string) string{
		"own API": func(url string) string {
			return fmt.Sprintf("apicurio = { url = \"%s/apis/registry/v3\", group_id = \"own\" }", url)
		},
		"compatible API": func(url string) string { return fmt.Sprintf("schema_registry = { url = \"%s/apis/ccompat/v7\" }", url) },
	} {
		t.Run(name+", settings", func(t *testing.T) { settingsOutside(t, registry, connection) })
		t.Run(name, func(t *testing.T) {
			kind := connection(registry.URL())
			d := acctest.Dev(t)
			all := everyVariant(d, "", "")
			for _, typ := range []string{"headgate_schema", "headgate_schema_registry_settings"} {
				v := all[typ]
				builtIn := fmt.Sprintf("schema_registry = {\n    url = %q\n  }", d.RegistryURL)
				if !strings.Contains(v.needs, builtIn) {
					t.Fatalf("there is no registry in %s", v.needs)
				}
				v.needs = strings.Replace(v.needs, builtIn, kind, 1)
				delete(v.optional, "mode") // it has none
				for label, bodies := range v.others {
					for step, body := range bodies {
						bodies[step] = body + "\n hard_delete = true" // for it counts schemas that were deleted softly among those that refer to another
					}
					v.others[label] = bodies
				}
				v.secondPlans(t, typ)
			}
		})
	}
}

func TestRealSecondPlanIsEmptyOnMoto(t *testing.T) {
	moto := real.DedicatedMoto(t)
	t.Run("Kinesis", func(t *testing.T) {
		const typ = "headgate_stream"
		everyVariant(acctest.Dev(t), "", moto.URL())[typ].secondPlans(t, typ)
	})
	t.Run("Glue", func(t *testing.T) {
		const typ = "headgate_schema"
		d := acctest.Dev(t)
		v := everyVariant(d, "", "")[typ]
		v.needs = providertest.Provider(d) + glueConnection(fakeglue.Start(t, moto).URL)
		required := v.required
		v.required = func(n string) string { return required(n) + "\nhard_delete = true" } // it knows no other delete
		for _, has := range []string{"mode", "hard_delete"} {
			delete(v.optional, has)
		}
		v.others = nil // nor references
		v.secondPlans(t, typ)
	})
}
