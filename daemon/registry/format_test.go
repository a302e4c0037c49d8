package registry_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
)

const (
	protoAddress  = "syntax = \"proto3\";\npackage shop;\nimport \"google/protobuf/timestamp.proto\";\nmessage Address {\n  string city = 1;\n  google.protobuf.Timestamp since = 2;\n}\n"
	protoCustomer = "syntax = \"proto3\";\npackage shop;\nimport \"shop/address.proto\";\nmessage Customer {\n  Address home = 1;\n}\n"
	jsonAddress   = `{"$id":"address.json","type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`
	jsonCustomer  = `{"type":"object","properties":{"home":{"$ref":"address.json"}}}`
)

func TestReferencesByName(t *testing.T) {
	for _, tt := range []struct {
		format                      sr.SchemaType
		name                        string
		target, user                string
		changed, reason, unresolved string
	}{
		{
			sr.TypeProtobuf, "shop/address.proto", protoAddress, protoCustomer,
			strings.ReplaceAll(protoAddress, "string city", "int32 city"), "Customer.home (1).city (1): the new schema reads int32 where version 1 writes string", "not among the references",
		},
		{
			sr.TypeJSON, "address.json", jsonAddress, jsonCustomer,
			strings.ReplaceAll(jsonAddress, `"string"`, `"integer"`), "$.home.city: the new schema takes integer where version 1 may write string", "none of the references",
		},
	} {
		t.Run(tt.format.String(), func(t *testing.T) {
			c := start(t, memory(t))
			schema := func(text string, version int) sr.Schema {
				return sr.Schema{Schema: text, Type: tt.format, References: []sr.SchemaReference{{Name: tt.name, Subject: "address", Version: version}}}
			}
			create := func(subject string, s sr.Schema) sr.SubjectSchema {
				t.Helper()
				made, err := c.CreateSchema(t.Context(), subject, s)
				if err != nil {
					t.Fatal(err)
				}
				return made
			}
			_, err := c.CreateSchema(t.Context(), "customer", sr.Schema{Schema: tt.user, Type: tt.format})
			if refusal := refused(t, err, 42201); !strings.Contains(refusal.Message, tt.unresolved) {
				t.Errorf("refusal: %s", refusal.Message)
			}
			create("address", sr.Schema{Schema: tt.target, Type: tt.format})
			made := create("customer", schema(tt.user, 1))
			if made.Schema.Schema != tt.user || made.Type != tt.format || len(made.References) != 1 {
				t.Errorf("made %+v", made)
			}
			if again := create("customer", schema(" "+tt.user+"\n", 1)); again.ID != made.ID {
				t.Errorf("the same got id %d, not %d", again.ID, made.ID)
			}
			referrers, err := c.SchemaReferences(t.Context(), "address", 1)
			if err != nil || len(referrers) != 1 || referrers[0].ID != made.ID {
				t.Errorf("referrers: %+v, %v", referrers, err)
			}
			wantCode(t, c.DeleteSchema(t.Context(), "address", 1, sr.SoftDelete), 42206)

			c.SetCompatibility(t.Context(), sr.SetCompatibility{Level: sr.CompatNone}, "address")
			create("address", sr.Schema{Schema: tt.changed, Type: tt.format})
			_, err = c.CreateSchema(t.Context(), "customer", schema(tt.user, 2))
			if refusal := refused(t, err, 409); !strings.Contains(refusal.Message, tt.reason) {
				t.Errorf("refusal: %s", refusal.Message)
			}
			c.SetCompatibility(t.Context(), sr.SetCompatibility{Level: sr.CompatNone}, "customer")
			if other := create("customer", schema(tt.user, 2)); other.ID == made.ID || other.Version != 2 {
				t.Errorf("the same text with another reference: %+v", other)
			}
			twice := schema(tt.user, 1)
			twice.References = append(twice.References, sr.SchemaReference{Name: tt.name, Subject: "address", Version: 2})
			_, err = c.CreateSchema(t.Context(), "twice", twice)
			if refusal := refused(t, err, 42201); !strings.Contains(refusal.Message, "leads to version 1") {
				t.Errorf("refusal: %s", refusal.Message)
			}
		})
	}
}

