package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"
)

// TopicBatch is how many topics one request may be about.
const TopicBatch = 5000

// TopicsRead asks for many topics of a connection.
type TopicsRead struct {
	Names []string `json:"names" maxItems:"5000" doc:"The topics."`
	// Effective keeps answers small: of the configs in force only these are answered.
	Effective []string `json:"effective,omitempty" doc:"Of config_effective, answer only these."`
}

// TopicsWrite changes many topics of a connection, each by itself.
type TopicsWrite struct {
	Put    map[string]TopicPut    `json:"put,omitempty" doc:"Topics to create or change, by name."`
	Delete map[string]TopicDelete `json:"delete,omitempty" doc:"Topics to delete, by name."`
	Planned
}

// TopicPut is one topic to create or change among many.
type TopicPut struct {
	TopicWrite
	CreateOnly bool   `json:"create_only,omitempty" doc:"Refuse to change what exists."`
	Generation string `json:"generation,omitempty" doc:"The generation that the topic must have."`
}

// TopicDelete is one topic to delete among many.
type TopicDelete struct {
	Generation string `json:"generation,omitempty" doc:"The generation that the topic must have."`
}

// TopicOutcome is what became of one topic: the topic, what goes with it, or an error.
type TopicOutcome struct {
	Topic    *Topic    `json:"topic,omitempty" doc:"The topic, after a read or a put."`
	Deletion *Deletion `json:"deletion,omitempty" doc:"What goes with the topic, after a delete."`
	Error    *Error    `json:"error,omitempty" doc:"Why it could not be done. attribute points into the topic's own part of the request."`
}

// TopicOutcomes are what became of each topic.
type TopicOutcomes struct {
	Topics map[string]TopicOutcome `json:"topics" doc:"What became of each topic, by name."`
}

// ReadTopics reads topics by name, at most [TopicBatch]. One that does not exist is an error in its own outcome.
func (c *Client) ReadTopics(ctx context.Context, connection string, body TopicsRead) (*TopicOutcomes, error) {
	return post[TopicOutcomes](ctx, c, topicsPath(connection)+":read", body)
}

// WriteTopics creates, changes and deletes topics, at most [TopicBatch]: some may fail while others are done.
func (c *Client) WriteTopics(ctx context.Context, connection string, body TopicsWrite, dryRun bool) (*TopicOutcomes, error) {
	path := topicsPath(connection)
	if dryRun {
		path += "?dry_run=true"
		body.Planned = c.plan(dryRun)
	}
	return do[TopicOutcomes](ctx, c, http.MethodPatch, path, body, http.Header{HeaderIdempotencyKey: {uuid.NewString()}})
}
