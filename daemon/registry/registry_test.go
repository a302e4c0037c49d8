package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"pgregory.net/rapid"

	"github.com/headgate/terraform-provider-headgate/daemon/registry"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
)

const (
	orderV1  = `{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}`
	orderV2  = `{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"note","type":"string","default":""}]}`
	orderV3  = `{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"note","type":"string"}]}`
	orderBad = `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"who","type":"string"}]}`
	address  = `{"type":"record","name":"shop.Address","fields":[{"name":"city","type":"string"}]}`
	customer = `{"type":"record","name":"shop.Customer","fields":[{"name":"home","type":"Address"}]}`
)

// client is the independent client, with a way to ask what it cannot.
type client struct {
	*sr.Client
	url string
}

func start(t *testing.T, st registry.Store) client {
	t.Helper()
	server := httptest.NewServer(http.StripPrefix("/registry", registry.New(st, slog.New(slog.DiscardHandler)).Handler()))
	t.Cleanup(server.Close)
	cl, err := sr.NewClient(sr.URLs(server.URL + "/registry"))
	if err != nil {
		t.Fatal(err)
	}
	return client{Client: cl, url: server.URL + "/registry"}
}

func memory(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return st
}

func (c client) register(t *testing.T, subject, text string, refs ...sr.SchemaReference) sr.SubjectSchema {
	t.Helper()
	s, err := c.CreateSchema(t.Context(), subject, sr.Schema{Schema: text, References: refs})
	if err != nil {
		t.Fatalf("register in %s: %v", subject, err)
	}
	return s
}

// raw answers the status, the content type and the body of a request.
func (c client) raw(t *testing.T, method, path, body string) (status int, contentType, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(text)
}

func wantCode(t *testing.T, err error, code int) {
	t.Helper()
	_ = refused(t, err, code)
}

// refused answers what the registry said when it refused with the code.
func refused(t *testing.T, err error, code int) *sr.ResponseError {
	t.Helper()
	var response *sr.ResponseError
	if !errors.As(err, &response) {
		t.Fatalf("got error %v, want code %d", err, code)
	}
	if response.ErrorCode != code {
		t.Fatalf("got code %d (%s), want %d", response.ErrorCode, response.Message, code)
	}
	return response
}

func body(t *testing.T, s sr.Schema) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRegisterAndRead(t *testing.T) {
	c := start(t, memory(t))
	first := c.register(t, "orders/v-value", orderV1)
	second := c.register(t, "orders/v-value", orderV2)
	if first.ID != 1 || first.Version != 1 || second.ID != 2 || second.Version != 2 {
		t.Errorf("got id %d version %d, then id %d version %d", first.ID, first.Version, second.ID, second.Version)
	}
	spaced := strings.ReplaceAll(orderV1, ",", " ,\n ")
	if again := c.register(t, "orders/v-value", spaced); again.ID != 1 || again.Version != 1 {
		t.Errorf("the same schema, differently written, got id %d version %d", again.ID, again.Version)
	}
	if other := c.register(t, "copy-value", orderV1); other.ID != 1 || other.Version != 1 || other.Schema.Schema != orderV1 {
		t.Errorf("the same schema in another subject: %+v", other)
	}
	found, err := c.LookupSchema(t.Context(), "orders/v-value", sr.Schema{Schema: spaced})
	if err != nil || found.ID != 1 || found.Version != 1 {
		t.Errorf("look up: %+v, %v", found, err)
	}
	latest, err := c.SchemaByVersion(t.Context(), "orders/v-value", -1)
	if err != nil || latest.Version != 2 || latest.Schema.Schema != orderV2 || latest.Type != sr.TypeAvro {
		t.Errorf("latest: %+v, %v", latest, err)
	}
	byID, err := c.SchemaByID(t.Context(), 2)
	if err != nil || byID.Schema != orderV2 {
		t.Errorf("by id: %+v, %v", byID, err)
	}
	if text, err := c.SchemaTextByID(t.Context(), 2); err != nil || text != orderV2 {
		t.Errorf("text by id: %q, %v", text, err)
	}
	if text, err := c.SchemaTextByVersion(t.Context(), "orders/v-value", 1); err != nil || text != orderV1 {
		t.Errorf("text by version: %q, %v", text, err)
	}
	subjects, err := c.Subjects(t.Context())
	if want := []string{"copy-value", "orders/v-value"}; err != nil || !slices.Equal(subjects, want) {
		t.Errorf("subjects: %q, %v", subjects, err)
	}
	if _, _, answer := c.raw(t, http.MethodGet, "/subjects?subjectPrefix=ord", ""); answer != `["orders/v-value"]` {
		t.Errorf("subjects by prefix: %s", answer)
	}
	if _, _, answer := c.raw(t, http.MethodGet, "/subjects?offset=1&limit=5", ""); answer != `["orders/v-value"]` {
		t.Errorf("second page of subjects: %s", answer)
	}
	uses, err := c.SubjectsByID(t.Context(), 1)
	if want := []string{"copy-value", "orders/v-value"}; err != nil || !slices.Equal(uses, want) {
		t.Errorf("subjects of id 1: %q, %v", uses, err)
	}
	all, err := c.AllSchemas(t.Context())
	if err != nil || len(all) != 3 {
		t.Errorf("all schemas: %+v, %v", all, err)
	}
	if _, _, answer := c.raw(t, http.MethodGet, "/schemas?latestOnly=true&subjectPrefix=orders", ""); !strings.Contains(answer, `"version":2`) || strings.Contains(answer, `"version":1`) {
		t.Errorf("latest schemas only: %s", answer)
	}
	types, err := c.SupportedTypes(t.Context())
	if err != nil || !slices.Equal(types, []sr.SchemaType{sr.TypeAvro, sr.TypeProtobuf, sr.TypeJSON}) {
		t.Errorf("types: %v, %v", types, err)
	}
	if _, kind, _ := c.raw(t, http.MethodGet, "/subjects", ""); kind != "application/vnd.schemaregistry.v1+json" {
		t.Errorf("content type %q", kind)
	}
}

