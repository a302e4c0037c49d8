package kafkaconnect

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

const connectionDoc = "The connection of the Kafka Connect cluster, of kind `kafka_connect`."

type viewModel struct {
	ConnectionName types.String  `tfsdk:"connection_name"`
	Name           types.String  `tfsdk:"name"`
	Config         types.Map     `tfsdk:"config"`
	SensitiveKeys  types.Set     `tfsdk:"sensitive_keys"`
	ServerKeys     types.Set     `tfsdk:"server_keys"`
	State          types.String  `tfsdk:"state"`
	Status         *statusModel  `tfsdk:"status"`
	Offsets        []offsetModel `tfsdk:"offsets"`
}

type statusModel struct {
	State    types.String `tfsdk:"state"`
	Type     types.String `tfsdk:"type"`
	Version  types.String `tfsdk:"version"`
	WorkerID types.String `tfsdk:"worker_id"`
	Error    types.String `tfsdk:"error"`
	Tasks    []taskModel  `tfsdk:"tasks"`
}

type taskModel struct {
	ID       types.Int64  `tfsdk:"id"`
	State    types.String `tfsdk:"state"`
	WorkerID types.String `tfsdk:"worker_id"`
	Error    types.String `tfsdk:"error"`
	Trace    types.String `tfsdk:"trace"`
	Restarts types.Int64  `tfsdk:"restarts"`
}

type offsetModel struct {
	Partition types.String `tfsdk:"partition"`
	Offset    types.String `tfsdk:"offset"`
}

// seen is a connector with its offsets.
type seen struct {
	connector *api.KafkaConnector
	offsets   *api.KafkaConnectorOffsets
}

// NewDataSource makes the data source headgate_connector.
func NewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[viewModel, seen]{
		Type: "connector", Schema: viewSchema,
		What: func(m *viewModel) string { return fmt.Sprintf("connector %q", m.Name.ValueString()) },
		Where: func(_ *viewModel, pointer string) path.Path {
			if pointer == "/name" {
				return path.Root("name")
			}
			return path.Empty()
		},
		Get: func(ctx context.Context, client *api.Client, m *viewModel) (*seen, error) {
			k, err := client.GetKafkaConnector(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
			if err != nil {
				return nil, err
			}
			offsets, err := client.GetKafkaConnectorOffsets(ctx, k.Connection, k.Name)
			return &seen{k, offsets}, err
		},
		Show: (*viewModel).show,
	})
}

func viewSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A connector of a Kafka Connect cluster, whoever made it: its configuration without secrets, its tasks with their errors, and how far it is.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{MarkdownDescription: connectionDoc, Required: true},
			"name":            schema.StringAttribute{MarkdownDescription: "The name of the connector.", Required: true},
			"config":          schema.MapAttribute{MarkdownDescription: "The configuration, without `name` and without secrets.", ElementType: types.StringType, Computed: true},
			"sensitive_keys":  schema.SetAttribute{MarkdownDescription: "The keys of the configuration that hold secrets.", ElementType: types.StringType, Computed: true},
			"server_keys":     schema.SetAttribute{MarkdownDescription: "The keys that the cluster itself added when Headgate last wrote the configuration, and that are as they were then. They are neither in `config` nor in `sensitive_keys`.", ElementType: types.StringType, Computed: true},
			"state":           schema.StringAttribute{MarkdownDescription: "What it should be doing: `running`, `paused` or `stopped`.", Computed: true},
			"status":          statusAttribute(),
			"offsets": schema.ListNestedAttribute{
				MarkdownDescription: "How far it is, in its own words.", Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"partition": schema.StringAttribute{MarkdownDescription: "The partition of the source, or the topic and partition of a sink, as JSON.", Computed: true},
					"offset":    schema.StringAttribute{MarkdownDescription: "The offset, as JSON.", Computed: true},
				}},
			},
		},
	}
}

func statusAttribute() schema.Attribute {
	text := func(doc string) schema.Attribute {
		return schema.StringAttribute{MarkdownDescription: doc, Computed: true}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "What is really happening.", Computed: true,
		Attributes: map[string]schema.Attribute{
			"state":     text("`running`, `paused`, `stopped`, `failed` when the connector or any task is, `unassigned` or `starting`."),
			"type":      text("`source` or `sink`."),
			"version":   text("The version of the plugin; empty on clusters before 4.1."),
			"worker_id": text("The worker that runs the connector itself."),
			"error":     text("The root cause of what has failed; null when nothing has."),
			"tasks": schema.ListNestedAttribute{
				MarkdownDescription: "The tasks.", Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":        schema.Int64Attribute{MarkdownDescription: "The task, from 0.", Computed: true},
					"state":     text("`running`, `paused`, `stopped`, `failed`, `unassigned` or `starting`."),
					"worker_id": text("The worker that runs it."),
					"error":     text("The root cause of its failure; null when it has not failed."),
					"trace":     text("The whole trace, without secrets; null when it has not failed."),
					"restarts":  schema.Int64Attribute{MarkdownDescription: "How often the daemon restarted the connector by its `restart` policy.", Computed: true},
				}},
			},
		},
	}
}

