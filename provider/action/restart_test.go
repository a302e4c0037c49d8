package action_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const restart = "headgate_restart_connector"

// runs is what a restart says that went well.
func runs(name, state string) []string {
	return []string{fmt.Sprintf("Connector %q restarts", name), fmt.Sprintf("Connector %q is %s", name, state)}
}

// hosted makes a connector that copies a topic, and waits until it has copied what is in it.
func hosted(t *testing.T, d *acctest.Daemon) {
	t.Helper()
	d.CopyOrders(t, 1)
	producer, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(d.Kafka, ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	real.Until(t, "the record is copied", func() bool { return received(t, d) == 1 })
}

// received is how many records the connector has read since it was started.
func received(t *testing.T, d *acctest.Daemon) int64 {
	t.Helper()
	c, err := d.Client.WaitConnector(t.Context(), "orders-in")
	if err != nil || len(c.Status.Instances) != 1 || c.Status.LagRecords != 0 {
		return -1
	}
	return c.Status.Instances[0].RecordsReceived
}

func TestRestartHosted(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	hosted(t, d)
	a := providertest.NewActions(t, d)
	for _, tt := range []struct {
		config   string
		received int64
	}{
		{`{"name":"orders-in","only_failed":true}`, 1}, // nothing has
		{`{"name":"orders-in"}`, 0},
	} {
		if planned, progress, done := a.Run(restart, tt.config); planned+done != "" || !slices.Equal(progress, runs("orders-in", "running")) {
			t.Errorf("%s: planned %s, %q %s", tt.config, planned, progress, done)
		}
		real.Eventually(t, func(context.Context) error {
			if got := received(t, d); got != tt.received {
				return fmt.Errorf("it has received %d records, want %d", got, tt.received)
			}
			return nil
		})
	}
	for state, want := range map[string]string{api.StatePaused: "", api.StateStopped: `Connector "orders-in" is stopped`} {
		if _, err := d.Client.SetConnectorState(t.Context(), "orders-in", state); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Client.WaitConnector(t.Context(), "orders-in"); err != nil {
			t.Fatal(err)
		}
		planned, progress, done := a.Run(restart, `{"name":"orders-in"}`)
		switch {
		case want == "" && (planned+done != "" || !slices.Equal(progress, runs("orders-in", state))):
			t.Errorf("%s: planned %s, %q %s", state, planned, progress, done)
		case want != "" && (!strings.HasPrefix(planned, "WARNING: "+want) || !strings.HasPrefix(done, "ERROR: "+want)):
			t.Errorf("%s: planned %s, then %s", state, planned, done)
		}
	}
}

func TestRestartOnKafkaConnect(t *testing.T) {
	t.Parallel()
	d, f := acctest.Dev(t), fakeconnect.Start(t)
	d.Connect(t, "connect", "kafka_connect", api.KafkaConnectConnection{URLs: []string{f.URL}})
	for name, state := range map[string]string{"shop": "RUNNING", "broken": "RUNNING", "rests": "PAUSED", "stopped": "STOPPED"} {
		f.Change(name, map[string]string{"connector.class": fakeconnect.JDBC}, state)
	}
	f.Break("broken", "disk full")
	a := providertest.NewActions(t, d)
	for _, tt := range []struct {
		config, planned string
		progress        []string
		done            string // empty: all went well
	}{
		{`{"connection_name":"connect","name":"shop"}`, "", runs("shop", "running"), ""},
		{`{"connection_name":"connect","name":"rests"}`, "", runs("rests", "paused"), ""},
		{`{"connection_name":"connect","name":"broken","only_failed":true}`, "", runs("broken", "")[:1], "ERROR: Connector \"broken\" has failed after its restart\nDeepException: disk full"},
		{`{"connection_name":"connect","name":"stopped"}`, "WARNING: Connector \"stopped\" is stopped", nil, "ERROR: Connector \"stopped\" is stopped"},
		{`{"connection_name":"connect","name":"none"}`, "WARNING: Connector \"none\" does not exist", nil, "ERROR: Connector \"none\" does not exist"},
		{`{"connection_name":"none","name":"shop"}`, "ERROR: Connection \"none\" does not exist", nil, "ERROR: Connection \"none\" does not exist"},
		{`{"name":"shop"}`, "WARNING: Connector \"shop\" does not exist", nil, "ERROR: Connector \"shop\" does not exist"}, // it is none that the daemon hosts
	} {
		planned, progress, done := a.Run(restart, tt.config)
		if !strings.HasPrefix(planned, tt.planned) || tt.planned == "" && planned != "" {
			t.Errorf("%s: planned %s, want %s", tt.config, planned, tt.planned)
		}
		if !strings.HasPrefix(done, tt.done) || tt.done == "" && done != "" || !slices.Equal(progress, tt.progress) {
			t.Errorf("%s: %q %s, want %q %s", tt.config, progress, done, tt.progress, tt.done)
		}
	}
	if f.Restarts("shop") != 1 || f.Restarts("broken") != 1 || f.Restarts("stopped") != 0 {
		t.Errorf("restarts: shop %d, broken %d, stopped %d", f.Restarts("shop"), f.Restarts("broken"), f.Restarts("stopped"))
	}
	f.Delay(time.Minute)
	_, found := a.Invoke(restart, a.Config(restart, `{"connection_name":"connect","name":"shop","timeouts":{"invoke":"100ms"}}`))
	if got := providertest.Words(found); !strings.HasPrefix(got, "ERROR: ") || !strings.Contains(got, "set timeouts.invoke.") {
		t.Errorf("slow: %s", got)
	}
	for _, config := range []string{`{"connection_name":"","name":"shop"}`, `{"name":""}`, `{"name":"shop","timeouts":{"invoke":"soon"}}`} {
		if found := a.Validate(restart, a.Config(restart, config)); len(found) == 0 {
			t.Errorf("%s is accepted", config)
		}
	}
	for _, unknown := range []string{"connection_name", "name"} {
		if got := providertest.Words(a.Plan(restart, a.Config(restart, `{"name":"none"}`, unknown))); got != "" {
			t.Errorf("%s is unknown: %s", unknown, got)
		}
	}
}