// Confluent's serializers send a file descriptor in base64, and ask for one.
func TestProtobufDescriptors(t *testing.T) {
	c := start(t, memory(t))
	if _, err := c.CreateSchema(t.Context(), "address", sr.Schema{Schema: protoAddress, Type: sr.TypeProtobuf}); err != nil {
		t.Fatal(err)
	}
	references := []sr.SchemaReference{{Name: "shop/address.proto", Subject: "address", Version: 1}}
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(`name: "shop/customer.proto" package: "shop" dependency: "shop/address.proto" syntax: "proto3"
		message_type { name: "Customer" field { name: "home" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".shop.Address" } }`), file); err != nil {
		t.Fatal(err)
	}
	encoded, err := proto.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	descriptor := base64.StdEncoding.EncodeToString(encoded)
	sent, err := c.CreateSchema(t.Context(), "customer", sr.Schema{Schema: descriptor, Type: sr.TypeProtobuf, References: references})
	if err != nil || !strings.Contains(sent.Schema.Schema, "message Customer {") {
		t.Fatalf("got %+v, %v", sent, err)
	}
	written, err := c.CreateSchema(t.Context(), "customer", sr.Schema{Schema: protoCustomer, Type: sr.TypeProtobuf, References: references})
	if err != nil || written.ID != sent.ID || written.Version != 1 {
		t.Errorf("the same as text: %+v, %v", written, err)
	}
	for _, path := range []string{fmt.Sprintf("/schemas/ids/%d", sent.ID), "/subjects/customer/versions/latest"} {
		_, _, answer := c.raw(t, http.MethodGet, path+"?format=serialized", "")
		var body struct{ Schema string }
		if err := json.Unmarshal([]byte(answer), &body); err != nil {
			t.Fatal(err)
		}
		raw, err := base64.StdEncoding.DecodeString(body.Schema)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		got := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(raw, got); err != nil || got.GetMessageType()[0].GetField()[0].GetTypeName() != ".shop.Address" {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
}

func TestMetadataAndRules(t *testing.T) {
	c := start(t, memory(t))
	register := func(extra string) string {
		t.Helper()
		_, _, answer := c.raw(t, http.MethodPost, "/subjects/s/versions", `{"schema":"\"string\""`+extra+`}`)
		return answer
	}
	plain := register("")
	owned := register(`,"metadata":{"properties":{"owner":"a","major":"1"},"tags":{"x":["PII"]}},"ruleSet":{"domainRules":[{"name":"r","kind":"CONDITION","mode":"WRITE","type":"CEL","expr":"true"}]}`)
	other := register(`,"metadata":{"properties":{"owner":"b"}}`)
	if plain != `{"id":1}` || owned != `{"id":2}` || other != `{"id":3}` || register(`,"metadata":{}`) != plain {
		t.Errorf("got %s, %s, %s", plain, owned, other)
	}
	_, _, answer := c.raw(t, http.MethodGet, "/schemas/ids/2", "")
	for _, want := range []string{`"owner":"a"`, `"tags":{"x":["PII"]}`, `"expr":"true"`, `"guid":"`} {
		if !strings.Contains(answer, want) {
			t.Errorf("%s does not say %s", answer, want)
		}
	}
	_, _, answer = c.raw(t, http.MethodGet, "/subjects/s/metadata?key=owner&value=a&key=major&value=1", "")
	if !strings.Contains(answer, `"version":2`) {
		t.Errorf("by metadata: %s", answer)
	}
	var body struct{ GUID string }
	if err := json.Unmarshal([]byte(answer), &body); err != nil {
		t.Fatal(err)
	}
	if _, _, byGUID := c.raw(t, http.MethodGet, "/schemas/guids/"+body.GUID, ""); !strings.Contains(byGUID, `"owner":"a"`) {
		t.Errorf("by guid: %s", byGUID)
	}
}

func TestContexts(t *testing.T) {
	c := start(t, memory(t))
	ctx := t.Context()
	c.register(t, "s", orderV1)
	staging := c.register(t, ":.staging:s", orderV2)
	if staging.Version != 1 || staging.Subject != ":.staging:s" {
		t.Errorf("got %+v", staging)
	}
	if _, _, same := c.raw(t, http.MethodPost, "/subjects/:.:s", body(t, sr.Schema{Schema: orderV1})); !strings.Contains(same, `"subject":"s","version":1,"id":1`) {
		t.Errorf("the default context is another: %s", same)
	}
	for path, want := range map[string]string{
		"/contexts":                                       `[".",".staging"]`,
		"/subjects":                                       `[":.staging:s","s"]`,
		"/subjects?subjectPrefix=:*:":                     `[":.staging:s","s"]`,
		"/subjects?subjectPrefix=:.staging:":              `[":.staging:s"]`,
		"/subjects?subjectPrefix=:.:":                     `["s"]`,
		"/contexts/.staging/subjects":                     `[":.staging:s"]`,
		"/contexts/.staging/subjects/s/versions":          `[1]`,
		"/contexts/.staging/subjects/s/versions/1/schema": orderV2,
		"/contexts/.staging/mode":                         `{"error_code":40409,"message":"Subject \":.staging:\" has no mode of its own"}`,
	} {
		if _, _, got := c.raw(t, http.MethodGet, path, ""); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	// A reference that says no context is in that of its schema.
	c.register(t, ":.staging:address", address)
	made := c.register(t, ":.staging:customer", customer, sr.SchemaReference{Name: "shop.Address", Subject: "address", Version: 1})
	if made.References[0].Subject != ":.staging:address" {
		t.Errorf("references: %+v", made.References)
	}
	// What is set on a context holds for its subjects that say nothing themselves.
	if got := c.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, ":.staging:")[0]; got.Err != nil {
		t.Fatal(got.Err)
	}
	c.register(t, ":.staging:s", orderBad)
	_, err := c.CreateSchema(ctx, "s", sr.Schema{Schema: orderBad})
	wantCode(t, err, 409)
	if _, _, answer := c.raw(t, http.MethodPut, "/contexts/.staging/mode", `{"mode":"READONLY_OVERRIDE"}`); answer != `{"mode":"READONLY_OVERRIDE"}` {
		t.Errorf("override: %s", answer)
	}
	_, err = c.CreateSchema(ctx, ":.staging:new", sr.Schema{Schema: orderV1})
	wantCode(t, err, 42205)
	c.register(t, "new", orderV1)
}

func TestReadOnlyOverride(t *testing.T) {
	c := start(t, memory(t))
	ctx := t.Context()
	if got := c.SetMode(ctx, sr.ModeReadWrite, "s")[0]; got.Err != nil {
		t.Fatal(got.Err)
	}
	c.register(t, "s", orderV1)
	if _, _, answer := c.raw(t, http.MethodPut, "/mode", `{"mode":"READONLY_OVERRIDE"}`); answer != `{"mode":"READONLY_OVERRIDE"}` {
		t.Fatalf("answer: %s", answer)
	}
	_, err := c.CreateSchema(ctx, "s", sr.Schema{Schema: orderV2})
	wantCode(t, err, 42205)
	wantCode(t, c.DeleteSchema(ctx, "s", 1, sr.SoftDelete), 42205)
	if _, _, answer := c.raw(t, http.MethodPut, "/mode", `{"mode":"READWRITE"}`); answer != `{"mode":"READWRITE"}` {
		t.Fatalf("answer: %s", answer)
	}
	c.register(t, "s", orderV2)
}

func TestNormalizeSetting(t *testing.T) {
	c := start(t, memory(t))
	if _, _, answer := c.raw(t, http.MethodPut, "/config/s", `{"compatibility":"full","normalize":true}`); answer != `{"compatibility":"FULL","normalize":true}` {
		t.Errorf("answer: %s", answer)
	}
	if _, _, answer := c.raw(t, http.MethodPut, "/config/s", `{"compatibility":"NONE"}`); answer != `{"compatibility":"NONE"}` {
		t.Errorf("answer: %s", answer)
	}
	if _, _, answer := c.raw(t, http.MethodGet, "/config/s", ""); answer != `{"compatibilityLevel":"NONE","normalize":true}` {
		t.Errorf("answer: %s", answer)
	}
	got, err := c.CreateSchema(t.Context(), "s", sr.Schema{Type: sr.TypeJSON, Schema: `{"type":"object", "maximum":1.50,  "$id":"x"}`})
	if err != nil || got.Schema.Schema != `{"$id":"x","maximum":1.5,"type":"object"}` {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, _, answer := c.raw(t, http.MethodDelete, "/config/s", ""); answer != `{"compatibilityLevel":"NONE","normalize":true,"compatibility":"NONE"}` {
		t.Errorf("answer: %s", answer)
	}
}

func TestWhatClientsAskFirst(t *testing.T) {
	c := start(t, memory(t))
	c.register(t, "s", orderV1)
	for path, want := range map[string]string{
		"/":                               `{}`,
		"/v1/metadata/id":                 `{"id":"","scope":{"clusters":{"kafka-cluster":"headgate","schema-registry-cluster":"schema-registry"},"path":[]}}`,
		"/v1/metadata/version":            `{"commitId":"","version":"v1"}`,
		"/schemas/types":                  `["JSON","PROTOBUF","AVRO"]`,
		"/schemas/ids/1/subjects":         `["s"]`,
		"/schemas/ids/1/versions":         `[{"subject":"s","version":1}]`,
		"/config":                         `{"compatibilityLevel":"BACKWARD"}`,
		"/config/s?defaultToGlobal=true":  `{"compatibilityLevel":"BACKWARD"}`,
		"/mode":                           `{"mode":"READWRITE"}`,
		"/subjects/s/versions?offset=1":   `[]`,
		"/schemas?offset=1&limit=1":       `[]`,
		"/schemas/ids/1?fetchMaxId=true":  `"maxId":1`,
		"/subjects/s/versions/-1/schema":  orderV1,
		"/subjects/s/versions?limit=-1":   `[1]`,
		"/subjects?deletedOnly=true":      `[]`,
		"/subjects/s/versions/1?x=ignore": `"version":1`,
	} {
		if status, _, got := c.raw(t, http.MethodGet, path, ""); status != http.StatusOK || !strings.Contains(got, want) {
			t.Errorf("%s: %d %s, want %s", path, status, got, want)
		}
	}
}

// What was registered has the same ids after a restart, and is the same schema to who registers it again.
func TestFormatsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	register := func() string {
		st, err := store.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = st.Close() }()
		c := start(t, st)
		var ids []string
		for _, body := range []sr.Schema{
			{Schema: orderV1},
			{Schema: protoAddress, Type: sr.TypeProtobuf},
			{Schema: protoCustomer, Type: sr.TypeProtobuf, References: []sr.SchemaReference{{Name: "shop/address.proto", Subject: "s1", Version: 1}}},
			{Schema: jsonAddress, Type: sr.TypeJSON},
			{Schema: jsonCustomer, Type: sr.TypeJSON, References: []sr.SchemaReference{{Name: "address.json", Subject: "s3", Version: 1}}},
		} {
			made, err := c.CreateSchema(t.Context(), fmt.Sprintf("s%d", len(ids)), body)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, fmt.Sprintf("%s %d %d %s", made.Subject, made.ID, made.Version, made.Schema.Schema))
		}
		_, _, answer := c.raw(t, http.MethodPost, "/subjects/m/versions", `{"schema":"\"string\"","metadata":{"properties":{"a":"b"}}}`)
		_, _, contexts := c.raw(t, http.MethodPut, "/config/:.c:", `{"compatibility":"NONE","normalize":true}`)
		return strings.Join(append(ids, answer, contexts), "\n")
	}
	if first, again := register(), register(); first != again || !strings.Contains(first, `{"id":6}`) {
		t.Errorf("first\n%s\nthen\n%s", first, again)
	}
}

