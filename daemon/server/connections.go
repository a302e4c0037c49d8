package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Named holds the name in a path.
type Named struct {
	Name string `path:"name" doc:"The name."`
}

func (s *server) connectionRoutes(face huma.API) {
	route(s, face, http.MethodGet, "/v1/connections", "list-connections", "List connections", s.listConnections)
	route(s, face, http.MethodGet, "/v1/connections/{name}", "get-connection", "Read a connection", func(ctx context.Context, in *Named) (*api.Connection, error) {
		return s.Connections.Get(ctx, in.Name)
	})
	route(s, face, http.MethodPut, "/v1/connections/{name}", "put-connection", "Create or change a connection", s.putConnection)
	route(s, face, http.MethodDelete, "/v1/connections/{name}", "delete-connection", "Delete a connection", func(ctx context.Context, in *struct {
		Named
		Write
	},
	) (*api.Deletion, error) {
		return s.Connections.Delete(ctx, in.Name, in.options())
	})
	route(s, face, http.MethodPost, "/v1/connections/{name}/test", "test-connection", "Try a connection", func(ctx context.Context, in *Named) (*api.ConnectionTest, error) {
		return s.Connections.Test(ctx, in.Name)
	})
}

func (s *server) listConnections(ctx context.Context, in *Paging) (*api.Page[api.Connection], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	found, err := s.Connections.List(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(found, in.Limit, func(c api.Connection) string { return c.Name }), nil
}

func (s *server) putConnection(ctx context.Context, in *struct {
	Named
	Write
	Body api.ConnectionWrite
},
) (*api.Connection, error) {
	if err := in.check(in.Body.Unknown); err != nil {
		return nil, err
	}
	c, err := s.Connections.Put(ctx, in.Name, in.Body, in.options(), in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		afterAnswer(ctx, outcome{
			sent: func(ctx context.Context) error { return s.Connections.EndCreation(ctx, in.Name) },
			lost: func(ctx context.Context) error { return s.Connections.AbandonCreation(ctx, in.Name) },
		})
	}
	return c, nil
}
