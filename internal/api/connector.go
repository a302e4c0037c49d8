package api

import (
	"context"
	"encoding/json"
	"time"
)

// States of connectors and their instances, in Kafka Connect's words.
const (
	StateRunning    = "running"
	StatePaused     = "paused"
	StateStopped    = "stopped"
	StateFailed     = "failed"
	StateUnassigned = "unassigned"
	StateStarting   = "starting"
)

// TypeSource is a connector that brings records into Kafka.
const TypeSource = "source"

// GuaranteeAtLeastOnce means that every record arrives, and that after a fault some may arrive again.
const GuaranteeAtLeastOnce = "at_least_once"

// ConnectorSettings are the fields of a source connector that do not depend on its kind.
type ConnectorSettings struct {
	Destination KafkaDestination `json:"destination" doc:"Where the records go. Missing topics are made with the source's partition count, and those with fewer partitions grow: a 'headgate_topic' for one of them needs at least as many."`
	Guarantee   string           `json:"guarantee,omitempty" enum:"at_least_once" default:"at_least_once" doc:"What happens to records when something fails. 'at_least_once': every record arrives, and after a fault some may arrive again."`
	Parallelism int64            `json:"parallelism,omitempty" minimum:"1" maximum:"1000" default:"1" doc:"How many instances read at once; they share the partitions."`
	State       string           `json:"state,omitempty" enum:"running,paused,stopped" default:"running" doc:"What the connector should be doing. A 'paused' connector keeps its instances and connections. A 'stopped' one has none, and its positions expire after the source's 'offsets.retention.minutes' (7 days by default): started later than that, it fails until 'start_from' is changed."`
}

// KafkaDestination is a Kafka cluster that records are written to.
type KafkaDestination struct {
	Connection   string            `json:"connection" doc:"The connection of the cluster."`
	TopicPrefix  string            `json:"topic_prefix,omitempty" doc:"Goes before the source topic's name. Without it, topics keep their names."`
	TopicMapping map[string]string `json:"topic_mapping,omitempty" doc:"Names of single topics at the destination, by source topic, in full: 'topic_prefix' does not go before them."`
}

// KafkaSource is the source kind kafka.
type KafkaSource struct {
	Connection       string   `json:"connection" doc:"The connection of the cluster to read."`
	Topics           []string `json:"topics,omitempty" doc:"Topics by name; each must exist. At least one of 'topics', 'topic_prefixes', 'topic_pattern' and 'additional_topics' is needed; together they add up."`
	TopicPrefixes    []string `json:"topic_prefixes,omitempty" doc:"All topics whose names begin with one of these, now and later."`
	TopicPattern     string   `json:"topic_pattern,omitempty" doc:"All topics whose whole names match this regular expression (RE2), now and later."`
	AdditionalTopics []string `json:"additional_topics,omitempty" doc:"Further topics by name; those that do not exist yet join when they appear."`
	StartFrom        string   `json:"start_from,omitempty" default:"earliest" doc:"Where to begin in topics that are there when the connector is created or changed and that have no position yet: 'earliest', 'latest', or an RFC 3339 time. Changing it does not move topics that have one. What appears later is read from its beginning."`
}

// Connector is a connector that the daemon hosts.
type Connector struct {
	Name string          `json:"name" doc:"The name of the connector."`
	Type string          `json:"type" enum:"source" doc:"Which way records flow."`
	Kind string          `json:"kind" doc:"What it reads; it decides the fields of spec."`
	Spec json.RawMessage `json:"spec" doc:"The fields of the kind."`
	ConnectorSettings
	Generation string          `json:"generation" doc:"Changes with every write."`
	Status     ConnectorStatus `json:"status" doc:"What is really happening."`
	Warnings   []Warning       `json:"warnings,omitempty" doc:"What a person should know about this connector."`
}

