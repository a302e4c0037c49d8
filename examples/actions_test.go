package examples_test

import (
	"encoding/json"
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
			typ, config := block.Labels[0], a.Config(block.Labels[0], configOf(t, block))
			if filepath.Base(filepath.Dir(file)) != typ {
				t.Errorf("%s: it is about %s", file, typ)
			}
			for _, found := range append(a.Validate(typ, config), a.Plan(typ, config)...) {
				if !strings.HasPrefix(found.Summary, "What moves in") {
					t.Errorf("%s, %s: %s: %s", file, block.Labels[1], found.Summary, found.Detail)
				}
			}
			progress, found := a.Invoke(typ, config)
			if len(found) > 0 || len(progress) == 0 {
				t.Errorf("%s, %s: %q %s", file, block.Labels[1], progress, providertest.Words(found))
			}
		}
	}
}

// beforeActions makes what the examples are about.
func beforeActions(t *testing.T, d *acctest.Daemon) {
	t.Helper()
	ctx, connect := t.Context(), fakeconnect.Start(t)
	for name, spec := range map[string]any{
		"main":    api.KafkaConnection{BootstrapServers: strings.Split(d.Kafka, ","), SecurityProtocol: "PLAINTEXT"},
		"connect": api.KafkaConnectConnection{URLs: []string{connect.URL}},
	} {
		raw, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		kind := map[string]string{"main": "kafka", "connect": "kafka_connect"}[name]
		if _, err := d.Client.PutConnection(ctx, name, api.ConnectionWrite{Kind: kind, Spec: raw}, api.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	connect.Change("shop-jdbc", map[string]string{"connector.class": fakeconnect.JDBC}, "RUNNING")
	if _, err := d.Client.PutTopic(ctx, "main", "orders", api.TopicWrite{Partitions: 2, ReplicationFactor: 1}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := d.Client.PutConnector(ctx, "orders-in", api.ConnectorWrite{
		Type: api.TypeSource, Kind: "kafka", Spec: json.RawMessage(`{"connection":"main","topics":["orders"]}`),
		Settings: json.RawMessage(`{"destination":{"connection":"main","topic_prefix":"copy."}}`),
	}, api.ConnectorWriteOptions{})
	if err == nil {
		_, err = d.Client.WaitConnector(ctx, "orders-in")
	}
	if err != nil {
		t.Fatal(err)
	}
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
