package group_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	test "github.com/headgate/terraform-provider-headgate/daemon/declared/declaredtest"
	"github.com/headgate/terraform-provider-headgate/daemon/group"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// env is a service, and a topic and a group of its own for each test.
type env struct {
	*test.Env
	*group.Service
	topic, group string
}

func on(t *testing.T, e *test.Env) {
	t.Helper()
	service := group.New(e.Conns, e.Admins, slog.New(slog.DiscardHandler))
	for name, run := range map[string]func(t *testing.T, e *env){
		"lag": testLag, "transaction": testTransaction, "unknown": testUnknown, "compacted": testCompacted, "list": testList, "classic": testClassic, "newer": testNewer,
		"moves": testMoves, "refusals": testRefusals, "repeats": testRepeats,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, &env{Env: e, Service: service, topic: e.Prefix + name + "-topic", group: e.Prefix + name})
		})
	}
}

// The same tests run on the in-memory cluster and, as Real, on Apache Kafka.
func TestGroups(t *testing.T)     { on(t, test.Dev(t)) }
func TestRealGroups(t *testing.T) { on(t, test.Real(t)) }

func (e *env) create(t *testing.T, partitions int32, configs map[string]*string) {
	t.Helper()
	real.CreateTopic(t, e.Raw, partitions, e.Replicas, configs, e.topic)
}

