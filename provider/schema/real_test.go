package schema_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// fresh was in no version before.
const fresh = `{"type":"record","name":"Order","fields":[{"name":"number","type":"long"}]}`

// The resource lives the same on both APIs of a real Apicurio Registry, and behind a proxy that rewrites its path.
func TestRealSchemaOnApicurio(t *testing.T) {
	registry := real.Shared(t).Apicurio
	compatible, err := url.Parse(registry.CompatURL())
	if err != nil {
		t.Fatal(err)
	}
	const path = "/schemas-of-ours"
	behind := httptest.NewServer(http.StripPrefix(path, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(compatible) }}))
	t.Cleanup(behind.Close)
	for name, connection := range map[string]string{
		"own API":        fmt.Sprintf("apicurio = { url = %q, group_id = %q }", registry.URL()+"/apis/registry/v3", real.Name(t)),
		"compatible API": fmt.Sprintf("schema_registry = { url = %q }", registry.CompatURL()),
		"behind a proxy": fmt.Sprintf("schema_registry = { url = %q }", behind.URL+path),
	} {
		t.Run(name, func(t *testing.T) {
			d, subject := acctest.Dev(t), real.Name(t)
			with := func(schema, more string) string {
				return providertest.Provider(d) + fmt.Sprintf(`
resource "headgate_connection" "real" {
  name = "real"
  %s
}

resource "headgate_schema" "order" {
  connection_name = headgate_connection.real.name
  subject         = %q
  schema          = %q
  %s
}
`, connection, subject, schema, more)
			}
			strict := `compatibility = "FULL"`
			override := strict + "\n  on_incompatible = \"override\""
			elsewhere := func() {
				body := api.SchemaWrite{Format: "AVRO", Schema: second, Compatibility: "FORWARD"}
				if _, err := d.Client.PutSchema(t.Context(), "real", subject, body, api.WriteOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			changed := providertest.Does(plancheck.ResourceActionUpdate, address, with(second, strict), resource.TestCheckResourceAttr(address, "compatibility", "FULL"))
			changed.PreConfig = elsewhere
			deleted := providertest.Does(plancheck.ResourceActionCreate, address, with(fresh, ""), resource.TestCheckNoResourceAttr(address, "compatibility"))
			deleted.PreConfig = func() {
				if _, err := d.Client.DeleteSchema(t.Context(), "real", subject, false, api.WriteOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			test(t,
				providertest.Applied(with(first, ""), resource.TestCheckResourceAttr(address, "version", "1")),
				providertest.Unchanged(with(reformed, "")),
				providertest.Applied(with(second, strict), resource.TestCheckResourceAttr(address, "version", "2")),
				providertest.Unchanged(with(second, strict)),
				changed,
				resource.TestStep{Config: with(third, strict), PlanOnly: true, ExpectError: regexp.MustCompile(`not FULL compatible`)},
				resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "real/" + subject, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "subject"},
				providertest.Applied(with(third, override), resource.TestCheckResourceAttr(address, "version", "3")),
				providertest.Unchanged(with(third, override)),
				deleted,
				providertest.Unchanged(with(fresh, "")),
			)
		})
	}
}
