package schemacompat

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

// avroType is an Avro schema with its names resolved; recursive types are cycles of pointers.
type avroType struct {
	kind     string // a primitive, or record, enum, fixed, array, map, union
	name     string // full name of a record, enum or fixed
	aliases  []string
	fields   []avroField
	symbols  []string
	fallback bool // the enum has a default
	size     string
	inner    *avroType // items of an array, values of a map
	branches []*avroType
}

type avroField struct {
	name       string
	aliases    []string
	typ        *avroType
	hasDefault bool
}

// parseAvro reads a valid schema with its references.
func parseAvro(ctx context.Context, s schematext.Schema) (*avroType, error) {
	p := avroParser{named: map[string]*avroType{}}
	for _, name := range slices.Sorted(maps.Keys(s.References)) {
		reference := schematext.Schema{Format: schematext.FormatAvro, Text: s.References[name], References: s.References}
		if _, err := p.parse(ctx, reference); err != nil {
			return nil, fmt.Errorf("read reference %q: %w", name, err)
		}
	}
	return p.parse(ctx, s)
}

type avroParser struct {
	named map[string]*avroType
}

// parse reads the canonical form, in which every name is a full name.
func (p avroParser) parse(ctx context.Context, s schematext.Schema) (*avroType, error) {
	text, err := schematext.Canonical(ctx, s)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("read canonical schema: %w", err)
	}
	return p.read(value), nil
}

func (p avroParser) read(value any) *avroType {
	switch v := value.(type) {
	case string:
		return p.byName(v)
	case []any:
		union := &avroType{kind: "union"}
		for _, branch := range v {
			union.branches = append(union.branches, p.read(branch))
		}
		return union
	case map[string]any:
		return p.readObject(v)
	default:
		return &avroType{kind: fmt.Sprint(value)}
	}
}

// byName is a primitive or a named type, which may be defined further on.
func (p avroParser) byName(name string) *avroType {
	switch name {
	case "null", "boolean", "int", "long", "float", "double", "bytes", "string":
		return &avroType{kind: name}
	}
	t, ok := p.named[name]
	if !ok {
		t = &avroType{name: name}
		p.named[name] = t
	}
	return t
}

func (p avroParser) readObject(object map[string]any) *avroType {
	kind, _ := object["type"].(string)
	switch kind {
	case "array":
		return &avroType{kind: kind, inner: p.read(object["items"])}
	case "map":
		return &avroType{kind: kind, inner: p.read(object["values"])}
	case "record", "error", "enum", "fixed":
		return p.readNamed(object, kind)
	default:
		return p.byName(kind)
	}
}

func (p avroParser) readNamed(object map[string]any, kind string) *avroType {
	name, _ := object["name"].(string)
	t := p.byName(name)
	t.aliases = texts(object["aliases"])
	switch kind {
	case "enum":
		t.kind = kind
		t.symbols = texts(object["symbols"])
		_, t.fallback = object["default"]
	case "fixed":
		t.kind = kind
		t.size = fmt.Sprint(object["size"])
	default:
		t.kind = "record"
		t.fields = p.readFields(object["fields"])
	}
	return t
}

func (p avroParser) readFields(value any) []avroField {
	list, _ := value.([]any)
	fields := make([]avroField, 0, len(list))
	for _, one := range list {
		object, _ := one.(map[string]any)
		name, _ := object["name"].(string)
		_, hasDefault := object["default"]
		fields = append(fields, avroField{name: name, aliases: texts(object["aliases"]), typ: p.read(object["type"]), hasDefault: hasDefault})
	}
	return fields
}

func texts(value any) []string {
	list, _ := value.([]any)
	found := make([]string, 0, len(list))
	for _, one := range list {
		if text, ok := one.(string); ok {
			found = append(found, text)
		}
	}
	return found
}

// describe names the type in a sentence.
func (t *avroType) describe() string {
	switch t.kind {
	case "record", "enum":
		return t.kind + " " + strconv.Quote(t.name)
	case "fixed":
		return fmt.Sprintf("fixed %q of %s bytes", t.name, t.size)
	case "array":
		return "an array"
	case "map":
		return "a map"
	case "union":
		branches := make([]string, len(t.branches))
		for i, branch := range t.branches {
			branches[i] = branch.describe()
		}
		return "a union of " + strings.Join(branches, ", ")
	default:
		return t.kind
	}
}

func (t *avroType) isNamed() bool { return t.kind == "record" || t.kind == "enum" || t.kind == "fixed" }

func (t *avroType) shortName() string { return t.name[strings.LastIndexByte(t.name, '.')+1:] }
