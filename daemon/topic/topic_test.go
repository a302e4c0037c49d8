package topic_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	"github.com/headgate/terraform-provider-headgate/daemon/reassign"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/daemon/topic"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

const conn = "main"

// env is what one test has: a service with one connection, and a client that goes around it.
type env struct {
	t *testing.T
	*topic.Service
	dev       *devkafka.Cluster // nil: a real one
	reassigns *reassign.Service
	store     *store.Store
	conns     *connection.Service
	admin     *kadm.Client
	raw       *kgo.Client
	replicas  int64
	prefix    string
}

func dev(t *testing.T) *env {
	t.Helper()
	c, err := devkafka.Start(t.Context(), devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	e := newEnv(t, c.BootstrapServers(), 3)
	e.dev = c
	return e
}

func realKafka(t *testing.T) *env {
	t.Helper()
	return newEnv(t, real.Shared(t).Kafka.BootstrapServers(real.ListenerPlaintext), 1)
}

// in is the same for a part of the test.
func (e *env) in(t *testing.T) *env {
	t.Helper()
	part := *e
	part.t = t
	return &part
}

func newEnv(t *testing.T, servers []string, replicas int64) *env {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	admins := kafka.NewAdmins()
	t.Cleanup(admins.Close)
	raw, err := kgo.NewClient(kgo.SeedBrokers(servers...), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Close)
	log := slog.New(slog.DiscardHandler)
	e := &env{
		t: t, reassigns: reassign.New(st, conns, admins, log), store: st, conns: conns,
		admin: kadm.NewClient(raw), raw: raw, replicas: replicas, prefix: real.Name(t) + "-",
	}
	t.Cleanup(e.reassigns.Close)
	e.Service = topic.New(st, conns, admins, e.reassigns, log)
	t.Cleanup(e.Close)
	e.connect(t, conn, fmt.Sprintf(`{"bootstrap_servers":["%s"],"security_protocol":"PLAINTEXT"}`, strings.Join(servers, `","`)))
	return e
}

func (e *env) connect(t *testing.T, name, spec string) {
	t.Helper()
	_, err := e.conns.Put(t.Context(), name, api.ConnectionWrite{Kind: "kafka", Spec: []byte(spec), Test: new(false)}, api.WriteOptions{}, "")
	if err != nil {
		t.Fatal(err)
	}
}

// on runs a test on the in-memory cluster; its twin of the same name with Real runs it on Apache Kafka.
func on(t *testing.T, e *env, tests map[string]func(e *env)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(e.in(t)) })
	}
}

func TestTopics(t *testing.T)     { on(t, dev(t), tests()) }
func TestRealTopics(t *testing.T) { on(t, realKafka(t), tests()) }

func tests() map[string]func(e *env) {
	return map[string]func(e *env){
		"create":     testCreate,
		"grow":       testGrow,
		"configs":    testConfigs,
		"refusals":   testRefusals,
		"whole":      testNothingHalfDone,
		"conditions": testConditions,
		"unknowns":   testUnknowns,
		"adopt":      testAdopt,
		"twice":      testPlannedTwice,
		"list":       testList,
		"delete":     testDelete,
		"figures":    testFigures,
		"absent":     testAbsent,
		"many":       testMany,
		"keys":       testKeys,
		"losses":     testLosses,
		"many lossy": testManyLosses,
	}
}

func (e *env) put(t *testing.T, name string, body api.TopicWrite, opts api.WriteOptions) *api.Topic {
	t.Helper()
	got, err := e.Put(t.Context(), conn, name, body, opts, "")
	if err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
	return got
}

func (e *env) get(t *testing.T, name string) *api.Topic {
	t.Helper()
	got, err := e.Get(t.Context(), conn, name)
	if err != nil {
		t.Fatalf("get %s: %v", name, err)
	}
	return got
}

func want(t *testing.T, err error, code, attribute, words string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of the API with code %s", err, code)
	}
	if e.Code != code || e.Attribute != attribute {
		t.Errorf("got code %q at %q, want %q at %q: %v", e.Code, e.Attribute, code, attribute, e)
	}
	if !strings.Contains(e.Error(), words) {
		t.Errorf("got %q, want it to say %q", e.Error(), words)
	}
}

func testCreate(e *env) {
	t := e.t
	name := e.prefix + "create"
	body := api.TopicWrite{ReplicationFactor: e.replicas, Config: map[string]string{"min.insync.replicas": "1"}, Description: "d", Labels: map[string]string{"a": "b"}}
	planned := e.put(t, name, body, api.WriteOptions{DryRun: true, CreateOnly: true})
	if _, err := e.Get(t.Context(), conn, name); !api.HasCode(err, api.CodeNotFound) {
		t.Fatalf("after a dry run the topic is %v, want it absent", err)
	}
	made := e.put(t, name, body, api.WriteOptions{CreateOnly: true})
	read := e.get(t, name)
	for what, got := range map[string]*api.Topic{"planned": planned, "made": made, "read": read} {
		if got.Partitions != 3 || got.ReplicationFactor != e.replicas || !got.DeletionProtection || got.Description != "d" || got.Labels["a"] != "b" {
			t.Errorf("%s is %+v", what, got)
		}
		if want := map[string]string{"min.insync.replicas": "1", "retention.ms": "604800000"}; !maps.Equal(got.Config, want) {
			t.Errorf("%s has configs %v, want %v", what, got.Config, want)
		}
		if got.ConfigEffective["cleanup.policy"] != "delete" || got.ConfigEffective["retention.ms"] != "604800000" {
			t.Errorf("%s has effective configs %v", what, got.ConfigEffective)
		}
	}
	if made.Generation != read.Generation || made.ID == "" || made.ID != read.ID {
		t.Errorf("made is %s of %s, read is %s of %s", made.ID, made.Generation, read.ID, read.Generation)
	}
	if again := e.put(t, name, body, api.WriteOptions{}); again.Generation != made.Generation {
		t.Error("putting the same again made another generation")
	}
}

