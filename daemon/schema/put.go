package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// showTimeout bounds the wait until the registry answers what was just written: where several registries serve one URL,
// they follow their leader each at its own pace.
const showTimeout = 10 * time.Second

// Put registers a schema where it differs in meaning from the latest version, and sets or takes back the subject's
// compatibility mode.
func (s *Service) Put(ctx context.Context, connection, subject string, body api.SchemaWrite, opts api.WriteOptions, idempotencyKey string) (*api.Schema, error) {
	d := declaration{body}
	if err := d.check(subject); err != nil {
		return nil, err
	}
	r, err := s.registry(ctx, connection)
	if err != nil {
		return nil, err
	}
	if opts.DryRun {
		w, err := s.prepare(ctx, r, subject, d, opts, idempotencyKey)
		if err != nil {
			return nil, err
		}
		return w.plan(ctx)
	}
	unlock, err := s.writing.Lock(ctx, creation(connection, subject))
	if err != nil {
		return nil, err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	w, err := s.prepare(ctx, r, subject, d, opts, idempotencyKey)
	if err != nil {
		return nil, err
	}
	if w.have == nil {
		return s.create(ctx, w, idempotencyKey)
	}
	return w.update(ctx)
}

// declaration is a schema as it is declared.
type declaration struct{ api.SchemaWrite }

// check finds what is wrong without asking anyone.
func (d declaration) check(subject string) error {
	if subject == "" {
		return api.Invalid("/subject", "The subject needs a name", "", "Give it one, such as orders-value for the values of topic orders.")
	}
	formats := []string{schematext.FormatAvro, schematext.FormatJSON, schematext.FormatProtobuf}
	if d.knows("/format") && !slices.Contains(formats, d.Format) {
		return api.Invalid("/format", "There is no such schema format", "", "Use one of "+strings.Join(formats, ", ")+".")
	}
	if d.knows("/compatibility") && d.Compatibility != "" && !slices.Contains(modes(), d.Compatibility) {
		return api.Invalid("/compatibility", "There is no such compatibility mode", "", "Use one of "+strings.Join(modes(), ", ")+".")
	}
	for i, ref := range d.References {
		if at := spec.Join("/references", strconv.Itoa(i)); ref.Version < 1 && d.knowsAll(at) {
			return api.Invalid(at+"/version", "The reference needs a version", "Versions count from 1.", "Name a version of subject "+ref.Subject+".")
		}
	}
	return nil
}

// knows says whether a value is known already.
func (d declaration) knows(pointer string) bool { return !slices.Contains(d.Unknown, pointer) }

// knowsAll says whether a value, and everything in it and around it, is known already.
func (d declaration) knowsAll(pointer string) bool {
	return !slices.ContainsFunc(d.Unknown, func(unknown string) bool {
		return strings.HasPrefix(unknown+"/", pointer+"/") || strings.HasPrefix(pointer+"/", unknown+"/")
	})
}

// readable says whether enough is known to read the schema.
func (d declaration) readable() bool {
	return d.knows("/format") && d.knows("/schema") && d.knowsAll("/references")
}

func (d declaration) registrySchema() (sr.Schema, error) {
	var format sr.SchemaType
	if err := format.UnmarshalText([]byte(d.Format)); err != nil {
		return sr.Schema{}, fmt.Errorf("format of schema: %w", err)
	}
	return sr.Schema{Schema: d.Schema, Type: format, References: registryReferences(d.References)}, nil
}

// write is one write to a subject, after everything that can be checked without the schema before it.
type write struct {
	r       *registry
	subject string
	declaration
	schema sr.Schema
	texts  []referred
	have   *api.Schema // nil: the subject does not exist
	own    string      // the subject's own mode; a subject without versions can have one too
	print  string
}

func (s *Service) prepare(ctx context.Context, r *registry, subject string, d declaration, opts api.WriteOptions, idempotencyKey string) (*write, error) {
	w := &write{r: r, subject: subject, declaration: d}
	if err := w.read(ctx); err != nil {
		return nil, err
	}
	if err := w.expected(opts); err != nil {
		return nil, err
	}
	if err := w.validate(ctx); err != nil {
		return nil, err
	}
	if w.have == nil || !opts.CreateOnly {
		return w, nil
	}
	adopt, err := s.store.Unanswered(ctx, noun, creation(r.name, subject), idempotencyKey)
	if err != nil {
		return nil, err
	}
	if !adopt || w.readable() && w.registers() {
		return nil, alreadyExists(r.name, subject)
	}
	return w, nil
}

// read reads what is there.
func (w *write) read(ctx context.Context) error {
	found, err := w.r.latest(ctx, w.subject)
	if err != nil {
		return err
	}
	if w.own, err = w.r.ownMode(ctx, w.subject); err != nil || found == nil {
		return err
	}
	w.have, err = w.r.answer(ctx, found, w.own)
	return err
}

// expected checks what the caller believes about the subject.
func (w *write) expected(opts api.WriteOptions) error {
	switch {
	case opts.Generation == "":
		return nil
	case w.have == nil:
		return api.NotFound("Subject", w.subject)
	case w.have.Generation != opts.Generation:
		return api.Conflict("Subject", w.subject)
	}
	return nil
}

func alreadyExists(connection, subject string) error {
	e := api.AlreadyExists("Subject", subject, fmt.Sprintf("Import it (its import id is %s/%s), or choose another subject.", connection, subject))
	e.Attribute = "/subject"
	return e
}

// validate reads the schema with everything that it refers to.
func (w *write) validate(ctx context.Context) error {
	if !w.readable() {
		return nil
	}
	var err error
	if w.schema, err = w.registrySchema(); err != nil {
		return err
	}
	if w.texts, err = w.r.texts(ctx, w.References); err != nil {
		return w.badReference(err)
	}
	err = schematext.Validate(ctx, schematext.Schema{Format: w.Format, Text: w.Schema, References: byName(w.texts)})
	if broken, ok := errors.AsType[*schematext.Error](err); ok {
		return api.Invalid("/schema", "The schema is not valid "+formatName(w.Format), sentence(broken.Error()), "Correct the schema.")
	}
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	w.print = fingerprint(ctx, w.Format, w.Schema, w.texts)
	return nil
}

func (w *write) badReference(err error) error {
	var bad *referenceError
	if !errors.As(err, &bad) || !isAbsent(err) {
		return w.r.failure("read what the schema refers to", err)
	}
	ref := w.References[bad.index]
	return api.Invalid(spec.Join("/references", strconv.Itoa(bad.index)), fmt.Sprintf("The reference %q leads nowhere", ref.Name),
		fmt.Sprintf("Through connection %q: %s.", w.r.name, said(err)), "Register what it refers to first, or correct its subject and version.")
}

// registers says whether the schema differs in meaning from the latest version.
func (w *write) registers() bool {
	return w.have == nil || w.print != w.have.Fingerprint || w.Format != w.have.Format || !sameReferences(w.References, w.have.References)
}

func sameReferences(a, b []api.SchemaReference) bool { return slices.Equal(sorted(a), sorted(b)) }

func sorted(references []api.SchemaReference) []api.SchemaReference {
	return slices.SortedFunc(slices.Values(references), func(a, b api.SchemaReference) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Subject, b.Subject), cmp.Compare(a.Version, b.Version))
	})
}

