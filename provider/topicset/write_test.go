package topicset

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// daemon answers requests as a test wants; write answers those that write topics.
func daemon(t *testing.T, write func(body api.TopicsWrite) (*api.TopicOutcomes, *api.Error), others http.HandlerFunc) *api.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPatch {
			others(w, r)
			return
		}
		var body api.TopicsWrite
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		done, failure := write(body)
		if failure != nil {
			answer(t, w, failure.HTTPStatus, failure)
			return
		}
		answer(t, w, http.StatusOK, done)
	}))
	t.Cleanup(server.Close)
	client, err := api.NewClient(api.ClientConfig{Endpoint: server.URL, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func answer(t *testing.T, w http.ResponseWriter, status int, body any) {
	t.Helper()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		t.Error(err)
	}
}

// written is what becomes of topics when all goes well.
func written(body api.TopicsWrite) *api.TopicOutcomes {
	out := &api.TopicOutcomes{Topics: map[string]api.TopicOutcome{}}
	for name, put := range body.Put {
		out.Topics[name] = api.TopicOutcome{Topic: &api.Topic{Name: name, Partitions: put.Partitions, ReplicationFactor: put.ReplicationFactor, Generation: "1"}}
	}
	for name := range body.Delete {
		out.Topics[name] = api.TopicOutcome{Deletion: &api.Deletion{}}
	}
	return out
}

// setWith has n topics with what the defaults say.
func setWith(n int, d settings) *set {
	s := &set{connection: known("main"), defaults: defaults{opt: known(true), settings: d}, topics: map[string]entry{}}
	for i := range n {
		s.topics[fmt.Sprintf("t%d", i)] = entry{}.with(d, entry{})
	}
	return s
}

func summaries(diags []*tfprotov6.Diagnostic) []string {
	all := make([]string, 0, len(diags))
	for _, one := range diags {
		all = append(all, one.Summary)
	}
	return all
}

func encoded(t *testing.T, s *set) *tfprotov6.DynamicValue {
	t.Helper()
	value, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func apply(t *testing.T, client *api.Client, plan, prior *set) (*set, []string) {
	t.Helper()
	r := &Resource{}
	r.Use(remote.New(client))
	resp, err := r.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{PriorState: encoded(t, prior), PlannedState: encoded(t, plan)})
	if err != nil {
		t.Fatal(err)
	}
	now, err := decode(resp.NewState)
	if err != nil {
		t.Fatal(err)
	}
	return now, summaries(resp.Diagnostics)
}

// A topic that was not written while the defaults changed still has what they said: the next write takes it back.
func TestUndoneTopicsKeepTheirDefaults(t *testing.T) {
	before := setWith(2, settings{config: textsOf(map[string]string{"segment.ms": "5", api.RetentionConfig: "7200000"}), labels: textsOf(map[string]string{"team": "shop"})})
	own := before.topics["t0"]
	own.config = texts{opt: known(true), m: map[string]opt[string]{"segment.ms": {}, "max.message.bytes": known("9")}}
	before.topics["t0"] = own
	plan := setWith(2, settings{})
	w := newWriting(t.Context(), nil, plan, before, private{}, &diagnostics{})
	w.nothingDone(changes(plan, before, private{}))
	next := changes(plan, w.now, private{}).Put
	for name, want := range map[string]string{"t0": "max.message.bytes segment.ms", "t1": "segment.ms"} {
		if got := strings.Join(next[name].Unset, " "); got != want {
			t.Errorf("%s: the next write takes back %q, want %q", name, got, want)
		}
	}
	if got := w.now.topics["t1"]; !got.labels.equal(textsOf(map[string]string{"team": "shop"})) || got.config.m[api.RetentionConfig].given || got.retention != known("2h") {
		t.Errorf("in state: %+v", got)
	}
	// One that was to be deleted and was not has it as well, should it stay after all.
	delete(plan.topics, "t1")
	w = newWriting(t.Context(), nil, plan, before, private{}, &diagnostics{})
	w.nothingDone(changes(plan, before, private{}))
	if got := w.now.topics["t1"].config; !got.equal(textsOf(map[string]string{"segment.ms": "5"})) {
		t.Errorf("config of the one that is not deleted: %+v", got)
	}
}

// What was not declared by anybody stays undeclared when the defaults stay.
func TestUndoneTopicsStayAsTheyWere(t *testing.T) {
	before := setWith(1, settings{config: textsOf(map[string]string{"segment.ms": "5"})})
	plan := setWith(1, settings{config: textsOf(map[string]string{"segment.ms": "5"})})
	e := plan.topics["t0"]
	e.partitions = known[int64](9)
	plan.topics["t0"] = e
	w := newWriting(t.Context(), nil, plan, before, private{}, &diagnostics{})
	w.nothingDone(changes(plan, before, private{}))
	if !w.now.equal(before) {
		t.Errorf("in state: %+v", w.now)
	}
}

// Terraform taints what a create leaves in the state beside an error, whatever the error was about.
func TestCreateThatFailsWhole(t *testing.T) {
	for name, tt := range map[string]struct {
		good    int // requests
		inState int
	}{
		"all of it": {0, 0}, "the second request": {1, requestTopics},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			client := daemon(t, func(body api.TopicsWrite) (*api.TopicOutcomes, *api.Error) {
				if asked++; asked > tt.good {
					return nil, &api.Error{HTTPStatus: http.StatusConflict, Code: api.CodeConnection, Summary: "The cluster does not answer"}
				}
				return written(body), nil
			}, nil)
			now, found := apply(t, client, setWith(requestTopics+1, settings{}), nil)
			if tt.inState == 0 && now != nil || tt.inState > 0 && (now == nil || len(now.topics) != tt.inState) {
				t.Errorf("in state: %+v", now)
			}
			if explained := slices.Contains(found, "Not all topics of the set could be made"); explained != (tt.inState > 0) {
				t.Errorf("diagnostics: %q", found)
			}
		})
	}
}

