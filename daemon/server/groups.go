package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func (s *server) groupRoutes(face huma.API) {
	const base = "/v1/connections/{connection}/consumer-groups"
	route(s, face, http.MethodGet, base, "list-consumer-groups", "List consumer groups", s.listGroups)
	route(s, face, http.MethodGet, base+"/{name}", "get-consumer-group", "Read a consumer group", func(ctx context.Context, in *DeclaredPath) (*api.ConsumerGroup, error) {
		return s.Groups.Get(ctx, in.Connection, in.Name)
	})
	route(s, face, http.MethodPut, base+"/{name}/offsets", "reset-offsets", "Move the committed offsets of a consumer group that nobody is in", func(ctx context.Context, in *struct {
		DeclaredPath
		Write
		Body api.OffsetReset
	},
	) (*api.OffsetMoves, error) {
		if err := in.check(in.Body.Unknown); err != nil {
			return nil, err
		}
		return s.Groups.Reset(ctx, in.Connection, in.Name, in.Body, in.options(), in.IdempotencyKey)
	})
	route(s, face, http.MethodGet, "/v1/connections/{connection}/cluster", "get-cluster", "Read a cluster and its brokers", func(ctx context.Context, in *struct {
		Connection string `path:"connection" doc:"The connection of the cluster."`
	},
	) (*api.Cluster, error) {
		return s.Clusters.Get(ctx, in.Connection)
	})
}

func (s *server) listGroups(ctx context.Context, in *struct {
	Connection string `path:"connection" doc:"The connection of the cluster."`
	Prefix     string `query:"prefix" doc:"Only groups whose names begin with it."`
	State      string `query:"state" doc:"Only groups in this state, such as Stable or Empty."`
	Paging
},
) (*api.Page[api.ConsumerGroup], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	found, err := s.Groups.List(ctx, in.Connection, api.GroupQuery{Prefix: in.Prefix, State: in.State}, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(found, in.Limit, func(g api.ConsumerGroup) string { return g.Name }), nil
}
