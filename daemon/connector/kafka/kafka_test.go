package kafka_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// cases run on the in-memory Kafka, and on real brokers.
var cases = map[string]func(t *testing.T, h *harness){
	"copies everything as it was":               copiesEverythingAsItWas,
	"follows partitions and topics that appear": followsPartitionsAndTopicsThatAppear,
	"start from":                startFrom,
	"pause resume stop restart": pauseResumeStopRestart,
	"daemon restart brings back what was running":  daemonRestartBringsBackWhatWasRunning,
	"refused update changes nothing":               refusedUpdateChangesNothing,
	"refusals":                                     refusals,
	"loop over two connectors is refused":          loopOverTwoConnectorsIsRefused,
	"purged records fail the instance":             purgedRecordsFailTheInstance,
	"delete removes the group":                     deleteRemovesTheGroup,
	"lost positions are not made up":               lostPositionsAreNotMadeUp,
	"a topic that was made again is another":       topicThatWasMadeAgainIsAnother,
	"a destination that collides later is refused": destinationThatCollidesLaterIsRefused,
	"mirrors that feed each other are refused":     mirrorsThatFeedEachOtherAreRefused,
}

func TestKafkaToKafka(t *testing.T) {
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { run(t, newHarness(t)) })
	}
}

func TestRealKafkaToKafka(t *testing.T) {
	systems := real.Shared(t)
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			run(t, newHarnessOn(t, systems.Kafka.BootstrapServers(real.ListenerPlaintext), systems.Kafka2.BootstrapServers(real.ListenerPlaintext)))
		})
	}
}

func copiesEverythingAsItWas(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 3)
	h.produce(h.n("orders"), 3, 0, 100)
	empty := &kgo.Record{Topic: h.n("orders"), Partition: 0, Key: []byte{}, Value: nil, Timestamp: h.began.Add(time.Minute)}
	must(t, h.from.ProduceSync(t.Context(), empty).FirstErr())
	c, err := h.put("orders-in", declared{"topics": []string{h.n("orders")}}, declared{"parallelism": 2})
	must(t, err)
	if c.Status.State != api.StateRunning || len(c.Status.Instances) != 2 {
		t.Fatalf("state %s with %d instances", c.Status.State, len(c.Status.Instances))
	}
	got := h.read("copy."+h.n("orders"), 301)
	for p := range int32(3) {
		for i, r := range got[p][:100] {
			if string(r.Value) != strconv.Itoa(i) || string(r.Key) != "k"+strconv.Itoa(i) || string(r.Headers[0].Value) != strconv.Itoa(i) || !r.Timestamp.Equal(h.timestamp(i)) {
				t.Fatalf("partition %d record %d is %s=%s %v %v", p, i, r.Key, r.Value, r.Headers, r.Timestamp)
			}
		}
	}
	last := got[0][100]
	if last.Value != nil || last.Key == nil || len(last.Key) != 0 {
		t.Errorf("null value and empty key came as %v and %v", last.Value, last.Key)
	}
	real.Until(t, "lag is 0", func() bool { return h.status("orders-in").LagRecords == 0 })
	s := h.status("orders-in")
	if s.GroupID == "" || s.Instances[0].RecordsWritten+s.Instances[1].RecordsWritten != 301 {
		t.Errorf("status %+v", s)
	}
}

func followsPartitionsAndTopicsThatAppear(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("a.1"), 1)
	h.produce(h.n("a.1"), 1, 0, 10)
	_, err := h.put("follow", declared{"topic_prefixes": []string{h.n("a.")}, "additional_topics": []string{h.n("later")}}, declared{"parallelism": 2})
	must(t, err)
	h.read("copy."+h.n("a.1"), 10)
	_, err = kadm.NewClient(h.from).UpdatePartitions(t.Context(), 3, h.n("a.1"))
	must(t, err)
	h.createTopic(h.from, h.n("a.2"), 2)
	h.createTopic(h.from, h.n("later"), 1)
	h.createTopic(h.from, h.n("b"), 1)
	h.produce(h.n("a.2"), 2, 0, 10)
	h.produce(h.n("later"), 1, 0, 10)
	h.from.ForceMetadataRefresh()
	real.Until(t, "the producer sees the new partitions", func() bool {
		return h.from.ProduceSync(t.Context(), &kgo.Record{Topic: h.n("a.1"), Partition: 2, Value: []byte("0")}).FirstErr() == nil
	})
	h.read("copy."+h.n("a.1"), 11)
	h.read("copy."+h.n("a.2"), 20)
	h.read("copy."+h.n("later"), 10)
	topics, err := kadm.NewClient(h.to).ListTopics(t.Context())
	must(t, err)
	if len(topics["copy."+h.n("a.1")].Partitions) != 3 || topics.Has("copy."+h.n("b")) {
		t.Errorf("destination topics %v", topics.Names())
	}
	if s := h.status("follow"); s.State != api.StateRunning || s.Instances[0].RestartsTotal+s.Instances[1].RestartsTotal != 0 {
		t.Errorf("status %+v", s)
	}
}