func testGrow(e *env) {
	t := e.t
	name := e.prefix + "grow"
	body := api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas}
	before := e.put(t, name, body, api.WriteOptions{})
	body.Partitions = 4
	if planned := e.put(t, name, body, api.WriteOptions{DryRun: true}); planned.Partitions != 4 {
		t.Errorf("the plan has %d partitions, want 4", planned.Partitions)
	}
	if got := e.get(t, name); got.Partitions != 1 {
		t.Errorf("after a dry run there are %d partitions, want 1", got.Partitions)
	}
	after := e.put(t, name, body, api.WriteOptions{})
	if after.Partitions != 4 || after.ID != before.ID || after.Generation == before.Generation {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if got := e.get(t, name); got.Partitions != 4 {
		t.Errorf("a read after the write has %d partitions, want 4", got.Partitions)
	}
	for _, dryRun := range []bool{true, false} { // there are three brokers at most
		_, err := e.Put(t.Context(), conn, name, api.TopicWrite{Partitions: 2}, api.WriteOptions{DryRun: dryRun}, "")
		want(t, err, api.CodeInvalid, "/partitions", "cannot shrink to 2")
		_, err = e.Put(t.Context(), conn, name, api.TopicWrite{ReplicationFactor: e.replicas + 3}, api.WriteOptions{DryRun: dryRun}, "")
		want(t, err, api.CodeInvalid, "/replication_factor", "of the cluster's brokers")
	}
	// What is not declared stays.
	if kept := e.put(t, name, api.TopicWrite{}, api.WriteOptions{}); kept.Partitions != 4 || kept.ReplicationFactor != e.replicas {
		t.Errorf("an empty declaration made it %+v", kept)
	}
}

func testConfigs(e *env) {
	t := e.t
	name := e.prefix + "configs"
	e.put(t, name, api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas, Config: map[string]string{"retention.ms": "1000", "max.message.bytes": "2000"}}, api.WriteOptions{})
	segment := "1048576"
	if _, err := e.admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "segment.bytes", Value: &segment}}, name); err != nil {
		t.Fatal(err)
	}
	change := api.TopicWrite{Config: map[string]string{"retention.ms": "3000", "cleanup.policy": "compact, delete"}, Unset: []string{"max.message.bytes", "flush.ms"}}
	planned := e.put(t, name, change, api.WriteOptions{DryRun: true})
	if planned.Config["retention.ms"] != "3000" || planned.ConfigEffective["max.message.bytes"] == "2000" {
		t.Errorf("planned %v, effective max.message.bytes %s", planned.Config, planned.ConfigEffective["max.message.bytes"])
	}
	changed := e.put(t, name, change, api.WriteOptions{})
	wanted := map[string]string{"retention.ms": "3000", "segment.bytes": segment, "cleanup.policy": changed.Config["cleanup.policy"]}
	if !maps.Equal(changed.Config, wanted) {
		t.Errorf("configs are %v, want %v", changed.Config, wanted)
	}
	if got := strings.ReplaceAll(changed.Config["cleanup.policy"], " ", ""); got != "compact,delete" {
		t.Errorf("cleanup.policy is %q", got)
	}
	if planned.ConfigEffective["max.message.bytes"] != changed.ConfigEffective["max.message.bytes"] {
		t.Errorf("max.message.bytes was planned as %s and is %s", planned.ConfigEffective["max.message.bytes"], changed.ConfigEffective["max.message.bytes"])
	}
	if again := e.put(t, name, change, api.WriteOptions{}); again.Generation != changed.Generation {
		t.Error("putting the same again made another generation")
	}
	if read := e.get(t, name); !maps.Equal(read.Config, changed.Config) {
		t.Errorf("read %v after writing %v", read.Config, changed.Config)
	}
}

