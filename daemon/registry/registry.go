// Package registry is the built-in schema registry: Confluent's Schema Registry API for Avro, JSON Schema and Protobuf, over
// the daemon's own store.
//
// It differs where it says so: ids are the same ones in all contexts, and the settings alias, compatibilityGroup,
// compatibilityPolicy and default or override metadata and rule sets are refused. Exporters and associations are not there.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/schemacompat"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

const (
	maxVersion = math.MaxInt32
	maxSubject = 1024 // characters
	// maxAttempts bounds how often a change is worked out anew because another daemon was faster.
	maxAttempts = 20
)

// mode says what a subject, or the registry, lets its clients do.
type mode string

const (
	modeReadWrite mode = "READWRITE"
	modeReadOnly  mode = "READONLY"
	// modeReadOnlyOverride is the registry's or a context's, and overrules the modes of subjects.
	modeReadOnlyOverride mode = "READONLY_OVERRIDE"
	// modeImport takes schemas with ids and versions of the client's choice, and checks no compatibility.
	modeImport mode = "IMPORT"
)

var modes = []mode{modeReadWrite, modeReadOnly, modeReadOnlyOverride, modeImport}

// readOnly says that nothing may be changed.
func (m mode) readOnly() bool { return m == modeReadOnly || m == modeReadOnlyOverride }

// Store is what the registry keeps its schemas in. Reads that find nothing answer store.ErrNotFound.
type Store interface {
	RegistryState(ctx context.Context) (store.RegistryState, error)
	RegistrySubject(ctx context.Context, name string) (store.RegistrySubject, error)
	RegistryVersions(ctx context.Context, prefix string) ([]store.RegistryVersion, error)
	RegistrySubjectVersions(ctx context.Context, subject string) ([]store.RegistryVersion, error)
	RegistrySchemaVersions(ctx context.Context, schemaID int64) ([]store.RegistryVersion, error)
	RegistryReferrers(ctx context.Context, subject string, version int64) ([]store.RegistryVersion, error)
	RegistrySchema(ctx context.Context, id int64) (store.RegistrySchema, error)
	RegistrySchemaByPrefix(ctx context.Context, prefix string) (store.RegistrySchema, error)
	RegistrySchemaByFingerprint(ctx context.Context, fingerprint string) (store.RegistrySchema, error)
	// ChangeRegistry applies all of a change, or answers store.ErrConflict when the registry is past the generation.
	ChangeRegistry(ctx context.Context, generation int64, c store.RegistryChange) error
}

// Registry is a schema registry. It is safe for concurrent use.
type Registry struct {
	store  Store
	logger *slog.Logger
	// changing keeps the changes of this daemon one after another; the store's generation those of several daemons.
	changing sync.Mutex
}

// New makes a registry over a store.
func New(st Store, logger *slog.Logger) *Registry {
	return &Registry{store: st, logger: logger}
}

// change works out a change on what the registry has and applies it. The plan may run again, when another daemon changed
// the registry meanwhile; a nil change is one that is not needed.
func (r *Registry) change(ctx context.Context, plan func(state store.RegistryState) (*store.RegistryChange, error)) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	var err error
	for range maxAttempts {
		var state store.RegistryState
		if state, err = r.store.RegistryState(ctx); err != nil {
			return err
		}
		var c *store.RegistryChange
		if c, err = plan(state); err != nil || c == nil {
			return err
		}
		if err = r.store.ChangeRegistry(ctx, state.Generation, *c); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}

// findVersion finds a version, softly deleted or not.
func (r *Registry) findVersion(ctx context.Context, subject string, version int64) (store.RegistryVersion, error) {
	versions, err := r.store.RegistrySubjectVersions(ctx, subject)
	if err != nil {
		return store.RegistryVersion{}, err
	}
	for _, v := range versions {
		if v.Version == version {
			return v, nil
		}
	}
	return store.RegistryVersion{}, store.ErrNotFound
}

// register adds the schema as the subject's next version, unless the subject has it already, and answers its id.
func (r *Registry) register(ctx context.Context, subject string, s submission, normalize bool) (int64, error) {
	if err := checkSubject(subject); err != nil {
		return 0, err
	}
	c, err := r.candidate(ctx, subject, s)
	if err != nil {
		return 0, err
	}
	var added store.RegistryVersion
	err = r.change(ctx, func(state store.RegistryState) (*store.RegistryChange, error) {
		row, err := r.subject(ctx, subject)
		if err != nil {
			return nil, err
		}
		if (normalize || normalizeOf(state, row)) && c.schema.Format != schematext.FormatProtobuf {
			c.schema.Text = c.canonical
		}
		var change *store.RegistryChange
		change, added, err = r.planVersion(ctx, state, row, s, c)
		return change, err
	})
	if err != nil {
		return 0, err
	}
	if added.Version > 0 {
		r.logger.InfoContext(ctx, "schema registered", "subject", subject, "version", added.Version, "id", added.SchemaID)
	}
	return added.SchemaID, nil
}

