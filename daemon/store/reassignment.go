package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Reassignment notes a reassignment of replicas that was begun, with all that has to be taken away after it.
type Reassignment struct {
	Connection string `json:"-"`
	Topic      string `json:"-"`

	TopicID   string    `json:"topic_id"`
	Factor    int       `json:"factor"`
	StartedAt time.Time `json:"started_at"`
	// Partitions are those that move.
	Partitions []int32 `json:"partitions"`
	// Throttle is in bytes per second; 0: none.
	Throttle int64 `json:"throttle"`
	// Brokers are those whose rate is to be taken away.
	Brokers []int32 `json:"brokers"`
	// LeaderReplicas and FollowerReplicas are the entries ("partition:broker") to be taken from the topic's lists.
	LeaderReplicas   []string `json:"leader_replicas"`
	FollowerReplicas []string `json:"follower_replicas"`
	// After are configs to be set on the topic once all replicas are there.
	After map[string]string `json:"after"`
	// Cancelled says that it was taken back.
	Cancelled bool `json:"cancelled"`
}

// Reassignments reads all notes.
func (s *Store) Reassignments(ctx context.Context) ([]Reassignment, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT connection, topic, note FROM reassignments ORDER BY connection, topic`)
	if err != nil {
		return nil, fmt.Errorf("list reassignments: %w", err)
	}
	return collect(rows, scanReassignment)
}

// PutReassignment replaces the note of a topic.
func (s *Store) PutReassignment(ctx context.Context, r Reassignment) error {
	note, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode reassignment: %w", err)
	}
	_, err = s.db.ExecContext(ctx, `INSERT INTO reassignments (connection, topic, note) VALUES ($1, $2, $3)
		ON CONFLICT (connection, topic) DO UPDATE SET note = excluded.note`, r.Connection, r.Topic, string(note))
	if err != nil {
		return fmt.Errorf("note reassignment: %w", err)
	}
	return nil
}

// ForgetReassignment removes the note of a topic; that there is none is fine.
func (s *Store) ForgetReassignment(ctx context.Context, connection, topic string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM reassignments WHERE connection = $1 AND topic = $2`, connection, topic); err != nil {
		return fmt.Errorf("forget reassignment: %w", err)
	}
	return nil
}

func scanReassignment(row scanner) (Reassignment, error) {
	var r Reassignment
	var note string
	if err := row.Scan(&r.Connection, &r.Topic, &note); err != nil {
		return Reassignment{}, notFound(err)
	}
	if err := json.Unmarshal([]byte(note), &r); err != nil {
		return Reassignment{}, fmt.Errorf("decode reassignment of topic %s: %w", r.Topic, err)
	}
	return r, nil
}
