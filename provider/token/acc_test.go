package token_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

func TestAccToken(t *testing.T) {
	d := acctest.Dev(t)
	factories := providertest.Factories()
	factories["echo"] = echoprovider.NewProviderServer()
	// The echo provider keeps what it is given, so that a test can look at what is in no state otherwise.
	echoed := func(body string) string {
		return providertest.Provider(d) + `
ephemeral "headgate_token" "ci" {
` + body + `
}

provider "echo" {
  data = ephemeral.headgate_token.ci
}

resource "echo" "seen" {}
`
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{
				Config: echoed(`description = "nightly job"
  lifetime    = "1h"`),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("echo.seen", tfjsonpath.New("data").AtMapKey("token"), knownvalue.StringRegexp(regexp.MustCompile(`^hgt_[A-Za-z0-9_-]{43}$`))),
					statecheck.ExpectKnownValue("echo.seen", tfjsonpath.New("data").AtMapKey("expires_at"), knownvalue.StringRegexp(regexp.MustCompile(`^20\d\d-.*Z$`))),
				},
			},
			{Config: echoed(`lifetime = "48h"`), ExpectError: regexp.MustCompile(`The lifetime is not allowed`)},
			{Config: echoed(`lifetime = "soon"`), ExpectError: regexp.MustCompile(`is not a duration`)},
			{Config: echoed(``)},
		},
	})
	page, err := d.Client.ListTokens(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(page.Items, func(t api.Token) bool { return t.Description == "nightly job" }) {
		t.Errorf("the daemon has %+v", page)
	}
}