// planVersion works out how the subject gets the schema. A version of 0 says that it has it.
func (r *Registry) planVersion(ctx context.Context, state store.RegistryState, row subjectRow, s submission, c candidate) (*store.RegistryChange, store.RegistryVersion, error) {
	none := store.RegistryVersion{}
	versions, err := r.store.RegistrySubjectVersions(ctx, row.Name)
	if err != nil {
		return nil, none, err
	}
	stored, err := r.store.RegistrySchemaByFingerprint(ctx, c.schema.Fingerprint)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, none, err
	}
	if known && has(versions, stored.ID, s.Version) && (s.ID == 0 || s.ID == stored.ID) {
		return nil, store.RegistryVersion{SchemaID: stored.ID}, nil
	}
	if err := r.mayRegister(ctx, state, row, s, c, versions); err != nil {
		return nil, none, err
	}
	added := store.RegistryVersion{Subject: row.Name, Version: row.LastVersion + 1, SchemaID: state.LastSchemaID + 1}
	if known {
		added.SchemaID = stored.ID
	}
	if modeOf(state, row) == modeImport {
		if added, err = r.imported(ctx, added, s, versions, known); err != nil {
			return nil, none, err
		}
	}
	if added.Version > maxVersion || added.SchemaID > math.MaxInt32 {
		return nil, none, notPermitted("No id or version is left below %d", maxVersion)
	}
	row.LastVersion = max(row.LastVersion, added.Version)
	change := &store.RegistryChange{Subject: &row.RegistrySubject, PutVersions: []store.RegistryVersion{added}}
	if !known {
		c.schema.ID = added.SchemaID
		change.Schema = &c.schema
	}
	return change, added, nil
}

// has says whether one of the versions, or the one of that number, has the schema and is not deleted.
func has(versions []store.RegistryVersion, schemaID, number int64) bool {
	return slices.ContainsFunc(versions, func(v store.RegistryVersion) bool {
		return v.SchemaID == schemaID && !v.Deleted && (number == 0 || v.Version == number)
	})
}

func (r *Registry) mayRegister(ctx context.Context, state store.RegistryState, row subjectRow, s submission, c candidate, versions []store.RegistryVersion) error {
	switch m := modeOf(state, row); {
	case m.readOnly():
		return readOnly(row.Name, m)
	case m == modeImport:
		if s.ID == 0 {
			return notPermitted("Subject %q is in mode IMPORT: a schema needs an id there", row.Name)
		}
		return r.referencesAreLive(ctx, c.schema.References)
	}
	if s.ID != 0 || s.Version != 0 {
		return notPermitted("Subject %q is not in mode IMPORT: it gives ids and versions itself", row.Name)
	}
	if err := r.referencesAreLive(ctx, c.schema.References); err != nil {
		return err
	}
	level := compatibilityOf(state, row)
	reasons, err := r.compare(ctx, c.parsed, level, live(versions))
	if err != nil {
		return err
	}
	if len(reasons) > 0 {
		return incompatibleSchema(row.Name, level, reasons)
	}
	return nil
}

// referencesAreLive refuses to build on what was deleted.
func (r *Registry) referencesAreLive(ctx context.Context, references []store.RegistryReference) error {
	for _, ref := range references {
		version, err := r.findVersion(ctx, ref.Subject, ref.Version)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil || version.Deleted {
			return invalidSchema("reference %q: version %d of subject %q was deleted", ref.Name, ref.Version, ref.Subject)
		}
	}
	return nil
}

// imported gives the version the id and the number that the client chose, where they are free.
func (r *Registry) imported(ctx context.Context, added store.RegistryVersion, s submission, versions []store.RegistryVersion, known bool) (store.RegistryVersion, error) {
	if s.ID < 1 || s.ID > math.MaxInt32 {
		return added, otherID("Id %d is not one: it must be from 1 to %d", s.ID, math.MaxInt32)
	}
	if s.Version < 0 || s.Version > maxVersion {
		return added, invalidVersion(fmt.Sprint(s.Version))
	}
	if known && added.SchemaID != s.ID {
		return added, otherID("The schema has the id %d already, and cannot have %d", added.SchemaID, s.ID)
	}
	_, err := r.store.RegistrySchema(ctx, s.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return added, err
	}
	if !known && err == nil {
		return added, otherID("Another schema has the id %d", s.ID)
	}
	added.SchemaID = s.ID
	if s.Version == 0 {
		return added, nil
	}
	added.Version = s.Version
	for _, v := range versions {
		if v.Version == s.Version && (v.SchemaID != s.ID || !v.Deleted) {
			return added, otherID("Subject %q has a version %d already", added.Subject, s.Version)
		}
	}
	return added, nil
}

// compare lists why the schema may not follow the versions, which are all live ones in order.
func (r *Registry) compare(ctx context.Context, candidate *schemacompat.Schema, level schemacompat.Mode, versions []store.RegistryVersion) ([]string, error) {
	if level == schemacompat.None || len(versions) == 0 {
		return nil, nil
	}
	if !level.Transitive() {
		versions = versions[len(versions)-1:]
	}
	var reasons []string
	for _, v := range slices.Backward(versions) {
		found, err := r.compareWith(ctx, candidate, level, v)
		if err != nil {
			return nil, err
		}
		reasons = append(reasons, found...)
	}
	return reasons, nil
}

