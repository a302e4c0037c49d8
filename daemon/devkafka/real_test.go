package devkafka_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	systems "github.com/headgate/terraform-provider-headgate/internal/real"
)

// TestRealParity runs the same table against Apache Kafka, so that it says what Kafka does and not what we believe.
func TestRealParity(t *testing.T) {
	opts, err := systems.Shared(t).Kafka.ClientOptions(systems.ListenerPlaintext)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, opts...)
	prefix := systems.Name(t)
	for i, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			if r.devOnly != "" {
				t.Skip(r.devOnly)
			}
			r.run(t, c, fmt.Sprintf("%s.%d", prefix, i))
		})
	}
}

// TestRealParityDescribe compares what both tell of the same topic's configurations.
func TestRealParityDescribe(t *testing.T) {
	opts, err := systems.Shared(t).Kafka.ClientOptions(systems.ListenerPlaintext)
	if err != nil {
		t.Fatal(err)
	}
	c, dev := newClient(t, opts...), newClient(t, kgo.SeedBrokers(start(t).BootstrapServers()...))
	topic := systems.Name(t)
	want, got := describeSpecimen(t, c, topic), describeSpecimen(t, dev, topic)
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("Kafka tells, and we do not:\n%s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("we tell, and Kafka does not:\n%s", line)
		}
	}
}
