// Package spec reads the description of a kind from the tags of its Go struct. From that one description come the JSON
// schema of the API, the Terraform attributes, validation and the docs.
//
// Tags, the same as huma's where huma has them:
//
//	json:"name,omitempty"   the name; a field without omitempty and without a default is required
//	doc:"..."               one or more sentences for the docs; a word in 'single quotes' is code
//	default:"..."           the value of an absent field: a JSON value, or a bare string
//	enum:"A,B"              the values allowed
//	minimum, maximum        bounds of numbers
//	minLength, maxLength    bounds of strings, in characters
//	minItems, maxItems      bounds of lists and maps
//	pattern:"..."           a regular expression that a string must match
//	example:"..."           a value for the docs
//	secret:"true"           never stored in the open, logged or answered; write-only in Terraform
//	replace:"true"          a change needs a new object
package spec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Type is the shape of a field's value.
type Type string

// The shapes that a field may have.
const (
	String       Type = "string"
	Bool         Type = "bool"
	Int          Type = "int"
	Float        Type = "float"
	DurationType Type = "duration"
	SizeType     Type = "size"
	List         Type = "list"
	Map          Type = "map"
	Object       Type = "object"
)

// Field describes one field of a struct.
type Field struct {
	Name     string
	Doc      string
	Type     Type
	Elem     *Field  // of a list or map
	Fields   []Field // of an object
	Required bool
	Secret   bool
	Replace  bool
	Default  any // a value as encoding/json decodes it; nil: none
	Enum     []string
	Example  string
	Minimum  *float64
	Maximum  *float64
	// MinSize and MaxSize bound characters of strings, and items of lists and maps.
	MinSize *int
	MaxSize *int
	Pattern *regexp.Regexp
}

// Kind is a named struct: one way to fill in a "kind" and "spec" pair.
type Kind struct {
	Name   string
	Doc    string
	Fields []Field
	typ    reflect.Type
}

// KindOf describes the struct T. It panics on a struct that cannot be described: that is a mistake in the source.
func KindOf[T any](name, doc string) Kind {
	typ := reflect.TypeFor[T]()
	return Kind{Name: name, Doc: doc, Fields: FieldsOf(typ), typ: typ}
}

// GoType is the struct that the kind was made from.
func (k Kind) GoType() reflect.Type { return k.typ }

// Kinds is a set of kinds in the order of their docs.
type Kinds []Kind

// Lookup finds a kind by name.
func (ks Kinds) Lookup(name string) (Kind, bool) {
	for _, k := range ks {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// Names lists the kinds' names in order.
func (ks Kinds) Names() []string {
	names := make([]string, len(ks))
	for i, k := range ks {
		names[i] = k.Name
	}
	return names
}

// FieldsOf describes the fields of a struct; embedded structs count as if written out.
func FieldsOf(typ reflect.Type) []Field {
	var fields []Field
	for f := range fieldsOf(typ) {
		fields = append(fields, describe(f))
	}
	return fields
}

func fieldsOf(typ reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(typ) {
			if f.Anonymous || !f.IsExported() || f.Tag.Get("json") == "-" {
				continue
			}
			if !yield(f) {
				return
			}
		}
	}
}

func describe(f reflect.StructField) Field {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	field := shape(f.Type)
	field.Name = name
	field.Doc = f.Tag.Get("doc")
	field.Example = f.Tag.Get("example")
	field.Secret = f.Tag.Get("secret") == "true"
	field.Replace = f.Tag.Get("replace") == "true"
	if v, ok := f.Tag.Lookup("default"); ok {
		field.Default = parseDefault(field.Type, v)
	}
	if v, ok := f.Tag.Lookup("enum"); ok {
		field.Enum = strings.Split(v, ",")
	}
	if v, ok := f.Tag.Lookup("pattern"); ok {
		field.Pattern = regexp.MustCompile(v)
	}
	field.Minimum = floatTag(f, "minimum")
	field.Maximum = floatTag(f, "maximum")
	field.MinSize = firstInt(intTag(f, "minLength"), intTag(f, "minItems"))
	field.MaxSize = firstInt(intTag(f, "maxLength"), intTag(f, "maxItems"))
	field.Required = field.Default == nil && !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero")
	return field
}

var (
	durationGoType = reflect.TypeFor[Duration]()
	sizeGoType     = reflect.TypeFor[Size]()
)

func shape(typ reflect.Type) Field {
	switch typ {
	case durationGoType:
		return Field{Type: DurationType}
	case sizeGoType:
		return Field{Type: SizeType}
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return shape(typ.Elem())
	case reflect.String:
		return Field{Type: String}
	case reflect.Bool:
		return Field{Type: Bool}
	case reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64:
		return Field{Type: Int}
	case reflect.Float64:
		return Field{Type: Float}
	case reflect.Slice:
		elem := shape(typ.Elem())
		return Field{Type: List, Elem: &elem}
	case reflect.Map:
		elem := shape(typ.Elem())
		return Field{Type: Map, Elem: &elem}
	case reflect.Struct:
		return Field{Type: Object, Fields: FieldsOf(typ)}
	default:
		panic(fmt.Sprintf("spec: a field of type %s cannot be described", typ)) //nolint:forbidigo // a mistake in the source, found by the first test
	}
}

func parseDefault(t Type, text string) any {
	if t == String || t == DurationType || t == SizeType {
		return text
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(fmt.Sprintf("spec: default %q: %v", text, err)) //nolint:forbidigo // a mistake in the source, found by the first test
	}
	return v
}

func floatTag(f reflect.StructField, tag string) *float64 {
	v, ok := f.Tag.Lookup(tag)
	if !ok {
		return nil
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		panic(fmt.Sprintf("spec: %s of %s: %v", tag, f.Name, err)) //nolint:forbidigo // a mistake in the source, found by the first test
	}
	return &n
}

func intTag(f reflect.StructField, tag string) *int {
	n := floatTag(f, tag)
	if n == nil {
		return nil
	}
	i := int(*n)
	return &i
}

func firstInt(a, b *int) *int {
	if a != nil {
		return a
	}
	return b
}

// New makes an empty struct of the kind and answers a pointer to it.
func (k Kind) New() any { return reflect.New(k.typ).Interface() }
