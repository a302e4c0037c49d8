package schema_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/registry"
	"github.com/headgate/terraform-provider-headgate/daemon/schema"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

const (
	conn = "registry"

	one       = `{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}`
	oneAgain  = "{ \"name\": \"R\", \"type\": \"record\",\n \"fields\": [ {\"type\": {\"type\":\"string\"}, \"name\": \"a\"} ] }"
	defaulted = `{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"b","type":"int","default":0}]}`
	required  = `{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"b","type":"int"}]}`
	reduced   = `{"type":"record","name":"R","fields":[]}`
)

// env is what one test has: a service with one connection, and a client that goes around it.
type env struct {
	t *testing.T
	*schema.Service
	store *store.Store
}

func own(t *testing.T) *env {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	server := httptest.NewServer(registry.New(st, slog.New(slog.DiscardHandler)).Handler())
	t.Cleanup(server.Close)
	return newEnv(t, server.URL)
}

func apicurio(t *testing.T) *env {
	t.Helper()
	return newEnv(t, real.Shared(t).Apicurio.CompatURL())
}

// in is the same for a part of the test.
func (e *env) in(t *testing.T) *env {
	t.Helper()
	part := *e
	part.t = t
	return &part
}

func newEnv(t *testing.T, url string) *env {
	t.Helper()
	return newEnvOf(t, "schema_registry", fmt.Sprintf(`{"url":%q}`, url))
}

func newEnvOf(t *testing.T, kind, spec string) *env {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	_, err = conns.Put(t.Context(), conn, api.ConnectionWrite{Kind: kind, Spec: []byte(spec), Test: new(false)}, api.WriteOptions{}, "")
	if err != nil {
		t.Fatal(err)
	}
	service := schema.New(st, conns, slog.New(slog.DiscardHandler))
	t.Cleanup(service.Close)
	return &env{t, service, st}
}

// Each test runs on our own registry, and under its twin's name with Real on Apicurio.

func TestSchemas(t *testing.T) {
	e := own(t)
	for name, test := range tests() {
		t.Run(name, func(t *testing.T) { test(e.in(t)) })
	}
}

func TestRealSchemas(t *testing.T) {
	e := apicurio(t)
	for name, test := range tests() {
		t.Run(name, func(t *testing.T) { test(e.in(t)) })
	}
}

// without are the tests but some.
func without(names ...string) map[string]func(e *env) {
	some := tests()
	for _, name := range names {
		delete(some, name)
	}
	return some
}

// ownMode is a subject's own compatibility: what a registry gives to all that declare none is none.
func ownMode(s *api.Schema) string {
	if s.CompatibilityImplied {
		return ""
	}
	return s.Compatibility
}

func tests() map[string]func(e *env) {
	return map[string]func(e *env){
		"register":      testRegister,
		"compatibility": testCompatibility,
		"mode":          testMode,
		"stricter":      testStricterMode,
		"restore":       testRestoresMode,
		"older":         testOlder,
		"references":    testReferences,
		"invalid":       testInvalid,
		"conditions":    testConditions,
		"adopt":         testAdopt,
		"unknowns":      testUnknowns,
		"list":          testList,
		"soft":          testSoftDelete,
		"hard":          testHardDelete,
		"follow":        testFollow,
		"override":      testOverride,
		"crash":         testCrash,
		"writers":       testTenWriters,
		"history":       testHistory,
		"cloudevents":   testCloudEvents,
	}
}

func avroOf(text string) api.SchemaWrite { return api.SchemaWrite{Format: "AVRO", Schema: text} }

func (e *env) put(t *testing.T, subject string, body api.SchemaWrite) *api.Schema {
	t.Helper()
	got, err := e.Put(t.Context(), conn, subject, body, api.WriteOptions{}, "")
	if err != nil {
		t.Fatalf("put %s: %v", subject, err)
	}
	return got
}

func (e *env) plan(t *testing.T, subject string, body api.SchemaWrite) (*api.Schema, error) {
	t.Helper()
	return e.Put(t.Context(), conn, subject, body, api.WriteOptions{DryRun: true}, "")
}

func (e *env) get(t *testing.T, subject string) *api.Schema {
	t.Helper()
	got, err := e.Get(t.Context(), conn, subject)
	if err != nil {
		t.Fatalf("get %s: %v", subject, err)
	}
	return got
}

