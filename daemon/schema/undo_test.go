package schema_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/registry"
	"github.com/headgate/terraform-provider-headgate/daemon/schema"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// between is a registry with someone in front of it, who may answer in its place.
type between struct {
	registry http.Handler

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func (b *between) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	answer := b.answer
	b.mu.Unlock()
	if answer == nil || !answer(w, r) {
		b.registry.ServeHTTP(w, r)
	}
}

// answers sets who answers; true is an answer.
func (b *between) answers(answer func(w http.ResponseWriter, r *http.Request) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

// ask goes to the registry itself.
func (b *between) ask(t *testing.T, method, path, body string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	w := httptest.NewRecorder()
	b.registry.ServeHTTP(w, r)
	return w.Body.String()
}

func newBetween(t *testing.T) (*between, *env) {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	b := &between{registry: registry.New(st, slog.New(slog.DiscardHandler)).Handler()}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return b, newEnv(t, server.URL)
}

func says(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func refuses(w http.ResponseWriter) {
	says(w, http.StatusUnprocessableEntity, `{"error_code":42203,"message":"no such level"}`)
}

func isConfig(r *http.Request, method string) bool {
	return r.Method == method && strings.HasPrefix(r.URL.Path, "/config")
}

// A node of the registry that lags behind answers the mode of before the override. It is restored all the same.
func TestOverrideOnLaggingRegistry(t *testing.T) {
	b, e := newBetween(t)
	body := api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "FULL"}
	e.put(t, "s", body)
	b.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if isConfig(r, http.MethodGet) {
			says(w, http.StatusOK, `{"compatibilityLevel":"FULL"}`)
			return true
		}
		return false
	})
	body.Schema, body.OnIncompatible = required, api.IncompatibleOverride
	e.put(t, "s", body)
	if got := b.ask(t, http.MethodGet, "/config/s", ""); !strings.Contains(got, `"FULL"`) {
		t.Errorf("after the override the registry has %s", got)
	}
	e.nothingNoted(t)
}

// After a crash the mode is restored by a registry that at first answers what was before.
func TestCrashOnLaggingRegistry(t *testing.T) {
	b, e := newBetween(t)
	e.put(t, "s", api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "NONE"})
	lags := 3
	b.answers(func(w http.ResponseWriter, r *http.Request) bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !isConfig(r, http.MethodGet) || lags == 0 {
			return false
		}
		lags--
		says(w, http.StatusOK, `{"compatibilityLevel":"BACKWARD"}`)
		return true
	})
	if err := e.store.PutSchemaOverride(t.Context(), store.SchemaOverride{Connection: conn, Subject: "s", Compatibility: "FULL"}); err != nil {
		t.Fatal(err)
	}
	e.Start(t.Context())
	defer e.Close()
	real.Until(t, "nothing is noted any more", func() bool {
		notes, err := e.store.SchemaOverrides(t.Context())
		return err == nil && len(notes) == 0
	})
	if got := b.ask(t, http.MethodGet, "/config/s", ""); !strings.Contains(got, `"FULL"`) {
		t.Errorf("the registry has %s", got)
	}
}

// A connection through which a mode is to be restored stays.
func TestOverrideKeepsItsConnection(t *testing.T) {
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	schema.New(st, conns, slog.New(slog.DiscardHandler))
	_, err = conns.Put(t.Context(), conn, api.ConnectionWrite{Kind: "schema_registry", Spec: []byte(`{"url":"http://localhost:1"}`), Test: new(false)}, api.WriteOptions{}, "")
	if err != nil {
		t.Fatal(err)
	}
	note := store.SchemaOverride{Connection: conn, Subject: "orders", Compatibility: "FULL"}
	if err := st.PutSchemaOverride(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	_, err = conns.Delete(t.Context(), conn, api.WriteOptions{})
	want(t, err, api.CodeInUse, "/name", "orders")
	if err := st.ForgetSchemaOverride(t.Context(), conn, "orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := conns.Delete(t.Context(), conn, api.WriteOptions{}); err != nil {
		t.Error(err)
	}
}

// A creation whose settings are refused takes back its version, and what others registered meanwhile stays.
func TestUndoOfCreate(t *testing.T) {
	for name, others := range map[string]bool{"alone": false, "others": true} {
		t.Run(name, func(t *testing.T) {
			b, e := newBetween(t)
			b.answers(func(w http.ResponseWriter, r *http.Request) bool {
				if !isConfig(r, http.MethodPut) {
					return false
				}
				if others {
					b.ask(t, http.MethodPost, "/subjects/s/versions", `{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}"}`)
				}
				refuses(w)
				return true
			})
			body := api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "FULL"}
			_, err := e.Put(t.Context(), conn, "s", body, api.WriteOptions{CreateOnly: true}, "first")
			want(t, err, api.CodeInvalid, "/compatibility")
			wanted := `"error_code":40401`
			if others {
				wanted = "[1,2]"
			}
			if got := b.ask(t, http.MethodGet, "/subjects/s/versions", ""); !strings.Contains(got, wanted) {
				t.Errorf("the versions are %s, want %s", got, wanted)
			}
		})
	}
}

