package store

import (
	"context"
	"database/sql"
	"fmt"
)

// RegistryState is what holds for the built-in registry as a whole.
type RegistryState struct {
	Generation   int64 // grows with every change of the registry
	LastSchemaID int64 // the highest id ever given
	// Compatibility, Mode and Normalize are empty where nobody set them.
	Compatibility string
	Mode          string
	Normalize     string // true or false
}

// RegistrySubject is a subject, which may have no versions: only settings, or a past.
type RegistrySubject struct {
	Name        string
	LastVersion int64 // the highest version ever given
	// Compatibility, Mode and Normalize are empty where the registry's own hold.
	Compatibility string
	Mode          string
	Normalize     string // true or false
}

// RegistryVersion is a version of a subject.
type RegistryVersion struct {
	Subject  string
	Version  int64
	SchemaID int64
	Deleted  bool // softly
}

// RegistrySchema is a schema that versions share.
type RegistrySchema struct {
	ID          int64
	Fingerprint string
	Format      string
	Text        string
	References  []RegistryReference
	// Metadata and RuleSet are JSON objects, or empty.
	Metadata string
	RuleSet  string
}

// RegistryReference names a version of a subject from within a schema.
type RegistryReference struct {
	Name    string
	Subject string
	Version int64
}

// RegistryChange is what one request changes. Nil and empty fields change nothing.
type RegistryChange struct {
	State          *RegistryState // its settings
	Schema         *RegistrySchema
	Subject        *RegistrySubject
	PutVersions    []RegistryVersion
	RemoveVersions []RegistryVersion // for good, and with them the schemas that no version has any more
}

const (
	registryVersionColumns = `v.subject, v.version, v.schema_id, v.deleted`
	registrySchemaColumns  = `id, fingerprint, format, text, metadata, rule_set`
)

// RegistryState reads what holds for the registry as a whole.
func (s *Store) RegistryState(ctx context.Context) (RegistryState, error) {
	var state RegistryState
	err := s.db.QueryRowContext(ctx, `SELECT generation, last_schema_id, compatibility, mode, normalize FROM registry_state WHERE id = 1`).
		Scan(&state.Generation, &state.LastSchemaID, &state.Compatibility, &state.Mode, &state.Normalize)
	if err != nil {
		return RegistryState{}, fmt.Errorf("read registry state: %w", notFound(err))
	}
	return state, nil
}

// RegistrySubject reads a subject, or answers ErrNotFound.
func (s *Store) RegistrySubject(ctx context.Context, name string) (RegistrySubject, error) {
	subject := RegistrySubject{Name: name}
	err := s.db.QueryRowContext(ctx, `SELECT last_version, compatibility, mode, normalize FROM registry_subjects WHERE name = $1`, name).
		Scan(&subject.LastVersion, &subject.Compatibility, &subject.Mode, &subject.Normalize)
	if err != nil {
		return RegistrySubject{}, fmt.Errorf("read registry subject: %w", notFound(err))
	}
	return subject, nil
}

// RegistryVersions reads all versions whose subject begins with the prefix, the softly deleted too, in order.
func (s *Store) RegistryVersions(ctx context.Context, prefix string) ([]RegistryVersion, error) {
	return s.registryVersions(ctx, `SELECT `+registryVersionColumns+` FROM registry_versions v
		WHERE substr(v.subject, 1, length($1)) = $1 ORDER BY v.subject, v.version`, prefix)
}

// RegistrySubjectVersions reads the versions of a subject, the softly deleted too, in order.
func (s *Store) RegistrySubjectVersions(ctx context.Context, subject string) ([]RegistryVersion, error) {
	return s.registryVersions(ctx, `SELECT `+registryVersionColumns+` FROM registry_versions v WHERE v.subject = $1 ORDER BY v.version`, subject)
}

// RegistrySchemaVersions reads the versions that have a schema, the softly deleted too, in order.
func (s *Store) RegistrySchemaVersions(ctx context.Context, schemaID int64) ([]RegistryVersion, error) {
	return s.registryVersions(ctx, `SELECT `+registryVersionColumns+` FROM registry_versions v WHERE v.schema_id = $1 ORDER BY v.subject, v.version`, schemaID)
}

// RegistryReferrers reads the versions whose schema refers to a version, the softly deleted too, in order.
func (s *Store) RegistryReferrers(ctx context.Context, subject string, version int64) ([]RegistryVersion, error) {
	return s.registryVersions(ctx, `SELECT DISTINCT `+registryVersionColumns+` FROM registry_versions v
		JOIN registry_references r ON r.schema_id = v.schema_id WHERE r.subject = $1 AND r.version = $2 ORDER BY v.subject, v.version`, subject, version)
}

// RegistrySchema reads a schema by its id, or answers ErrNotFound.
func (s *Store) RegistrySchema(ctx context.Context, id int64) (RegistrySchema, error) {
	return s.registrySchema(ctx, s.db.QueryRowContext(ctx, `SELECT `+registrySchemaColumns+` FROM registry_schemas WHERE id = $1`, id))
}

// RegistrySchemaByFingerprint reads a schema by its fingerprint, or answers ErrNotFound.
func (s *Store) RegistrySchemaByFingerprint(ctx context.Context, fingerprint string) (RegistrySchema, error) {
	return s.registrySchema(ctx, s.db.QueryRowContext(ctx, `SELECT `+registrySchemaColumns+` FROM registry_schemas WHERE fingerprint = $1`, fingerprint))
}

