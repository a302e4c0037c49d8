package schema

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

// modeNone is the mode in which everything goes.
const modeNone = "NONE"

// modes are Confluent's compatibility modes.
func modes() []string {
	return []string{modeNone, "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}
}

func backward(mode string) bool {
	return strings.HasPrefix(mode, "BACKWARD") || strings.HasPrefix(mode, "FULL")
}

func forward(mode string) bool {
	return strings.HasPrefix(mode, "FORWARD") || strings.HasPrefix(mode, "FULL")
}

func transitive(mode string) bool { return strings.HasSuffix(mode, "_TRANSITIVE") }

// implies says whether everything that the first mode takes is taken by the second.
func implies(first, second string) bool {
	return (backward(first) || !backward(second)) && (forward(first) || !forward(second)) && (transitive(first) || !transitive(second))
}

// compatible checks the schema against the versions that are there, in the mode that will be in force. A registry checks
// in the mode in force now, given the subject's own one; where these differ, and nothing may be changed to find out, Avro
// is checked here, and others as far as the present mode tells.
func (w *write) compatible(ctx context.Context, own string) error {
	after, now := w.Compatibility, own
	if !w.knows("/compatibility") {
		after = own
	}
	if after == "" || now == "" {
		global, err := w.r.globalMode(ctx)
		if err != nil {
			return err
		}
		after, now = cmp.Or(after, global), cmp.Or(now, global)
	}
	switch {
	case after == modeNone:
		return nil
	case after == now:
		return w.compatibleByRegistry(ctx, after, "")
	case w.Format == schematext.FormatAvro && w.have.Format == schematext.FormatAvro:
		reasons, err := w.avroReasons(ctx, after)
		if err != nil || len(reasons) == 0 {
			return err
		}
		return w.incompatible(reasons, after, "")
	case now != modeNone && implies(after, now):
		return w.compatibleByRegistry(ctx, now, fmt.Sprintf("The registry checked it in mode %s, which is in force now; mode %s takes nothing more.", now, after))
	}
	return nil
}

func (w *write) compatibleByRegistry(ctx context.Context, mode, note string) error {
	answer, err := w.ask(ctx)
	if isIncompatible(err) {
		return w.incompatible([]string{said(err)}, mode, note)
	}
	if err != nil {
		return w.r.refused("check the compatibility of the schema", err)
	}
	if answer.Is {
		return nil
	}
	reasons := answer.Messages
	if len(reasons) == 0 && w.Format == schematext.FormatAvro {
		// What the registry does not tell can be found out; that it fails changes nothing about the refusal.
		reasons, err = w.avroReasons(ctx, mode)
		if err != nil {
			w.r.log.DebugContext(ctx, "reasons of an incompatibility are not known", "subject", w.subject, "error", err)
		}
	}
	return w.incompatible(reasons, mode, note)
}

// ask has the registry choose the versions by its mode. Old registries only compare with a version that is named.
func (w *write) ask(ctx context.Context) (sr.CheckCompatibilityResult, error) {
	ctx = sr.WithParams(ctx, sr.Verbose)
	answer, err := w.r.client.CheckCompatibility(ctx, w.subject, all, w.schema)
	if s := status(err); (s == http.StatusNotFound || s == http.StatusMethodNotAllowed) && !isAbsent(err) {
		return w.r.client.CheckCompatibility(ctx, w.subject, latest, w.schema)
	}
	return answer, err
}

func (w *write) incompatible(reasons []string, mode, note string) error {
	parts := reasons
	if len(parts) == 0 {
		parts = []string{"The registry refuses it without saying why."}
	}
	if note != "" {
		parts = append(parts, note)
	}
	summary := fmt.Sprintf("The schema is not compatible with subject %q", w.subject)
	if mode != "" {
		summary = fmt.Sprintf("The schema is not %s compatible with subject %q", mode, w.subject)
	}
	return api.Refused(api.CodeIncompatible, "/schema", summary, strings.Join(parts, "\n"), modeRemedy(mode))
}

func modeRemedy(mode string) string {
	var change string
	switch {
	case backward(mode) && forward(mode):
		change = "Add and remove only fields that have a default"
	case backward(mode):
		change = "Give every new field a default, and change no type"
	case forward(mode):
		change = "Remove only fields that have a default, and change no type"
	default:
		change = "Change the schema so that it is compatible"
	}
	return change + "; or set another compatibility on the subject; or begin a new subject."
}

func isIncompatible(err error) bool { return status(err) == http.StatusConflict }

// avroReasons compares Avro schemas in a mode, by the Avro specification's schema resolution.
func (w *write) avroReasons(ctx context.Context, mode string) ([]string, error) {
	candidate, err := parseAvro(w.Schema, w.texts)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	versions, err := w.versions(ctx, transitive(mode))
	if err != nil {
		return nil, err
	}
	var reasons []string
	for _, v := range versions {
		texts, err := w.r.texts(ctx, apiReferences(v.References))
		if err != nil {
			return nil, w.r.failure("read earlier versions", err)
		}
		earlier, err := parseAvro(v.Schema.Schema, texts)
		if err != nil {
			return nil, fmt.Errorf("read version %d of subject %q: %w", v.Version, w.subject, err)
		}
		reasons = append(reasons, avroDifferences(candidate, earlier, v.Version, mode)...)
	}
	return reasons, nil
}

func avroDifferences(candidate, earlier *avro.Schema, version int, mode string) []string {
	var reasons []string
	if backward(mode) {
		if err := avro.CheckCompatibility(earlier, candidate); err != nil {
			reasons = append(reasons, fmt.Sprintf("It cannot read what version %d writes: %v.", version, err))
		}
	}
	if forward(mode) {
		if err := avro.CheckCompatibility(candidate, earlier); err != nil {
			reasons = append(reasons, fmt.Sprintf("Version %d cannot read what it writes: %v.", version, err))
		}
	}
	return reasons
}

// versions reads the latest version, or every one.
func (w *write) versions(ctx context.Context, every bool) ([]sr.SubjectSchema, error) {
	if every {
		versions, err := w.r.client.Schemas(ctx, w.subject)
		if err != nil {
			return nil, w.r.failure("read earlier versions", err)
		}
		return versions, nil
	}
	found, err := w.r.latest(ctx, w.subject)
	if err != nil || found == nil {
		return nil, err
	}
	return []sr.SubjectSchema{*found}, nil
}

func parseAvro(text string, texts []referred) (*avro.Schema, error) {
	var cache avro.SchemaCache
	for _, one := range texts {
		if _, err := cache.Parse(one.text); err != nil {
			return nil, fmt.Errorf("reference %s: %w", one.name, err)
		}
	}
	return cache.Parse(text)
}
