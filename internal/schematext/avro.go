package schematext

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// avroPrimitives are the types that need no definition.
var avroPrimitives = map[string]bool{
	"null": true, "boolean": true, "int": true, "long": true, "float": true, "double": true, "bytes": true, "string": true,
}

// avroNames is the set of full names that a schema and its references define.
type avroNames map[string]bool

// collect adds what the value defines.
func (n avroNames) collect(value any, namespace string) {
	switch v := value.(type) {
	case []any:
		for _, branch := range v {
			n.collect(branch, namespace)
		}
	case map[string]any:
		if name, ok := definedName(v, namespace); ok {
			n[name] = true
			namespace = namespaceOf(name)
		}
		n.collect(v["items"], namespace)
		n.collect(v["values"], namespace)
		fields, _ := v["fields"].([]any)
		for _, field := range fields {
			if f, ok := field.(map[string]any); ok {
				n.collect(f["type"], namespace)
			}
		}
	}
}

// resolve is the full name that a reference inside a namespace means.
func (n avroNames) resolve(name, namespace string) string {
	if avroPrimitives[name] || namespace == "" || strings.Contains(name, ".") {
		return name
	}
	// Some libraries find a name without a namespace from inside one. The specification's reading comes first.
	if full := namespace + "." + name; n[full] || !n[name] {
		return full
	}
	return name
}

// definedName is the full name of the record, error, enum or fixed that an object defines.
func definedName(object map[string]any, namespace string) (string, bool) {
	kind, _ := object["type"].(string)
	switch kind {
	case "record", "error", "enum", "fixed":
	default:
		return "", false
	}
	name, _ := object["name"].(string)
	if name == "" {
		return "", false
	}
	if own, ok := object["namespace"].(string); ok {
		namespace = own
	}
	return qualify(name, namespace), true
}

