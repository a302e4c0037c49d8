package reassign_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	"github.com/headgate/terraform-provider-headgate/daemon/reassign"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

const (
	conn = "main"

	// deadline is far longer than anything takes.
	deadline = 60 * time.Second
)

// env is what one test has: a service with one connection, and clients that go around it.
type env struct {
	*reassign.Service
	t      *testing.T
	dev    *devkafka.Cluster // nil: a real one
	store  *store.Store
	conns  *connection.Service
	admins *kafka.Admins
	raw    *kgo.Client
	admin  *kadm.Client
}

// dev has brokers that take so long to become replicas.
func dev(t *testing.T, slow time.Duration) *env {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	c, err := devkafka.Start(t.Context(), devkafka.Config{ReassignmentTime: slow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	e := newEnv(t, c.BootstrapServers())
	e.dev = c
	return e
}

func newEnv(t *testing.T, servers []string) *env {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	spec := fmt.Sprintf(`{"bootstrap_servers":["%s"],"security_protocol":"PLAINTEXT"}`, strings.Join(servers, `","`))
	if _, err := conns.Put(t.Context(), conn, api.ConnectionWrite{Kind: "kafka", Spec: []byte(spec), Test: new(false)}, api.WriteOptions{}, ""); err != nil {
		t.Fatal(err)
	}
	admins := kafka.NewAdmins()
	t.Cleanup(admins.Close)
	raw, err := kgo.NewClient(kgo.SeedBrokers(servers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Close)
	e := &env{t: t, store: st, conns: conns, admins: admins, raw: raw, admin: kadm.NewClient(raw)}
	e.boot()
	t.Cleanup(func() { e.Close() })
	return e
}

// boot starts the service anew, as after a crash of the daemon.
func (e *env) boot() {
	e.t.Helper()
	if e.Service != nil {
		e.Close()
	}
	e.Service = reassign.New(e.store, e.conns, e.admins, slog.New(slog.DiscardHandler))
	if err := e.Start(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
}

// rewrite changes the only note as the daemon is down.
func (e *env) rewrite(change func(note *store.Reassignment)) {
	e.t.Helper()
	e.Close()
	notes, err := e.store.Reassignments(e.t.Context())
	if err != nil || len(notes) != 1 {
		e.t.Fatal(notes, err)
	}
	change(&notes[0])
	if err := e.store.PutReassignment(e.t.Context(), notes[0]); err != nil {
		e.t.Fatal(err)
	}
	e.boot()
}

func (e *env) create(partitions int32, replicas int16) string {
	e.t.Helper()
	name := real.Name(e.t)
	real.CreateTopic(e.t, e.raw, partitions, replicas, nil, name)
	return name
}

func (e *env) begin(topic string, change reassign.Change) {
	e.t.Helper()
	if err := e.Begin(e.t.Context(), conn, topic, change); err != nil {
		e.t.Fatal(err)
	}
}

// finish waits until nothing moves any more.
func (e *env) finish(topic string) *api.Reassignment {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), deadline)
	defer cancel()
	got, err := e.Wait(ctx, conn, topic)
	if err != nil {
		e.t.Fatal(err)
	}
	if got.InProgress || got.PartitionsLeft != 0 {
		e.t.Fatalf("after %v the reassignment is %+v", deadline, got)
	}
	return got
}

// replicas are those of each partition.
func (e *env) replicas(topic string) [][]int32 {
	e.t.Helper()
	meta, err := e.admin.Metadata(kafka.Fresh(e.t.Context()), topic)
	if err != nil {
		e.t.Fatal(err)
	}
	var all [][]int32
	for _, p := range meta.Topics[topic].Partitions.Sorted() {
		all = append(all, p.Replicas)
	}
	return all
}

// throttles lists every throttle there is on the brokers and the topic.
func (e *env) throttles(topic string) []string {
	e.t.Helper()
	var found []string
	brokers, err := e.admin.ListBrokers(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	described, err := e.admin.DescribeBrokerConfigs(e.t.Context(), brokers.NodeIDs()...)
	if err != nil {
		e.t.Fatal(err)
	}
	topics, err := e.admin.DescribeTopicConfigs(e.t.Context(), topic)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, r := range append(described, topics...) {
		for _, c := range r.Configs {
			dynamic := c.Source == kmsg.ConfigSourceDynamicBrokerConfig || c.Source == kmsg.ConfigSourceDynamicTopicConfig
			if dynamic && strings.Contains(c.Key, ".replication.throttled.") {
				found = append(found, fmt.Sprintf("%s %s=%s", r.Name, c.Key, c.MaybeValue()))
			}
		}
	}
	slices.Sort(found)
	return found
}

func (e *env) config(topic, key string) string {
	e.t.Helper()
	described, err := e.admin.DescribeTopicConfigs(e.t.Context(), topic)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, c := range described[0].Configs {
		if c.Key == key {
			return c.MaybeValue()
		}
	}
	return ""
}

// want waits for how it ends: brokers hear of changes one after the other.
func (e *env) want(topic string, factor int) (replicas [][]int32) {
	e.t.Helper()
	real.Until(e.t, fmt.Sprintf("topic %s has %d replicas everywhere", topic, factor), func() bool {
		replicas = e.replicas(topic)
		return !slices.ContainsFunc(replicas, func(r []int32) bool { return len(r) != factor })
	})
	real.Until(e.t, "no throttle is left", func() bool { return len(e.throttles(topic)) == 0 })
	return replicas
}

func TestReplicationFactorGrowsAndShrinks(t *testing.T) {
	e := dev(t, time.Hour)
	topic := e.create(4, 1)
	leaders := e.replicas(topic)
	e.begin(topic, reassign.Change{Factor: 3, Throttle: 5 << 20, After: map[string]string{"min.insync.replicas": "2"}})
	got, err := e.Get(t.Context(), conn, topic)
	if err != nil {
		t.Fatal(err)
	}
	if !got.InProgress || got.ReplicationFactor != 3 || got.PartitionsTotal != 4 || got.PartitionsLeft != 4 || got.Throttle != "5.0MiB" || got.BytesLeft == nil || got.StartedAt == nil {
		t.Errorf("under way it is %+v", got)
	}
	if set := e.throttles(topic); len(set) != 8 { // two rates on each of three brokers, two lists on the topic
		t.Errorf("under way the throttles are %v", set)
	}
	if now := e.config(topic, "min.insync.replicas"); now != "1" {
		t.Errorf("under way min.insync.replicas is %s already", now)
	}
	e.dev.FinishReassignments()
	e.finish(topic)
	e.want(topic, 3)
	if now := e.config(topic, "min.insync.replicas"); now != "2" {
		t.Errorf("min.insync.replicas is %s, want 2", now)
	}
	if e.Noted(conn, topic) != nil {
		t.Error("what is done is still noted")
	}
	e.begin(topic, reassign.Change{Factor: 2, Throttle: 5 << 20})
	e.finish(topic)
	e.want(topic, 2)
	for i, replicas := range e.replicas(topic) {
		if replicas[0] != leaders[i][0] {
			t.Errorf("partition %d is on %v, and was led by %v", i, replicas, leaders[i])
		}
	}
}

func TestDaemonDiesMeanwhile(t *testing.T) {
	e := dev(t, time.Hour)
	topic := e.create(3, 1)
	e.begin(topic, reassign.Change{Factor: 3, Throttle: 5 << 20})
	e.Close()
	if len(e.throttles(topic)) == 0 {
		t.Fatal("there is no throttle to be taken away")
	}
	e.dev.FinishReassignments()
	e.boot()
	e.finish(topic)
	e.want(topic, 3)
	if notes, err := e.store.Reassignments(t.Context()); err != nil || len(notes) > 0 {
		t.Errorf("notes are left: %v, %v", notes, err)
	}
}

func TestCancel(t *testing.T) {
	e := dev(t, time.Hour)
	topic := e.create(3, 1)
	if _, err := e.Cancel(t.Context(), conn, topic, false); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("cancelling nothing: %v", err)
	}
	e.begin(topic, reassign.Change{Factor: 2, Throttle: 5 << 20, After: map[string]string{"min.insync.replicas": "2"}})
	planned, err := e.Cancel(t.Context(), conn, topic, true)
	if err != nil || len(planned.Effects) != 1 || !strings.Contains(planned.Effects[0].Summary, "3 partitions keep") {
		t.Errorf("planned: %+v, %v", planned, err)
	}
	if len(e.throttles(topic)) == 0 {
		t.Error("the dry run took the throttle away")
	}
	if _, err := e.Cancel(t.Context(), conn, topic, false); err != nil {
		t.Fatal(err)
	}
	e.finish(topic)
	e.want(topic, 1)
	if now := e.config(topic, "min.insync.replicas"); now != "1" {
		t.Errorf("min.insync.replicas is %s", now)
	}
}

func TestChangedMeanwhile(t *testing.T) {
	e := dev(t, time.Hour)
	topic := e.create(3, 1)
	e.begin(topic, reassign.Change{Factor: 3, Throttle: 5 << 20})
	if err := e.Throttle(t.Context(), conn, topic, 9<<20); err != nil {
		t.Fatal(err)
	}
	if set := strings.Join(e.throttles(topic), " "); !strings.Contains(set, "rate=9437184") || strings.Contains(set, "rate=5242880") {
		t.Errorf("the throttles are %v", set)
	}
	if err := e.Throttle(t.Context(), conn, topic, 0); err != nil {
		t.Fatal(err)
	}
	if set := strings.Join(e.throttles(topic), " "); strings.Contains(set, "rate=") {
		t.Errorf("without a limit the throttles are %v", set)
	}
	e.begin(topic, reassign.Change{Factor: 1})
	e.finish(topic)
	e.want(topic, 1)
}

// A throttle changes without anything being planned anew: the planning needs all brokers, and one may be down.
func TestThrottleWithoutEnoughBrokers(t *testing.T) {
	e := dev(t, time.Hour)
	topic := e.create(3, 1)
	e.begin(topic, reassign.Change{Factor: 3})
	e.rewrite(func(note *store.Reassignment) { note.Factor = 4 }) // as if there had been a fourth
	if err := e.Throttle(t.Context(), conn, topic, 9<<20); err != nil {
		t.Fatal(err)
	}
	set := strings.Join(e.throttles(topic), " ")
	if strings.Count(set, "rate=9437184") != 6 || strings.Count(set, "throttled.replicas=") != 2 {
		t.Errorf("the throttles are %s", set)
	}
	e.rewrite(func(note *store.Reassignment) { note.Factor = 3 })
	e.dev.FinishReassignments()
	e.finish(topic)
	e.want(topic, 3)
}

// A broker that a reassignment has throttled, and that is no more, keeps nobody from changing the topic again.
func TestBrokerTakenOutMeanwhile(t *testing.T) {
	e := dev(t, time.Hour)
	topic := e.create(3, 1)
	e.begin(topic, reassign.Change{Factor: 2, Throttle: 5 << 20})
	e.rewrite(func(note *store.Reassignment) { note.Brokers = append(note.Brokers, 99) })
	e.begin(topic, reassign.Change{Factor: 3, Throttle: 6 << 20})
	if err := e.Throttle(t.Context(), conn, topic, 0); err != nil {
		t.Fatal(err)
	}
	e.dev.FinishReassignments()
	e.finish(topic)
	e.want(topic, 3)
	real.Until(e.t, "nothing is noted", func() bool { return e.Noted(conn, topic) == nil })
}

// A broker that is behind the controller does not end the following.
func TestLaggingBrokersMeanwhile(t *testing.T) {
	e := dev(t, time.Hour)
	topic := e.create(3, 1)
	e.begin(topic, reassign.Change{Factor: 3, Throttle: 5 << 20, After: map[string]string{"min.insync.replicas": "2"}})
	for _, broker := range []int32{0, 1} {
		e.dev.Lag(broker, topic, true)
	}
	real.Until(e.t, "a broker lags", func() bool {
		noted := e.Noted(conn, topic)
		if noted == nil {
			t.Fatal("the reassignment is forgotten")
		}
		return strings.Contains(noted.Problem, "do not agree")
	})
	for _, broker := range []int32{0, 1} {
		e.dev.Lag(broker, topic, false)
	}
	e.dev.FinishReassignments()
	real.Until(e.t, "it is over", func() bool { return e.Noted(conn, topic) == nil })
	e.want(topic, 3)
	if now := e.config(topic, "min.insync.replicas"); now != "2" {
		t.Errorf("min.insync.replicas is %s, want 2", now)
	}
}

// Without the connection nobody would take the throttle away.
func TestConnectionStaysMeanwhile(t *testing.T) {
	e := dev(t, time.Hour)
	topic := e.create(1, 1)
	e.begin(topic, reassign.Change{Factor: 3, Throttle: 5 << 20})
	_, err := e.conns.Delete(t.Context(), conn, api.WriteOptions{})
	if err == nil || !strings.Contains(err.Error(), "the reassignment of topic \""+topic) {
		t.Errorf("deleting the connection: %v", err)
	}
	e.dev.FinishReassignments()
	e.finish(topic)
	if _, err := e.conns.Delete(t.Context(), conn, api.WriteOptions{}); err != nil {
		t.Error(err)
	}
}

func TestTopicDeletedMeanwhile(t *testing.T) {
	e := dev(t, time.Hour)
	topic, other := e.create(3, 1), e.create(1, 1)
	e.begin(topic, reassign.Change{Factor: 3, Throttle: 5 << 20})
	if answer, err := e.admin.DeleteTopic(t.Context(), topic); err != nil || answer.Err != nil {
		t.Fatal(err, answer.Err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	e.Settle(ctx, conn, topic)
	e.want(other, 1)
}

func TestThrottlesOfOthersStay(t *testing.T) {
	e := dev(t, 300*time.Millisecond)
	topic := e.create(3, 1)
	rate, all := "1000000", "*"
	if _, err := e.admin.AlterBrokerConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "leader.replication.throttled.rate", Value: &rate}}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := e.admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "follower.replication.throttled.replicas", Value: &all}}, topic); err != nil {
		t.Fatal(err)
	}
	before := e.throttles(topic)
	e.begin(topic, reassign.Change{Factor: 3, Throttle: 5 << 20})
	e.finish(topic)
	if after := e.throttles(topic); !slices.Equal(before, after) {
		t.Errorf("the throttles were %v and are %v", before, after)
	}
}