func want(t *testing.T, err error, code, attribute string, words ...string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of the API with code %s", err, code)
	}
	if e.Code != code || e.Attribute != attribute {
		t.Errorf("got code %q at %q, want %q at %q: %v", e.Code, e.Attribute, code, attribute, e)
	}
	for _, one := range words {
		if !strings.Contains(e.Error(), one) {
			t.Errorf("got %q, want it to say %q", e.Error(), one)
		}
	}
}

// refused wants the same refusal of a plan and of a write, and nothing changed by either.
func (e *env) refused(t *testing.T, subject string, body api.SchemaWrite, code, attribute string, words ...string) {
	t.Helper()
	before, _ := e.Get(t.Context(), conn, subject)
	_, err := e.plan(t, subject, body)
	want(t, err, code, attribute, words...)
	_, err = e.Put(t.Context(), conn, subject, body, api.WriteOptions{}, "k")
	want(t, err, code, attribute, words...)
	after, err := e.Get(t.Context(), conn, subject)
	if before == nil {
		want(t, err, api.CodeNotFound, "")
		return
	}
	if err != nil || after.Generation != before.Generation {
		t.Errorf("before %+v, after %+v, %v", before, after, err)
	}
}

func testRegister(e *env) {
	t := e.t
	subject := real.Name(t)
	planned, err := e.plan(t, subject, avroOf(one))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Get(t.Context(), conn, subject); !api.HasCode(err, api.CodeNotFound) {
		t.Fatalf("after a dry run the subject is %v, want it absent", err)
	}
	made := e.put(t, subject, avroOf(one))
	if made.Version != 1 || made.ID == "" || made.Format != "AVRO" || ownMode(made) != "" || made.Fingerprint != planned.Fingerprint {
		t.Errorf("planned %+v, made %+v", planned, made)
	}
	if read := e.get(t, subject); read.Generation != made.Generation || read.Fingerprint != made.Fingerprint || ownMode(read) != "" {
		t.Errorf("made %+v, read %+v", made, read)
	}
	same := e.put(t, subject, avroOf(oneAgain))
	if same.Version != 1 || same.Generation != made.Generation {
		t.Errorf("another form of the same schema made %+v", same)
	}
	next := e.put(t, subject, avroOf(defaulted))
	if next.Version != 2 || next.ID == made.ID || next.Generation == made.Generation || next.Fingerprint == made.Fingerprint {
		t.Errorf("another schema made %+v", next)
	}
}

func testCompatibility(e *env) {
	t := e.t
	subject := real.Name(t)
	body := api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "BACKWARD"}
	if made := e.put(t, subject, body); made.Compatibility != "BACKWARD" {
		t.Errorf("made %+v", made)
	}
	body.Schema = required
	e.refused(t, subject, body, api.CodeIncompatible, "/schema", "not BACKWARD compatible", `b`, "gives it no default")
	body.Schema, body.Compatibility = reduced, "FULL"
	e.refused(t, subject, body, api.CodeIncompatible, "/schema", "not FULL compatible", `a`)
	body.Schema, body.Compatibility = defaulted, "BACKWARD"
	if next := e.put(t, subject, body); next.Version != 2 {
		t.Errorf("a compatible schema made %+v", next)
	}
	// Transitive modes heed the first version too: b has a default against version 2, and none against version 1.
	body.Schema, body.Compatibility = required, "BACKWARD_TRANSITIVE"
	e.refused(t, subject, body, api.CodeIncompatible, "/schema", "BACKWARD_TRANSITIVE", "b")
	body.Compatibility = "NONE"
	if _, err := e.plan(t, subject, body); err != nil {
		t.Errorf("in mode NONE the plan is refused: %v", err)
	}
	if next := e.put(t, subject, body); next.Version != 3 || next.Compatibility != "NONE" {
		t.Errorf("in mode NONE it made %+v", next)
	}
}

func testMode(e *env) {
	t := e.t
	subject := real.Name(t)
	body := avroOf(one)
	made := e.put(t, subject, body)
	for _, mode := range []string{"FULL_TRANSITIVE", "FORWARD", ""} {
		body.Compatibility = mode
		planned, err := e.plan(t, subject, body)
		if err != nil {
			t.Fatal(err)
		}
		changed := e.put(t, subject, body)
		if changed.Version != made.Version || ownMode(changed) != mode || planned.Generation != changed.Generation {
			t.Errorf("to mode %q: planned %+v, changed %+v", mode, planned, changed)
		}
		if read := e.get(t, subject); ownMode(read) != mode || read.Generation != changed.Generation {
			t.Errorf("in mode %q it reads %+v", mode, read)
		}
	}
}

