package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// KafkaConnector is what Headgate keeps beside a connector of a Kafka Connect cluster.
type KafkaConnector struct {
	Connection string
	Name       string
	// SensitiveKeys were declared to be secret.
	SensitiveKeys []string
	// Restart is the restart policy; nil: none.
	Restart json.RawMessage
	// Added are the keys that the cluster itself added to the configuration when it was last written, with their values. A
	// nil value is secret, and not kept.
	Added map[string]*string
	// Masked are the declared keys that the cluster shows a mask of. What is declared in the open is no secret.
	Masked map[string]Masked
}

// Masked is a value that a cluster does not show.
type Masked struct {
	Declared string `json:"declared"`
	Shown    string `json:"shown"`
}

const kafkaConnectorColumns = `connection, name, sensitive_keys, restart, added, masked`

// KafkaConnector reads what is kept beside a connector, or answers ErrNotFound.
func (s *Store) KafkaConnector(ctx context.Context, connection, name string) (KafkaConnector, error) {
	return scanKafkaConnector(s.db.QueryRowContext(ctx, `SELECT `+kafkaConnectorColumns+` FROM kafka_connectors WHERE connection = $1 AND name = $2`, connection, name))
}

// KafkaConnectors reads what is kept beside all connectors, by connection and name.
func (s *Store) KafkaConnectors(ctx context.Context) ([]KafkaConnector, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+kafkaConnectorColumns+` FROM kafka_connectors ORDER BY connection, name`)
	if err != nil {
		return nil, fmt.Errorf("list connectors of Kafka Connect: %w", err)
	}
	return collect(rows, scanKafkaConnector)
}

// PutKafkaConnector replaces what is kept beside a connector.
func (s *Store) PutKafkaConnector(ctx context.Context, c KafkaConnector) error {
	keys, err := json.Marshal(c.SensitiveKeys)
	if err != nil {
		return fmt.Errorf("encode sensitive keys: %w", err)
	}
	added, err := json.Marshal(c.Added)
	if err != nil {
		return fmt.Errorf("encode added keys: %w", err)
	}
	masked, err := json.Marshal(c.Masked)
	if err != nil {
		return fmt.Errorf("encode masked keys: %w", err)
	}
	_, err = s.db.ExecContext(ctx, `INSERT INTO kafka_connectors (`+kafkaConnectorColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (connection, name) DO UPDATE SET
			sensitive_keys = excluded.sensitive_keys, restart = excluded.restart, added = excluded.added, masked = excluded.masked`,
		c.Connection, c.Name, string(keys), string(c.Restart), string(added), string(masked))
	if err != nil {
		return fmt.Errorf("store connector of Kafka Connect: %w", err)
	}
	return nil
}

// ForgetKafkaConnector removes what is kept beside a connector; that it is not there is fine.
func (s *Store) ForgetKafkaConnector(ctx context.Context, connection, name string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM kafka_connectors WHERE connection = $1 AND name = $2`, connection, name); err != nil {
		return fmt.Errorf("forget connector of Kafka Connect: %w", err)
	}
	return nil
}

func scanKafkaConnector(row scanner) (KafkaConnector, error) {
	var (
		c                            KafkaConnector
		keys, restart, added, masked string
	)
	if err := row.Scan(&c.Connection, &c.Name, &keys, &restart, &added, &masked); err != nil {
		return KafkaConnector{}, notFound(err)
	}
	for what, column := range map[string]struct {
		text string
		into any
	}{"sensitive keys": {keys, &c.SensitiveKeys}, "added keys": {added, &c.Added}, "masked keys": {masked, &c.Masked}} {
		if err := json.Unmarshal([]byte(column.text), column.into); err != nil {
			return KafkaConnector{}, fmt.Errorf("decode %s of connector %s: %w", what, c.Name, err)
		}
	}
	if restart != "" {
		c.Restart = json.RawMessage(restart)
	}
	return c, nil
}
