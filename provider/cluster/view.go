// Package cluster is Terraform's view of Kafka clusters and their brokers.
package cluster

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type clusterModel struct {
	ConnectionName types.String           `tfsdk:"connection_name"`
	ClusterID      types.String           `tfsdk:"cluster_id"`
	ControllerID   types.Int64            `tfsdk:"controller_id"`
	Version        types.String           `tfsdk:"version"`
	Features       map[string]types.Int64 `tfsdk:"features"`
	BrokerCount    types.Int64            `tfsdk:"broker_count"`
	TopicCount     types.Int64            `tfsdk:"topic_count"`
	PartitionCount types.Int64            `tfsdk:"partition_count"`
}

func text(doc string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: doc, Computed: true}
}

func number(doc string) schema.Int64Attribute {
	return schema.Int64Attribute{MarkdownDescription: doc, Computed: true}
}

func connection() schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: "The connection of the cluster.", Required: true}
}

// NewDataSource makes the data source headgate_cluster.
func NewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[clusterModel, api.Cluster]{
		Type: "cluster",
		Schema: func(context.Context) schema.Schema {
			return schema.Schema{
				MarkdownDescription: "A Kafka cluster: its version and features, and how many brokers, topics and partitions it has.",
				Attributes: map[string]schema.Attribute{
					"connection_name": connection(),
					"cluster_id":      text("The id of the cluster."),
					"controller_id":   number("The node that leads the controllers. Null where the cluster does not tell, or not to this user."),
					"version":         text("The version, as far as what the brokers offer tells, such as `4.3`: brokers do not say it themselves."),
					"features":        schema.MapAttribute{MarkdownDescription: "The features in force and their levels, such as `metadata.version`.", Computed: true, ElementType: types.Int64Type},
					"broker_count":    number("How many brokers are up."),
					"topic_count":     number("How many topics there are that the connection's user may see, the cluster's own included."),
					"partition_count": number("How many partitions the topics have that `topic_count` counts."),
				},
			}
		},
		What: func(m *clusterModel) string { return fmt.Sprintf("the cluster of %q", m.ConnectionName.ValueString()) },
		Get: func(ctx context.Context, client *api.Client, m *clusterModel) (*api.Cluster, error) {
			return client.GetCluster(ctx, m.ConnectionName.ValueString())
		},
		Show: func(m *clusterModel, c *api.Cluster) error {
			m.ClusterID, m.ControllerID, m.Version = types.StringValue(c.ClusterID), types.Int64PointerValue(c.ControllerID), types.StringValue(c.Version)
			m.BrokerCount, m.TopicCount, m.PartitionCount = types.Int64Value(int64(len(c.Brokers))), types.Int64Value(c.Topics), types.Int64Value(c.Partitions)
			m.Features = map[string]types.Int64{}
			for name, level := range c.Features {
				m.Features[name] = types.Int64Value(level)
			}
			return nil
		},
	})
}

type brokersModel struct {
	ConnectionName types.String  `tfsdk:"connection_name"`
	Brokers        []brokerModel `tfsdk:"brokers"`
}

type brokerModel struct {
	ID       types.Int64   `tfsdk:"id"`
	Host     types.String  `tfsdk:"host"`
	Port     types.Int64   `tfsdk:"port"`
	Rack     types.String  `tfsdk:"rack"`
	Leaders  types.Int64   `tfsdk:"leaders"`
	Replicas types.Int64   `tfsdk:"replicas"`
	LogDirs  []logDirModel `tfsdk:"log_dirs"`
}

type logDirModel struct {
	Path        types.String `tfsdk:"path"`
	SizeBytes   types.Int64  `tfsdk:"size_bytes"`
	TotalBytes  types.Int64  `tfsdk:"total_bytes"`
	UsableBytes types.Int64  `tfsdk:"usable_bytes"`
}

// NewBrokersDataSource makes the data source headgate_brokers.
func NewBrokersDataSource() datasource.DataSource {
	return remote.NewView(remote.View[brokersModel, api.Cluster]{
		Type: "brokers",
		Schema: func(context.Context) schema.Schema {
			return schema.Schema{
				MarkdownDescription: "The brokers of a Kafka cluster that are up: where they are, and how much each has to do.",
				Attributes: map[string]schema.Attribute{
					"connection_name": connection(),
					"brokers": schema.ListNestedAttribute{
						MarkdownDescription: "The brokers, by id.", Computed: true,
						NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
							"id":       number("The id of the broker."),
							"host":     text("The host that it advertises."),
							"port":     number("The port that it advertises."),
							"rack":     text("Its rack; null when it has none."),
							"leaders":  number("How many partitions it leads."),
							"replicas": number("How many replicas of partitions it holds."),
							"log_dirs": schema.ListNestedAttribute{
								MarkdownDescription: "Where it keeps its data. Null when it does not tell, or not to this user.", Computed: true,
								NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
									"path":         text("The folder."),
									"size_bytes":   number("The bytes of the partitions in it."),
									"total_bytes":  number("The bytes of its volume; null when the broker does not tell."),
									"usable_bytes": number("The bytes that are free on it; null when the broker does not tell."),
								}},
							},
						}},
					},
				},
			}
		},
		What: func(m *brokersModel) string { return fmt.Sprintf("the brokers of %q", m.ConnectionName.ValueString()) },
		Get: func(ctx context.Context, client *api.Client, m *brokersModel) (*api.Cluster, error) {
			return client.GetCluster(ctx, m.ConnectionName.ValueString())
		},
		Show: func(m *brokersModel, c *api.Cluster) error {
			m.Brokers = []brokerModel{}
			for _, b := range c.Brokers {
				m.Brokers = append(m.Brokers, show(b))
			}
			return nil
		},
	})
}

func show(b api.Broker) brokerModel {
	m := brokerModel{
		ID: types.Int64Value(b.ID), Host: types.StringValue(b.Host), Port: types.Int64Value(b.Port), Rack: types.StringNull(),
		Leaders: types.Int64Value(b.Leaders), Replicas: types.Int64Value(b.Replicas),
	}
	if b.Rack != "" {
		m.Rack = types.StringValue(b.Rack)
	}
	for _, dir := range b.LogDirs {
		m.LogDirs = append(m.LogDirs, logDirModel{
			Path: types.StringValue(dir.Path), SizeBytes: types.Int64Value(dir.SizeBytes), TotalBytes: types.Int64PointerValue(dir.TotalBytes), UsableBytes: types.Int64PointerValue(dir.UsableBytes),
		})
	}
	return m
}
