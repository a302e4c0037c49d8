package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// The password of a connector's user changes and nobody tells Headgate. The daemon's own client stays logged in; whatever
// connects anew is refused, and must not be told as running.
func TestRealRefusedLogin(t *testing.T) {
	broker := real.Dedicated(t, real.KafkaOptions{})
	outside := newKafka(t, broker.BootstrapServers(real.ListenerPlaintext))
	outside.createTopic("numbers", 2)
	const user, refusal = "billing", "SASL_AUTHENTICATION_FAILED"
	outside.setPassword(t, user, "the first password")
	d := serve(t)
	connect := func(password string, version int64) {
		t.Helper()
		_, err := d.put("limited", "kafka", map[string]any{
			"bootstrap_servers": broker.BootstrapServers(real.ListenerSASLSSL), "security_protocol": "SASL_SSL", "tls": map[string]any{"ca_certificate": string(broker.CA())},
			"sasl": map[string]any{"mechanism": real.MechanismSCRAMSHA512, "username": user, "password": password},
		}, map[string]int64{"/sasl/password": version})
		must(t, err)
	}
	connect("the first password", 1)
	d.connectKafka("open", outside.servers)
	d.copies("first", "limited", "open", []string{"numbers"}, 2)
	must(t, outside.number("numbers", 2, 100, time.Millisecond))
	outside.waitEnd("copy.numbers", 200, time.Minute)

	outside.setPassword(t, user, "the second password")
	_, err := d.client.RestartConnector(t.Context(), "first", false)
	must(t, err)
	c, err := d.client.WaitConnector(t.Context(), "first")
	must(t, err)
	if f := c.Status.Error; c.Status.State != api.StateFailed || f == nil || !strings.Contains(f.Detail, refusal) {
		t.Errorf("after a restart it is %s with %+v", c.Status.State, f)
	}
	if out := d.command("status"); out.code != 0 || !strings.Contains(out.stdout, refusal) {
		t.Errorf("status says %+v", out)
	}
	_, err = d.client.PutConnector(t.Context(), "late", api.ConnectorWrite{
		Type: api.TypeSource, Kind: "kafka", Spec: rawJSON(t, map[string]any{"connection": "limited", "topics": []string{"numbers"}}),
		Settings: rawJSON(t, map[string]any{"destination": map[string]any{"connection": "open", "topic_prefix": "late."}}),
	}, api.ConnectorWriteOptions{})
	must(t, err)
	if _, err = d.client.WaitConnector(t.Context(), "late"); !api.HasCode(err, api.CodeStartFailed) || !strings.Contains(err.Error(), refusal) {
		t.Errorf("one that cannot log in is created: %v", err)
	}

	must(t, outside.goOn("numbers", 2, 100, 200, time.Millisecond))
	connect("the second password", 2)
	d.waitState("first", api.StateRunning)
	outside.waitEnd("copy.numbers", 400, time.Minute)
	outside.judge(t, "copy.numbers", 2, 200)
}
