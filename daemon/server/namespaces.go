package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func (s *server) namespaceRoutes(face huma.API) {
	const base = "/v1/namespaces"
	route(s, face, http.MethodGet, base, "list-namespaces", "List namespaces", func(ctx context.Context, in *Paging) (*api.Page[api.Namespace], error) {
		after, err := in.after()
		if err != nil {
			return nil, err
		}
		found, err := s.Namespaces.List(ctx, after, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return page(found, in.Limit, func(n api.Namespace) string { return n.Name }), nil
	})
	route(s, face, http.MethodGet, base+"/{name}", "get-namespace", "Read a namespace", func(ctx context.Context, in *Named) (*api.Namespace, error) {
		return s.Namespaces.Get(ctx, in.Name)
	})
	route(s, face, http.MethodPut, base+"/{name}", "put-namespace", "Create or change a namespace", s.putNamespace)
	route(s, face, http.MethodDelete, base+"/{name}", "delete-namespace", "Delete a namespace; its topics stay", func(ctx context.Context, in *struct {
		Named
		Write
	},
	) (*api.Deletion, error) {
		return s.Namespaces.Delete(ctx, in.Name, in.options())
	})
}

func (s *server) putNamespace(ctx context.Context, in *struct {
	Named
	Write
	Body api.NamespaceWrite
},
) (*api.Namespace, error) {
	if err := in.check(in.Body.Unknown); err != nil {
		return nil, err
	}
	n, err := s.Namespaces.Put(ctx, in.Name, in.Body, in.options(), in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		afterAnswer(ctx, outcome{
			sent: func(ctx context.Context) error { return s.Namespaces.EndCreation(ctx, in.Name) },
			lost: func(ctx context.Context) error { return s.Namespaces.AbandonCreation(ctx, in.Name) },
		})
	}
	return n, nil
}
