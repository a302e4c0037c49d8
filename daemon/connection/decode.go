package connection

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// DecodeSpec checks the spec of a request against its kind, fills in defaults, and answers it as the kind's struct and
// as the JSON object. unknown holds JSON pointers into the request body.
func DecodeSpec(kind spec.Kind, raw json.RawMessage, unknown []string) (target any, object map[string]any, err error) {
	object, err = decodeObject(kind.Fields, raw, "/spec", kind.Name, unknown)
	if err != nil {
		return nil, nil, err
	}
	target = kind.New()
	if err := spec.Into(object, target); err != nil {
		return nil, nil, err
	}
	return target, object, nil
}

// DecodeObject checks a JSON object of a request against its fields and fills in defaults. base is its JSON pointer in
// the request body.
func DecodeObject(fields []spec.Field, raw json.RawMessage, base string, unknown []string) (map[string]any, error) {
	return decodeObject(fields, raw, base, "", unknown)
}

func decodeObject(fields []spec.Field, raw json.RawMessage, base, block string, unknown []string) (map[string]any, error) {
	object := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &object); err != nil || object == nil {
			return nil, api.Invalid(base, "A JSON object is needed here", "", "See /openapi.json for its fields.")
		}
	}
	problems := spec.Complete(fields, object, func(path string) bool { return slices.Contains(unknown, base+path) })
	if err := problemsOf(fields, problems, base, block); err != nil {
		return nil, err
	}
	return object, nil
}

// Problems makes one error of the API of the problems found in the spec of a kind, or nil.
func Problems(kind spec.Kind, problems []spec.Problem) error {
	return problemsOf(kind.Fields, problems, "/spec", kind.Name)
}

// problemsOf names fields with the block that they are in, as a configuration has them.
func problemsOf(fields []spec.Field, problems []spec.Problem, base, block string) error {
	var all []api.Error
	for _, p := range problems {
		name := strings.Trim(block+"."+spec.Written(fields, p.Path), ".")
		all = append(all, *api.Invalid(base+p.Path, name+" is not valid", name+" "+p.Message+".", ""))
	}
	if len(all) == 0 {
		return nil
	}
	first := all[0]
	first.More = all[1:]
	return &first
}