func testRefusals(e *env) {
	t := e.t
	good := func(change func(*api.TopicWrite)) api.TopicWrite {
		body := api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas, Config: map[string]string{}}
		change(&body)
		return body
	}
	existing := e.prefix + "refusals.existing"
	e.put(t, existing, good(func(*api.TopicWrite) {}), api.WriteOptions{})
	for _, test := range []struct {
		what, name      string
		body            api.TopicWrite
		code, attribute string
		words           string
	}{
		{"empty name", "", good(func(*api.TopicWrite) {}), api.CodeInvalid, "/name", "needs a name"},
		{"dots", "..", good(func(*api.TopicWrite) {}), api.CodeInvalid, "/name", "cannot be names"},
		{"long name", strings.Repeat("x", 250), good(func(*api.TopicWrite) {}), api.CodeInvalid, "/name", "250 characters"},
		{"character", "a b", good(func(*api.TopicWrite) {}), api.CodeInvalid, "/name", "' '"},
		{"collision", strings.ReplaceAll(existing, ".", "_"), good(func(*api.TopicWrite) {}), api.CodeInvalid, "/name", "collides"},
		{"internal", "__mine", good(func(*api.TopicWrite) {}), api.CodeRefused, "/name", "belong to the cluster"},
		{"negative partitions", e.prefix + "r1", good(func(b *api.TopicWrite) { b.Partitions = -1 }), api.CodeInvalid, "/partitions", "at least 1"},
		{"partitions beyond 32 bits", e.prefix + "r2", good(func(b *api.TopicWrite) { b.Partitions = 1 << 31 }), api.CodeInvalid, "/partitions", "32 bits"},
		{"too many partitions", e.prefix + "r3", good(func(b *api.TopicWrite) { b.Partitions = 2_000_000_000 }), api.CodeRefused, "/partitions", "Excessively large"},
		{"too many replicas", e.prefix + "r4", good(func(b *api.TopicWrite) { b.ReplicationFactor = 9 }), api.CodeInvalid, "/replication_factor", "replication factor of 9"},
		{"unknown config", e.prefix + "r5", good(func(b *api.TopicWrite) { b.Config["retention"] = "1" }), api.CodeInvalid, "/config/retention", "Unknown topic config name"},
		{"bad value", e.prefix + "r6", good(func(b *api.TopicWrite) { b.Config["retention.bytes"] = "much" }), api.CodeInvalid, "/config/retention.bytes", "retention.bytes"},
		{"bad value, changed", existing, good(func(b *api.TopicWrite) { b.Config["retention.ms"] = "much" }), api.CodeInvalid, "/config/retention.ms", "retention.ms"},
		{"unknown config, changed", existing, good(func(b *api.TopicWrite) { b.Config["nope"] = "1" }), api.CodeInvalid, "/config/nope", "Unknown topic config name"},
		{"a secret", e.prefix + "r7", good(func(b *api.TopicWrite) { b.Config["sasl.jaas.config"] = "x" }), api.CodeInvalid, "/config/sasl.jaas.config", "looks like a secret"},
		{"a list of throttled replicas", existing, good(func(b *api.TopicWrite) { b.Config["leader.replication.throttled.replicas"] = "*" }), api.CodeInvalid, "/config/leader.replication.throttled.replicas", "replication_throttle"},
		{"declared and taken back", existing, good(func(b *api.TopicWrite) { b.Config["flush.ms"] = "1"; b.Unset = []string{"flush.ms"} }), api.CodeInvalid, "/config/flush.ms", "both"},
	} {
		t.Run(test.what, func(t *testing.T) {
			for _, dryRun := range []bool{true, false} {
				_, err := e.Put(t.Context(), conn, test.name, test.body, api.WriteOptions{DryRun: dryRun}, "k")
				want(t, err, test.code, test.attribute, test.words)
				if test.name == existing {
					continue
				}
				if _, err := e.Get(t.Context(), conn, test.name); !api.HasCode(err, api.CodeNotFound) {
					t.Errorf("after the refusal the topic is %v, want it absent", err)
				}
				// Nothing keeps the next attempt from creating it.
				if began, err := e.store.BeginCreation(t.Context(), "topic", conn+"/"+test.name, "other"); err != nil || !began {
					t.Errorf("the creation is still noted: %v, %v", began, err)
				}
				if err := e.EndCreation(t.Context(), conn, test.name); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Growth is possible, the config is not: neither may happen.
func testNothingHalfDone(e *env) {
	t := e.t
	name := e.prefix + "whole"
	before := e.put(t, name, api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas}, api.WriteOptions{})
	_, err := e.Put(t.Context(), conn, name, api.TopicWrite{Partitions: 2, Config: map[string]string{"retention.ms": "much"}, Description: "new"}, api.WriteOptions{}, "")
	want(t, err, api.CodeInvalid, "/config/retention.ms", "")
	_, err = e.Put(t.Context(), conn, name, api.TopicWrite{Partitions: 1_000_000, Config: map[string]string{"retention.ms": "5000"}, Description: "new"}, api.WriteOptions{}, "")
	want(t, err, api.CodeRefused, "/partitions", "")
	if after := e.get(t, name); after.Generation != before.Generation {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func testConditions(e *env) {
	t := e.t
	name := e.prefix + "conditions"
	body := api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas}
	_, err := e.Put(t.Context(), conn, name, body, api.WriteOptions{Generation: "x"}, "")
	want(t, err, api.CodeNotFound, "", name)
	made := e.put(t, name, body, api.WriteOptions{})
	body.Description = "new"
	for _, dryRun := range []bool{true, false} {
		_, err = e.Put(t.Context(), conn, name, body, api.WriteOptions{Generation: "x", DryRun: dryRun}, "")
		want(t, err, api.CodeConflict, "", "changed by someone else")
	}
	changed := e.put(t, name, body, api.WriteOptions{Generation: made.Generation})
	_, err = e.Delete(t.Context(), conn, name, api.WriteOptions{Generation: made.Generation})
	want(t, err, api.CodeConflict, "", "")
	if changed.Generation == made.Generation {
		t.Error("another description made no other generation")
	}
	_, err = e.Put(t.Context(), "nowhere", name, body, api.WriteOptions{}, "")
	want(t, err, api.CodeNotFound, "/connection", "nowhere")
}

func testUnknowns(e *env) {
	t := e.t
	name := e.prefix + "unknowns"
	body := api.TopicWrite{Partitions: -5, ReplicationFactor: 99, Config: map[string]string{"retention.ms": "", "flush.ms": "5"}, Unknown: []string{"/partitions", "/replication_factor", "/config/retention.ms"}}
	if planned := e.put(t, name, body, api.WriteOptions{DryRun: true}); planned.Config["flush.ms"] != "5" {
		t.Errorf("planned %+v", planned)
	}
	e.put(t, name, api.TopicWrite{Partitions: 2, ReplicationFactor: e.replicas}, api.WriteOptions{})
	e.put(t, name, body, api.WriteOptions{DryRun: true})
	body.Config["flush.ms"] = "much"
	_, err := e.Put(t.Context(), conn, name, body, api.WriteOptions{DryRun: true}, "")
	want(t, err, api.CodeInvalid, "/config/flush.ms", "flush.ms")
}

// That the brokers would create a topic is remembered, that there is none is not.
func testPlannedTwice(e *env) {
	t := e.t
	name := e.prefix + "twice"
	body := api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas, Config: map[string]string{"flush.ms": "7"}}
	plan := api.WriteOptions{DryRun: true, CreateOnly: true}
	first := e.put(t, name, body, plan)
	if again := e.put(t, name, body, plan); !maps.Equal(again.ConfigEffective, first.ConfigEffective) || again.Config["flush.ms"] != "7" {
		t.Errorf("first planned %+v, then %+v", first, again)
	}
	body.Config["flush.ms"] = "much"
	_, err := e.Put(t.Context(), conn, name, body, plan, "")
	want(t, err, api.CodeInvalid, "/config/flush.ms", "flush.ms")
	body.Config["flush.ms"] = "7"
	if made, err := e.admin.CreateTopic(t.Context(), 1, int16(e.replicas), nil, name); err != nil || made.Err != nil {
		t.Fatal(err, made.Err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) { // brokers learn of a topic a moment later
		_, err := e.Put(t.Context(), conn, name, body, plan, "")
		if err != nil || time.Now().After(end) {
			want(t, err, api.CodeAlreadyExists, "/name", "import")
			return
		}
	}
}

func testAdopt(e *env) {
	t := e.t
	name := e.prefix + "adopt"
	body := api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas}
	create := func(key string) error {
		_, err := e.Put(t.Context(), conn, name, body, api.WriteOptions{CreateOnly: true}, key)
		return err
	}
	if err := create("first"); err != nil {
		t.Fatal(err)
	}
	if err := create("first"); err != nil {
		t.Errorf("the repeated request is refused: %v", err)
	}
	want(t, create("other"), api.CodeAlreadyExists, "/name", conn+"/"+name)
	if err := e.EndCreation(t.Context(), conn, name); err != nil {
		t.Fatal(err)
	}
	want(t, create("first"), api.CodeAlreadyExists, "/name", "import")
}

func testList(e *env) {
	t := e.t
	prefix := e.prefix + "list."
	for _, name := range []string{"a", "b", "c"} {
		e.put(t, prefix+name, api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas, Description: name}, api.WriteOptions{})
	}
	// A consumer group makes the cluster's own topic.
	e.commit(t, e.prefix+"list-group", prefix+"a")
	for _, test := range []struct {
		after string
		limit int
		want  string
	}{
		{"", 10, "a b c"}, {"", 2, "a b"}, {prefix + "a", 2, "b c"}, {prefix + "b", 10, "c"}, {prefix + "bb", 10, "c"}, {prefix + "c", 10, ""},
	} {
		list, _, err := e.List(t.Context(), conn, topic.Query{Prefix: prefix, After: test.after, Limit: test.limit})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, one := range list {
			names = append(names, one.Description)
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("after %q, at most %d: got %q, want %q", test.after, test.limit, got, test.want)
		}
	}
	list, _, err := e.List(t.Context(), conn, topic.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		if strings.HasPrefix(one.Name, "__") {
			t.Errorf("the list has %s", one.Name)
		}
	}
}

func (e *env) commit(t *testing.T, group, name string) {
	t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: name, Partition: 0, At: 1, LeaderEpoch: -1})
	real.Eventually(t, func(ctx context.Context) error { return e.admin.CommitAllOffsets(ctx, group, offsets) })
}

