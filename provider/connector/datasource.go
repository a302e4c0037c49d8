package connector

import (
	"context"
	"maps"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewSourceDataSource makes the data source headgate_source_connector with the kinds that there are.
func NewSourceDataSource(kinds spec.Kinds) datasource.DataSource {
	s := sources{kinds}
	return remote.NewView(remote.View[types.Object, api.Connector]{
		Type: "source_connector", Schema: s.viewSchema, What: what, Where: s.where, Show: s.show,
		Get: func(ctx context.Context, client *api.Client, m *types.Object) (*api.Connector, error) {
			return client.GetConnector(ctx, name(m))
		},
	})
}

func fullStatus() []spec.Field { return spec.FieldsOf(reflect.TypeFor[api.ConnectorStatus]()) }

func (s sources) viewSchema(context.Context) schema.Schema {
	attributes := kind.DataSourceBlocks(s.kinds)
	maps.Copy(attributes, kind.DataSourceAttributes(settings()))
	maps.Copy(attributes, map[string]schema.Attribute{
		"name":   schema.StringAttribute{MarkdownDescription: "The name of the connector.", Required: true},
		"kind":   schema.StringAttribute{MarkdownDescription: "What it reads: the name of the block that is set.", Computed: true},
		"status": schema.SingleNestedAttribute{MarkdownDescription: "What is really happening.", Computed: true, Attributes: kind.DataSourceAttributes(fullStatus())},
	})
	return schema.Schema{
		MarkdownDescription: "A source connector that the daemon hosts, with its full status: every instance, its counters and errors, and how far it is behind.",
		Attributes:          attributes,
	}
}

func (s sources) show(m *types.Object, c *api.Connector) error {
	values, err := s.declared(c, types.Object{}, kind.DataSource)
	if err != nil {
		return err
	}
	full, err := kind.NewAnswer(c.Status, nil)
	if err != nil {
		return err
	}
	values["kind"] = types.StringValue(c.Kind)
	values["status"] = kind.Decode(fullStatus(), full, types.Object{}, kind.DataSource)
	return kind.Set(m, values)
}