// The mode that the same write declares is the one that counts, and a plan changes nothing to find out.
func testStricterMode(e *env) {
	t := e.t
	subject := real.Name(t)
	e.put(t, subject, api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "FORWARD"})
	body := api.SchemaWrite{Format: "AVRO", Schema: required, Compatibility: "FORWARD"}
	if _, err := e.plan(t, subject, body); err != nil {
		t.Errorf("a forward compatible schema is refused: %v", err)
	}
	body.Compatibility = "BACKWARD"
	e.refused(t, subject, body, api.CodeIncompatible, "/schema", "not BACKWARD compatible")
	body.Schema, body.Compatibility = reduced, "BACKWARD"
	if _, err := e.plan(t, subject, body); err != nil {
		t.Errorf("a backward compatible schema is refused: %v", err)
	}
	if got := e.get(t, subject); got.Compatibility != "FORWARD" {
		t.Errorf("the plans changed the mode to %s", got.Compatibility)
	}
	if made := e.put(t, subject, body); made.Version != 2 || made.Compatibility != "BACKWARD" {
		t.Errorf("made %+v", made)
	}
}

func testRestoresMode(e *env) {
	t := e.t
	subject := real.Name(t)
	e.put(t, subject, avroOf(one))
	e.refused(t, subject, api.SchemaWrite{Format: "AVRO", Schema: required, Compatibility: "FULL"}, api.CodeIncompatible, "/schema")
	if got := e.get(t, subject); ownMode(got) != "" || got.Version != 1 {
		t.Errorf("after the refusal it is %+v", got)
	}
}

// A registry does not make an older version the latest again, and would say that it did.
func testOlder(e *env) {
	t := e.t
	subject := real.Name(t)
	body := api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "NONE"}
	e.put(t, subject, body)
	body.Schema = defaulted
	e.put(t, subject, body)
	body.Schema = one
	e.refused(t, subject, body, api.CodeRefused, "/schema", "version 1", "latest is 2")
}

func testReferences(e *env) {
	t := e.t
	subject := real.Name(t)
	address := e.put(t, subject+"-address", avroOf(`{"type":"record","name":"Address","namespace":"x","fields":[]}`))
	body := api.SchemaWrite{
		Format: "AVRO", Schema: `{"type":"record","name":"Person","namespace":"x","fields":[{"name":"home","type":"Address"}]}`,
		References: []api.SchemaReference{{Name: "x.Address", Subject: address.Subject, Version: 1}},
	}
	made := e.put(t, subject, body)
	if read := e.get(t, subject); len(read.References) != 1 || read.References[0] != body.References[0] || read.Fingerprint != made.Fingerprint {
		t.Errorf("read %+v", read)
	}
	if again := e.put(t, subject, body); again.Version != 1 {
		t.Errorf("the same again made %+v", again)
	}
	for _, hard := range []bool{false, true} {
		_, err := e.Delete(t.Context(), conn, address.Subject, hard, api.WriteOptions{DryRun: true})
		want(t, err, api.CodeInUse, "/subject", subject)
	}
	body.References = append(body.References, api.SchemaReference{Name: "x.Other", Subject: address.Subject, Version: 7})
	e.refused(t, subject, body, api.CodeInvalid, "/references/1", "leads nowhere")
	body.References[1] = api.SchemaReference{Name: "x.Other", Subject: subject + "-nowhere", Version: 1}
	e.refused(t, subject, body, api.CodeInvalid, "/references/1", "leads nowhere")
	body.References[1].Version = -1
	e.refused(t, subject, body, api.CodeInvalid, "/references/1/version", "count from 1")
	body.References = nil
	e.refused(t, subject, body, api.CodeInvalid, "/schema", "Address")
}

func testInvalid(e *env) {
	t := e.t
	for _, test := range []struct {
		what            string
		body            api.SchemaWrite
		attribute, said string
	}{
		{"broken JSON", avroOf("{\n \"type\": }"), "/schema", "Line 2"},
		{"unknown type", avroOf(`{"type":"record","name":"R","fields":[{"name":"a","type":"strin"}]}`), "/schema", "strin"},
		{"empty", avroOf(""), "/schema", "empty"},
		{"format", api.SchemaWrite{Format: "XML", Schema: "<a/>"}, "/format", "AVRO, JSON, PROTOBUF"},
		{"mode", api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "SIDEWARD"}, "/compatibility", "FULL_TRANSITIVE"},
		{"broken JSON Schema", api.SchemaWrite{Format: "JSON", Schema: `{"type":5}`}, "/schema", "type"},
		{"broken Protobuf", api.SchemaWrite{Format: "PROTOBUF", Schema: "syntax = \"proto3\";\nmessage {"}, "/schema", "Line 2"},
	} {
		t.Run(test.what, func(t *testing.T) {
			e.refused(t, real.Name(t), test.body, api.CodeInvalid, test.attribute, test.said)
		})
	}
	_, err := e.plan(t, "", avroOf(one))
	want(t, err, api.CodeInvalid, "/subject")
	_, err = e.Get(t.Context(), "nowhere", "s")
	want(t, err, api.CodeNotFound, "/connection")
}

