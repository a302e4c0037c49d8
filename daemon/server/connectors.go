package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

func (s *server) connectorRoutes(face huma.API) {
	const base = "/v1/connectors"
	route(s, face, http.MethodGet, base, "list-connectors", "List hosted connectors", s.listConnectors)
	route(s, face, http.MethodGet, base+"/{name}", "get-connector", "Read a hosted connector", s.getConnector)
	route(s, face, http.MethodPut, base+"/{name}", "put-connector", "Create or change a hosted connector", s.putConnector)
	route(s, face, http.MethodDelete, base+"/{name}", "delete-connector", "Delete a hosted connector", func(ctx context.Context, in *struct {
		Named
		Write
	},
	) (*api.Deletion, error) {
		return s.Connectors.Delete(ctx, in.Name, in.options())
	})
	route(s, face, http.MethodPost, base+"/{name}/restart", "restart-connector", "Restart all instances, or those that have failed", func(ctx context.Context, in *struct {
		Named
		OnlyFailed bool `query:"only_failed" doc:"Restart only what has failed."`
	},
	) (*api.Connector, error) {
		if in.OnlyFailed {
			return s.Connectors.RestartFailed(ctx, in.Name)
		}
		return s.Connectors.Restart(ctx, in.Name, -1)
	})
	route(s, face, http.MethodPost, base+"/{name}/instances/{instance}/restart", "restart-instance", "Restart one instance", func(ctx context.Context, in *struct {
		Named
		Instance int `path:"instance" minimum:"0" doc:"The instance."`
	},
	) (*api.Connector, error) {
		return s.Connectors.Restart(ctx, in.Name, in.Instance)
	})
	route(s, face, http.MethodPost, base+"/{name}/state", "set-connector-state", "Pause, resume or stop", func(ctx context.Context, in *struct {
		Named
		Body struct {
			State string `json:"state" enum:"running,paused,stopped" doc:"What the connector should be doing."`
		}
	},
	) (*api.Connector, error) {
		return s.Connectors.SetState(ctx, in.Name, in.Body.State)
	})
}

func (s *server) listConnectors(ctx context.Context, in *Paging) (*api.Page[api.Connector], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	found := s.Connectors.List(ctx, after, in.Limit+1)
	return page(found, in.Limit, func(c api.Connector) string { return c.Name }), nil
}

func (s *server) getConnector(ctx context.Context, in *struct {
	Named
	Wait string `query:"wait" enum:"settled" doc:"settled: answer once the connector is no longer starting, or after 20 seconds."`
},
) (*api.Connector, error) {
	polling, cancel := context.WithTimeout(ctx, api.PollLimit)
	defer cancel()
	c, err := s.Connectors.Get(polling, in.Name, in.Wait != "")
	if err != nil {
		return nil, err
	}
	afterAnswer(ctx, outcome{sent: func(ctx context.Context) error { return s.Connectors.Answered(ctx, c) }})
	return c, nil
}

func (s *server) putConnector(ctx context.Context, in *struct {
	Named
	Write
	StartTimeout
	Body api.ConnectorWrite
},
) (*api.Connector, error) {
	if err := in.check(in.Body.Unknown); err != nil {
		return nil, err
	}
	limit, err := in.limit()
	if err != nil {
		return nil, err
	}
	opts := api.ConnectorWriteOptions{WriteOptions: in.options(), StartTimeout: limit}
	return s.Connectors.Put(ctx, in.Name, in.Body, opts, in.IdempotencyKey)
}

// StartTimeout is a parameter of writes that start something.
type StartTimeout struct {
	StartTimeout string `query:"start_timeout" doc:"How long the connector may take to start before the write is taken back, such as 2m. Default: 1m."`
}

// limit is 0 when nothing is said.
func (t StartTimeout) limit() (time.Duration, error) {
	if t.StartTimeout == "" {
		return 0, nil
	}
	limit, err := spec.Duration(t.StartTimeout).Parse()
	if err != nil {
		return 0, api.Invalid("", "start_timeout is not valid", err.Error(), "")
	}
	return limit, nil
}