// plan runs the checks of the registry and answers what the subject would be.
func (w *write) plan(ctx context.Context) (*api.Schema, error) {
	planned := &api.Schema{
		Connection: w.r.name, Subject: w.subject, Format: w.Format, Schema: w.Schema, References: w.References,
		Compatibility: w.Compatibility, Fingerprint: w.print,
	}
	if !w.readable() {
		return planned, nil
	}
	if w.registers() {
		return planned, w.acceptable(ctx, w.own)
	}
	planned = w.unchanged()
	return planned, nil
}

// unchanged is the latest version with the declared mode.
func (w *write) unchanged() *api.Schema {
	same := *w.have
	same.Compatibility = w.Compatibility
	same.Generation = generation(&same)
	return &same
}

// acceptable says whether the registry would take the schema; now is the subject's own mode at this time.
func (w *write) acceptable(ctx context.Context, now string) error {
	if err := w.supported(ctx); err != nil {
		return err
	}
	if w.have == nil {
		return nil
	}
	if err := w.notOlder(ctx); err != nil {
		return err
	}
	return w.compatible(ctx, now)
}

// supported says whether the registry knows the format. One that does not tell is asked to register the schema anyway.
func (w *write) supported(ctx context.Context) error {
	types, err := w.r.client.SupportedTypes(ctx)
	if err != nil || slices.Contains(types, w.schema.Type) {
		return nil //nolint:nilerr // Registering the schema tells.
	}
	names := make([]string, 0, len(types))
	for _, t := range types {
		names = append(names, t.String())
	}
	return api.Invalid("/format", "The registry does not take schemas of format "+w.Format, fmt.Sprintf("The registry of connection %q takes %s.", w.r.name, strings.Join(names, ", ")), "Use another format, or another registry.")
}

// notOlder refuses a schema that is an older version of the subject: a registry answers that version's id and does not
// make it the latest again.
func (w *write) notOlder(ctx context.Context) error {
	found, err := w.r.client.LookupSchema(ctx, w.subject, w.schema)
	if hasCode(err, codeSubjectNotFound, codeVersionNotFound, codeSchemaNotFound) {
		return nil
	}
	if err != nil {
		return w.r.refused("look up the schema", err)
	}
	if int64(found.Version) >= w.have.Version {
		return nil
	}
	return api.Refused(api.CodeRefused, "/schema", fmt.Sprintf("The schema is version %d of subject %q, and the latest is %d", found.Version, w.subject, w.have.Version),
		"A registry keeps each schema once in a subject: registering an older one does not make it the latest.",
		"Change the schema, if only a doc text of it, so that it becomes a new version; or go on from the latest one.")
}

