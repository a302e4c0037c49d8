// Package token issues and checks short-lived tokens.
package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// prefix lets scanners for leaked secrets know a token when they see one.
const prefix = "hgt_"

// Service issues and checks tokens.
type Service struct {
	store *store.Store
}

// New makes the service.
func New(st *store.Store) *Service { return &Service{store: st} }

// Issue makes a token.
func (s *Service) Issue(ctx context.Context, body api.TokenRequest) (*api.IssuedToken, error) {
	lifetime, err := lifetime(body)
	if err != nil {
		return nil, err
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	secret := prefix + base64.RawURLEncoding.EncodeToString(random)
	now := time.Now()
	row := store.Token{ID: uuid.NewString(), Hash: hash(secret), Description: body.Description, ExpiresAt: now.Add(lifetime).UTC().Truncate(time.Second)}
	if err := s.store.InsertToken(ctx, row, now); err != nil {
		return nil, err
	}
	return &api.IssuedToken{Token: answer(row), Secret: secret}, nil
}

func lifetime(body api.TokenRequest) (time.Duration, error) {
	if body.Lifetime == "" {
		return api.DefaultTokenLifetime, nil
	}
	given, err := body.Lifetime.Parse()
	switch {
	case err != nil:
		return 0, api.Invalid("/lifetime", "The lifetime is not valid", err.Error()+".", "Write a duration such as 15m.")
	case given < time.Second || given > api.MaxTokenLifetime:
		return 0, api.Invalid("/lifetime", "The lifetime is not allowed", "A short-lived token is good for 1s to 24h.",
			"Choose a lifetime in these bounds. A token for longer belongs in the daemon's own configuration.")
	default:
		return given, nil
	}
}

// Good says whether a token was issued and has not expired.
func (s *Service) Good(ctx context.Context, secret string) (bool, error) {
	_, err := s.store.TokenByHash(ctx, hash(secret), time.Now())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// List lists the tokens that are good now, those after an id, at most limit.
func (s *Service) List(ctx context.Context, after string, limit int) ([]api.Token, error) {
	rows, err := s.store.Tokens(ctx, time.Now(), after, limit)
	if err != nil {
		return nil, err
	}
	list := make([]api.Token, len(rows))
	for i, row := range rows {
		list[i] = answer(row)
	}
	return list, nil
}

// Revoke ends a token before its time.
func (s *Service) Revoke(ctx context.Context, id string) (*api.Deletion, error) {
	if err := s.store.DeleteToken(ctx, id); errors.Is(err, store.ErrNotFound) {
		return nil, api.NotFound("Token", id)
	} else if err != nil {
		return nil, fmt.Errorf("revoke token %s: %w", id, err)
	}
	return &api.Deletion{Effects: []api.Warning{}}, nil
}

func answer(row store.Token) api.Token {
	return api.Token{ID: row.ID, Description: row.Description, ExpiresAt: row.ExpiresAt}
}

// hash needs no salt: tokens are random and long. Looking a hash up tells nothing of value about others by its time.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