func testConditions(e *env) {
	t := e.t
	subject := real.Name(t)
	_, err := e.Put(t.Context(), conn, subject, avroOf(one), api.WriteOptions{Generation: "x"}, "")
	want(t, err, api.CodeNotFound, "")
	made := e.put(t, subject, avroOf(one))
	_, err = e.Put(t.Context(), conn, subject, avroOf(defaulted), api.WriteOptions{Generation: "x"}, "")
	want(t, err, api.CodeConflict, "")
	if _, err := e.Put(t.Context(), conn, subject, avroOf(defaulted), api.WriteOptions{Generation: made.Generation}, ""); err != nil {
		t.Error(err)
	}
	_, err = e.Delete(t.Context(), conn, subject, false, api.WriteOptions{Generation: made.Generation})
	want(t, err, api.CodeConflict, "")
}

func testAdopt(e *env) {
	t := e.t
	subject := real.Name(t)
	create := func(text, key string) error {
		_, err := e.Put(t.Context(), conn, subject, avroOf(text), api.WriteOptions{CreateOnly: true}, key)
		return err
	}
	if err := create(one, "first"); err != nil {
		t.Fatal(err)
	}
	if err := create(oneAgain, "first"); err != nil {
		t.Errorf("the repeated request is refused: %v", err)
	}
	want(t, create(defaulted, "first"), api.CodeAlreadyExists, "/subject", "import")
	want(t, create(one, "other"), api.CodeAlreadyExists, "/subject", conn+"/"+subject)
	if err := e.EndCreation(t.Context(), conn, subject); err != nil {
		t.Fatal(err)
	}
	want(t, create(one, "first"), api.CodeAlreadyExists, "/subject")
}

func testUnknowns(e *env) {
	t := e.t
	subject := real.Name(t)
	for _, unknown := range []string{"/schema", "/format", "/references", "/references/0/version"} {
		body := api.SchemaWrite{Format: "AVRO", Schema: "", References: []api.SchemaReference{{Name: "n", Subject: "s"}}, Unknown: []string{unknown}}
		if unknown == "/schema" || unknown == "/format" {
			body.References = nil
		}
		if unknown == "/format" {
			body.Format = ""
		}
		if _, err := e.plan(t, subject, body); err != nil {
			t.Errorf("with %s unknown the plan is refused: %v", unknown, err)
		}
	}
	body := api.SchemaWrite{Format: "AVRO", Compatibility: "SIDEWARD", Unknown: []string{"/schema"}}
	_, err := e.plan(t, subject, body)
	want(t, err, api.CodeInvalid, "/compatibility")
}