// produce writes records of a time into partition 0.
func (e *env) produce(t *testing.T, n int, at time.Time) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(e.Servers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := range n {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: e.topic, Key: []byte("k"), Value: fmt.Append(nil, i), Timestamp: at}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func (e *env) commit(t *testing.T, partition int32, offset int64) {
	t.Helper()
	var all kadm.Offsets
	all.Add(kadm.Offset{Topic: e.topic, Partition: partition, At: offset, LeaderEpoch: -1})
	real.Eventually(t, func(ctx context.Context) error { return e.Admin.CommitAllOffsets(kafka.Fresh(ctx), e.group, all) })
}

func (e *env) get(t *testing.T) *api.ConsumerGroup {
	t.Helper()
	g, err := e.Get(t.Context(), test.Conn, e.group)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func text(v *int64) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(*v)
}

func testLag(t *testing.T, e *env) {
	t.Helper()
	_, err := e.Get(t.Context(), test.Conn, e.group)
	test.Want(t, err, api.CodeNotFound, "", "does not exist")
	e.create(t, 2, nil)
	e.produce(t, 3, time.Now().Add(-2*time.Hour))
	e.produce(t, 2, time.Now().Add(-time.Hour))
	e.commit(t, 0, 3)
	e.commit(t, 1, 0)
	g := e.get(t)
	if g.State != "Empty" || len(g.Members) != 0 || len(g.Offsets) != 2 {
		t.Fatalf("the group is %+v", g)
	}
	if o := g.Offsets[0]; text(o.Committed) != "3" || text(o.Latest) != "5" || text(o.Lag) != "2" || o.Approximate {
		t.Errorf("partition 0 is %+v", o)
	}
	if s := g.Offsets[0].LagSeconds; s == nil || *s < 3500 || *s > 3700 {
		t.Errorf("the next record of partition 0 has been waiting for %v seconds, want an hour", s)
	}
	// Of an empty partition nothing waits.
	if o := g.Offsets[1]; text(o.Lag) != "0" || o.LagSeconds == nil || *o.LagSeconds != 0 {
		t.Errorf("partition 1 is %+v", o)
	}
	if text(g.Lag) != "2" || g.LagSeconds == nil || *g.LagSeconds != *g.Offsets[0].LagSeconds {
		t.Errorf("together it is %s records, %v seconds", text(g.Lag), g.LagSeconds)
	}
}

// Behind the last record of a transaction comes its marker, which counts as an offset and waits for nobody.
func testTransaction(t *testing.T, e *env) {
	t.Helper()
	e.create(t, 1, nil)
	client, err := kgo.NewClient(kgo.SeedBrokers(e.Servers...), kgo.TransactionalID(e.group))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	record := &kgo.Record{Topic: e.topic, Value: []byte("x"), Timestamp: time.Now().Add(-time.Hour)}
	if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	e.commit(t, 0, 1)
	real.Eventually(t, func(context.Context) error {
		if o := e.get(t).Offsets[0]; text(o.Lag) != "1" || o.LagSeconds == nil || *o.LagSeconds > 1 {
			return fmt.Errorf("the partition is %+v", o)
		}
		return nil
	})
}

// What nobody can know is null.
func testUnknown(t *testing.T, e *env) {
	t.Helper()
	e.create(t, 1, nil)
	e.commit(t, 0, 7)
	if g := e.get(t); text(g.Lag) != "0" {
		t.Errorf("beyond the end the lag is %s", text(g.Lag))
	}
	if _, err := e.Admin.DeleteTopic(t.Context(), e.topic); err != nil {
		t.Fatal(err)
	}
	// With its topic the group's offsets go, at once or a little later.
	real.Eventually(t, func(ctx context.Context) error {
		g, err := e.Get(ctx, test.Conn, e.group)
		if err == nil && len(g.Offsets) == 1 && g.Offsets[0].Lag != nil || err != nil && !api.HasCode(err, api.CodeNotFound) {
			return fmt.Errorf("the group is %+v, %w", g, err)
		}
		if err == nil && g.Lag != nil {
			return fmt.Errorf("the lag is %d", *g.Lag)
		}
		return nil
	})
}

func testCompacted(t *testing.T, e *env) {
	t.Helper()
	e.create(t, 1, map[string]*string{"cleanup.policy": new("compact")})
	e.produce(t, 3, time.Now())
	e.commit(t, 0, 1)
	if o := e.get(t).Offsets[0]; text(o.Lag) != "2" || !o.Approximate {
		t.Errorf("the partition is %+v", o)
	}
}

func testList(t *testing.T, e *env) {
	t.Helper()
	e.create(t, 1, nil)
	name := e.group
	for _, suffix := range []string{"-a", "-b", "-c"} {
		e.group = name + suffix
		e.commit(t, 0, 0)
	}
	first, err := e.List(t.Context(), test.Conn, api.GroupQuery{Prefix: name, State: "empty"}, "", 2)
	if err != nil || len(first) != 2 || first[0].Name != name+"-a" || text(first[0].Lag) != "0" {
		t.Fatalf("the first page is %+v, %v", first, err)
	}
	second, err := e.List(t.Context(), test.Conn, api.GroupQuery{Prefix: name}, first[1].Name, 2)
	if err != nil || len(second) != 1 || second[0].Name != name+"-c" {
		t.Errorf("the second page is %+v, %v", second, err)
	}
	if none, err := e.List(t.Context(), test.Conn, api.GroupQuery{Prefix: name, State: "Stable"}, "", 2); err != nil || len(none) != 0 {
		t.Errorf("stable are %+v, %v", none, err)
	}
}

func testClassic(t *testing.T, e *env) {
	t.Helper()
	e.active(t, "classic")
}

func testNewer(t *testing.T, e *env) {
	t.Helper()
	e.active(t, "consumer", kgo.ServerSideBalancer())
}

// active sees who is in a group, and moves its offsets only when nobody is.
func (e *env) active(t *testing.T, protocol string, opts ...kgo.Opt) {
	t.Helper()
	e.create(t, 2, nil)
	e.produce(t, 4, time.Now())
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(e.Servers...), kgo.ClientID("billing-1"), kgo.ConsumerGroup(e.group), kgo.ConsumeTopics(e.topic), kgo.DisableAutoCommit(),
		kgo.SessionTimeout(6*time.Second))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	real.Eventually(t, func(ctx context.Context) error {
		polling, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		client.PollFetches(polling)
		stop()
		g, err := e.Get(ctx, test.Conn, e.group)
		switch {
		case err != nil:
			return err
		case len(g.Members) != 1 || len(g.Members[0].Assignments) != 1 || len(g.Members[0].Assignments[0].Partitions) != 2:
			return fmt.Errorf("the group is %+v", g)
		case g.Protocol != protocol || g.State != "Stable":
			return fmt.Errorf("the group is %s, %s", g.Protocol, g.State)
		}
		return nil
	})
	g := e.get(t)
	if m := g.Members[0]; m.ClientID != "billing-1" || m.Host == "" || m.Assignments[0].Topic != e.topic {
		t.Errorf("the member is %+v", m)
	}
	if len(g.Offsets) != 2 || g.Offsets[0].Committed != nil || g.Offsets[0].Lag != nil || g.Lag != nil {
		t.Errorf("without a committed offset the offsets are %+v", g.Offsets)
	}
	for _, dryRun := range []bool{true, false} {
		_, err = e.Reset(t.Context(), test.Conn, e.group, api.OffsetReset{Topics: []string{e.topic}, To: "latest"}, api.WriteOptions{DryRun: dryRun}, "")
		test.Want(t, err, api.CodeInUse, "/group", "billing-1 at ")
	}
	client.Close()
	real.Eventually(t, func(ctx context.Context) error {
		_, err := e.Reset(ctx, test.Conn, e.group, api.OffsetReset{Topics: []string{e.topic}, To: "latest"}, api.WriteOptions{}, "")
		return err
	})
	if got := e.get(t); text(got.Offsets[0].Committed) != "4" || text(got.Lag) != "0" {
		t.Errorf("after the reset the group is %+v", got)
	}
}

