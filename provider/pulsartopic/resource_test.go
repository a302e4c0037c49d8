package pulsartopic

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// What is written stays written, and what follows from it stays unwritten.
func TestFlattenRetention(t *testing.T) {
	null, unlimited := types.StringNull(), types.StringValue(api.Unlimited)
	for name, tt := range map[string]struct {
		time, size         types.String // before
		nowTime, nowSize   string
		wantTime, wantSize types.String
	}{
		"neither":                   {null, null, "", "", null, null},
		"time alone":                {types.StringValue("60m"), null, "1h", api.Unlimited, types.StringValue("60m"), null},
		"size alone":                {null, types.StringValue("1024MiB"), api.Unlimited, "1GiB", null, types.StringValue("1024MiB")},
		"unlimited time alone":      {unlimited, null, api.Unlimited, api.Unlimited, unlimited, null},
		"unlimited size alone":      {null, unlimited, api.Unlimited, api.Unlimited, null, unlimited},
		"both unlimited":            {unlimited, unlimited, api.Unlimited, api.Unlimited, unlimited, unlimited},
		"import of a size":          {null, null, api.Unlimited, "1GiB", null, types.StringValue("1GiB")},
		"import of unlimited":       {null, null, api.Unlimited, api.Unlimited, unlimited, null},
		"size alone, time elsewise": {null, unlimited, "1h", api.Unlimited, types.StringValue("1h"), unlimited},
	} {
		m := &model{Retention: tt.time, RetentionSize: tt.size}
		if err := m.flatten(&api.PulsarTopic{Retention: tt.nowTime, RetentionSize: tt.nowSize}, false); err != nil {
			t.Fatal(err)
		}
		if !m.Retention.Equal(tt.wantTime) || !m.RetentionSize.Equal(tt.wantSize) {
			t.Errorf("%s: %s and %s, want %s and %s", name, m.Retention, m.RetentionSize, tt.wantTime, tt.wantSize)
		}
	}
}
