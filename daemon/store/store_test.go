package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecondDaemonIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	if _, err := store.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "another headgated") {
		t.Errorf("got %v", err)
	}
	must(t, first.Close())
	must(t, open(t, dir).Close())
	info, err := os.Stat(filepath.Join(dir, "headgate.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("database file: %v, %v", info, err)
	}
}

func TestConnectionsSurviveARestart(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	s := open(t, dir)
	c := store.Connection{Name: "main", Kind: "kafka", Spec: []byte(`{"a":1}`), SecretVersions: map[string]int64{"/p": 3}, Sealed: map[string][]byte{"/p": {1, 2}}}
	must(t, s.InsertConnection(ctx, c))
	if err := s.InsertConnection(ctx, c); !errors.Is(err, store.ErrConflict) {
		t.Errorf("inserted twice: %v", err)
	}
	c.Generation, c.Sealed = 1, map[string][]byte{"/p": {3}, "/q": {4}}
	must(t, s.UpdateConnection(ctx, c))
	if err := s.UpdateConnection(ctx, c); !errors.Is(err, store.ErrConflict) {
		t.Errorf("updated from an old generation: %v", err)
	}
	must(t, s.Close())
	s = open(t, dir)
	got, err := s.Connection(ctx, "main")
	must(t, err)
	c.Generation = 2
	if !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v, want %+v", got, c)
	}
	if err := s.DeleteConnection(ctx, "main", 1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("deleted at an old generation: %v", err)
	}
	must(t, s.DeleteConnection(ctx, "main", 2))
	if _, err := s.Connection(ctx, "main"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after the delete: %v", err)
	}
	must(t, s.Close())
}

func TestKafkaConnectors(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	s := open(t, dir)
	c := store.KafkaConnector{
		Connection: "connect", Name: "orders", SensitiveKeys: []string{"password"}, Restart: []byte(`{"max_retries":3}`),
		Added: map[string]*string{"region": new("eu-1"), "secret": nil}, Masked: map[string]store.Masked{"url": {Declared: "jdbc:x", Shown: "****"}},
	}
	must(t, s.PutKafkaConnector(ctx, store.KafkaConnector{Connection: "connect", Name: "orders"}))
	must(t, s.PutKafkaConnector(ctx, c))
	must(t, s.Close())
	s = open(t, dir)
	got, err := s.KafkaConnector(ctx, "connect", "orders")
	must(t, err)
	if !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v, want %+v", got, c)
	}
	must(t, s.ForgetKafkaConnector(ctx, "connect", "orders"))
	if all, err := s.KafkaConnectors(ctx); err != nil || len(all) > 0 {
		t.Errorf("left: %+v, %v", all, err)
	}
	must(t, s.Close())
}

func TestCreations(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	s := open(t, dir)
	begin := func(key string, want bool) {
		t.Helper()
		if got, err := s.BeginCreation(ctx, "topic", "main/orders", key); err != nil || got != want {
			t.Errorf("begin with %s: %v, %v", key, got, err)
		}
	}
	adopt := func(key string, want bool) {
		t.Helper()
		if got, err := s.Unanswered(ctx, "topic", "main/orders", key); err != nil || got != want {
			t.Errorf("unanswered for %s: %v, %v", key, got, err)
		}
	}
	adopt("a", false)
	begin("a", true)
	begin("a", true)
	begin("b", false) // somebody else, while the first is under way
	adopt("a", true)
	adopt("b", false)
	must(t, s.Close())
	s = open(t, dir) // nobody waits for that answer any more
	adopt("b", true)
	begin("b", true)
	adopt("c", false)
	must(t, s.AbandonCreation(ctx, "topic", "main/orders")) // nobody knows whether it is there
	adopt("c", true)
	must(t, s.EndCreation(ctx, "topic", "main/orders"))
	adopt("b", false)
	must(t, s.Close())
}

// Creations mostly fail because their time is over: their notes are closed all the same.
func TestCreationsAreClosedOutOfTime(t *testing.T) {
	s := open(t, t.TempDir())
	defer func() { must(t, s.Close()) }()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, known := range []bool{true, false} {
		if began, err := s.BeginCreation(t.Context(), "topic", "main/orders", fmt.Sprint("a", known)); err != nil || !began {
			t.Fatalf("begin: %v, %v", began, err)
		}
		must(t, s.FailCreation(over, "topic", "main/orders", known))
		if began, err := s.BeginCreation(t.Context(), "topic", "main/orders", "b"); err != nil || !began {
			t.Errorf("known %v: the next creation begins: %v, %v", known, began, err)
		}
		must(t, s.EndCreation(t.Context(), "topic", "main/orders"))
	}
}

func TestTopics(t *testing.T) {
	ctx := t.Context()
	s, err := store.OpenMemory(ctx)
	must(t, err)
	want := store.Topic{Connection: "main", Name: "orders", Description: "d", Labels: map[string]string{"a": "b"}, DeletionProtection: true}
	must(t, s.PutTopic(ctx, want))
	want.Description = "e"
	must(t, s.PutTopic(ctx, want))
	if got, err := s.Topic(ctx, "main", "orders"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	must(t, s.ForgetTopic(ctx, "main", "orders"))
	must(t, s.ForgetTopic(ctx, "main", "orders"))
	if list, err := s.Topics(ctx, "main"); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v", list, err)
	}
	must(t, s.Close())
}

func TestSmallWritesAreCommittedTogether(t *testing.T) {
	s := open(t, t.TempDir())
	defer func() { must(t, s.Close()) }()
	var writers sync.WaitGroup
	var creations atomic.Int32
	for i := range 200 {
		writers.Go(func() {
			name := fmt.Sprintf("t%d", i)
			if err := s.PutTopic(t.Context(), store.Topic{Connection: "main", Name: name, Description: name}); err != nil {
				t.Error(err)
			}
			began, err := s.BeginCreation(t.Context(), "topic", fmt.Sprintf("c%d", i/2), name)
			if err != nil {
				t.Error(err)
			}
			if began {
				creations.Add(1)
			}
		})
	}
	writers.Wait()
	// Of two creations of one name one is refused, whoever they share a transaction with.
	if n := creations.Load(); n != 100 {
		t.Errorf("%d creations began, want 100", n)
	}
	all, err := s.Topics(t.Context(), "main")
	if err != nil || len(all) != 200 {
		t.Errorf("%d topics, %v", len(all), err)
	}
	for _, topic := range all {
		if topic.Description != topic.Name {
			t.Errorf("%s is described as %q", topic.Name, topic.Description)
		}
	}
}

// A migration that comes later with a number that comes before would keep a daemon from starting on a store that it made.
func TestMigrationsAreConsecutive(t *testing.T) {
	files, err := os.ReadDir("migrations")
	must(t, err)
	for i, file := range files {
		if want := fmt.Sprintf("%05d_", i+1); !strings.HasPrefix(file.Name(), want) {
			t.Errorf("migration %s: its name has to begin with %s", file.Name(), want)
		}
	}
}
