package api_test

import (
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestParseThrottle(t *testing.T) {
	for text, want := range map[string]int64{"unlimited": 0, "8MiB": 8 << 20, "1000": 1000, "": -1, "0": -1, "0MiB": -1, "fast": -1, "-1": -1} {
		got, err := api.ParseThrottle(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
	}
}
