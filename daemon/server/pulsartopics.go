package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// PulsarTopicPath names a Pulsar topic in a path.
type PulsarTopicPath struct {
	Connection string `path:"connection" doc:"The connection of the cluster."`
	Topic      string `path:"topic" doc:"The full name of the topic."`
}

func (s *server) pulsarTopicRoutes(face huma.API) {
	const base = "/v1/connections/{connection}/pulsar-topics"
	route(s, face, http.MethodGet, base, "list-pulsar-topics", "List the Pulsar topics of the connection's namespace", func(ctx context.Context, in *struct {
		Connection string `path:"connection" doc:"The connection of the cluster."`
		Paging
	},
	) (*api.Page[api.PulsarTopic], error) {
		after, err := in.after()
		if err != nil {
			return nil, err
		}
		found, err := s.PulsarTopics.List(ctx, in.Connection, after, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return page(found, in.Limit, func(st api.PulsarTopic) string { return st.Name }), nil
	})
	route(s, face, http.MethodGet, base+"/{topic}", "get-pulsar-topic", "Read a Pulsar topic", func(ctx context.Context, in *PulsarTopicPath) (*api.PulsarTopic, error) {
		return s.PulsarTopics.Get(ctx, in.Connection, in.Topic)
	})
	route(s, face, http.MethodPut, base+"/{topic}", "put-pulsar-topic", "Create or change a Pulsar topic", s.putPulsarTopic)
	route(s, face, http.MethodDelete, base+"/{topic}", "delete-pulsar-topic", "Delete a Pulsar topic", func(ctx context.Context, in *struct {
		PulsarTopicPath
		Write
	},
	) (*api.Deletion, error) {
		return s.PulsarTopics.Delete(ctx, in.Connection, in.Topic, in.options())
	})
}

func (s *server) putPulsarTopic(ctx context.Context, in *struct {
	PulsarTopicPath
	Write
	Body api.PulsarTopicWrite
},
) (*api.PulsarTopic, error) {
	if err := in.check(in.Body.Unknown); err != nil {
		return nil, err
	}
	made, err := s.PulsarTopics.Put(ctx, in.Connection, in.Topic, in.Body, in.options(), in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		afterAnswer(ctx, outcome{
			sent: func(ctx context.Context) error { return s.PulsarTopics.EndCreation(ctx, in.Connection, in.Topic) },
			lost: func(ctx context.Context) error { return s.PulsarTopics.AbandonCreation(ctx, in.Connection, in.Topic) },
		})
	}
	return made, nil
}
