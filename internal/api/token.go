package api

import (
	"context"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Lifetimes of short-lived tokens.
const (
	DefaultTokenLifetime = 15 * time.Minute
	MaxTokenLifetime     = 24 * time.Hour
)

// Token is a short-lived token, without the token itself.
type Token struct {
	ID          string    `json:"id" doc:"What it is called when it is listed or revoked; no secret."`
	Description string    `json:"description" doc:"What it is for, for people."`
	ExpiresAt   time.Time `json:"expires_at" doc:"From when on it is worth nothing."`
}

// TokenRequest asks for a short-lived token.
type TokenRequest struct {
	Description string        `json:"description,omitempty" maxLength:"200" doc:"What it is for, for people."`
	Lifetime    spec.Duration `json:"lifetime,omitempty" doc:"How long it is good for, at most 24h. Default: 15m."`
}

// IssuedToken is a token on its only way out: the daemon keeps no more than its hash.
type IssuedToken struct {
	Token
	Secret string `json:"token" doc:"The token. It is not shown again."`
}

// IssueToken makes a short-lived token.
func (c *Client) IssueToken(ctx context.Context, body TokenRequest) (*IssuedToken, error) {
	return post[IssuedToken](ctx, c, "/v1/tokens", body)
}

// ListTokens reads one page of the short-lived tokens that are good now.
func (c *Client) ListTokens(ctx context.Context, cursor string) (*Page[Token], error) {
	return get[Page[Token]](ctx, c, "/v1/tokens"+query("cursor", cursor))
}

// RevokeToken ends a short-lived token before its time.
func (c *Client) RevokeToken(ctx context.Context, id string) (*Deletion, error) {
	return del(ctx, c, "/v1/tokens/"+escape(id), WriteOptions{})
}
