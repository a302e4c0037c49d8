// Package providertest is what the acceptance tests of the provider share.
package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider"
)

// Factories serve the provider in the test's own process.
func Factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return FactoriesWith(api.BuiltinKinds())
}

// FactoriesWith is Factories with other kinds.
func FactoriesWith(kinds api.Kinds) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"headgate": func() (tfprotov6.ProviderServer, error) { return provider.Server("test", kinds)(), nil },
	}
}

// Provider is the provider's block for a daemon.
func Provider(d *acctest.Daemon) string {
	return fmt.Sprintf("provider \"headgate\" {\n  endpoint = %q\n}\n", d.Endpoint)
}

// Connections is the provider's block and connections to everything that a daemon in dev mode has: main, second and
// registry.
func Connections(d *acctest.Daemon) string {
	return Provider(d) + fmt.Sprintf(`
resource "headgate_connection" "main" {
  name = "main"
  kafka = {
    bootstrap_servers = %s
    security_protocol = "PLAINTEXT"
  }
}

resource "headgate_connection" "second" {
  name = "second"
  kafka = {
    bootstrap_servers = %s
    security_protocol = "PLAINTEXT"
  }
}

resource "headgate_connection" "registry" {
  name = "registry"
  schema_registry = {
    url = %q
  }
}
`, List(d.Kafka), List(d.Kafka2), d.RegistryURL)
}

// Kinesis is a connection to a fake of Amazon Kinesis, named as its resource is.
func Kinesis(name, endpoint string) string {
	return fmt.Sprintf(`
resource "headgate_connection" %[1]q {
  name = %[1]q
  kinesis = {
    region      = "eu-central-1"
    endpoint    = %[2]q
    credentials = { access_key_id = "AKIDEXAMPLE", secret_access_key_wo = "secret", secret_access_key_wo_version = 1 }
  }
}
`, name, endpoint)
}

// List writes a comma-separated list as Terraform has it.
func List(commaSeparated string) string {
	list, _ := json.Marshal(strings.Split(commaSeparated, ","))
	return string(list)
}

// Applied is a step that applies a configuration; Terraform's test harness fails it when the plan after it is not empty.
func Applied(config string, checks ...resource.TestCheckFunc) resource.TestStep {
	step := resource.TestStep{Config: config}
	if len(checks) > 0 {
		step.Check = resource.ComposeAggregateTestCheckFunc(checks...)
	}
	return step
}

// Unchanged is a step whose configuration plans nothing.
func Unchanged(config string) resource.TestStep {
	return resource.TestStep{Config: config, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}}
}

// Does is a step whose plan does something to a resource.
func Does(action plancheck.ResourceActionType, address, config string, checks ...resource.TestCheckFunc) resource.TestStep {
	step := Applied(config, checks...)
	step.ConfigPlanChecks.PreApply = []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}
	return step
}

// Refused plans a configuration that is refused, after it applied another one, if that is not empty. Reasons has, by the
// address of a resource, a pattern that the words of an error on that resource match.
func Refused(t *testing.T, applied, config string, reasons map[string]string) {
	t.Helper()
	refused := false
	test := resource.TestCase{
		ProtoV6ProviderFactories: Factories(),
		Steps:                    []resource.TestStep{{Config: config, PlanOnly: true}},
		ErrorCheck: func(err error) error {
			refused = true
			return missing(err, reasons)
		},
	}
	if applied != "" {
		test.Steps = append([]resource.TestStep{{Config: applied}}, test.Steps...)
	}
	resource.Test(t, test)
	if !refused && os.Getenv(resource.EnvTfAcc) != "" {
		t.Error("nothing is refused")
	}
}

// missing answers an error for the reasons that an error does not give.
func missing(err error, reasons map[string]string) error {
	found := strings.Split(strings.Join(strings.Fields(err.Error()), " "), "Error: ")
	var all []error
	for address, pattern := range reasons {
		reason := regexp.MustCompile(pattern)
		given := slices.ContainsFunc(found, func(text string) bool { return strings.Contains(text, "with "+address+",") && reason.MatchString(text) })
		if !given {
			all = append(all, fmt.Errorf("%s is not refused because of %q", address, pattern))
		}
	}
	if len(all) > 0 {
		all = append(all, err)
	}
	return errors.Join(all...)
}
