package schema_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// apicurioGroup is a group of its own in Apicurio Registry, by its own API.
func apicurioGroup(t *testing.T) *env {
	t.Helper()
	return newEnvOf(t, "apicurio", fmt.Sprintf(`{"url":%q,"group_id":%q}`, apicurioURL(t), real.Name(t)))
}

func apicurioURL(t *testing.T) string {
	t.Helper()
	return real.Shared(t).Apicurio.URL() + "/apis/registry/v3"
}

// Whether artifacts may be deleted is a setting of the registry, which is off when it starts.
func allowDeletion(t *testing.T, allowed bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, apicurioURL(t)+"/admin/config/properties/apicurio.rest.deletion.artifact.enabled",
		strings.NewReader(fmt.Sprintf(`{"value":"%t"}`, allowed)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("allow deletion: %s", resp.Status)
	}
}

func TestRealApicurioSchemas(t *testing.T) {
	e := apicurioGroup(t)
	allowDeletion(t, true)
	// An older version can become the latest again here.
	for name, test := range without("older") {
		t.Run(name, func(t *testing.T) { test(e.in(t)) })
	}
	t.Run("again", func(t *testing.T) { testAgain(e.in(t)) })
	t.Run("formats", func(t *testing.T) { testFormats(t, e.in(t)) })
	t.Run("deletion", func(t *testing.T) { testDeletionOff(e.in(t)) })
}

func testAgain(e *env) {
	t := e.t
	subject := real.Name(t)
	body := api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "NONE"}
	first := e.put(t, subject, body)
	body.Schema = defaulted
	e.put(t, subject, body)
	body.Schema = one
	if again := e.put(t, subject, body); again.Version != 3 || again.ID != first.ID || again.Fingerprint != first.Fingerprint {
		t.Errorf("the first version again made %+v", again)
	}
}

func testDeletionOff(e *env) {
	t := e.t
	subject := real.Name(t)
	e.put(t, subject, avroOf(one))
	allowDeletion(t, false)
	for _, dryRun := range []bool{true, false} {
		_, err := e.Delete(t.Context(), conn, subject, true, api.WriteOptions{DryRun: dryRun})
		want(t, err, api.CodeRefused, "/hard", "apicurio.rest.deletion.artifact.enabled=false", "soft delete is possible")
	}
	if _, err := e.Delete(t.Context(), conn, subject, false, api.WriteOptions{}); err != nil {
		t.Error(err)
	}
}

func TestRealApicurioModesAndSettings(t *testing.T) {
	e := apicurioGroup(t)
	_, err := e.plan(t, "s", api.SchemaWrite{Format: "AVRO", Schema: one, Mode: "READONLY"})
	want(t, err, api.CodeInvalid, "/mode", "no modes")
	_, err = e.plan(t, "s", api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "DISABLED"})
	want(t, err, api.CodeInvalid, "/compatibility", "Glue")
	have, err := e.GetSettings(t.Context(), conn)
	if err != nil || have.Compatibility != "NONE" || have.Mode != "" {
		t.Errorf("the settings are %+v, %v", have, err)
	}
	changed, err := e.PutSettings(t.Context(), conn, api.SchemaRegistrySettingsWrite{Compatibility: "NONE"}, api.WriteOptions{Generation: have.Generation})
	if err != nil || changed.Generation != have.Generation {
		t.Errorf("changed to %+v, %v", changed, err)
	}
	if _, err := e.DeleteSettings(t.Context(), conn, api.WriteOptions{}); err != nil {
		t.Error(err)
	}
}

// What is of another kind than schemas, or is named by no number, is said to be so, and is not absent.
func TestRealApicurioArtifactsOfOthers(t *testing.T) {
	group := real.Name(t)
	e := newEnvOf(t, "apicurio", fmt.Sprintf(`{"url":%q,"group_id":%q}`, apicurioURL(t), group))
	for _, body := range []string{
		`{"artifactId":"xml","artifactType":"XSD","firstVersion":{"content":{"content":"<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"/>","contentType":"application/xml"}}}`,
		`{"artifactId":"named","artifactType":"JSON","firstVersion":{"version":"1.0.0","content":{"content":"{}","contentType":"application/json"}}}`,
	} {
		resp, err := http.Post(apicurioURL(t)+"/groups/"+group+"/artifacts", "application/json", bytes.NewBufferString(body))
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", resp, err)
		}
		_ = resp.Body.Close()
	}
	_, err := e.Get(t.Context(), conn, "xml")
	want(t, err, api.CodeConnection, "/connection", "of type XSD")
	_, err = e.Get(t.Context(), conn, "named")
	want(t, err, api.CodeConnection, "/connection", `"1.0.0"`)
	e.put(t, "mine", avroOf(one))
	if found, err := e.List(t.Context(), conn, "mi", "", 10); err != nil || len(found) != 1 {
		t.Errorf("listed %+v, %v", found, err)
	}
}

// Only the registry's own word makes an artifact absent.
func TestApicurioNoAnswerIsNotAbsence(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"404 of something else": http.NotFound,
		"text":                  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		"401":                   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			e := newEnvOf(t, "apicurio", fmt.Sprintf(`{"url":%q}`, server.URL))
			_, err := e.Get(t.Context(), conn, "s")
			want(t, err, api.CodeConnection, "/connection", `"s"`)
			_, err = e.Delete(t.Context(), conn, "s", false, api.WriteOptions{})
			want(t, err, api.CodeConnection, "/connection")
		})
	}
}
