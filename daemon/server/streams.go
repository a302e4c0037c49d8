package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// StreamPath names a stream in a path.
type StreamPath struct {
	Connection string `path:"connection" doc:"The connection of the region."`
	Stream     string `path:"stream" doc:"The stream, by its name or its ARN."`
}

func (s *server) streamRoutes(face huma.API) {
	const base = "/v1/connections/{connection}/streams"
	route(s, face, http.MethodGet, base, "list-streams", "List Kinesis streams", func(ctx context.Context, in *struct {
		Connection string `path:"connection" doc:"The connection of the region."`
		Paging
	},
	) (*api.Page[api.Stream], error) {
		after, err := in.after()
		if err != nil {
			return nil, err
		}
		found, err := s.Streams.List(ctx, in.Connection, after, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return page(found, in.Limit, func(st api.Stream) string { return st.Name }), nil
	})
	route(s, face, http.MethodGet, base+"/{stream}", "get-stream", "Read a Kinesis stream", func(ctx context.Context, in *StreamPath) (*api.Stream, error) {
		return s.Streams.Get(ctx, in.Connection, in.Stream)
	})
	route(s, face, http.MethodPut, base+"/{stream}", "put-stream", "Create or change a Kinesis stream", s.putStream)
	route(s, face, http.MethodDelete, base+"/{stream}", "delete-stream", "Delete a Kinesis stream", func(ctx context.Context, in *struct {
		StreamPath
		Write
	},
	) (*api.Deletion, error) {
		return s.Streams.Delete(ctx, in.Connection, in.Stream, in.options())
	})
}

func (s *server) putStream(ctx context.Context, in *struct {
	StreamPath
	Write
	Body api.StreamWrite
},
) (*api.Stream, error) {
	if err := in.check(in.Body.Unknown); err != nil {
		return nil, err
	}
	made, err := s.Streams.Put(ctx, in.Connection, in.Stream, in.Body, in.options(), in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		afterAnswer(ctx, outcome{
			sent: func(ctx context.Context) error { return s.Streams.EndCreation(ctx, in.Connection, made.Name) },
			lost: func(ctx context.Context) error { return s.Streams.AbandonCreation(ctx, in.Connection, made.Name) },
		})
	}
	return made, nil
}