// A hundred writers with one schema, each written in its own way, are one schema.
func TestConcurrentWritersOfOneSchema(t *testing.T) {
	for format, text := range map[sr.SchemaType]string{sr.TypeAvro: orderV1, sr.TypeJSON: jsonAddress, sr.TypeProtobuf: protoAddress} {
		t.Run(format.String(), func(t *testing.T) {
			st := memory(t)
			clients := []client{start(t, st), start(t, st)}
			const writers = 100
			ids := make([]int, writers)
			errs := make([]error, writers)
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					ids[w], errs[w] = clients[w%2].RegisterSchema(t.Context(), fmt.Sprintf("s%d", w%3), sr.Schema{Schema: text + strings.Repeat(" ", w), Type: format}, -1, -1)
				})
			}
			wg.Wait()
			for w := range writers {
				if errs[w] != nil || ids[w] != 1 {
					t.Fatalf("writer %d: id %d, %v", w, ids[w], errs[w])
				}
			}
			all, err := clients[0].AllSchemas(t.Context())
			if err != nil || len(all) != 3 {
				t.Errorf("%d versions, %v", len(all), err)
			}
		})
	}
}

// The shapes of what hostile or unlucky clients send.
func TestHostileSchemas(t *testing.T) {
	c := start(t, memory(t))
	deep := strings.Repeat(`{"not":`, 5000) + "{}" + strings.Repeat("}", 5000)
	tests := []struct {
		name   string
		format sr.SchemaType
		text   string
		codes  []int
	}{
		{"$ref to itself", sr.TypeJSON, `{"$ref":"#"}`, []int{0, 42201}},
		{"$refs in a circle", sr.TypeJSON, `{"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}},"$ref":"#/definitions/a"}`, []int{0, 42201}},
		{"deep JSON", sr.TypeJSON, deep, []int{42201}},
		{"huge pattern", sr.TypeJSON, `{"pattern":"` + strings.Repeat("(a{1000}){1000}", 4000) + `"}`, []int{0}},
		{"huge exponent", sr.TypeJSON, `{"maximum":1e999999999}`, []int{42201}},
		{"many digits", sr.TypeJSON, `{"maximum":` + strings.Repeat("9", 1<<20) + `}`, []int{42201}},
		{"file reference", sr.TypeJSON, `{"$ref":"file:///etc/hostname"}`, []int{42201}},
		{"remote reference", sr.TypeJSON, `{"$ref":"http://127.0.0.1:1/x"}`, []int{42201}},
		{"deep Protobuf", sr.TypeProtobuf, `syntax="proto3";` + strings.Repeat("message A {", 3000) + strings.Repeat("}", 3000), []int{42201}},
		{"file of the machine", sr.TypeProtobuf, `syntax="proto3"; import "/etc/hostname";`, []int{42201}},
		{"import of itself", sr.TypeProtobuf, `syntax="proto3"; import "schema.proto";`, []int{42201}},
		{"deep Avro", sr.TypeAvro, strings.Repeat(`{"type":"array","items":`, 3000) + `"int"` + strings.Repeat("}", 3000), []int{42201}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second is compared with the first
				_, _, answer := c.raw(t, http.MethodPost, "/subjects/"+strings.ReplaceAll(tt.name, " ", "-")+"/versions", body(t, sr.Schema{Schema: tt.text, Type: tt.format}))
				var said struct {
					Code    int `json:"error_code"`
					Message string
				}
				if err := json.Unmarshal([]byte(answer), &said); err != nil || !slices.Contains(tt.codes, said.Code) {
					t.Fatalf("got %.300s, want one of codes %d", answer, tt.codes)
				}
			}
		})
	}
}
