package kind

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Answer is an object as the API answered it.
type Answer struct {
	Object map[string]any
	// SecretVersions are the versions of the secrets that are set, by pointer below the object.
	SecretVersions map[string]int64
}

// NewAnswer makes an answer of anything that is a JSON object.
func NewAnswer(value any, secretVersions map[string]int64) (Answer, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return Answer{}, fmt.Errorf("encode answer: %w", err)
	}
	a := Answer{SecretVersions: secretVersions}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&a.Object); err != nil {
		return Answer{}, fmt.Errorf("decode answer: %w", err)
	}
	return a, nil
}

// Decode makes an object of an answer. Every attribute of it is known. Where prior means the same as the answer but is
// written otherwise, such as "60m" for "1h" or an empty list for none, prior's writing is kept.
func Decode(fields []spec.Field, answer Answer, prior types.Object, view View) types.Object {
	return answer.object(fields, answer.Object, prior, "", view)
}

func (a Answer) object(fields []spec.Field, object map[string]any, prior types.Object, at string, view View) types.Object {
	values := map[string]attr.Value{}
	for _, f := range fields {
		pointer := spec.Join(at, f.Name)
		if !f.Secret {
			values[f.Name] = a.field(f, object[f.Name], prior.Attributes()[f.Name], pointer, view)
			continue
		}
		values[f.Name+writeOnlyVersion] = a.version(pointer)
		if view == Resource {
			values[f.Name+writeOnly] = types.StringNull()
		}
	}
	return types.ObjectValueMust(AttrTypes(fields, view), values)
}

func (a Answer) version(pointer string) types.Int64 {
	if version, ok := a.SecretVersions[pointer]; ok {
		return types.Int64Value(version)
	}
	return types.Int64Null()
}

func (a Answer) field(f spec.Field, value any, prior attr.Value, at string, view View) attr.Value {
	if value == nil {
		value = f.Default
	}
	// To a resource, empty and absent are one; only its configuration tells which of the two it wrote.
	if value == nil || view == Resource && f.Default == nil && f.Type != spec.Object && isEmpty(value) {
		return absent(f, prior, view)
	}
	return a.value(f, value, prior, at, view)
}

// absent is a field that the answer does not have, or has empty: null, unless prior says the same in another way.
func absent(f spec.Field, prior attr.Value, view View) attr.Value {
	if prior != nil && !prior.IsUnknown() && meansNothing(prior) {
		return prior
	}
	return null(f, view)
}

func (a Answer) value(f spec.Field, value any, prior attr.Value, at string, view View) attr.Value {
	switch shape(f) {
	case spec.Bool:
		return types.BoolValue(as[bool](value))
	case spec.Int:
		return types.Int64Value(integer(value))
	case spec.Float:
		return types.Float64Value(float(value))
	case spec.List:
		return a.list(f, as[[]any](value), as[types.List](prior), at, view)
	case spec.Map:
		return a.entries(f, as[map[string]any](value), as[types.Map](prior), at, view)
	case spec.Object:
		return a.object(f.Fields, as[map[string]any](value), as[types.Object](prior), at, view)
	default:
		return text(f, as[string](value), as[types.String](prior))
	}
}

func (a Answer) list(f spec.Field, items []any, prior types.List, at string, view View) types.List {
	values := make([]attr.Value, len(items))
	for i, item := range items {
		var before attr.Value
		if i < len(prior.Elements()) {
			before = prior.Elements()[i]
		}
		values[i] = a.element(*f.Elem, item, before, spec.Join(at, strconv.Itoa(i)), view)
	}
	return types.ListValueMust(attrType(*f.Elem, view), values)
}

func (a Answer) entries(f spec.Field, entries map[string]any, prior types.Map, at string, view View) types.Map {
	values := make(map[string]attr.Value, len(entries))
	for key, entry := range entries {
		values[key] = a.element(*f.Elem, entry, prior.Elements()[key], spec.Join(at, key), view)
	}
	return types.MapValueMust(attrType(*f.Elem, view), values)
}

// element is an element of a list or map: unlike a field it is there even when it is empty.
func (a Answer) element(f spec.Field, value any, prior attr.Value, at string, view View) attr.Value {
	if value == nil {
		return null(f, view)
	}
	return a.value(f, value, prior, at, view)
}

// text keeps prior where it means the same.
func text(f spec.Field, value string, prior types.String) types.String {
	if !prior.IsNull() && !prior.IsUnknown() && sameMeaning(f.Type, prior.ValueString(), value) {
		return prior
	}
	return types.StringValue(value)
}

func sameMeaning(t spec.Type, a, b string) bool {
	switch t {
	case spec.DurationType:
		x, errX := spec.Duration(a).Parse()
		y, errY := spec.Duration(b).Parse()
		return errX == nil && errY == nil && x == y
	case spec.SizeType:
		x, errX := spec.Size(a).Parse()
		y, errY := spec.Size(b).Parse()
		return errX == nil && errY == nil && x == y
	default:
		return a == b
	}
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// meansNothing says whether leaving the value out would say the same: it is null, empty, or holds only such values.
func meansNothing(value attr.Value) bool {
	if value.IsNull() {
		return true
	}
	switch v := value.(type) {
	case types.String:
		return v.ValueString() == ""
	case types.Bool:
		return !v.ValueBool()
	case types.Int64:
		return v.ValueInt64() == 0
	case types.Float64:
		return v.ValueFloat64() == 0
	case types.List:
		return len(v.Elements()) == 0
	case types.Map:
		return len(v.Elements()) == 0
	case types.Object:
		for _, inner := range v.Attributes() {
			if !meansNothing(inner) {
				return false
			}
		}
		return true
	}
	return false
}

func null(f spec.Field, view View) attr.Value {
	switch shape(f) {
	case spec.Bool:
		return types.BoolNull()
	case spec.Int:
		return types.Int64Null()
	case spec.Float:
		return types.Float64Null()
	case spec.List:
		return types.ListNull(attrType(*f.Elem, view))
	case spec.Map:
		return types.MapNull(attrType(*f.Elem, view))
	case spec.Object:
		return types.ObjectNull(AttrTypes(f.Fields, view))
	default:
		return types.StringNull()
	}
}

// defaultOf is a field's default as an attribute's value.
func defaultOf[T attr.Value](f spec.Field) T {
	return as[T](Answer{}.value(f, f.Default, nil, "", Resource))
}

func integer(value any) int64 {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		return int64(math.Round(float(value)))
	case float64:
		return int64(v)
	}
	return 0
}

func float(value any) float64 {
	switch v := value.(type) {
	case json.Number:
		n, _ := v.Float64()
		return n
	case float64:
		return v
	}
	return 0
}