// create registers the first version. The mode follows: there is nothing yet to be compatible with.
func (s *Service) create(ctx context.Context, w *write, idempotencyKey string) (*api.Schema, error) {
	if err := w.acceptable(ctx, w.own); err != nil {
		return nil, err
	}
	key := creation(w.r.name, w.subject)
	began, err := s.store.BeginCreation(ctx, noun, key, idempotencyKey)
	if err != nil {
		return nil, err
	}
	if !began {
		return nil, alreadyExists(w.r.name, w.subject)
	}
	made, err := w.createWithMode(ctx)
	if err != nil {
		// After trouble with the connection the registry may have it all the same: the next attempt takes it over.
		return nil, errors.Join(err, s.store.FailCreation(ctx, noun, key, !api.HasCode(err, api.CodeConnection)))
	}
	return made, nil
}

func (w *write) createWithMode(ctx context.Context) (*api.Schema, error) {
	id, err := w.register(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.setMode(ctx, w.own, w.Compatibility); err != nil {
		// Nothing is left half-done: the version that was just made goes again.
		ctx, cancel := undoing(ctx)
		defer cancel()
		if _, undo := w.r.client.DeleteSubject(ctx, w.subject, sr.SoftDelete); undo != nil {
			w.r.log.WarnContext(ctx, "a subject is left without its compatibility mode", "connection", w.r.name, "subject", w.subject, "error", undo)
		}
		return nil, err
	}
	return w.shown(ctx, id)
}

// update sets the mode first, as the new version is to be held to it, and restores it when the version is refused.
func (w *write) update(ctx context.Context) (*api.Schema, error) {
	if err := w.setMode(ctx, w.own, w.Compatibility); err != nil {
		return nil, err
	}
	if !w.registers() {
		return w.unchanged(), nil
	}
	id, err := w.registerNext(ctx)
	if err != nil {
		ctx, cancel := undoing(ctx)
		defer cancel()
		if undo := w.setMode(ctx, w.Compatibility, w.own); undo != nil {
			w.r.log.WarnContext(ctx, "a compatibility mode could not be restored", "connection", w.r.name, "subject", w.subject, "error", undo)
		}
		return nil, err
	}
	return w.shown(ctx, id)
}

// undoTimeout bounds taking a change back.
const undoTimeout = 10 * time.Second

// undoing is a context for taking a change back, for which the time of the change itself may be up.
func undoing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
}

func (w *write) registerNext(ctx context.Context) (int, error) {
	if err := w.acceptable(ctx, w.Compatibility); err != nil {
		return 0, err
	}
	return w.register(ctx)
}

func (w *write) register(ctx context.Context) (int, error) {
	id, err := w.r.client.RegisterSchema(ctx, w.subject, w.schema, -1, -1)
	if isIncompatible(err) {
		return 0, w.incompatible([]string{said(err)}, w.Compatibility, "")
	}
	if err != nil {
		return 0, w.r.refused(fmt.Sprintf("register the schema of subject %q", w.subject), err)
	}
	return id, nil
}

// setMode moves the subject's own mode from one to another; empty is none.
func (w *write) setMode(ctx context.Context, from, to string) error {
	if from == to {
		return nil
	}
	if to == "" {
		answer := w.r.client.ResetCompatibility(ctx, w.subject)[0]
		if answer.Err == nil || hasCode(answer.Err, codeNoCompatibility, codeSubjectNotFound) {
			return nil
		}
		return w.r.refused(fmt.Sprintf("take back the compatibility of subject %q", w.subject), answer.Err)
	}
	var level sr.CompatibilityLevel
	if err := level.UnmarshalText([]byte(to)); err != nil {
		return fmt.Errorf("compatibility mode: %w", err)
	}
	if answer := w.r.client.SetCompatibility(ctx, sr.SetCompatibility{Level: level}, w.subject)[0]; answer.Err != nil {
		return w.r.refused(fmt.Sprintf("set the compatibility of subject %q", w.subject), answer.Err)
	}
	return nil
}

// shown waits until the registry answers the version that was registered.
func (w *write) shown(ctx context.Context, id int) (*api.Schema, error) {
	const pause = 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	for {
		found, err := w.r.latest(ctx, w.subject)
		if err == nil && found != nil && found.ID == id {
			return w.r.answer(ctx, found, w.Compatibility)
		}
		if sleep(ctx, pause) != nil {
			return nil, w.r.failure(fmt.Sprintf("see the new version of subject %q", w.subject), cmp.Or(err, fmt.Errorf("schema %d was registered and is not the latest version", id)))
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func formatName(format string) string {
	switch format {
	case schematext.FormatAvro:
		return "Avro"
	case schematext.FormatJSON:
		return "JSON Schema"
	default:
		return "Protobuf"
	}
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}
