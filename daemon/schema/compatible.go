package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/schemacompat"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

const (
	// modeNone is the mode in which everything goes.
	modeNone = "NONE"
	// modeDisabled is AWS Glue's mode in which nothing goes.
	modeDisabled = "DISABLED"
	// transitiveSuffix is how the names end of modes in which all versions are compared, not the latest alone.
	transitiveSuffix = "_TRANSITIVE"
)

// modes are Confluent's compatibility modes, and Glue's DISABLED.
func modes() []string {
	return []string{modeNone, "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE", modeDisabled}
}

func backward(mode string) bool {
	return strings.HasPrefix(mode, "BACKWARD") || strings.HasPrefix(mode, "FULL")
}

func forward(mode string) bool {
	return strings.HasPrefix(mode, "FORWARD") || strings.HasPrefix(mode, "FULL")
}

func transitive(mode string) bool { return strings.HasSuffix(mode, transitiveSuffix) }

// compatible checks the schema against the versions that are there, in the mode that will be in force. A registry checks
// in the mode in force now, given the subject's own one; where these differ, and nothing may be changed to find out, or
// where the registry does not check before it registers, the check is made here.
func (w *write) compatible(ctx context.Context, own string) error {
	after, now, err := w.inForce(ctx, own)
	if err != nil {
		return err
	}
	switch {
	case after == modeNone:
		return nil
	case after == modeDisabled:
		return w.incompatible([]string{"In mode DISABLED the subject takes no new version."}, after)
	case w.r.Traits().Checks && after == now:
		return w.compatibleByRegistry(ctx, after)
	}
	reasons, err := w.differences(ctx, after)
	if err != nil {
		w.notes = []api.Warning{{
			Summary: fmt.Sprintf("Whether the schema is %s compatible with subject %q is checked when applying", after, w.subject), Attribute: "/schema",
			Detail: fmt.Sprintf("The registry does not tell before, and Headgate could not find out by itself: %s.", said(err)),
		}}
		return nil
	}
	if len(reasons) == 0 {
		return nil
	}
	return w.incompatible(reasons, after)
}

// inForce are the modes that will hold and that hold now.
func (w *write) inForce(ctx context.Context, own string) (after, now string, err error) {
	after, now = w.compatibility(), own
	if after != "" && now != "" {
		return after, now, nil
	}
	global, err := w.r.inherited(ctx)
	return cmp.Or(after, global), cmp.Or(now, global), err
}

func (w *write) compatibleByRegistry(ctx context.Context, mode string) error {
	err := w.r.Check(ctx, w.subject, w.text())
	if err == nil {
		return nil
	}
	if !is(err, Incompatible) {
		return w.r.refused("check the compatibility of the schema", err)
	}
	return w.incompatible(w.reasons(ctx, mode, err), mode)
}

// reasons are those of the registry. What it does not tell can be found out; that it fails changes nothing about the
// refusal.
func (w *write) reasons(ctx context.Context, mode string, refusal error) []string {
	reasons := reasonsOf(refusal)
	if slices.ContainsFunc(reasons, isSentence) {
		return reasons
	}
	found, err := w.differences(ctx, mode)
	if err != nil {
		w.r.log.DebugContext(ctx, "reasons of an incompatibility are not known", "subject", w.subject, "error", err)
	}
	if len(found) > 0 && len(reasons) > 0 {
		found = append(found, "The registry says: "+strings.Join(reasons, "; ")+".")
	}
	if len(found) > 0 {
		return found
	}
	return reasons
}

// isSentence says whether a reason is more than a place: Apicurio's for a field of Avro without a default are its name and
// where it is, "total at /fields/1".
func isSentence(reason string) bool { return len(strings.Fields(reason)) > 4 }

func (w *write) incompatible(reasons []string, mode string) error {
	if len(reasons) == 0 {
		reasons = []string{"The registry refuses it without saying why."}
	}
	summary := fmt.Sprintf("The schema is not compatible with subject %q", w.subject)
	if mode != "" {
		summary = fmt.Sprintf("The schema is not %s compatible with subject %q", mode, w.subject)
	}
	return api.Refused(api.CodeIncompatible, "/schema", summary, strings.Join(reasons, "\n"), modeRemedy(mode))
}

func modeRemedy(mode string) string {
	var change string
	switch {
	case mode == modeDisabled:
		return "Set another compatibility on the subject, or begin a new subject."
	case backward(mode) && forward(mode):
		change = "Add and remove only fields that have a default"
	case backward(mode):
		change = "Give every new field a default, and change no type"
	case forward(mode):
		change = "Remove only fields that have a default, and change no type"
	default:
		change = "Change the schema so that it is compatible"
	}
	return change + `; or set another compatibility on the subject; or begin a new subject; or, where every reader is known to cope, set on_incompatible = "override".`
}

// reasonsOf are the reasons that a registry gives, or else its words, none where it only says no.
func reasonsOf(err error) []string {
	fault, ok := errors.AsType[*AnswerError](err)
	switch {
	case !ok || fault.Status == 0 && len(fault.Reasons) == 0:
		return nil
	case len(fault.Reasons) > 0:
		return fault.Reasons
	}
	return []string{said(err)}
}

// differences lists why the schema may not follow the versions that are there in a mode, as far as it can be found out
// here.
func (w *write) differences(ctx context.Context, mode string) ([]string, error) {
	candidate, err := w.parse(ctx, "the schema", w.text(), w.texts)
	if err != nil {
		return nil, err
	}
	versions, err := w.earlier(ctx, transitive(mode))
	if err != nil {
		return nil, err
	}
	var reasons []string
	for _, v := range versions {
		texts, err := w.r.texts(ctx, v.References)
		if err != nil {
			return nil, err
		}
		earlier, err := w.parse(ctx, fmt.Sprintf("version %d", v.Number), v.Text, texts)
		if err != nil {
			return nil, err
		}
		found, err := schemacompat.Check(ctx, schemacompat.Mode(mode), candidate, earlier)
		if err != nil {
			return nil, fmt.Errorf("compare with version %d: %w", v.Number, err)
		}
		reasons = append(reasons, found...)
	}
	return reasons, nil
}

func (w *write) parse(ctx context.Context, name string, text Text, texts []Reference) (schemacompat.Version, error) {
	parsed, err := schemacompat.Parse(ctx, schematext.Schema{Format: text.Format, Text: text.Schema, References: ByName(texts)})
	if err != nil {
		return schemacompat.Version{}, fmt.Errorf("read %s: %w", name, err)
	}
	return schemacompat.Version{Name: name, Schema: parsed}, nil
}

// earlier reads the latest version, or every one.
func (w *write) earlier(ctx context.Context, every bool) ([]*Version, error) {
	numbers := []int64{latest}
	if every {
		var err error
		if numbers, err = w.r.numbers(ctx, w.subject, false); err != nil {
			return nil, err
		}
	}
	var versions []*Version
	for _, number := range numbers {
		found, err := w.r.version(ctx, w.subject, number)
		if err != nil {
			return nil, err
		}
		if found != nil {
			versions = append(versions, found)
		}
	}
	return versions, nil
}
