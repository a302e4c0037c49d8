package schema_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/registry"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// inheriting is our own registry made to answer settings as Apicurio's compatible API does: what holds for a subject, whether
// it is its own or not; a mode of what is not there; and to taking NONE back, that it was done.
type inheriting struct{ registry http.Handler }

func (i inheriting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, subject, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	switch {
	case kind == "mode" && r.Method == http.MethodGet:
		says(w, http.StatusOK, `{"mode":"READWRITE"}`)
	case kind == "config" && subject != "" && i.ask("/subjects/"+subject+"/versions").Code == http.StatusNotFound:
		says(w, http.StatusNotFound, `{"message":"no such subject","error_code":40401}`)
	case kind == "config" && subject != "" && r.Method == http.MethodGet && i.ask(r.URL.EscapedPath()).Code == http.StatusNotFound:
		says(w, http.StatusOK, i.ask("/config").Body.String())
	case kind == "config" && subject != "" && r.Method == http.MethodDelete && strings.Contains(i.ask(r.URL.EscapedPath()).Body.String(), "NONE"):
		says(w, http.StatusOK, `{"compatibilityLevel":"NONE"}`)
	default:
		i.registry.ServeHTTP(w, r)
	}
}

func (i inheriting) ask(path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	i.registry.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return answer
}

func newInheriting(t *testing.T) inheriting {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return inheriting{registry.New(st, slog.New(slog.DiscardHandler)).Handler()}
}

// elsewhere serves a registry below a path that tells nothing of it, and nothing else.
func elsewhere(t *testing.T, registry http.Handler) *env {
	t.Helper()
	const path = "/some/where"
	server := httptest.NewServer(http.StripPrefix(path, registry))
	t.Cleanup(server.Close)
	return newEnv(t, server.URL+path)
}

// rewriting is a proxy that has the compatible API of the real Apicurio at its root, and not the own one beside it.
func rewriting(t *testing.T) http.Handler {
	t.Helper()
	to, err := url.Parse(real.Shared(t).Apicurio.CompatURL())
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: transport}
}

func TestSchemasWhereModesAreInherited(t *testing.T) {
	e := elsewhere(t, newInheriting(t))
	for name, test := range tests() {
		t.Run(name, func(t *testing.T) { test(e.in(t)) })
	}
}

func TestRealSchemasBehindAProxy(t *testing.T) {
	e := elsewhere(t, rewriting(t))
	for name, test := range tests() {
		t.Run(name, func(t *testing.T) { test(e.in(t)) })
	}
	t.Run("inherited", func(t *testing.T) { testInherited(e.in(t)) })
}

func TestInherited(t *testing.T) {
	e := elsewhere(t, newInheriting(t))
	testInherited(e)
}

// A compatibility that is the registry's plans the same whether it is declared or not; one that is not is the subject's own,
// and is taken back when it is no longer declared. There is no mode.
func testInherited(e *env) {
	t := e.t
	global, err := e.GetSettings(t.Context(), conn)
	if err != nil || global.Mode != "" {
		t.Fatalf("the settings are %+v, %v", global, err)
	}
	subject := real.Name(t)
	body := avroOf(one)
	for _, declared := range []string{"", global.Compatibility, "FORWARD_TRANSITIVE", "", "NONE", "", "FULL", global.Compatibility, ""} {
		body.Compatibility = declared
		planned, err := e.plan(t, subject, body)
		if err != nil {
			t.Fatal(err)
		}
		put := e.put(t, subject, body)
		read := e.get(t, subject)
		want := declared
		if want == "" {
			want = global.Compatibility
		}
		if read.Compatibility != want || read.CompatibilityImplied != (want == global.Compatibility) || read.Mode != "" {
			t.Errorf("declared %q it reads %+v", declared, read)
		}
		if planned.Compatibility != want || put.Generation != read.Generation {
			t.Errorf("declared %q: planned %+v, put %+v, read %+v", declared, planned, put, read)
		}
	}
	body.Mode = "READONLY"
	_, err = e.plan(t, subject, body)
	want(t, err, api.CodeInvalid, "/mode", "no modes")
}

// Where one may not ask, nothing is concluded for good.
func TestRegistryToldLater(t *testing.T) {
	inner := newInheriting(t)
	var allowed atomic.Bool
	e := elsewhere(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowed.Load() && strings.HasPrefix(r.URL.Path, "/mode/") {
			says(w, http.StatusForbidden, `{"message":"not yet","error_code":403}`)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	made := e.put(t, "s", avroOf(one))
	allowed.Store(true)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		read := e.get(t, "s")
		if read.CompatibilityImplied && read.Mode == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("made %+v, read %+v", made, read)
		}
	}
}

// A proxy may let the path of Apicurio's compatible API through and answer by itself where its own would be: nothing can be
// concluded from that about a subject.
func TestOwnAPIHidden(t *testing.T) {
	for name, own := range map[string]http.HandlerFunc{
		"absent": http.NotFound,
		"a page": func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>Welcome</html>") },
	} {
		t.Run(name, func(t *testing.T) {
			const path = "/apis/ccompat/v7"
			mux := http.NewServeMux()
			mux.Handle(path+"/", http.StripPrefix(path, newInheriting(t)))
			mux.Handle("/apis/registry/", own)
			server := httptest.NewServer(mux)
			t.Cleanup(server.Close)
			e := newEnv(t, server.URL+path)
			e.put(t, "s", api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "FULL"})
			if read := e.get(t, "s"); read.Compatibility != "FULL" || read.CompatibilityImplied {
				t.Errorf("read %+v", read)
			}
		})
	}
}
