package kafkaconnect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// The tests of this file share the one worker of a real cluster, and run one after the other.

func realDaemon(t *testing.T) *acctest.Daemon {
	t.Helper()
	real.Shared(t)
	if cluster == nil {
		t.Skipf("it runs without %s", acctest.RealEnv)
	}
	return acctest.Dev(t)
}

// realSink declares a connector on the real cluster that writes a file.
func realSink(d *acctest.Daemon, name, file, more string) string {
	return connections(d, cluster.URLs()[0]) + fmt.Sprintf(`
resource "headgate_connector" "shop" {
  connection_name = headgate_connection.connect.name
  name            = %q
  config = {
    "connector.class" = "FileStreamSink"
    "topics"          = %q
    "file"            = %q
  }
  %s
}
`, name, name, file, more)
}

// A sink on a real cluster, from nothing to nothing.
func TestRealAccConnector(t *testing.T) {
	d := realDaemon(t)
	name := real.Name(t)
	out := filepath.Join(t.TempDir(), "out")
	first := realSink(d, name, out, "")
	second := realSink(d, name, out+"2", `state = "paused"`)
	test(t,
		resource.TestStep{Config: realSink(d, name, "/nonexistent/dir/out", ""), ExpectError: regexp.MustCompile(`(?s)was not created.*NoSuchFileException`)},
		providertest.Applied(first, resource.TestCheckResourceAttr(address, "status.state", "running"), resource.TestCheckResourceAttr(address, "status.type", "sink")),
		providertest.Unchanged(first),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name", ImportStateId: "connect/" + name},
		providertest.Does(plancheck.ResourceActionUpdate, address, second, resource.TestCheckResourceAttr(address, "status.state", "paused")),
		providertest.Unchanged(second),
	)
}

// Apache's own Kafka Connect adds nothing but the name and masks nothing: secrets, and references to them, are shown as
// they were written, and neither makes a plan.
func TestRealAccConnectorSecrets(t *testing.T) {
	d := realDaemon(t)
	name, dir := real.Name(t), t.TempDir()
	properties := filepath.Join(dir, "sink.properties")
	if err := os.WriteFile(properties, []byte("out="+filepath.Join(dir, "out")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := realSink(d, name, fmt.Sprintf("$${file:%s:out}", properties), `
  sensitive_config_wo = {
    "consumer.override.sasl.jaas.config" = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=\"`+password+`\";"
  }
  sensitive_config_wo_version = 1
`) + `
data "headgate_connector" "shop" {
  connection_name = headgate_connector.shop.connection_name
  name            = headgate_connector.shop.name
}
`
	test(t,
		providertest.Applied(config,
			resource.TestCheckResourceAttr(address, "status.state", "running"),
			resource.TestCheckResourceAttr(address, "config.file", fmt.Sprintf("${file:%s:out}", properties)),
			resource.TestCheckResourceAttr(address, "sensitive_keys.0", "consumer.override.sasl.jaas.config"),
			resource.TestCheckResourceAttr("data.headgate_connector.shop", "server_keys.#", "0"),
		),
		providertest.Unchanged(config),
	)
}
