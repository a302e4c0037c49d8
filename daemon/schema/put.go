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

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	// formatCloudEvents is a JSON Schema to registries.
	formatCloudEvents = "CLOUDEVENTS"

	modeReadWrite = "READWRITE"
	modeReadOnly  = "READONLY"

	// showTimeout bounds the wait until the registry answers what was just written: where several registries serve one
	// URL, they follow their leader each at its own pace.
	showTimeout = 10 * time.Second
)

// Put registers a schema where it differs in meaning from the latest version, and sets or takes back the subject's
// compatibility and mode.
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
	if err := s.restoreLeft(ctx, r, subject); err != nil {
		return nil, err
	}
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
	if err := d.oneOf("/format", d.Format, "schema format", schematext.FormatAvro, schematext.FormatJSON, schematext.FormatProtobuf, formatCloudEvents); err != nil {
		return err
	}
	if err := d.oneOf("/compatibility", cmp.Or(d.Compatibility, modeNone), "compatibility mode", modes()...); err != nil {
		return err
	}
	if err := d.oneOf("/mode", cmp.Or(d.Mode, modeReadWrite), "mode", modeReadWrite, modeReadOnly); err != nil {
		return err
	}
	if err := d.oneOf("/on_incompatible", cmp.Or(d.OnIncompatible, api.IncompatibleRefuse), "way", api.IncompatibleRefuse, api.IncompatibleOverride); err != nil {
		return err
	}
	for i, ref := range d.References {
		if at := spec.Join("/references", strconv.Itoa(i)); ref.Version < 0 && d.knowsAll(at) {
			return api.Invalid(at+"/version", "There is no such version", "Versions count from 1.", "Name a version of subject "+ref.Subject+", or leave it out to follow the latest.")
		}
	}
	return nil
}

