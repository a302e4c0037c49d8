// Package explain turns the daemon's errors and warnings into Terraform's diagnostics, each on the attribute that it is
// about, with what to do.
package explain

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Request is what the provider asked the daemon for.
type Request struct {
	// Doing says what, for errors that the daemon did not word, such as `create topic "orders"`.
	Doing string
	// Where finds the attribute that a JSON pointer into the request body is about, or the empty path. It may be nil.
	Where func(pointer string) path.Path
	// Resource is the type of the resource and ImportID its import id, for an object that exists already.
	Resource string
	ImportID string
}

// Severity is how bad an error is to the one who asked.
type Severity int

// The severities.
const (
	Fail Severity = iota
	Warn
	Ignore
)

// Error adds everything that an error says.
func (r Request) Error(diags *diag.Diagnostics, err error) {
	r.Judged(diags, err, func(api.Error) Severity { return Fail })
}

// Judged adds what an error says; judge decides how bad each of the daemon's errors is.
func (r Request) Judged(diags *diag.Diagnostics, err error, judge func(api.Error) Severity) {
	var answer *api.Error
	var unreachable *api.UnreachableError
	switch {
	case errors.As(err, &answer):
		for _, e := range answer.All() {
			e.RequestID = answer.RequestID
			r.one(diags, e, judge(e))
		}
		r.Warnings(diags, answer.Warnings)
	case errors.As(err, &unreachable):
		diags.AddError("Cannot reach the Headgate daemon", unreachableDetail(r.Doing, unreachable))
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		diags.AddError("No answer in time", fmt.Sprintf("Terraform stopped waiting for the Headgate daemon to %s. It may still happen; terraform plan shows whether it did.", r.Doing))
	default:
		diags.AddError("Cannot "+r.Doing, err.Error())
	}
}

func (r Request) one(diags *diag.Diagnostics, e api.Error, severity Severity) {
	detail := r.detail(e)
	switch severity {
	case Ignore:
	case Warn:
		diags.Append(r.on(e.Attribute, e.Summary, detail, diag.SeverityWarning))
	default:
		diags.Append(r.on(e.Attribute, e.Summary, detail, diag.SeverityError))
	}
}

func (r Request) detail(e api.Error) string {
	parts := []string{e.Detail, e.Remedy}
	switch e.Code {
	case api.CodeAlreadyExists:
		parts = append(parts, r.importHint())
	case api.CodeConnection:
		if strings.HasPrefix(r.Doing, "check ") && r.Resource != "headgate_connection" {
			parts = append(parts, "A plan asks through the connection as it is now. If this plan corrects the connection, apply that first: terraform apply -target=headgate_connection.<name>.")
		}
	case api.CodeNotFound:
		switch {
		case strings.HasSuffix(e.Attribute, "/connection"), strings.HasPrefix(e.Attribute, "/connections/"):
			parts = append(parts, "If the same configuration declares it, refer to it as headgate_connection.<name>.name, so that it is made first.")
		case strings.HasPrefix(r.Doing, "import "):
			parts = append(parts, fmt.Sprintf("So there is nothing to import by the id %q. Check its spelling; without an import, Terraform makes what the configuration declares.", r.ImportID))
		case e.Remedy == "" && (strings.HasPrefix(r.Doing, "read ") || strings.HasPrefix(r.Doing, "preview ")):
			parts = append(parts, "Check the name. If the same configuration makes it, refer to the resource that does, so that it is read after it is made.")
		}
	case api.CodeProtected:
		if strings.HasPrefix(r.Doing, "delete ") && r.Resource != "" {
			parts = append(parts, "To keep it and have Terraform forget it, write in the place of the resource:\n\n"+Removed(r.Resource))
		}
	case api.CodeUnauthorized:
		parts = append(parts, "The token is the provider's attribute token, or the environment variable HEADGATE_TOKEN.")
	}
	if e.RequestID != "" {
		parts = append(parts, "Request: "+e.RequestID)
	}
	return paragraphs(parts...)
}

