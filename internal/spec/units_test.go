package spec_test

import (
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5m": 5 * time.Minute, "168h": 168 * time.Hour, "0ms": 0, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "0d": 0, "106751d": 106751 * 24 * time.Hour,
	} {
		if got, err := spec.Duration(text).Parse(); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "7", "7 days", "d", "-7d", "7d-1h", "1.5d", "1h7d", "106752d", "106751d24h", "99999999999999999999d", "1w"} {
		if got, err := spec.Duration(text).Parse(); err == nil {
			t.Errorf("%q was taken for %s", text, got)
		}
	}
}

func TestRetentions(t *testing.T) {
	for text, want := range map[string]string{"7d": "604800000", "168h": "604800000", "90m": "5400000", "30s": "30000", "1500ms": "1500", "unlimited": "-1", "0ms": "0"} {
		if got, err := spec.RetentionMillis(text); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, wrong := range []string{"", "7 days", "-1h", "forever"} {
		if got, err := spec.RetentionMillis(wrong); err == nil {
			t.Errorf("%q was taken for %s", wrong, got)
		}
	}
	for millis, want := range map[string]string{"604800000": "168h", "5400000": "90m", "30000": "30s", "1500": "1500ms", "-1": "unlimited", "1": "1ms", "0": "0ms"} {
		if got := spec.RetentionText(millis); got != want {
			t.Errorf("%s: %s, want %s", millis, got, want)
		}
	}
}
