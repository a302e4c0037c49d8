package spec

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is one thing wrong with a value: where, as a JSON pointer (RFC 6901) below the value, and what.
// It never holds the value itself, which may be a secret.
type Problem struct {
	Path    string
	Message string
}

// Unknown says whether the value at a pointer is not known yet, as in a Terraform plan.
type Unknown func(path string) bool

// AllKnown is for values that hold no unknowns.
func AllKnown(string) bool { return false }

// Complete checks a JSON object against the fields and fills in defaults, in place. It answers everything that is wrong.
func Complete(fields []Field, object map[string]any, unknown Unknown) []Problem {
	return completeObject(fields, object, "", unknown)
}

// Into moves a completed JSON object into a struct.
func Into(object map[string]any, target any) error {
	raw, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode spec: %w", err)
	}
	if err := json.Unmarshal(raw, target); err != nil {
		return fmt.Errorf("decode spec: %w", err)
	}
	return nil
}

func completeObject(fields []Field, object map[string]any, path string, unknown Unknown) []Problem {
	var problems []Problem
	for name := range object {
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == name }) {
			problems = append(problems, Problem{Join(path, name), "is not one of its fields, which are " + fieldNames(fields)})
		}
	}
	for _, f := range fields {
		at := Join(path, f.Name)
		value, ok := object[f.Name]
		switch {
		case unknown(at):
			continue
		case ok && value != nil:
			problems = append(problems, complete(f, value, at, unknown)...)
		case f.Required:
			problems = append(problems, Problem{at, "is required"})
		case f.Default != nil:
			object[f.Name] = f.Default
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return problems
}

func complete(f Field, value any, at string, unknown Unknown) []Problem {
	switch f.Type {
	case String, DurationType, SizeType:
		return one(at, checkString(f, value))
	case Bool:
		_, ok := value.(bool)
		return one(at, unless(ok, "must be true or false"))
	case Int, Float:
		return one(at, checkNumber(f, value))
	case List:
		return completeList(f, value, at, unknown)
	case Map:
		return completeMap(f, value, at, unknown)
	case Object:
		object, ok := value.(map[string]any)
		if !ok {
			return one(at, "must be an object")
		}
		return completeObject(f.Fields, object, at, unknown)
	}
	return nil
}

func completeList(f Field, value any, at string, unknown Unknown) []Problem {
	items, ok := value.([]any)
	if !ok {
		return one(at, "must be a list")
	}
	problems := one(at, checkSize(f, len(items), "item"))
	for i, item := range items {
		if itemAt := Join(at, strconv.Itoa(i)); !unknown(itemAt) {
			problems = append(problems, complete(*f.Elem, item, itemAt, unknown)...)
		}
	}
	return problems
}

func completeMap(f Field, value any, at string, unknown Unknown) []Problem {
	entries, ok := value.(map[string]any)
	if !ok {
		return one(at, "must be a map")
	}
	problems := one(at, checkSize(f, len(entries), "entry"))
	for key, entry := range entries {
		if entryAt := Join(at, key); !unknown(entryAt) {
			problems = append(problems, complete(*f.Elem, entry, entryAt, unknown)...)
		}
	}
	return problems
}

func checkString(f Field, value any) string {
	text, ok := value.(string)
	if !ok {
		return "must be a string"
	}
	if f.Type == DurationType {
		return message(second(Duration(text).Parse()))
	}
	if f.Type == SizeType {
		return message(second(Size(text).Parse()))
	}
	if len(f.Enum) > 0 && !slices.Contains(f.Enum, text) {
		return "must be one of " + strings.Join(f.Enum, ", ")
	}
	if f.Pattern != nil && !f.Pattern.MatchString(text) {
		return "must match " + f.Pattern.String()
	}
	return checkSize(f, utf8.RuneCountInString(text), "character")
}

func checkNumber(f Field, value any) string {
	n, ok := value.(float64)
	if !ok {
		return "must be a number"
	}
	if f.Type == Int && n != math.Trunc(n) {
		return "must be a whole number"
	}
	if f.Minimum != nil && n < *f.Minimum {
		return fmt.Sprintf("must be at least %v", *f.Minimum)
	}
	if f.Maximum != nil && n > *f.Maximum {
		return fmt.Sprintf("must be at most %v", *f.Maximum)
	}
	return ""
}

func checkSize(f Field, n int, unit string) string {
	if f.MinSize != nil && n < *f.MinSize {
		return fmt.Sprintf("must have at least %d %s(s)", *f.MinSize, unit)
	}
	if f.MaxSize != nil && n > *f.MaxSize {
		return fmt.Sprintf("must have at most %d %s(s)", *f.MaxSize, unit)
	}
	return ""
}

func fieldNames(fields []Field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

func one(at, text string) []Problem {
	if text == "" {
		return nil
	}
	return []Problem{{at, text}}
}

func unless(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func second[A, B any](_ A, b B) B { return b }
