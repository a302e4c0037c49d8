package schematext

import (
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// envelope are the context attributes that every event has (CloudEvents 1.0.2, required attributes). All are strings.
var envelope = []string{"id", "source", "specversion", "type"}

// ValidateCloudEvent says whether a JSON Schema describes the envelope of a CloudEvent in structured mode: an object that
// requires the context attributes id, source, specversion and type, each a string, and lets specversion be 1.0. What is
// wrong comes as *Error.
func ValidateCloudEvent(s Schema) error {
	compiled, err := CompileJSONSchema(s)
	if err != nil {
		return err
	}
	found := described{properties: map[string][]*jsonschema.Schema{}, seen: map[*jsonschema.Schema]bool{}}
	found.gather(compiled)
	var missing []string
	for _, name := range envelope {
		if !slices.Contains(found.required, name) || len(found.properties[name]) == 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return &Error{Message: fmt.Sprintf("it does not describe a CloudEvent: every event has %s, so they have to be among properties and required; missing: %s",
			strings.Join(envelope, ", "), strings.Join(missing, ", "))}
	}
	for _, name := range envelope {
		if err := found.takesString(name); err != nil {
			return err
		}
	}
	return nil
}

// described is what a schema says of an object, by itself and through $ref and allOf.
type described struct {
	properties map[string][]*jsonschema.Schema
	required   []string
	seen       map[*jsonschema.Schema]bool
}

func (d *described) gather(s *jsonschema.Schema) {
	if s == nil || d.seen[s] {
		return
	}
	d.seen[s] = true
	for name, property := range s.Properties {
		d.properties[name] = append(d.properties[name], property)
	}
	d.required = append(d.required, s.Required...)
	d.gather(s.Ref)
	for _, part := range s.AllOf {
		d.gather(part)
	}
}

// takesString tries the attribute's own schemas on a value that events have.
func (d *described) takesString(name string) error {
	for _, property := range d.properties[name] {
		if name == "specversion" && property.Validate("1.0") != nil {
			return &Error{Path: "/properties/specversion", Message: `it does not describe a CloudEvent: specversion is "1.0"`}
		}
		// Any other value may be restricted, but only among strings: a number must not pass, and a string must be possible.
		if property.Validate(1) == nil || !possiblyString(property) {
			return &Error{Path: "/properties/" + name, Message: "it does not describe a CloudEvent: the attribute is a string"}
		}
	}
	return nil
}

func possiblyString(s *jsonschema.Schema) bool {
	for ; s != nil; s = s.Ref {
		if s.Types != nil && !slices.Contains(s.Types.ToStrings(), "string") {
			return false
		}
	}
	return true
}
