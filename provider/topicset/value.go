package topicset

import (
	"fmt"
	"maps"
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// opt is a value that may be null or not known yet; its zero value is null.
type opt[T comparable] struct {
	v       T
	given   bool
	unknown bool
}

func known[T comparable](v T) opt[T] { return opt[T]{v: v, given: true} }

// or is the value, or another where it is null.
func (o opt[T]) or(other opt[T]) opt[T] {
	if o.given || o.unknown {
		return o
	}
	return other
}

// texts is a map of texts that may be null or not known yet.
type texts struct {
	opt[bool] // whether there is a map
	m         map[string]opt[string]
}

func (t texts) equal(other texts) bool { return t.opt == other.opt && maps.Equal(t.m, other.m) }

// over joins two maps; t wins.
func (t texts) over(other texts) texts {
	all := texts{opt: opt[bool]{unknown: t.unknown || other.unknown}, m: map[string]opt[string]{}}
	for _, from := range []texts{other, t} {
		for key, value := range from.m {
			if value.given || value.unknown { // null: not declared
				all.m[key] = value
			}
		}
	}
	return all
}

// and is t with what only another map declares.
func (t texts) and(other texts) texts {
	all := t.over(other)
	if len(all.m) == 0 {
		return t
	}
	return texts{opt: known(true), m: all.m}
}

// without is t but for one key.
func (t texts) without(key string) texts {
	t.m = maps.Clone(t.m)
	delete(t.m, key)
	return t
}

// means says whether two maps without nulls have the same.
func (t texts) means(other texts, same func(a, b string) bool) bool {
	return !t.unknown && !other.unknown && maps.EqualFunc(t.m, other.m, func(a, b opt[string]) bool { return a.given && b.given && same(a.v, b.v) })
}

func textsOf(m map[string]string) texts {
	t := texts{opt: known(true), m: make(map[string]opt[string], len(m))}
	for key, value := range m {
		t.m[key] = known(value)
	}
	return t
}

// reader takes values out of Terraform's; the first error stays.
type reader struct{ err error }

// as tells a null and an unknown value from one that is there.
func as[T comparable](r *reader, from tftypes.Value, read func() (T, error)) opt[T] {
	switch {
	case !from.IsKnown():
		return opt[T]{unknown: true}
	case from.IsNull():
		return opt[T]{}
	}
	v, err := read()
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("decode value: %w", err)
	}
	return known(v)
}

func (r *reader) text(from tftypes.Value) opt[string] {
	return as(r, from, func() (s string, err error) { err = from.As(&s); return s, err })
}

func (r *reader) boolean(from tftypes.Value) opt[bool] {
	return as(r, from, func() (b bool, err error) { err = from.As(&b); return b, err })
}

func (r *reader) number(from tftypes.Value) opt[int64] {
	return as(r, from, func() (int64, error) {
		var f big.Float
		err := from.As(&f)
		n, accuracy := f.Int64()
		if accuracy != big.Exact {
			n = notWhole
		}
		return n, err
	})
}

// notWhole stands for numbers that are no counts of anything.
const notWhole = -1

func (r *reader) texts(from tftypes.Value) texts {
	var elements map[string]tftypes.Value
	t := texts{opt: as(r, from, func() (bool, error) { return true, from.As(&elements) })}
	if len(elements) > 0 {
		t.m = make(map[string]opt[string], len(elements))
	}
	for key, element := range elements {
		t.m[key] = r.text(element)
	}
	return t
}

// object are the attributes of an object; nil where there is none.
func (r *reader) object(from tftypes.Value) map[string]tftypes.Value {
	var attributes map[string]tftypes.Value
	if !from.IsKnown() || from.IsNull() {
		return nil
	}
	if err := from.As(&attributes); err != nil && r.err == nil {
		r.err = fmt.Errorf("decode value: %w", err)
	}
	return attributes
}

// raw makes Terraform's value of one of ours; o.v is string, bool or int64.
func raw[T comparable](typ tftypes.Type, o opt[T]) tftypes.Value {
	switch {
	case o.unknown:
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	case !o.given:
		return tftypes.NewValue(typ, nil)
	}
	return tftypes.NewValue(typ, o.v)
}

func rawTexts(t texts) tftypes.Value {
	if t.unknown || !t.given {
		return raw(textMap, t.opt)
	}
	elements := make(map[string]tftypes.Value, len(t.m))
	for key, value := range t.m {
		elements[key] = raw(tftypes.String, value)
	}
	return tftypes.NewValue(textMap, elements)
}