func TestConnectionIsGoneIsSaidOnce(t *testing.T) {
	client := daemon(t, func(api.TopicsWrite) (*api.TopicOutcomes, *api.Error) {
		return nil, &api.Error{HTTPStatus: http.StatusNotFound, Code: api.CodeNotFound, Attribute: "/connection", Summary: `Connection "main" does not exist`}
	}, nil)
	now, found := apply(t, client, nil, setWith(2*requestTopics, settings{}))
	if now != nil || len(found) != 1 {
		t.Errorf("in state: %+v, diagnostics: %q", now, found)
	}
}

// An apply ends when replicas are where they go, with the factor that came of it.
func TestApplyWaitsForReplicas(t *testing.T) {
	for name, tt := range map[string]struct {
		factor int64
		want   []string
	}{
		"they arrive":  {3, nil},
		"is cancelled": {1, []string{`Topic "t0" has 1 replicas after all, and not 3`}},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			client := daemon(t, func(body api.TopicsWrite) (*api.TopicOutcomes, *api.Error) {
				out := written(body)
				out.Topics["t0"].Topic.Reassignment = &api.Reassignment{InProgress: true}
				return out, nil
			}, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/reassignment") {
					asked++
					answer(t, w, http.StatusOK, &api.Reassignment{InProgress: asked < 3})
					return
				}
				answer(t, w, http.StatusOK, &api.Topic{Name: "t0", ReplicationFactor: tt.factor, Generation: "2"})
			})
			plan, before := setWith(2, settings{replicas: known[int64](3)}), setWith(2, settings{replicas: known[int64](1)})
			now, found := apply(t, client, plan, before)
			if asked != 3 {
				t.Errorf("asked %d times how far it is", asked)
			}
			if got := now.topics["t0"].replicas; got != known(tt.factor) || now.topics["t1"].replicas != known[int64](3) {
				t.Errorf("in state: %+v", now.topics)
			}
			if !slices.Equal(found, tt.want) {
				t.Errorf("diagnostics: %q", found)
			}
		})
	}
}

// A set that takes over what exists does not take over what Terraform deletes before.
func TestPlanOfReplacement(t *testing.T) {
	exists := func(body api.TopicsWrite) (*api.TopicOutcomes, *api.Error) {
		out := written(body)
		for name, put := range body.Put {
			if put.CreateOnly {
				out.Topics[name] = api.TopicOutcome{Error: &api.Error{Code: api.CodeAlreadyExists, Summary: "exists"}}
			}
		}
		for name := range body.Delete {
			out.Topics[name] = api.TopicOutcome{Deletion: &api.Deletion{Effects: []api.Warning{{Summary: "All records go"}}}}
		}
		return out, nil
	}
	const keeps, goes = "1 topic exists already and will be taken over", `What goes with topic "t0"`
	state := setWith(1, settings{})
	seen := map[string]string{"t0": "1"}
	for name, tt := range map[string]struct {
		read, planned bool // before, as it is
		kept          private
		want          string
	}{
		"new":                           {false, false, private{}, keeps},
		"tainted":                       {true, false, private{}, goes},
		"in another set":                {true, true, private{}, keeps},
		"asked for":                     {true, true, private{Generations: seen, Connection: "main"}, goes},
		"because of another connection": {false, false, private{Generations: seen, Connection: "second"}, keeps},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Resource{}
			r.Use(remote.New(daemon(t, exists, func(w http.ResponseWriter, _ *http.Request) { answer(t, w, http.StatusOK, readOf(state)) })))
			if tt.read {
				if _, err := r.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{CurrentState: encoded(t, state)}); err != nil {
					t.Fatal(err)
				}
			}
			if tt.planned {
				if _, err := r.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{PriorState: encoded(t, state), Config: encoded(t, state)}); err != nil {
					t.Fatal(err)
				}
			}
			adopting := setWith(1, settings{})
			adopting.adopt = known(true)
			resp, err := r.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{PriorState: encoded(t, nil), Config: encoded(t, adopting), PriorPrivate: tt.kept.bytes()})
			if err != nil {
				t.Fatal(err)
			}
			if found := summaries(resp.Diagnostics); !slices.Equal(found, []string{tt.want}) {
				t.Errorf("diagnostics: %q, want %q", found, tt.want)
			}
		})
	}
}

func readOf(s *set) *api.TopicOutcomes {
	out := &api.TopicOutcomes{Topics: map[string]api.TopicOutcome{}}
	for name, e := range s.topics {
		out.Topics[name] = api.TopicOutcome{Topic: &api.Topic{Name: name, Partitions: e.partitions.v, ReplicationFactor: e.replicas.v, DeletionProtection: true, Generation: "1", Config: map[string]string{api.RetentionConfig: "604800000"}}}
	}
	return out
}
