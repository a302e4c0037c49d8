package pulsartopic

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRetentionInWords(t *testing.T) {
	topic, err := parse("persistent://public/default/orders")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		body       api.PulsarTopicWrite
		kept, size string
		attribute  string
	}{
		{api.PulsarTopicWrite{}, "", "", ""},
		{api.PulsarTopicWrite{Retention: "36h"}, "2160m", api.Unlimited, ""},
		{api.PulsarTopicWrite{RetentionSize: "2GiB"}, api.Unlimited, "2048MiB", ""},
		{api.PulsarTopicWrite{Retention: api.Unlimited, RetentionSize: api.Unlimited}, api.Unlimited, api.Unlimited, ""},
		{api.PulsarTopicWrite{Retention: "90s"}, "", "", "/retention"},
		{api.PulsarTopicWrite{Retention: "0m"}, "", "", "/retention"},
		{api.PulsarTopicWrite{RetentionSize: "1000"}, "", "", "/retention_size"},
		{api.PulsarTopicWrite{RetentionSize: "much"}, "", "", "/retention_size"},
	} {
		want, err := wanted(topic, tt.body)
		if tt.attribute != "" {
			if !api.HasCode(err, api.CodeInvalid) {
				t.Errorf("%+v: %v, want it refused at %s", tt.body, err, tt.attribute)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", tt.body, err)
			continue
		}
		if kept, size := inWords(want.retention); kept != tt.kept || size != tt.size {
			t.Errorf("%+v is %q and %q, want %q and %q", tt.body, kept, size, tt.kept, tt.size)
		}
	}
}

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"persistent://public/default/orders": true, "non-persistent://a-b/c.d/e:f": true,
		"orders": false, "public/default/orders": false, "persistent://public/orders": false, "persistent://a/b/c/d": false,
		"persistent://a/b/c-partition-0": false, "kafka://a/b/c": false, "persistent://a/b/": false, "persistent://a/b/c d": false,
	} {
		if _, err := parse(name); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
