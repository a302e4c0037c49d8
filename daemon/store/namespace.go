package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Namespace is a row of namespaces.
type Namespace struct {
	Name       string
	Settings   json.RawMessage
	Generation int64
}

// Namespace reads one namespace, or answers ErrNotFound.
func (s *Store) Namespace(ctx context.Context, name string) (Namespace, error) {
	return scanNamespace(s.db.QueryRowContext(ctx, `SELECT name, settings, generation FROM namespaces WHERE name = $1`, name))
}

// Namespaces reads all namespaces by name.
func (s *Store) Namespaces(ctx context.Context) ([]Namespace, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, settings, generation FROM namespaces ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	return collect(rows, scanNamespace)
}

// InsertNamespace adds a namespace at generation 1. It answers ErrConflict when the name is taken.
func (s *Store) InsertNamespace(ctx context.Context, n Namespace) error {
	res, err := s.db.ExecContext(ctx, `INSERT INTO namespaces (name, settings, generation) VALUES ($1, $2, 1) ON CONFLICT DO NOTHING`, n.Name, string(n.Settings))
	if err := oneRow(res, err); err != nil {
		return fmt.Errorf("insert namespace: %w", err)
	}
	return nil
}

// UpdateNamespace replaces the settings of a namespace that is at n.Generation, and moves it to the next.
func (s *Store) UpdateNamespace(ctx context.Context, n Namespace) error {
	res, err := s.db.ExecContext(ctx, `UPDATE namespaces SET settings = $1, generation = generation + 1 WHERE name = $2 AND generation = $3`, string(n.Settings), n.Name, n.Generation)
	if err := oneRow(res, err); err != nil {
		return fmt.Errorf("update namespace: %w", err)
	}
	return nil
}

// DeleteNamespace removes a namespace that is at a generation. It answers ErrConflict when it is at another.
func (s *Store) DeleteNamespace(ctx context.Context, name string, generation int64) error {
	res, err := s.db.ExecContext(ctx, `DELETE FROM namespaces WHERE name = $1 AND generation = $2`, name, generation)
	if err := oneRow(res, err); err != nil {
		return fmt.Errorf("delete namespace: %w", err)
	}
	return nil
}

func scanNamespace(row scanner) (Namespace, error) {
	var n Namespace
	var settings string
	if err := row.Scan(&n.Name, &settings, &n.Generation); err != nil {
		return Namespace{}, notFound(err)
	}
	n.Settings = json.RawMessage(settings)
	return n, nil
}
