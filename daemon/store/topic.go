package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// Topic is what Headgate keeps beside a topic of a cluster.
type Topic struct {
	Connection         string
	Name               string
	Description        string
	Labels             map[string]string
	DeletionProtection bool
}

// Topic reads what is kept beside a topic, or answers ErrNotFound.
func (s *Store) Topic(ctx context.Context, connection, name string) (Topic, error) {
	return scanTopic(s.db.QueryRowContext(ctx, `SELECT connection, name, description, labels, deletion_protection FROM topics WHERE connection = $1 AND name = $2`, connection, name))
}

// Topics reads what is kept beside all topics of a connection.
func (s *Store) Topics(ctx context.Context, connection string) ([]Topic, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT connection, name, description, labels, deletion_protection FROM topics WHERE connection = $1 ORDER BY name`, connection)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	return collect(rows, scanTopic)
}

// PutTopic replaces what is kept beside a topic.
func (s *Store) PutTopic(ctx context.Context, t Topic) error {
	labels, err := json.Marshal(t.Labels)
	if err != nil {
		return fmt.Errorf("encode labels: %w", err)
	}
	return s.together(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO topics (connection, name, description, labels, deletion_protection) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (connection, name) DO UPDATE SET description = excluded.description, labels = excluded.labels, deletion_protection = excluded.deletion_protection`,
			t.Connection, t.Name, t.Description, string(labels), t.DeletionProtection)
		if err != nil {
			return fmt.Errorf("store topic: %w", err)
		}
		return nil
	})
}

// ForgetTopic removes what is kept beside a topic; that it is not there is fine.
func (s *Store) ForgetTopic(ctx context.Context, connection, name string) error {
	return s.together(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM topics WHERE connection = $1 AND name = $2`, connection, name); err != nil {
			return fmt.Errorf("forget topic: %w", err)
		}
		return nil
	})
}

func scanTopic(row scanner) (Topic, error) {
	var (
		t      Topic
		labels string
	)
	if err := row.Scan(&t.Connection, &t.Name, &t.Description, &labels, &t.DeletionProtection); err != nil {
		return Topic{}, notFound(err)
	}
	if err := json.Unmarshal([]byte(labels), &t.Labels); err != nil {
		return Topic{}, fmt.Errorf("decode labels of topic %s: %w", t.Name, err)
	}
	return t, nil
}
