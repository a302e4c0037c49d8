package topic_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// More partitions send a key elsewhere: a plan says so where there are keys.
func testKeys(e *env) {
	plain, compacted := e.prefix+"plain", e.prefix+"compacted"
	e.put(e.t, plain, api.TopicWrite{Partitions: 2, ReplicationFactor: e.replicas}, api.WriteOptions{})
	e.put(e.t, compacted, api.TopicWrite{Partitions: 2, ReplicationFactor: e.replicas, Config: map[string]string{"cleanup.policy": "compact"}}, api.WriteOptions{})
	warned := func(name string, body api.TopicWrite, words string) {
		e.t.Helper()
		found := e.put(e.t, name, body, api.WriteOptions{DryRun: true}).Warnings
		if words == "" && len(found) > 0 || words != "" && (len(found) != 1 || !strings.Contains(found[0].Summary, words) || found[0].Attribute != "/partitions") {
			e.t.Errorf("%s: %+v, want %q", name, found, words)
		}
	}
	more := api.TopicWrite{Partitions: 3}
	produce := func(key []byte) {
		e.t.Helper()
		if err := e.raw.ProduceSync(e.t.Context(), &kgo.Record{Topic: plain, Key: key, Value: []byte("v")}).FirstErr(); err != nil {
			e.t.Fatal(err)
		}
	}
	warned(plain, more, "")
	warned(plain, api.TopicWrite{Partitions: 3, Config: map[string]string{"cleanup.policy": "compact"}}, "is compacted")
	warned(compacted, more, "is compacted")
	warned(compacted, api.TopicWrite{Partitions: 2, Config: map[string]string{"segment.ms": "60000"}}, "")
	produce(nil)
	warned(plain, more, "")
	produce([]byte("k"))
	produce(nil)
	warned(plain, more, "have keys")
	warned(plain, api.TopicWrite{Partitions: 2}, "")
}

// A plan that makes the connection too hears what is wrong with its topics all the same.
func TestUnconnectedDryRun(t *testing.T) {
	e := dev(t)
	e.AddRule(onlyTwoPartitions)
	wrong := api.TopicWrite{Partitions: 3, ReplicationFactor: 2, Config: map[string]string{
		"cleanup.policy": "odd", "min.insync.replicas": "2", "retentoin.ms": "5", "redpanda.remote.read": "true",
	}}
	asked := func(body api.TopicWrite, opts api.WriteOptions) *api.Error {
		t.Helper()
		_, err := e.Put(t.Context(), "nowhere", "orders", body, opts, "")
		found, ok := errors.AsType[*api.Error](err)
		if !ok || found.Code != api.CodeNotFound || found.Attribute != "/connection" {
			t.Fatalf("%v, want a connection that is missing", err)
		}
		return found
	}
	attributes := func(e *api.Error) []string {
		var all []string
		for _, one := range e.More {
			all = append(all, one.Attribute)
		}
		return all
	}
	found := asked(wrong, api.WriteOptions{DryRun: true, CreateOnly: true})
	if got, want := attributes(found), []string{"/config/cleanup.policy", "/partitions"}; !slices.Equal(got, want) {
		t.Errorf("a new topic: %v, want %v", got, want)
	}
	if len(found.Warnings) != 2 || found.Warnings[1].Attribute != "/config/retentoin.ms" || !strings.Contains(found.Warnings[1].Detail, "Did you mean retention.ms?") {
		t.Errorf("warnings: %+v", found.Warnings)
	}
	if got, want := attributes(asked(wrong, api.WriteOptions{DryRun: true})), []string{"/config/cleanup.policy"}; !slices.Equal(got, want) {
		t.Errorf("one that may exist: %v, want %v", got, want)
	}
	inSync := api.TopicWrite{Partitions: 1, ReplicationFactor: 1, Config: map[string]string{"min.insync.replicas": "2"}}
	if got, want := attributes(asked(inSync, api.WriteOptions{DryRun: true, CreateOnly: true})), []string{"/config/min.insync.replicas"}; !slices.Equal(got, want) {
		t.Errorf("too many in sync: %v, want %v", got, want)
	}
	later := wrong
	later.Unknown = []string{"/config", "/partitions"}
	if found := asked(later, api.WriteOptions{DryRun: true, CreateOnly: true}); len(found.More) > 0 || len(found.Warnings) > 0 {
		t.Errorf("what is not known yet: %+v", found)
	}
	if found := asked(wrong, api.WriteOptions{}); len(found.More) > 0 || len(found.Warnings) > 0 {
		t.Errorf("a write: %+v", found)
	}
	body := api.TopicsWrite{Put: map[string]api.TopicPut{"a": {TopicWrite: wrong}, "b": {}}}
	done, err := e.WriteMany(t.Context(), "nowhere", body, true, "")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := done.Topics["a"].Error, done.Topics["b"].Error; a == nil || len(a.More) != 1 || b == nil || len(b.More) != 0 {
		t.Errorf("many: %+v, %+v", a, b)
	}
	if _, err := e.WriteMany(t.Context(), "nowhere", body, false, ""); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("a write of many: %v", err)
	}
}

func onlyTwoPartitions(_ context.Context, _, after *api.Topic) error {
	if after.Partitions > 2 {
		return api.Invalid("/partitions", "Too many partitions", "", "")
	}
	return nil
}
