package pulsartopic

import (
	"strings"
	"testing"
	"time"

	"github.com/apache/pulsar-client-go/pulsaradmin/pkg/utils"
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

func TestLosses(t *testing.T) {
	now := time.Now()
	ledger := func(hours int, mebibytes int64) utils.LedgerInfo { // that was closed so many hours ago
		return utils.LedgerInfo{Size: mebibytes * mebibyte, Timestamp: now.Add(-time.Duration(hours) * time.Hour).UnixMilli()}
	}
	open := utils.LedgerInfo{Size: mebibyte}
	full := part{stored: 10 * mebibyte, ledgers: []utils.LedgerInfo{ledger(30, 4), ledger(3, 5), open}}
	unread := full
	unread.unread = full.stored
	half := full
	half.unread = 8 * mebibyte
	policy := func(hours int, mebibytes int64) utils.RetentionPolicies {
		if hours > 0 {
			hours *= 60
		}
		return utils.RetentionPolicies{RetentionTimeInMinutes: hours, RetentionSizeInMB: mebibytes}
	}
	unlimited, none := policy(-1, -1), policy(0, 0)
	for what, tt := range map[string]struct {
		before, after utils.RetentionPolicies
		part          part
		attribute     string
		words         string
	}{
		"longer":                     {policy(10, 100), policy(20, 200), full, "", ""},
		"nothing was retained":       {none, policy(1, 1), full, "", ""},
		"unlimited again":            {policy(1, 1), unlimited, full, "", ""},
		"empty":                      {unlimited, none, part{}, "", ""},
		"all are younger":            {unlimited, policy(31, -1), full, "", ""},
		"by time":                    {unlimited, policy(24, -1), full, "/retention", "Up to 4.0 MiB of acknowledged messages of topic \"t\" go: they are older than 1440m. retention goes from unlimited to 1440m"},
		"by time, more":              {policy(31, -1), policy(2, -1), full, "/retention", "9.0 MiB"},
		"some go anyway":             {policy(29, -1), policy(2, -1), full, "/retention", "5.0 MiB"},
		"nobody has read them":       {unlimited, policy(2, -1), unread, "", ""},
		"some have still to be read": {unlimited, policy(2, -1), half, "/retention", "2.0 MiB"},
		"by size":                    {unlimited, policy(-1, 3), full, "/retention_size", "7.0 MiB of acknowledged messages of topic \"t\" go: partitions hold more than 3MiB. retention_size goes from unlimited to 3MiB"},
		"by size, unread":            {unlimited, policy(-1, 3), unread, "", ""},
		"room enough":                {unlimited, policy(-1, 10), full, "", ""},
		"no longer any":              {policy(24, -1), none, full, "/retention", "nothing is retained any more. retention goes from 1440m to none"},
		"no longer any, by size":     {policy(-1, 20), none, full, "/retention", "retention goes from 20MiB to none"},
	} {
		losses := losing{"t", tt.before, tt.after}.losses([]part{tt.part, {}}, now)
		if tt.words == "" {
			if len(losses) > 0 {
				t.Errorf("%s: %+v", what, losses)
			}
			continue
		}
		if len(losses) != 1 || losses[0].Attribute != tt.attribute || !strings.Contains(losses[0].Summary+". "+losses[0].Detail, tt.words) {
			t.Errorf("%s: %+v, want %q", what, losses, tt.words)
		}
	}
	if both := (losing{"t", unlimited, policy(2, 3)}).losses([]part{full}, now); len(both) != 2 {
		t.Errorf("by time and by size: %+v", both)
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