func qualify(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

func namespaceOf(fullName string) string {
	return fullName[:max(strings.LastIndexByte(fullName, '.'), 0)]
}

func decodeAvro(s Schema) (any, avroNames, error) {
	value, err := decodeJSON(s.Text)
	if err != nil {
		return nil, nil, err
	}
	known := avroNames{}
	known.collect(value, "")
	for _, name := range slices.Sorted(maps.Keys(s.References)) {
		reference, err := decodeJSON(s.References[name])
		if err != nil {
			return nil, nil, fmt.Errorf("reference %q: %w", name, err)
		}
		known.collect(reference, "")
	}
	return value, known, nil
}

func canonicalAvro(s Schema) (string, error) {
	value, known, err := decodeAvro(s)
	if err != nil {
		return "", err
	}
	return encodeJSON(known.normalize(value, ""))
}

// normalize rewrites a schema inside a namespace. What it does not know stays as it is.
func (n avroNames) normalize(value any, namespace string) any {
	switch v := value.(type) {
	case string:
		return n.resolve(v, namespace)
	case []any:
		branches := make([]any, len(v))
		for i, branch := range v {
			branches[i] = n.normalize(branch, namespace)
		}
		return branches
	case map[string]any:
		return n.normalizeObject(v, namespace)
	default:
		return value
	}
}

func (n avroNames) normalizeObject(object map[string]any, namespace string) any {
	kind, ok := object["type"].(string)
	if !ok {
		return object
	}
	if len(object) == 1 {
		return n.resolve(kind, namespace)
	}
	out := maps.Clone(object)
	switch kind {
	case "array":
		n.normalizeKey(out, "items", namespace)
	case "map":
		n.normalizeKey(out, "values", namespace)
	case "record", "error", "enum", "fixed":
		n.normalizeNamed(out, namespace)
	default:
		out["type"] = n.resolve(kind, namespace)
	}
	return out
}

func (n avroNames) normalizeKey(object map[string]any, key, namespace string) {
	if value, ok := object[key]; ok {
		object[key] = n.normalize(value, namespace)
	}
}

func (n avroNames) normalizeNamed(object map[string]any, enclosing string) {
	name, ok := definedName(object, enclosing)
	if !ok {
		return
	}
	namespace := namespaceOf(name)
	object["name"] = name
	delete(object, "namespace")
	if namespace == "" && enclosing != "" {
		// Without it the name would be read in the enclosing namespace.
		object["namespace"] = ""
	}
	normalizeAliases(object, namespace)
	fields, ok := object["fields"].([]any)
	if !ok {
		return
	}
	normalized := make([]any, len(fields))
	for i, field := range fields {
		normalized[i] = n.normalizeField(field, namespace)
	}
	object["fields"] = normalized
}

func (n avroNames) normalizeField(field any, namespace string) any {
	object, ok := field.(map[string]any)
	if !ok {
		return field
	}
	out := maps.Clone(object)
	n.normalizeKey(out, "type", namespace)
	if out["order"] == "ascending" {
		delete(out, "order")
	}
	if aliases, ok := out["aliases"].([]any); ok && len(aliases) == 0 {
		delete(out, "aliases")
	}
	return out
}

func normalizeAliases(object map[string]any, namespace string) {
	aliases, ok := object["aliases"].([]any)
	if !ok {
		return
	}
	if len(aliases) == 0 {
		delete(object, "aliases")
		return
	}
	full := make([]any, len(aliases))
	for i, alias := range aliases {
		full[i] = alias
		if name, ok := alias.(string); ok {
			full[i] = qualify(name, namespace)
		}
	}
	object["aliases"] = full
}

// validateAvro finds what is wrong with the shape itself, because it can say where, and leaves the rest of the
// specification to the library that will also encode with the schema.
func validateAvro(s Schema) error {
	value, known, err := decodeAvro(s)
	if err != nil {
		return err
	}
	if err := known.check(value, "", ""); err != nil {
		return err
	}
	cache, err := parseReferences(s.References)
	if err != nil {
		return err
	}
	if _, err := cache.Parse(s.Text); err != nil {
		return avroError(err)
	}
	return nil
}

// parseReferences parses the references in an order in which each finds the types it needs.
func parseReferences(texts map[string]string) (*avro.SchemaCache, error) {
	cache := &avro.SchemaCache{}
	left := slices.Sorted(maps.Keys(texts))
	for len(left) > 0 {
		var (
			waiting []string
			first   error
		)
		for _, name := range left {
			if _, err := cache.Parse(texts[name]); err != nil {
				waiting = append(waiting, name)
				first = cmp.Or(first, fmt.Errorf("reference %q: %w", name, avroError(err)))
			}
		}
		if len(waiting) == len(left) {
			return nil, first
		}
		left = waiting
	}
	return cache, nil
}

func avroError(err error) error {
	return &Error{Message: "not valid Avro: " + strings.TrimPrefix(err.Error(), "avro: ")}
}

func (n avroNames) check(value any, path, namespace string) error {
	switch v := value.(type) {
	case string:
		return n.checkName(v, path, namespace)
	case []any:
		for i, branch := range v {
			if err := n.check(branch, index(path, i), namespace); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		return n.checkObject(v, path, namespace)
	default:
		return &Error{Path: path, Message: "an Avro schema is a name, an object or, for a union, an array"}
	}
}

func (n avroNames) checkName(name, path, namespace string) error {
	if avroPrimitives[name] || n[n.resolve(name, namespace)] {
		return nil
	}
	message := fmt.Sprintf("unknown type %q: neither the schema nor its references define it", name)
	switch name {
	case "record", "error", "enum", "fixed", "array", "map":
		message = fmt.Sprintf("type %q needs an object of its own: {\"type\": {\"type\": %q, ...}}", name, name)
	}
	return &Error{Path: path, Message: message}
}

func (n avroNames) checkObject(object map[string]any, path, namespace string) error {
	kind, ok := object["type"].(string)
	if !ok {
		return &Error{Path: path, Message: `the object needs a "type", and it must be a string`}
	}
	switch kind {
	case "array":
		return n.checkPart(object, "items", path, namespace)
	case "map":
		return n.checkPart(object, "values", path, namespace)
	case "record", "error", "enum", "fixed":
		return n.checkNamed(object, kind, path, namespace)
	default:
		return n.checkName(kind, pointer(path, "type"), namespace)
	}
}

func (n avroNames) checkPart(object map[string]any, key, path, namespace string) error {
	part, ok := object[key]
	if !ok {
		return &Error{Path: path, Message: fmt.Sprintf("%s needs %q", withArticle(object["type"]), key)}
	}
	return n.check(part, pointer(path, key), namespace)
}

func (n avroNames) checkNamed(object map[string]any, kind, path, namespace string) error {
	name, ok := definedName(object, namespace)
	if !ok {
		return &Error{Path: path, Message: withArticle(kind) + ` needs a "name"`}
	}
	switch kind {
	case "enum":
		if _, ok := object["symbols"].([]any); !ok {
			return &Error{Path: path, Message: fmt.Sprintf(`enum %q needs a list of "symbols"`, name)}
		}
		return nil
	case "fixed":
		if _, ok := object["size"].(json.Number); !ok {
			return &Error{Path: path, Message: fmt.Sprintf(`fixed %q needs a "size" in bytes`, name)}
		}
		return nil
	}
	fields, ok := object["fields"].([]any)
	if !ok {
		return &Error{Path: path, Message: fmt.Sprintf(`%s %q needs a list of "fields"`, kind, name)}
	}
	for i, field := range fields {
		if err := n.checkField(field, index(pointer(path, "fields"), i), namespaceOf(name)); err != nil {
			return err
		}
	}
	return nil
}

func (n avroNames) checkField(field any, path, namespace string) error {
	object, ok := field.(map[string]any)
	if !ok {
		return &Error{Path: path, Message: `a field is an object with "name" and "type"`}
	}
	name, _ := object["name"].(string)
	if name == "" {
		return &Error{Path: path, Message: `the field needs a "name"`}
	}
	kind, ok := object["type"]
	if !ok {
		return &Error{Path: path, Message: fmt.Sprintf(`field %q needs a "type"`, name)}
	}
	return n.check(kind, pointer(path, "type"), namespace)
}

func withArticle(kind any) string {
	word := fmt.Sprint(kind)
	if strings.ContainsAny(word[:1], "aeiou") {
		return "an " + word
	}
	return "a " + word
}
