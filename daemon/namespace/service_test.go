package namespace_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/namespace"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/daemon/topic"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// cluster is the topics of one connection, or an error.
type cluster struct {
	topics []api.Topic
	err    error
}

type clusters map[string]cluster

func (c clusters) List(_ context.Context, connection string, q topic.Query) ([]api.Topic, []api.Warning, error) {
	var found []api.Topic
	for _, t := range c[connection].topics {
		if strings.HasPrefix(t.Name, q.Prefix) && t.Name > q.After {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b api.Topic) int { return cmp.Compare(a.Name, b.Name) })
	return found[:min(q.Limit, len(found))], nil, c[connection].err
}

func topicOf(name string, partitions, replicas int64, retention string) api.Topic {
	return api.Topic{Connection: "main", Name: name, Partitions: partitions, ReplicationFactor: replicas, ConfigEffective: map[string]string{"retention.ms": retention, "cleanup.policy": "delete"}}
}

func newService(t *testing.T, topics namespace.Topics) *namespace.Service {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	for name, kind := range map[string]string{"main": "kafka", "second": "kafka", "registry": "schema_registry"} {
		spec := `{"bootstrap_servers":["127.0.0.1:1"],"security_protocol":"PLAINTEXT"}`
		if kind != "kafka" {
			spec = `{"url":"http://127.0.0.1:1"}`
		}
		if _, err := conns.Put(t.Context(), name, api.ConnectionWrite{Kind: kind, Spec: []byte(spec), Test: new(false)}, api.WriteOptions{}, ""); err != nil {
			t.Fatal(err)
		}
	}
	return namespace.New(st, conns, topics)
}