func (m *viewModel) show(s *seen) error {
	k := s.connector
	m.Config, m.SensitiveKeys, m.State = remote.TextMap(k.Config), stringSet(k.SensitiveKeys), types.StringValue(k.State)
	m.ServerKeys = stringSet(k.ServerKeys)
	m.Status = newStatus(k.Status)
	m.Offsets = make([]offsetModel, 0, len(s.offsets.Offsets))
	for _, o := range s.offsets.Offsets {
		m.Offsets = append(m.Offsets, offsetModel{types.StringValue(string(o.Partition)), types.StringValue(string(o.Offset))})
	}
	return nil
}

func newStatus(s api.KafkaConnectorStatus) *statusModel {
	status := &statusModel{
		State: types.StringValue(s.State), Type: types.StringValue(s.Type), Version: types.StringValue(s.Version), WorkerID: types.StringValue(s.WorkerID),
		Tasks: make([]taskModel, 0, len(s.Tasks)),
	}
	if s.Error != nil {
		status.Error = types.StringValue(s.Error.Summary)
	}
	for _, t := range s.Tasks {
		task := taskModel{ID: types.Int64Value(int64(t.ID)), State: types.StringValue(t.State), WorkerID: types.StringValue(t.WorkerID), Restarts: types.Int64Value(t.Restarts)}
		if t.Error != nil {
			task.Error, task.Trace = types.StringValue(t.Error.Summary), types.StringValue(t.Error.Trace)
		}
		status.Tasks = append(status.Tasks, task)
	}
	return status
}

type listModel struct {
	ConnectionName types.String    `tfsdk:"connection_name"`
	Prefix         types.String    `tfsdk:"prefix"`
	Connectors     []listedElement `tfsdk:"connectors"`
}

type listedElement struct {
	Name   types.String `tfsdk:"name"`
	Class  types.String `tfsdk:"class"`
	Config types.Map    `tfsdk:"config"`
	State  types.String `tfsdk:"state"`
	Status *statusModel `tfsdk:"status"`
}

// NewListDataSource makes the data source headgate_connectors.
func NewListDataSource() datasource.DataSource {
	return remote.NewView(remote.View[listModel, []api.KafkaConnector]{
		Type: "connectors", Schema: listSchema,
		What: func(m *listModel) string {
			return fmt.Sprintf("the connectors of %q", m.ConnectionName.ValueString())
		},
		Get: func(ctx context.Context, client *api.Client, m *listModel) (*[]api.KafkaConnector, error) {
			return remote.All(func(cursor string) (*api.Page[api.KafkaConnector], error) {
				return client.ListKafkaConnectors(ctx, m.ConnectionName.ValueString(), cursor)
			})
		},
		Show: func(m *listModel, found *[]api.KafkaConnector) error {
			m.Connectors = []listedElement{}
			for _, k := range *found {
				if strings.HasPrefix(k.Name, m.Prefix.ValueString()) {
					m.Connectors = append(m.Connectors, listedElement{
						types.StringValue(k.Name), types.StringValue(k.Config["connector.class"]), remote.TextMap(k.Config), types.StringValue(k.State), newStatus(k.Status),
					})
				}
			}
			return nil
		},
	})
}

func listSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "The connectors of a Kafka Connect cluster, whoever made them, by name.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{MarkdownDescription: connectionDoc, Required: true},
			"prefix":          schema.StringAttribute{MarkdownDescription: "Only connectors whose names begin with it. Default: all.", Optional: true},
			"connectors": schema.ListNestedAttribute{
				MarkdownDescription: "The connectors, by name.", Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name":   schema.StringAttribute{MarkdownDescription: "The name of the connector.", Computed: true},
					"class":  schema.StringAttribute{MarkdownDescription: "The plugin that it is made from.", Computed: true},
					"config": schema.MapAttribute{MarkdownDescription: "The configuration, without `name` and without secrets.", ElementType: types.StringType, Computed: true},
					"state":  schema.StringAttribute{MarkdownDescription: "What it should be doing: `running`, `paused` or `stopped`.", Computed: true},
					"status": statusAttribute(),
				}},
			},
		},
	}
}

