package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Connector is a row of connectors.
type Connector struct {
	Name string
	// UID tells a recreated connector from its predecessor: it names the consumer group.
	UID        string
	Spec       json.RawMessage
	Generation int64
	// Started says that every instance ran once, and that the first positions are in the group.
	Started bool
}

// Connector reads one connector, or answers ErrNotFound.
func (s *Store) Connector(ctx context.Context, name string) (Connector, error) {
	return scanConnector(s.db.QueryRowContext(ctx, `SELECT name, uid, spec, generation, started FROM connectors WHERE name = $1`, name))
}

// Connectors reads all connectors by name.
func (s *Store) Connectors(ctx context.Context) ([]Connector, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, uid, spec, generation, started FROM connectors ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list connectors: %w", err)
	}
	return collect(rows, scanConnector)
}

// InsertConnector adds a connector at generation 1. It answers ErrConflict when the name is taken.
func (s *Store) InsertConnector(ctx context.Context, c Connector) error {
	res, err := s.db.ExecContext(ctx, `INSERT INTO connectors (name, uid, spec, generation, started) VALUES ($1, $2, $3, 1, FALSE) ON CONFLICT DO NOTHING`, c.Name, c.UID, string(c.Spec))
	if err := oneRow(res, err); err != nil {
		return fmt.Errorf("insert connector: %w", err)
	}
	return nil
}

// UpdateConnector replaces the spec of a connector that is at c.Generation, and moves it to the next.
func (s *Store) UpdateConnector(ctx context.Context, c Connector) error {
	res, err := s.db.ExecContext(ctx, `UPDATE connectors SET spec = $1, generation = generation + 1 WHERE name = $2 AND generation = $3`, string(c.Spec), c.Name, c.Generation)
	if err := oneRow(res, err); err != nil {
		return fmt.Errorf("update connector: %w", err)
	}
	return nil
}

// MarkConnectorStarted notes that the connector ran.
func (s *Store) MarkConnectorStarted(ctx context.Context, uid string) error {
	if _, err := s.db.ExecContext(ctx, `UPDATE connectors SET started = TRUE WHERE uid = $1`, uid); err != nil {
		return fmt.Errorf("mark connector started: %w", err)
	}
	return nil
}

// DeleteConnector removes a connector.
func (s *Store) DeleteConnector(ctx context.Context, uid string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM connectors WHERE uid = $1`, uid); err != nil {
		return fmt.Errorf("delete connector: %w", err)
	}
	return nil
}

func scanConnector(row scanner) (Connector, error) {
	var (
		c    Connector
		spec string
	)
	if err := row.Scan(&c.Name, &c.UID, &spec, &c.Generation, &c.Started); err != nil {
		return Connector{}, notFound(err)
	}
	c.Spec = json.RawMessage(spec)
	return c, nil
}
