package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func (s *server) tokenRoutes(face huma.API) {
	route(s, face, http.MethodPost, "/v1/tokens", "issue-token", "Make a short-lived token", s.issueToken)
	route(s, face, http.MethodGet, "/v1/tokens", "list-tokens", "List the short-lived tokens that are good now", s.listTokens)
	route(s, face, http.MethodDelete, "/v1/tokens/{id}", "revoke-token", "End a short-lived token before its time", func(ctx context.Context, in *struct {
		ID string `path:"id" doc:"The id of the token."`
	},
	) (*api.Deletion, error) {
		return s.Issued.Revoke(ctx, in.ID)
	})
}

func (s *server) issueToken(ctx context.Context, in *struct{ Body api.TokenRequest }) (*api.IssuedToken, error) {
	if shortLived(ctx) {
		// Otherwise a token that leaked would live as long as its finder likes.
		return nil, api.Refused(api.CodeRefused, "", "A short-lived token cannot make another", "", "Ask with the token that the daemon was started with.")
	}
	return s.Issued.Issue(ctx, in.Body)
}

func (s *server) listTokens(ctx context.Context, in *Paging) (*api.Page[api.Token], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	found, err := s.Issued.List(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(found, in.Limit, func(t api.Token) string { return t.ID }), nil
}
