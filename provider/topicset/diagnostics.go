package topicset

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// shownErrors is how many topics' errors are shown one by one.
const shownErrors = 50

// deleting is what is done to a topic that has no entry any more.
const deleting = "delete"

// diagnostics are what Terraform shows. Of thousands of topics with errors it shows some, and how many more there are.
type diagnostics struct {
	all []*tfprotov6.Diagnostic
	// failed counts the topics with errors; shared are the errors that are not about one topic, by summary.
	failed int
	shared map[string]bool
}

func (d *diagnostics) hasError() bool {
	for _, one := range d.all {
		if one.Severity == tfprotov6.DiagnosticSeverityError {
			return true
		}
	}
	return false
}

func (d *diagnostics) fail(where *tftypes.AttributePath, summary, detail string) {
	d.add(tfprotov6.DiagnosticSeverityError, where, summary, detail)
}

func (d *diagnostics) warn(summary, detail string) {
	d.add(tfprotov6.DiagnosticSeverityWarning, nil, summary, detail)
}

func (d *diagnostics) add(severity tfprotov6.DiagnosticSeverity, where *tftypes.AttributePath, summary, detail string) {
	if where != nil && len(where.Steps()) > 1 { // Terraform does not say which entry it points to
		detail = strings.TrimSpace(detail + "\n\nAttribute: " + explain.PathText(where))
	}
	d.all = append(d.all, &tfprotov6.Diagnostic{Severity: severity, Summary: summary, Detail: detail, Attribute: where})
}

// error adds an error that is about the whole set.
func (d *diagnostics) error(doing string, err error) {
	d.judged(explain.Request{Doing: doing}, nil, err)
}

// topicError adds the error of one topic, on its entry.
func (d *diagnostics) topicError(doing, connection, name string, err *api.Error) {
	if err.Code == api.CodeConnection || err.Attribute == "/connection" {
		first := err.All()[0]
		d.once(doing, &first)
		if err = err.Rest(); err == nil {
			return
		}
	}
	if !d.show() {
		return
	}
	request := explain.Request{Doing: fmt.Sprintf("%s topic %q", doing, name)}
	for _, one := range err.All() {
		one.RequestID = err.RequestID
		if one.Code == api.CodeAlreadyExists {
			one.Remedy = fmt.Sprintf("To take it over with its records, set %s = true; to take over a whole cluster or a prefix, import a new set: terraform import %s.<name> '%s/<prefix>*'. Or choose another name.\n\n"+
				"If state has it already, because the set was renamed, say that instead:\n\n%s", attrAdopt, TypeName, connection, explain.Moved(TypeName, "<name>"))
		}
		if one.Code == api.CodeProtected && doing == deleting {
			one.Remedy = fmt.Sprintf("To keep the topic without the set, have Terraform forget the set:\n\n%s\n\nand import it again with the names that stay: terraform import %s.<name> '%s/<topic>,<topic>'.\n\n"+
				"To delete the topic with its records: set deletion_protection = false on its entry and apply; then take the entry away.", explain.Removed(TypeName), TypeName, connection)
		}
		d.judged(request, entryPath(name, one.Attribute), &one)
	}
}

// show counts a topic with errors, and says whether to show them.
func (d *diagnostics) show() bool {
	d.failed++
	return d.failed <= shownErrors
}

// once adds an error that every topic has once.
func (d *diagnostics) once(doing string, err *api.Error) {
	if d.shared[err.Summary] {
		return
	}
	if d.shared == nil {
		d.shared = map[string]bool{}
	}
	d.shared[err.Summary] = true
	where := (*tftypes.AttributePath)(nil)
	if err.Attribute == "/connection" {
		where = tftypes.NewAttributePath().WithAttributeName(attrConnection)
	}
	d.judged(explain.Request{Doing: doing + " topics"}, where, err)
}

// end says how many topics' errors were left out.
func (d *diagnostics) end() {
	if more := d.failed - shownErrors; more > 0 {
		d.fail(nil, fmt.Sprintf("%d more topics have errors", more), "Correct those that are shown, and plan again to see the others.")
	}
	d.failed = 0
}

func (d *diagnostics) judged(request explain.Request, where *tftypes.AttributePath, err error) {
	var found diag.Diagnostics
	request.Error(&found, err)
	for _, one := range found {
		d.fail(where, one.Summary(), one.Detail())
	}
}

// entryPath is the path of what a JSON pointer into one topic's part of a request is about.
func entryPath(name, pointer string) *tftypes.AttributePath {
	steps := spec.Steps(pointer)
	if len(steps) == 0 {
		return at(name)
	}
	switch steps[0] {
	case attrThrottle:
		return tftypes.NewAttributePath().WithAttributeName(attrThrottle)
	case attrPartitions, attrReplication, attrDescription, attrProtection:
		return at(name).WithAttributeName(steps[0])
	case attrConfig, attrLabels:
		if len(steps) > 1 && steps[1] == api.RetentionConfig {
			return at(name).WithAttributeName(attrRetention)
		}
		if len(steps) > 1 {
			return at(name).WithAttributeName(steps[0]).WithElementKeyString(steps[1])
		}
		return at(name).WithAttributeName(steps[0])
	}
	return at(name)
}
