package api

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RetentionConfig is Kafka's config for how long records are kept, in milliseconds.
const RetentionConfig = "retention.ms"

// Defaults of topics.
const (
	DefaultPartitions        = 3
	DefaultReplicationFactor = 3
	DefaultRetention         = "168h"
)

// Topic is a Kafka topic as the cluster has it, with what Headgate keeps beside it.
type Topic struct {
	Connection        string            `json:"connection" doc:"The connection of the cluster."`
	Name              string            `json:"name" doc:"The name of the topic."`
	ID                string            `json:"id,omitempty" doc:"The topic id; a topic that was deleted and made again has another."`
	Partitions        int64             `json:"partitions" doc:"The number of partitions."`
	ReplicationFactor int64             `json:"replication_factor" doc:"The number of replicas of each partition; the smallest where they differ."`
	Config            map[string]string `json:"config" doc:"The configs that are set on the topic itself."`
	ConfigEffective   map[string]string `json:"config_effective" doc:"All configs in force, the broker's and the default ones included."`
	Description       string            `json:"description" doc:"What is in it, for people."`
	Labels            map[string]string `json:"labels" doc:"Labels."`
	// DeletionProtection is true for a topic that Headgate knows nothing about.
	DeletionProtection bool   `json:"deletion_protection" doc:"Whether Headgate refuses to delete it."`
	Generation         string `json:"generation" doc:"Changes with every change, whoever made it."`
	Internal           bool   `json:"internal,omitempty" doc:"Whether it is the cluster's own."`
	// Reassignment is set while Headgate changes the replication factor.
	Reassignment *Reassignment `json:"reassignment,omitempty" doc:"The change of the replication factor that Headgate has under way."`
	Warnings     []Warning     `json:"warnings,omitempty" readOnly:"true" doc:"What a person should know about the write."`
}