func put(t *testing.T, s *namespace.Service, name string, body api.NamespaceWrite) *api.Namespace {
	t.Helper()
	n, err := s.Put(t.Context(), name, body, api.WriteOptions{}, "")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func want(t *testing.T, err error, code, attribute, words string) {
	t.Helper()
	e, ok := errors.AsType[*api.Error](err)
	if !ok || e.Code != code || e.Attribute != attribute || !strings.Contains(e.Error(), words) {
		t.Errorf("got %v at %+v, want %s at %s that says %q", err, e, code, attribute, words)
	}
}

func TestNamespaceLives(t *testing.T) {
	s := newService(t, clusters{})
	body := api.NamespaceWrite{TopicPrefix: "payments.", Owner: "team-payments", Environment: "production", Limits: &api.NamespaceLimits{Partitions: 48, Retention: "720h"}}
	planned, err := s.Put(t.Context(), "payments", body, api.WriteOptions{DryRun: true, CreateOnly: true}, "")
	if err != nil || planned.TopicPrefix != "payments." {
		t.Fatalf("planned %+v, %v", planned, err)
	}
	_, err = s.Get(t.Context(), "payments")
	want(t, err, api.CodeNotFound, "", "payments")
	made := put(t, s, "payments", body)
	_, err = s.Put(t.Context(), "payments", body, api.WriteOptions{CreateOnly: true}, "another")
	want(t, err, api.CodeAlreadyExists, "/name", "already exists")
	body.Limits.Partitions = 12
	changed, err := s.Put(t.Context(), "payments", body, api.WriteOptions{Generation: made.Generation}, "")
	if err != nil || changed.Limits.Partitions != 12 || changed.Generation == made.Generation {
		t.Errorf("changed %+v, %v", changed, err)
	}
	_, err = s.Put(t.Context(), "payments", body, api.WriteOptions{Generation: made.Generation}, "")
	want(t, err, api.CodeConflict, "", "someone else")
	put(t, s, "orders", api.NamespaceWrite{TopicPrefix: "orders."})
	list, err := s.List(t.Context(), "orders", 10)
	if err != nil || len(list) != 1 || list[0].Name != "payments" {
		t.Errorf("listed %+v, %v", list, err)
	}
	_, err = s.Delete(t.Context(), "payments", api.WriteOptions{Generation: made.Generation})
	want(t, err, api.CodeConflict, "", "someone else")
	if _, err := s.Delete(t.Context(), "payments", api.WriteOptions{Generation: changed.Generation}); err != nil {
		t.Error(err)
	}
	_, err = s.Delete(t.Context(), "payments", api.WriteOptions{})
	want(t, err, api.CodeNotFound, "", "payments")
}

func TestNamespaceRefusals(t *testing.T) {
	s := newService(t, clusters{})
	put(t, s, "payments", api.NamespaceWrite{TopicPrefix: "payments.", Connections: []string{"main"}})
	for name, tt := range map[string]struct {
		namespace, code, attribute, words string
		body                              api.NamespaceWrite
	}{
		"name":               {"Pay Ments", api.CodeInvalid, "/name", "not allowed", api.NamespaceWrite{TopicPrefix: "a."}},
		"no prefix":          {"a", api.CodeInvalid, "/topic_prefix", "not allowed", api.NamespaceWrite{}},
		"prefix":             {"a", api.CodeInvalid, "/topic_prefix", "not allowed", api.NamespaceWrite{TopicPrefix: "a/"}},
		"internal prefix":    {"a", api.CodeInvalid, "/topic_prefix", "not allowed", api.NamespaceWrite{TopicPrefix: "__consumer"}},
		"same prefix":        {"a", api.CodeInvalid, "/topic_prefix", `"payments" has the prefix`, api.NamespaceWrite{TopicPrefix: "payments."}},
		"same on one":        {"a", api.CodeInvalid, "/topic_prefix", `"payments" has the prefix`, api.NamespaceWrite{TopicPrefix: "payments.", Connections: []string{"second", "main"}}},
		"retention":          {"a", api.CodeInvalid, "/limits/retention", "not a duration", api.NamespaceWrite{TopicPrefix: "a.", Limits: &api.NamespaceLimits{Retention: "a month"}}},
		"missing connection": {"a", api.CodeNotFound, "/connections/1", "nothing", api.NamespaceWrite{TopicPrefix: "a.", Connections: []string{"main", "nothing"}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, dryRun := range []bool{true, false} {
				_, err := s.Put(t.Context(), tt.namespace, tt.body, api.WriteOptions{DryRun: dryRun}, "")
				want(t, err, tt.code, tt.attribute, tt.words)
			}
		})
	}
	put(t, s, "elsewhere", api.NamespaceWrite{TopicPrefix: "payments.", Connections: []string{"second"}})
	put(t, s, "within", api.NamespaceWrite{TopicPrefix: "payments.eu."})
	unknown := api.NamespaceWrite{Unknown: []string{"/topic_prefix", "/limits/retention"}, Limits: &api.NamespaceLimits{Partitions: 3}}
	if _, err := s.Put(t.Context(), "unknown", unknown, api.WriteOptions{DryRun: true}, ""); err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	s := newService(t, clusters{})
	put(t, s, "payments", api.NamespaceWrite{TopicPrefix: "payments.", Owner: "team-payments", Limits: &api.NamespaceLimits{Partitions: 6, ReplicationFactor: 3, Retention: "168h"}})
	put(t, s, "wide", api.NamespaceWrite{TopicPrefix: "payments.wide.", Limits: &api.NamespaceLimits{Partitions: 100}})
	put(t, s, "second", api.NamespaceWrite{TopicPrefix: "second.", Connections: []string{"second"}, Limits: &api.NamespaceLimits{Partitions: 1}})
	compacted := topicOf("payments.c", 3, 3, "-1")
	compacted.ConfigEffective["cleanup.policy"] = "compact"
	for name, tt := range map[string]struct {
		before *api.Topic
		after  api.Topic
		want   string // attributes
	}{
		"within":              {nil, topicOf("payments.a", 6, 3, "604800000"), ""},
		"partitions":          {nil, topicOf("payments.a", 7, 3, "1"), "/partitions"},
		"replicas":            {nil, topicOf("payments.a", 1, 4, "1"), "/replication_factor"},
		"retention":           {nil, topicOf("payments.a", 1, 1, "604800001"), "/config/retention.ms"},
		"forever":             {nil, topicOf("payments.a", 1, 1, "-1"), "/config/retention.ms"},
		"all":                 {nil, topicOf("payments.a", 7, 4, "-1"), "/partitions /replication_factor /config/retention.ms"},
		"only compacted":      {nil, compacted, ""},
		"not known":           {nil, api.Topic{Connection: "main", Name: "payments.a", Partitions: -1, ReplicationFactor: -1}, ""},
		"outside":             {nil, topicOf("orders.a", 1000, 9, "-1"), ""},
		"the longest prefix":  {nil, topicOf("payments.wide.a", 50, 9, "-1"), ""},
		"another connection":  {nil, topicOf("second.a", 50, 9, "-1"), ""},
		"it had more already": {new(topicOf("payments.a", 9, 5, "-1")), topicOf("payments.a", 9, 4, "-1"), ""},
		"even more":           {new(topicOf("payments.a", 9, 5, "-1")), topicOf("payments.a", 10, 5, "-1"), "/partitions"},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Check(t.Context(), tt.before, &tt.after)
			var got []string
			if e, ok := errors.AsType[*api.Error](err); ok {
				for _, one := range e.All() {
					got = append(got, one.Attribute)
					if !strings.Contains(one.Error(), "team-payments") {
						t.Errorf("%v does not say whom to ask", one)
					}
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("refused for %v, want %v: %v", got, tt.want, err)
			}
		})
	}
}