func (r *Registry) compareWith(ctx context.Context, candidate *schemacompat.Schema, level schemacompat.Mode, v store.RegistryVersion) ([]string, error) {
	old, err := r.storedType(ctx, v.SchemaID)
	if err != nil {
		return nil, fmt.Errorf("read version %d of subject %q: %w", v.Version, v.Subject, err)
	}
	return schemacompat.Check(ctx, level,
		schemacompat.Version{Name: "the new schema", Schema: candidate},
		schemacompat.Version{Name: fmt.Sprintf("version %d", v.Version), Schema: old})
}

func (r *Registry) storedType(ctx context.Context, schemaID int64) (*schemacompat.Schema, error) {
	schema, err := r.store.RegistrySchema(ctx, schemaID)
	if err != nil {
		return nil, err
	}
	text, err := r.text(ctx, schema)
	if err != nil {
		return nil, err
	}
	return schemacompat.Parse(ctx, text)
}

// lookUp finds the latest version of the subject that has the schema.
func (r *Registry) lookUp(ctx context.Context, subject string, s submission, deleted bool) (store.RegistryVersion, error) {
	versions, err := r.versions(ctx, subject, deleted)
	if err != nil {
		return store.RegistryVersion{}, err
	}
	c, err := r.candidate(ctx, subject, s)
	if err != nil {
		return store.RegistryVersion{}, err
	}
	schema, err := r.store.RegistrySchemaByFingerprint(ctx, c.schema.Fingerprint)
	if errors.Is(err, store.ErrNotFound) {
		return store.RegistryVersion{}, schemaNotFound()
	}
	if err != nil {
		return store.RegistryVersion{}, err
	}
	for _, v := range slices.Backward(versions) {
		if v.SchemaID == schema.ID {
			return v, nil
		}
	}
	return store.RegistryVersion{}, schemaNotFound()
}

// check lists why the schema may not follow one version, or with version 0 all that the subject's mode asks for.
func (r *Registry) check(ctx context.Context, subject string, version versionID, s submission) ([]string, error) {
	c, err := r.candidate(ctx, subject, s)
	if err != nil {
		return nil, err
	}
	state, err := r.store.RegistryState(ctx)
	if err != nil {
		return nil, err
	}
	row, err := r.subject(ctx, subject)
	if err != nil {
		return nil, err
	}
	all, err := r.store.RegistrySubjectVersions(ctx, subject)
	if err != nil {
		return nil, err
	}
	versions := live(all)
	switch {
	case version == latest && len(versions) > 0:
		versions = versions[len(versions)-1:]
	case version > 0:
		one, err := pick(subject, versions, version)
		if err != nil {
			return nil, err
		}
		versions = []store.RegistryVersion{one}
	}
	return r.compare(ctx, c.parsed, compatibilityOf(state, row), versions)
}

// versions lists the versions of a subject that has some.
func (r *Registry) versions(ctx context.Context, subject string, deleted bool) ([]store.RegistryVersion, error) {
	versions, err := r.store.RegistrySubjectVersions(ctx, subject)
	if err != nil {
		return nil, err
	}
	if !deleted {
		versions = live(versions)
	}
	if len(versions) == 0 {
		return nil, subjectNotFound(subject)
	}
	return versions, nil
}

func live(versions []store.RegistryVersion) []store.RegistryVersion {
	return slices.DeleteFunc(slices.Clone(versions), func(v store.RegistryVersion) bool { return v.Deleted })
}

// versionID is a version in a request; those above 0 are meant as they are.
type versionID int64

const (
	allVersions versionID = 0
	latest      versionID = -1
)

func pick(subject string, versions []store.RegistryVersion, id versionID) (store.RegistryVersion, error) {
	if id == latest {
		return versions[len(versions)-1], nil
	}
	for _, v := range versions {
		if v.Version == int64(id) {
			return v, nil
		}
	}
	return store.RegistryVersion{}, versionNotFound(subject, int64(id))
}

func modeOf(state store.RegistryState, row subjectRow) mode {
	for _, m := range []mode{mode(state.Mode), mode(row.context.Mode)} {
		if m == modeReadOnlyOverride {
			return m
		}
	}
	return firstSet(modeReadWrite, mode(row.Mode), mode(row.context.Mode), mode(state.Mode))
}

func compatibilityOf(state store.RegistryState, row subjectRow) schemacompat.Mode {
	return firstSet(schemacompat.Backward, schemacompat.Mode(row.Compatibility), schemacompat.Mode(row.context.Compatibility), schemacompat.Mode(state.Compatibility))
}

// normalizeOf says whether schemas are kept in their canonical form.
func normalizeOf(state store.RegistryState, row subjectRow) bool {
	return firstSet("false", row.Normalize, row.context.Normalize, state.Normalize) == "true"
}

func firstSet[T ~string](otherwise T, values ...T) T {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return otherwise
}

func readOnly(subject string, m mode) error {
	if subject == "" {
		return notPermitted("The registry is in mode %s", m)
	}
	return notPermitted("Subject %q is in mode %s", subject, m)
}
