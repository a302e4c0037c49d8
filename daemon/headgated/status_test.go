package main

import (
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestStatusOfAll(t *testing.T) {
	d := acctest.Dev(t)
	if got := command(t, d, "", "status"); got.err != nil || got.out != "No connectors.\n" {
		t.Errorf("%q, %v", got.out, got.err)
	}
	d.CopyOrders(t, 1)
	got := command(t, d, "", "status")
	if got.err != nil || !strings.Contains(got.out, "LAST ERROR") || !strings.Contains(got.out, "orders-in") || !strings.Contains(got.out, "running") {
		t.Errorf("%s%v", got.out, got.err)
	}
}

// The last error is that of any instance, with its cause and its age, whether it was got over or not.
func TestLastError(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	failure := func(minutesAgo int, summary, detail string) api.Failure {
		return api.Failure{At: now.Add(-time.Duration(minutesAgo) * time.Minute), Summary: summary, Detail: detail}
	}
	old, newer, newest := failure(9, "Old", ""), failure(5, "Cannot write", "disk full"), failure(2, "Cannot connect", "refused")
	for name, tt := range map[string]struct {
		status api.ConnectorStatus
		want   string
	}{
		"none":       {api.ConnectorStatus{Instances: []api.InstanceStatus{{}}}, "-"},
		"got over":   {api.ConnectorStatus{Instances: []api.InstanceStatus{{SourceErrors: []api.Failure{newest, old}}, {SystemErrors: []api.Failure{newer}}}}, "Cannot connect: refused (2 minutes ago)"},
		"of another": {api.ConnectorStatus{Instances: []api.InstanceStatus{{SourceErrors: []api.Failure{old}}, {SystemErrors: []api.Failure{newer}}}}, "Cannot write: disk full (5 minutes ago)"},
		"no detail":  {api.ConnectorStatus{Error: &old}, "Old (9 minutes ago)"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := summary(latest(&tt.status), now); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
