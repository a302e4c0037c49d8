package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/daemon/declared"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// DeclaredPath names an object of a cluster in a path.
type DeclaredPath struct {
	Connection string `path:"connection" doc:"The connection of the cluster."`
	Name       string `path:"name" doc:"The name of the object."`
}

// declaredNoun is how the objects of a noun are called in the API.
type declaredNoun[Body, Answer any] struct {
	segment      string // of the path
	one, several string // in summaries
	service      *declared.Service[Body, Answer]
	unknown      func(Body) []string
	// remove is nil where a delete has parameters of its own.
	remove func(ctx context.Context, connection, name string, opts api.WriteOptions) (*api.Deletion, error)
}

func (n declaredNoun[Body, Answer]) path() string {
	return "/v1/connections/{connection}/" + n.segment + "/{name}"
}

func (n declaredNoun[Body, Answer]) id(verb string) string {
	return verb + "-" + strings.TrimSuffix(n.segment, "s")
}

// declaredRoutes registers the operations on the objects of a noun.
func declaredRoutes[Body, Answer any](s *server, face huma.API, n declaredNoun[Body, Answer]) {
	route(s, face, http.MethodGet, "/v1/connections/{connection}/"+n.segment, "list-"+n.segment, "List "+n.several, n.list)
	route(s, face, http.MethodGet, n.path(), n.id("get"), "Read "+n.one, func(ctx context.Context, in *DeclaredPath) (*Answer, error) {
		return n.service.Get(ctx, in.Connection, in.Name)
	})
	route(s, face, http.MethodPut, n.path(), n.id("put"), "Create or change "+n.one, n.put)
	if n.remove == nil {
		return
	}
	route(s, face, http.MethodDelete, n.path(), n.id("delete"), "Delete "+n.one, func(ctx context.Context, in *struct {
		DeclaredPath
		Write
	},
	) (*api.Deletion, error) {
		return n.remove(ctx, in.Connection, in.Name, in.options())
	})
}

func (n declaredNoun[Body, Answer]) list(ctx context.Context, in *struct {
	Connection string `path:"connection" doc:"The connection of the cluster."`
	Prefix     string `query:"prefix" doc:"Only objects whose names begin with it."`
	Paging
},
) (*api.Page[Answer], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	found, err := n.service.List(ctx, in.Connection, in.Prefix, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(found, in.Limit, func(a Answer) string { return n.service.Name(&a) }), nil
}

func (n declaredNoun[Body, Answer]) put(ctx context.Context, in *struct {
	DeclaredPath
	Write
	Body Body
},
) (*Answer, error) {
	if err := in.check(n.unknown(in.Body)); err != nil {
		return nil, err
	}
	answer, err := n.service.Put(ctx, in.Connection, in.Name, in.Body, in.options(), in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		afterAnswer(ctx, outcome{
			sent: func(ctx context.Context) error { return n.service.EndCreation(ctx, in.Connection, in.Name) },
			lost: func(ctx context.Context) error { return n.service.AbandonCreation(ctx, in.Connection, in.Name) },
		})
	}
	return answer, nil
}
