package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// SchemaPath names a subject in a path.
type SchemaPath struct {
	Connection string `path:"connection" doc:"The connection of the registry."`
	Subject    string `path:"subject" doc:"The subject."`
}

func (s *server) schemaRoutes(face huma.API) {
	const base = "/v1/connections/{connection}/schemas"
	route(s, face, http.MethodGet, base, "list-schemas", "List subjects", s.listSchemas)
	route(s, face, http.MethodGet, base+"/{subject}", "get-schema", "Read the latest schema of a subject", func(ctx context.Context, in *SchemaPath) (*api.Schema, error) {
		return s.Schemas.Get(ctx, in.Connection, in.Subject)
	})
	route(s, face, http.MethodPut, base+"/{subject}", "put-schema", "Register a schema", s.putSchema)
	route(s, face, http.MethodDelete, base+"/{subject}", "delete-schema", "Delete a subject", func(ctx context.Context, in *struct {
		SchemaPath
		Write
		Hard bool `query:"hard" doc:"Delete for good, so that its ids no longer resolve."`
	},
	) (*api.Deletion, error) {
		return s.Schemas.Delete(ctx, in.Connection, in.Subject, in.Hard, in.options())
	})
}

func (s *server) listSchemas(ctx context.Context, in *struct {
	Connection string `path:"connection" doc:"The connection of the registry."`
	Paging
},
) (*api.Page[api.Schema], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	found, err := s.Schemas.List(ctx, in.Connection, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(found, in.Limit, func(x api.Schema) string { return x.Subject }), nil
}

func (s *server) putSchema(ctx context.Context, in *struct {
	SchemaPath
	Write
	Body api.SchemaWrite
},
) (*api.Schema, error) {
	if err := in.check(in.Body.Unknown); err != nil {
		return nil, err
	}
	found, err := s.Schemas.Put(ctx, in.Connection, in.Subject, in.Body, in.options(), in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		afterAnswer(ctx, outcome{
			sent: func(ctx context.Context) error { return s.Schemas.EndCreation(ctx, in.Connection, in.Subject) },
			lost: func(ctx context.Context) error { return s.Schemas.AbandonCreation(ctx, in.Connection, in.Subject) },
		})
	}
	return found, nil
}
