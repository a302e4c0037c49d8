package examples_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// Every action of the examples is valid, can be planned, and does what it says. Terraform before 1.14 cannot read them.
func TestAccExamplesOfActions(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	beforeActions(t, d)
	a := providertest.NewActions(t, d)
	files, err := filepath.Glob("actions/*/action.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples of actions: %v", err)
	}
	for _, file := range files {
		for _, block := range actionsOf(t, file) {
			typ := block.Labels[0]
			if filepath.Base(filepath.Dir(file)) != typ {
				t.Errorf("%s: it is about %s", file, typ)
			}
			planned, progress, done := a.Run(typ, configOf(t, block))
			if planned != "" && !strings.HasPrefix(planned, "WARNING: What moves in") || done != "" || len(progress) == 0 {
				t.Errorf("%s, %s: planned %s, %q %s", file, block.Labels[1], planned, progress, done)
			}
		}
	}
}

// beforeActions makes what the examples are about.
func beforeActions(t *testing.T, d *acctest.Daemon) {
	t.Helper()
	connect := fakeconnect.Start(t)
	d.Connect(t, "connect", "kafka_connect", api.KafkaConnectConnection{URLs: []string{connect.URL}})
	connect.Change("shop-jdbc", map[string]string{"connector.class": fakeconnect.JDBC}, "RUNNING")
	d.CopyOrders(t, 2)
}

func actionsOf(t *testing.T, file string) hcl.Blocks {
	t.Helper()
	parsed, diags := hclparse.NewParser().ParseHCLFile(file)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	content, _, diags := parsed.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "action", LabelNames: []string{"type", "name"}}}})
	if diags.HasErrors() || len(content.Blocks) == 0 {
		t.Fatalf("%s has no action: %v", file, diags)
	}
	return content.Blocks
}

// configOf is the configuration of an action in JSON.
func configOf(t *testing.T, block *hcl.Block) string {
	t.Helper()
	content, diags := block.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "config"}}})
	if diags.HasErrors() || len(content.Blocks) != 1 {
		t.Fatalf("%v", diags)
	}
	attributes, diags := content.Blocks[0].Body.JustAttributes()
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	named := func(name string) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(name)})
	}
	around := &hcl.EvalContext{Variables: map[string]cty.Value{
		"headgate_connection": cty.ObjectVal(map[string]cty.Value{"main": named("main"), "connect": named("connect")}),
	}}
	values := map[string]cty.Value{}
	for name, attribute := range attributes {
		value, diags := attribute.Expr.Value(around)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		values[name] = value
	}
	object := cty.ObjectVal(values)
	text, err := ctyjson.Marshal(object, object.Type())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