func testDelete(e *env) {
	t := e.t
	name := e.prefix + "delete"
	body := api.TopicWrite{Partitions: 2, ReplicationFactor: e.replicas}
	made := e.put(t, name, body, api.WriteOptions{})
	for range 1234 {
		e.raw.Produce(t.Context(), &kgo.Record{Topic: name, Value: []byte("v")}, nil)
	}
	if err := e.raw.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.commit(t, e.prefix+"idle", name)
	e.consume(t, e.prefix+"busy", name)
	e.AddReaders(func(_ context.Context, connection, cluster, topic string) ([]api.Warning, error) {
		if connection != conn || cluster == "" || topic != name {
			return nil, nil
		}
		var readers []api.Warning
		for n := range 30 {
			readers = append(readers, api.Warning{Summary: fmt.Sprintf("Connector %q reads it", fmt.Sprint("orders-in-", n))})
		}
		return readers, nil
	})

	_, err := e.Delete(t.Context(), conn, name, api.WriteOptions{})
	want(t, err, api.CodeProtected, "/deletion_protection", "1,234 records in 2 partitions go")
	_, err = e.Delete(t.Context(), conn, name, api.WriteOptions{DryRun: true})
	want(t, err, api.CodeProtected, "/deletion_protection", "deletion_protection = false")
	body.DeletionProtection = new(false)
	e.put(t, name, body, api.WriteOptions{})

	planned, err := e.Delete(t.Context(), conn, name, api.WriteOptions{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if planned.Records == nil || *planned.Records != 1234 {
		t.Errorf("records: %v", planned.Records)
	}
	var said strings.Builder
	for _, effect := range planned.Effects {
		fmt.Fprintf(&said, "%s. %s\n", effect.Summary, effect.Detail)
	}
	for _, words := range []string{
		"1,234 records in 2 partitions go",
		fmt.Sprintf("Consumer group %q has committed offsets for it. State Empty, 0 members", e.prefix+"idle"),
		fmt.Sprintf("Consumer group %q is reading it. State Stable, 1 member", e.prefix+"busy"),
		`Connector "orders-in-24" reads it`, "5 connectors more read it",
		"They take ", "with all replicas. The newest is of 20",
	} {
		if !strings.Contains(said.String(), words) {
			t.Errorf("the effects do not say %q:\n%s", words, said.String())
		}
	}
	e.get(t, name)
	if _, err := e.Delete(t.Context(), conn, name, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = e.Get(t.Context(), conn, name)
	want(t, err, api.CodeNotFound, "", name)
	_, err = e.Delete(t.Context(), conn, name, api.WriteOptions{})
	want(t, err, api.CodeNotFound, "", name)
	body.DeletionProtection = nil
	if again := e.put(t, name, body, api.WriteOptions{CreateOnly: true}); again.ID == made.ID || !again.DeletionProtection {
		t.Errorf("the new topic is %+v", again)
	}
}

func testFigures(e *env) {
	t := e.t
	name, empty, compacted := e.prefix+"figures", e.prefix+"figures-empty", e.prefix+"figures-compacted"
	e.put(t, name, api.TopicWrite{Partitions: 2, ReplicationFactor: e.replicas}, api.WriteOptions{})
	e.put(t, empty, api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas}, api.WriteOptions{})
	e.put(t, compacted, api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas, Config: map[string]string{"cleanup.policy": "compact"}}, api.WriteOptions{})
	before := time.Now().Add(-time.Second)
	for i := range 600 {
		at := time.Now()
		if i < 300 {
			at = at.Add(-time.Hour) // long before the time that rates are taken over
		}
		e.raw.Produce(t.Context(), &kgo.Record{Topic: name, Value: make([]byte, 100), Timestamp: at}, nil)
	}
	e.raw.Produce(t.Context(), &kgo.Record{Topic: compacted, Key: []byte("k"), Value: []byte("v")}, nil)
	if err := e.raw.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	figures := func(name string) *api.TopicFigures {
		f, err := e.Figures(t.Context(), conn, name)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := figures(name)
	if f.Records == nil || *f.Records != 600 || f.SizeBytes == nil || *f.SizeBytes <= 0 || f.SizeBytesAll == nil || *f.SizeBytesAll < *f.SizeBytes {
		t.Errorf("the content is %+v", f)
	}
	if f.LastWrite == nil || f.LastWrite.Before(before) {
		t.Errorf("the last write was %v", f.LastWrite)
	}
	if f.RecordsPerSecond == nil || *f.RecordsPerSecond != 1 || f.BytesPerSecond == nil || *f.BytesPerSecond <= 0 {
		t.Errorf("the rates are %v, %v", f.RecordsPerSecond, f.BytesPerSecond)
	}
	var leaders, replicas, offsets int64
	for _, b := range f.Brokers {
		leaders += b.Leaders
		replicas += b.Replicas
	}
	for _, p := range f.Partitions {
		offsets += *p.LatestOffset - *p.EarliestOffset
		if p.Leader == nil || p.SizeBytes == nil || int64(len(p.Replicas)) != e.replicas || int64(len(p.InSync)) != e.replicas {
			t.Errorf("a partition is %+v", p)
		}
	}
	if leaders != 2 || replicas != 2*e.replicas || offsets != 600 {
		t.Errorf("brokers lead %d partitions with %d replicas of %d records", leaders, replicas, offsets)
	}
	if f := figures(empty); f.Records == nil || *f.Records != 0 || f.LastWrite != nil || f.RecordsPerSecond != nil || f.BytesPerSecond != nil {
		t.Errorf("the empty topic is %+v", f)
	}
	if f := figures(compacted); f.Records != nil || f.LastWrite == nil || f.RecordsPerSecond == nil || f.BytesPerSecond != nil {
		t.Errorf("the compacted topic is %+v", f)
	}
	_, err := e.Figures(t.Context(), conn, e.prefix+"nothing")
	want(t, err, api.CodeNotFound, "", "nothing")
}

// consume joins a group and stays in it.
func (e *env) consume(t *testing.T, group, name string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(e.raw.OptValue(kgo.SeedBrokers).([]string)...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	real.Eventually(t, func(ctx context.Context) error {
		fetches := client.PollRecords(ctx, 1)
		if err := fetches.Err(); err != nil || fetches.NumRecords() == 0 {
			return fmt.Errorf("%d records, %w", fetches.NumRecords(), err)
		}
		return nil
	})
}

// Looking at what goes with a topic takes time, in which someone may protect the topic, change it, or make another one.
func TestWriteOvertakesDelete(t *testing.T) {
	for what, tt := range map[string]struct {
		write      api.TopicWrite
		generation bool
		code       string
		attribute  string
	}{
		"protected":              {api.TopicWrite{}, false, api.CodeProtected, "/deletion_protection"},
		"changed":                {api.TopicWrite{Partitions: 5, DeletionProtection: new(false)}, true, api.CodeConflict, ""},
		"changed, which is fine": {api.TopicWrite{Partitions: 5, DeletionProtection: new(false)}, false, "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			e := dev(t)
			made := e.put(t, "orders", api.TopicWrite{DeletionProtection: new(false)}, api.WriteOptions{})
			e.AddReaders(func(context.Context, string, string, string) ([]api.Warning, error) {
				e.put(t, "orders", tt.write, api.WriteOptions{})
				return nil, nil
			})
			var opts api.WriteOptions
			if tt.generation {
				opts.Generation = made.Generation
			}
			_, err := e.Delete(t.Context(), conn, "orders", opts)
			if tt.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want(t, err, tt.code, tt.attribute, "orders")
			e.get(t, "orders")
		})
	}
}

// A broker that is behind the controller does not prove that a topic is absent.
func TestLaggingBrokers(t *testing.T) {
	e := dev(t)
	e.put(t, "orders", api.TopicWrite{Description: "kept", DeletionProtection: new(false)}, api.WriteOptions{})
	for _, broker := range []int32{0, 1} {
		e.dev.Lag(broker, "orders", true)
	}
	for range 20 { // clients ask a broker of their choice
		e.Forget(conn)
		if got := e.get(t, "orders"); got.Description != "kept" {
			t.Fatalf("it is %+v", got)
		}
		_, err := e.Put(t.Context(), conn, "orders", api.TopicWrite{}, api.WriteOptions{CreateOnly: true, DryRun: true}, "other")
		want(t, err, api.CodeAlreadyExists, "/name", "orders")
	}
	e.dev.Lag(2, "orders", true)
	e.Forget(conn)
	_, err := e.Get(t.Context(), conn, "orders")
	want(t, err, api.CodeNotFound, "", "orders")
}

// A controller that would create what is there (Redpanda's, until 2024) is not believed: whether it is there is asked by itself.
func TestPlanOfATopicThatTheControllerWouldCreateAgain(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "there"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	fake.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		create, ok := req.(*kmsg.CreateTopicsRequest)
		if !ok || !create.ValidateOnly {
			return nil, nil, false
		}
		resp := kmsg.NewPtrCreateTopicsResponse()
		resp.Version = create.Version
		for _, asked := range create.Topics {
			one := kmsg.NewCreateTopicsResponseTopic()
			one.Topic, one.NumPartitions, one.ReplicationFactor = asked.Topic, asked.NumPartitions, asked.ReplicationFactor
			resp.Topics = append(resp.Topics, one)
		}
		return resp, nil, true
	})
	e := newEnv(t, fake.ListenAddrs(), 1)
	body, plan := api.TopicWrite{Partitions: 1, ReplicationFactor: 1}, api.WriteOptions{DryRun: true, CreateOnly: true}
	e.put(t, "absent", body, plan)
	for range 2 { // the second plan remembers what the controller said
		_, err := e.Put(t.Context(), conn, "there", body, plan, "")
		want(t, err, api.CodeAlreadyExists, "/name", "import")
	}
}

