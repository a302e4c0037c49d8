package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// closeTimeout bounds the closing of a note.
const closeTimeout = 10 * time.Second

// A creation that was begun and whose answer never left the daemon: the caller does not know that it has the object.
// Noting it before the object is made lets the caller's next attempt take the object over instead of being told that
// it already exists. It may be taken over by a repeat of the same request (same idempotency key), or by anyone after
// the daemon was restarted, for then nobody can be waiting for the answer any more.

// BeginCreation notes that an object is about to be created. It answers false when the object's creation is under way
// for another request of this run of the daemon.
func (s *Store) BeginCreation(ctx context.Context, noun, name, idempotencyKey string) (bool, error) {
	began := false
	err := s.together(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var key, boot string
		err := tx.QueryRowContext(ctx, `SELECT idempotency_key, boot FROM creations WHERE noun = $1 AND name = $2`, noun, name).Scan(&key, &boot)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read creation: %w", err)
		}
		if err == nil && boot == s.boot && key != idempotencyKey {
			return nil
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO creations (noun, name, idempotency_key, boot) VALUES ($1, $2, $3, $4)
			ON CONFLICT (noun, name) DO UPDATE SET idempotency_key = excluded.idempotency_key, boot = excluded.boot`, noun, name, idempotencyKey, s.boot)
		if err != nil {
			return fmt.Errorf("note creation: %w", err)
		}
		began = true
		return nil
	})
	return began, err
}

// Unanswered says whether an object was created without its caller learning of it, so that this request may take it over.
func (s *Store) Unanswered(ctx context.Context, noun, name, idempotencyKey string) (bool, error) {
	var key, boot string
	err := s.db.QueryRowContext(ctx, `SELECT idempotency_key, boot FROM creations WHERE noun = $1 AND name = $2`, noun, name).Scan(&key, &boot)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read creation: %w", err)
	}
	return boot != s.boot || key == idempotencyKey, nil
}

// AbandonCreation keeps the note of a creation whose outcome nobody knows, for any later request to take over.
func (s *Store) AbandonCreation(ctx context.Context, noun, name string) error {
	return s.closeNote(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE creations SET boot = '' WHERE noun = $1 AND name = $2`, noun, name); err != nil {
			return fmt.Errorf("abandon creation: %w", err)
		}
		return nil
	})
}

// FailCreation closes the note of a creation that failed: when it is known that there is no object, the note is
// forgotten, otherwise it is kept for any later request.
func (s *Store) FailCreation(ctx context.Context, noun, name string, known bool) error {
	if known {
		return s.EndCreation(ctx, noun, name)
	}
	return s.AbandonCreation(ctx, noun, name)
}

// EndCreation forgets the note: the answer has left, or there is no object.
func (s *Store) EndCreation(ctx context.Context, noun, name string) error {
	return s.closeNote(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM creations WHERE noun = $1 AND name = $2`, noun, name); err != nil {
			return fmt.Errorf("forget creation: %w", err)
		}
		return nil
	})
}

// closeNote does not end with its caller: mostly a creation fails because the caller's time is over, and a note that stayed
// open would keep everyone else from creating the object until the daemon is restarted.
func (s *Store) closeNote(ctx context.Context, fn write) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return s.together(ctx, fn)
}
