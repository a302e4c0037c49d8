package group_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const reset = "headgate_reset_offsets"

// withOrders has a topic of two partitions, with five records in the first.
func withOrders(t *testing.T) *acctest.Daemon {
	t.Helper()
	d := acctest.Dev(t)
	d.ConnectKafka(t)
	if _, err := d.Client.PutTopic(t.Context(), "main", "orders", api.TopicWrite{Partitions: 2, ReplicationFactor: 1}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	produce(t, d, 5)
	return d
}

func TestAccResetOffsetsAction(t *testing.T) {
	t.Parallel()
	d := withOrders(t)
	group := real.Name(t)
	a := providertest.NewActions(t, d)
	for _, tt := range []struct {
		how  string
		want []string // of each partition, planned and done
		at   int64
	}{
		{`"topics":["orders"],"to":"latest"`, []string{"orders, partition 0: none -> 5", "orders, partition 1: none -> 0"}, 5},
		{`"topics":["orders"],"shift":-2`, []string{"orders, partition 0: 5 -> 3, reads 2 again", "orders, partition 1: stays at 0 (the end of what the partition holds)"}, 3},
		{`"topics":["orders"],"shift":-9`, []string{"orders, partition 0: 3 -> 0, reads 3 again (the end of what the partition holds)", "orders, partition 1: stays at 0 (the end of what the partition holds)"}, 0},
		{`"offsets":{"orders":{"0":4}}`, []string{"orders, partition 0: 0 -> 4, skips 4"}, 4},
		{`"topics":["orders"],"to":"earliest"`, []string{"orders, partition 0: 4 -> 0, reads 4 again", "orders, partition 1: stays at 0"}, 0},
		{fmt.Sprintf(`"topics":["orders"],"to":%q`, time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)), []string{"orders, partition 0: 0 -> 5, skips 5", "orders, partition 1: stays at 0"}, 5},
	} {
		planned, progress, done := a.Run(reset, fmt.Sprintf(`{"connection_name":"main","group":%q,%s}`, group, tt.how))
		want := fmt.Sprintf("WARNING: What moves in consumer group %q\nIn orders, as of now:\n- %s\n", group, strings.Join(tt.want, "\n- "))
		if planned != want {
			t.Errorf("%s: planned\n%s\nwant\n%s", tt.how, planned, want)
		}
		if done != "" || !slices.Equal(progress, tt.want) {
			t.Errorf("%s: %q\n%s", tt.how, progress, done)
		}
		if err := stands(t, d, group, tt.at)(nil); err != nil {
			t.Errorf("%s: %v", tt.how, err)
		}
	}
}

func TestAccResetOffsetsActionRefusals(t *testing.T) {
	t.Parallel()
	d := withOrders(t)
	group := real.Name(t)
	a := providertest.NewActions(t, d)
	in := func(how string) string { return fmt.Sprintf(`{"connection_name":"main","group":%q,%s}`, group, how) }
	for _, tt := range []struct{ config, want string }{
		{in(`"topics":["orders"]`), "[to,shift,offsets]"},
		{in(`"topics":["orders"],"to":"latest","shift":1`), "[to,shift,offsets]"},
		{in(`"topics":["orders"],"offsets":{"orders":{"0":1}}`), "cannot be specified when"},
		{in(`"topics":["orders"],"shift":1.5`), "ERROR: shift must be a whole number\n1.5 is not one."},
		{in(`"topics":[],"to":"latest"`), "at least 1 elements"},
	} {
		if got := providertest.Words(a.Validate(reset, a.Config(reset, tt.config))); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.config, got, tt.want)
		}
	}
	for _, tt := range []struct{ config, planned, done string }{
		{in(`"topics":["orders"],"to":"soon"`), `ERROR: "soon" is neither earliest, latest nor a time`, `ERROR: "soon" is neither`},
		{in(`"to":"latest"`), "ERROR: No topic is named", "ERROR: No topic is named"},
		// The apply may make these first.
		{in(`"offsets":{"orders":{"0":7}}`), "WARNING: Partition 0 of topic \"orders\" has no offset 7", "ERROR: Partition 0"},
		{in(`"offsets":{"orders":{"9":0}}`), "WARNING: Topic \"orders\" has no partition 9", "ERROR: Topic \"orders\" has no partition 9"},
		{in(`"topics":["refunds"],"to":"latest"`), "WARNING: Topic \"refunds\" does not exist", "ERROR: Topic \"refunds\" does not exist"},
		{fmt.Sprintf(`{"connection_name":"none","group":%q,"topics":["orders"],"to":"latest"}`, group), "ERROR: Connection \"none\" does not exist", "ERROR: Connection \"none\" does not exist"},
	} {
		planned, _, done := a.Run(reset, tt.config)
		if !strings.HasPrefix(planned, tt.planned) {
			t.Errorf("%s: planned %s, want %s", tt.config, planned, tt.planned)
		}
		if !strings.HasPrefix(done, tt.done) {
			t.Errorf("%s: %s, want %s", tt.config, done, tt.done)
		}
	}
	// What is not known yet is not looked at, and neither is anything while the daemon is not known.
	latest := in(`"topics":["orders"],"to":"latest"`)
	for _, unknown := range []string{"connection_name", "group", "topics"} {
		if got := providertest.Words(a.Plan(reset, a.Config(reset, latest, unknown))); got != "" {
			t.Errorf("%s is unknown: %s", unknown, got)
		}
	}
	nowhere := providertest.NewActions(t, nil)
	if got := providertest.Words(nowhere.Plan(reset, nowhere.Config(reset, latest))); got != "" {
		t.Errorf("no daemon: %s", got)
	}
	if _, found := nowhere.Invoke(reset, nowhere.Config(reset, latest)); !strings.HasPrefix(providertest.Words(found), "ERROR: The daemon is not known") {
		t.Errorf("no daemon: %s", providertest.Words(found))
	}
	join(t, d, group)
	config := a.Config(reset, latest)
	if got := providertest.Words(a.Plan(reset, config)); !strings.HasPrefix(got, "WARNING: Consumer group") || !strings.Contains(got, "is being used") || !strings.Contains(got, "on AttributeName(\"group\")") {
		t.Errorf("someone is in it: planned %s", got)
	}
	if progress, found := a.Invoke(reset, config); len(progress) > 0 || !strings.Contains(providertest.Words(found), "ERROR: Consumer group") {
		t.Errorf("someone is in it: %q %s", progress, providertest.Words(found))
	}
	d.Stop()
	if got := providertest.Words(a.Plan(reset, config)); !strings.HasPrefix(got, "ERROR: Cannot reach the Headgate daemon\nCould not check how to reset the offsets of consumer group") {
		t.Errorf("no daemon: planned %s", got)
	}
}
