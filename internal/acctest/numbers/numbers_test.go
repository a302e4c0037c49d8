package numbers_test

import (
	"context"
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/daemon/dev"
	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/numbers"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// A kind that neither the provider nor the daemon knows is declared, validated, hosted and read back.
func TestAccNewKind(t *testing.T) {
	kinds := numbers.Register(api.BuiltinKinds())
	d := acctest.DevWith(t, dev.Config{Kinds: &kinds, Sources: map[string]connector.SourceKind{numbers.KindName: numbers.Kind{}}})
	config := func(count int) string {
		return providertest.Connections(d) + fmt.Sprintf(`
resource "headgate_source_connector" "count" {
  name        = "count"
  numbers     = { topic = "numbers", count = %d }
  destination = { connection = headgate_connection.main.name }
}
`, count)
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: providertest.FactoriesWith(kinds),
		Steps: []resource.TestStep{
			{Config: config(0), ExpectError: regexp.MustCompile(`at least 1`)},
			{Config: config(25), Check: func(*terraform.State) error { copied(t, d, 25); return nil }},
			{Config: config(25), PlanOnly: true},
			{ResourceName: "headgate_source_connector.count", ImportState: true, ImportStateId: "count", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		},
	})
}

// copied waits until the topic holds the numbers.
func copied(t *testing.T, d *acctest.Daemon, want int) {
	t.Helper()
	real.Eventually(t, func(ctx context.Context) error {
		p, err := d.Client.PreviewTopic(ctx, "main", "numbers", api.PreviewOptions{Last: 100})
		if err == nil && len(p.Records) != want {
			err = fmt.Errorf("%d numbers arrived, want %d", len(p.Records), want)
		}
		return err
	})
}