func testList(e *env) {
	t := e.t
	prefix := real.Name(t)
	for _, name := range []string{"-a", "-b", "-c"} {
		e.put(t, prefix+name, avroOf(one))
	}
	first, err := e.List(t.Context(), conn, "", prefix, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 2 || first[0].Subject != prefix+"-a" || first[1].Subject != prefix+"-b" || first[0].Schema == "" {
		t.Fatalf("the first page is %+v", first)
	}
	second, err := e.List(t.Context(), conn, "", first[1].Subject, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(second) != 1 || second[0].Subject != prefix+"-c" {
		t.Errorf("the second page is %+v", second)
	}
}

func testSoftDelete(e *env) {
	t := e.t
	subject := real.Name(t)
	body := api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "FULL"}
	made := e.put(t, subject, body)
	body.Schema = defaulted
	e.put(t, subject, body)
	planned, err := e.Delete(t.Context(), conn, subject, false, api.WriteOptions{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := planned.Effects[0]; !strings.HasPrefix(got.Summary, "Versions 1, 2 of subject") || !strings.Contains(got.Detail, "ids still resolve") {
		t.Errorf("the effects are %+v", planned.Effects)
	}
	e.get(t, subject)
	if _, err := e.Delete(t.Context(), conn, subject, false, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = e.Get(t.Context(), conn, subject)
	want(t, err, api.CodeNotFound, "", subject)
	_, err = e.Delete(t.Context(), conn, subject, false, api.WriteOptions{})
	want(t, err, api.CodeNotFound, "", subject)
	if _, err := e.ByID(t.Context(), conn, made.ID, ""); err != nil {
		t.Errorf("the id does not resolve any more: %v", err)
	}
	again := e.put(t, subject, avroOf(one))
	if again.Version != 3 || ownMode(again) != "" {
		t.Errorf("made anew it is %+v", again)
	}
}

func testHardDelete(e *env) {
	t := e.t
	subject := real.Name(t)
	e.put(t, subject, avroOf(one))
	deleted, err := e.Delete(t.Context(), conn, subject, true, api.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := deleted.Effects[0]; !strings.HasPrefix(got.Summary, "Version 1 of subject") || !strings.Contains(got.Detail, "for good") {
		t.Errorf("the effects are %+v", deleted.Effects)
	}
	e.put(t, subject, avroOf(defaulted))
	// What was deleted softly before goes too.
	if _, err := e.Delete(t.Context(), conn, subject, false, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Delete(t.Context(), conn, subject, true, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = e.Delete(t.Context(), conn, subject, true, api.WriteOptions{})
	want(t, err, api.CodeNotFound, "", subject)
}

// A reference without a version follows the latest.
func testFollow(e *env) {
	t := e.t
	subject := real.Name(t)
	address := func(fields string) string {
		return e.put(t, subject+"-address", avroOf(`{"type":"record","name":"Address","namespace":"x","fields":[`+fields+`]}`)).Subject
	}
	body := api.SchemaWrite{
		Format: "AVRO", Schema: `{"type":"record","name":"Person","namespace":"x","fields":[{"name":"home","type":"Address"}]}`,
		References: []api.SchemaReference{{Name: "x.Address", Subject: address("")}},
	}
	made := e.put(t, subject, body)
	if made.Version != 1 || made.References[0].Version != 1 {
		t.Errorf("made %+v", made)
	}
	if again := e.put(t, subject, body); again.Generation != made.Generation {
		t.Errorf("the same again made %+v", again)
	}
	address(`{"name":"street","type":"string","default":""}`)
	planned, err := e.plan(t, subject, body)
	if err != nil || planned.References[0].Version != 2 {
		t.Errorf("after a newer version it plans %+v, %v", planned, err)
	}
	if next := e.put(t, subject, body); next.Version != 2 || next.References[0].Version != 2 {
		t.Errorf("after a newer version it made %+v", next)
	}
	body.References[0].Subject = subject + "-nowhere"
	e.refused(t, subject, body, api.CodeInvalid, "/references/0", "leads nowhere")
}

func testOverride(e *env) {
	t := e.t
	for _, mode := range []string{"FULL", "BACKWARD_TRANSITIVE"} {
		subject := real.Name(t)
		body := api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: mode}
		e.put(t, subject, body)
		body.Schema = required
		e.refused(t, subject, body, api.CodeIncompatible, "/schema", "on_incompatible")
		body.OnIncompatible = api.IncompatibleOverride
		planned, err := e.plan(t, subject, body)
		if err != nil || len(planned.Warnings) != 1 || !strings.Contains(planned.Warnings[0].Detail, "b") {
			t.Fatalf("planned %+v, %v", planned, err)
		}
		if read := e.get(t, subject); read.Version != 1 || ownMode(read) != mode {
			t.Errorf("the plan made %+v", read)
		}
		if made := e.put(t, subject, body); made.Version != 2 || len(made.Warnings) != 1 {
			t.Errorf("made %+v", made)
		}
		if read := e.get(t, subject); read.Version != 2 || ownMode(read) != mode {
			t.Errorf("after the override it is %+v", read)
		}
		if again := e.put(t, subject, body); again.Version != 2 || len(again.Warnings) != 0 {
			t.Errorf("the same again made %+v", again)
		}
		e.nothingNoted(t)
	}
}

func (e *env) nothingNoted(t *testing.T) {
	t.Helper()
	notes, err := e.store.SchemaOverrides(t.Context())
	if err != nil || len(notes) > 0 {
		t.Errorf("still noted: %+v, %v", notes, err)
	}
}

// A daemon that died in the middle of an override left a note: the next one restores the mode, unless someone set another.
func testCrash(e *env) {
	t := e.t
	own, changed, inherits := real.Name(t), real.Name(t), real.Name(t)
	e.put(t, own, api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "NONE"})
	e.put(t, changed, api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "FORWARD"})
	e.put(t, inherits, api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "NONE"})
	for subject, mode := range map[string]string{own: "FULL", changed: "FULL", inherits: ""} {
		if err := e.store.PutSchemaOverride(t.Context(), store.SchemaOverride{Connection: conn, Subject: subject, Compatibility: mode}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.store.PutSchemaOverride(t.Context(), store.SchemaOverride{Connection: "gone", Subject: "s"}); err != nil {
		t.Fatal(err)
	}
	e.Start(t.Context())
	defer e.Close()
	real.Until(t, "nothing is noted any more", func() bool {
		notes, err := e.store.SchemaOverrides(t.Context())
		return err == nil && len(notes) == 0
	})
	for subject, mode := range map[string]string{own: "FULL", changed: "FORWARD", inherits: ""} {
		if got := e.get(t, subject); ownMode(got) != mode {
			t.Errorf("%s has mode %q, want %q", subject, got.Compatibility, mode)
		}
	}
}

// Of ten writers at once one wins, and the others are told.
func testTenWriters(e *env) {
	t := e.t
	const writers = 10
	subject := real.Name(t)
	at := func(i int) api.SchemaWrite {
		return avroOf(fmt.Sprintf(`{"type":"record","name":"R","fields":[{"name":"f%d","type":"int","default":0}]}`, i))
	}
	all := func(write func(i int) error, code string) {
		t.Helper()
		results := make(chan error, writers)
		for i := range writers {
			go func() { results <- write(i) }()
		}
		won := 0
		for range writers {
			if err := <-results; err == nil {
				won++
			} else if !api.HasCode(err, code) {
				t.Errorf("a loser is told %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d writers won", won)
		}
	}
	all(func(i int) error {
		_, err := e.Put(t.Context(), conn, subject, at(i), api.WriteOptions{CreateOnly: true}, fmt.Sprint(i))
		return err
	}, api.CodeAlreadyExists)
	made := e.get(t, subject)
	all(func(i int) error {
		_, err := e.Put(t.Context(), conn, subject, at(100+i), api.WriteOptions{Generation: made.Generation}, "")
		return err
	}, api.CodeConflict)
	if got := e.get(t, subject); got.Version != 2 {
		t.Errorf("after all it is %+v", got)
	}
}

func testHistory(e *env) {
	t := e.t
	subject := real.Name(t)
	first := e.put(t, subject, avroOf(one))
	second := e.put(t, subject, avroOf(defaulted))
	versions, err := e.Versions(t.Context(), conn, subject, 0, 10)
	if err != nil || len(versions) != 2 || versions[0].ID != first.ID || versions[1].Fingerprint != second.Fingerprint {
		t.Errorf("the versions are %+v, %v", versions, err)
	}
	if rest, err := e.Versions(t.Context(), conn, subject, 1, 10); err != nil || len(rest) != 1 || rest[0].Version != 2 {
		t.Errorf("after version 1 come %+v, %v", rest, err)
	}
	if got, err := e.Version(t.Context(), conn, subject, 1); err != nil || got.Fingerprint != first.Fingerprint {
		t.Errorf("version 1 is %+v, %v", got, err)
	}
	if got, err := e.ByID(t.Context(), conn, second.ID, subject); err != nil || got.Version != 2 || got.Subject != subject {
		t.Errorf("by id it is %+v, %v", got, err)
	}
	_, err = e.Version(t.Context(), conn, subject, 9)
	want(t, err, api.CodeNotFound, "", "headgate_schema_versions")
	_, err = e.Versions(t.Context(), conn, subject+"-nowhere", 0, 10)
	want(t, err, api.CodeNotFound, "", "headgate_schemas")
	for _, id := range []string{"999999999", "no-number"} {
		_, err = e.ByID(t.Context(), conn, id, "")
		want(t, err, api.CodeNotFound, "", id)
	}
}

const event = `{"type":"object","required":["id","source","specversion","type"],"properties":{"id":{"type":"string"},"source":{"type":"string","format":"uri-reference"},"specversion":{"enum":["1.0"]},"type":{"const":"order.placed"}}}`

func testCloudEvents(e *env) {
	t := e.t
	subject := real.Name(t)
	e.refused(t, subject, api.SchemaWrite{Format: "CLOUDEVENTS", Schema: `{"type":"object"}`}, api.CodeInvalid, "/schema", "CloudEvent")
	body := api.SchemaWrite{Format: "CLOUDEVENTS", Schema: event}
	made := e.put(t, subject, body)
	if made.Format != "CLOUDEVENTS" || !made.CloudEvent {
		t.Errorf("made %+v", made)
	}
	if read := e.get(t, subject); read.Format != "JSON" || !read.CloudEvent || read.Generation != made.Generation || read.Fingerprint != made.Fingerprint {
		t.Errorf("made %+v, read %+v", made, read)
	}
	body.Format = "JSON"
	if same := e.put(t, subject, body); same.Version != 1 || same.Generation != made.Generation {
		t.Errorf("as JSON it made %+v", same)
	}
}

func TestSettings(t *testing.T) {
	e := own(t)
	have, err := e.GetSettings(t.Context(), conn)
	if err != nil || have.Compatibility != "BACKWARD" || have.Mode != "READWRITE" {
		t.Fatalf("the settings are %+v, %v", have, err)
	}
	change := api.SchemaRegistrySettingsWrite{Compatibility: "FULL", Mode: "READONLY"}
	planned, err := e.PutSettings(t.Context(), conn, change, api.WriteOptions{DryRun: true})
	if err != nil || planned.Compatibility != "FULL" {
		t.Errorf("planned %+v, %v", planned, err)
	}
	if now, err := e.GetSettings(t.Context(), conn); err != nil || now.Generation != have.Generation {
		t.Errorf("a dry run made %+v, %v", now, err)
	}
	if _, err := e.PutSettings(t.Context(), conn, change, api.WriteOptions{Generation: have.Generation}); err != nil {
		t.Fatal(err)
	}
	e.refused(t, "s", avroOf(one), api.CodeProtected, "/mode", "The registry is READONLY")
	_, err = e.PutSettings(t.Context(), conn, change, api.WriteOptions{Generation: have.Generation})
	want(t, err, api.CodeConflict, "")
	changed, err := e.PutSettings(t.Context(), conn, api.SchemaRegistrySettingsWrite{Mode: "READWRITE"}, api.WriteOptions{})
	if err != nil || changed.Compatibility != "FULL" || changed.Mode != "READWRITE" {
		t.Errorf("changed to %+v, %v", changed, err)
	}
	deleted, err := e.DeleteSettings(t.Context(), conn, api.WriteOptions{})
	if err != nil || !strings.Contains(deleted.Effects[0].Detail, "now FULL") {
		t.Errorf("deleted %+v, %v", deleted, err)
	}
	if now, err := e.GetSettings(t.Context(), conn); err != nil || now.Generation != have.Generation {
		t.Errorf("after the delete they are %+v, %v", now, err)
	}
	_, err = e.PutSettings(t.Context(), conn, api.SchemaRegistrySettingsWrite{Compatibility: "DISABLED"}, api.WriteOptions{})
	want(t, err, api.CodeInvalid, "/compatibility")
}

func TestSubjectMode(t *testing.T) {
	e := own(t)
	body := api.SchemaWrite{Format: "AVRO", Schema: one, Mode: "READONLY"}
	made := e.put(t, "s", body)
	if read := e.get(t, "s"); made.Mode != "READONLY" || read.Generation != made.Generation {
		t.Errorf("made %+v, read %+v", made, read)
	}
	body.Schema = defaulted
	e.refused(t, "s", body, api.CodeProtected, "/mode", "READONLY")
	_, err := e.Delete(t.Context(), conn, "s", false, api.WriteOptions{DryRun: true})
	want(t, err, api.CodeProtected, "/mode")
	body.Mode, body.Compatibility = "", "FULL"
	if next := e.put(t, "s", body); next.Version != 2 || next.Mode != "" || next.Compatibility != "FULL" {
		t.Errorf("without a mode of its own it made %+v", next)
	}
	body.Mode = "READONLY"
	body.Schema = `{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"c","type":"int","default":0}]}`
	if next := e.put(t, "s", body); next.Version != 3 || next.Mode != "READONLY" {
		t.Errorf("with a mode that ends writing it made %+v", next)
	}
	body.Mode = "READWRITE"
	if next := e.put(t, "s", body); next.Version != 3 || next.Mode != "READWRITE" {
		t.Errorf("writable again it is %+v", next)
	}
	if _, err := e.Delete(t.Context(), conn, "s", true, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if again := e.put(t, "s", avroOf(one)); again.Mode != "" {
		t.Errorf("made anew it is %+v", again)
	}
}

// A registry may know Avro only, and a plan says so.
func TestFormatNotTaken(t *testing.T) {
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	mux := http.NewServeMux()
	mux.Handle("/", registry.New(st, slog.New(slog.DiscardHandler)).Handler())
	mux.HandleFunc("GET /schemas/types", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`["AVRO"]`)) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	e := newEnv(t, server.URL)
	for format, text := range map[string]string{"JSON": `{"type":"object"}`, "PROTOBUF": `syntax = "proto3"; message M { string a = 1; }`} {
		e.refused(t, real.Name(t), api.SchemaWrite{Format: format, Schema: text}, api.CodeInvalid, "/format", "takes AVRO")
	}
}

// Only a registry's own word makes a subject absent.
func TestNoAnswerIsNotAbsence(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"404 of something else": http.NotFound,
		"404 in HTML":           func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusNotFound) },
		"503":                   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"401":                   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"text":                  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			e := newEnv(t, server.URL)
			_, err := e.Get(t.Context(), conn, "s")
			want(t, err, api.CodeConnection, "/connection", `"registry"`)
			_, err = e.plan(t, "s", avroOf(one))
			want(t, err, api.CodeConnection, "/connection")
			_, err = e.Delete(t.Context(), conn, "s", false, api.WriteOptions{})
			want(t, err, api.CodeConnection, "/connection")
		})
	}
	t.Run("down", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		_, err := newEnv(t, server.URL).Get(t.Context(), conn, "s")
		want(t, err, api.CodeConnection, "/connection", "refused")
	})
}