// RegistrySchemaByPrefix reads the first schema whose fingerprint begins with the prefix, or answers ErrNotFound.
func (s *Store) RegistrySchemaByPrefix(ctx context.Context, prefix string) (RegistrySchema, error) {
	// Fingerprints are in hex, and g comes after f.
	return s.registrySchema(ctx, s.db.QueryRowContext(ctx, `SELECT `+registrySchemaColumns+` FROM registry_schemas
		WHERE fingerprint >= $1 AND fingerprint < $2 ORDER BY fingerprint LIMIT 1`, prefix, prefix+"g"))
}

// ChangeRegistry applies a change that was worked out on the registry at a generation. It answers ErrConflict, and changes
// nothing, when the registry has moved on since.
func (s *Store) ChangeRegistry(ctx context.Context, generation int64, c RegistryChange) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		// First, so that of two writers the second waits here and then finds another generation.
		res, err := tx.ExecContext(ctx, `UPDATE registry_state SET generation = generation + 1 WHERE id = 1 AND generation = $1`, generation)
		if err := oneRow(res, err); err != nil {
			return fmt.Errorf("change registry: %w", err)
		}
		if err := putRegistryState(ctx, tx, c.State); err != nil {
			return err
		}
		if err := insertRegistrySchema(ctx, tx, c.Schema); err != nil {
			return err
		}
		if err := putRegistrySubject(ctx, tx, c.Subject); err != nil {
			return err
		}
		if err := putRegistryVersions(ctx, tx, c.PutVersions); err != nil {
			return err
		}
		return removeRegistryVersions(ctx, tx, c.RemoveVersions)
	})
}

func putRegistryState(ctx context.Context, tx *sql.Tx, state *RegistryState) error {
	if state == nil {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE registry_state SET compatibility = $1, mode = $2, normalize = $3 WHERE id = 1`, state.Compatibility, state.Mode, state.Normalize); err != nil {
		return fmt.Errorf("store registry settings: %w", err)
	}
	return nil
}

func insertRegistrySchema(ctx context.Context, tx *sql.Tx, schema *RegistrySchema) error {
	if schema == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO registry_schemas (id, fingerprint, format, text, metadata, rule_set) VALUES ($1, $2, $3, $4, $5, $6)`,
		schema.ID, schema.Fingerprint, schema.Format, schema.Text, schema.Metadata, schema.RuleSet)
	if err != nil {
		return fmt.Errorf("store schema: %w", err)
	}
	for i, r := range schema.References {
		_, err := tx.ExecContext(ctx, `INSERT INTO registry_references (schema_id, position, name, subject, version) VALUES ($1, $2, $3, $4, $5)`, schema.ID, i, r.Name, r.Subject, r.Version)
		if err != nil {
			return fmt.Errorf("store schema reference: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE registry_state SET last_schema_id = $1 WHERE id = 1 AND last_schema_id < $1`, schema.ID); err != nil {
		return fmt.Errorf("store last schema id: %w", err)
	}
	return nil
}

func putRegistrySubject(ctx context.Context, tx *sql.Tx, subject *RegistrySubject) error {
	if subject == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO registry_subjects (name, last_version, compatibility, mode, normalize) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET last_version = excluded.last_version, compatibility = excluded.compatibility, mode = excluded.mode, normalize = excluded.normalize`,
		subject.Name, subject.LastVersion, subject.Compatibility, subject.Mode, subject.Normalize)
	if err != nil {
		return fmt.Errorf("store subject: %w", err)
	}
	return nil
}

func putRegistryVersions(ctx context.Context, tx *sql.Tx, versions []RegistryVersion) error {
	for _, v := range versions {
		_, err := tx.ExecContext(ctx, `INSERT INTO registry_versions (subject, version, schema_id, deleted) VALUES ($1, $2, $3, $4)
			ON CONFLICT (subject, version) DO UPDATE SET schema_id = excluded.schema_id, deleted = excluded.deleted`, v.Subject, v.Version, v.SchemaID, v.Deleted)
		if err != nil {
			return fmt.Errorf("store version: %w", err)
		}
	}
	return nil
}

func removeRegistryVersions(ctx context.Context, tx *sql.Tx, versions []RegistryVersion) error {
	for _, v := range versions {
		if _, err := tx.ExecContext(ctx, `DELETE FROM registry_versions WHERE subject = $1 AND version = $2`, v.Subject, v.Version); err != nil {
			return fmt.Errorf("remove version: %w", err)
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM registry_schemas WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM registry_versions WHERE schema_id = $1)`, v.SchemaID)
		if err != nil {
			return fmt.Errorf("remove schema: %w", err)
		}
	}
	return nil
}

func (s *Store) registryVersions(ctx context.Context, query string, args ...any) ([]RegistryVersion, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list registry versions: %w", err)
	}
	return collect(rows, func(row scanner) (RegistryVersion, error) {
		var v RegistryVersion
		err := row.Scan(&v.Subject, &v.Version, &v.SchemaID, &v.Deleted)
		return v, err
	})
}

func (s *Store) registrySchema(ctx context.Context, row *sql.Row) (RegistrySchema, error) {
	var schema RegistrySchema
	if err := row.Scan(&schema.ID, &schema.Fingerprint, &schema.Format, &schema.Text, &schema.Metadata, &schema.RuleSet); err != nil {
		return RegistrySchema{}, fmt.Errorf("read schema: %w", notFound(err))
	}
	rows, err := s.db.QueryContext(ctx, `SELECT name, subject, version FROM registry_references WHERE schema_id = $1 ORDER BY position`, schema.ID)
	if err != nil {
		return RegistrySchema{}, fmt.Errorf("read schema references: %w", err)
	}
	schema.References, err = collect(rows, func(row scanner) (RegistryReference, error) {
		var r RegistryReference
		err := row.Scan(&r.Name, &r.Subject, &r.Version)
		return r, err
	})
	return schema, err
}
