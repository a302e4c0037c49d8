package api

import (
	"context"
	"time"
)

// TopicFigures are how much is in a topic, how much comes, and where it is. What is not known is null.
type TopicFigures struct {
	Records          *int64            `json:"records" doc:"How many records it holds, by its offsets; markers of transactions count too. Null where compaction has removed some, so that offsets do not tell."`
	SizeBytes        *int64            `json:"size_bytes" doc:"The bytes of its partitions on disk, each counted once. Null when brokers do not tell."`
	SizeBytesAll     *int64            `json:"size_bytes_all" doc:"The bytes on disk with all replicas. Null when brokers do not tell."`
	LastWrite        *time.Time        `json:"last_write" doc:"The timestamp of the newest record, as an RFC 3339 time. Null when there is none."`
	RecordsPerSecond *float64          `json:"records_per_second" doc:"Records per second over the last 5 minutes, by the records' timestamps. Null when it holds none or the brokers do not tell."`
	BytesPerSecond   *float64          `json:"bytes_per_second" doc:"About how many bytes per second, on disk: 'records_per_second' times the average size of a record. Null when that is not known, as where compaction removes records."`
	Partitions       []PartitionFigure `json:"partitions" nullable:"false" doc:"Each partition, in order."`
	Brokers          []BrokerFigure    `json:"brokers" nullable:"false" doc:"Each broker that is up, by id."`
}

// PartitionFigure is where a partition is and what it holds.
type PartitionFigure struct {
	Partition      int64   `json:"partition" doc:"The partition."`
	Leader         *int64  `json:"leader" doc:"The broker that leads it; null when there is none."`
	Replicas       []int64 `json:"replicas" nullable:"false" doc:"The brokers that hold it, the preferred leader first."`
	InSync         []int64 `json:"in_sync" nullable:"false" doc:"The brokers whose replicas are in sync."`
	EarliestOffset *int64  `json:"earliest_offset" doc:"The offset of the first record that is still there; null when it is not known."`
	LatestOffset   *int64  `json:"latest_offset" doc:"The offset that the next record gets; null when it is not known."`
	SizeBytes      *int64  `json:"size_bytes" doc:"The bytes on the leader's disk; null when it is not known."`
}

// BrokerFigure is what a broker has of a topic.
type BrokerFigure struct {
	Broker   int64  `json:"broker" doc:"The id of the broker."`
	Rack     string `json:"rack,omitempty" doc:"Its rack, if it has one."`
	Replicas int64  `json:"replicas" doc:"How many replicas of the topic's partitions it holds."`
	Leaders  int64  `json:"leaders" doc:"How many of the topic's partitions it leads."`
}

// GetTopicFigures reads how much is in a topic, how much comes, and where it is.
func (c *Client) GetTopicFigures(ctx context.Context, connection, name string) (*TopicFigures, error) {
	return get[TopicFigures](ctx, c, topicPath(connection, name)+"/figures")
}
