package schema_test

import (
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeglue"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func newGlue(t *testing.T) (*fakeglue.Fake, *env) {
	t.Helper()
	g := fakeglue.Start(t, real.DedicatedMoto(t))
	return g, newEnvOf(t, "glue", g.Spec())
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
func testGlueFailure(e *env, g *fakeglue.Fake) {
	t := e.t
	subject := real.Name(t)
	e.put(t, subject, api.SchemaWrite{Format: "AVRO", Schema: one, Compatibility: "BACKWARD"})
	g.Refuse(true)
	defer g.Refuse(false)
	_, err := e.Put(t.Context(), conn, subject, avroOf(defaulted), api.WriteOptions{}, "")
	want(t, err, api.CodeIncompatible, "/schema", "not BACKWARD compatible")
	if deleted := g.Deleted(); len(deleted) != 1 || deleted[0] != "7" {
		t.Errorf("deleted the versions %q", deleted)
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