func startFrom(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 1)
	h.produce(h.n("orders"), 1, 0, 10)
	_, err := h.put("latest", declared{"topics": []string{h.n("orders")}, "start_from": "latest"}, declared{"destination": declared{"connection": "to", "topic_prefix": "latest."}})
	must(t, err)
	_, err = h.put("time", declared{"topics": []string{h.n("orders")}, "start_from": h.timestamp(6).UTC().Format("2006-01-02T15:04:05.000Z07:00")},
		declared{"destination": declared{"connection": "to", "topic_mapping": declared{h.n("orders"): h.n("by-time")}}})
	must(t, err)
	h.produce(h.n("orders"), 1, 10, 5)
	if got := h.read("latest."+h.n("orders"), 5); string(got[0][0].Value) != "10" {
		t.Errorf("latest began at %s", got[0][0].Value)
	}
	if got := h.read(h.n("by-time"), 9); string(got[0][0].Value) != "6" {
		t.Errorf("time began at %s", got[0][0].Value)
	}
}

func pauseResumeStopRestart(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 2)
	h.produce(h.n("orders"), 2, 0, 5)
	_, err := h.put("c", declared{"topics": []string{h.n("orders")}}, declared{"parallelism": 2})
	must(t, err)
	h.read("copy."+h.n("orders"), 10)
	for _, state := range []string{api.StatePaused, api.StateRunning, api.StateStopped, api.StateRunning} {
		_, err := h.service.SetState(t.Context(), "c", state)
		must(t, err)
		real.Until(t, state, func() bool { return h.status("c").State == state })
	}
	_, err = h.service.Restart(t.Context(), "c", 1)
	must(t, err)
	real.Until(t, "instance 1 runs again", func() bool { return h.status("c").State == api.StateRunning })
	_, err = h.service.Restart(t.Context(), "c", 7)
	wantError(t, err, "does not exist")
	h.produce(h.n("orders"), 2, 5, 5)
	h.read("copy."+h.n("orders"), 20)
	real.Until(t, "lag is 0", func() bool { return h.status("c").LagRecords == 0 })
}

func daemonRestartBringsBackWhatWasRunning(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 2)
	h.produce(h.n("orders"), 2, 0, 50)
	for name, state := range map[string]string{"runs": "running", "rests": "paused", "halts": "stopped"} {
		_, err := h.put(name, declared{"topics": []string{h.n("orders")}}, declared{"state": state, "destination": declared{"connection": "to", "topic_prefix": name + "."}})
		must(t, err)
	}
	h.read("runs."+h.n("orders"), 100)
	h.service.Close()
	h.produce(h.n("orders"), 2, 50, 50)
	h.start()
	for name, state := range map[string]string{"runs": "running", "rests": "paused", "halts": "stopped"} {
		real.Until(t, name+" is "+state, func() bool { return h.status(name).State == state })
	}
	h.read("runs."+h.n("orders"), 200)
	real.Until(t, "nothing was read twice", func() bool { return h.status("runs").LagRecords == 0 })
	if s := h.status("runs"); s.Instances[0].RecordsReceived != 100 {
		t.Errorf("read %d records after a clean restart, want 100", s.Instances[0].RecordsReceived)
	}
}

func refusedUpdateChangesNothing(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 1)
	c, err := h.put("c", declared{"topics": []string{h.n("orders")}}, declared{})
	must(t, err)
	_, err = h.put("c", declared{"topics": []string{h.n("orders"), h.n("missing")}}, declared{})
	wantError(t, err, h.n("missing"), "does not exist")
	after, err := h.service.Get(t.Context(), "c", true)
	must(t, err)
	if after.Status.State != api.StateRunning || after.Generation != c.Generation {
		t.Errorf("after a refused update: %s at %s", after.Status.State, after.Generation)
	}
}