func TestRefusals(t *testing.T) {
	c := start(t, memory(t))
	c.register(t, "s", orderV1)
	tests := []struct {
		name, method, path, body string
		status, code             int
		says                     string
	}{
		{"no such subject", "GET", "/subjects/none/versions", "", 404, 40401, `"none"`},
		{"no such subject's version", "GET", "/subjects/none/versions/1", "", 404, 40401, `"none"`},
		{"no such version", "GET", "/subjects/s/versions/2", "", 404, 40402, "Version 2"},
		{"no such id", "GET", "/schemas/ids/9", "", 404, 40403, "Schema 9"},
		{"no such id's versions", "GET", "/schemas/ids/9/versions", "", 404, 40403, "Schema 9"},
		{"look up in no subject", "POST", "/subjects/none", body(t, sr.Schema{Schema: orderV1}), 404, 40401, `"none"`},
		{"look up another schema", "POST", "/subjects/s", body(t, sr.Schema{Schema: orderV2}), 404, 40403, "not found"},
		{"version 0", "GET", "/subjects/s/versions/0", "", 422, 42202, `"0"`},
		{"version of words", "GET", "/subjects/s/versions/first", "", 422, 42202, "latest"},
		{"version too large", "GET", "/subjects/s/versions/2147483648", "", 422, 42202, "2147483647"},
		{"unknown format", "POST", "/subjects/s/versions", `{"schema":"x","schemaType":"XML"}`, 422, 42201, `"XML" is none of JSON, PROTOBUF, AVRO`},
		{"another format", "POST", "/subjects/s/versions", body(t, sr.Schema{Schema: `{}`, Type: sr.TypeJSON}), 409, 409, "is of format JSON where version 1 is of format AVRO"},
		{"broken JSON Schema", "POST", "/subjects/j/versions", body(t, sr.Schema{Schema: `{"type":"strin"}`, Type: sr.TypeJSON}), 422, 42201, "/type: "},
		{"broken Protobuf", "POST", "/compatibility/subjects/s/versions", body(t, sr.Schema{Schema: `x`, Type: sr.TypeProtobuf}), 422, 42201, "line 1, column 1: not valid Protobuf"},
		{"broken descriptor", "POST", "/subjects/p/versions", body(t, sr.Schema{Schema: `AAAA`, Type: sr.TypeProtobuf}), 422, 42201, "not valid Protobuf"},
		{"import of nothing", "POST", "/subjects/p/versions", body(t, sr.Schema{Schema: `syntax = "proto3"; import "a.proto";`, Type: sr.TypeProtobuf}), 422, 42201, `import "a.proto" is not among the references`},
		{"$ref to nothing", "POST", "/subjects/j/versions", body(t, sr.Schema{Schema: `{"$ref":"a.json"}`, Type: sr.TypeJSON}), 422, 42201, "a.json"},
		{"reference of another format", "POST", "/subjects/j/versions", body(t, sr.Schema{Schema: `{"$ref":"a.json"}`, Type: sr.TypeJSON, References: []sr.SchemaReference{{Name: "a.json", Subject: "s", Version: 1}}}), 422, 42201, "is of format AVRO, and not JSON"},
		{"too many references", "POST", "/subjects/j/versions", body(t, sr.Schema{Schema: `{}`, Type: sr.TypeJSON, References: slices.Repeat([]sr.SchemaReference{{Name: "a", Subject: "s", Version: 1}}, 1001)}), 422, 42201, "may have 1000"},
		{"metadata of another shape", "POST", "/subjects/s/versions", `{"schema":"\"string\"","metadata":{"properties":{"a":1}}}`, 422, 42201, "metadata"},
		{"rule set of another shape", "POST", "/subjects/s/versions", `{"schema":"\"string\"","ruleSet":[]}`, 422, 42201, "ruleSet"},
		{"half a context", "POST", "/subjects/:.c/versions", body(t, sr.Schema{Schema: orderV1}), 422, 42208, "second colon"},
		{"context without a subject", "POST", "/subjects/:.c:/versions", body(t, sr.Schema{Schema: orderV1}), 422, 42208, "without a subject"},
		{"all contexts", "POST", "/subjects/:*:s/versions", body(t, sr.Schema{Schema: orderV1}), 422, 42208, "only for lists"},
		{"alias", "PUT", "/config/s", `{"compatibility":"FULL","alias":"t"}`, 422, 42205, "alias"},
		{"compatibility group", "PUT", "/config/s", `{"compatibilityGroup":"t"}`, 422, 42205, "compatibilityGroup"},
		{"default rules", "PUT", "/config", `{"defaultRuleSet":{"domainRules":[]}}`, 422, 42205, "defaultRuleSet"},
		{"no config given", "PUT", "/config/s", `{}`, 422, 42203, "FULL"},
		{"override of a subject", "PUT", "/mode/s", `{"mode":"READONLY_OVERRIDE"}`, 422, 42205, "a subject's is READONLY"},
		{"no such guid", "GET", "/schemas/guids/00000000-0000-0000-0000-000000000000", "", 404, 40403, "not found"},
		{"no guid", "GET", "/schemas/guids/x", "", 404, 404, "GUID"},
		{"no such metadata", "GET", "/subjects/s/metadata?key=a&value=b", "", 404, 40403, "not found"},
		{"metadata without value", "GET", "/subjects/s/metadata?key=a", "", 400, 400, "needs a value"},
		{"broken schema", "POST", "/subjects/s/versions", body(t, sr.Schema{Schema: `{"type":"record"`}), 422, 42201, "line 1, column"},
		{"unknown type", "POST", "/subjects/s/versions", body(t, sr.Schema{Schema: `{"type":"array","items":"Nope"}`}), 422, 42201, "/items: unknown type"},
		{"no schema", "POST", "/subjects/s/versions", `{}`, 422, 42201, "empty"},
		{"reference to nothing", "POST", "/subjects/s/versions", body(t, sr.Schema{Schema: orderV1, References: []sr.SchemaReference{{Name: "a", Subject: "none", Version: 3}}}), 422, 42201, `version 3 of subject "none"`},
		{"reference without version", "POST", "/subjects/s/versions", body(t, sr.Schema{Schema: orderV1, References: []sr.SchemaReference{{Name: "a", Subject: "s"}}}), 422, 42201, "a version from 1"},
		{"malformed body", "POST", "/subjects/s/versions", `{"schema":`, 400, 400, "not what this path takes"},
		{"large body", "POST", "/subjects/s/versions", `{"schema":"` + strings.Repeat("x", 3<<20) + `"}`, 413, 413, "larger than"},
		{"reserved subject", "POST", "/subjects/__GLOBAL/versions", body(t, sr.Schema{Schema: orderV1}), 422, 42208, "reserved"},
		{"control character in subject", "POST", "/subjects/a%0Ab/versions", body(t, sr.Schema{Schema: orderV1}), 422, 42208, "control"},
		{"long subject", "POST", "/subjects/" + strings.Repeat("s", 2000) + "/versions", body(t, sr.Schema{Schema: orderV1}), 422, 42208, "longer"},
		{"bad compatibility", "PUT", "/config/s", `{"compatibility":"SIDEWAYS"}`, 422, 42203, "FULL_TRANSITIVE"},
		{"no config", "GET", "/config/s", "", 404, 40408, "no compatibility of its own"},
		{"no config to delete", "DELETE", "/config/s", "", 404, 40408, "no compatibility of its own"},
		{"bad mode", "PUT", "/mode", `{"mode":"WRITEONLY"}`, 422, 42204, "READONLY"},
		{"no mode", "GET", "/mode/s", "", 404, 40409, "no mode of its own"},
		{"no mode to delete", "DELETE", "/mode/s", "", 404, 40409, "no mode of its own"},
		{"import with schemas", "PUT", "/mode/s", `{"mode":"IMPORT"}`, 422, 42205, "force=true"},
		{"import with schemas anywhere", "PUT", "/mode", `{"mode":"IMPORT"}`, 422, 42205, "force=true"},
		{"limit of words", "GET", "/subjects?limit=few", "", 400, 400, "must be a number"},
		{"id of words", "GET", "/schemas/ids/first", "", 404, 404, "not a number"},
		{"id outside import", "POST", "/subjects/s/versions", `{"schema":"\"string\"","id":7}`, 422, 42205, "IMPORT"},
		{"compatibility with no such version", "POST", "/compatibility/subjects/s/versions/4", body(t, sr.Schema{Schema: orderV1}), 404, 40402, "Version 4"},
		{"no such path", "GET", "/nope", "", 404, 404, "/nope"},
		{"no such method", "PATCH", "/subjects", "", 405, 405, "PATCH"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, kind, answer := c.raw(t, tt.method, tt.path, tt.body)
			var said registry.Error
			if err := json.Unmarshal([]byte(answer), &said); err != nil {
				t.Fatalf("answer %s: %v", answer, err)
			}
			if status != tt.status || said.Code != tt.code || !strings.Contains(said.Message, tt.says) {
				t.Errorf("got %d %+v, want %d, code %d, %q", status, said, tt.status, tt.code, tt.says)
			}
			if kind != "application/vnd.schemaregistry.v1+json" {
				t.Errorf("content type %q", kind)
			}
		})
	}
	if versions, err := c.SubjectVersions(t.Context(), "s"); err != nil || !slices.Equal(versions, []int{1}) {
		t.Errorf("what was refused left versions %v, %v", versions, err)
	}
}

