package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// ran is how a command ended.
type ran struct {
	out string
	err error
}

func command(t *testing.T, d *acctest.Daemon, stdin string, args ...string) ran {
	t.Helper()
	var out, errs strings.Builder
	root := newRoot()
	root.SetArgs(append(args, "--endpoint", d.Endpoint))
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&errs)
	err := root.ExecuteContext(t.Context())
	return ran{out.String(), err}
}

const (
	ordersAt = `{"partition":{"table":"orders","id":"1"},"offset":{"at":%d}}`
	usersAt  = `{"partition":{"table":"users"},"offset":%s}`
)

func offsets(all ...string) string { return `{"offsets":[` + strings.Join(all, ",") + `]}` }

func TestConnectorOffsets(t *testing.T) {
	d, f := acctest.Dev(t), fakeconnect.Start(t)
	ctx := t.Context()
	d.Connect(t, "connect", "kafka_connect", api.KafkaConnectConnection{URLs: []string{f.URL}})
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "offsets.json")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	seed := offsets(fmt.Sprintf(ordersAt, 5), fmt.Sprintf(usersAt, `{"at":7}`))
	moved := offsets(`{"partition":{"id":"1","table":"orders"},"offset":{"at":9}}`, `{"partition":{"table":"new"},"offset":{"at":1}}`)
	const (
		before = `{"id":"1","table":"orders"}={"at":5} {"table":"users"}={"at":7}`
		after  = `{"id":"1","table":"orders"}={"at":9} {"table":"new"}={"at":1} {"table":"users"}={"at":7}`
	)
	for name, tt := range map[string]struct {
		state string
		stdin string
		args  []string
		want  []string // in what is printed
		fails string
		left  string
	}{
		"show":             {"RUNNING", "", nil, []string{"PARTITION", `{"at":5}`, `{"table":"users"}`}, "", before},
		"show JSON":        {"RUNNING", "", []string{"--json"}, []string{`"offsets": [`, `"at": 5`}, "", before},
		"set, dry":         {"STOPPED", "", []string{"--set", file(moved), "--dry-run"}, []string{`{"at":5}  {"at":9}`, `null      {"at":1}`, "Nothing is changed."}, "", before},
		"set":              {"STOPPED", "", []string{"--set", file(moved)}, []string{`{"at":5}  {"at":9}`, "The offsets are moved."}, "", after},
		"set, read":        {"STOPPED", moved, []string{"--set", "-"}, []string{"The offsets are moved."}, "", after},
		"set, JSON":        {"STOPPED", moved, []string{"--set", "-", "--json"}, []string{`"done": true`, `"from": null`}, "", after},
		"set while runs":   {"RUNNING", moved, []string{"--set", "-"}, []string{`{"at":5}  {"at":9}`, "Nothing is changed."}, "is not stopped: It is running", before},
		"dry while pauses": {"PAUSED", moved, []string{"--set", "-", "--dry-run"}, []string{"Nothing is changed."}, "is not stopped: It is paused", before},
		"JSON while runs":  {"RUNNING", moved, []string{"--set", "-", "--json"}, []string{`"done": false`}, "is not stopped", before},
		"set with a stop":  {"RUNNING", moved, []string{"--set", "-", "--stop"}, []string{"The offsets are moved."}, "", after},
		"forget one":       {"STOPPED", offsets(fmt.Sprintf(usersAt, "null")), []string{"--set", "-"}, []string{`{"at":7}  null`}, "", strings.Split(before, " ")[0]},
		"reset, dry":       {"STOPPED", "", []string{"--reset", "--dry-run"}, []string{`{"at":5}  null`, `{"at":7}  null`, "Nothing is changed."}, "", before},
		"reset":            {"STOPPED", "", []string{"--reset"}, []string{`{"at":5}  null`, "The offsets are moved."}, "", ""},
		"reset while runs": {"RUNNING", "", []string{"--reset"}, []string{"Nothing is changed."}, "is not stopped", before},
		"both":             {"STOPPED", "", []string{"--reset", "--set", "-"}, nil, "none of the others", before},
		"no JSON":          {"STOPPED", "offsets", []string{"--set", "-"}, nil, "what is needed looks like", before},
		"other JSON":       {"STOPPED", `{"moves":[]}`, []string{"--set", "-"}, nil, "what is needed looks like", before},
		"no offset":        {"STOPPED", `{"offsets":[{"partition":{}}]}`, []string{"--set", "-"}, nil, "offset 1 lacks", before},
		"nothing to set":   {"STOPPED", `{"offsets":[]}`, []string{"--set", "-"}, nil, "no offsets to set", before},
		"a number":         {"STOPPED", offsets(fmt.Sprintf(usersAt, "5")), []string{"--set", "-"}, nil, "A JSON object is needed", before},
		"no such file":     {"STOPPED", "", []string{"--set", filepath.Join(t.TempDir(), "none")}, nil, "read the offsets to set", before},
	} {
		t.Run(name, func(t *testing.T) {
			f.Change("shop", map[string]string{"connector.class": fakeconnect.JDBC}, "STOPPED")
			var body api.KafkaConnectorOffsets
			if err := json.Unmarshal([]byte(seed), &body); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Client.ResetKafkaConnectorOffsets(ctx, "connect", "shop", api.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Client.PutKafkaConnectorOffsets(ctx, "connect", "shop", body, api.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			f.Change("shop", map[string]string{"connector.class": fakeconnect.JDBC}, tt.state)
			got := command(t, d, tt.stdin, append([]string{"connector", "offsets", "connect", "shop"}, tt.args...)...)
			if (got.err != nil) != (tt.fails != "") || got.err != nil && !strings.Contains(got.err.Error(), tt.fails) {
				t.Errorf("it ends with %v, want %q", got.err, tt.fails)
			}
			for _, want := range tt.want {
				if !strings.Contains(got.out, want) {
					t.Errorf("%q is not in\n%s", want, got.out)
				}
			}
			if left := at(t, d); left != tt.left {
				t.Errorf("the offsets are %s, want %s", left, tt.left)
			}
			if now := f.State("shop"); now != tt.state {
				t.Errorf("it is %s, was %s", now, tt.state)
			}
		})
	}
	if got := command(t, d, "", "connector", "offsets", "connect", "none"); !api.HasCode(got.err, api.CodeNotFound) {
		t.Errorf("of a connector that is not there: %v", got.err)
	}
}

// at are the offsets of the connector on one line.
func at(t *testing.T, d *acctest.Daemon) string {
	t.Helper()
	now, err := d.Client.GetKafkaConnectorOffsets(t.Context(), "connect", "shop")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]string, 0, len(now.Offsets))
	for _, o := range now.Offsets {
		all = append(all, compact(o.Partition)+"="+compact(o.Offset))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestConnectorRestart(t *testing.T) {
	d, f := acctest.Dev(t), fakeconnect.Start(t)
	ctx := t.Context()
	d.Connect(t, "connect", "kafka_connect", api.KafkaConnectConnection{URLs: []string{f.URL}})
	d.CopyOrders(t, 1)
	if _, err := d.Client.PutConnector(ctx, "halted", api.ConnectorWrite{
		Type: api.TypeSource, Kind: "kafka", Spec: json.RawMessage(`{"connection":"main","topics":["orders"]}`),
		Settings: json.RawMessage(`{"destination":{"connection":"main","topic_prefix":"halted."},"state":"stopped"}`),
	}, api.ConnectorWriteOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, state := range map[string]string{"shop": "RUNNING", "broken": "RUNNING", "slow": "RUNNING", "rests": "PAUSED", "stopped": "STOPPED"} {
		f.Change(name, map[string]string{"connector.class": fakeconnect.JDBC}, state)
	}
	f.Break("broken", "disk full")
	for _, tt := range []struct {
		args     []string
		want     string // in what is printed
		fails    string
		restarts int // of the last argument
	}{
		{[]string{"orders-in"}, `Connector "orders-in" is running.`, "", 0},
		{[]string{"orders-in", "--failed"}, `Connector "orders-in" is running.`, "", 0},
		{[]string{"orders-in", "--json"}, `"state": "running"`, "", 0},
		{[]string{"halted"}, "", `Connector "halted" is stopped`, 0},
		{[]string{"none"}, "", `Connector "none" does not exist`, 0},
		{[]string{"connect", "shop"}, `Connector "shop" is running.`, "", 1},
		{[]string{"connect", "rests"}, `Connector "rests" is paused.`, "", 1},
		{[]string{"--failed", "connect", "broken"}, "", `Connector "broken" has failed after its restart: DeepException: disk full`, 1},
		{[]string{"--json", "connect", "broken"}, `"state": "failed"`, "disk full", 2},
		{[]string{"connect", "stopped"}, "", `Connector "stopped" is stopped`, 0},
		{[]string{"connect", "none"}, "", `Connector "none" does not exist`, 0},
		{[]string{"nowhere", "shop"}, "", `Connection "nowhere" does not exist`, 1},
		{[]string{"a", "b", "c"}, "", "\"c\" is too much", 0},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			got := command(t, d, "", append([]string{"connector", "restart"}, tt.args...)...)
			if (got.err != nil) != (tt.fails != "") || got.err != nil && !strings.Contains(got.err.Error(), tt.fails) {
				t.Errorf("it ends with %v, want %q", got.err, tt.fails)
			}
			if !strings.Contains(got.out, tt.want) {
				t.Errorf("%q is not in\n%s", tt.want, got.out)
			}
			if name := tt.args[len(tt.args)-1]; tt.restarts != 0 && f.Restarts(name) != tt.restarts {
				t.Errorf("%d restarts, want %d", f.Restarts(name), tt.restarts)
			}
		})
	}
	f.Delay(time.Minute)
	got := command(t, d, "", "connector", "restart", "connect", "slow", "--timeout", "100ms")
	if got.err == nil || !strings.Contains(got.err.Error(), "set --timeout") {
		t.Errorf("it ends with %v", got.err)
	}
}

