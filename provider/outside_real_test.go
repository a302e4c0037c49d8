package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeglue"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// What others do to resources of a system, and its outage, where TestAccOutside has a stand-in for it. Kafka's resources are
// in that test on real brokers too; those of Kafka Connect, Kinesis and Pulsar are tested beside their resources.

// realOutside is a resource of a real system.
type realOutside struct {
	address, config string
	// gate stands before the system.
	gate *acctest.Gate
	// acts are what others do, and plans what is planned after each.
	acts  []func() error
	plans []string
}

// run wants an outage to remove nothing from state, and what others do to be planned and undone.
func (o realOutside) run(t *testing.T) {
	t.Helper()
	cli := providertest.NewCLI(t, o.config)
	do := func(command string, args ...string) {
		t.Helper()
		if out := cli.Run(command, args...); out.Code != 0 || command == "plan" && len(out.Changes) > 0 {
			t.Fatalf("%s: %s", command, out)
		}
	}
	do("apply", "-auto-approve")
	do("plan")
	before := cli.InState()
	o.gate.Shut()
	defer o.gate.Open()
	about := func(d providertest.Diagnostic) bool { return d.Severity == "error" && d.Address == o.address }
	var out providertest.Outcome
	real.Until(t, "the outage is noticed", func() bool { // what was read a moment ago is still fresh
		out = cli.Run("apply", "-refresh-only", "-auto-approve")
		return out.Code != 0
	})
	if after := cli.InState(); !slices.Equal(after, before) || !slices.ContainsFunc(out.Diagnostics, about) {
		t.Errorf("in an outage state has %q, before it had %q: %s", after, before, out)
	}
	o.gate.Open()
	real.Until(t, "the system is back", func() bool { return cli.Run("plan").Code == 0 })
	do("plan")
	for i, act := range o.acts {
		if err := act(); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{o.address: o.plans[i]}
		real.Until(t, "what others did is planned", func() bool {
			out = cli.Run("plan")
			return maps.Equal(out.Changes, want)
		})
		do("apply", "-auto-approve")
		do("plan")
	}
	do("destroy", "-auto-approve")
}

// settingsOutside is for a registry that no other test uses.
func settingsOutside(t *testing.T, registry *real.Apicurio, connection func(url string) string) {
	t.Helper()
	gate := &acctest.Gate{}
	rules := registry.URL() + "/apis/registry/v3/admin/rules/COMPATIBILITY"
	ask := func(method, body string) error {
		_, err := providertest.Ask(t.Context(), method, rules, "", body)
		return err
	}
	realOutside{
		address: "headgate_schema_registry_settings.all", gate: gate,
		config: providertest.Provider(acctest.Dev(t)) + fmt.Sprintf(`
resource "headgate_connection" "registry" {
  name = "registry"
  %s
}

resource "headgate_schema_registry_settings" "all" {
  connection_name = headgate_connection.registry.name
  compatibility   = "FULL"
}
`, connection(gate.Before(t, registry.URL()))),
		acts: []func() error{
			func() error { return ask(http.MethodPut, `{"ruleType":"COMPATIBILITY","config":"NONE"}`) },
			func() error { return ask(http.MethodDelete, "") },
		},
		// A registry without settings has its defaults.
		plans: []string{"update", "update"},
	}.run(t)
}

func TestRealOutsideOfGlue(t *testing.T) {
	gate, fake := &acctest.Gate{}, fakeglue.Start(t, real.DedicatedMoto(t))
	outside := glue.New(glue.Options{Region: real.Region, BaseEndpoint: aws.String(fake.URL), Credentials: awscredentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	id := &types.SchemaId{RegistryName: aws.String(fakeglue.Registry), SchemaName: aws.String("orders-value")}
	realOutside{
		address: "headgate_schema.order", gate: gate,
		config: providertest.Provider(acctest.Dev(t)) + glueConnection(gate.Before(t, fake.URL)) + `
resource "headgate_schema" "order" {
  connection_name = headgate_connection.registry.name
  subject         = "orders-value"
  schema          = jsonencode({ type = "record", name = "Order", fields = [] })
  compatibility   = "BACKWARD"
  hard_delete     = true
}
`,
		acts: []func() error{
			func() error {
				_, err := outside.UpdateSchema(t.Context(), &glue.UpdateSchemaInput{SchemaId: id, Compatibility: types.CompatibilityFull, SchemaVersionNumber: &types.SchemaVersionNumber{LatestVersion: true}})
				return err
			},
			func() error {
				_, err := outside.DeleteSchema(t.Context(), &glue.DeleteSchemaInput{SchemaId: id})
				return err
			},
		},
		plans: []string{"update", "create"},
	}.run(t)
}

// glueConnection is a connection "registry" to a fake.
func glueConnection(endpoint string) string {
	return fmt.Sprintf(`
resource "headgate_connection" "registry" {
  name = "registry"
  glue = {
    region      = %q
    registry    = %q
    endpoint    = %q
    credentials = { access_key_id = "AKIDEXAMPLE", secret_access_key_wo = "secret", secret_access_key_wo_version = 1 }
  }
}
`, real.Region, fakeglue.Registry, endpoint)
}