func refusals(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 1)
	loop := declared{"connection": "from", "topic_prefix": h.n("orders-copy.")}
	tests := []struct {
		name           string
		spec, settings declared
		attribute      string
		parts          []string
	}{
		{"no such topic", declared{"topics": []string{"nope"}}, declared{}, "/spec/topics/0", []string{"nope", "does not exist"}},
		{"no such connection", declared{"connection": "nope", "topics": []string{h.n("orders")}}, declared{}, "/spec/connection", []string{"nope", "does not exist"}},
		{"no such destination", declared{"topics": []string{h.n("orders")}}, declared{"destination": declared{"connection": "nope"}}, "/settings/destination/connection", []string{"nope"}},
		{"bad pattern", declared{"topic_pattern": "("}, declared{}, "/spec/topic_pattern", []string{"regular expression"}},
		{"nothing selected", declared{}, declared{}, "/spec/topics", []string{"nothing is selected"}},
		{"bad start", declared{"topics": []string{h.n("orders")}, "start_from": "yesterday"}, declared{}, "/spec/start_from", []string{"RFC 3339"}},
		{"itself", declared{"topics": []string{h.n("orders")}}, declared{"destination": declared{"connection": "from"}}, "/settings/destination", []string{"feed itself"}},
		{"prefix that selects its own copies", declared{"topic_prefixes": []string{h.n("orders")}}, declared{"destination": loop}, "/settings/destination", []string{"feed itself"}},
		{"everything into the same cluster", declared{"topic_pattern": ".*"}, declared{"destination": loop}, "/settings/destination", []string{"feed itself"}},
		{"bad destination name", declared{"topics": []string{h.n("orders")}}, declared{"destination": declared{"connection": "to", "topic_prefix": "a b"}}, "/settings/destination", []string{"not a topic name"}},
		{"parallelism 0", declared{"topics": []string{h.n("orders")}}, declared{"parallelism": 0}, "/settings/parallelism", []string{"at least 1"}},
		{"unknown field", declared{"topics": []string{h.n("orders")}, "tpoics": 1}, declared{}, "/spec/tpoics", []string{"not one of its fields"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.put("bad", tt.spec, tt.settings)
			wantError(t, err, tt.parts...)
			var e *api.Error
			if !errors.As(err, &e) || e.Attribute != tt.attribute {
				t.Errorf("attribute %q, want %q", e.Attribute, tt.attribute)
			}
			if _, err := h.service.Get(t.Context(), "bad", false); !api.HasCode(err, api.CodeNotFound) {
				t.Errorf("something is left: %v", err)
			}
		})
	}
}

func loopOverTwoConnectorsIsRefused(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("a"), 1)
	_, err := h.put("there", declared{"topics": []string{h.n("a")}}, declared{"destination": declared{"connection": "to", "topic_mapping": declared{h.n("a"): h.n("b")}}})
	must(t, err)
	real.Until(t, "b exists", func() bool {
		topics, err := kadm.NewClient(h.to).ListTopics(t.Context(), h.n("b"))
		return err == nil && topics.Has(h.n("b"))
	})
	_, err = h.put("back", declared{"connection": "to", "topics": []string{h.n("b")}}, declared{"destination": declared{"connection": "from", "topic_mapping": declared{h.n("b"): h.n("a")}}})
	wantError(t, err, "feed itself", "there", "back")
}

func purgedRecordsFailTheInstance(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 1)
	h.produce(h.n("orders"), 1, 0, 10)
	_, err := h.put("c", declared{"topics": []string{h.n("orders")}}, declared{})
	must(t, err)
	h.read("copy."+h.n("orders"), 10)
	_, err = h.service.SetState(t.Context(), "c", api.StateStopped)
	must(t, err)
	h.produce(h.n("orders"), 1, 10, 10)
	var purge kadm.Offsets
	purge.AddOffset(h.n("orders"), 0, 15, -1)
	_, err = kadm.NewClient(h.from).DeleteRecords(t.Context(), purge)
	must(t, err)
	_, err = h.service.SetState(t.Context(), "c", api.StateRunning)
	must(t, err)
	real.Until(t, "the instance says that records are gone", func() bool {
		s := h.status("c")
		return s.State == api.StateFailed && s.Error != nil && s.Error.Code == api.CodeRefused
	})
}

func deleteRemovesTheGroup(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 1)
	h.produce(h.n("orders"), 1, 0, 10)
	c, err := h.put("c", declared{"topics": []string{h.n("orders")}}, declared{})
	must(t, err)
	h.read("copy."+h.n("orders"), 10)
	_, err = h.service.Delete(t.Context(), "c", api.WriteOptions{})
	must(t, err)
	groups, err := kadm.NewClient(h.from).ListGroups(t.Context())
	must(t, err)
	if _, there := groups[c.Status.GroupID]; there {
		t.Error("the group is left behind")
	}
	again, err := h.put("c", declared{"topics": []string{h.n("orders")}}, declared{})
	must(t, err)
	if again.Status.GroupID == c.Status.GroupID {
		t.Error("a recreated connector has the group of its predecessor")
	}
}

