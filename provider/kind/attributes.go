// Package kind turns the description of a kind (package spec) into what Terraform needs of it: attributes with their
// defaults, validation and docs; values on the way to the API and back; and the paths of attributes for errors.
//
// A secret field x is two attributes: x_wo, write-only, and x_wo_version, which is stored. A new version sends the
// secret again; that is what rotates it, because Terraform cannot see that a write-only value changed.
package kind

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/float64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/float64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Suffixes of the two attributes of a secret field.
const (
	writeOnly        = "_wo"
	writeOnlyVersion = "_wo_version"
)

// Attributes makes the attributes of a resource.
func Attributes(fields []spec.Field) map[string]schema.Attribute {
	attributes := map[string]schema.Attribute{}
	for _, f := range fields {
		if f.Secret {
			maps.Copy(attributes, secretAttributes(f))
			continue
		}
		attributes[f.Name] = attribute(f)
	}
	return attributes
}

func secretAttributes(f spec.Field) map[string]schema.Attribute {
	value, version := f.Name+writeOnly, f.Name+writeOnlyVersion
	beside := func(name string) path.Expression { return path.MatchRelative().AtParent().AtName(name) }
	return map[string]schema.Attribute{
		value: schema.StringAttribute{
			MarkdownDescription: describe(f) + fmt.Sprintf(" Write-only: never in state or plan. Change `%s` to have a new value used.", version),
			Required:            f.Required,
			Optional:            !f.Required,
			WriteOnly:           true,
			Sensitive:           true,
			Validators:          []validator.String{check{f}, stringvalidator.AlsoRequires(beside(version))},
		},
		version: schema.Int64Attribute{
			MarkdownDescription: fmt.Sprintf("The version of `%s`, a number of your own. A new number rotates the secret.", value),
			Required:            f.Required,
			Optional:            !f.Required,
			Validators:          []validator.Int64{int64validator.AlsoRequires(beside(value))},
		},
	}
}

func attribute(f spec.Field) schema.Attribute {
	switch shape(f) {
	case spec.Bool:
		return boolAttribute(f)
	case spec.Int:
		return intAttribute(f)
	case spec.Float:
		return floatAttribute(f)
	case spec.List:
		return listAttribute(f)
	case spec.Map:
		return mapAttribute(f)
	case spec.Object:
		return objectAttribute(f)
	default:
		return stringAttribute(f)
	}
}

func stringAttribute(f spec.Field) schema.Attribute {
	a := schema.StringAttribute{MarkdownDescription: describe(f), Required: f.Required, Optional: !f.Required, Validators: []validator.String{check{f}}}
	if f.Default != nil {
		a.Computed, a.Default = true, stringdefault.StaticString(defaultOf[types.String](f).ValueString())
	}
	if f.Replace {
		a.PlanModifiers = []planmodifier.String{stringplanmodifier.RequiresReplace()}
	}
	return a
}

func boolAttribute(f spec.Field) schema.Attribute {
	a := schema.BoolAttribute{MarkdownDescription: describe(f), Required: f.Required, Optional: !f.Required}
	if f.Default != nil {
		a.Computed, a.Default = true, booldefault.StaticBool(defaultOf[types.Bool](f).ValueBool())
	}
	if f.Replace {
		a.PlanModifiers = []planmodifier.Bool{boolplanmodifier.RequiresReplace()}
	}
	return a
}

func intAttribute(f spec.Field) schema.Attribute {
	a := schema.Int64Attribute{MarkdownDescription: describe(f), Required: f.Required, Optional: !f.Required, Validators: []validator.Int64{check{f}}}
	if f.Default != nil {
		a.Computed, a.Default = true, int64default.StaticInt64(defaultOf[types.Int64](f).ValueInt64())
	}
	if f.Replace {
		a.PlanModifiers = []planmodifier.Int64{int64planmodifier.RequiresReplace()}
	}
	return a
}

func floatAttribute(f spec.Field) schema.Attribute {
	a := schema.Float64Attribute{MarkdownDescription: describe(f), Required: f.Required, Optional: !f.Required, Validators: []validator.Float64{check{f}}}
	if f.Default != nil {
		a.Computed, a.Default = true, float64default.StaticFloat64(defaultOf[types.Float64](f).ValueFloat64())
	}
	if f.Replace {
		a.PlanModifiers = []planmodifier.Float64{float64planmodifier.RequiresReplace()}
	}
	return a
}

