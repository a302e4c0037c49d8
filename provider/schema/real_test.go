package schema_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const (
	// fresh was in no version before.
	fresh = `{"type":"record","name":"Order","fields":[{"name":"number","type":"long"}]}`
	// grown is fully compatible with second.
	grown = `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"total","type":"long","default":0},{"name":"note","type":"string","default":""}]}`
)

// The resource lives the same on both APIs of a real Apicurio Registry, and behind a proxy that rewrites its path.
func TestRealSchemaOnApicurio(t *testing.T) {
	registry := real.Shared(t).Apicurio
	target, err := url.Parse(registry.CompatURL())
	if err != nil {
		t.Fatal(err)
	}
	const path = "/schemas-of-ours"
	behind := httptest.NewServer(http.StripPrefix(path, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}))
	t.Cleanup(behind.Close)
	group := real.Name(t)
	byCompatible := func(t *testing.T, subject string) outsider {
		t.Helper()
		return &compatible{t: t, client: real.RegistryClient(t, registry.CompatURL()), subject: subject}
	}
	for name, tt := range map[string]struct {
		block, url, more string
		outside          func(t *testing.T, subject string) outsider
	}{
		"own API": {"apicurio", registry.URL() + "/apis/registry/v3", fmt.Sprintf("group_id = %q", group), func(t *testing.T, subject string) outsider {
			t.Helper()
			return &own{t: t, artifacts: registry.URL() + "/apis/registry/v3/groups/" + group + "/artifacts/" + subject}
		}},
		"compatible API": {"schema_registry", registry.CompatURL(), "", byCompatible},
		"behind a proxy": {"schema_registry", behind.URL + path, "", byCompatible},
	} {
		t.Run(name, func(t *testing.T) {
			d, subject, gate := acctest.Dev(t), real.Name(t), &acctest.Gate{}
			outside := tt.outside(t, subject)
			connection := fmt.Sprintf("%s = {\n    url = %q\n    %s\n  }", tt.block, gate.Before(t, tt.url), tt.more)
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
			changed := providertest.Does(plancheck.ResourceActionUpdate, address, with(second, strict), resource.TestCheckResourceAttr(address, "compatibility", "FULL"))
			changed.PreConfig = outside.loosens
			added := resource.TestStep{Config: with(second, strict), PreConfig: func() { outside.adds(grown) }, PlanOnly: true, ExpectNonEmptyPlan: true}
			deleted := providertest.Does(plancheck.ResourceActionCreate, address, with(fresh, ""), resource.TestCheckNoResourceAttr(address, "compatibility"))
			deleted.PreConfig = outside.deletes
			down := resource.TestStep{Config: with(second, strict), PreConfig: gate.Shut, PlanOnly: true, ExpectError: regexp.MustCompile(`connection\s+"real"`)}
			back := providertest.Unchanged(with(second, strict))
			back.PreConfig = gate.Open
			test(t,
				providertest.Applied(with(first, ""), resource.TestCheckResourceAttr(address, "version", "1")),
				providertest.Unchanged(with(reformed, "")),
				providertest.Applied(with(second, strict), resource.TestCheckResourceAttr(address, "version", "2")),
				providertest.Unchanged(with(second, strict)),
				down,
				back,
				changed,
				added,
				providertest.Unchanged(with(grown, strict)),
				resource.TestStep{Config: with(third, strict), PlanOnly: true, ExpectError: regexp.MustCompile(`not FULL compatible`)},
				resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "real/" + subject, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "subject"},
				providertest.Applied(with(third, override), resource.TestCheckResourceAttr(address, "version", "4")),
				providertest.Unchanged(with(third, override)),
				deleted,
				providertest.Unchanged(with(fresh, "")),
			)
		})
	}
}

// outsider changes a subject in a registry without Headgate.
type outsider interface {
	adds(schema string)
	loosens() // to FORWARD
	deletes()
}

// compatible is an outsider by the API that many registries have.
type compatible struct {
	t       *testing.T
	client  *sr.Client
	subject string
}

func (c *compatible) adds(schema string) {
	c.t.Helper()
	if _, err := c.client.CreateSchema(c.t.Context(), c.subject, sr.Schema{Schema: schema}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *compatible) loosens() {
	c.t.Helper()
	for _, r := range c.client.SetCompatibility(c.t.Context(), sr.SetCompatibility{Level: sr.CompatForward}, c.subject) {
		if r.Err != nil {
			c.t.Fatal(r.Err)
		}
	}
}

func (c *compatible) deletes() {
	c.t.Helper()
	if _, err := c.client.DeleteSubject(c.t.Context(), c.subject, sr.SoftDelete); err != nil {
		c.t.Fatal(err)
	}
}

// own is an outsider by Apicurio's own API, on the URL of an artifact.
type own struct {
	t         *testing.T
	artifacts string
}

func (o *own) adds(schema string) {
	o.t.Helper()
	o.ask(http.MethodPost, "/versions", map[string]any{"content": map[string]any{"content": schema, "contentType": "application/json"}})
}

func (o *own) loosens() {
	o.t.Helper()
	o.ask(http.MethodPut, "/rules/COMPATIBILITY", map[string]any{"ruleType": "COMPATIBILITY", "config": "FORWARD"})
}

// deletes disables the versions that there are by then: registries seldom allow to delete artifacts.
func (o *own) deletes() {
	o.t.Helper()
	for version := range 4 {
		o.ask(http.MethodPut, fmt.Sprintf("/versions/%d/state", version+1), map[string]any{"state": "DISABLED"})
	}
}

func (o *own) ask(method, path string, body any) {
	o.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := providertest.Ask(o.t.Context(), method, o.artifacts+path, "", string(raw)); err != nil {
		o.t.Fatal(err)
	}
}
