package schematext

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	// maxPattern bounds the patterns that are compiled, in bytes: a compiled one takes much more memory than its text.
	maxPattern = 16 << 10
	// maxParts bounds the objects and booleans of a schema.
	maxParts = 20_000
)

// schemaURL is where the schema is said to be; relative references resolve against it.
const schemaURL = "schema:///"

// CompileJSONSchema compiles the schema, which checks it against the metaschema of its draft and resolves every reference.
// Nothing is fetched: a $ref leads to the schema itself, to one of the references or to a metaschema. What is wrong with it
// comes as *Error.
func CompileJSONSchema(s Schema) (*jsonschema.Schema, error) {
	if err := checkText(s.Text); err != nil {
		return nil, err
	}
	if err := checkParts(s); err != nil {
		return nil, err
	}
	doc, err := decodeJSON(s.Text)
	if err != nil {
		return nil, err
	}
	switch doc.(type) {
	case map[string]any, bool:
	default:
		return nil, &Error{Message: "a JSON Schema is an object, true or false"}
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(references(s.References))
	compiler.UseRegexpEngine(compileRegexp)
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return nil, &Error{Message: "not a valid JSON Schema: " + plain(err)}
	}
	compiled, err := compiler.Compile(schemaURL)
	if err != nil {
		return nil, jsonSchemaError(err)
	}
	return compiled, nil
}

func validateJSONSchema(s Schema) error {
	_, err := CompileJSONSchema(s)
	return err
}

// checkParts bounds how many schemas there may be inside a schema and its references: compiling takes the square of it.
func checkParts(s Schema) error {
	parts := 0
	for _, text := range append(slices.Collect(maps.Values(s.References)), s.Text) {
		for _, sign := range []string{"{", "true", "false"} {
			parts += strings.Count(text, sign)
		}
	}
	if parts > maxParts {
		return &Error{Message: fmt.Sprintf("it has more than %d parts, with what it refers to", maxParts)}
	}
	return nil
}

// ReadablePattern says whether a pattern of a compiled schema can be matched here. Of the others nobody knows what they match.
func ReadablePattern(pattern jsonschema.Regexp) bool {
	_, unknown := pattern.(unreadable)
	return !unknown
}

// references finds schemas by the URL that a $ref resolves to.
type references map[string]string

// Load finds the reference whose name is the URL, or its end after a slash: names are mostly relative, and resolve
// against whatever $id says.
func (r references) Load(url string) (any, error) {
	name, found := r.find(url)
	if !found {
		return nil, fmt.Errorf("$ref %q leads to none of the references", strings.TrimPrefix(url, schemaURL))
	}
	doc, err := decodeJSON(r[name])
	if err != nil {
		return nil, fmt.Errorf("reference %q: %w", name, err)
	}
	return doc, nil
}

func (r references) find(url string) (string, bool) {
	if _, ok := r[url]; ok {
		return url, true
	}
	var names []string
	for name := range r {
		if strings.HasSuffix(url, "/"+strings.TrimPrefix(name, "/")) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", false
	}
	// The longest says most.
	return slices.MaxFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}), true
}

// compileRegexp accepts what Go's engine cannot read: JSON Schema's patterns are ECMA-262, which knows more.
func compileRegexp(pattern string) (jsonschema.Regexp, error) {
	if len(pattern) > maxPattern {
		return unreadable(pattern), nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return unreadable(pattern), nil //nolint:nilerr // see above
	}
	return re, nil
}

// unreadable is a pattern that Go's engine does not know. Nothing is ever matched against it here.
type unreadable string

func (u unreadable) MatchString(string) bool { return true }
func (u unreadable) String() string          { return string(u) }

func jsonSchemaError(err error) error {
	var invalid *jsonschema.SchemaValidationError
	if !errors.As(err, &invalid) {
		return &Error{Message: "not a valid JSON Schema: " + plain(err)}
	}
	var details *jsonschema.ValidationError
	if !errors.As(invalid.Err, &details) {
		return &Error{Message: "not a valid JSON Schema: " + plain(invalid.Err)}
	}
	leaf := deepest(details)
	// The library's words begin with the place, in its own notation.
	_, message, found := strings.Cut(leaf.Error(), "': ")
	if !found {
		message = leaf.Error()
	}
	return &Error{Path: at(leaf), Message: "not valid in a JSON Schema: " + message}
}

func at(e *jsonschema.ValidationError) string {
	path := ""
	for _, key := range e.InstanceLocation {
		path = pointer(path, key)
	}
	return path
}

// deepest is the failure furthest inside the schema: those above it only say that something below them failed.
func deepest(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	found := e
	for _, cause := range e.Causes {
		leaf := deepest(cause)
		if len(leaf.InstanceLocation) > len(found.InstanceLocation) || len(found.Causes) > 0 {
			found = leaf
		}
	}
	return found
}

// plain takes the URL that the schema does not really have out of a message.
func plain(err error) string {
	if load, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		return load.Err.Error()
	}
	return strings.ReplaceAll(err.Error(), schemaURL, "")
}
