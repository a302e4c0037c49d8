package api

import (
	"context"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// PulsarTopic is a topic of Apache Pulsar as the cluster has it, with what Headgate keeps beside it.
type PulsarTopic struct {
	Connection string `json:"connection" doc:"The connection of the cluster."`
	Name       string `json:"name" doc:"The topic's full name."`
	Partitions int64  `json:"partitions" doc:"The number of partitions; 0 for a topic that is not partitioned."`
	// Retention and RetentionSize are empty where the Pulsar namespace's policy decides.
	Retention     string `json:"retention,omitempty" doc:"How long acknowledged messages are kept, or unlimited; empty where the Pulsar namespace's policy decides."`
	RetentionSize string `json:"retention_size,omitempty" doc:"How many bytes of acknowledged messages are kept, or unlimited; empty where the Pulsar namespace's policy decides."`
	// DeletionProtection is true for a topic that Headgate knows nothing about.
	DeletionProtection bool      `json:"deletion_protection" doc:"Whether Headgate refuses to delete it."`
	Generation         string    `json:"generation" doc:"Changes with every change, whoever made it."`
	Warnings           []Warning `json:"warnings,omitempty" readOnly:"true" doc:"What a person should know about the write."`
}

// PulsarTopicWrite is a Pulsar topic as it is declared.
type PulsarTopicWrite struct {
	Partitions         int64    `json:"partitions,omitempty" minimum:"0" doc:"The number of partitions; it can grow and never shrinks. 0 makes a topic that is not partitioned, and stays so."`
	Retention          string   `json:"retention,omitempty" doc:"How long acknowledged messages are kept, in whole minutes, or unlimited. Without it and retention_size the Pulsar namespace's policy decides."`
	RetentionSize      string   `json:"retention_size,omitempty" doc:"How many bytes of acknowledged messages are kept, in whole MiB, or unlimited. Without it and retention the Pulsar namespace's policy decides."`
	DeletionProtection *bool    `json:"deletion_protection,omitempty" doc:"Whether Headgate refuses to delete it, and to shorten its retention where stored messages would go. Default: true."`
	Unknown            []string `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// SameRetention says whether two retentions of a Pulsar topic mean the same.
func SameRetention(a, b string) bool {
	if a == b {
		return true
	}
	one, errOne := spec.Duration(a).Parse()
	other, errOther := spec.Duration(b).Parse()
	return errOne == nil && errOther == nil && one == other
}

// SameRetentionSize says whether two retention sizes of a Pulsar topic mean the same.
func SameRetentionSize(a, b string) bool {
	if a == b {
		return true
	}
	one, errOne := spec.Size(a).Parse()
	other, errOther := spec.Size(b).Parse()
	return errOne == nil && errOther == nil && one == other
}

// GetPulsarTopic reads a topic.
func (c *Client) GetPulsarTopic(ctx context.Context, connection, name string) (*PulsarTopic, error) {
	return get[PulsarTopic](ctx, c, pulsarTopicPath(connection, name))
}

// ListPulsarTopics reads one page of the topics of the connection's namespace.
func (c *Client) ListPulsarTopics(ctx context.Context, connection, cursor string) (*Page[PulsarTopic], error) {
	return get[Page[PulsarTopic]](ctx, c, pulsarTopicsPath(connection)+query("cursor", cursor))
}

// PutPulsarTopic creates or changes a topic.
func (c *Client) PutPulsarTopic(ctx context.Context, connection, name string, body PulsarTopicWrite, opts WriteOptions) (*PulsarTopic, error) {
	return put[PulsarTopic](ctx, c, pulsarTopicPath(connection, name), body, opts)
}

// DeletePulsarTopic deletes a topic and its messages.
func (c *Client) DeletePulsarTopic(ctx context.Context, connection, name string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, pulsarTopicPath(connection, name), opts)
}

func pulsarTopicsPath(connection string) string {
	return "/v1/connections/" + escape(connection) + "/pulsar-topics"
}

func pulsarTopicPath(connection, name string) string {
	return pulsarTopicsPath(connection) + "/" + escape(name)
}
