package api

import (
	"context"
	"encoding/json"
	"time"
)

// KafkaConnectConnection is the kind kafka_connect.
type KafkaConnectConnection struct {
	URLs   []string             `json:"urls" minItems:"1" doc:"The URLs of the workers' REST API. Any worker answers for the whole cluster; the next one is asked when one does not answer." example:"http://connect-1.internal:8083"`
	Basic  *BasicAuthentication `json:"basic,omitempty" doc:"HTTP basic authentication."`
	Bearer *BearerToken         `json:"bearer,omitempty" doc:"Bearer token authentication."`
	TLS    *TLS                 `json:"tls,omitempty" doc:"TLS, for https URLs; with a client certificate for mutual TLS."`
}

// KafkaConnectorNamePattern is what the name of a connector on Kafka Connect looks like. It leaves out what Kafka Connect's
// own paths cannot carry.
const KafkaConnectorNamePattern = `^[^/\\%\s\pC]([^/\\%\pC]{0,198}[^/\\%\s\pC])?$`

// TypeSink is a connector that takes records out of Kafka.
const TypeSink = "sink"

// KafkaConnector is a connector that a Kafka Connect cluster runs.
type KafkaConnector struct {
	Connection string `json:"connection" doc:"The connection of the Kafka Connect cluster."`
	Name       string `json:"name" doc:"The name of the connector."`
	// Config leaves out the name and everything sensitive.
	Config map[string]string `json:"config" nullable:"false" doc:"The configuration by Kafka Connect's names, without name and without the keys in sensitive_keys and server_keys. Of a value that was written here and that the cluster has shown a mask of ever since, it has what was written."`
	// SensitiveKeys are set on the connector; their values never leave the daemon.
	SensitiveKeys []string `json:"sensitive_keys" nullable:"false" doc:"The keys of the configuration whose values are secret: by the plugin's own definitions, by their names where it has none, or because they were declared so."`
	// ServerKeys are not part of Config.
	ServerKeys []string             `json:"server_keys" nullable:"false" doc:"The keys that the cluster itself added when the connector was last written here, and that are as they were then. They are left out of config and sensitive_keys, and left alone."`
	State      string               `json:"state" enum:"running,paused,stopped" doc:"What the connector should be doing."`
	Restart    *KafkaRestartPolicy  `json:"restart,omitempty" doc:"How failed tasks are restarted."`
	Generation string               `json:"generation" doc:"Changes with every change of the configuration or state, whoever made it."`
	Status     KafkaConnectorStatus `json:"status" doc:"What is really happening."`
	Warnings   []Warning            `json:"warnings,omitempty" doc:"What a person should know about this connector."`
}

// KafkaRestartPolicy is how the daemon restarts failed tasks of a connector on Kafka Connect.
type KafkaRestartPolicy struct {
	MaxRetries int64  `json:"max_retries" minimum:"1" maximum:"1000" doc:"How often a failed connector or task is restarted before it stays failed. The count begins anew after 10 minutes without a failure."`
	Backoff    string `json:"backoff,omitempty" doc:"How long to wait before the first restart, such as 10s; it doubles with every further one, up to 5 minutes. Default: 10s."`
}

// DefaultRestartBackoff is how long the daemon waits before it restarts a failed task for the first time.
const DefaultRestartBackoff = "10s"

