package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// The password of a running connector's user changes. The broker ends sessions after seconds, so that the old password
// cannot be what keeps the connector going.
func TestRealRotation(t *testing.T) {
	broker := real.Dedicated(t, real.KafkaOptions{Config: map[string]string{"connections.max.reauth.ms": "4000"}})
	outside := newKafka(t, broker.BootstrapServers(real.ListenerPlaintext))
	outside.createTopic("numbers", 4)
	d := serve(t)
	connect := func(password string, version int64) error {
		_, err := d.put("secured", "kafka", map[string]any{
			"bootstrap_servers": broker.BootstrapServers(real.ListenerSASLSSL), "security_protocol": "SASL_SSL", "tls": map[string]any{"ca_certificate": string(broker.CA())},
			"sasl": map[string]any{"mechanism": real.MechanismSCRAMSHA512, "username": broker.Alice.Name, "password": password},
		}, map[string]int64{"/sasl/password": version})
		return err
	}
	must(t, connect(broker.Alice.Password, 1))
	d.copies("rotated", "secured", "secured", []string{"numbers"}, 2)
	const perPartition, before = 10000, 6000
	produced := make(chan error, 1)
	go func() { produced <- outside.number("numbers", 4, before, 15*time.Second) }()
	outside.waitEnd("copy.numbers", 1000, time.Minute)

	if err := connect("not the password", 2); !api.HasCode(err, api.CodeConnection) {
		t.Errorf("a wrong password was taken: %v", err)
	}
	after := outside.end("copy.numbers")
	outside.waitEnd("copy.numbers", min(after+1000, 4*before), time.Minute)
	c, err := d.client.GetConnection(t.Context(), "secured")
	must(t, err)
	if c.SecretVersions["/sasl/password"] != 1 {
		t.Errorf("after a refused write the version is %d", c.SecretVersions["/sasl/password"])
	}

	outside.setPassword(t, broker.Alice.Name, "the second password")
	real.Eventually(t, func(context.Context) error { return connect("the second password", 3) })
	rotated := outside.end("copy.numbers")
	must(t, <-produced)
	must(t, outside.goOn("numbers", 4, before, perPartition, 5*time.Second))
	outside.waitEnd("copy.numbers", 4*perPartition, time.Minute)
	d.waitLag("rotated", 0)
	t.Logf("%d records were copied before the rotation, %d after", rotated, outside.end("copy.numbers")-rotated)
	// Longer than a session: whoever still had the old password would be out by now.
	time.Sleep(5 * time.Second)
	if status := d.waitState("rotated", api.StateRunning).Status; status.Error != nil {
		t.Errorf("status %+v", status)
	}
	outside.judge(t, "copy.numbers", 4, perPartition)
}

// setPassword waits until the broker has heard of it, which it shows by the iterations.
func (k *kafka) setPassword(t *testing.T, user, password string) {
	t.Helper()
	iterations := 4096 + rand.Int32N(4096) // #nosec G404 -- to tell one from the other
	answer, err := k.admin.AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{
		{User: user, Mechanism: kadm.ScramSha512, Iterations: iterations, Password: password},
	})
	must(t, err)
	must(t, answer.Error())
	real.Eventually(t, func(ctx context.Context) error {
		shown, err := k.admin.DescribeUserSCRAMs(ctx, user)
		if err == nil && !slices.ContainsFunc(shown[user].CredInfos, func(c kadm.CredInfo) bool { return c.Iterations == iterations }) {
			err = fmt.Errorf("user %s is %+v", user, shown[user])
		}
		return err
	})
}
