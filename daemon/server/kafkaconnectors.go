package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// KafkaConnectorPath names a connector of a Kafka Connect cluster in a path.
type KafkaConnectorPath struct {
	Connection string `path:"connection" doc:"The connection of the Kafka Connect cluster."`
	Connector  string `path:"connector" doc:"The connector."`
}

func (s *server) kafkaConnectorRoutes(face huma.API) {
	const (
		all = "/v1/connections/{connection}/connectors"
		one = all + "/{connector}"
	)
	route(s, face, http.MethodGet, all, "list-kafka-connectors", "List the connectors of a Kafka Connect cluster", s.listKafkaConnectors)
	route(s, face, http.MethodGet, one, "get-kafka-connector", "Read a connector of a Kafka Connect cluster", s.getKafkaConnector)
	route(s, face, http.MethodPut, one, "put-kafka-connector", "Create or change a connector of a Kafka Connect cluster", s.putKafkaConnector)
	route(s, face, http.MethodDelete, one, "delete-kafka-connector", "Delete a connector of a Kafka Connect cluster", func(ctx context.Context, in *struct {
		KafkaConnectorPath
		Write
	},
	) (*api.Deletion, error) {
		return s.KafkaConnectors.Delete(ctx, in.Connection, in.Connector, in.options())
	})
	route(s, face, http.MethodPost, one+"/restart", "restart-kafka-connector", "Restart a connector of a Kafka Connect cluster with its tasks", func(ctx context.Context, in *struct {
		KafkaConnectorPath
		OnlyFailed bool `query:"only_failed" doc:"Restart only what has failed."`
	},
	) (*api.KafkaConnector, error) {
		return s.KafkaConnectors.Restart(ctx, in.Connection, in.Connector, in.OnlyFailed)
	})
	route(s, face, http.MethodPost, one+"/tasks/{task}/restart", "restart-kafka-connector-task", "Restart one task", func(ctx context.Context, in *struct {
		KafkaConnectorPath
		Task int `path:"task" minimum:"0" doc:"The task."`
	},
	) (*api.KafkaConnector, error) {
		return s.KafkaConnectors.RestartTask(ctx, in.Connection, in.Connector, in.Task)
	})
	s.kafkaConnectorOffsetRoutes(face, one+"/offsets")
	s.kafkaConnectPluginRoutes(face)
}

func (s *server) kafkaConnectorOffsetRoutes(face huma.API, base string) {
	route(s, face, http.MethodGet, base, "get-kafka-connector-offsets", "Read how far a connector is", func(ctx context.Context, in *KafkaConnectorPath) (*api.KafkaConnectorOffsets, error) {
		return s.KafkaConnectors.Offsets(ctx, in.Connection, in.Connector)
	})
	route(s, face, http.MethodPut, base, "put-kafka-connector-offsets", "Alter offsets of a connector", func(ctx context.Context, in *struct {
		KafkaConnectorPath
		Write
		Body api.KafkaConnectorOffsets
	},
	) (*api.KafkaConnectorOffsets, error) {
		return s.KafkaConnectors.PutOffsets(ctx, in.Connection, in.Connector, in.Body, in.options())
	})
	route(s, face, http.MethodDelete, base, "reset-kafka-connector-offsets", "Forget all offsets of a connector", func(ctx context.Context, in *struct {
		KafkaConnectorPath
		Write
	},
	) (*api.Deletion, error) {
		return s.KafkaConnectors.ResetOffsets(ctx, in.Connection, in.Connector, in.options())
	})
}

func (s *server) kafkaConnectPluginRoutes(face huma.API) {
	const base = "/v1/connections/{connection}/connector-plugins"
	route(s, face, http.MethodGet, base, "list-kafka-connect-plugins", "List the connector plugins of a Kafka Connect cluster", func(ctx context.Context, in *struct {
		Connection string `path:"connection" doc:"The connection of the Kafka Connect cluster."`
		Paging
	},
	) (*api.Page[api.KafkaConnectPlugin], error) {
		after, err := in.after()
		if err != nil {
			return nil, err
		}
		found, err := s.KafkaConnectors.Plugins(ctx, in.Connection, after, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return page(found, in.Limit, func(p api.KafkaConnectPlugin) string { return p.Class }), nil
	})
	route(s, face, http.MethodGet, base+"/{class}", "get-kafka-connect-plugin", "Read what a connector plugin knows", func(ctx context.Context, in *struct {
		Connection string `path:"connection" doc:"The connection of the Kafka Connect cluster."`
		Class      string `path:"class" doc:"The class, with or without its package."`
	},
	) (*api.KafkaConnectPlugin, error) {
		return s.KafkaConnectors.Plugin(ctx, in.Connection, in.Class)
	})
}

func (s *server) listKafkaConnectors(ctx context.Context, in *struct {
	Connection string `path:"connection" doc:"The connection of the Kafka Connect cluster."`
	Paging
},
) (*api.Page[api.KafkaConnector], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	found, err := s.KafkaConnectors.List(ctx, in.Connection, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(found, in.Limit, func(k api.KafkaConnector) string { return k.Name }), nil
}

func (s *server) getKafkaConnector(ctx context.Context, in *struct {
	KafkaConnectorPath
	Wait string `query:"wait" enum:"settled" doc:"settled: answer once no write is under way and the connector is no longer starting, or after 20 seconds."`
},
) (*api.KafkaConnector, error) {
	k, err := s.KafkaConnectors.Get(ctx, in.Connection, in.Connector, in.Wait != "")
	if err != nil {
		return nil, err
	}
	afterAnswer(ctx, outcome{sent: func(ctx context.Context) error { return s.KafkaConnectors.Answered(ctx, k) }})
	return k, nil
}

func (s *server) putKafkaConnector(ctx context.Context, in *struct {
	KafkaConnectorPath
	Write
	StartTimeout
	Body api.KafkaConnectorWrite
},
) (*api.KafkaConnector, error) {
	if err := in.check(in.Body.Unknown); err != nil {
		return nil, err
	}
	limit, err := in.limit()
	if err != nil {
		return nil, err
	}
	opts := api.KafkaConnectorWriteOptions{WriteOptions: in.options(), StartTimeout: limit}
	return s.KafkaConnectors.Put(ctx, in.Connection, in.Connector, in.Body, opts, in.IdempotencyKey)
}
