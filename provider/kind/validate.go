package kind

import (
	"context"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// check validates an attribute with the rules of its field: the same code and words as in the daemon.
type check struct{ field spec.Field }

var (
	_ validator.String  = check{}
	_ validator.Int64   = check{}
	_ validator.Float64 = check{}
	_ validator.List    = check{}
	_ validator.Map     = check{}
)

func (c check) Description(context.Context) string { return bounds(c.field) }

func (c check) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	c.validate(req.Path, req.ConfigValue, &resp.Diagnostics)
}

func (c check) ValidateInt64(_ context.Context, req validator.Int64Request, resp *validator.Int64Response) {
	c.validate(req.Path, req.ConfigValue, &resp.Diagnostics)
}

func (c check) ValidateFloat64(_ context.Context, req validator.Float64Request, resp *validator.Float64Response) {
	c.validate(req.Path, req.ConfigValue, &resp.Diagnostics)
}

func (c check) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	c.validate(req.Path, req.ConfigValue, &resp.Diagnostics)
}

func (c check) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	c.validate(req.Path, req.ConfigValue, &resp.Diagnostics)
}

func (c check) validate(at path.Path, value attr.Value, diags *diag.Diagnostics) {
	if value.IsNull() || value.IsUnknown() {
		return
	}
	f, checked, unknown := c.plain(value)
	object := map[string]any{f.Name: checked}
	for _, p := range spec.Complete([]spec.Field{f}, object, func(pointer string) bool { return unknown[pointer] }) {
		name := at.String() + strings.TrimPrefix(spec.Written([]spec.Field{f}, p.Path), f.Name)
		diags.AddAttributeError(explain.Shown(at), name+" is not valid", name+" "+p.Message+".")
	}
}

// plain is the value as package spec checks it. The objects in a list or map have validators on their own attributes,
// so they are left out here.
func (c check) plain(value attr.Value) (f spec.Field, plain any, unknown map[string]bool) {
	f = c.field
	f.Secret = false // at names the attribute as it is
	if f.Elem != nil && shape(*f.Elem) == spec.Object {
		f.Elem = &spec.Field{Type: spec.Object}
		return f, hollow(value), nil
	}
	e := encoder{}
	encoded, _ := e.value(f, value, nil, spec.Join("", f.Name))
	unknown = map[string]bool{}
	for _, pointer := range e.unknown {
		unknown[pointer] = true
	}
	return f, floats(encoded), unknown
}

func hollow(value attr.Value) any {
	switch v := value.(type) {
	case types.List:
		items := make([]any, len(v.Elements()))
		for i := range items {
			items[i] = map[string]any{}
		}
		return items
	case types.Map:
		entries := map[string]any{}
		for key := range v.Elements() {
			entries[key] = map[string]any{}
		}
		return entries
	}
	return nil
}

// floats makes whole numbers what encoding/json would decode them to.
func floats(value any) any {
	switch v := value.(type) {
	case int64:
		return float64(v)
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = floats(v[key])
		}
	}
	return value
}

// Path finds the attribute that a JSON pointer below fields is about. Where the pointer leaves the fields it answers
// the last attribute on the way.
func Path(fields []spec.Field, base path.Path, pointer string) path.Path {
	return follow(spec.Field{Type: spec.Object, Fields: fields}, base, spec.Steps(pointer))
}

func follow(f spec.Field, at path.Path, steps []string) path.Path {
	if len(steps) == 0 {
		return at
	}
	switch f.Type {
	case spec.Object:
		return followName(f.Fields, at, steps)
	case spec.List:
		index, err := strconv.Atoi(steps[0])
		if err != nil {
			return at
		}
		return follow(*f.Elem, at.AtListIndex(index), steps[1:])
	case spec.Map:
		return follow(*f.Elem, at.AtMapKey(steps[0]), steps[1:])
	}
	return at
}

func followName(fields []spec.Field, at path.Path, steps []string) path.Path {
	for _, f := range fields {
		if f.Name != steps[0] {
			continue
		}
		if f.Secret {
			return at.AtName(f.Name + writeOnly)
		}
		return follow(f, at.AtName(f.Name), steps[1:])
	}
	return at
}