// What is kept beside a topic goes when the cluster says that the topic is gone.
func testAbsent(e *env) {
	t := e.t
	name := e.prefix + "absent"
	body := api.TopicWrite{Partitions: 1, ReplicationFactor: e.replicas, Description: "old", DeletionProtection: new(false)}
	e.put(t, name, body, api.WriteOptions{})
	if answer, err := e.admin.DeleteTopic(t.Context(), name); err != nil || answer.Err != nil {
		t.Fatal(err, answer.Err)
	}
	real.Eventually(t, func(ctx context.Context) error {
		e.Forget(conn)
		got, err := e.Get(ctx, conn, name)
		if !api.HasCode(err, api.CodeNotFound) {
			return fmt.Errorf("the topic that others deleted is %+v, %w", got, err)
		}
		return nil
	})
	if answer, err := e.admin.CreateTopic(t.Context(), 1, -1, nil, name); err != nil || answer.Err != nil {
		t.Fatal(err, answer.Err)
	}
	var got *api.Topic
	real.Eventually(t, func(ctx context.Context) (err error) {
		e.Forget(conn)
		got, err = e.Get(ctx, conn, name)
		return err
	})
	if got.Description != "" || !got.DeletionProtection {
		t.Errorf("the topic that others made is %+v", got)
	}
}

