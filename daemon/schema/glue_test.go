package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// glue is moto with what it has not: lists, the check of validity, and versions that AWS Glue finds to be incompatible.
type glue struct {
	t     *testing.T
	moto  string
	proxy *httptest.Server

	mu      sync.Mutex
	schemas []string
	pending bool     // whether the next version is PENDING, and then FAILURE
	deleted []string // versions
}

const failedVersion = "11111111-2222-3333-4444-555555555555"

func newGlue(t *testing.T) (*glue, *env) {
	t.Helper()
	g := &glue{t: t, moto: real.DedicatedMoto(t).URL()}
	g.proxy = httptest.NewServer(g)
	t.Cleanup(g.proxy.Close)
	if answer := g.ask("CreateRegistry", map[string]any{"RegistryName": "payments"}); answer.status != http.StatusOK {
		t.Fatalf("make the registry: %s", answer.body)
	}
	return g, newEnvOf(t, "glue", fmt.Sprintf(
		`{"region":%q,"registry":"payments","endpoint":%q,"credentials":{"access_key_id":"AKIDEXAMPLE","secret_access_key":"secret"}}`, real.Region, g.proxy.URL))
}

type glueAnswer struct {
	status int
	body   []byte
}

func (g *glue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Error(err)
	}
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		g.t.Error(err)
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer := g.answer(action, in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body)
}

func (g *glue) answer(action string, in map[string]any) glueAnswer {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case action == "CheckSchemaVersionValidity":
		return ok(map[string]any{"Valid": !strings.Contains(fmt.Sprint(in["SchemaDefinition"]), "Unreadable"), "Error": "unreadable"})
	case action == "ListSchemas":
		list := []map[string]any{}
		for _, name := range g.schemas {
			if g.ask("GetSchema", map[string]any{"SchemaId": map[string]any{"RegistryName": "payments", "SchemaName": name}}).status == http.StatusOK {
				list = append(list, map[string]any{"SchemaName": name, "SchemaStatus": "AVAILABLE"})
			}
		}
		return ok(map[string]any{"Schemas": list})
	case action == "ListSchemaVersions":
		found := g.ask("GetSchema", map[string]any{"SchemaId": in["SchemaId"]})
		var schema struct{ LatestSchemaVersion int }
		if found.status != http.StatusOK || json.Unmarshal(found.body, &schema) != nil {
			return found
		}
		var list []map[string]any
		for n := range schema.LatestSchemaVersion {
			list = append(list, map[string]any{"VersionNumber": n + 1, "Status": "AVAILABLE"})
		}
		return ok(map[string]any{"Schemas": append(list, map[string]any{"VersionNumber": 99, "Status": "FAILURE"})})
	case action == "UpdateSchema" && in["Compatibility"] != nil && in["SchemaVersionNumber"] == nil:
		raw, _ := json.Marshal(map[string]any{"__type": "InvalidInputException", "Message": "with Compatibility, SchemaVersionNumber is required"})
		return glueAnswer{http.StatusBadRequest, raw}
	case action == "DeleteSchemaVersions":
		g.deleted = append(g.deleted, fmt.Sprint(in["Versions"]))
		return ok(map[string]any{})
	case action == "RegisterSchemaVersion" && g.pending:
		return ok(map[string]any{"SchemaVersionId": failedVersion, "VersionNumber": 7, "Status": "PENDING"})
	case action == "GetSchemaVersion" && in["SchemaVersionId"] == failedVersion:
		return ok(map[string]any{"SchemaVersionId": failedVersion, "VersionNumber": 7, "Status": "FAILURE"})
	case action == "CreateSchema":
		g.schemas = append(g.schemas, fmt.Sprint(in["SchemaName"]))
	}
	return g.ask(action, in)
}

func ok(body any) glueAnswer {
	raw, _ := json.Marshal(body)
	return glueAnswer{http.StatusOK, raw}
}