// A plan that changes namespaces judges topics by what it makes of them.
func TestPlannedLimits(t *testing.T) {
	s := newService(t, clusters{})
	put(t, s, "payments", api.NamespaceWrite{TopicPrefix: "payments.", Limits: &api.NamespaceLimits{Partitions: 6}})
	plan := func(name string, w api.NamespaceWrite) api.PlannedNamespace {
		return api.PlannedNamespace{Name: name, NamespaceWrite: w}
	}
	upTo := func(n int64) *api.NamespaceLimits { return &api.NamespaceLimits{Partitions: n} }
	for name, tt := range map[string]struct {
		plan       []api.PlannedNamespace
		partitions int64
		refused    bool
	}{
		"as it is":                   {nil, 7, true},
		"raised":                     {[]api.PlannedNamespace{plan("payments", api.NamespaceWrite{TopicPrefix: "payments.", Limits: upTo(12)})}, 12, false},
		"raised too little":          {[]api.PlannedNamespace{plan("payments", api.NamespaceWrite{TopicPrefix: "payments.", Limits: upTo(12)})}, 13, true},
		"lowered":                    {[]api.PlannedNamespace{plan("payments", api.NamespaceWrite{TopicPrefix: "payments.", Limits: upTo(3)})}, 4, true},
		"taken away":                 {[]api.PlannedNamespace{plan("payments", api.NamespaceWrite{TopicPrefix: "payments."})}, 99, false},
		"for others":                 {[]api.PlannedNamespace{plan("payments", api.NamespaceWrite{TopicPrefix: "orders.", Limits: upTo(1)})}, 99, false},
		"new, longer prefix":         {[]api.PlannedNamespace{plan("wide", api.NamespaceWrite{TopicPrefix: "payments.a", Limits: upTo(50)})}, 50, false},
		"new, stricter":              {[]api.PlannedNamespace{plan("strict", api.NamespaceWrite{TopicPrefix: "payments.a", Limits: upTo(1)})}, 2, true},
		"new, elsewhere":             {[]api.PlannedNamespace{plan("wide", api.NamespaceWrite{TopicPrefix: "payments.a", Connections: []string{"second"}, Limits: upTo(50)})}, 7, true},
		"limit not known":            {[]api.PlannedNamespace{plan("payments", api.NamespaceWrite{TopicPrefix: "payments.", Unknown: []string{"/limits/partitions"}})}, 99, false},
		"prefix not known":           {[]api.PlannedNamespace{plan("wide", api.NamespaceWrite{Limits: upTo(1), Unknown: []string{"/topic_prefix"}})}, 99, false},
		"one connection not known":   {[]api.PlannedNamespace{plan("wide", api.NamespaceWrite{TopicPrefix: "payments.a", Connections: []string{""}, Limits: upTo(1), Unknown: []string{"/connections/0"}})}, 99, false},
		"an owner alone not known":   {[]api.PlannedNamespace{plan("payments", api.NamespaceWrite{TopicPrefix: "payments.", Limits: upTo(7), Unknown: []string{"/owner"}})}, 8, true},
		"two, and the longer counts": {[]api.PlannedNamespace{plan("payments", api.NamespaceWrite{TopicPrefix: "payments.", Limits: upTo(1)}), plan("wide", api.NamespaceWrite{TopicPrefix: "payments.a", Limits: upTo(9)})}, 9, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Check(namespace.Planning(t.Context(), tt.plan), nil, new(topicOf("payments.a", tt.partitions, 3, "1")))
			if !tt.refused && err != nil {
				t.Error(err)
			}
			if tt.refused {
				want(t, err, api.CodeInvalid, "/partitions", "depends_on")
			}
		})
	}
}

