package topicconfig_test

import (
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/topicconfig"
)

// What one kind of cluster takes must not be refused before it was asked.
func TestCheckAnywhere(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		ok          bool
	}{
		{"cleanup.policy", "compact, delete", true},
		{"cleanup.policy", "odd", false},
		{"retention.ms", "-1", true},
		{"retention.ms", " 5 ", true},
		{"retention.ms", "7 days", false},
		{"retention.bytes", "-1", true},
		{"min.insync.replicas", "0", false},
		{"unclean.leader.election.enable", "TRUE", true},
		{"unclean.leader.election.enable", "yes", false},
		{"segment.bytes", "1024", true},
		{"segment.bytes", "1", false},
		{"compression.type", "none", true}, // Redpanda
		{"remote.storage.enable", "true", true},
		{"redpanda.remote.read", "anything", true},
		{"no.such.config", "anything", true},
	} {
		if err := topicconfig.CheckAnywhere(tt.name, tt.value); (err == nil) != tt.ok {
			t.Errorf("%s = %q: %v", tt.name, tt.value, err)
		}
	}
}

func TestMeant(t *testing.T) {
	for name, want := range map[string]string{
		"retention_ms":         "retention.ms",
		"cleanup.polici":       "cleanup.policy",
		"log.retention.hours":  "retention.ms",
		"message.max.bytes":    "max.message.bytes",
		"Retention.MS":         "retention.ms",
		"redpanda.remote.read": "",
		"no.such.config":       "",
	} {
		if got := topicconfig.Meant(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
