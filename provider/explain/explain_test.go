package explain_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

var request = explain.Request{
	Doing:    `create topic "orders"`,
	Resource: "headgate_topic",
	ImportID: "main/orders",
	Where: func(pointer string) path.Path {
		switch pointer {
		case "/elsewhere":
			return path.Empty()
		case "/nested":
			return path.Root("kafka").AtName("tls")
		}
		return path.Root(strings.TrimPrefix(pointer, "/"))
	},
}

func TestErrorsAreWordedForPeople(t *testing.T) {
	several := api.Invalid("/partitions", "Too few partitions", "There are 0.", "Write at least 1.")
	several.RequestID = "r-17"
	several.More = []api.Error{*api.Invalid("/config", "Unknown config", "", ""), *api.Invalid("/elsewhere", "Odd", "", ""), *api.Invalid("/nested", "Deep", "", "")}
	for _, tt := range []struct {
		name string
		err  error
		want []string
	}{
		{"each on its attribute", several, []string{
			"error at partitions: Too few partitions: There are 0.|Write at least 1.|Request: r-17",
			"error at config: Unknown config: Request: r-17",
			"error: Odd: Request: r-17",
			"error at kafka: Deep: Request: r-17|Attribute: kafka.tls",
		}},
		{"wrapped", fmt.Errorf("put: %w", api.NotFound("Topic", "orders")), []string{`error: Topic "orders" does not exist: `}},
		{"canceled", context.Canceled, []string{`error: No answer in time: Terraform stopped waiting for the Headgate daemon to create topic "orders".`}},
		{"anything", errors.New("odd"), []string{`error: Cannot create topic "orders": odd`}},
		{"unreachable", &api.UnreachableError{Endpoint: "http://x:1", Err: errors.New("connection refused")}, []string{
			`error: Cannot reach the Headgate daemon: Could not create topic "orders": no answer from http://x:1: connection refused.`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var diags diag.Diagnostics
			request.Error(&diags, tt.err)
			compare(t, diags, tt.want)
		})
	}
}

func TestWhatExistsAlreadyCanBeImported(t *testing.T) {
	var diags diag.Diagnostics
	request.Error(&diags, api.AlreadyExists("Topic", "orders", "Choose another name, or import it."))
	detail := diags[0].Detail()
	for _, want := range []string{"terraform import headgate_topic.<name> 'main/orders'", "to = headgate_topic.<name>", `id = "main/orders"`, "moved {\n      from = headgate_topic.<old>\n      to   = headgate_topic.<name>\n"} {
		if !strings.Contains(detail, want) {
			t.Errorf("%q is missing in:\n%s", want, detail)
		}
	}
}

func TestErrorsCanBeJudged(t *testing.T) {
	err := api.NotFound("Topic", "a")
	err.More = []api.Error{*api.Invalid("/name", "Bad", "", ""), *api.Conflict("Topic", "a")}
	var diags diag.Diagnostics
	request.Judged(&diags, err, func(e api.Error) explain.Severity {
		switch e.Code {
		case api.CodeNotFound:
			return explain.Ignore
		case api.CodeInvalid:
			return explain.Warn
		}
		return explain.Fail
	})
	compare(t, diags, []string{"warning at name: Bad: ", `error: Topic "a" was changed`})
}

func TestWarningsAreOnTheirAttribute(t *testing.T) {
	var diags diag.Diagnostics
	request.Warnings(&diags, []api.Warning{{Summary: "Open to all", Detail: "No password.", Attribute: "/kafka"}, {Summary: "Old"}})
	compare(t, diags, []string{"warning at kafka: Open to all: No password.", "warning: Old: "})
}

func compare(t *testing.T, diags diag.Diagnostics, want []string) {
	t.Helper()
	if len(diags) != len(want) {
		t.Fatalf("%d diagnostics, want %d: %v", len(diags), len(want), diags)
	}
	for i, d := range diags {
		if got := line(d); !strings.HasPrefix(got, want[i]) {
			t.Errorf("%d:\n got %s\nwant %s", i, got, want[i])
		}
	}
}

func line(d diag.Diagnostic) string {
	at := ""
	if located, ok := d.(diag.DiagnosticWithPath); ok {
		at = " at " + located.Path().String()
	}
	return strings.ToLower(d.Severity().String()) + at + ": " + d.Summary() + ": " + strings.ReplaceAll(d.Detail(), "\n\n", "|")
}

func TestPathsThatTerraformCanShow(t *testing.T) {
	for _, tt := range []struct{ at, want path.Path }{
		{path.Empty(), path.Empty()},
		{path.Root("name"), path.Root("name")},
		{path.Root("config").AtMapKey("a.b"), path.Root("config").AtMapKey("a.b")},
		{path.Root("kafka").AtName("sasl").AtName("username"), path.Root("kafka")},
		{path.Root("kafka").AtName("topics").AtListIndex(1), path.Root("kafka")},
	} {
		if got := explain.Shown(tt.at); !got.Equal(tt.want) {
			t.Errorf("%s: %s, want %s", tt.at, got, tt.want)
		}
	}
}
