package topic_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// write puts records of an age into a topic, by turns into its partitions.
func (e *env) write(t *testing.T, name string, n int, age time.Duration, size int) {
	t.Helper()
	e.begin(t, name, n, age, size)
	e.flush(t)
}

func (e *env) flush(t *testing.T) {
	t.Helper()
	if err := e.raw.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// begin is write without waiting.
func (e *env) begin(t *testing.T, name string, n int, age time.Duration, size int) {
	t.Helper()
	at := time.Now().Add(-age)
	for i := range n {
		value := make([]byte, size)
		_, _ = rand.Read(value) // what is random does not compress
		e.raw.Produce(t.Context(), &kgo.Record{Topic: name, Key: fmt.Append(nil, i), Value: value, Timestamp: at}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func configured(pairs ...string) api.TopicWrite {
	body := api.TopicWrite{Config: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		body.Config[pairs[i]] = pairs[i+1]
	}
	return body
}

// keptBy is a change of a topic: what it says where it would lose records. Without words it loses none.
type keptBy struct {
	what      string
	change    api.TopicWrite
	attribute string
	words     string
}

// keeps checks what a protected topic refuses, that it stays as it was, and that an unprotected one is warned of the same.
func (e *env) keeps(t *testing.T, name string, changes ...keptBy) {
	t.Helper()
	before := e.get(t, name)
	for _, tt := range changes {
		dry := api.WriteOptions{DryRun: true}
		if tt.words == "" {
			if planned := e.put(t, name, tt.change, dry); len(planned.Warnings) > 0 {
				t.Errorf("%s: it warns of %+v", tt.what, planned.Warnings)
			}
			continue
		}
		for _, opts := range []api.WriteOptions{dry, {}} {
			_, err := e.Put(t.Context(), conn, name, tt.change, opts, "")
			if !api.HasCode(err, api.CodeProtected) {
				t.Errorf("%s, dry run %t: %v, want it refused", tt.what, opts.DryRun, err)
				continue
			}
			want(t, err, api.CodeProtected, tt.attribute, tt.words)
			want(t, err, api.CodeProtected, tt.attribute, "deletion_protection = false")
		}
		open := tt.change
		open.DeletionProtection = new(false)
		later := tt.change
		later.Unknown = []string{"/deletion_protection"}
		for _, body := range []api.TopicWrite{open, later} {
			found := e.put(t, name, body, dry).Warnings
			if len(found) != 1 || found[0].Attribute != tt.attribute || !strings.Contains(found[0].Summary+". "+found[0].Detail, tt.words) {
				t.Errorf("%s: it warns of %+v, want %q", tt.what, found, tt.words)
			}
		}
	}
	if after := e.get(t, name); after.Generation != before.Generation {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// What removes records that are there is refused while the topic is protected.
func testLosses(e *env) {
	t := e.t
	const hour, week = "3600000", "604800000"
	aged, unset, sized, keyed := e.prefix+"aged", e.prefix+"unset", e.prefix+"sized", e.prefix+"keyed"
	made := func(name string, body api.TopicWrite) {
		body.Partitions, body.ReplicationFactor = 2, e.replicas
		e.put(t, name, body, api.WriteOptions{})
	}

	made(aged, configured("retention.ms", "-1"))
	compact := configured("cleanup.policy", "compact")
	e.keeps(t, aged, keptBy{"empty", configured("retention.ms", "1", "retention.bytes", "1"), "", ""}, keptBy{"empty, compacted", compact, "", ""})
	e.write(t, aged, 30, 3*time.Hour, 10)
	e.write(t, aged, 20, 0, 10)
	e.keeps(t, aged,
		keptBy{"all younger", configured("retention.ms", "14400000"), "", ""},
		keptBy{"older ones", configured("retention.ms", "7200000"), "/config/retention.ms", fmt.Sprintf("30 records of topic %q in 2 partitions go: they are older than 2h, the oldest of 20", aged)},
		keptBy{"said from and to", configured("retention.ms", "7200000"), "/config/retention.ms", "retention.ms goes from unlimited to 2h. The records are counted by their offsets"},
		keptBy{"at once", configured("retention.ms", "0"), "/config/retention.ms", "50 records of"},
		keptBy{"compacted", compact, "/config/cleanup.policy", "Up to 50 records of"},
		keptBy{"compacted and deleted", configured("cleanup.policy", "compact, delete"), "/config/cleanup.policy", "goes from delete to compact, delete"},
		keptBy{"not known yet", api.TopicWrite{Config: map[string]string{"retention.ms": ""}, Unknown: []string{"/config/retention.ms"}}, "", ""},
	)
	_, err := e.Put(t.Context(), conn, aged, configured("retention.ms", "much"), api.WriteOptions{}, "")
	want(t, err, api.CodeInvalid, "/config/retention.ms", "")
	// What the limit in force lets go anyway is not lost by another one.
	open := configured("retention.ms", "7200000")
	open.DeletionProtection = new(false)
	e.put(t, aged, open, api.WriteOptions{})
	open.DeletionProtection = nil
	e.put(t, aged, open, api.WriteOptions{})
	e.keeps(t, aged, keptBy{"of what goes anyway", configured("retention.ms", hour), "", ""})

	made(unset, configured("retention.ms", "-1"))
	e.write(t, unset, 5, 200*time.Hour, 10)
	e.keeps(t, unset, keptBy{"the broker's default", api.TopicWrite{Unset: []string{"retention.ms"}}, "/config/retention.ms", "5 records of"})
	byDefault := e.prefix + "by-default"
	made(byDefault, api.TopicWrite{Unset: []string{"retention.ms"}})
	e.write(t, byDefault, 7, 3*time.Hour, 10)
	e.keeps(t, byDefault,
		keptBy{"as the default", configured("retention.ms", week), "", ""},
		keptBy{"shorter than the default", configured("retention.ms", hour), "/config/retention.ms", "retention.ms goes from 168h to 1h"},
	)

	made(sized, api.TopicWrite{})
	e.write(t, sized, 40, 0, 5000)
	e.keeps(t, sized,
		keptBy{"room enough", configured("retention.bytes", "1073741824"), "", ""},
		keptBy{"too much", configured("retention.bytes", "10240"), "/config/retention.bytes", "go: 2 partitions of 2 hold more than 10 KiB. retention.bytes goes from unlimited to 10 KiB"},
	)
	both := configured("retention.ms", "0", "retention.bytes", "10240")
	_, err = e.Put(t.Context(), conn, sized, both, api.WriteOptions{DryRun: true}, "")
	if found, ok := errors.AsType[*api.Error](err); !ok || len(found.More) != 1 || found.More[0].Attribute != "/config/retention.bytes" {
		t.Errorf("by age and by size: %+v", err)
	}

	made(keyed, compact)
	e.write(t, keyed, 10, 3*time.Hour, 10)
	e.keeps(t, keyed,
		keptBy{"a retention that does not count", configured("retention.ms", hour, "retention.bytes", "1"), "", ""},
		keptBy{"deleted never", configured("cleanup.policy", "delete", "retention.ms", "-1"), "", ""},
		keptBy{"deleted after a week", configured("cleanup.policy", "delete"), "", ""},
		keptBy{"deleted after an hour", configured("cleanup.policy", "delete", "retention.ms", hour), "/config/cleanup.policy", "Up to 10 records of"},
		keptBy{"deleted too", configured("cleanup.policy", "compact,delete", "retention.ms", hour), "/config/cleanup.policy", "they are older than 1h"},
	)
}

// What a topic goes back to is what its brokers have, which is not always what Kafka has by itself: here 100 hours.
func testBrokersOwnDefault(e *env) {
	t := e.t
	name := e.prefix + "own-default"
	body := configured("retention.ms", "-1")
	body.Partitions, body.ReplicationFactor = 2, e.replicas
	e.put(t, name, body, api.WriteOptions{})
	e.write(t, name, 5, 150*time.Hour, 10)
	e.write(t, name, 3, 50*time.Hour, 10)
	e.keeps(t, name, keptBy{
		"back to 100 hours",
		api.TopicWrite{Unset: []string{"retention.ms"}},
		"/config/retention.ms",
		fmt.Sprintf("5 records of topic %q in 2 partitions go: they are older than 100h, the oldest of ", name),
	})
}

func TestBrokersOwnDefault(t *testing.T) {
	e := dev(t)
	hours := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "log.retention.ms", Value: new("360000000")}}
	answers, err := e.admin.AlterBrokerConfigs(t.Context(), hours)
	if err != nil || len(answers) != 1 || answers[0].Err != nil {
		t.Fatal(answers, err)
	}
	testBrokersOwnDefault(e)
}

// Of many topics, only those that would lose records are refused.
func testManyLosses(e *env) {
	t := e.t
	const n = 40
	named := func(i int) string { return fmt.Sprintf("%slossy-%02d", e.prefix, i) }
	body := api.TopicsWrite{Put: map[string]api.TopicPut{}}
	for i := range n {
		put := api.TopicPut{TopicWrite: configured("retention.ms", "-1"), CreateOnly: true}
		put.Partitions, put.ReplicationFactor = 1, e.replicas
		body.Put[named(i)] = put
	}
	e.outcomes(t, body, false, func(name string, got api.TopicOutcome) {
		if got.Error != nil {
			t.Fatalf("%s: %v", name, got.Error)
		}
	})
	lossy := map[string]bool{}
	for i := range n {
		age := time.Duration(0)
		if i%4 == 0 {
			age, lossy[named(i)] = 3*time.Hour, true
		}
		e.begin(t, named(i), 1+i, age, 10)
	}
	e.flush(t)
	change := api.TopicsWrite{Put: map[string]api.TopicPut{}}
	for name := range body.Put {
		change.Put[name] = api.TopicPut{TopicWrite: configured("retention.ms", "3600000")}
	}
	for _, dryRun := range []bool{true, false} {
		e.outcomes(t, change, dryRun, func(name string, got api.TopicOutcome) {
			switch {
			case lossy[name]:
				want(t, got.Error, api.CodeProtected, "/config/retention.ms", "in 1 partition go")
			case got.Error != nil || len(got.Topic.Warnings) > 0:
				t.Errorf("%s: %+v, %v", name, got.Topic, got.Error)
			}
		})
	}
	e.outcomes(t, api.TopicsWrite{Put: map[string]api.TopicPut{named(4): change.Put[named(4)]}}, true, func(_ string, got api.TopicOutcome) {
		want(t, got.Error, api.CodeProtected, "/config/retention.ms", "5 records of")
	})
}