// TopicWrite is a topic as it is declared.
type TopicWrite struct {
	// Partitions is how many there shall be at least; 0 takes the default.
	Partitions int64 `json:"partitions,omitempty" doc:"The number of partitions; it can grow and never shrinks. Default: 3."`
	// ReplicationFactor 0 takes the default.
	ReplicationFactor int64 `json:"replication_factor,omitempty" doc:"The number of replicas. Default: 3. It changes in place: brokers copy replicas after the answer."`
	// ReplicationThrottle empty takes [DefaultReplicationThrottle].
	ReplicationThrottle string `json:"replication_throttle,omitempty" doc:"How much each broker copies per second, at most, when the replication factor changes, such as 50MiB, or unlimited. Default: 50MiB."`
	// Config holds the declared configs; the rest is left alone.
	Config map[string]string `json:"config,omitempty" doc:"The declared topic configs. Others are left alone. retention.ms defaults to 7 days when the topic is created."`
	// Unset are configs that were declared once and are no longer: they go back to the broker's default.
	Unset              []string          `json:"unset,omitempty" doc:"Configs to take back to the broker's default."`
	Description        string            `json:"description,omitempty" doc:"What is in it, for people."`
	Labels             map[string]string `json:"labels,omitempty" doc:"Labels."`
	DeletionProtection *bool             `json:"deletion_protection,omitempty" doc:"Whether Headgate refuses to delete it, and to change its configs where records that are there would go. Default: true."`
	Unknown            []string          `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// TopicRequest is the body of a write of one topic.
type TopicRequest struct {
	TopicWrite
	Planned
}

// PreviewOptions say which records of a topic to show, and how.
type PreviewOptions struct {
	// Last is how many of the newest records, over all partitions. Default 10, at most 1,000. It does not go with FromOffset and FromTime.
	Last int
	// FromOffset begins at an offset, in each partition.
	FromOffset *int64
	// FromTime begins at a time.
	FromTime *time.Time
	// Limit is how many records at most from there on, the earliest first. Default 10, at most 1,000.
	Limit int
	// Partition is the only one to look at.
	Partition *int32
	// Key shows only records with this key, as bytes or as it is shown.
	Key *string
	// Decode and DecodeKey are one of [PreviewDecodings]; empty means auto.
	Decode, DecodeKey string
}

// PreviewDecodings are the ways to make a value readable. auto tries them from left to right; with another one a value
// that it does not fit is shown as hex.
var PreviewDecodings = []string{"auto", "registry", "json", "text", "hex"}

// Record is a record of a topic as a person reads it.
type Record struct {
	Partition int32          `json:"partition" doc:"The partition."`
	Offset    int64          `json:"offset" doc:"The offset in the partition."`
	Timestamp time.Time      `json:"timestamp" doc:"The record's timestamp, as an RFC 3339 time."`
	Key       *string        `json:"key" doc:"The key as text; null when the record has none."`
	Value     *string        `json:"value" doc:"The value as text; null for a tombstone."`
	KeyFormat string         `json:"key_format" enum:"null,json,text,hex,avro,protobuf" doc:"How 'key' was decoded."`
	Format    string         `json:"value_format" enum:"null,json,text,hex,avro,protobuf" doc:"How 'value' was decoded."`
	Headers   []RecordHeader `json:"headers,omitempty" doc:"The headers, in order."`
}

// RecordHeader is a header of a record.
type RecordHeader struct {
	Key   string `json:"key" doc:"The header's name."`
	Value string `json:"value" doc:"The header's value as text, or hex where it is not text."`
}

// Preview is a look into a topic.
type Preview struct {
	Records []Record `json:"records" nullable:"false" doc:"The records, oldest first."`
	// Truncated says that there was more than the limits of bytes and time let through.
	Truncated bool `json:"truncated" doc:"Whether it was cut short, at 8 MiB or 10 seconds; 'notes' say at which."`
	// Notes tell what a reader would not see in the records.
	Notes []string `json:"notes" nullable:"false" doc:"What the records do not show: why it was cut short, what is gone already, why a schema could not be used."`
}

// InForce is the value of a config that holds for the topic; empty when it is not known.
func (t *Topic) InForce(config string) string {
	if value, ok := t.Config[config]; ok {
		return value
	}
	return t.ConfigEffective[config]
}

// KeepEffective drops all but a few of the configs in force.
func (t *Topic) KeepEffective(names []string) {
	maps.DeleteFunc(t.ConfigEffective, func(name, _ string) bool { return !slices.Contains(names, name) })
}

// SameConfig compares values of a config as text; brokers drop the spaces of lists.
func SameConfig(a, b string) bool {
	return a == b || strings.ReplaceAll(a, ", ", ",") == strings.ReplaceAll(b, ", ", ",")
}

// GetTopic reads a topic; of the configs in force only those that are named, all where none is.
func (c *Client) GetTopic(ctx context.Context, connection, name string, effective ...string) (*Topic, error) {
	return get[Topic](ctx, c, topicPath(connection, name)+query("effective", strings.Join(effective, ",")))
}

// TopicQuery says which topics of a cluster to list; all but the internal ones where it is empty.
type TopicQuery struct {
	// Prefix is what their names begin with.
	Prefix string
	// Pattern is a regular expression (RE2) that their whole names match.
	Pattern string
	// Namespace is the one that they belong to.
	Namespace string
	// Effective names the configs in force that are wanted; none are all.
	Effective []string
}

// ListTopics reads one page of a cluster's topics, the internal ones left out.
func (c *Client) ListTopics(ctx context.Context, connection string, q TopicQuery, cursor string) (*Page[Topic], error) {
	return get[Page[Topic]](ctx, c, topicsPath(connection)+
		query("prefix", q.Prefix, "pattern", q.Pattern, "namespace", q.Namespace, "effective", strings.Join(q.Effective, ","), "limit", "1000", "cursor", cursor))
}

// PutTopic creates or changes a topic.
func (c *Client) PutTopic(ctx context.Context, connection, name string, body TopicWrite, opts WriteOptions) (*Topic, error) {
	return put[Topic](ctx, c, topicPath(connection, name), TopicRequest{body, c.plan(opts.DryRun)}, opts)
}

// DeleteTopic deletes a topic and its records.
func (c *Client) DeleteTopic(ctx context.Context, connection, name string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, topicPath(connection, name), opts)
}

// PreviewTopic reads a few records.
func (c *Client) PreviewTopic(ctx context.Context, connection, name string, opts PreviewOptions) (*Preview, error) {
	pairs := []string{"decode", opts.Decode, "decode_key", opts.DecodeKey}
	if opts.Last != 0 {
		pairs = append(pairs, "last", number(opts.Last))
	}
	if opts.Limit != 0 {
		pairs = append(pairs, "limit", number(opts.Limit))
	}
	if opts.FromOffset != nil {
		pairs = append(pairs, "from_offset", strconv.FormatInt(*opts.FromOffset, 10))
	}
	if opts.FromTime != nil {
		pairs = append(pairs, "from_time", opts.FromTime.Format(time.RFC3339Nano))
	}
	if opts.Partition != nil {
		pairs = append(pairs, "partition", number(int(*opts.Partition)))
	}
	if opts.Key != nil {
		pairs = append(pairs, "key", *opts.Key)
	}
	return get[Preview](ctx, c, topicPath(connection, name)+"/preview"+query(pairs...))
}

func topicsPath(connection string) string { return "/v1/connections/" + escape(connection) + "/topics" }

func topicPath(connection, name string) string { return topicsPath(connection) + "/" + escape(name) }
