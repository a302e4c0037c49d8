package kind

import (
	"context"
	"fmt"
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

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Blocks makes one nested attribute of each kind. Another kind needs another object.
func Blocks(kinds spec.Kinds) map[string]schema.Attribute {
	blocks := map[string]schema.Attribute{}
	for _, k := range kinds {
		blocks[k.Name] = schema.SingleNestedAttribute{
			MarkdownDescription: k.Doc + oneOf(kinds),
			Optional:            true,
			Attributes:          Attributes(k.Fields),
			PlanModifiers:       []planmodifier.Object{objectplanmodifier.RequiresReplaceIf(kindChanged, kindChange, kindChange)},
		}
	}
	return blocks
}

const kindChange = "Another kind needs a new object."

func kindChanged(_ context.Context, req planmodifier.ObjectRequest, resp *objectplanmodifier.RequiresReplaceIfFuncResponse) {
	resp.RequiresReplace = !req.PlanValue.IsUnknown() && req.PlanValue.IsNull() != req.StateValue.IsNull()
}

func oneOf(kinds spec.Kinds) string {
	if len(kinds) == 1 {
		return ""
	}
	return " Exactly one kind is needed."
}

// DataSourceBlocks makes one computed nested attribute of each kind; all but one are null.
func DataSourceBlocks(kinds spec.Kinds) map[string]dsschema.Attribute {
	blocks := map[string]dsschema.Attribute{}
	for _, k := range kinds {
		blocks[k.Name] = dsschema.SingleNestedAttribute{MarkdownDescription: k.Doc, Computed: true, Attributes: DataSourceAttributes(k.Fields)}
	}
	return blocks
}

// Attributer is a configuration, plan or state.
type Attributer interface {
	GetAttribute(ctx context.Context, at path.Path, target any) diag.Diagnostics
}

// Chosen finds the kind whose block is set. It answers false when none is, or when that is not known yet.
func Chosen(ctx context.Context, kinds spec.Kinds, from Attributer, diags *diag.Diagnostics) (spec.Kind, types.Object, bool) {
	for _, k := range kinds {
		value := Block(ctx, k, from, diags)
		if !value.IsNull() && !value.IsUnknown() {
			return k, value, true
		}
	}
	return spec.Kind{}, types.Object{}, false
}

// Block is the value of a kind's block.
func Block(ctx context.Context, k spec.Kind, from Attributer, diags *diag.Diagnostics) types.Object {
	var value types.Object
	diags.Append(from.GetAttribute(ctx, path.Root(k.Name), &value)...)
	return value
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

// Root gathers fields that are attributes of the resource itself into one object.
func Root(ctx context.Context, fields []spec.Field, from Attributer, diags *diag.Diagnostics) types.Object {
	values := map[string]attr.Value{}
	for name := range AttrTypes(fields, Resource) {
		var value attr.Value
		diags.Append(from.GetAttribute(ctx, path.Root(name), &value)...)
		values[name] = value
	}
	if diags.HasError() {
		return types.ObjectNull(AttrTypes(fields, Resource))
	}
	object, more := types.ObjectValue(AttrTypes(fields, Resource), values)
	diags.Append(more...)
	return object
}

// ExactlyOne refuses a resource with no kind, or with several.
func ExactlyOne(kinds spec.Kinds) resource.ConfigValidator { return exactlyOne{kinds} }

type exactlyOne struct{ kinds spec.Kinds }

func (v exactlyOne) Description(context.Context) string {
	return "exactly one of " + strings.Join(v.kinds.Names(), ", ") + " must be set"
}

func (v exactlyOne) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v exactlyOne) ValidateResource(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var set []string
	for _, k := range v.kinds {
		value := Block(ctx, k, req.Config, &resp.Diagnostics)
		if value.IsUnknown() {
			return
		}
		if !value.IsNull() {
			set = append(set, k.Name)
		}
	}
	all := strings.Join(v.kinds.Names(), ", ")
	switch len(set) {
	case 1:
	case 0:
		resp.Diagnostics.AddError("No kind is given", fmt.Sprintf("Write one block that says what it is and how to reach it. There are: %s.", all))
	default:
		resp.Diagnostics.AddAttributeError(path.Root(set[1]), "More than one kind is given",
			fmt.Sprintf("%s are set, and only one can be: exactly one of %s.", strings.Join(set, " and "), all))
	}
}

// Changes says whether a plan changes the kind of an object, which needs a new object.
func Changes(ctx context.Context, kinds spec.Kinds, req resource.ModifyPlanRequest, diags *diag.Diagnostics) bool {
	planned, _, known := Chosen(ctx, kinds, req.Plan, diags)
	current, _, _ := Chosen(ctx, kinds, req.State, diags)
	return known && planned.Name != current.Name
}