func (h *harness) stopAndStart(name string, between func()) api.ConnectorStatus {
	h.t.Helper()
	_, err := h.service.SetState(h.t.Context(), name, api.StateStopped)
	must(h.t, err)
	between()
	_, err = h.service.SetState(h.t.Context(), name, api.StateRunning)
	must(h.t, err)
	c, err := h.service.Get(h.t.Context(), name, true)
	must(h.t, err)
	return c.Status
}

func lostPositionsAreNotMadeUp(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 1)
	h.produce(h.n("orders"), 1, 0, 10)
	c, err := h.put("c", declared{"topics": []string{h.n("orders")}}, declared{})
	must(t, err)
	h.read("copy."+h.n("orders"), 10)
	s := h.stopAndStart("c", func() {
		_, err := kadm.NewClient(h.from).DeleteGroup(t.Context(), c.Status.GroupID)
		must(t, err)
	})
	if s.State != api.StateFailed || !strings.Contains(s.Error.Summary, "positions") {
		t.Fatalf("state %s, %+v", s.State, s.Error)
	}
	// The way out that the remedy names.
	h.produce(h.n("orders"), 1, 10, 5)
	_, err = h.put("c", declared{"topics": []string{h.n("orders")}, "start_from": "latest"}, declared{})
	must(t, err)
	h.produce(h.n("orders"), 1, 15, 1)
	if got := h.read("copy."+h.n("orders"), 11)[0]; string(got[10].Value) != "15" {
		t.Errorf("went on at %s", got[10].Value)
	}
}

func topicThatWasMadeAgainIsAnother(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("orders"), 1)
	h.createTopic(h.from, h.n("other"), 1)
	h.produce(h.n("orders"), 1, 0, 10)
	c, err := h.put("c", declared{"topics": []string{h.n("orders"), h.n("other")}}, declared{})
	must(t, err)
	h.read("copy."+h.n("orders"), 10)
	s := h.stopAndStart("c", func() {
		admin := kadm.NewClient(h.from)
		_, err := admin.DeleteTopic(t.Context(), h.n("orders"))
		must(t, err)
		real.Until(t, "the topic is gone", func() bool {
			topics, err := admin.ListTopics(kadm.WithAuthorizedOps(t.Context()))
			return err == nil && !topics.Has(h.n("orders"))
		})
		h.createTopic(h.from, h.n("orders"), 1)
		// A position of the old topic, as a commit that came late leaves it behind.
		var late kadm.Offsets
		late.Add(kadm.Offset{Topic: h.n("orders"), At: 0, LeaderEpoch: -1, Metadata: "AAAAAAAAAAAAAAAAAAAAAQ=="})
		// The group's coordinator may be another broker, which hears of the new topic a little later.
		coordinator := kadm.NewClient(newClient(t, h.fromServers))
		real.Until(t, "the position is taken", func() bool {
			err := coordinator.CommitAllOffsets(t.Context(), c.Status.GroupID, late)
			if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
				t.Fatal(err)
			}
			return err == nil
		})
	})
	if s.State != api.StateFailed || !strings.Contains(s.Error.Detail, "made again") {
		t.Fatalf("state %s, %+v", s.State, s.Error)
	}
}

func destinationThatCollidesLaterIsRefused(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("a"), 1)
	_, err := h.put("c", declared{"topic_prefixes": []string{h.n("")}}, declared{"destination": declared{"connection": "to", "topic_mapping": declared{h.n("a"): h.n("b")}}})
	must(t, err)
	h.createTopic(h.from, h.n("b"), 1)
	real.Until(t, "the collision is told", func() bool {
		errs := h.status("c").Instances[0].SourceErrors
		return len(errs) > 0 && strings.Contains(errs[0].Summary, "would both be written")
	})
}

func mirrorsThatFeedEachOtherAreRefused(t *testing.T, h *harness) {
	t.Helper()
	h.createTopic(h.from, h.n("shop.a"), 1)
	_, err := h.put("there", declared{"topic_prefixes": []string{h.n("shop.")}}, declared{"destination": declared{"connection": "to", "topic_prefix": h.n("legacy.")}})
	must(t, err)
	_, err = h.put("back", declared{"connection": "to", "topic_prefixes": []string{h.n("legacy.")}}, declared{"destination": declared{"connection": "from", "topic_prefix": h.n("shop.")}})
	wantError(t, err, "feed itself", "there", "back")
}