// ConnectorWrite is a connector as it is declared.
type ConnectorWrite struct {
	Type string          `json:"type" enum:"source" doc:"Which way records flow."`
	Kind string          `json:"kind" doc:"What it reads; it decides the fields of spec."`
	Spec json.RawMessage `json:"spec" doc:"The fields of the kind."`
	// Settings holds [ConnectorSettings]; raw, so that unknown values can be left out of a dry run.
	Settings json.RawMessage `json:"settings" doc:"The fields that do not depend on the kind."`
	Unknown  []string        `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// ConnectorStatus is what a hosted connector is really doing.
type ConnectorStatus struct {
	State string `json:"state" enum:"running,paused,stopped,failed,starting" doc:"'failed' when any instance is failed; 'starting' until every instance is running or unassigned."`
	// Generation is the one that the instances run.
	Generation string           `json:"generation" doc:"The generation of the connector that the instances run; every write makes another one."`
	Guarantee  string           `json:"guarantee" doc:"The guarantee that the whole path achieves."`
	GroupID    string           `json:"group_id,omitempty" doc:"The consumer group of the source cluster that holds the positions."`
	WorkerID   string           `json:"worker_id" doc:"The daemon that hosts it."`
	LagRecords int64            `json:"lag_records" doc:"Records at the source that the destination does not hold yet; -1 when unknown."`
	Error      *Failure         `json:"error,omitempty" doc:"Why it is failed, or what keeps it from starting."`
	Instances  []InstanceStatus `json:"instances" nullable:"false" doc:"The instances."`
	// RolledBack is set after an update that could not start.
	RolledBack *Rollback `json:"rolled_back,omitempty" doc:"The last update that could not start and was taken back."`
}

// InstanceStatus is what one instance is doing.
type InstanceStatus struct {
	ID              int               `json:"id" doc:"The instance, from 0."`
	State           string            `json:"state" enum:"running,paused,failed,unassigned,starting" doc:"'unassigned': there are more instances than partitions."`
	WorkerID        string            `json:"worker_id" doc:"The daemon that hosts it."`
	Error           *Failure          `json:"error,omitempty" doc:"Why it is failed or restarting."`
	Restarts        int64             `json:"restarts" doc:"How often it was restarted after a failure; goes back down while it runs without failures."`
	RestartsTotal   int64             `json:"restarts_total" doc:"How often it was restarted after a failure since it was created."`
	NextRestart     *time.Time        `json:"next_restart,omitempty" doc:"When a failed instance will be restarted, as an RFC 3339 time."`
	RecordsReceived int64             `json:"records_received" doc:"Records read from the source. Counted from 0 since the daemon started, and anew when the connector is changed or restarted as a whole."`
	RecordsWritten  int64             `json:"records_written" doc:"Records that the destination holds; counted like 'records_received'."`
	BytesReceived   int64             `json:"bytes_received" doc:"Bytes of keys, values and headers read; counted like 'records_received'."`
	BytesWritten    int64             `json:"bytes_written" doc:"Bytes of keys, values and headers that the destination holds; counted like 'records_received'."`
	LastReceived    *time.Time        `json:"last_received,omitempty" doc:"When the last record was read, as an RFC 3339 time."`
	LagRecords      int64             `json:"lag_records" doc:"Records of its partitions that the destination does not hold yet; -1 when unknown."`
	SourceErrors    []Failure         `json:"source_errors" nullable:"false" doc:"Recent errors of reading, newest first."`
	SystemErrors    []Failure         `json:"system_errors" nullable:"false" doc:"Recent errors of everything else, newest first."`
	Partitions      []PartitionStatus `json:"partitions" nullable:"false" doc:"What it reads."`
}

// PartitionStatus is how far one partition is.
type PartitionStatus struct {
	Topic      string `json:"topic" doc:"The topic."`
	Partition  int32  `json:"partition" doc:"The partition."`
	Position   int64  `json:"position" doc:"The offset of the next record that the destination is to hold; -1 when unknown."`
	EndOffset  int64  `json:"end_offset" doc:"The end of the partition at the source; -1 when unknown."`
	LagRecords int64  `json:"lag_records" doc:"Offsets from 'position' to 'end_offset'; -1 when unknown."`
}

// Failure is an error that happened while running.
type Failure struct {
	At      time.Time `json:"at" doc:"When it happened, as an RFC 3339 time."`
	Code    string    `json:"code" doc:"What kind of error, for programs."`
	Summary string    `json:"summary" doc:"What went wrong, in one line."`
	Detail  string    `json:"detail,omitempty" doc:"The whole chain of causes."`
	Remedy  string    `json:"remedy,omitempty" doc:"The way out."`
	Trace   string    `json:"trace,omitempty" doc:"The stack trace, where a mistake in Headgate itself is the cause."`
}

// Rollback is an update that was taken back.
type Rollback struct {
	Generation string  `json:"generation" doc:"The generation of the connector that could not start."`
	Error      Failure `json:"error" doc:"Why."`
}

// ConnectorWriteOptions say how a connector is to be written.
type ConnectorWriteOptions struct {
	WriteOptions
	// StartTimeout is how long the daemon tries to start it before it takes the write back. 0: the daemon's default.
	StartTimeout time.Duration
}

// GetConnector reads a hosted connector.
func (c *Client) GetConnector(ctx context.Context, name string) (*Connector, error) {
	return get[Connector](ctx, c, connectorPath(name))
}

// WaitConnector reads a hosted connector once it is no longer starting, or after the daemon's poll limit (see Status).
func (c *Client) WaitConnector(ctx context.Context, name string) (*Connector, error) {
	return get[Connector](ctx, c, connectorPath(name)+query("wait", "settled"))
}

// ListConnectors reads one page of the hosted connectors.
func (c *Client) ListConnectors(ctx context.Context, cursor string) (*Page[Connector], error) {
	return get[Page[Connector]](ctx, c, "/v1/connectors"+query("cursor", cursor))
}

// PutConnector creates or changes a hosted connector. It answers at once; WaitConnector tells whether it started.
func (c *Client) PutConnector(ctx context.Context, name string, body ConnectorWrite, opts ConnectorWriteOptions) (*Connector, error) {
	path := connectorPath(name)
	if opts.StartTimeout > 0 {
		path += query("start_timeout", opts.StartTimeout.String())
	}
	return put[Connector](ctx, c, path, body, opts.WriteOptions)
}

// DeleteConnector stops and deletes a hosted connector and the group that holds its positions.
func (c *Client) DeleteConnector(ctx context.Context, name string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, connectorPath(name), opts)
}

// RestartConnector restarts all instances, or only those that have failed. It answers at once; WaitConnector tells what has
// come of it.
func (c *Client) RestartConnector(ctx context.Context, name string, onlyFailed bool) (*Connector, error) {
	return post[Connector](ctx, c, restartPath(connectorPath(name), onlyFailed), nil)
}

// RestartInstance restarts one instance; the others go on.
func (c *Client) RestartInstance(ctx context.Context, name string, instance int) (*Connector, error) {
	return post[Connector](ctx, c, connectorPath(name)+"/instances/"+number(instance)+"/restart", nil)
}

// SetConnectorState pauses, resumes or stops a connector.
func (c *Client) SetConnectorState(ctx context.Context, name, state string) (*Connector, error) {
	return post[Connector](ctx, c, connectorPath(name)+"/state", map[string]string{"state": state})
}

func restartPath(connector string, onlyFailed bool) string {
	if onlyFailed {
		return connector + "/restart" + query("only_failed", "true")
	}
	return connector + "/restart"
}

func connectorPath(name string) string { return "/v1/connectors/" + escape(name) }