func testMoves(t *testing.T, e *env) {
	t.Helper()
	e.create(t, 2, nil)
	long := time.Now().Add(-2 * time.Hour)
	e.produce(t, 3, long)
	e.produce(t, 2, long.Add(time.Hour))
	for _, step := range []struct {
		body api.OffsetReset
		want string
	}{
		{api.OffsetReset{Topics: []string{e.topic}, To: "earliest"}, "0: null to 0, 1: null to 0"},
		{api.OffsetReset{Topics: []string{e.topic}, To: "latest"}, "0: 0 to 5, 1: 0 to 0"},
		{api.OffsetReset{Topics: []string{e.topic}, To: long.Add(30 * time.Minute).Format(time.RFC3339)}, "0: 5 to 3, 1: 0 to 0"},
		{api.OffsetReset{Topics: []string{e.topic}, To: time.Now().Add(time.Hour).Format(time.RFC3339)}, "0: 3 to 5, 1: 0 to 0"},
		{api.OffsetReset{Topics: []string{e.topic}, Shift: new(int64(-2))}, "0: 5 to 3, 1: 0 to 0 clamped"},
		{api.OffsetReset{Topics: []string{e.topic}, Shift: new(int64(100))}, "0: 3 to 5 clamped, 1: 0 to 0 clamped"},
		{api.OffsetReset{Offsets: map[string]map[string]int64{e.topic: {"0": 1}}}, "0: 5 to 1"},
	} {
		for _, dryRun := range []bool{true, false} {
			moves, err := e.Reset(t.Context(), test.Conn, e.group, step.body, api.WriteOptions{DryRun: dryRun}, "")
			if err != nil {
				t.Fatalf("%+v: %v", step.body, err)
			}
			var got []string
			for _, m := range moves.Moves {
				line := fmt.Sprintf("%d: %s to %d", m.Partition, text(m.From), m.To)
				if m.Clamped {
					line += " clamped"
				}
				got = append(got, line)
			}
			if strings.Join(got, ", ") != step.want {
				t.Errorf("%+v moves %v, want %s", step.body, got, step.want)
			}
		}
	}
}

