package namespace

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewDataSource makes the data source headgate_namespace.
func NewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[model, api.Namespace]{
		Type: "namespace", What: (*model).what, Where: where, Get: get,
		Schema: func(context.Context) schema.Schema {
			attributes := kind.DataSourceAttributes(declared())
			attributes["name"] = schema.StringAttribute{MarkdownDescription: "The name of the namespace.", Required: true}
			return schema.Schema{MarkdownDescription: "A namespace: what a team may do by itself.", Attributes: attributes}
		},
		Show: func(m *model, n *api.Namespace) error { return m.flatten(n, kind.DataSource) },
	})
}

type allModel struct {
	Namespaces types.List `tfsdk:"namespaces"`
}

// NewAllDataSource makes the data source headgate_namespaces.
func NewAllDataSource() datasource.DataSource {
	return remote.NewView(remote.View[allModel, []api.Namespace]{
		Type: "namespaces", What: func(*allModel) string { return "the namespaces" },
		Get: func(ctx context.Context, client *api.Client, _ *allModel) (*[]api.Namespace, error) {
			return remote.All(func(cursor string) (*api.Page[api.Namespace], error) { return client.ListNamespaces(ctx, cursor) })
		},
		Schema: func(context.Context) schema.Schema {
			one := kind.DataSourceAttributes(declared())
			one["name"] = schema.StringAttribute{MarkdownDescription: "The name of the namespace.", Computed: true}
			return schema.Schema{
				MarkdownDescription: "All namespaces.",
				Attributes: map[string]schema.Attribute{
					"namespaces": schema.ListNestedAttribute{MarkdownDescription: "The namespaces, by name.", Computed: true, NestedObject: schema.NestedAttributeObject{Attributes: one}},
				},
			}
		},
		Show: showAll,
	})
}

func showAll(m *allModel, all *[]api.Namespace) error {
	attributes := maps.Clone(kind.AttrTypes(declared(), kind.DataSource))
	attributes["name"] = types.StringType
	object := types.ObjectType{AttrTypes: attributes}
	list := types.ListValueMust(object, nil)
	elements := list.Elements()
	for i := range *all {
		n := &(*all)[i]
		answer, err := kind.NewAnswer(n, nil)
		if err != nil {
			return err
		}
		values := kind.Decode(declared(), answer, types.ObjectNull(kind.AttrTypes(declared(), kind.DataSource)), kind.DataSource).Attributes()
		values["name"] = types.StringValue(n.Name)
		elements = append(elements, types.ObjectValueMust(attributes, values))
	}
	m.Namespaces = types.ListValueMust(object, elements)
	return nil
}