// Each mode against a history in which version 2 may follow 1, and the candidate differs from each of them in its own way.
func TestCompatibilityModes(t *testing.T) {
	const (
		base     = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`
		optional = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":0}]}`
		required = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}`
		empty    = `{"type":"record","name":"R","fields":[]}`
		other    = `{"type":"record","name":"R","fields":[{"name":"a","type":"boolean"}]}`
	)
	history := []string{base, optional}
	tests := []struct {
		candidate string
		allowed   string // by which modes
	}{
		// Reads and is read by both.
		{optional[:len(optional)-2] + `,{"name":"c","type":"int","default":0}]}`, "NONE BACKWARD BACKWARD_TRANSITIVE FORWARD FORWARD_TRANSITIVE FULL FULL_TRANSITIVE"},
		// Reads version 2 but not 1, which has no b; both read it.
		{required, "NONE BACKWARD FORWARD FORWARD_TRANSITIVE FULL"},
		// Reads both; neither reads it, for want of a.
		{empty, "NONE BACKWARD BACKWARD_TRANSITIVE"},
		// Both read it; it reads neither, for want of c.
		{optional[:len(optional)-2] + `,{"name":"c","type":"int"}]}`, "NONE FORWARD FORWARD_TRANSITIVE"},
		{other, "NONE"},
	}
	for _, tt := range tests {
		for _, level := range []sr.CompatibilityLevel{sr.CompatNone, sr.CompatBackward, sr.CompatBackwardTransitive, sr.CompatForward, sr.CompatForwardTransitive, sr.CompatFull, sr.CompatFullTransitive} {
			t.Run(fmt.Sprintf("%s %s", level, tt.candidate), func(t *testing.T) {
				c := start(t, memory(t))
				for _, text := range history {
					c.register(t, "s", text)
				}
				if got := c.SetCompatibility(t.Context(), sr.SetCompatibility{Level: level}, "s"); got[0].Err != nil {
					t.Fatal(got[0].Err)
				}
				want := slices.Contains(strings.Fields(tt.allowed), level.String())
				checked, err := c.CheckCompatibility(sr.WithParams(t.Context(), sr.Verbose), "s", -2, sr.Schema{Schema: tt.candidate})
				if err != nil || checked.Is != want || (len(checked.Messages) == 0) != want {
					t.Errorf("check: %+v, %v; want %t", checked, err, want)
				}
				_, err = c.CreateSchema(t.Context(), "s", sr.Schema{Schema: tt.candidate})
				if want {
					if err != nil {
						t.Errorf("refused: %v", err)
					}
					return
				}
				refusal := refused(t, err, 409)
				for _, reason := range checked.Messages {
					if !strings.Contains(refusal.Message, reason) {
						t.Errorf("%q does not say %q", refusal.Message, reason)
					}
				}
			})
		}
	}
}

func TestRefusalSaysEveryReason(t *testing.T) {
	c := start(t, memory(t))
	c.register(t, "s", orderV1)
	c.register(t, "s", orderV2)
	_, err := c.CreateSchema(t.Context(), "s", sr.Schema{Schema: orderBad})
	refusal := refused(t, err, 409)
	for _, want := range []string{
		`not BACKWARD compatible with subject "s"`,
		"Order.id: the new schema reads string where version 2 writes long",
		"Order.who: the new schema needs this field and gives it no default, and version 2 does not write it",
	} {
		if !strings.Contains(refusal.Message, want) {
			t.Errorf("%q does not say %q", refusal.Message, want)
		}
	}
	quiet, err := c.CheckCompatibility(t.Context(), "s", 1, sr.Schema{Schema: orderBad})
	if err != nil || quiet.Is || len(quiet.Messages) != 0 {
		t.Errorf("not verbose: %+v, %v", quiet, err)
	}
	one, err := c.CheckCompatibility(sr.WithParams(t.Context(), sr.Verbose), "s", 1, sr.Schema{Schema: orderV3})
	if err != nil || one.Is || !strings.Contains(strings.Join(one.Messages, ""), "version 1") {
		t.Errorf("against version 1: %+v, %v", one, err)
	}
	if latest, err := c.CheckCompatibility(t.Context(), "s", -1, sr.Schema{Schema: orderV3}); err != nil || !latest.Is {
		t.Errorf("against the latest: %+v, %v", latest, err)
	}
	if free, err := c.CheckCompatibility(t.Context(), "new", -1, sr.Schema{Schema: orderV3}); err != nil || !free.Is {
		t.Errorf("against nothing: %+v, %v", free, err)
	}
}

func TestReferences(t *testing.T) {
	c := start(t, memory(t))
	if _, err := c.CreateSchema(t.Context(), "customer", sr.Schema{Schema: customer}); err == nil {
		t.Fatal("a schema whose type nobody defines was accepted")
	}
	c.register(t, "address", address)
	home := sr.SchemaReference{Name: "shop.Address", Subject: "address", Version: 1}
	stored := c.register(t, "customer", customer, home)
	if !slices.Equal(stored.References, []sr.SchemaReference{home}) {
		t.Errorf("references: %+v", stored.References)
	}
	// Through two subjects, and once more directly.
	order := `{"type":"record","name":"shop.Order","fields":[{"name":"by","type":"Customer"},{"name":"to","type":"Address"}]}`
	c.register(t, "order", order, sr.SchemaReference{Name: "shop.Customer", Subject: "customer", Version: 1}, home)

	referrers, err := c.SchemaReferences(t.Context(), "address", 1)
	if err != nil || len(referrers) != 2 {
		t.Errorf("referrers: %+v, %v", referrers, err)
	}
	err = c.DeleteSchema(t.Context(), "address", 1, sr.SoftDelete)
	if refusal := refused(t, err, 42206); !strings.Contains(refusal.Message, `"customer"`) || !strings.Contains(refusal.Message, `"order"`) {
		t.Errorf("%q names no referrers", refusal.Message)
	}
	_, err = c.DeleteSubject(t.Context(), "address", sr.SoftDelete)
	wantCode(t, err, 42206)

	// A change inside a reference is a change of what refers to it.
	c.SetCompatibility(t.Context(), sr.SetCompatibility{Level: sr.CompatNone}, "address")
	c.register(t, "address", `{"type":"record","name":"shop.Address","fields":[{"name":"city","type":"int"}]}`)
	_, err = c.CreateSchema(t.Context(), "customer", sr.Schema{Schema: customer, References: []sr.SchemaReference{{Name: "shop.Address", Subject: "address", Version: 2}}})
	if refusal := refused(t, err, 409); !strings.Contains(refusal.Message, "Customer.home.city: the new schema reads int where version 1 writes string") {
		t.Errorf("refusal: %s", refusal.Message)
	}

	for _, subject := range []string{"order", "customer"} {
		if _, err := c.DeleteSubject(t.Context(), subject, sr.SoftDelete); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.DeleteSubject(t.Context(), "address", sr.SoftDelete); err != nil {
		t.Fatalf("nobody refers to it any more: %v", err)
	}
	_, err = c.CreateSchema(t.Context(), "customer", sr.Schema{Schema: customer, References: []sr.SchemaReference{home}})
	if refusal := refused(t, err, 42201); !strings.Contains(refusal.Message, "was deleted") {
		t.Errorf("refusal: %s", refusal.Message)
	}
	_, err = c.DeleteSubject(t.Context(), "address", sr.HardDelete)
	wantCode(t, err, 42206)
	for _, subject := range []string{"order", "customer", "address"} {
		if _, err := c.DeleteSubject(t.Context(), subject, sr.HardDelete); err != nil {
			t.Fatalf("delete %s for good: %v", subject, err)
		}
	}
	if subjects, err := c.Subjects(sr.WithParams(t.Context(), sr.ShowDeleted)); err != nil || len(subjects) != 0 {
		t.Errorf("left: %v, %v", subjects, err)
	}
}

func TestDeletes(t *testing.T) {
	c := start(t, memory(t))
	ctx := t.Context()
	c.register(t, "s", orderV1)
	c.register(t, "s", orderV2)

	wantCode(t, c.DeleteSchema(ctx, "none", 1, sr.SoftDelete), 40401)
	wantCode(t, c.DeleteSchema(ctx, "s", 7, sr.SoftDelete), 40402)
	wantCode(t, c.DeleteSchema(ctx, "s", 1, sr.HardDelete), 40407)
	if err := c.DeleteSchema(ctx, "s", 1, sr.SoftDelete); err != nil {
		t.Fatal(err)
	}
	wantCode(t, c.DeleteSchema(ctx, "s", 1, sr.SoftDelete), 40406)
	_, err := c.SchemaByVersion(ctx, "s", 1)
	wantCode(t, err, 40402)
	if old, err := c.SchemaByVersion(sr.WithParams(ctx, sr.ShowDeleted), "s", 1); err != nil || old.ID != 1 {
		t.Errorf("deleted version: %+v, %v", old, err)
	}
	if text, err := c.SchemaTextByID(ctx, 1); err != nil || text != orderV1 {
		t.Errorf("the id of a softly deleted version: %q, %v", text, err)
	}
	if back := c.register(t, "s", orderV1); back.ID != 1 || back.Version != 3 {
		t.Errorf("registered again: id %d version %d, want id 1 version 3", back.ID, back.Version)
	}

	c.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, "s")
	_, err = c.DeleteSubject(ctx, "s", sr.HardDelete)
	wantCode(t, err, 40405)
	if versions, err := c.DeleteSubject(ctx, "s", sr.SoftDelete); err != nil || !slices.Equal(versions, []int{2, 3}) {
		t.Errorf("softly deleted: %v, %v", versions, err)
	}
	_, err = c.DeleteSubject(ctx, "s", sr.SoftDelete)
	wantCode(t, err, 40404)
	_, err = c.SubjectVersions(ctx, "s")
	wantCode(t, err, 40401)
	wantCode(t, c.Compatibility(ctx, "s")[0].Err, 40408)
	if _, _, answer := c.raw(t, "GET", "/subjects?deletedOnly=true", ""); answer != `["s"]` {
		t.Errorf("deleted subjects: %s", answer)
	}
	if found, err := c.LookupSchema(sr.WithParams(ctx, sr.ShowDeleted), "s", sr.Schema{Schema: orderV2}); err != nil || found.Version != 2 {
		t.Errorf("look up deleted: %+v, %v", found, err)
	}
	if versions, err := c.DeleteSubject(ctx, "s", sr.HardDelete); err != nil || !slices.Equal(versions, []int{1, 2, 3}) {
		t.Errorf("deleted for good: %v, %v", versions, err)
	}
	_, err = c.DeleteSubject(ctx, "s", sr.HardDelete)
	wantCode(t, err, 40401)
	_, err = c.SchemaByID(ctx, 1)
	wantCode(t, err, 40403)
	if fresh := c.register(t, "s", orderV1); fresh.ID != 3 || fresh.Version != 4 {
		t.Errorf("after all was deleted: id %d version %d, want the next ones, id 3 version 4", fresh.ID, fresh.Version)
	}
}

func TestSettings(t *testing.T) {
	c := start(t, memory(t))
	ctx := t.Context()
	level := func(ctx context.Context, subject string) sr.CompatibilityLevel {
		t.Helper()
		got := c.Compatibility(ctx, subject)[0]
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		return got.Level
	}
	set := func(l sr.CompatibilityLevel, subject string) {
		t.Helper()
		if got := c.SetCompatibility(ctx, sr.SetCompatibility{Level: l}, subject)[0]; got.Err != nil || got.Level != l {
			t.Fatalf("set %s: %+v", l, got)
		}
	}
	if got := level(ctx, sr.GlobalSubject); got != sr.CompatBackward {
		t.Errorf("default %s", got)
	}
	set(sr.CompatFull, sr.GlobalSubject)
	set(sr.CompatNone, "s")
	if g, s := level(ctx, sr.GlobalSubject), level(ctx, "s"); g != sr.CompatFull || s != sr.CompatNone {
		t.Errorf("global %s, subject %s", g, s)
	}
	if got := level(sr.WithParams(ctx, sr.DefaultToGlobal), "t"); got != sr.CompatFull {
		t.Errorf("default to global: %s", got)
	}
	if got := c.ResetCompatibility(ctx, "s")[0]; got.Err != nil || got.Level != sr.CompatNone {
		t.Errorf("reset: %+v", got)
	}
	wantCode(t, c.Compatibility(ctx, "s")[0].Err, 40408)
	if got := c.ResetCompatibility(ctx)[0]; got.Err != nil || level(ctx, sr.GlobalSubject) != sr.CompatBackward {
		t.Errorf("reset global: %+v", got)
	}
	if subjects, err := c.Subjects(ctx); err != nil || len(subjects) != 0 {
		t.Errorf("settings made subjects %v, %v", subjects, err)
	}

	c.register(t, "s", orderV1)
	setMode := func(m sr.Mode, subject string) {
		t.Helper()
		if got := c.SetMode(ctx, m, subject)[0]; got.Err != nil || got.Mode != m {
			t.Fatalf("set mode: %+v", got)
		}
	}
	setMode(sr.ModeReadOnly, "s")
	_, err := c.CreateSchema(ctx, "s", sr.Schema{Schema: orderV2})
	wantCode(t, err, 42205)
	wantCode(t, c.DeleteSchema(ctx, "s", 1, sr.SoftDelete), 42205)
	wantCode(t, c.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, "s")[0].Err, 42205)
	c.register(t, "s", orderV1) // is there already
	c.register(t, "other", orderV2)
	if got := c.ResetMode(ctx, "s")[0]; got.Err != nil || got.Mode != sr.ModeReadOnly {
		t.Errorf("reset mode: %+v", got)
	}
	c.register(t, "s", orderV2)
	setMode(sr.ModeReadOnly, sr.GlobalSubject)
	_, err = c.CreateSchema(ctx, "new", sr.Schema{Schema: orderV1})
	wantCode(t, err, 42205)
	if got := c.Mode(sr.WithParams(ctx, sr.DefaultToGlobal), "new")[0]; got.Err != nil || got.Mode != sr.ModeReadOnly {
		t.Errorf("mode by default: %+v", got)
	}
	setMode(sr.ModeReadWrite, "new") // a subject's own mode wins
	c.register(t, "new", orderV1)
}

func TestImport(t *testing.T) {
	c := start(t, memory(t))
	ctx := t.Context()
	if got := c.SetMode(ctx, sr.ModeImport, "s")[0]; got.Err != nil {
		t.Fatal(got.Err)
	}
	_, err := c.CreateSchema(ctx, "s", sr.Schema{Schema: orderV1})
	wantCode(t, err, 42205)
	for range 2 { // twice is once
		got, err := c.CreateSchemaWithIDAndVersion(ctx, "s", sr.Schema{Schema: orderV1}, 40, 5)
		if err != nil || got.ID != 40 || got.Version != 5 {
			t.Fatalf("import: %+v, %v", got, err)
		}
	}
	if got, err := c.CreateSchemaWithIDAndVersion(ctx, "s", sr.Schema{Schema: orderBad}, 30, -1); err != nil || got.ID != 30 || got.Version != 6 {
		t.Fatalf("import without a version, and incompatible: %+v, %v", got, err)
	}
	_, err = c.CreateSchemaWithIDAndVersion(ctx, "s", sr.Schema{Schema: orderV2}, 40, 9)
	wantCode(t, err, 42207)
	_, err = c.CreateSchemaWithIDAndVersion(ctx, "s", sr.Schema{Schema: orderV2}, 41, 5)
	wantCode(t, err, 42207)
	_, err = c.CreateSchemaWithIDAndVersion(ctx, "s", sr.Schema{Schema: orderV1}, 42, 9)
	wantCode(t, err, 42207)
	if got := c.ResetMode(ctx, "s")[0]; got.Err != nil {
		t.Fatal(got.Err)
	}
	if got := c.register(t, "t", orderV2); got.ID != 41 {
		t.Errorf("the id after the imported ones: %d, want 41", got.ID)
	}
}

func TestNormalizeStoresTheCanonicalForm(t *testing.T) {
	c := start(t, memory(t))
	got, err := c.CreateSchema(sr.WithParams(t.Context(), sr.Normalize), "s", sr.Schema{Schema: `{"namespace":"a", "name":"F","type":"fixed",  "size":4}`})
	if err != nil || got.Schema.Schema != `{"name":"a.F","size":4,"type":"fixed"}` {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	open := func() (*store.Store, client) {
		t.Helper()
		st, err := store.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return st, start(t, st)
	}
	st, c := open()
	c.register(t, "s", orderV1)
	second := c.register(t, "s", orderV2)
	c.SetCompatibility(t.Context(), sr.SetCompatibility{Level: sr.CompatFull}, "s")
	c.register(t, "gone", orderBad)
	for _, how := range []sr.DeleteHow{sr.SoftDelete, sr.HardDelete} {
		if _, err := c.DeleteSubject(t.Context(), "gone", how); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st, c = open()
	defer func() { _ = st.Close() }()
	latest, err := c.SchemaByVersion(t.Context(), "s", -1)
	if err != nil || latest.ID != second.ID || latest.Version != second.Version || latest.Schema.Schema != orderV2 {
		t.Errorf("latest: %+v, %v", latest, err)
	}
	if got := c.Compatibility(t.Context(), "s")[0]; got.Err != nil || got.Level != sr.CompatFull {
		t.Errorf("compatibility: %+v", got)
	}
	if back := c.register(t, "gone", orderBad); back.ID != 4 || back.Version != 2 {
		t.Errorf("id %d version %d, want the next ones, id 4 version 2", back.ID, back.Version)
	}
}

// Several registries over one store are several daemons: their changes meet in the store alone.
func TestConcurrentRegistrations(t *testing.T) {
	st := memory(t)
	clients := []client{start(t, st), start(t, st)}
	if got := clients[0].SetCompatibility(t.Context(), sr.SetCompatibility{Level: sr.CompatNone})[0]; got.Err != nil {
		t.Fatal(got.Err)
	}
	const writers, schemas = 6, 5
	var wg sync.WaitGroup
	errs := make(chan error, writers*schemas)
	for w := range writers {
		wg.Go(func() {
			for i := range schemas {
				// Every schema is registered by two writers.
				text := fmt.Sprintf(`{"type":"fixed","name":"F","size":%d}`, 1+(w/2)*schemas+i)
				if _, err := clients[w%2].RegisterSchema(t.Context(), "s", sr.Schema{Schema: text}, -1, -1); err != nil {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Errorf("register: %v", err)
	}
	all, err := clients[0].Schemas(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	ids, texts := map[int]bool{}, map[string]bool{}
	for i, s := range all {
		if s.Version != i+1 {
			t.Errorf("version %d is at place %d", s.Version, i+1)
		}
		ids[s.ID], texts[s.Schema.Schema] = true, true
	}
	if want := writers / 2 * schemas; len(all) != want || len(ids) != want || len(texts) != want {
		t.Errorf("%d versions, %d ids, %d texts; want %d of each", len(all), len(ids), len(texts), want)
	}
}

// Two incompatible schemas at once: only one may become the second version.
func TestConcurrentIncompatible(t *testing.T) {
	for range 10 {
		st := memory(t)
		clients := []client{start(t, st), start(t, st)}
		clients[0].SetCompatibility(t.Context(), sr.SetCompatibility{Level: sr.CompatFull})
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, text := range []string{`"int"`, `"string"`} {
			wg.Go(func() {
				_, errs[i] = clients[i].RegisterSchema(t.Context(), "s", sr.Schema{Schema: text}, -1, -1)
			})
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("want one of two refused, got %v and %v", errs[0], errs[1])
		}
		wantCode(t, errors.Join(errs...), 409)
	}
}

// Whatever is registered and deleted in whatever order, no id and no version is ever given to two schemas.
func TestIDsAreNeverReused(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		st, err := store.OpenMemory(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = st.Close() }()
		handler := registry.New(st, slog.New(slog.DiscardHandler)).Handler()
		call := func(method, path, body string) string {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewBufferString(body)))
			return w.Body.String()
		}
		call("PUT", "/config", `{"compatibility":"NONE"}`)
		ids, versions := map[int]int{}, map[string]int{}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			subject := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "subject")
			if rapid.Bool().Draw(rt, "delete") {
				call("DELETE", "/subjects/"+subject, "")
				call("DELETE", "/subjects/"+subject+"?permanent=true", "")
				continue
			}
			size := rapid.IntRange(1, 4).Draw(rt, "size")
			schema := fmt.Sprintf(`{"schema":"{\"type\":\"fixed\",\"name\":\"F\",\"size\":%d}"}`, size)
			call("POST", "/subjects/"+subject+"/versions", schema)
			var got struct{ ID, Version int }
			if err := json.Unmarshal([]byte(call("POST", "/subjects/"+subject, schema)), &got); err != nil || got.ID == 0 {
				rt.Fatalf("look up what was registered: %+v, %v", got, err)
			}
			key := fmt.Sprintf("%s %d", subject, got.Version)
			if before, ok := ids[got.ID]; ok && before != size {
				rt.Fatalf("id %d was of size %d and is of size %d", got.ID, before, size)
			}
			if before, ok := versions[key]; ok && before != size {
				rt.Fatalf("version %s was of size %d and is of size %d", key, before, size)
			}
			ids[got.ID], versions[key] = size, size
		}
	})
}
