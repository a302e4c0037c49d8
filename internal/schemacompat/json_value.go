package schemacompat

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// jsonTypes is a set of the types of JSON values; numbers are integers and those with a fraction.
type jsonTypes int

const (
	typeNull jsonTypes = 1 << iota
	typeBoolean
	typeInteger
	typeFraction
	typeString
	typeArray
	typeObject

	typeNumber = typeInteger | typeFraction
	anyType    = typeNull | typeBoolean | typeNumber | typeString | typeArray | typeObject
)

func namedTypes(names []string) jsonTypes {
	var types jsonTypes
	for _, name := range names {
		switch name {
		case "null":
			types |= typeNull
		case "boolean":
			types |= typeBoolean
		case "integer":
			types |= typeInteger
		case "number":
			types |= typeNumber
		case "string":
			types |= typeString
		case "array":
			types |= typeArray
		case "object":
			types |= typeObject
		}
	}
	return types
}

// typesOf are the types that the schema's own keywords leave.
func typesOf(s *jsonschema.Schema) jsonTypes {
	types := anyType
	if s.Types != nil {
		types = namedTypes(s.Types.ToStrings())
	}
	if s.Enum == nil && s.Const == nil {
		return types
	}
	var constants jsonTypes
	for _, value := range constantsOf(s) {
		constants |= typeOfValue(value)
	}
	return types & constants
}

// names are the words of JSON Schema for the types.
func (t jsonTypes) names() []string {
	var names []string
	for _, one := range []struct {
		types jsonTypes
		name  string
	}{{typeNull, "null"}, {typeBoolean, "boolean"}, {typeString, "string"}, {typeArray, "array"}, {typeObject, "object"}} {
		if t&one.types != 0 {
			names = append(names, one.name)
		}
	}
	switch {
	case t&typeFraction != 0:
		names = append(names, "number")
	case t&typeInteger != 0:
		names = append(names, "integer")
	}
	return names
}

// String names the types in a sentence.
func (t jsonTypes) String() string {
	if t == anyType {
		return "value"
	}
	return strings.Join(t.names(), " or ")
}

// each lists the types one by one; numbers stay together.
func (t jsonTypes) each() []jsonTypes {
	var list []jsonTypes
	for _, name := range t.names() {
		list = append(list, namedTypes([]string{name}))
	}
	return list
}

// values lists all values of the types null and boolean.
func (t jsonTypes) values() []any {
	var values []any
	if t&typeNull != 0 {
		values = append(values, nil)
	}
	if t&typeBoolean != 0 {
		values = append(values, false, true)
	}
	return values
}

func typeOfValue(value any) jsonTypes {
	switch v := value.(type) {
	case nil:
		return typeNull
	case bool:
		return typeBoolean
	case string:
		return typeString
	case []any:
		return typeArray
	case map[string]any:
		return typeObject
	default:
		if number, ok := new(big.Rat).SetString(fmt.Sprint(v)); ok && number.IsInt() {
			return typeInteger
		}
		return typeFraction
	}
}

// constantsOf are the values of enum and const.
func constantsOf(s *jsonschema.Schema) []any {
	var values []any
	if s.Enum != nil {
		values = append(values, s.Enum.Values...)
	}
	if s.Const != nil {
		values = append(values, *s.Const)
	}
	return values
}

// values are the values that an enum or a const leaves, where there is one. Too many to be tried are taken for any values.
func (d *jsonDiff) values(f facts) ([]any, bool) {
	at := slices.IndexFunc(f.all, func(s *jsonschema.Schema) bool { return s.Const != nil })
	if at < 0 {
		at = slices.IndexFunc(f.all, func(s *jsonschema.Schema) bool { return s.Enum != nil })
	}
	if at < 0 {
		return nil, false
	}
	values := constantsOf(f.all[at])
	if f.all[at].Const != nil {
		values = []any{*f.all[at].Const}
	}
	tests := 0
	for _, s := range f.all {
		tests += 1 + len(constantsOf(s))
	}
	if tests *= len(values); tests > maxTests || !d.work(tests/1000) {
		return nil, false
	}
	types := f.types()
	return slices.DeleteFunc(slices.Clone(values), func(value any) bool {
		return typeOfValue(value)&types == 0 || slices.ContainsFunc(f.all, func(s *jsonschema.Schema) bool { return s.Validate(value) != nil })
	}), true
}

// maxTests bounds how often values are compared with one another.
const maxTests = 25_000_000

// maxListed bounds how many values a sentence names.
const maxListed = 10

func listed(words []string) string {
	if len(words) > maxListed {
		words = append(slices.Clone(words[:maxListed]), fmt.Sprintf("and %d more", len(words)-maxListed))
	}
	return strings.Join(words, ", ")
}

// brief writes a value in a sentence.
func brief(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	const most = 80
	if utf8.RuneCount(text) > most {
		return string([]rune(string(text))[:most]) + "..."
	}
	return string(text)
}

// decimal writes a number as people do.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(10), "0")
}

// bound is a limit of numbers.
type bound struct {
	at        *big.Rat
	exclusive bool
}

// upper is the lowest of the upper limits, or none.
func upper(all []*jsonschema.Schema) bound {
	var b bound
	for _, s := range all {
		if s.Maximum != nil && (b.at == nil || s.Maximum.Cmp(b.at) < 0) {
			b = bound{at: s.Maximum}
		}
		if s.ExclusiveMaximum != nil && (b.at == nil || s.ExclusiveMaximum.Cmp(b.at) <= 0) {
			b = bound{at: s.ExclusiveMaximum, exclusive: true}
		}
	}
	return b
}

// lower is the highest of the lower limits, or none.
func lower(all []*jsonschema.Schema) bound {
	var b bound
	for _, s := range all {
		if s.Minimum != nil && (b.at == nil || s.Minimum.Cmp(b.at) > 0) {
			b = bound{at: s.Minimum}
		}
		if s.ExclusiveMinimum != nil && (b.at == nil || s.ExclusiveMinimum.Cmp(b.at) >= 0) {
			b = bound{at: s.ExclusiveMinimum, exclusive: true}
		}
	}
	return b
}

func (b bound) String() string {
	switch {
	case b.at == nil:
		return "any"
	case b.exclusive:
		return decimal(b.at) + " (exclusive)"
	default:
		return decimal(b.at)
	}
}

// most is the smallest of the limits that some schemas give, or -1.
func most(all []*jsonschema.Schema, limit func(*jsonschema.Schema) *int) int {
	found := -1
	for _, s := range all {
		if n := limit(s); n != nil && (found < 0 || *n < found) {
			found = *n
		}
	}
	return found
}

// least is the largest of the limits that some schemas give, or 0.
func least(all []*jsonschema.Schema, limit func(*jsonschema.Schema) *int) int {
	found := 0
	for _, s := range all {
		if n := limit(s); n != nil {
			found = max(found, *n)
		}
	}
	return found
}

// count names a limit in a sentence.
func count(n int) string {
	if n < 0 {
		return "any number"
	}
	return fmt.Sprint(n)
}
