package kind

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Encoded is an object on its way to the API.
type Encoded struct {
	// Object is the JSON object; nulls and what is not known are left out.
	Object map[string]any
	// Unknown points to the values that are not known yet, below the object.
	Unknown []string
	// SecretVersions are the versions of the secrets that are set, by pointer.
	SecretVersions map[string]int64
}

// JSON is the object as JSON.
func (e Encoded) JSON() (json.RawMessage, error) {
	raw, err := json.Marshal(e.Object)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return raw, nil
}

// UnknownBelow are the unknown pointers with a base before them.
func (e Encoded) UnknownBelow(base string) []string {
	pointers := make([]string, len(e.Unknown))
	for i, p := range e.Unknown {
		pointers[i] = base + p
	}
	return pointers
}

// Encode makes JSON of a planned object. Secrets are taken from config, the only place that has them.
func Encode(fields []spec.Field, plan, config types.Object) Encoded {
	e := encoder{secretVersions: map[string]int64{}}
	object := e.object(fields, plan, config, "")
	slices.Sort(e.unknown)
	return Encoded{Object: object, Unknown: e.unknown, SecretVersions: e.secretVersions}
}

// encoder gathers what it meets on its way through an object.
type encoder struct {
	unknown        []string
	secretVersions map[string]int64
}

func (e *encoder) object(fields []spec.Field, plan, config types.Object, at string) map[string]any {
	object := map[string]any{}
	for _, f := range fields {
		pointer := spec.Join(at, f.Name)
		value := plan.Attributes()[f.Name]
		if f.Secret {
			value = e.secret(f, plan, config, pointer)
		}
		if encoded, ok := e.value(f, value, config.Attributes()[f.Name], pointer); ok {
			object[f.Name] = encoded
		}
	}
	return object
}

func (e *encoder) secret(f spec.Field, plan, config types.Object, pointer string) attr.Value {
	version := as[types.Int64](plan.Attributes()[f.Name+writeOnlyVersion])
	if !version.IsNull() && !version.IsUnknown() {
		e.secretVersions[pointer] = version.ValueInt64()
	}
	return config.Attributes()[f.Name+writeOnly]
}

// value answers false for a value that is absent or not known.
func (e *encoder) value(f spec.Field, value, config attr.Value, at string) (any, bool) {
	if value == nil || value.IsNull() {
		return nil, false
	}
	if value.IsUnknown() {
		e.unknown = append(e.unknown, at)
		return nil, false
	}
	switch v := value.(type) {
	case types.String:
		return v.ValueString(), true
	case types.Bool:
		return v.ValueBool(), true
	case types.Int64:
		return v.ValueInt64(), true
	case types.Float64:
		return v.ValueFloat64(), true
	case types.List:
		items := make([]any, len(v.Elements()))
		for i, item := range v.Elements() {
			// What is not known keeps its place as null.
			items[i], _ = e.value(*f.Elem, item, nil, spec.Join(at, strconv.Itoa(i)))
		}
		return items, true
	case types.Map:
		entries := map[string]any{}
		for key, entry := range v.Elements() {
			if encoded, ok := e.value(*f.Elem, entry, nil, spec.Join(at, key)); ok {
				entries[key] = encoded
			}
		}
		return entries, true
	case types.Object:
		return e.object(f.Fields, v, as[types.Object](config), at), true
	}
	return nil, false
}

// as answers v as a T, or T's zero value, which is a null for the values of attributes.
func as[T any](v any) T {
	t, _ := v.(T)
	return t
}