func (d declaration) oneOf(pointer, value, what string, values ...string) error {
	if !d.knows(pointer) || slices.Contains(values, value) {
		return nil
	}
	return api.Invalid(pointer, "There is no such "+what, "", "Use one of "+strings.Join(values, ", ")+".")
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

// text is the schema as registries take it.
func (d declaration) text() Text {
	t := Text{Format: d.Format, Schema: d.Schema, References: d.References}
	if t.Format == formatCloudEvents {
		t.Format = schematext.FormatJSON
	}
	return t
}

// write is one write to a subject, after everything that can be checked without the schema before it.
type write struct {
	*Service
	r       *opened
	subject string
	declaration
	texts []Reference
	have  *api.Schema // nil: the subject does not exist
	own   Settings    // the subject's own; a subject without versions can have some too
	print string
	// overridden says what is overridden, where something is; notes are what people should know else.
	overridden, notes []api.Warning
	// left says that a creation failed and its version is there all the same.
	left bool
	// setsCompatibility and setsMode say what was begun, and has to be undone when the write fails.
	setsCompatibility, setsMode bool
}

func (w *write) warnings() []api.Warning { return slices.Concat(w.overridden, w.notes) }

func (s *Service) prepare(ctx context.Context, r *opened, subject string, d declaration, opts api.WriteOptions, idempotencyKey string) (*write, error) {
	w := &write{Service: s, r: r, subject: subject, declaration: d}
	if err := w.known(); err != nil {
		return nil, err
	}
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

// known refuses what this kind of registry has not.
func (w *write) known() error {
	t := w.r.Traits()
	switch {
	case w.Compatibility == modeDisabled && !t.Disabled:
		return api.Invalid("/compatibility", "There is no such compatibility mode", "DISABLED is a mode of AWS Glue Schema Registry only.", `To let nobody add versions here, set mode = "READONLY".`)
	case w.Mode != "" && !t.Modes:
		return api.Invalid("/mode", fmt.Sprintf("There are no modes in %s", t.Name), fmt.Sprintf("The registry of connection %q cannot make one subject read-only.", w.r.name), "Leave mode out.")
	case len(w.References) > 0 && !t.References:
		return api.Invalid("/references", fmt.Sprintf("There are no references in %s", t.Name), fmt.Sprintf("The registry of connection %q keeps every schema by itself.", w.r.name), "Write what the schema refers to into the schema itself.")
	}
	return nil
}

// read reads what is there.
func (w *write) read(ctx context.Context) error {
	found, own, err := w.r.read(ctx, w.subject)
	w.own = own
	if err != nil || found == nil {
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
		return w.r.noSubject(w.subject)
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
	pinned, err := w.r.pinned(ctx, w.References)
	if err != nil {
		return w.badReference(err)
	}
	w.References = pinned
	if w.texts, err = w.r.texts(ctx, w.References); err != nil {
		return w.badReference(err)
	}
	t := schematext.Schema{Format: w.text().Format, Text: w.Schema, References: ByName(w.texts)}
	err = schematext.Validate(ctx, t)
	if err == nil && w.Format == formatCloudEvents {
		err = schematext.ValidateCloudEvent(t)
	}
	if broken, ok := errors.AsType[*schematext.Error](err); ok {
		return api.Invalid("/schema", "The schema is not valid "+formatName(w.Format), sentence(broken.Error()), "Correct the schema.")
	}
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	w.print = fingerprint(ctx, t.Format, w.Schema, w.texts)
	return nil
}

func (w *write) badReference(err error) error {
	var bad *referenceError
	if !errors.As(err, &bad) || !is(err, Absent) {
		return w.r.failure("read what the schema refers to", err)
	}
	ref := w.References[bad.index]
	return api.Invalid(spec.Join("/references", strconv.Itoa(bad.index)), fmt.Sprintf("The reference %q leads nowhere", ref.Name),
		fmt.Sprintf("Through connection %q: %s.", w.r.name, said(err)), "Register what it refers to first, or correct its subject and version. In Terraform, give a reference to a schema of the same configuration its version: version = headgate_schema.<name>.version.")
}

// registers says whether the schema differs in meaning from the latest version.
func (w *write) registers() bool {
	return w.have == nil || w.print != w.have.Fingerprint || w.text().Format != w.have.Format || !sameReferences(w.References, w.have.References)
}

// compatibility is what the subject's own is to be.
func (w *write) compatibility() string {
	if !w.knows("/compatibility") || w.Compatibility == "" && w.own.implied() {
		return w.own.Compatibility
	}
	return cmp.Or(w.Compatibility, w.r.Traits().Implied)
}

// settled are the settings that the registry will answer.
func (w *write) settled() Settings {
	return Settings{Compatibility: cmp.Or(w.compatibility(), w.own.Inherited), Mode: w.Mode, Inherited: w.own.Inherited}
}

// plan runs the checks of the registry and answers what the subject would be.
func (w *write) plan(ctx context.Context) (*api.Schema, error) {
	if !w.readable() {
		return w.planned(), nil
	}
	if err := w.acceptable(ctx, w.own.Compatibility); err != nil {
		return nil, err
	}
	if w.registers() {
		return w.planned(), nil
	}
	return w.unchanged(), nil
}

func (w *write) planned() *api.Schema {
	own := w.settled()
	return &api.Schema{
		Connection: w.r.name, Subject: w.subject, Format: w.Format, Schema: w.Schema, References: w.References,
		Compatibility: own.Compatibility, CompatibilityImplied: own.implied(), Mode: own.Mode, Fingerprint: w.print, Warnings: w.warnings(),
	}
}

// unchanged is the latest version with the declared settings.
func (w *write) unchanged() *api.Schema {
	same, own := *w.have, w.settled()
	same.Format = w.Format
	same.Compatibility, same.CompatibilityImplied, same.Mode = own.Compatibility, own.implied(), own.Mode
	same.Generation = generation(&same)
	same.Warnings = w.warnings()
	return &same
}

// acceptable says whether the registry would take the write; own is the subject's own compatibility at this time.
func (w *write) acceptable(ctx context.Context, own string) error {
	if err := w.writable(ctx); err != nil || !w.registers() {
		return err
	}
	if err := w.supported(ctx); err != nil {
		return err
	}
	if err := w.valid(ctx); err != nil || w.have == nil {
		return err
	}
	if err := w.notOlder(ctx); err != nil {
		return err
	}
	return w.overridable(w.compatible(ctx, own))
}

// writable refuses to change a subject that is and stays READONLY.
func (w *write) writable(ctx context.Context) error {
	changes := w.registers() || w.knows("/compatibility") && w.compatibility() != w.own.Compatibility
	if !w.r.Traits().Modes || !changes || !w.knows("/mode") || w.Mode == modeReadWrite {
		return nil
	}
	now := w.own.Mode
	if w.Mode == "" && now != "" || w.have == nil {
		now = "" // the registry's own will hold
	}
	who := "Subject " + strconv.Quote(w.subject)
	if now == "" {
		all, err := w.r.Settings(ctx, "")
		if err != nil {
			return w.r.failure("read the mode of the registry", err)
		}
		now, who = all.Mode, "The registry"
	}
	if now != modeReadOnly {
		return nil
	}
	return api.Refused(api.CodeProtected, "/mode", who+" is READONLY", "In that mode nothing of a subject can be changed.",
		`Set mode = "READWRITE" on the subject, apply, and make the change with that or after it.`)
}

// supported says whether the registry knows the format. One that does not tell is asked to register the schema anyway.
func (w *write) supported(ctx context.Context) error {
	formats := w.r.Formats(ctx)
	if len(formats) == 0 || slices.Contains(formats, w.text().Format) {
		return nil
	}
	return api.Invalid("/format", "The registry does not take schemas of format "+w.Format, fmt.Sprintf("The registry of connection %q takes %s.", w.r.name, strings.Join(formats, ", ")), "Use another format, or another registry.")
}

// valid asks a registry whether it can read the schema at all, where that is all that it tells.
func (w *write) valid(ctx context.Context) error {
	if w.r.Traits().Checks {
		return nil
	}
	if err := w.r.Check(ctx, w.subject, w.text()); err != nil {
		return w.r.refused("check the schema", err)
	}
	return nil
}

// notOlder refuses a schema that is an older version of the subject, where the registry answers that version's id and
// does not make it the latest again.
func (w *write) notOlder(ctx context.Context) error {
	if !w.r.Traits().Once {
		return nil
	}
	number, err := w.r.Find(ctx, w.subject, w.text())
	if err != nil {
		return w.r.refused("look up the schema", err)
	}
	if number == 0 || number >= w.have.Version {
		return nil
	}
	return api.Refused(api.CodeRefused, "/schema", fmt.Sprintf("The schema is version %d of subject %q, and the latest is %d", number, w.subject, w.have.Version),
		"A registry keeps each schema once in a subject: registering an older one does not make it the latest.",
		"Change the schema, if only a doc text of it, so that it becomes a new version; or go on from the latest one.")
}

// create registers the first version. The settings follow: there is nothing yet to be compatible with.
func (s *Service) create(ctx context.Context, w *write, idempotencyKey string) (*api.Schema, error) {
	if err := w.acceptable(ctx, w.own.Compatibility); err != nil {
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
	made, err := w.createWithSettings(ctx)
	if err != nil {
		// After trouble with the connection the registry may have it all the same: the next attempt takes it over.
		return nil, errors.Join(err, s.store.FailCreation(ctx, noun, key, !w.left && !api.HasCode(err, api.CodeConnection)))
	}
	return made, nil
}

func (w *write) createWithSettings(ctx context.Context) (*api.Schema, error) {
	if err := w.becomeWritable(ctx); err != nil {
		w.undoSettings(ctx)
		return nil, err
	}
	id, err := w.register(ctx, true)
	if err != nil {
		w.undoSettings(ctx)
		return nil, err
	}
	err = w.settleNew(ctx)
	if err == nil {
		err = w.finishMode(ctx)
	}
	if err != nil {
		// Nothing is left half-done: the version that was just made goes again, as long as it can.
		if undo := w.undoVersion(ctx, id); undo != nil {
			w.left = true
			w.r.log.WarnContext(ctx, "a subject is left without its settings", "connection", w.r.name, "subject", w.subject, "error", undo)
		}
		w.undoSettings(ctx)
		return nil, err
	}
	return w.shown(ctx, id)
}

// settleNew sets the compatibility of a new subject. Where every subject has one, it may have been made with it.
func (w *write) settleNew(ctx context.Context) error {
	from := w.own.Compatibility
	if w.r.Traits().Implied != "" {
		own, err := w.r.own(ctx, w.subject)
		if err != nil {
			return err
		}
		from = own.Compatibility
	}
	return w.setCompatibility(ctx, from, w.compatibility())
}

// undoVersion deletes the version that was just made, unless others have registered there too: what refers to theirs, or
// was written with them, is none of our business.
func (w *write) undoVersion(ctx context.Context, id string) error {
	ctx, cancel := undoing(ctx)
	defer cancel()
	have, err := w.latest(ctx, func(*Version) bool { return true })
	if err != nil {
		return err
	}
	live, err := w.r.numbers(ctx, w.subject, false)
	if err != nil {
		return err
	}
	if have.ID != id || len(live) != 1 || live[0] != have.Number {
		return fmt.Errorf("others have registered schemas meanwhile: the subject has %s", numbered(live))
	}
	return w.r.DeleteVersion(ctx, w.subject, have.Number)
}

// undoSettings gives the subject back what it had of its own before.
func (w *write) undoSettings(ctx context.Context) {
	ctx, cancel := undoing(ctx)
	defer cancel()
	var undo error
	if w.setsCompatibility {
		undo = w.setCompatibility(ctx, w.compatibility(), w.own.declared())
	}
	if w.setsMode {
		undo = errors.Join(undo, w.setMode(ctx, w.own.Mode))
	}
	if undo != nil {
		w.r.log.WarnContext(ctx, "settings of a subject could not be restored", "connection", w.r.name, "subject", w.subject, "error", undo)
	}
}

// update sets the compatibility first, as the new version is to be held to it, and restores it and the mode when the
// version is refused.
func (w *write) update(ctx context.Context) (*api.Schema, error) {
	if err := w.writable(ctx); err != nil {
		return nil, err
	}
	id, err := w.registerWithSettings(ctx)
	if err != nil {
		w.undoSettings(ctx)
		return nil, err
	}
	if err := w.finishMode(ctx); err != nil {
		return nil, err
	}
	if id == "" {
		return w.unchanged(), nil
	}
	return w.shown(ctx, id)
}

// registerWithSettings answers no id where the schema is the latest version already.
func (w *write) registerWithSettings(ctx context.Context) (string, error) {
	if err := w.becomeWritable(ctx); err != nil {
		return "", err
	}
	if err := w.setCompatibility(ctx, w.own.Compatibility, w.compatibility()); err != nil || !w.registers() {
		return "", err
	}
	return w.registerNext(ctx)
}

// becomeWritable sets a mode that lets the write happen before it.
func (w *write) becomeWritable(ctx context.Context) error {
	if w.Mode == modeReadOnly || w.Mode == w.own.Mode {
		return nil
	}
	return w.setMode(ctx, w.Mode)
}

// finishMode sets the mode that ends all writing after it.
func (w *write) finishMode(ctx context.Context) error {
	if w.Mode != modeReadOnly || w.Mode == w.own.Mode {
		return nil
	}
	return w.setMode(ctx, w.Mode)
}

func (w *write) setMode(ctx context.Context, mode string) error {
	w.setsMode = true
	if err := w.r.SetMode(ctx, w.subject, mode); err != nil {
		return w.r.refused(fmt.Sprintf("set the mode of subject %q", w.subject), err)
	}
	return nil
}

// undoTimeout bounds taking a change back.
const undoTimeout = 10 * time.Second

// undoing is a context for taking a change back, for which the time of the change itself may be up.
func undoing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
}

func (w *write) registerNext(ctx context.Context) (string, error) {
	if err := w.acceptable(ctx, w.compatibility()); err != nil {
		return "", err
	}
	if len(w.overridden) > 0 {
		return w.override(ctx)
	}
	return w.register(ctx, false)
}

func (w *write) register(ctx context.Context, first bool) (string, error) {
	var id string
	var err error
	if first {
		id, err = w.r.Create(ctx, w.subject, w.text(), w.compatibility())
	} else {
		id, err = w.r.Register(ctx, w.subject, w.text())
	}
	switch {
	case is(err, Incompatible):
		return "", w.incompatible(w.reasons(ctx, w.compatibility(), err), w.compatibility())
	case is(err, Exists):
		return "", alreadyExists(w.r.name, w.subject)
	case err != nil:
		return "", w.r.refused(fmt.Sprintf("register the schema of subject %q", w.subject), err)
	}
	return id, nil
}

// setCompatibility moves the subject's own from one to another; empty is none.
func (w *write) setCompatibility(ctx context.Context, from, to string) error {
	if from == to {
		return nil
	}
	w.setsCompatibility = true
	err := w.r.SetCompatibility(ctx, w.subject, to)
	if err == nil || to == "" && is(err, Absent) {
		return nil
	}
	return w.r.refused(fmt.Sprintf("set the compatibility of subject %q", w.subject), err)
}

// shown waits until the registry answers the version that was registered.
func (w *write) shown(ctx context.Context, id string) (*api.Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	found, err := w.latest(ctx, func(found *Version) bool { return found.ID == id })
	if err != nil {
		return nil, err
	}
	return w.shownAs(ctx, found)
}

// latest waits until the registry answers a latest version that is right.
func (w *write) latest(ctx context.Context, right func(*Version) bool) (*Version, error) {
	const pause = 50 * time.Millisecond
	for {
		found, err := w.r.version(ctx, w.subject, latest)
		if err == nil && found != nil && right(found) {
			return found, nil
		}
		if sleep(ctx, pause) != nil {
			return nil, w.r.failure(fmt.Sprintf("see the new version of subject %q", w.subject), cmp.Or(err, errors.New("it was registered and is not the latest version")))
		}
	}
}

func (w *write) shownAs(ctx context.Context, found *Version) (*api.Schema, error) {
	answer, err := w.r.answer(ctx, found, w.settled())
	if err != nil {
		return nil, err
	}
	answer.Format, answer.Warnings = w.Format, w.warnings()
	return answer, nil
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
	case formatCloudEvents:
		return "JSON Schema of a CloudEvent"
	default:
		return "Protobuf"
	}
}

// describesCloudEvent says whether a schema as the registry has it is one that may be declared as CLOUDEVENTS.
func describesCloudEvent(format, text string, texts []Reference) bool {
	return format == schematext.FormatJSON && schematext.ValidateCloudEvent(schematext.Schema{Format: format, Text: text, References: ByName(texts)}) == nil
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}
