package api

import (
	"context"
	"time"
)

// ConsumerGroup is a consumer group as the cluster has it. What is not known is null.
type ConsumerGroup struct {
	Connection string        `json:"connection" doc:"The connection of the cluster."`
	Name       string        `json:"name" doc:"The name of the group."`
	Protocol   string        `json:"protocol" enum:"classic,consumer" doc:"classic, or consumer for the newer protocol (KIP-848)."`
	State      string        `json:"state" doc:"The state, in Kafka's words: Stable, Empty, PreparingRebalance, CompletingRebalance, Assigning, Reconciling."`
	Members    []GroupMember `json:"members" nullable:"false" doc:"Who is in it."`
	Offsets    []GroupOffset `json:"offsets" nullable:"false" doc:"Each partition that the group has committed an offset of, or that a member has."`
	Lag        *int64        `json:"lag" doc:"How many records are still to be read, over all partitions with a committed offset. Null when that is not known of one of them, or there is none."`
	LagSeconds *float64      `json:"lag_seconds" doc:"For how long the oldest record that is still to be read has been waiting, by its timestamp. 0 when nothing waits; null when it is not known."`
}

// GroupMember is a member of a consumer group.
type GroupMember struct {
	ID          string            `json:"id" doc:"The id that Kafka gave it."`
	InstanceID  string            `json:"instance_id,omitempty" doc:"The id of a static member."`
	ClientID    string            `json:"client_id" doc:"The id that the client gives itself."`
	Host        string            `json:"host" doc:"Where it connects from."`
	Assignments []GroupAssignment `json:"assignments" nullable:"false" doc:"What it reads."`
}

// GroupAssignment are the partitions of a topic that a member reads.
type GroupAssignment struct {
	Topic      string  `json:"topic" doc:"The topic."`
	Partitions []int64 `json:"partitions" nullable:"false" doc:"The partitions, in order."`
}

// GroupOffset is how far a group is in a partition.
type GroupOffset struct {
	Topic     string `json:"topic" doc:"The topic."`
	Partition int64  `json:"partition" doc:"The partition."`
	Committed *int64 `json:"committed" doc:"The offset that the group has committed: of the next record to read. Null when there is none."`
	Earliest  *int64 `json:"earliest" doc:"The offset of the first record that is still there. Null when it is not known, as when the topic is gone."`
	Latest    *int64 `json:"latest" doc:"The offset that the next record gets. Null when it is not known."`
	// Lag does not count what retention removed before the group read it.
	Lag         *int64   `json:"lag" doc:"How many offsets are still to be read."`
	LagSeconds  *float64 `json:"lag_seconds" doc:"For how long the next record to read has been waiting, by its timestamp. 0 when nothing waits; null when it is not known."`
	Approximate bool     `json:"approximate" doc:"Whether there may be fewer records than lag says, because compaction removes some and leaves their offsets."`
}

// GroupQuery says which groups to list.
type GroupQuery struct {
	Prefix string
	// State is one of Kafka's words, in any case.
	State string
}

// How a reset moves offsets.
const (
	ToEarliest = "earliest"
	ToLatest   = "latest"
)

// OffsetReset says where a consumer group is to go on reading. Exactly one of To, Shift and Offsets is set.
type OffsetReset struct {
	Topics  []string                    `json:"topics,omitempty" doc:"The topics, all their partitions. Not with offsets, which names its own."`
	To      string                      `json:"to,omitempty" doc:"earliest, latest, or an RFC 3339 time: the first record of that time or later, the end where there is none."`
	Shift   *int64                      `json:"shift,omitempty" doc:"By how many offsets forward, or backward where it is negative; never beyond what the partition holds."`
	Offsets map[string]map[string]int64 `json:"offsets,omitempty" doc:"The offsets, by topic and partition."`
	Unknown []string                    `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// OffsetMoves is what a reset does, or in a dry run would do now.
type OffsetMoves struct {
	Group string       `json:"group" doc:"The group."`
	Moves []OffsetMove `json:"moves" nullable:"false" doc:"Each partition, in order."`
	At    time.Time    `json:"at" doc:"When it happened, as an RFC 3339 time."`
}

// OffsetMove is what a reset does to a partition.
type OffsetMove struct {
	Topic     string `json:"topic" doc:"The topic."`
	Partition int64  `json:"partition" doc:"The partition."`
	From      *int64 `json:"from" doc:"The offset that was committed; null when there was none."`
	To        int64  `json:"to" doc:"The new offset."`
	Clamped   bool   `json:"clamped,omitempty" doc:"Whether a shift would have led beyond what the partition holds, and ends there."`
}

// GetConsumerGroup reads a consumer group.
func (c *Client) GetConsumerGroup(ctx context.Context, connection, name string) (*ConsumerGroup, error) {
	return get[ConsumerGroup](ctx, c, groupPath(connection, name))
}

// ListConsumerGroups reads one page of the consumer groups.
func (c *Client) ListConsumerGroups(ctx context.Context, connection string, q GroupQuery, cursor string) (*Page[ConsumerGroup], error) {
	return get[Page[ConsumerGroup]](ctx, c, "/v1/connections/"+escape(connection)+"/consumer-groups"+query("prefix", q.Prefix, "state", q.State, "cursor", cursor))
}

// ResetOffsets moves the committed offsets of a group that nobody is in.
func (c *Client) ResetOffsets(ctx context.Context, connection, group string, body OffsetReset, opts WriteOptions) (*OffsetMoves, error) {
	return put[OffsetMoves](ctx, c, groupPath(connection, group)+"/offsets", body, opts)
}

func groupPath(connection, name string) string {
	return "/v1/connections/" + escape(connection) + "/consumer-groups/" + escape(name)
}
