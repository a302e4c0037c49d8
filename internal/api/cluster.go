package api

import "context"

// Cluster is a Kafka cluster.
type Cluster struct {
	Connection string `json:"connection" doc:"The connection of the cluster."`
	ClusterID  string `json:"cluster_id" doc:"The id of the cluster."`
	// ControllerID is not known where the cluster does not tell its quorum.
	ControllerID *int64           `json:"controller_id" doc:"The node that leads the controllers; null when it is not known."`
	Version      string           `json:"version" doc:"The version, as far as what the brokers offer tells: the brokers do not say it."`
	Features     map[string]int64 `json:"features" doc:"The features in force and their levels, such as metadata.version."`
	Brokers      []Broker         `json:"brokers" nullable:"false" doc:"The brokers that are up, by id."`
	Topics       int64            `json:"topics" doc:"How many topics there are, the cluster's own included."`
	Partitions   int64            `json:"partitions" doc:"How many partitions they have."`
}

// Broker is a broker of a cluster.
type Broker struct {
	ID       int64  `json:"id" doc:"Its id."`
	Host     string `json:"host" doc:"The host that it advertises."`
	Port     int64  `json:"port" doc:"The port that it advertises."`
	Rack     string `json:"rack,omitempty" doc:"Its rack, if it has one."`
	Leaders  int64  `json:"leaders" doc:"How many partitions it leads."`
	Replicas int64  `json:"replicas" doc:"How many replicas of partitions it holds."`
	// LogDirs is null where the broker does not tell.
	LogDirs []LogDir `json:"log_dirs" doc:"Where it keeps its data; null when it does not tell."`
}

// LogDir is a folder in which a broker keeps its data.
type LogDir struct {
	Path        string `json:"path" doc:"The folder."`
	SizeBytes   int64  `json:"size_bytes" doc:"The bytes of the partitions in it."`
	TotalBytes  *int64 `json:"total_bytes" doc:"The bytes of its volume; null when the broker does not tell."`
	UsableBytes *int64 `json:"usable_bytes" doc:"The bytes that are free; null when the broker does not tell."`
}

// GetCluster reads a cluster and its brokers.
func (c *Client) GetCluster(ctx context.Context, connection string) (*Cluster, error) {
	return get[Cluster](ctx, c, "/v1/connections/"+escape(connection)+"/cluster")
}