func TestExportSaysWhenThereIsNothing(t *testing.T) {
	d, f := acctest.Dev(t), fakeconnect.Start(t)
	d.Connect(t, "connect", "kafka_connect", api.KafkaConnectConnection{URLs: []string{f.URL}})
	for name, tt := range map[string]struct {
		args  []string
		out   string
		fails string
	}{
		"nothing there":       {[]string{"connect"}, "# There are no connectors behind connection \"connect\".\n", ""},
		"no such prefix":      {[]string{"connect", "--prefix", "x"}, "", `no name begins with "x"`},
		"no namespaces":       {[]string{"--namespaces"}, "# There are no namespaces.\n", ""},
		"neither":             {nil, "", "name one connection"},
		"both":                {[]string{"connect", "--namespaces"}, "", "name one connection"},
		"no such connection":  {[]string{"none"}, "", "does not exist"},
		"no namespace so far": {[]string{"--namespaces", "--prefix", "a"}, "", `no name begins with "a"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := command(t, d, "", append([]string{"export"}, tt.args...)...)
			if got.out != tt.out || (got.err != nil) != (tt.fails != "") || got.err != nil && !strings.Contains(got.err.Error(), tt.fails) {
				t.Errorf("it prints %q and ends with %v", got.out, got.err)
			}
		})
	}
}
