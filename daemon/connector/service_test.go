package connector

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// fakeSpec is the spec of a kind that exists in these tests only.
type fakeSpec struct {
	Batches   int64  `json:"batches"`
	FailOpen  string `json:"fail_open,omitempty"`
	FailFatal bool   `json:"fail_fatal,omitempty"`
	// FailInstance is the only instance that fails to open; 0: all.
	FailInstance int64 `json:"fail_instance,omitempty"`
	// From is the connection that it reads from; empty: none.
	From string `json:"from,omitempty"`
}

// fakeKind makes fake sources; what the daemon checks beforehand always passes.
type fakeKind struct {
	mu    sync.Mutex
	opens int
}

func (*fakeKind) Check(any) []spec.Problem         { return nil }
func (*fakeKind) Selects(_ any, topic string) bool { return topic == splitA.Topic }
func (*fakeKind) References(target any) []connection.Reference {
	if from := target.(*fakeSpec).From; from != "" {
		return []connection.Reference{{Pointer: "/from", Name: from, Kinds: []string{"kafka"}}}
	}
	return nil
}

func (k *fakeKind) Open(_ context.Context, cfg SourceConfig) (Source, error) {
	k.mu.Lock()
	k.opens++
	k.mu.Unlock()
	s := cfg.Spec.(*fakeSpec)
	source := newFakeSource(int(s.Batches), splitA)
	if s.FailOpen != "" {
		source.openErr = errors.New(s.FailOpen)
		if s.FailFatal {
			source.openErr = Fatal(source.openErr)
		}
		source.failInstance = int(s.FailInstance)
	}
	return source, nil
}

type serviceFixture struct {
	t       *testing.T
	store   *store.Store
	service *Service
	sink    *fakeSink
}

func newServiceFixture(t *testing.T) *serviceFixture {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := &serviceFixture{t: t, store: st, sink: newFakeSink()}
	f.start()
	return f
}

func (f *serviceFixture) start() {
	f.t.Helper()
	sealer, err := secret.Ephemeral()
	if err != nil {
		f.t.Fatal(err)
	}
	conns, err := connection.New(f.store, sealer, nil, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.service, err = New(f.t.Context(), Config{
		Store: f.store, Connections: conns, WorkerID: "w", Log: slog.New(slog.DiscardHandler),
		Kinds: spec.Kinds{spec.KindOf[fakeSpec]("fake", "")}, Sources: map[string]SourceKind{"fake": &fakeKind{}},
		OpenSink: func(context.Context, api.KafkaDestination) (Sink, error) { return f.sink, nil },
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.service.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// end stops everything, in the bubble of the test.
func (f *serviceFixture) end() {
	f.service.Close()
	if err := f.store.Close(); err != nil {
		f.t.Error(err)
	}
}

func (f *serviceFixture) put(name string, s fakeSpec, state string, opts api.WriteOptions, key string) (*api.Connector, error) {
	f.t.Helper()
	raw, _ := json.Marshal(s)
	parallelism := 1
	if s.FailInstance > 0 {
		parallelism = 2
	}
	settings, _ := json.Marshal(map[string]any{"destination": map[string]any{"connection": "to"}, "state": state, "parallelism": parallelism})
	body := api.ConnectorWrite{Type: api.TypeSource, Kind: "fake", Spec: raw, Settings: settings}
	if _, err := f.service.Put(f.t.Context(), name, body, api.ConnectorWriteOptions{WriteOptions: opts, StartTimeout: 30 * time.Second}, key); err != nil {
		return nil, err
	}
	return f.service.Get(f.t.Context(), name, true)
}

func (f *serviceFixture) get(name string) *api.Connector {
	f.t.Helper()
	c, err := f.service.Get(f.t.Context(), name, true)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func TestCreateThatCannotStartLeavesNothing(t *testing.T) {
	for name, fatal := range map[string]bool{"at once when trying again cannot help": true, "when the time is up": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newServiceFixture(t)
				defer f.end()
				begin := time.Now()
				_, err := f.put("c", fakeSpec{FailOpen: "no route", FailFatal: fatal}, "running", api.WriteOptions{}, "k")
				if !api.HasCode(err, api.CodeStartFailed) || !containsText(err, "no route") {
					t.Errorf("got %v", err)
				}
				if took := time.Since(begin); fatal && took > time.Second || !fatal && took != 30*time.Second {
					t.Errorf("it took %s", took)
				}
				rows, err := f.store.Connectors(t.Context())
				if err != nil || len(rows) != 0 {
					t.Errorf("the store holds %v, %v", rows, err)
				}
				if _, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{CreateOnly: true}, "k2"); err != nil {
					t.Errorf("the name is not free again: %v", err)
				}
			})
		})
	}
}

func TestUpdateThatCannotStartIsRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		before, err := f.put("c", fakeSpec{Batches: 5}, "running", api.WriteOptions{}, "k")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.put("c", fakeSpec{Batches: 9, FailOpen: "no route"}, "running", api.WriteOptions{Generation: before.Generation}, "k"); err != nil {
			t.Fatal(err)
		}
		after := f.get("c")
		if after.Status.RolledBack == nil || after.Status.RolledBack.Error.Summary != "open source: no route" {
			t.Fatalf("rolled back: %+v", after.Status.RolledBack)
		}
		synctest.Wait()
		after = f.get("c")
		if string(after.Spec) != string(before.Spec) || after.Generation != before.Generation || after.Status.State != api.StateRunning {
			t.Errorf("after the rollback: %s at %s, %s", after.Spec, after.Generation, after.Status.State)
		}
		row, err := f.store.Connector(t.Context(), "c")
		if err != nil || row.Generation != 1 {
			t.Errorf("the store holds generation %d, %v", row.Generation, err)
		}
		// The next update that works clears the memory of the failed one.
		ok, err := f.put("c", fakeSpec{Batches: 7}, "running", api.WriteOptions{Generation: before.Generation}, "k")
		if err != nil || ok.Status.RolledBack != nil || ok.Generation != "2" {
			t.Errorf("next update: %+v, %v", ok, err)
		}
	})
}

func TestChangeThatCannotStartMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		if _, err := f.put("c", fakeSpec{Batches: 5}, "running", api.WriteOptions{}, "k"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * commitInterval)
		before := f.sink.count(splitA)
		// One instance of the change could run, the other never can.
		if _, err := f.put("c", fakeSpec{Batches: 9, FailOpen: "refused", FailInstance: 1}, "running", api.WriteOptions{}, "k"); err != nil {
			t.Fatal(err)
		}
		if c := f.get("c"); c.Status.RolledBack == nil {
			t.Fatalf("not rolled back: %+v", c.Status)
		}
		synctest.Wait()
		if after := f.sink.count(splitA); before != 5 || after != 10 {
			t.Errorf("%d written before, %d after: the change that was taken back moved records", before, after)
		}
	})
}

func TestDeleteTellsThatThePositionsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		for state, want := range map[string]int{api.StateRunning: 1, api.StateStopped: 0} {
			if _, err := f.put(state, fakeSpec{Batches: 1}, state, api.WriteOptions{}, state); err != nil {
				t.Fatal(err)
			}
			deletion, err := f.service.Delete(t.Context(), state, api.WriteOptions{DryRun: true})
			if err != nil || len(deletion.Effects) != want {
				t.Errorf("%s: %+v, %v", state, deletion, err)
			}
		}
	})
}

func TestDeleteIsFinishedThoughNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		if _, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{}, "k"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.service.Delete(ctx, "c", api.WriteOptions{}); err != nil {
			t.Error(err)
		}
		if rows, err := f.store.Connectors(t.Context()); err != nil || len(rows) != 0 {
			t.Errorf("the store holds %v, %v", rows, err)
		}
		if _, err := f.service.Get(t.Context(), "c", false); !api.HasCode(err, api.CodeNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestResumeIsSettledOnlyWhenItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		if _, err := f.put("c", fakeSpec{Batches: 1}, "paused", api.WriteOptions{}, "k"); err != nil {
			t.Fatal(err)
		}
		for _, state := range []string{api.StateRunning, api.StatePaused} {
			if _, err := f.service.SetState(t.Context(), "c", state); err != nil {
				t.Fatal(err)
			}
			if c := f.get("c"); c.Status.State != state {
				t.Errorf("settled as %s, want %s", c.Status.State, state)
			}
		}
	})
}

