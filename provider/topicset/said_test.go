package topicset

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

func gone(records int64, more ...string) *api.Deletion {
	d := &api.Deletion{Records: &records, Effects: []api.Warning{{Summary: fmt.Sprintf("%d records go", records), Detail: "They take space."}}}
	for _, one := range more {
		d.Effects = append(d.Effects, api.Warning{Summary: one})
	}
	return d
}

// What goes with many topics is one warning, with a line for each of the biggest.
func TestWhatGoes(t *testing.T) {
	many := map[string]*api.Deletion{"unknown": {Effects: []api.Warning{{Summary: "All records go"}}}}
	for i := range 15 {
		many[fmt.Sprintf("t%02d", i)] = gone(int64(i) * 10)
	}
	for name, tt := range map[string]struct {
		effects map[string]*api.Deletion
		want    []string // lines, the summary first
	}{
		"nothing": {},
		"one":     {map[string]*api.Deletion{"a": gone(5, "A group reads it")}, []string{`What goes with topic "a"`, "- 5 records go. They take space.", "- A group reads it."}},
		"two": {map[string]*api.Deletion{"a": gone(5), "b": gone(7, "x", "y", "z")}, []string{
			"What goes with 2 topics", "With all their records, those with the most first:", "- b: 7 records go; x; y; and 1 more", "- a: 5 records go",
		}},
		"many": {many, []string{
			"What goes with 16 topics", "With all their records, those with the most first:", "- unknown: All records go",
			"- t14: 140 records go", "- t13: 130 records go", "- t12: 120 records go", "- t11: 110 records go", "- t10: 100 records go",
			"- t09: 90 records go", "- t08: 80 records go", "- t07: 70 records go", "- t06: 60 records go", "- and 6 more, which hold 150 records together",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			diags := &diagnostics{}
			explainEffects(tt.effects, diags)
			var got []string
			for _, one := range diags.all {
				got = append(append(got, one.Summary), strings.Split(one.Detail, "\n")...)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	empty := map[string]*api.Deletion{"a": gone(0), "b": gone(0)}
	if got := restText([]string{"a", "b"}, empty); got != "and 2 more, which hold no records" {
		t.Error(got)
	}
	if got := restText([]string{"unknown", "t01"}, many); got != "and 2 more" {
		t.Error(got)
	}
}

// Warnings that say the same of several topics are one; that of a single topic is on its entry.
func TestNotes(t *testing.T) {
	n := &notes{}
	for _, name := range []string{"a", "b", "c"} {
		n.add(name, []api.Warning{{Summary: fmt.Sprintf("Topic %q is compacted", name), Detail: "Keys move.", Attribute: "/partitions"}})
	}
	n.add("c", []api.Warning{{Summary: "Odd", Detail: "Alone.", Attribute: "/config/no.such"}})
	diags := &diagnostics{}
	n.explain(diags)
	if len(diags.all) != 2 {
		t.Fatalf("%d warnings", len(diags.all))
	}
	if one := diags.all[0]; one.Summary != `Topic "a" is compacted (and so for 2 more)` || one.Detail != "Keys move.\n\nThe topics: a, b, c." || one.Severity != tfprotov6.DiagnosticSeverityWarning {
		t.Errorf("%+v", one)
	}
	if one := diags.all[1]; one.Summary != "Odd" || one.Detail != "Alone.\n\nAttribute: topics[\"c\"].config[\"no.such\"]" {
		t.Errorf("%+v", one)
	}
}

// moving is a daemon whose topics' replicas never arrive.
func moving(t *testing.T, wrote *api.TopicsWrite) *api.Client {
	t.Helper()
	return daemon(t, func(body api.TopicsWrite) (*api.TopicOutcomes, *api.Error) {
		*wrote = body
		out := written(body)
		for _, outcome := range out.Topics {
			outcome.Topic.Reassignment = &api.Reassignment{InProgress: true, ReplicationFactor: 3, Throttle: "50MiB"}
		}
		return out, nil
	}, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/reassignment") {
			<-r.Context().Done() // held until there is news
			return
		}
		out := &api.TopicOutcomes{Topics: map[string]api.TopicOutcome{}}
		for _, name := range []string{"t0", "t1", "t2"} {
			topic := &api.Topic{Name: name, Partitions: 3, ReplicationFactor: 3, Generation: "1"}
			if name != "t2" {
				topic.Reassignment = &api.Reassignment{InProgress: true, ReplicationFactor: 3, Throttle: "50MiB"}
			}
			out.Topics[name] = api.TopicOutcome{Topic: topic}
		}
		answer(t, w, http.StatusOK, out)
	})
}

// An apply that ends before the replicas have arrived fails, and says how to wait longer.
func TestApplyEndsBeforeReplicasArrive(t *testing.T) {
	for n, want := range map[int]string{1: `The replicas of topic "t0" are still being copied`, 2: "The replicas of 2 topics are still being copied"} {
		plan, before := setWith(n, settings{replicas: known[int64](3)}), setWith(n, settings{replicas: known[int64](1)})
		plan.timeouts = timeouts{opt: known(true), update: known("50ms")}
		plan.throttle = known("20MiB")
		var wrote api.TopicsWrite
		now, found := apply(t, moving(t, &wrote), plan, before)
		if !slices.Equal(found, []string{want}) {
			t.Errorf("%q, want %q", found, want)
		}
		if got := wrote.Put["t0"].ReplicationThrottle; got != "20MiB" {
			t.Errorf("the throttle is %q", got)
		}
		if now.timeouts != plan.timeouts || now.throttle != plan.throttle {
			t.Errorf("in state: %+v, %+v", now.timeouts, now.throttle)
		}
	}
}

// Another throttle goes to the topics whose replicas are being copied, and to no other.
func TestAnotherThrottle(t *testing.T) {
	state := setWith(3, settings{replicas: known[int64](3)})
	var wrote api.TopicsWrite
	r := &Resource{}
	r.Use(remote.New(moving(t, &wrote)))
	read, err := r.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{CurrentState: encoded(t, state)})
	if err != nil {
		t.Fatal(err)
	}
	if found := summaries(read.Diagnostics); !slices.Equal(found, []string{"The replicas of 2 topics are being copied"}) {
		t.Errorf("diagnostics: %q", found)
	}
	faster := setWith(3, settings{replicas: known[int64](3)})
	faster.throttle = known("unlimited")
	kept := readPrivate(read.Private)
	if put := changes(faster, state, kept).Put; len(put) != 2 || put["t0"].ReplicationThrottle != "unlimited" || put["t2"].Partitions != 0 {
		t.Errorf("%+v", put)
	}
	if put := changes(state, state, kept).Put; len(put) != 0 {
		t.Errorf("with the same throttle: %+v", put)
	}
}

// A configuration that is generated from an import has no defaults that say nothing.
func TestGeneratedConfig(t *testing.T) {
	state := setWith(1, settings{})
	resp, err := (&Resource{}).GenerateResourceConfig(t.Context(), &tfprotov6.GenerateResourceConfigRequest{State: encoded(t, state)})
	if err != nil {
		t.Fatal(err)
	}
	config, err := decode(resp.Config)
	if err != nil {
		t.Fatal(err)
	}
	if config.defaults.given || !config.entry("t0").equal(state.entry("t0")) {
		t.Errorf("%+v", config)
	}
	if plan := planned(config, state); !plan.equal(state) {
		t.Errorf("it plans %+v", plan)
	}
}