// A cluster that does not answer says nothing about its topics.
// The replication factor changes in place; a min.insync.replicas that needs the new replicas waits for them.
func TestReplicationFactor(t *testing.T) {
	e := dev(t)
	name := e.prefix + "factor"
	e.put(t, name, api.TopicWrite{Partitions: 2, ReplicationFactor: 1}, api.WriteOptions{})
	body := api.TopicWrite{Partitions: 4, ReplicationFactor: 3, Config: map[string]string{"min.insync.replicas": "2"}}
	if planned := e.put(t, name, body, api.WriteOptions{DryRun: true}); planned.ReplicationFactor != 3 || planned.Partitions != 4 || planned.Config["min.insync.replicas"] != "2" {
		t.Errorf("the plan is %+v", planned)
	}
	if now := e.get(t, name); now.ReplicationFactor != 1 {
		t.Errorf("the plan changed the topic: %+v", now)
	}
	e.put(t, name, body, api.WriteOptions{})
	if _, err := e.reassigns.Wait(t.Context(), conn, name); err != nil {
		t.Fatal(err)
	}
	grown := e.get(t, name)
	if grown.ReplicationFactor != 3 || grown.Partitions != 4 || grown.Config["min.insync.replicas"] != "2" || grown.Reassignment != nil {
		t.Errorf("it is %+v", grown)
	}
	_, err := e.Put(t.Context(), conn, name, api.TopicWrite{ReplicationFactor: 1}, api.WriteOptions{DryRun: true}, "")
	want(t, err, api.CodeInvalid, "/replication_factor", "asks for 2 replicas in sync, and would have 1")
	e.put(t, name, api.TopicWrite{ReplicationFactor: 1, Unset: []string{"min.insync.replicas"}}, api.WriteOptions{})
	if _, err := e.reassigns.Wait(t.Context(), conn, name); err != nil {
		t.Fatal(err)
	}
	if now := e.get(t, name); now.ReplicationFactor != 1 || now.Config["min.insync.replicas"] != "" {
		t.Errorf("it is %+v", now)
	}
}

func TestMoreInSyncThanReplicas(t *testing.T) {
	e := dev(t)
	name := e.prefix + "insync"
	two := map[string]string{"min.insync.replicas": "2"}
	for _, dryRun := range []bool{true, false} {
		_, err := e.Put(t.Context(), conn, name, api.TopicWrite{ReplicationFactor: 1, Config: two}, api.WriteOptions{DryRun: dryRun}, "")
		want(t, err, api.CodeInvalid, "/config/min.insync.replicas", "2 replicas in sync: it has 1")
	}
	e.put(t, name, api.TopicWrite{ReplicationFactor: 1}, api.WriteOptions{})
	_, err := e.Put(t.Context(), conn, name, api.TopicWrite{Config: two}, api.WriteOptions{DryRun: true}, "")
	want(t, err, api.CodeInvalid, "/config/min.insync.replicas", "2 replicas in sync: it has 1")
	_, err = e.Put(t.Context(), conn, name, api.TopicWrite{ReplicationThrottle: "fast"}, api.WriteOptions{DryRun: true}, "")
	want(t, err, api.CodeInvalid, "/replication_throttle", "is not a size")
	// What someone else has set so is left alone.
	if _, err := e.admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "min.insync.replicas", Value: new("2")}}, name); err != nil {
		t.Fatal(err)
	}
	e.put(t, name, api.TopicWrite{Partitions: 5, Config: two}, api.WriteOptions{})
}