// Who reads a topic is told whether it runs or not, and whichever connection to the cluster it reads through.
func TestReadersOfATopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		for name, cluster := range map[string]string{"same": "c1", "other": "c2", "untold": ""} {
			if err := f.store.InsertConnection(t.Context(), store.Connection{Name: name, Kind: "kafka", Spec: []byte(`{}`), ClusterID: cluster}); err != nil {
				t.Fatal(err)
			}
		}
		put := func(name, from, state string) {
			t.Helper()
			if _, err := f.put(name, fakeSpec{Batches: 1, From: from}, state, api.WriteOptions{}, name); err != nil {
				t.Fatal(err)
			}
		}
		put("running", "main", api.StateRunning)
		put("paused", "same", api.StatePaused)
		put("stopped", "same", api.StateStopped)
		put("elsewhere", "other", api.StateRunning)
		put("somewhere", "untold", api.StateRunning)
		put("nowhere", "", api.StateRunning)
		f.sink.set(func(s *fakeSink) { s.writeErr = errors.New("disk full") })
		put("failing", "main", api.StateRunning)
		synctest.Wait()
		for _, tt := range []struct {
			cluster, topic string
			want           []string
		}{
			{"c1", splitA.Topic, []string{`Connector "failing", which has failed, reads it`, `Connector "paused", which is paused, reads it`, `Connector "running" reads it`, `Connector "stopped", which is stopped, reads it`}},
			{"", splitA.Topic, []string{`Connector "failing", which has failed, reads it`, `Connector "running" reads it`}},
			{"c1", "unread", nil},
		} {
			readers, err := f.service.ReadersOf(t.Context(), "main", tt.cluster, tt.topic)
			var got []string
			for _, r := range readers {
				got = append(got, r.Summary)
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("cluster %q, topic %q: %q, %v, want %q", tt.cluster, tt.topic, got, err, tt.want)
			}
		}
	})
}

func TestWritesAreGuarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		c, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{CreateOnly: true}, "first")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{CreateOnly: true}, "second"); !api.HasCode(err, api.CodeAlreadyExists) {
			t.Errorf("second create: %v", err)
		}
		if _, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{CreateOnly: true}, "first"); err != nil {
			t.Errorf("a repeat of the first create: %v", err)
		}
		if _, err := f.put("c", fakeSpec{Batches: 2}, "running", api.WriteOptions{Generation: "7"}, "k"); !api.HasCode(err, api.CodeConflict) {
			t.Errorf("an old generation: %v", err)
		}
		if same, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{Generation: c.Generation}, "k"); err != nil || same.Generation != c.Generation {
			t.Errorf("no change: %+v, %v", same, err)
		}
		if _, err := f.put("gone", fakeSpec{Batches: 1}, "running", api.WriteOptions{Generation: "1"}, "k"); !api.HasCode(err, api.CodeNotFound) {
			t.Errorf("an update of what is not there: %v", err)
		}
		if dry, err := f.service.Put(t.Context(), "dry", api.ConnectorWrite{Type: api.TypeSource, Kind: "fake", Spec: json.RawMessage(`{"batches":1}`), Settings: json.RawMessage(`{"destination":{"connection":"to"}}`)},
			api.ConnectorWriteOptions{WriteOptions: api.WriteOptions{DryRun: true}}, "k"); err != nil || dry.Parallelism != 1 {
			t.Errorf("dry run: %+v, %v", dry, err)
		}
		if _, err := f.service.Get(t.Context(), "dry", false); !api.HasCode(err, api.CodeNotFound) {
			t.Errorf("a dry run left something: %v", err)
		}
	})
}