// KafkaConnectorWrite is a connector as it is declared.
type KafkaConnectorWrite struct {
	Config map[string]string `json:"config" doc:"The whole configuration by Kafka Connect's names, without name and without what is secret."`
	// SensitiveConfig nil keeps the secrets that the connector has; otherwise it replaces them all.
	SensitiveConfig *map[string]string  `json:"sensitive_config,omitempty" doc:"The secret part of the configuration. Absent: the secrets that the connector has stay."`
	State           string              `json:"state,omitempty" enum:"running,paused,stopped" default:"running" doc:"What the connector should be doing."`
	Restart         *KafkaRestartPolicy `json:"restart,omitempty" doc:"How failed tasks are restarted. Absent: they are not."`
	Unknown         []string            `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// KafkaConnectorStatus is what a connector on Kafka Connect is really doing.
type KafkaConnectorStatus struct {
	State    string               `json:"state" enum:"running,paused,stopped,failed,unassigned,starting" doc:"failed when the connector or any task is failed; starting until every task runs."`
	Type     string               `json:"type" enum:"source,sink,unknown" doc:"Which way records flow."`
	Version  string               `json:"version,omitempty" doc:"The version of the plugin that runs; absent on clusters before 4.1."`
	WorkerID string               `json:"worker_id,omitempty" doc:"The worker that runs the connector itself."`
	Error    *Failure             `json:"error,omitempty" doc:"Why it is failed: the root cause of the connector's or the first failed task's trace."`
	Tasks    []KafkaConnectorTask `json:"tasks" nullable:"false" doc:"The tasks."`
	// RolledBack is set after an update that could not start.
	RolledBack *Rollback `json:"rolled_back,omitempty" doc:"The last update that could not start and was taken back."`
}

// KafkaConnectorTask is what one task is doing.
type KafkaConnectorTask struct {
	ID       int      `json:"id" doc:"The task, from 0."`
	State    string   `json:"state" enum:"running,paused,stopped,failed,unassigned,starting" doc:"What it is doing."`
	WorkerID string   `json:"worker_id,omitempty" doc:"The worker that runs it."`
	Error    *Failure `json:"error,omitempty" doc:"Why it is failed, with the trace."`
	Restarts int64    `json:"restarts" doc:"How often the daemon restarted it by the restart policy; the count begins anew after 10 minutes without a failure."`
}

// KafkaConnectorWriteOptions say how a connector is to be written.
type KafkaConnectorWriteOptions struct {
	WriteOptions
	// StartTimeout is how long the daemon waits until it runs before it takes the write back. 0: the daemon's default.
	StartTimeout time.Duration
}

// KafkaConnectorOffset is how far a connector is in one partition of its source, or of its topics for a sink.
type KafkaConnectorOffset struct {
	Partition json.RawMessage `json:"partition" doc:"The partition, as the connector names it."`
	Offset    json.RawMessage `json:"offset" doc:"The offset, as the connector writes it; null resets it."`
}

// KafkaConnectorOffsets are all offsets of a connector.
type KafkaConnectorOffsets struct {
	Offsets []KafkaConnectorOffset `json:"offsets" nullable:"false" doc:"The offsets."`
}

// KafkaConnectPlugin is a connector plugin that a cluster has.
type KafkaConnectPlugin struct {
	Class   string `json:"class" doc:"The class."`
	Type    string `json:"type" doc:"source, sink, or what else it is."`
	Version string `json:"version,omitempty" doc:"The version."`
	// Config is filled when one plugin is read.
	Config []KafkaConnectPluginKey `json:"config,omitempty" doc:"The configuration that it knows; in a list it is left out."`
}

// KafkaConnectPluginKey is a key of a plugin's configuration.
type KafkaConnectPluginKey struct {
	Name       string  `json:"name" doc:"The key."`
	Type       string  `json:"type" doc:"The type of the value, in Kafka's words: STRING, INT, LIST, PASSWORD, ..."`
	Required   bool    `json:"required" doc:"Whether it must be set."`
	Default    *string `json:"default,omitempty" doc:"The default."`
	Importance string  `json:"importance" doc:"HIGH, MEDIUM or LOW."`
	Group      string  `json:"group,omitempty" doc:"The group of keys that it belongs to."`
	Doc        string  `json:"doc" doc:"What it means."`
}

// GetKafkaConnector reads a connector.
func (c *Client) GetKafkaConnector(ctx context.Context, connection, name string) (*KafkaConnector, error) {
	return get[KafkaConnector](ctx, c, kafkaConnectorPath(connection, name))
}

// WaitKafkaConnector reads a connector once no write to it is under way and it is no longer starting, or after the
// daemon's poll limit (see Status).
func (c *Client) WaitKafkaConnector(ctx context.Context, connection, name string) (*KafkaConnector, error) {
	return get[KafkaConnector](ctx, c, kafkaConnectorPath(connection, name)+query("wait", "settled"))
}

// ListKafkaConnectors reads one page of a cluster's connectors.
func (c *Client) ListKafkaConnectors(ctx context.Context, connection, cursor string) (*Page[KafkaConnector], error) {
	return get[Page[KafkaConnector]](ctx, c, "/v1/connections/"+escape(connection)+"/connectors"+query("cursor", cursor))
}

// PutKafkaConnector creates or changes a connector. It answers at once; WaitKafkaConnector tells whether it started.
func (c *Client) PutKafkaConnector(ctx context.Context, connection, name string, body KafkaConnectorWrite, opts KafkaConnectorWriteOptions) (*KafkaConnector, error) {
	path := kafkaConnectorPath(connection, name)
	if opts.StartTimeout > 0 {
		path += query("start_timeout", opts.StartTimeout.String())
	}
	return put[KafkaConnector](ctx, c, path, body, opts.WriteOptions)
}

// DeleteKafkaConnector deletes a connector. Its offsets stay in the cluster.
func (c *Client) DeleteKafkaConnector(ctx context.Context, connection, name string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, kafkaConnectorPath(connection, name), opts)
}

// RestartKafkaConnector restarts a connector with all its tasks, or only what has failed. It answers at once;
// WaitKafkaConnector tells what has come of it.
func (c *Client) RestartKafkaConnector(ctx context.Context, connection, name string, onlyFailed bool) (*KafkaConnector, error) {
	return post[KafkaConnector](ctx, c, restartPath(kafkaConnectorPath(connection, name), onlyFailed), nil)
}

// RestartKafkaConnectorTask restarts one task; the others go on.
func (c *Client) RestartKafkaConnectorTask(ctx context.Context, connection, name string, task int) (*KafkaConnector, error) {
	return post[KafkaConnector](ctx, c, kafkaConnectorPath(connection, name)+"/tasks/"+number(task)+"/restart", nil)
}

// GetKafkaConnectorOffsets reads how far a connector is.
func (c *Client) GetKafkaConnectorOffsets(ctx context.Context, connection, name string) (*KafkaConnectorOffsets, error) {
	return get[KafkaConnectorOffsets](ctx, c, kafkaConnectorPath(connection, name)+"/offsets")
}

// PutKafkaConnectorOffsets alters the offsets that are given and leaves the others alone. The connector is stopped for
// that time and goes on as before.
func (c *Client) PutKafkaConnectorOffsets(ctx context.Context, connection, name string, body KafkaConnectorOffsets, opts WriteOptions) (*KafkaConnectorOffsets, error) {
	return put[KafkaConnectorOffsets](ctx, c, kafkaConnectorPath(connection, name)+"/offsets", body, opts)
}

// ResetKafkaConnectorOffsets forgets all offsets. The connector is stopped for that time and goes on as before.
func (c *Client) ResetKafkaConnectorOffsets(ctx context.Context, connection, name string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, kafkaConnectorPath(connection, name)+"/offsets", opts)
}

// ListKafkaConnectPlugins reads one page of the connector plugins of a cluster.
func (c *Client) ListKafkaConnectPlugins(ctx context.Context, connection, cursor string) (*Page[KafkaConnectPlugin], error) {
	return get[Page[KafkaConnectPlugin]](ctx, c, kafkaConnectPluginPath(connection)+query("cursor", cursor))
}

// GetKafkaConnectPlugin reads a plugin with the configuration that it knows.
func (c *Client) GetKafkaConnectPlugin(ctx context.Context, connection, class string) (*KafkaConnectPlugin, error) {
	return get[KafkaConnectPlugin](ctx, c, kafkaConnectPluginPath(connection)+"/"+escape(class))
}

func kafkaConnectPluginPath(connection string) string {
	return "/v1/connections/" + escape(connection) + "/connector-plugins"
}

func kafkaConnectorPath(connection, name string) string {
	return "/v1/connections/" + escape(connection) + "/connectors/" + escape(name)
}
