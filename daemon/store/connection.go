package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// Connection is a row of connections with its sealed secrets by field.
type Connection struct {
	Name           string
	Kind           string
	Spec           json.RawMessage // without secrets
	SecretVersions map[string]int64
	Sealed         map[string][]byte
	Generation     int64
	ClusterID      string // empty: not known
}

const connectionColumns = `name, kind, spec, secret_versions, generation, cluster_id`

// Connection reads one connection, or answers ErrNotFound.
func (s *Store) Connection(ctx context.Context, name string) (Connection, error) {
	row := s.db.QueryRowContext(ctx, `SELECT `+connectionColumns+` FROM connections WHERE name = $1`, name)
	c, err := scanConnection(row)
	if err != nil {
		return Connection{}, err
	}
	c.Sealed, err = s.sealed(ctx, name)
	return c, err
}

// Connections reads the names after a cursor, at most limit, with their rows but without secrets.
func (s *Store) Connections(ctx context.Context, after string, limit int) ([]Connection, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+connectionColumns+` FROM connections WHERE name > $1 ORDER BY name LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return collect(rows, scanConnection)
}

// InsertConnection adds a connection at generation 1. It answers ErrConflict when the name is taken.
func (s *Store) InsertConnection(ctx context.Context, c Connection) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		versions, err := json.Marshal(c.SecretVersions)
		if err != nil {
			return fmt.Errorf("encode secret versions: %w", err)
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO connections (`+connectionColumns+`) VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT DO NOTHING`,
			c.Name, c.Kind, string(c.Spec), string(versions), c.ClusterID)
		if err := oneRow(res, err); err != nil {
			return fmt.Errorf("insert connection: %w", err)
		}
		return putSealed(ctx, tx, c)
	})
}

// UpdateConnection replaces a connection that is at c.Generation, and moves it to the next.
func (s *Store) UpdateConnection(ctx context.Context, c Connection) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		versions, err := json.Marshal(c.SecretVersions)
		if err != nil {
			return fmt.Errorf("encode secret versions: %w", err)
		}
		res, err := tx.ExecContext(ctx, `UPDATE connections SET spec = $1, secret_versions = $2, cluster_id = $3, generation = generation + 1 WHERE name = $4 AND generation = $5`,
			string(c.Spec), string(versions), c.ClusterID, c.Name, c.Generation)
		if err := oneRow(res, err); err != nil {
			return fmt.Errorf("update connection: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM connection_secrets WHERE connection = $1`, c.Name); err != nil {
			return fmt.Errorf("replace sealed secrets: %w", err)
		}
		return putSealed(ctx, tx, c)
	})
}

// NoteCluster notes which cluster a connection leads to, where that is not known. It is no change of the connection.
func (s *Store) NoteCluster(ctx context.Context, name string, generation int64, clusterID string) error {
	_, err := s.db.ExecContext(ctx, `UPDATE connections SET cluster_id = $1 WHERE name = $2 AND generation = $3 AND cluster_id = ''`, clusterID, name, generation)
	if err != nil {
		return fmt.Errorf("note the cluster of connection %s: %w", name, err)
	}
	return nil
}

// DeleteConnection removes a connection that is at the generation, its secrets, and what is kept beside the topics, streams
// and connectors behind it: a later connection of the same name may lead to another cluster.
func (s *Store) DeleteConnection(ctx context.Context, name string, generation int64) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM connections WHERE name = $1 AND generation = $2`, name, generation)
		if err := oneRow(res, err); err != nil {
			return fmt.Errorf("delete connection: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM topics WHERE connection = $1`, name); err != nil {
			return fmt.Errorf("forget topics of the connection: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM kafka_connectors WHERE connection = $1`, name); err != nil {
			return fmt.Errorf("forget connectors of the connection: %w", err)
		}
		return nil
	})
}

// HasSecrets says whether any sealed secret is stored.
func (s *Store) HasSecrets(ctx context.Context) (bool, error) {
	var has bool
	if err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM connection_secrets)`).Scan(&has); err != nil {
		return false, fmt.Errorf("look for sealed secrets: %w", err)
	}
	return has, nil
}

func putSealed(ctx context.Context, tx *sql.Tx, c Connection) error {
	for field, sealed := range c.Sealed {
		if _, err := tx.ExecContext(ctx, `INSERT INTO connection_secrets (connection, field, sealed) VALUES ($1, $2, $3)`, c.Name, field, sealed); err != nil {
			return fmt.Errorf("store sealed secret: %w", err)
		}
	}
	return nil
}

func (s *Store) sealed(ctx context.Context, connection string) (map[string][]byte, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT field, sealed FROM connection_secrets WHERE connection = $1`, connection)
	if err != nil {
		return nil, fmt.Errorf("read sealed secrets: %w", err)
	}
	type secret struct {
		field  string
		sealed []byte
	}
	list, err := collect(rows, func(row scanner) (secret, error) {
		var one secret
		err := row.Scan(&one.field, &one.sealed)
		return one, err
	})
	if err != nil {
		return nil, err
	}
	sealed := make(map[string][]byte, len(list))
	for _, one := range list {
		sealed[one.field] = one.sealed
	}
	return sealed, nil
}

func scanConnection(row scanner) (Connection, error) {
	var (
		c              Connection
		spec, versions string
	)
	if err := row.Scan(&c.Name, &c.Kind, &spec, &versions, &c.Generation, &c.ClusterID); err != nil {
		return Connection{}, notFound(err)
	}
	c.Spec = json.RawMessage(spec)
	if err := json.Unmarshal([]byte(versions), &c.SecretVersions); err != nil {
		return Connection{}, fmt.Errorf("decode secret versions of connection %s: %w", c.Name, err)
	}
	return c, nil
}

// scanner is a row, single or one of several.
type scanner interface{ Scan(dest ...any) error }

func collect[T any](rows *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return all, nil
}

// oneRow turns a statement that had to touch one row and touched none into ErrConflict.
func oneRow(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrConflict
	}
	return nil
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
