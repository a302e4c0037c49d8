package e2e

import (
	"crypto/rand"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// A reassignment survives the death of the apply that waits for it, and of the daemon that looks after it: it comes to its
// end without anyone, and the next apply finds it done.
func TestRealReassignmentSurvivesKills(t *testing.T) {
	const topic = "big"
	cluster := real.Dedicated(t, real.KafkaOptions{Brokers: 3, Racks: true})
	servers := cluster.BootstrapServers(real.ListenerPlaintext)
	outside := newKafka(t, servers)
	config := func(factor int) string {
		return plaintextConnection("main", servers) + fmt.Sprintf(`resource "headgate_topic" "big" {
  connection_name      = headgate_connection.main.name
  name                 = %q
  partitions           = 1
  replication_factor   = %d
  replication_throttle = "1MiB"
  config               = { "min.insync.replicas" = "1" }
}
`, topic, factor)
	}
	d := serve(t)
	tf := newTerraform(t, d, config(1))
	tf.apply()
	const records = 16 // of 512 KiB: two replicas take about eight seconds each
	outside.fill(topic, records, 512<<10)

	tf.write(config(3))
	apply := tf.launch("apply", "-auto-approve", "-input=false", "-no-color")
	real.Until(t, "replicas move", func() bool {
		r, err := d.client.GetReassignment(t.Context(), "main", topic)
		return err == nil && r.InProgress && r.PartitionsLeft > 0
	})
	killGroup(t, apply)
	d.kill()
	d.start()
	r, err := d.client.GetReassignment(t.Context(), "main", topic)
	must(t, err)
	if !r.InProgress {
		t.Errorf("it was done before the daemon came back: %+v", r)
	}
	real.Until(t, "the reassignment is done", func() bool {
		r, err := d.client.WaitReassignment(t.Context(), "main", topic)
		return err == nil && !r.InProgress
	})
	if left := outside.throttles(topic); len(left) > 0 {
		t.Errorf("throttles are left: %q", left)
	}
	tf.emptyPlan()
	if got := outside.end(topic); got != records {
		t.Errorf("the topic has %d records, want %d", got, records)
	}
}

// launch starts a command in a process group of its own, with the providers that it starts.
func (t *terraform) launch(args ...string) *exec.Cmd {
	t.tb.Helper()
	cmd := exec.Command(t.program, args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = t.dir, t.env, &syscall.SysProcAttr{Setpgid: true}
	must(t.tb, cmd.Start())
	return cmd
}

func killGroup(tb testing.TB, cmd *exec.Cmd) {
	tb.Helper()
	must(tb, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	_ = cmd.Wait()
}

// fill writes records of random bytes, which no compression makes smaller.
func (k *kafka) fill(topic string, records, size int) {
	k.tb.Helper()
	value := make([]byte, size)
	_, _ = rand.Read(value) // It never fails.
	for range records {
		must(k.tb, k.client.ProduceSync(k.tb.Context(), &kgo.Record{Topic: topic, Value: value}).FirstErr())
	}
}

// throttles are the rates of the brokers, and the lists of a topic's replicas that they hold back.
func (k *kafka) throttles(topic string) []string {
	k.tb.Helper()
	brokers, err := k.admin.DescribeBrokerConfigs(k.tb.Context(), 0, 1, 2)
	must(k.tb, err)
	topics, err := k.admin.DescribeTopicConfigs(k.tb.Context(), topic)
	must(k.tb, err)
	var found []string
	for _, resource := range append(brokers, topics...) {
		for _, c := range resource.Configs {
			if strings.Contains(c.Key, "replication.throttled") && c.MaybeValue() != "" {
				found = append(found, resource.Name+" "+c.Key+"="+c.MaybeValue())
			}
		}
	}
	return found
}