// ask asks moto.
func (g *glue) ask(action string, in any) glueAnswer {
	raw, _ := json.Marshal(in)
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.moto, bytes.NewReader(raw))
	if err != nil {
		g.t.Error(err)
		return glueAnswer{status: http.StatusInternalServerError}
	}
	req.Header.Set("X-Amz-Target", "AWSGlue."+action)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/"+real.Region+"/glue/aws4_request, SignedHeaders=host, Signature=00")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Error(err)
		return glueAnswer{status: http.StatusInternalServerError}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Error(err)
	}
	return glueAnswer{resp.StatusCode, body}
}

func TestRealGlue(t *testing.T) {
	g, e := newGlue(t)
	// Glue knows neither references nor soft deletes.
	for name, test := range without("references", "follow", "unknowns", "soft", "hard") {
		t.Run(name, func(t *testing.T) { test(e.in(t)) })
	}
	t.Run("formats", func(t *testing.T) { testFormats(t, e.in(t)) })
	t.Run("what it has not", func(t *testing.T) { testGlueHasNot(e.in(t)) })
	t.Run("refuses in the end", func(t *testing.T) { testGlueFailure(e.in(t), g) })
	t.Run("disabled", func(t *testing.T) { testGlueDisabled(e.in(t)) })
	t.Run("deletes for good", func(t *testing.T) { testGlueDelete(e.in(t)) })
}

func testGlueHasNot(e *env) {
	t := e.t
	_, err := e.plan(t, "s", api.SchemaWrite{Format: "AVRO", Schema: one, Mode: "READONLY"})
	want(t, err, api.CodeInvalid, "/mode", "no modes")
	_, err = e.plan(t, "s", api.SchemaWrite{Format: "AVRO", Schema: one, References: []api.SchemaReference{{Name: "n", Subject: "s", Version: 1}}})
	want(t, err, api.CodeInvalid, "/references", "no references")
	_, err = e.plan(t, "s", avroOf(`{"type":"record","name":"Unreadable","fields":[]}`))
	want(t, err, api.CodeInvalid, "/schema", "unreadable")
	_, err = e.GetSettings(t.Context(), conn)
	want(t, err, api.CodeInvalid, "/connection", "headgate_schema")
}

// Glue says only after it took a version that it is not compatible. The version is taken away then.
func testGlueFailure(e *env, g *glue) {
	t := e.t
	subject := real.Name(t)
	e.put(t, subject, api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "BACKWARD"})
	g.mu.Lock()
	g.pending = true
	g.mu.Unlock()
	_, err := e.Put(t.Context(), conn, subject, avroOf(defaulted), api.WriteOptions{}, "")
	want(t, err, api.CodeIncompatible, "/schema", "not BACKWARD compatible")
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending = false
	if len(g.deleted) != 1 || g.deleted[0] != "7" {
		t.Errorf("deleted the versions %q", g.deleted)
	}
}

func testGlueDisabled(e *env) {
	t := e.t
	subject := real.Name(t)
	body := api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "DISABLED"}
	if made := e.put(t, subject, body); made.Compatibility != "DISABLED" {
		t.Errorf("made %+v", made)
	}
	body.Schema = defaulted
	e.refused(t, subject, body, api.CodeIncompatible, "/schema", "takes no new version")
}

func testGlueDelete(e *env) {
	t := e.t
	subject := real.Name(t)
	e.put(t, subject, avroOf(one))
	_, err := e.Delete(t.Context(), conn, subject, false, api.WriteOptions{DryRun: true})
	want(t, err, api.CodeProtected, "/hard", "hard_delete = true")
	deleted, err := e.Delete(t.Context(), conn, subject, true, api.WriteOptions{})
	if err != nil || !strings.Contains(deleted.Effects[0].Detail, "for good") {
		t.Errorf("deleted %+v, %v", deleted, err)
	}
	_, err = e.Get(t.Context(), conn, subject)
	want(t, err, api.CodeNotFound, "", subject, "headgate_schemas")
	if again := e.put(t, subject, avroOf(one)); again.Version != 1 {
		t.Errorf("made anew it is %+v", again)
	}
}
