package store

import (
	"context"
	"fmt"
)

// SchemaOverride is a compatibility mode that is lowered while an incompatible schema is registered, and has to be
// restored.
type SchemaOverride struct {
	Connection string
	Subject    string
	// Compatibility is what the subject's own was; empty is none.
	Compatibility string
}

// PutSchemaOverride notes what has to be restored.
func (s *Store) PutSchemaOverride(ctx context.Context, o SchemaOverride) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO schema_overrides (connection, subject, compatibility) VALUES ($1, $2, $3)
		ON CONFLICT (connection, subject) DO UPDATE SET compatibility = excluded.compatibility`, o.Connection, o.Subject, o.Compatibility)
	if err != nil {
		return fmt.Errorf("note compatibility to restore: %w", err)
	}
	return nil
}

// SchemaOverrides lists what has to be restored.
func (s *Store) SchemaOverrides(ctx context.Context) ([]SchemaOverride, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT connection, subject, compatibility FROM schema_overrides ORDER BY connection, subject`)
	if err != nil {
		return nil, fmt.Errorf("list compatibilities to restore: %w", err)
	}
	return collect(rows, func(row scanner) (SchemaOverride, error) {
		var o SchemaOverride
		err := row.Scan(&o.Connection, &o.Subject, &o.Compatibility)
		return o, err
	})
}

// ForgetSchemaOverride removes the note; that it is not there is fine.
func (s *Store) ForgetSchemaOverride(ctx context.Context, connection, subject string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM schema_overrides WHERE connection = $1 AND subject = $2`, connection, subject); err != nil {
		return fmt.Errorf("forget compatibility to restore: %w", err)
	}
	return nil
}
