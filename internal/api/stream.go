package api

import (
	"context"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Modes of streams, as Amazon Kinesis names them.
const (
	StreamOnDemand    = "ON_DEMAND"
	StreamProvisioned = "PROVISIONED"
)

// DefaultStreamRetention is how long a stream keeps records unless told otherwise.
const DefaultStreamRetention = "24h"

// ReservedStreamTag says whether a tag is of those that AWS keeps for itself, which nobody else can set or take away.
func ReservedStreamTag(name string) bool { return strings.HasPrefix(strings.ToLower(name), "aws:") }

// Stream is a Kinesis data stream as AWS has it, with what Headgate keeps beside it.
type Stream struct {
	Connection string            `json:"connection" doc:"The connection of the region."`
	Name       string            `json:"name" doc:"The name of the stream."`
	ARN        string            `json:"arn" doc:"The stream's Amazon resource name."`
	Mode       string            `json:"mode" enum:"ON_DEMAND,PROVISIONED" doc:"Who decides how many shards there are: AWS (ON_DEMAND) or shards (PROVISIONED)."`
	OpenShards int64             `json:"open_shards" doc:"How many shards take records."`
	Retention  spec.Duration     `json:"retention" doc:"How long records are kept."`
	KMSKeyID   string            `json:"kms_key_id,omitempty" doc:"The key that records are encrypted with at rest; empty without encryption."`
	Tags       map[string]string `json:"tags" doc:"The stream's tags."`
	// DeletionProtection is true for a stream that Headgate knows nothing about.
	DeletionProtection bool   `json:"deletion_protection" doc:"Whether Headgate refuses to delete it."`
	Status             string `json:"status" doc:"CREATING, UPDATING, DELETING or ACTIVE, as AWS says."`
	// Settled is false while AWS still makes what was written; writing the same again goes on with it.
	Settled    bool      `json:"settled" doc:"Whether the stream is as it was written. Until then, the same write again waits on and makes the next step."`
	Generation string    `json:"generation" doc:"Changes with every change, whoever made it."`
	Warnings   []Warning `json:"warnings,omitempty" doc:"What a person should know about the write."`
}

// StreamWrite is a stream as it is declared.
type StreamWrite struct {
	Mode      string        `json:"mode,omitempty" enum:"ON_DEMAND,PROVISIONED" default:"ON_DEMAND" doc:"Who decides how many shards there are: AWS, by what is written (ON_DEMAND), or shards (PROVISIONED). It changes in place, which AWS allows twice in 24 hours."`
	Shards    int64         `json:"shards,omitempty" minimum:"1" maximum:"10000" doc:"The number of open shards, with mode PROVISIONED. It changes in place: AWS splits or merges shards, at most doubling or halving the number at once, so it may take several steps, and ten steps in 24 hours."`
	Retention spec.Duration `json:"retention,omitempty" default:"24h" doc:"How long records are kept, in whole hours from 24h to 8760h."`
	KMSKeyID  string        `json:"kms_key_id,omitempty" doc:"The key to encrypt records with at rest: alias/aws/kinesis, or the id, ARN or alias of a KMS key. Without it they are not encrypted." example:"alias/aws/kinesis"`
	// Tags are the declared ones; others are left alone.
	Tags map[string]string `json:"tags,omitempty" doc:"Tags to set. Others are left alone."`
	// Untag are tags that were declared once and are no longer.
	Untag              []string `json:"untag,omitempty" doc:"Tags to take away."`
	DeletionProtection *bool    `json:"deletion_protection,omitempty" doc:"Whether Headgate refuses to delete it, and to shorten its retention where records may go. Default: true."`
	Unknown            []string `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// GetStream reads a stream, by its name or its ARN.
func (c *Client) GetStream(ctx context.Context, connection, name string) (*Stream, error) {
	return get[Stream](ctx, c, streamPath(connection, name))
}

// ListStreams reads one page of a region's streams.
func (c *Client) ListStreams(ctx context.Context, connection, cursor string) (*Page[Stream], error) {
	return get[Page[Stream]](ctx, c, streamsPath(connection)+query("cursor", cursor))
}

// PutStream creates or changes a stream, by its name or its ARN. It waits for a while; see [Stream.Settled].
func (c *Client) PutStream(ctx context.Context, connection, name string, body StreamWrite, opts WriteOptions) (*Stream, error) {
	return put[Stream](ctx, c, streamPath(connection, name), body, opts)
}

// DeleteStream deletes a stream and its records, by its name or its ARN.
func (c *Client) DeleteStream(ctx context.Context, connection, name string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, streamPath(connection, name), opts)
}

func streamsPath(connection string) string {
	return "/v1/connections/" + escape(connection) + "/streams"
}

func streamPath(connection, name string) string { return streamsPath(connection) + "/" + escape(name) }