// A write that is refused gives back the mode that it took away to write at all.
func TestUndoOfMode(t *testing.T) {
	incompatible := api.SchemaWrite{Format: "AVRO", Schema: required, Mode: "READWRITE", Compatibility: "BACKWARD"}
	refused := api.SchemaWrite{Format: "AVRO", Schema: one, Mode: "READWRITE", Compatibility: "FULL"}
	for name, body := range map[string]api.SchemaWrite{"schema": incompatible, "compatibility": refused} {
		t.Run(name, func(t *testing.T) {
			b, e := newBetween(t)
			e.put(t, "s", api.SchemaWrite{Format: "AVRO", Schema: one, Mode: "READONLY", Compatibility: "BACKWARD"})
			b.answers(func(w http.ResponseWriter, r *http.Request) bool {
				if isConfig(r, http.MethodPut) {
					refuses(w)
					return true
				}
				return false
			})
			if _, err := e.Put(t.Context(), conn, "s", body, api.WriteOptions{}, ""); err == nil {
				t.Fatal("the write is not refused")
			}
			if got := e.get(t, "s"); got.Mode != "READONLY" || got.Compatibility != "BACKWARD" || got.Version != 1 {
				t.Errorf("after the refusal it is %+v", got)
			}
		})
	}
}

func TestUndoOfSettings(t *testing.T) {
	b, e := newBetween(t)
	have, err := e.PutSettings(t.Context(), conn, api.SchemaRegistrySettingsWrite{Mode: "READONLY"}, api.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if isConfig(r, http.MethodPut) || isConfig(r, http.MethodDelete) {
			refuses(w)
			return true
		}
		return false
	})
	_, err = e.PutSettings(t.Context(), conn, api.SchemaRegistrySettingsWrite{Mode: "READWRITE", Compatibility: "FULL"}, api.WriteOptions{})
	want(t, err, api.CodeInvalid, "/compatibility")
	_, err = e.DeleteSettings(t.Context(), conn, api.WriteOptions{})
	want(t, err, api.CodeInvalid, "/compatibility")
	if now, err := e.GetSettings(t.Context(), conn); err != nil || now.Generation != have.Generation {
		t.Errorf("after the refusals they are %+v, %v", now, err)
	}
}

// A delete that waited for another write is held to what it finds then.
func TestDeleteSettingsSeesTheWriteBefore(t *testing.T) {
	b, e := newBetween(t)
	have, err := e.GetSettings(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	// The registry holds the write back until a delete that reads at once has read.
	var delay sync.Once
	read, deleted := make(chan struct{}, 1), make(chan error, 1)
	b.answers(func(_ http.ResponseWriter, r *http.Request) bool {
		switch {
		case isConfig(r, http.MethodPut):
			delay.Do(func() {
				go func() {
					_, err := e.DeleteSettings(t.Context(), conn, api.WriteOptions{Generation: have.Generation})
					deleted <- err
				}()
				for len(read) > 0 {
					<-read
				}
				select {
				case <-read:
				case <-time.After(300 * time.Millisecond):
				}
			})
		case r.URL.Path == "/mode" && r.Method == http.MethodGet:
			select {
			case read <- struct{}{}:
			default:
			}
		}
		return false
	})
	if _, err := e.PutSettings(t.Context(), conn, api.SchemaRegistrySettingsWrite{Compatibility: "FULL"}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, <-deleted, api.CodeConflict, "")
}