type pluginsModel struct {
	ConnectionName types.String  `tfsdk:"connection_name"`
	Class          types.String  `tfsdk:"class"`
	Plugins        []pluginModel `tfsdk:"plugins"`
}

type pluginModel struct {
	Class   types.String     `tfsdk:"class"`
	Type    types.String     `tfsdk:"type"`
	Version types.String     `tfsdk:"version"`
	Config  []pluginKeyModel `tfsdk:"config"`
}

type pluginKeyModel struct {
	Name       types.String `tfsdk:"name"`
	Type       types.String `tfsdk:"type"`
	Required   types.Bool   `tfsdk:"required"`
	Default    types.String `tfsdk:"default"`
	Importance types.String `tfsdk:"importance"`
	Group      types.String `tfsdk:"group"`
	Doc        types.String `tfsdk:"doc"`
}

// NewPluginsDataSource makes the data source headgate_connector_plugins.
func NewPluginsDataSource() datasource.DataSource {
	return remote.NewView(remote.View[pluginsModel, []api.KafkaConnectPlugin]{
		Type: "connector_plugins", Schema: pluginsSchema,
		What: func(m *pluginsModel) string {
			return fmt.Sprintf("the connector plugins of %q", m.ConnectionName.ValueString())
		},
		Where: func(_ *pluginsModel, pointer string) path.Path {
			if pointer == "/class" {
				return path.Root("class")
			}
			return path.Empty()
		},
		Get: func(ctx context.Context, client *api.Client, m *pluginsModel) (*[]api.KafkaConnectPlugin, error) {
			if class := m.Class.ValueString(); class != "" {
				p, err := client.GetKafkaConnectPlugin(ctx, m.ConnectionName.ValueString(), class)
				if err != nil {
					return nil, err
				}
				return &[]api.KafkaConnectPlugin{*p}, nil
			}
			return remote.All(func(cursor string) (*api.Page[api.KafkaConnectPlugin], error) {
				return client.ListKafkaConnectPlugins(ctx, m.ConnectionName.ValueString(), cursor)
			})
		},
		Show: (*pluginsModel).show,
	})
}

func (m *pluginsModel) show(found *[]api.KafkaConnectPlugin) error {
	m.Plugins = []pluginModel{}
	for _, p := range *found {
		plugin := pluginModel{Class: types.StringValue(p.Class), Type: types.StringValue(p.Type), Version: types.StringValue(p.Version)}
		for _, k := range p.Config {
			plugin.Config = append(plugin.Config, pluginKeyModel{
				types.StringValue(k.Name), types.StringValue(k.Type), types.BoolValue(k.Required), types.StringPointerValue(k.Default),
				types.StringValue(k.Importance), types.StringValue(k.Group), types.StringValue(k.Doc),
			})
		}
		m.Plugins = append(m.Plugins, plugin)
	}
	return nil
}

func pluginsSchema(context.Context) schema.Schema {
	text := func(doc string) schema.Attribute {
		return schema.StringAttribute{MarkdownDescription: doc, Computed: true}
	}
	return schema.Schema{
		MarkdownDescription: "The connector plugins that a Kafka Connect cluster has. With `class`, one of them and the configuration that it knows.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{MarkdownDescription: connectionDoc, Required: true},
			"class":           schema.StringAttribute{MarkdownDescription: "Only this plugin: its class, with or without the package and `Connector` at its end. Default: all.", Optional: true},
			"plugins": schema.ListNestedAttribute{
				MarkdownDescription: "The plugins, by class.", Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"class":   text("The class: what `connector.class` names."),
					"type":    text("`source` or `sink`."),
					"version": text("The version."),
					"config": schema.ListNestedAttribute{
						MarkdownDescription: "The configuration that it knows; null unless `class` is set.", Computed: true,
						NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
							"name":       text("The key."),
							"type":       text("The type of the value, in Kafka's words, such as `STRING`, `INT`, `LIST` or `PASSWORD`. What is a `PASSWORD` belongs in `sensitive_config_wo`."),
							"required":   schema.BoolAttribute{MarkdownDescription: "Whether it must be set.", Computed: true},
							"default":    text("The default; null when there is none."),
							"importance": text("`HIGH`, `MEDIUM` or `LOW`."),
							"group":      text("The group of keys that it belongs to."),
							"doc":        text("What it means."),
						}},
					},
				}},
			},
		},
	}
}