func TestCreationThatWasNeverAnsweredIsAdoptedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := t.TempDir()
		st, err := store.Open(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		f := &serviceFixture{t: t, store: st, sink: newFakeSink()}
		f.start()
		if _, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{CreateOnly: true}, "first"); err != nil {
			t.Fatal(err)
		}
		f.end() // the answer never left
		if f.store, err = store.Open(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		f.start()
		defer f.end()
		c, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{CreateOnly: true}, "second")
		if err != nil {
			t.Fatalf("the next create: %v", err)
		}
		if err := f.service.Answered(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if _, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{CreateOnly: true}, "third"); !api.HasCode(err, api.CodeAlreadyExists) {
			t.Errorf("after it was answered: %v", err)
		}
	})
}

func TestGetWaitsUntilSettledOrTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		raw := json.RawMessage(`{"batches":1,"fail_open":"no route"}`)
		if _, err := f.service.Put(t.Context(), "c", api.ConnectorWrite{Type: api.TypeSource, Kind: "fake", Spec: raw, Settings: json.RawMessage(`{"destination":{"connection":"to"}}`)}, api.ConnectorWriteOptions{}, "k"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		begin := time.Now()
		c, err := f.service.Get(ctx, "c", true)
		if err != nil || c.Status.State != api.StateStarting || time.Since(begin) != 20*time.Second {
			t.Errorf("after %s: %+v, %v", time.Since(begin), c, err)
		}
		if _, err := f.service.Get(t.Context(), "c", true); !api.HasCode(err, api.CodeStartFailed) {
			t.Errorf("in the end: %v", err)
		}
	})
}

func containsText(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}

func TestRestartIsStartingUntilSomethingHasComeOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		if _, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{}, "k"); err != nil {
			t.Fatal(err)
		}
		f.sink.set(func(s *fakeSink) { s.writeErr = errors.New("disk full") })
		c, err := f.service.Restart(t.Context(), "c", -1)
		if err != nil || c.Status.State != api.StateStarting {
			t.Fatalf("restarted: %+v, %v", c, err)
		}
		synctest.Wait()
		if c = f.get("c"); c.Status.State != api.StateFailed {
			t.Fatalf("it is %s", c.Status.State)
		}
		f.sink.set(func(s *fakeSink) { s.writeErr = nil })
		begin := time.Now()
		if c, err = f.service.RestartFailed(t.Context(), "c"); err != nil || c.Status.State != api.StateStarting {
			t.Fatalf("restarted: %+v, %v", c, err)
		}
		if c = f.get("c"); c.Status.State != api.StateRunning || time.Since(begin) != 0 {
			t.Errorf("it is %s after %s", c.Status.State, time.Since(begin))
		}
		before := c.Status.Instances[0].RecordsReceived
		if c, err = f.service.RestartFailed(t.Context(), "c"); err != nil || c.Status.State != api.StateRunning || c.Status.Instances[0].RecordsReceived != before {
			t.Errorf("nothing has failed: %+v, %v", c, err)
		}
		if _, err := f.service.SetState(t.Context(), "c", api.StateStopped); err != nil {
			t.Fatal(err)
		}
		if _, err := f.service.RestartFailed(t.Context(), "c"); !api.HasCode(err, api.CodeRefused) {
			t.Errorf("stopped: %v", err)
		}
	})
}

func TestRestartOfWhatCannotBeOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newServiceFixture(t)
		defer f.end()
		if _, err := f.put("c", fakeSpec{Batches: 1}, "running", api.WriteOptions{}, "k"); err != nil {
			t.Fatal(err)
		}
		open, broken := f.service.openSink, errors.New("no route")
		f.service.openSink = func(ctx context.Context, d api.KafkaDestination) (Sink, error) {
			if broken != nil {
				return nil, broken
			}
			return open(ctx, d)
		}
		if _, err := f.service.Restart(t.Context(), "c", -1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c := f.get("c"); c.Status.State != api.StateFailed {
			t.Fatalf("it is %s", c.Status.State)
		}
		broken = nil
		begin := time.Now()
		if c, err := f.service.RestartFailed(t.Context(), "c"); err != nil || c.Status.State != api.StateStarting {
			t.Fatalf("restarted: %+v, %v", c, err)
		}
		if c := f.get("c"); c.Status.State != api.StateRunning || time.Since(begin) != 0 {
			t.Errorf("it is %s after %s", c.Status.State, time.Since(begin))
		}
	})
}
