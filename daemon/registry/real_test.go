package registry_test

import (
	"os/exec"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/dev"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// confluentSerializers are Confluent's own clients of a registry.
const confluentSerializers = "confluent-kafka[avro,schemaregistry,json,protobuf]==2.14.0"

// Confluent's serializers write and read through the registry and the in-memory Kafka of dev mode, as they would through
// Confluent's.
func TestRealSerializers(t *testing.T) {
	real.Shared(t) // skips where nothing real was asked for
	python, err := real.NewPython(t.Context(), "confluent-serializers", confluentSerializers)
	if err != nil {
		t.Fatal(err)
	}
	d, err := dev.Start(t.Context(), dev.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	out, err := exec.CommandContext(t.Context(), python.Interpreter(), "testdata/serializers.py", d.RegistryURL, d.Kafka[0]).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