func listAttribute(f spec.Field) schema.Attribute {
	a := schema.ListNestedAttribute{MarkdownDescription: describe(f), Required: f.Required, Optional: !f.Required, Validators: []validator.List{check{f}}}
	if f.Default != nil {
		a.Computed, a.Default = true, listdefault.StaticValue(defaultOf[types.List](f))
	}
	if f.Replace {
		a.PlanModifiers = []planmodifier.List{listplanmodifier.RequiresReplace()}
	}
	if shape(*f.Elem) == spec.Object {
		a.NestedObject = schema.NestedAttributeObject{Attributes: Attributes(f.Elem.Fields)}
		return a
	}
	return schema.ListAttribute{
		ElementType: attrType(*f.Elem, Resource), MarkdownDescription: a.MarkdownDescription, Required: a.Required, Optional: a.Optional,
		Computed: a.Computed, Default: a.Default, Validators: a.Validators, PlanModifiers: a.PlanModifiers,
	}
}

func mapAttribute(f spec.Field) schema.Attribute {
	a := schema.MapNestedAttribute{MarkdownDescription: describe(f), Required: f.Required, Optional: !f.Required, Validators: []validator.Map{check{f}}}
	if f.Default != nil {
		a.Computed, a.Default = true, mapdefault.StaticValue(defaultOf[types.Map](f))
	}
	if f.Replace {
		a.PlanModifiers = []planmodifier.Map{mapplanmodifier.RequiresReplace()}
	}
	if shape(*f.Elem) == spec.Object {
		a.NestedObject = schema.NestedAttributeObject{Attributes: Attributes(f.Elem.Fields)}
		return a
	}
	return schema.MapAttribute{
		ElementType: attrType(*f.Elem, Resource), MarkdownDescription: a.MarkdownDescription, Required: a.Required, Optional: a.Optional,
		Computed: a.Computed, Default: a.Default, Validators: a.Validators, PlanModifiers: a.PlanModifiers,
	}
}

func objectAttribute(f spec.Field) schema.Attribute {
	a := schema.SingleNestedAttribute{MarkdownDescription: describe(f), Required: f.Required, Optional: !f.Required, Attributes: Attributes(f.Fields)}
	if f.Default != nil {
		a.Computed, a.Default = true, objectdefault.StaticValue(defaultOf[types.Object](f))
	}
	if f.Replace {
		a.PlanModifiers = []planmodifier.Object{objectplanmodifier.RequiresReplace()}
	}
	return a
}

// describe is what the docs say of a field.
func describe(f spec.Field) string {
	parts := []string{Markdown(f.Doc)}
	if values := oneOfValues(f); values != "" {
		parts = append(parts, values)
	}
	if bounds := bounds(f); bounds != "" {
		parts = append(parts, bounds)
	}
	if f.Default != nil {
		parts = append(parts, fmt.Sprintf("Default: `%v`.", f.Default))
	}
	if f.Example != "" {
		parts = append(parts, "Example: `"+f.Example+"`.")
	}
	return strings.Join(parts, " ")
}

// quoted is a word in single quotes; an apostrophe has a letter before it.
var quoted = regexp.MustCompile(`(^|[ (])'([^' ]+)'`)

// Markdown makes code of the words that a doc tag has in single quotes: a tag cannot hold backticks.
func Markdown(doc string) string { return quoted.ReplaceAllString(doc, "$1`$2`") }

func oneOfValues(f spec.Field) string {
	switch len(f.Enum) {
	case 0:
		return ""
	case 1:
		return "Only `" + f.Enum[0] + "` so far."
	}
	return "One of `" + strings.Join(f.Enum, "`, `") + "`."
}

func bounds(f spec.Field) string {
	switch {
	case f.Minimum != nil && f.Maximum != nil:
		return fmt.Sprintf("From %s to %s.", number(*f.Minimum), number(*f.Maximum))
	case f.Minimum != nil:
		return fmt.Sprintf("At least %s.", number(*f.Minimum))
	case f.Maximum != nil:
		return fmt.Sprintf("At most %s.", number(*f.Maximum))
	}
	return ""
}

// number is a number in digits, large ones too.
func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