func TestUnreachable(t *testing.T) {
	c, err := devkafka.Start(t.Context(), devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e := newEnv(t, c.BootstrapServers(), 3)
	name := "t"
	e.put(t, name, api.TopicWrite{Description: "kept"}, api.WriteOptions{})
	c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 60e9)
	defer cancel()
	_, err = e.Get(ctx, conn, name)
	want(t, err, api.CodeConnection, "/connection", "Cannot read the topics")
	_, err = e.Put(ctx, conn, name, api.TopicWrite{}, api.WriteOptions{DryRun: true}, "")
	want(t, err, api.CodeConnection, "/connection", `connection "main"`)
	if row, err := e.store.Topic(t.Context(), conn, name); err != nil || row.Description != "kept" {
		t.Errorf("what is kept beside the topic is %+v, %v", row, err)
	}
}

// A user who may not see a topic gets an error, and not the word that it is absent.
func TestRealForbidden(t *testing.T) {
	e := realKafka(t)
	cluster := real.Shared(t).Kafka
	name := e.prefix + "forbidden"
	e.put(t, name, api.TopicWrite{Partitions: 1, ReplicationFactor: 1}, api.WriteOptions{})
	acl := kadm.NewACLs().Topics(name).ResourcePatternType(kadm.ACLPatternLiteral).Deny("User:" + cluster.Alice.Name).DenyHosts("*").Operations(kadm.OpDescribe)
	answers, err := e.admin.CreateACLs(t.Context(), acl)
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range answers {
		if answer.Err != nil {
			t.Fatal(answer.Err)
		}
	}
	t.Cleanup(func() { _, _ = e.admin.DeleteACLs(context.Background(), acl) }) //nolint:usetesting // The test's context has ended by then.
	e.connect(t, "alice", fmt.Sprintf(`{"bootstrap_servers":[%q],"security_protocol":"SASL_PLAINTEXT","sasl":{"mechanism":"PLAIN","username":%q,"password":%q}}`,
		cluster.BootstrapServers(real.ListenerSASLPlaintext)[0], cluster.Alice.Name, cluster.Alice.Password))
	real.Eventually(t, func(ctx context.Context) error { // brokers learn of ACLs a moment later
		e.Forget("alice")
		if _, err = e.Get(ctx, "alice", name); err == nil {
			return errors.New("the topic is still to be seen")
		}
		return nil
	})
	want(t, err, api.CodeConnection, "/connection", "Allow the connection's user to Describe")
	_, err = e.Put(t.Context(), "alice", name, api.TopicWrite{}, api.WriteOptions{DryRun: true}, "")
	want(t, err, api.CodeConnection, "/connection", "authorized")
}

// A topic whose configs may not be read is left out of a list with a warning, and the others are there.
func TestRealUnreadableTopicIsLeftOut(t *testing.T) {
	e := realKafka(t)
	cluster := real.Shared(t).Kafka
	open, closed := e.prefix+"open", e.prefix+"closed"
	for _, name := range []string{open, closed} {
		e.put(t, name, api.TopicWrite{Partitions: 1, ReplicationFactor: 1}, api.WriteOptions{})
	}
	acl := kadm.NewACLs().Topics(closed).ResourcePatternType(kadm.ACLPatternLiteral).Deny("User:" + cluster.Alice.Name).DenyHosts("*").Operations(kadm.OpDescribeConfigs)
	allow := kadm.NewACLs().Topics(closed).ResourcePatternType(kadm.ACLPatternLiteral).Allow("User:" + cluster.Alice.Name).AllowHosts("*").Operations(kadm.OpDescribe)
	for _, one := range []*kadm.ACLBuilder{acl, allow} {
		if answers, err := e.admin.CreateACLs(t.Context(), one); err != nil || len(answers) != 1 || answers[0].Err != nil {
			t.Fatal(answers, err)
		}
		t.Cleanup(func() { _, _ = e.admin.DeleteACLs(context.Background(), one) }) //nolint:usetesting // The test's context has ended by then.
	}
	e.connect(t, "alice", fmt.Sprintf(`{"bootstrap_servers":[%q],"security_protocol":"SASL_PLAINTEXT","sasl":{"mechanism":"PLAIN","username":%q,"password":%q}}`,
		cluster.BootstrapServers(real.ListenerSASLPlaintext)[0], cluster.Alice.Name, cluster.Alice.Password))
	real.Eventually(t, func(ctx context.Context) error { // brokers learn of ACLs a moment later
		e.Forget("alice")
		list, warnings, err := e.List(ctx, "alice", topic.Query{Prefix: e.prefix, Limit: 10})
		if err == nil && len(list) == 1 && list[0].Name == open && len(warnings) == 1 && strings.Contains(warnings[0].Detail, "DescribeConfigs") {
			return nil
		}
		return fmt.Errorf("listed %v, %v, %w", list, warnings, err)
	})
}