func TestReassignmentOfOthers(t *testing.T) {
	e := dev(t, time.Hour)
	topic := e.create(1, 1)
	var req kadm.AlterPartitionAssignmentsReq
	leader := e.replicas(topic)[0][0]
	req.Assign(topic, 0, []int32{leader, (leader + 1) % 3})
	if _, err := e.admin.AlterPartitionAssignments(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	got, err := e.Get(t.Context(), conn, topic)
	if err != nil || !got.InProgress || got.ReplicationFactor != 0 || got.PartitionsLeft != 1 {
		t.Errorf("it is %+v, %v", got, err)
	}
	err = e.Begin(t.Context(), conn, topic, reassign.Change{Factor: 3})
	if !api.HasCode(err, api.CodeRefused) || !strings.Contains(err.Error(), "outside of Headgate") {
		t.Errorf("beginning another one: %v", err)
	}
	if _, err := e.Cancel(t.Context(), conn, topic, false); err != nil {
		t.Fatal(err)
	}
	e.finish(topic)
}

func TestCheck(t *testing.T) {
	e := dev(t, 0)
	topic := e.create(1, 1)
	for _, tt := range []struct {
		topic  string
		factor int
		code   string
	}{
		{topic, 3, ""},
		{topic, 4, api.CodeInvalid},
		{"nothing", 1, api.CodeNotFound},
	} {
		if err := e.Check(t.Context(), conn, tt.topic, tt.factor); tt.code == "" && err != nil || tt.code != "" && !api.HasCode(err, tt.code) {
			t.Errorf("%d replicas of %s: %v, want %q", tt.factor, tt.topic, err, tt.code)
		}
	}
}

func TestParseThrottle(t *testing.T) {
	for text, want := range map[string]int64{"": 50 << 20, "unlimited": 0, "8MiB": 8 << 20, "0": -1} {
		got, err := reassign.ParseThrottle(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
	}
}