func (r Request) importHint() string {
	if r.Resource == "" {
		return ""
	}
	address := r.Resource + ".<name>"
	return fmt.Sprintf("To manage what is there with Terraform, import it:\n\n    terraform import %s '%s'\n\nor write beside the resource:\n\n    import {\n      to = %s\n      id = %q\n    }\n\n"+
		"If state has it already, because the resource was renamed, say that instead:\n\n%s",
		address, r.ImportID, address, r.ImportID, Moved(r.Resource, "<name>"))
}

// Moved is the block that tells Terraform of a resource's new name.
func Moved(resourceType, to string) string {
	return fmt.Sprintf("    moved {\n      from = %s.<old>\n      to   = %s.%s\n    }", resourceType, resourceType, to)
}

// Removed is the block that has Terraform forget a resource and leave alone what it stands for.
func Removed(resourceType string) string {
	return fmt.Sprintf("    removed {\n      from = %s.<name>\n      lifecycle {\n        destroy = false\n      }\n    }", resourceType)
}

func unreachableDetail(doing string, e *api.UnreachableError) string {
	said := fmt.Sprintf("Could not %s: no answer from %s: %s.", doing, e.Endpoint, e.Err)
	switch {
	case e.Certificate():
		return paragraphs(said, "The provider's ca_certificate (or HEADGATE_CA_CERTIFICATE) must hold the authority of the daemon's certificate, and endpoint a name that is in it.")
	case e.Misconfigured():
		return paragraphs(said, "That is the provider's endpoint, or HEADGATE_ENDPOINT.")
	}
	if !strings.HasPrefix(doing, "read ") && !strings.HasPrefix(doing, "check ") {
		said += " If it had begun, it may have been done; terraform plan shows whether it was."
	}
	return paragraphs(said, "Nothing was removed from Terraform's state. Check that headgated is running there, and the provider's endpoint (or HEADGATE_ENDPOINT).")
}

// Warnings adds what the daemon wants people to know.
func (r Request) Warnings(diags *diag.Diagnostics, warnings []api.Warning) {
	for _, w := range warnings {
		diags.Append(r.on(w.Attribute, w.Summary, w.Detail, diag.SeverityWarning))
	}
}

func (r Request) on(pointer string, summary, detail string, severity diag.Severity) diag.Diagnostic {
	at := path.Empty()
	if pointer != "" && r.Where != nil {
		at = r.Where(pointer)
	}
	shown := Shown(at)
	if !shown.Equal(at) {
		detail = paragraphs(detail, "Attribute: "+at.String())
	}
	var d diag.Diagnostic = diag.NewErrorDiagnostic(summary, detail)
	if severity == diag.SeverityWarning {
		d = diag.NewWarningDiagnostic(summary, detail)
	}
	if len(shown.Steps()) == 0 {
		return d
	}
	return diag.WithPath(shown, d)
}

// Shown is the part of an attribute's path that Terraform can point to in a configuration. Of a path into a nested
// attribute it shows nothing but the head of the resource; of the nested attribute itself it shows all lines.
func Shown(at path.Path) path.Path {
	shown := path.Empty()
	for i, step := range at.Steps() {
		switch s := step.(type) {
		case path.PathStepAttributeName:
			if i > 0 {
				return path.Root(at.Steps()[0].String())
			}
			shown = path.Root(string(s))
		case path.PathStepElementKeyString:
			shown = shown.AtMapKey(string(s))
		case path.PathStepElementKeyInt:
			shown = shown.AtListIndex(int(s))
		}
	}
	return shown
}

// PathText writes the path of an attribute as a configuration does.
func PathText(at *tftypes.AttributePath) string {
	var b strings.Builder
	for _, step := range at.Steps() {
		switch s := step.(type) {
		case tftypes.AttributeName:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(string(s))
		case tftypes.ElementKeyString:
			fmt.Fprintf(&b, "[%q]", string(s))
		case tftypes.ElementKeyInt:
			fmt.Fprintf(&b, "[%d]", int64(s))
		case tftypes.ElementKeyValue: // of a set, which has no names for its elements
			b.WriteString("[*]")
		}
	}
	return b.String()
}

// Failure words an error that happened while something was running.
func Failure(f api.Failure) string { return paragraphs(f.Summary, f.Detail, f.Remedy) }

func paragraphs(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "\n\n")
}
