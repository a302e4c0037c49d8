package connection

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewDataSource makes the data source headgate_connection with the kinds that there are.
func NewDataSource(kinds spec.Kinds) datasource.DataSource {
	f := family{kinds}
	return remote.NewView(remote.View[types.Object, api.Connection]{
		Type: noun, Schema: f.viewSchema, What: what, Where: whereName, Get: get, Show: f.show,
	})
}

func (f family) viewSchema(context.Context) schema.Schema {
	attributes := kind.DataSourceBlocks(f.kinds)
	maps.Copy(attributes, map[string]schema.Attribute{
		"name":    schema.StringAttribute{MarkdownDescription: "The name of the connection.", Required: true},
		"kind":    schema.StringAttribute{MarkdownDescription: "Which kind of connection it is: the name of the block that is set.", Computed: true},
		clusterID: schema.StringAttribute{MarkdownDescription: clusterIDDoc, Computed: true},
	})
	return schema.Schema{
		MarkdownDescription: "A connection that exists, without its secrets: of those only the versions are known.",
		Attributes:          attributes,
	}
}

func whereName(_ *types.Object, pointer string) path.Path {
	if pointer == "/name" {
		return path.Root("name")
	}
	return path.Empty()
}

func (f family) show(m *types.Object, c *api.Connection) error {
	values, err := f.blocks(c, types.Object{}, kind.DataSource)
	if err != nil {
		return err
	}
	values["kind"] = types.StringValue(c.Kind)
	return kind.Set(m, values)
}