func TestFormats(t *testing.T) { testFormats(t, own(t)) }

func TestRealFormats(t *testing.T) { testFormats(t, apicurio(t)) }

func testFormats(t *testing.T, e *env) {
	t.Helper()
	for _, test := range []struct {
		format, first, second, incompatible, form string
	}{
		{
			"JSON", `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"type":"string","maxLength":5}}}`,
			`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"type":"string","maxLength":9}}}`,
			`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"type":"integer"}}}`,
			"{ \"type\":\"object\",\n\"$schema\":\"http://json-schema.org/draft-07/schema#\", \"properties\":{\"a\":{\"maxLength\":5,\"type\":\"string\"}}}",
		},
		{
			"PROTOBUF", "syntax = \"proto3\";\nmessage M {\n string a = 1;\n}\n",
			"syntax = \"proto3\";\nmessage M {\n string a = 1;\n string b = 2;\n}\n",
			"syntax = \"proto3\";\nmessage M {\n int32 a = 1;\n}\n",
			"syntax = \"proto3\"; // the same\nmessage M { string a = 1; }",
		},
	} {
		t.Run(test.format, func(t *testing.T) {
			e, subject := e.in(t), real.Name(t)
			body := api.SchemaWrite{Format: test.format, Schema: test.first, Compatibility: "BACKWARD"}
			made := e.put(t, subject, body)
			if read := e.get(t, subject); read.Format != test.format || read.Generation != made.Generation || read.Fingerprint != made.Fingerprint {
				t.Errorf("made %+v, read %+v", made, read)
			}
			body.Schema = test.form
			if same := e.put(t, subject, body); same.Version != 1 {
				t.Errorf("another form of the same schema made %+v", same)
			}
			body.Schema = test.incompatible
			e.refused(t, subject, body, api.CodeIncompatible, "/schema", "not BACKWARD compatible")
			// A mode that is declared in the same write is heeded too.
			body.Compatibility = "FULL_TRANSITIVE"
			e.refused(t, subject, body, api.CodeIncompatible, "/schema", "not FULL_TRANSITIVE compatible")
			body.Compatibility = "BACKWARD"
			body.Schema = test.second
			if next := e.put(t, subject, body); next.Version != 2 {
				t.Errorf("a compatible schema made %+v", next)
			}
			if _, err := e.Delete(t.Context(), conn, subject, true, api.WriteOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRealProtobufReferences(t *testing.T) {
	e := apicurio(t)
	subject := real.Name(t)
	e.put(t, subject+"-base", api.SchemaWrite{Format: "PROTOBUF", Schema: "syntax = \"proto3\";\npackage x;\nmessage Base { string a = 1; }\n"})
	body := api.SchemaWrite{
		Format: "PROTOBUF", Schema: "syntax = \"proto3\";\npackage x;\nimport \"base.proto\";\nmessage M { Base b = 1; }\n",
		References: []api.SchemaReference{{Name: "base.proto", Subject: subject + "-base", Version: 1}},
	}
	made := e.put(t, subject, body)
	if again := e.put(t, subject, body); again.Generation != made.Generation {
		t.Errorf("the same again made %+v", again)
	}
}
