package quota_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const address = "headgate_client_quota.billing"

func declares(d *acctest.Daemon, attributes ...string) string {
	return providertest.Connections(d) + fmt.Sprintf(`
resource "headgate_client_quota" "billing" {
  connection_name = headgate_connection.main.name
  %s
}
`, strings.Join(attributes, "\n  "))
}

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

func has(t *testing.T, d *acctest.Daemon, entity string, want map[string]float64) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		q, err := d.Client.GetClientQuota(t.Context(), "main", entity)
		if err != nil {
			return err
		}
		if !maps.Equal(q.Values, want) {
			return fmt.Errorf("the quotas are %v, want %v", q.Values, want)
		}
		return nil
	}
}

func TestAccClientQuotaLives(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	name := real.Name(t)
	user := fmt.Sprintf("user = %q", name)
	first := declares(d, user, `producer_byte_rate = "10MiB"`, `request_percentage = 12.5`)
	inBytes := declares(d, user, `producer_byte_rate = "10485760"`, `request_percentage = 12.5`)
	second := declares(d, user, `producer_byte_rate = "1MB"`, `consumer_byte_rate = "20MiB"`, `controller_mutation_rate = 5`)
	together := declares(d, user, `client_id = "<default>"`, `consumer_byte_rate = "512KiB"`)
	ip := declares(d, `ip = "10.11.12.13"`, `connection_creation_rate = 100`)
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, first,
			resource.TestCheckResourceAttr(address, "entity", "user="+name),
			has(t, d, "user="+name, map[string]float64{"producer_byte_rate": 10 << 20, "request_percentage": 12.5}),
		),
		providertest.Unchanged(first),
		providertest.Unchanged(inBytes),
		providertest.Does(plancheck.ResourceActionUpdate, address, second,
			has(t, d, "user="+name, map[string]float64{"producer_byte_rate": 1e6, "consumer_byte_rate": 20 << 20, "controller_mutation_rate": 5})),
		providertest.Unchanged(second),
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: "main/user=" + name, ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "entity", ImportStateVerifyIgnore: []string{"producer_byte_rate"}, // "1MB" reads as "1000000"
		},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main/user=nobody", ExpectError: regexp.MustCompile(`(?s)does not exist.*nothing to\s+import by the id`)},
		providertest.Does(plancheck.ResourceActionReplace, address, together, has(t, d, "user="+name+",client-id=<default>", map[string]float64{"consumer_byte_rate": 512 << 10})),
		providertest.Unchanged(together),
		providertest.Does(plancheck.ResourceActionReplace, address, ip, has(t, d, "ip=10.11.12.13", map[string]float64{"connection_creation_rate": 100})),
		providertest.Unchanged(ip),
		providertest.Applied(providertest.Connections(d), func(*terraform.State) error {
			if _, err := d.Client.GetClientQuota(t.Context(), "main", "ip=10.11.12.13"); !api.HasCode(err, api.CodeNotFound) {
				return fmt.Errorf("after destroy: %w", err)
			}
			return nil
		}),
	)
}

func TestAccClientQuotaDrift(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	entity := "user=" + real.Name(t)
	config := declares(d, fmt.Sprintf("user = %q", strings.TrimPrefix(entity, "user=")), `producer_byte_rate = "10MiB"`)
	withAnother := map[string]float64{"producer_byte_rate": 10 << 20, "consumer_byte_rate": 7}
	repaired := func(action plancheck.ResourceActionType, body api.ClientQuotaWrite) resource.TestStep {
		step := providertest.Does(action, address, config, has(t, d, entity, withAnother))
		step.PreConfig = func() {
			if _, err := d.Client.PutClientQuota(t.Context(), "main", entity, body, api.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		return step
	}
	gone := providertest.Applied(providertest.Connections(d), has(t, d, entity, map[string]float64{"consumer_byte_rate": 7}))
	gone.PreConfig = func() {
		if _, err := d.Client.PutClientQuota(t.Context(), "main", entity, api.ClientQuotaWrite{Unset: []string{"producer_byte_rate"}}, api.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	test(t,
		providertest.Applied(config),
		// What is not declared is left alone, also by destroy.
		repaired(plancheck.ResourceActionNoop, api.ClientQuotaWrite{Values: map[string]float64{"consumer_byte_rate": 7}}),
		repaired(plancheck.ResourceActionUpdate, api.ClientQuotaWrite{Unset: []string{"producer_byte_rate"}}),
		providertest.Applied(providertest.Connections(d), has(t, d, entity, map[string]float64{"consumer_byte_rate": 7}), func(*terraform.State) error {
			_, err := d.Client.DeleteClientQuota(t.Context(), "main", entity, nil, api.WriteOptions{})
			return err
		}),
		// Also when all that is declared was taken away elsewhere.
		providertest.Applied(config),
		repaired(plancheck.ResourceActionNoop, api.ClientQuotaWrite{Values: map[string]float64{"consumer_byte_rate": 7}}),
		gone,
	)
}

func TestAccClientQuotaRefusesBadInput(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	declare := func(bad map[string]string) string {
		var config strings.Builder
		config.WriteString(providertest.Connections(d))
		for _, name := range slices.Sorted(maps.Keys(bad)) {
			fmt.Fprintf(&config, "resource \"headgate_client_quota\" %q {\n  connection_name = headgate_connection.main.name\n  %s\n}\n", name, bad[name])
		}
		return config.String()
	}
	providertest.Refused(t, "", declare(map[string]string{
		"nobody": `producer_byte_rate = "1MiB"`,
		"both":   "user = \"x\"\n  ip = \"10.1.2.3\"\n  connection_creation_rate = 1",
		"rate":   "user = \"x\"\n  producer_byte_rate = \"fast\"",
		"zero":   "user = \"x\"\n  producer_byte_rate = \"0\"",
	}), map[string]string{
		"headgate_client_quota.nobody": `Whom are the quotas about`,
		"headgate_client_quota.both":   `An IP address has its quota alone`,
		"headgate_client_quota.rate":   `"fast" is not a size`,
		"headgate_client_quota.zero":   `more than 0`,
	})
	providertest.Refused(t, providertest.Connections(d), declare(map[string]string{
		"none":     `user = "x"`,
		"key":      "user = \"x\"\n  connection_creation_rate = 1",
		"address":  "ip = \"db.internal\"\n  connection_creation_rate = 1",
		"negative": "user = \"x\"\n  request_percentage = -1",
	}), map[string]string{
		"headgate_client_quota.none":     `Set at least one of`,
		"headgate_client_quota.key":      `has no quota connection_creation_rate`,
		"headgate_client_quota.address":  `is not an IP address`,
		"headgate_client_quota.negative": `more than 0`,
	})
}

func TestAccClientQuotaExists(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	entity := "client-id=" + real.Name(t)
	config := declares(d, fmt.Sprintf("client_id = %q", strings.TrimPrefix(entity, "client-id=")), `consumer_byte_rate = "1MiB"`)
	test(t,
		providertest.Applied(providertest.Connections(d)),
		resource.TestStep{
			PreConfig: func() {
				if _, err := d.Client.PutClientQuota(t.Context(), "main", entity, api.ClientQuotaWrite{Values: map[string]float64{"consumer_byte_rate": 1 << 20}}, api.WriteOptions{}); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ExpectError: regexp.MustCompile(`(?s)already exists.*terraform\s+import\s+headgate_client_quota.<name>`),
		},
		providertest.Applied(config+fmt.Sprintf("\nimport {\n  to = %s\n  id = \"main/%s\"\n}\n", address, entity)),
		providertest.Unchanged(config),
	)
}