func TestTopicsThatAreThereAlready(t *testing.T) {
	many := []api.Topic{topicOf("payments.wide.a", 99, 1, "1"), topicOf("orders.a", 99, 1, "1"), topicOf("payments.small", 1, 1, "1")}
	for i := range 1200 {
		many = append(many, topicOf(fmt.Sprintf("payments.%04d", i), 9, 1, "1"))
	}
	s := newService(t, clusters{"main": {topics: many}, "second": {err: errors.New("no broker answers")}})
	put(t, s, "wide", api.NamespaceWrite{TopicPrefix: "payments.wide."})
	body := api.NamespaceWrite{TopicPrefix: "payments.", Limits: &api.NamespaceLimits{Partitions: 6}}
	planned, err := s.Put(t.Context(), "payments", body, api.WriteOptions{DryRun: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	var said string
	for _, w := range planned.Warnings {
		said += w.Summary + ". " + w.Detail + "\n"
	}
	for _, words := range []string{"1200 topics have more than namespace \"payments\" allows", "main/payments.0000: partitions 9", "and 1180 more", `through connection "second"`, "no broker answers"} {
		if !strings.Contains(said, words) {
			t.Errorf("the warnings do not say %q:\n%s", words, said)
		}
	}
	put(t, s, "payments", body)
	gone, err := s.Delete(t.Context(), "payments", api.WriteOptions{DryRun: true})
	if err != nil || len(gone.Effects) != 2 || !strings.Contains(gone.Effects[1].Summary, "1201 topics") {
		t.Errorf("deleting it says %+v, %v", gone, err)
	}
}

// slow lists nothing until it is let go.
type slow struct{ listing, proceed chan struct{} }

func (s slow) List(context.Context, string, topic.Query) ([]api.Topic, []api.Warning, error) {
	s.listing <- struct{}{}
	<-s.proceed
	return nil, nil, nil
}

// Looking at clusters takes time, in which others write.
func TestDryRunsHoldNobodyUp(t *testing.T) {
	topics := slow{make(chan struct{}), make(chan struct{})}
	s := newService(t, topics)
	put(t, s, "orders", api.NamespaceWrite{TopicPrefix: "orders."})
	body := api.NamespaceWrite{TopicPrefix: "payments.", Connections: []string{"main"}, Limits: &api.NamespaceLimits{Partitions: 6}}
	for what, plan := range map[string]func() error{
		"put": func() error {
			_, err := s.Put(t.Context(), "payments", body, api.WriteOptions{DryRun: true}, "")
			return err
		},
		"delete": func() error {
			_, err := s.Delete(t.Context(), "payments", api.WriteOptions{DryRun: true})
			return err
		},
	} {
		if what == "delete" {
			put(t, s, "payments", body)
		}
		planned := make(chan error, 1)
		go func() { planned <- plan() }()
		<-topics.listing
		put(t, s, "orders", api.NamespaceWrite{TopicPrefix: "orders.", Owner: what})
		topics.proceed <- struct{}{}
		if err := <-planned; err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestMembers(t *testing.T) {
	s := newService(t, clusters{})
	put(t, s, "payments", api.NamespaceWrite{TopicPrefix: "payments.", Connections: []string{"main"}})
	put(t, s, "eu", api.NamespaceWrite{TopicPrefix: "payments.eu."})
	for _, tt := range []struct {
		connection, topic string
		want              bool
	}{{"main", "payments.a", true}, {"main", "payments.eu.a", false}, {"second", "payments.a", false}, {"main", "orders", false}} {
		belongs, err := s.Members(t.Context(), tt.connection, "payments")
		if err != nil || belongs(tt.topic) != tt.want {
			t.Errorf("%s of %s belongs: %v, want %v", tt.topic, tt.connection, !tt.want, tt.want)
		}
	}
	_, err := s.Members(t.Context(), "main", "nothing")
	want(t, err, api.CodeNotFound, "/namespace", "nothing")
}
