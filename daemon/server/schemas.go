package server

import (
	"context"
	"net/http"
	"strconv"

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
	route(s, face, http.MethodGet, base+"/{subject}/versions", "list-schema-versions", "List the versions of a subject", s.listSchemaVersions)
	route(s, face, http.MethodGet, base+"/{subject}/versions/{version}", "get-schema-version", "Read one version of a subject", func(ctx context.Context, in *struct {
		SchemaPath
		Version int64 `path:"version" minimum:"1" doc:"The version."`
	},
	) (*api.SchemaVersion, error) {
		return s.Schemas.Version(ctx, in.Connection, in.Subject, in.Version)
	})
	route(s, face, http.MethodGet, "/v1/connections/{connection}/schema-ids/{id}", "get-schema-by-id", "Read the schema of an id that records carry", func(ctx context.Context, in *struct {
		Connection string `path:"connection" doc:"The connection of the registry."`
		ID         string `path:"id" doc:"The id: a number, in AWS Glue a UUID."`
		Subject    string `query:"subject" doc:"The subject, where several have the schema."`
	},
	) (*api.SchemaVersion, error) {
		return s.Schemas.ByID(ctx, in.Connection, in.ID, in.Subject)
	})
	s.schemaSettingsRoutes(face)
}

// RegistryPath names a registry in a path.
type RegistryPath struct {
	Connection string `path:"connection" doc:"The connection of the registry."`
}

func (s *server) schemaSettingsRoutes(face huma.API) {
	const base = "/v1/connections/{connection}/schema-registry-settings"
	route(s, face, http.MethodGet, base, "get-schema-registry-settings", "Read what holds for subjects without settings of their own", func(ctx context.Context, in *RegistryPath) (*api.SchemaRegistrySettings, error) {
		return s.Schemas.GetSettings(ctx, in.Connection)
	})
	route(s, face, http.MethodPut, base, "put-schema-registry-settings", "Change the declared settings of a registry", func(ctx context.Context, in *struct {
		RegistryPath
		Write
		Body api.SchemaRegistrySettingsWrite
	},
	) (*api.SchemaRegistrySettings, error) {
		if err := in.check(in.Body.Unknown); err != nil {
			return nil, err
		}
		return s.Schemas.PutSettings(ctx, in.Connection, in.Body, in.options())
	})
	route(s, face, http.MethodDelete, base, "delete-schema-registry-settings", "Give a registry its own defaults back", func(ctx context.Context, in *struct {
		RegistryPath
		Write
	},
	) (*api.Deletion, error) {
		return s.Schemas.DeleteSettings(ctx, in.Connection, in.options())
	})
}

func (s *server) listSchemaVersions(ctx context.Context, in *struct {
	SchemaPath
	Paging
},
) (*api.Page[api.SchemaVersion], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	number := int64(0)
	if after != "" {
		if number, err = strconv.ParseInt(after, 10, 64); err != nil {
			return nil, api.Invalid("", "The cursor is not valid", "", "Use the cursor that the page before answered.")
		}
	}
	found, err := s.Schemas.Versions(ctx, in.Connection, in.Subject, number, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(found, in.Limit, func(v api.SchemaVersion) string { return strconv.FormatInt(v.Version, 10) }), nil
}

func (s *server) listSchemas(ctx context.Context, in *struct {
	Connection string `path:"connection" doc:"The connection of the registry."`
	Prefix     string `query:"prefix" doc:"Only subjects whose names begin with it."`
	Paging
},
) (*api.Page[api.Schema], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	found, err := s.Schemas.List(ctx, in.Connection, in.Prefix, after, in.Limit+1)
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
