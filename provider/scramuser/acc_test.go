package scramuser_test

import (
	"fmt"
	"regexp"
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

const address = "headgate_scram_user.billing"

func declares(d *acctest.Daemon, user, attributes string) string {
	return providertest.Connections(d) + fmt.Sprintf(`
resource "headgate_scram_user" "billing" {
  connection_name = headgate_connection.main.name
  username        = %q
  %s
}
`, user, attributes)
}

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

const password = "password_wo = \"hunter-one\"\n  password_wo_version = 1\n"

func has(t *testing.T, d *acctest.Daemon, user, want string) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		u, err := d.Client.GetSCRAMUser(t.Context(), "main", user)
		if err != nil {
			return err
		}
		if got := fmt.Sprint(u.Credentials); got != want {
			return fmt.Errorf("the credentials are %s, want %s", got, want)
		}
		return nil
	}
}

func TestAccSCRAMUserLives(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	user := real.Name(t)
	both := declares(d, user, password+"mechanisms = [\"SCRAM-SHA-512\", \"SCRAM-SHA-256\"]\n  iterations = 8192")
	rotated := declares(d, user, strings.NewReplacer("one", "two", "= 1", "= 2").Replace(password)+"mechanisms = [\"SCRAM-SHA-256\"]\n  iterations = 8192")
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, declares(d, user, password),
			has(t, d, user, "[{SCRAM-SHA-512 16384}]"),
			resource.TestCheckNoResourceAttr(address, "password_wo"),
			resource.TestCheckResourceAttr(address, "iterations", "16384"),
		),
		providertest.Unchanged(declares(d, user, password)),
		providertest.Does(plancheck.ResourceActionUpdate, address, both, has(t, d, user, "[{SCRAM-SHA-256 8192} {SCRAM-SHA-512 8192}]")),
		providertest.Unchanged(both),
		providertest.Does(plancheck.ResourceActionUpdate, address, rotated, has(t, d, user, "[{SCRAM-SHA-256 8192}]")),
		providertest.Unchanged(rotated),
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: "main/" + user, ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "username", ImportStateVerifyIgnore: []string{"password_wo_version"},
		},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main/nobody", ExpectError: regexp.MustCompile(`(?s)does not exist.*nothing to\s+import by the id`)},
		providertest.Applied(providertest.Connections(d), func(*terraform.State) error {
			if _, err := d.Client.GetSCRAMUser(t.Context(), "main", user); !api.HasCode(err, api.CodeNotFound) {
				return fmt.Errorf("after destroy: %w", err)
			}
			return nil
		}),
	)
}

func TestAccSCRAMUserDrift(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	user := real.Name(t)
	config := declares(d, user, password)
	elsewhere := func(body api.SCRAMUserWrite) func() {
		return func() {
			if _, err := d.Client.PutSCRAMUser(t.Context(), "main", user, body, api.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	repaired := func(before func(), action plancheck.ResourceActionType) resource.TestStep {
		step := providertest.Does(action, address, config, has(t, d, user, "[{SCRAM-SHA-512 16384}]"))
		step.PreConfig = before
		return step
	}
	test(t,
		providertest.Applied(config),
		repaired(elsewhere(api.SCRAMUserWrite{Password: "x", Mechanisms: []string{"SCRAM-SHA-256", "SCRAM-SHA-512"}}), plancheck.ResourceActionUpdate),
		repaired(elsewhere(api.SCRAMUserWrite{Password: "x", Mechanisms: []string{"SCRAM-SHA-256"}}), plancheck.ResourceActionUpdate),
		// That the password alone was changed cannot be seen.
		repaired(elsewhere(api.SCRAMUserWrite{Password: "x"}), plancheck.ResourceActionNoop),
	)
}

func TestAccSCRAMUserRefusesBadInput(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	user := real.Name(t)
	test(t,
		providertest.Applied(providertest.Connections(d)),
		resource.TestStep{Config: declares(d, user, password+"iterations = 100"), ExpectError: regexp.MustCompile(`iterations value must be between 4096 and 16384`)},
		resource.TestStep{Config: declares(d, user, password+`mechanisms = ["PLAIN"]`), ExpectError: regexp.MustCompile(`SCRAM-SHA-256`)},
		resource.TestStep{Config: declares(d, user, "iterations = 4096"), ExpectError: regexp.MustCompile(`(?s)The password is needed.*Set password_wo`)},
		resource.TestStep{Config: declares(d, user, "password_wo_version = 1"), ExpectError: regexp.MustCompile(`password_wo`)},
		resource.TestStep{Config: declares(d, "", password), ExpectError: regexp.MustCompile(`username string length must be at least 1`)},
		providertest.Applied(declares(d, user, password)),
		resource.TestStep{Config: declares(d, user, "iterations = 4096"), ExpectError: regexp.MustCompile(`The password is needed`)},
		resource.TestStep{
			Config:      declares(d, user, password) + strings.NewReplacer(`"billing"`, `"twin"`).Replace(strings.TrimPrefix(declares(d, user, password), providertest.Connections(d))),
			ExpectError: regexp.MustCompile(`(?s)already exists.*terraform\s+import\s+headgate_scram_user`),
		},
	)
}
