// Package fakeglue is moto's AWS Glue Schema Registry with what moto has not: lists, the check of validity, versions that AWS
// Glue finds to be incompatible, and deletes of versions.
package fakeglue

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
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// Registry is the name of the registry that is there.
const Registry = "payments"

// failedVersion is the id of every version that is not compatible.
const failedVersion = "11111111-2222-3333-4444-555555555555"

// Fake stands before moto.
type Fake struct {
	// URL is the endpoint.
	URL string

	t    testing.TB
	moto string

	mu      sync.Mutex
	schemas []string
	pending bool
	deleted []string
}

// Start starts a fake before moto, with an empty registry, until the test ends.
func Start(tb testing.TB, moto *real.Moto) *Fake {
	tb.Helper()
	f := &Fake{t: tb, moto: moto.URL()}
	server := httptest.NewServer(f)
	tb.Cleanup(server.Close)
	f.URL = server.URL
	if made := f.ask("CreateRegistry", map[string]any{"RegistryName": Registry}); made.status != http.StatusOK {
		tb.Fatalf("make the registry: %s", made.body)
	}
	return f
}

// Spec is that of a connection to it.
func (f *Fake) Spec() string {
	return fmt.Sprintf(`{"region":%q,"registry":%q,"endpoint":%q,"credentials":{"access_key_id":"AKIDEXAMPLE","secret_access_key":"secret"}}`, real.Region, Registry, f.URL)
}

// Refuse has every new version be PENDING, and then FAILURE, or not any more.
func (f *Fake) Refuse(refuse bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending = refuse
}

// Deleted are the versions that were deleted, as they were named.
func (f *Fake) Deleted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.deleted...)
}

type answer struct {
	status int
	body   []byte
}

// ServeHTTP answers what AWS's clients ask.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		f.t.Error(err)
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer := f.judge(action, in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body)
}

func (f *Fake) judge(action string, in map[string]any) answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case action == "CheckSchemaVersionValidity":
		return ok(map[string]any{"Valid": !strings.Contains(fmt.Sprint(in["SchemaDefinition"]), "Unreadable"), "Error": "unreadable"})
	case action == "ListSchemas":
		list := []map[string]any{}
		for _, name := range f.schemas {
			if f.ask("GetSchema", map[string]any{"SchemaId": map[string]any{"RegistryName": Registry, "SchemaName": name}}).status == http.StatusOK {
				list = append(list, map[string]any{"SchemaName": name, "SchemaStatus": "AVAILABLE"})
			}
		}
		return ok(map[string]any{"Schemas": list})
	case action == "ListSchemaVersions":
		found := f.ask("GetSchema", map[string]any{"SchemaId": in["SchemaId"]})
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
		return answer{http.StatusBadRequest, raw}
	case action == "DeleteSchemaVersions":
		f.deleted = append(f.deleted, fmt.Sprint(in["Versions"]))
		return ok(map[string]any{})
	case action == "RegisterSchemaVersion" && f.pending:
		return ok(map[string]any{"SchemaVersionId": failedVersion, "VersionNumber": 7, "Status": "PENDING"})
	case action == "GetSchemaVersion" && in["SchemaVersionId"] == failedVersion:
		return ok(map[string]any{"SchemaVersionId": failedVersion, "VersionNumber": 7, "Status": "FAILURE"})
	case action == "CreateSchema":
		f.schemas = append(f.schemas, fmt.Sprint(in["SchemaName"]))
	}
	return f.ask(action, in)
}

func ok(body any) answer {
	raw, _ := json.Marshal(body)
	return answer{http.StatusOK, raw}
}

// ask asks moto.
func (f *Fake) ask(action string, in any) answer {
	raw, _ := json.Marshal(in)
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.moto, bytes.NewReader(raw))
	if err != nil {
		f.t.Error(err)
		return answer{status: http.StatusInternalServerError}
	}
	req.Header.Set("X-Amz-Target", "AWSGlue."+action)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/"+real.Region+"/glue/aws4_request, SignedHeaders=host, Signature=00")
	req.Close = true
	client := &http.Client{Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		if f.t.Context().Err() == nil { // a daemon may ask while the test ends
			f.t.Error(err)
		}
		return answer{status: http.StatusInternalServerError}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil && f.t.Context().Err() == nil {
		f.t.Error(err)
	}
	return answer{resp.StatusCode, body}
}