func testRefusals(t *testing.T, e *env) {
	t.Helper()
	e.create(t, 1, nil)
	e.produce(t, 2, time.Now())
	mine := []string{e.topic}
	for name, one := range map[string]struct {
		body            api.OffsetReset
		code, attribute string
		words           string
	}{
		"no way":       {api.OffsetReset{Topics: mine}, api.CodeInvalid, "/to", "exactly one of"},
		"two ways":     {api.OffsetReset{Topics: mine, To: "latest", Shift: new(int64(1))}, api.CodeInvalid, "/to", "exactly one of"},
		"no topic":     {api.OffsetReset{To: "latest"}, api.CodeInvalid, "/topics", "No topic"},
		"word":         {api.OffsetReset{Topics: mine, To: "yesterday"}, api.CodeInvalid, "/to", "2026-11-21T08:00:00Z"},
		"gone":         {api.OffsetReset{Topics: []string{e.topic, "nothing"}, To: "latest"}, api.CodeNotFound, "/topics/1", "does not exist"},
		"nothing":      {api.OffsetReset{Topics: mine, Shift: new(int64(1))}, api.CodeRefused, "/shift", "nothing to shift"},
		"out of range": {api.OffsetReset{Offsets: map[string]map[string]int64{e.topic: {"0": 3}}}, api.CodeRefused, "/offsets/" + e.topic + "/0", "the next record gets 2"},
		"partition":    {api.OffsetReset{Offsets: map[string]map[string]int64{e.topic: {"7": 0}}}, api.CodeRefused, "/offsets/" + e.topic + "/7", "partitions 0 to 0"},
		"twice":        {api.OffsetReset{Topics: mine, Offsets: map[string]map[string]int64{e.topic: {"0": 0}}}, api.CodeInvalid, "/topics", "Leave topics out"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Reset(t.Context(), test.Conn, e.group, one.body, api.WriteOptions{DryRun: true}, "")
			test.Want(t, err, one.code, one.attribute, one.words)
		})
	}
}

// The repeat of a request whose answer was lost does not shift a second time.
func testRepeats(t *testing.T, e *env) {
	t.Helper()
	e.create(t, 1, nil)
	e.produce(t, 5, time.Now())
	e.commit(t, 0, 0)
	for range 3 {
		moves, err := e.Reset(t.Context(), test.Conn, e.group, api.OffsetReset{Topics: []string{e.topic}, Shift: new(int64(2))}, api.WriteOptions{}, "once")
		if err != nil || moves.Moves[0].To != 2 {
			t.Fatalf("the reset answers %+v, %v", moves, err)
		}
	}
	if got := e.get(t); text(got.Offsets[0].Committed) != "2" {
		t.Errorf("the committed offset is %s", text(got.Offsets[0].Committed))
	}
	var code *kerr.Error
	if _, err := e.Get(t.Context(), "nothing", e.group); errors.As(err, &code) || !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("without a connection: %v", err)
	}
}

// A cluster that was never asked for a group makes the coordinators' topic first: that is waited for.
func TestNoCoordinatorYet(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	var refused atomic.Int32
	fake.ControlKey(int16(kmsg.FindCoordinator), func(req kmsg.Request) (kmsg.Response, error, bool) {
		asked, ok := req.(*kmsg.FindCoordinatorRequest)
		if fake.KeepControl(); !ok || refused.Add(1) > 3 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
		for _, key := range asked.CoordinatorKeys {
			resp.Coordinators = append(resp.Coordinators, kmsg.FindCoordinatorResponseCoordinator{Key: key, ErrorCode: kerr.CoordinatorNotAvailable.Code})
		}
		return resp, nil, true
	})
	base := test.Connect(t, fake.ListenAddrs())
	service := group.New(base.Conns, base.Admins, slog.New(slog.DiscardHandler))
	if _, err := service.Reset(t.Context(), test.Conn, "billing", api.OffsetReset{Topics: []string{"orders"}, To: "earliest"}, api.WriteOptions{}, ""); err != nil {
		t.Fatal(err)
	}
	if refused.Load() < 3 {
		t.Errorf("only %d requests were refused", refused.Load())
	}
}
