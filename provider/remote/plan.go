package remote

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// Change is what a plan does to an object.
type Change int

// The changes.
const (
	// Nothing changes.
	Nothing Change = iota
	Create
	Update
	// Replace deletes the object now in state. Its new one is planned as a Create of its own.
	Replace
	Delete
)

// NameRule says what [api.NamePattern] allows.
const NameRule = "must be 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begin and end with a letter or digit"

// planned tells what a plan does; replacing lists the attributes whose change needs a new object.
func planned(ctx context.Context, req resource.ModifyPlanRequest, diags *diag.Diagnostics, replacing ...string) Change {
	switch {
	case req.Plan.Raw.IsNull():
		return Delete
	case req.State.Raw.IsNull():
		return Create
	case req.Plan.Raw.Equal(req.State.Raw):
		return Nothing
	}
	for _, name := range replacing {
		if differs(ctx, req, name, diags) {
			return Replace
		}
	}
	return Update
}

// differs says whether an attribute changes, or may.
func differs(ctx context.Context, req resource.ModifyPlanRequest, name string, diags *diag.Diagnostics) bool {
	var planned, current attr.Value
	diags.Append(req.Plan.GetAttribute(ctx, path.Root(name), &planned)...)
	diags.Append(req.State.GetAttribute(ctx, path.Root(name), &current)...)
	return planned != nil && !planned.Equal(current)
}

// ValueAt is the text at a JSON pointer in what was sent to the daemon; empty when there is none.
func ValueAt(body any, pointer string) string {
	raw, err := json.Marshal(body)
	if err != nil {
		return ""
	}
	var at any
	if json.Unmarshal(raw, &at) != nil {
		return ""
	}
	for _, step := range spec.Steps(pointer) {
		switch v := at.(type) {
		case map[string]any:
			at = v[step]
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index < 0 || index >= len(v) {
				return ""
			}
			at = v[index]
		default:
			return ""
		}
	}
	text, _ := at.(string)
	return text
}

// planOptions are the options of the dry run of a change.
func planOptions(ctx context.Context, change Change, private privateData) api.WriteOptions {
	if change == Create {
		return api.WriteOptions{DryRun: true, CreateOnly: true}
	}
	return api.WriteOptions{DryRun: true, Generation: generation(ctx, private)}
}

// DryDelete explains what deleting an object takes away, or why it is refused. That others still use it is no error in
// a plan: they may be deleted in the same apply, before it.
func DryDelete(diags *diag.Diagnostics, request explain.Request, what string, deletion *api.Deletion, err error) {
	if err != nil {
		request.Judged(diags, err, func(e api.Error) explain.Severity {
			if e.Code == api.CodeInUse || e.Code == api.CodeNotFound {
				return explain.Ignore
			}
			return explain.Fail
		})
		return
	}
	lines := make([]string, 0, len(deletion.Effects))
	for _, effect := range deletion.Effects {
		lines = append(lines, strings.TrimSpace("- "+effect.Summary+". "+effect.Detail))
	}
	if len(lines) > 0 {
		diags.AddWarning("What goes with "+what, strings.Join(lines, "\n"))
	}
}
