package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// What stands in for a system may be kinder than it is: these are rows of TestAccSecondPlanIsEmpty on the systems themselves.
// Those of Kafka run on real brokers with HEADGATE_ACC_REAL.

// The registry is of this test alone: its settings hold for all subjects.
func TestRealSecondPlanIsEmptyOnApicurio(t *testing.T) {
	registry := real.DedicatedApicurio(t, real.ApicurioOptions{Properties: map[string]string{"apicurio.rest.deletion.artifact.enabled": "true"}})
	for name, kind := range map[string]string{
		"own API":        fmt.Sprintf("apicurio = { url = %q, group_id = \"own\" }", registry.URL()+"/apis/registry/v3"),
		"compatible API": fmt.Sprintf("schema_registry = { url = %q }", registry.CompatURL()),
	} {
		t.Run(name, func(t *testing.T) {
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
	const typ = "headgate_stream"
	everyVariant(acctest.Dev(t), "", real.DedicatedMoto(t).URL())[typ].secondPlans(t, typ)
}
