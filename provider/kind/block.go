package kind

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewObject makes a resource that has a block for each kind. Exactly one is declared, another one needs a new object, and while it
// is not known which one it is, the daemon looks at nothing.
func NewObject[A any](kinds spec.Kinds, d remote.Definition[types.Object, A]) resource.Resource {
	d.Validate = func(_ context.Context, config *types.Object, diags *diag.Diagnostics) {
		exactlyOne(kinds, *config, diags)
	}
	d.Known = func(plan *types.Object) bool {
		_, _, known := Chosen(kinds, *plan)
		return known
	}
	d.Replaced = func(w remote.Write[types.Object]) bool { return Changes(kinds, *w.Plan, *w.State) }
	d.ReplacedBy = "the kind"
	return remote.NewObject(d)
}

// Blocks makes one nested attribute of each kind. Another kind needs another object.
func Blocks(kinds spec.Kinds) map[string]schema.Attribute {
	blocks := map[string]schema.Attribute{}
	for _, k := range kinds {
		blocks[k.Name] = schema.SingleNestedAttribute{
			MarkdownDescription: k.Doc + alone(kinds),
			Optional:            true,
			Attributes:          Attributes(k.Fields),
			PlanModifiers:       []planmodifier.Object{objectplanmodifier.RequiresReplaceIf(kindChanged, kindChange, kindChange)},
		}
	}
	return blocks
}

const kindChange = "Changing the kind replaces the object."

func kindChanged(_ context.Context, req planmodifier.ObjectRequest, resp *objectplanmodifier.RequiresReplaceIfFuncResponse) {
	resp.RequiresReplace = !req.PlanValue.IsUnknown() && req.PlanValue.IsNull() != req.StateValue.IsNull()
}

// alone says of the only kind that it is needed. Where there are several, the resource says that exactly one is.
func alone(kinds spec.Kinds) string {
	if len(kinds) == 1 {
		return " Needed: it is the only kind so far."
	}
	return ""
}

// DataSourceBlocks makes one computed nested attribute of each kind; all but one are null.
func DataSourceBlocks(kinds spec.Kinds) map[string]dsschema.Attribute {
	blocks := map[string]dsschema.Attribute{}
	for _, k := range kinds {
		blocks[k.Name] = dsschema.SingleNestedAttribute{MarkdownDescription: k.Doc, Computed: true, Attributes: DataSourceAttributes(k.Fields)}
	}
	return blocks
}

// Attribute is an attribute of the object that a resource or data source is; T's zero value, which is a null, where it has
// none.
func Attribute[T attr.Value](from types.Object, name string) T { return as[T](from.Attributes()[name]) }

// Set gives some attributes of an object other values.
func Set(m *types.Object, values map[string]attr.Value) error {
	all := m.Attributes()
	maps.Copy(all, values)
	object, diags := types.ObjectValue(m.AttributeTypes(context.Background()), all)
	if diags.HasError() {
		return fmt.Errorf("%s: %s", diags[0].Summary(), diags[0].Detail())
	}
	*m = object
	return nil
}

// Chosen finds the kind whose block is set. It answers false when none is, or when that is not known yet.
func Chosen(kinds spec.Kinds, from types.Object) (spec.Kind, types.Object, bool) {
	for _, k := range kinds {
		value := Attribute[types.Object](from, k.Name)
		if !value.IsNull() && !value.IsUnknown() {
			return k, value, true
		}
	}
	return spec.Kind{}, types.Object{}, false
}

// Values are the values of the blocks of all kinds, of which one is chosen.
func Values(kinds spec.Kinds, chosen string, value types.Object, view View) map[string]attr.Value {
	values := map[string]attr.Value{}
	for _, k := range kinds {
		values[k.Name] = types.ObjectNull(AttrTypes(k.Fields, view))
	}
	values[chosen] = value
	return values
}

// Root gathers fields that are attributes of the resource itself into one object, which is null where the resource is.
func Root(fields []spec.Field, from types.Object) types.Object {
	if from.IsNull() {
		return types.ObjectNull(AttrTypes(fields, Resource))
	}
	values := map[string]attr.Value{}
	for name := range AttrTypes(fields, Resource) {
		values[name] = from.Attributes()[name]
	}
	return types.ObjectValueMust(AttrTypes(fields, Resource), values) // The schema is made of the same fields.
}

// Of is the kind of what the daemon has, by the name of the kind.
func Of(kinds spec.Kinds, name, what string) (spec.Kind, error) {
	k, ok := kinds.Lookup(name)
	if !ok {
		return k, &api.Error{Summary: fmt.Sprintf("The kind of %s is not known", what), Detail: fmt.Sprintf("It is %q, which this version of the provider does not know.", name), Remedy: "Upgrade the provider."}
	}
	return k, nil
}

// exactlyOne refuses a configuration with no kind, or with several.
func exactlyOne(kinds spec.Kinds, config types.Object, diags *diag.Diagnostics) {
	var set []string
	for _, k := range kinds {
		value := Attribute[types.Object](config, k.Name)
		if value.IsUnknown() {
			return
		}
		if !value.IsNull() {
			set = append(set, k.Name)
		}
	}
	all := strings.Join(kinds.Names(), ", ")
	switch len(set) {
	case 1:
	case 0:
		diags.AddError("No kind is given", fmt.Sprintf("Write one block that says what it is and how to reach it. There are: %s.", all))
	default:
		diags.AddAttributeError(path.Root(set[1]), "More than one kind is given",
			fmt.Sprintf("%s are set, and only one can be: exactly one of %s.", strings.Join(set, " and "), all))
	}
}

// Changes says whether a plan changes the kind of an object, which needs a new object.
func Changes(kinds spec.Kinds, plan, state types.Object) bool {
	planned, _, known := Chosen(kinds, plan)
	current, _, _ := Chosen(kinds, state)
	return known && planned.Name != current.Name
}
