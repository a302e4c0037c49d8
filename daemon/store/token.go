package store

import (
	"context"
	"fmt"
	"time"
)

// Token is a short-lived token. The token itself is not kept.
type Token struct {
	ID          string
	Hash        string // of the token, SHA-256 in hex
	Description string
	ExpiresAt   time.Time // to the second
}

// InsertToken keeps a token, and forgets those that have expired.
func (s *Store) InsertToken(ctx context.Context, t Token, now time.Time) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM tokens WHERE expires_at <= $1`, now.Unix()); err != nil {
		return fmt.Errorf("forget expired tokens: %w", err)
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO tokens (id, hash, description, expires_at) VALUES ($1, $2, $3, $4)`, t.ID, t.Hash, t.Description, t.ExpiresAt.Unix())
	if err != nil {
		return fmt.Errorf("store token: %w", err)
	}
	return nil
}

// TokenByHash reads a token that is good at a time, or answers ErrNotFound.
func (s *Store) TokenByHash(ctx context.Context, hash string, now time.Time) (Token, error) {
	return scanToken(s.db.QueryRowContext(ctx, `SELECT id, hash, description, expires_at FROM tokens WHERE hash = $1 AND expires_at > $2`, hash, now.Unix()))
}

// Tokens lists at most limit tokens that are good at a time, those after an id.
func (s *Store) Tokens(ctx context.Context, now time.Time, after string, limit int) ([]Token, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, hash, description, expires_at FROM tokens WHERE expires_at > $1 AND id > $2 ORDER BY id LIMIT $3`, now.Unix(), after, limit)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return collect(rows, scanToken)
}

// DeleteToken ends a token, or answers ErrNotFound.
func (s *Store) DeleteToken(ctx context.Context, id string) error {
	done, err := s.db.ExecContext(ctx, `DELETE FROM tokens WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("delete token: %w", err)
	}
	if n, err := done.RowsAffected(); err == nil && n == 0 {
		return ErrNotFound
	}
	return nil
}

func scanToken(row scanner) (Token, error) {
	var t Token
	var expires int64
	if err := row.Scan(&t.ID, &t.Hash, &t.Description, &expires); err != nil {
		return Token{}, notFound(err)
	}
	t.ExpiresAt = time.Unix(expires, 0).UTC()
	return t, nil
}