// Brokers follow the controller each at its own pace; a read after a write must see it all the same.
func TestRealReadsOwnWritesOnThreeBrokers(t *testing.T) {
	c := real.Dedicated(t, real.KafkaOptions{Brokers: 3, Config: map[string]string{"log.retention.hours": "100"}})
	e := newEnv(t, c.BootstrapServers(real.ListenerPlaintext), 3)
	t.Run("brokers' own default", func(t *testing.T) { testBrokersOwnDefault(e.in(t)) })
	for i := range 20 {
		name := fmt.Sprintf("t%d", i)
		body := api.TopicWrite{Partitions: 1, Config: map[string]string{"flush.ms": "7"}, DeletionProtection: new(false)}
		e.put(t, name, body, api.WriteOptions{CreateOnly: true})
		e.get(t, name)
		body.Partitions, body.Config["flush.ms"] = 5, "8"
		e.put(t, name, body, api.WriteOptions{})
		if got := e.get(t, name); got.Partitions != 5 || got.Config["flush.ms"] != "8" {
			t.Fatalf("a read after the write has %+v", got)
		}
		if i%2 == 0 {
			continue
		}
		if _, err := e.Delete(t.Context(), conn, name, api.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Get(t.Context(), conn, name); !api.HasCode(err, api.CodeNotFound) {
			t.Fatalf("a read after the delete answered %v", err)
		}
	}
}

// Of many topics in one request each has its own outcome.
func testMany(e *env) {
	t := e.t
	const n = 40
	named := func(i int) string { return fmt.Sprintf("%smany-%02d", e.prefix, i) }
	body := api.TopicsWrite{Put: map[string]api.TopicPut{}}
	var names []string
	for i := range n {
		put := api.TopicPut{TopicWrite: api.TopicWrite{Partitions: int64(1 + i%3), ReplicationFactor: e.replicas, DeletionProtection: new(i%2 == 0)}, CreateOnly: true}
		put.Config = map[string]string{"max.message.bytes": fmt.Sprint(1_000_000 + i)}
		body.Put[named(i)] = put
		names = append(names, named(i))
	}
	bad := named(7)
	wrong := body.Put[bad]
	wrong.Config = map[string]string{"cleanup.policy": "never"}
	body.Put[bad] = wrong

	for _, dryRun := range []bool{true, false} {
		e.outcomes(t, body, dryRun, func(name string, got api.TopicOutcome) {
			if name == bad {
				want(t, got.Error, api.CodeInvalid, "/config/cleanup.policy", "cleanup.policy")
				return
			}
			if got.Error != nil || got.Topic.Partitions != body.Put[name].Partitions || got.Topic.Config["max.message.bytes"] != body.Put[name].Config["max.message.bytes"] {
				t.Errorf("%s, dry run %v: %+v, %v", name, dryRun, got.Topic, got.Error)
			}
		})
	}
	if err := e.EndCreations(t.Context(), conn, names); err != nil {
		t.Fatal(err)
	}
	e.outcomes(t, api.TopicsWrite{Put: map[string]api.TopicPut{named(0): body.Put[named(0)]}}, true, func(_ string, got api.TopicOutcome) {
		want(t, got.Error, api.CodeAlreadyExists, "/name", "already exists")
	})

	read, err := e.ReadMany(t.Context(), conn, api.TopicsRead{Names: names, Effective: []string{"retention.ms"}})
	if err != nil {
		t.Fatal(err)
	}
	generations := map[string]string{}
	for i, name := range names {
		got := read.Topics[name]
		if name == bad {
			want(t, got.Error, api.CodeNotFound, "", "does not exist")
			continue
		}
		if got.Error != nil || got.Topic.DeletionProtection != (i%2 == 0) || !maps.Equal(got.Topic.ConfigEffective, map[string]string{"retention.ms": "604800000"}) {
			t.Errorf("%s: %+v, %v", name, got.Topic, got.Error)
			continue
		}
		generations[name] = got.Topic.Generation
	}

	change := api.TopicsWrite{Put: map[string]api.TopicPut{}, Delete: map[string]api.TopicDelete{}}
	for i, name := range names[8:] {
		if i%2 == 1 {
			change.Delete[name] = api.TopicDelete{Generation: generations[name]}
			continue
		}
		put := body.Put[name]
		put.CreateOnly, put.Generation, put.Partitions = false, generations[name], 5
		change.Put[name] = put
	}
	change.Put[named(9)] = api.TopicPut{TopicWrite: body.Put[named(9)].TopicWrite, Generation: "stale"}
	delete(change.Delete, named(9))
	change.Delete[named(1)], change.Delete[named(0)] = api.TopicDelete{}, api.TopicDelete{}
	e.outcomes(t, change, false, func(name string, got api.TopicOutcome) {
		switch {
		case name == named(9):
			want(t, got.Error, api.CodeConflict, "", "changed by someone else")
		case name == named(0):
			want(t, got.Error, api.CodeProtected, "/deletion_protection", "protected")
		case got.Error != nil:
			t.Errorf("%s: %v", name, got.Error)
		case got.Topic != nil && got.Topic.Partitions != 5, got.Topic == nil && len(got.Deletion.Effects) == 0:
			t.Errorf("%s: %+v", name, got)
		}
	})
	if _, err := e.Get(t.Context(), conn, named(1)); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("the deleted topic is %v", err)
	}
}

// outcomes writes many topics and looks at what became of each.
func (e *env) outcomes(t *testing.T, body api.TopicsWrite, dryRun bool, look func(name string, got api.TopicOutcome)) {
	t.Helper()
	done, err := e.WriteMany(t.Context(), conn, body, dryRun, "")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(body.Put) + len(body.Delete); len(done.Topics) != n {
		t.Fatalf("%d outcomes of %d topics", len(done.Topics), n)
	}
	for name, got := range done.Topics {
		look(name, got)
	}
}
