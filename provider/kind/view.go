package kind

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// View says who looks at the fields: data sources have no write-only attributes.
type View int

// The views.
const (
	Resource View = iota
	DataSource
)

// AttrTypes are the types of the attributes of fields.
func AttrTypes(fields []spec.Field, view View) map[string]attr.Type {
	all := map[string]attr.Type{}
	for _, f := range fields {
		if !f.Secret {
			all[f.Name] = attrType(f, view)
			continue
		}
		all[f.Name+writeOnlyVersion] = types.Int64Type
		if view == Resource {
			all[f.Name+writeOnly] = types.StringType
		}
	}
	return all
}

func attrType(f spec.Field, view View) attr.Type {
	switch shape(f) {
	case spec.Bool:
		return types.BoolType
	case spec.Int:
		return types.Int64Type
	case spec.Float:
		return types.Float64Type
	case spec.List:
		return types.ListType{ElemType: attrType(*f.Elem, view)}
	case spec.Map:
		return types.MapType{ElemType: attrType(*f.Elem, view)}
	case spec.Object:
		return types.ObjectType{AttrTypes: AttrTypes(f.Fields, view)}
	default:
		return types.StringType
	}
}

// shape is the type of a field; timestamps, which are structs without fields of their own, are strings.
func shape(f spec.Field) spec.Type {
	if f.Type == spec.Object && len(f.Fields) == 0 {
		return spec.String
	}
	return f.Type
}

// DataSourceAttributes makes the attributes of a data source: all computed.
func DataSourceAttributes(fields []spec.Field) map[string]dsschema.Attribute {
	all := map[string]dsschema.Attribute{}
	for _, f := range fields {
		if f.Secret {
			all[f.Name+writeOnlyVersion] = dsschema.Int64Attribute{Computed: true, MarkdownDescription: "The version of the secret that the daemon has; null when none is set."}
			continue
		}
		all[f.Name] = dataSourceAttribute(f)
	}
	return all
}

func dataSourceAttribute(f spec.Field) dsschema.Attribute {
	doc := Markdown(f.Doc)
	if values := oneOfValues(f); values != "" {
		doc += " " + values
	}
	switch shape(f) {
	case spec.Bool:
		return dsschema.BoolAttribute{Computed: true, MarkdownDescription: doc}
	case spec.Int:
		return dsschema.Int64Attribute{Computed: true, MarkdownDescription: doc}
	case spec.Float:
		return dsschema.Float64Attribute{Computed: true, MarkdownDescription: doc}
	case spec.List:
		if shape(*f.Elem) == spec.Object {
			return dsschema.ListNestedAttribute{Computed: true, MarkdownDescription: doc, NestedObject: dsschema.NestedAttributeObject{Attributes: DataSourceAttributes(f.Elem.Fields)}}
		}
		return dsschema.ListAttribute{Computed: true, MarkdownDescription: doc, ElementType: attrType(*f.Elem, DataSource)}
	case spec.Map:
		if shape(*f.Elem) == spec.Object {
			return dsschema.MapNestedAttribute{Computed: true, MarkdownDescription: doc, NestedObject: dsschema.NestedAttributeObject{Attributes: DataSourceAttributes(f.Elem.Fields)}}
		}
		return dsschema.MapAttribute{Computed: true, MarkdownDescription: doc, ElementType: attrType(*f.Elem, DataSource)}
	case spec.Object:
		return dsschema.SingleNestedAttribute{Computed: true, MarkdownDescription: doc, Attributes: DataSourceAttributes(f.Fields)}
	default:
		return dsschema.StringAttribute{Computed: true, MarkdownDescription: doc}
	}
}
