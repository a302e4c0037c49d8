package schemacompat

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func (d *jsonDiff) numbers(path string, part *jsonschema.Schema, f facts) []string {
	var found []string
	reads, writes := upper([]*jsonschema.Schema{part}), upper(f.all)
	if reads.at != nil && (writes.at == nil || writes.at.Cmp(reads.at) > 0 || (writes.at.Cmp(reads.at) == 0 && reads.exclusive && !writes.exclusive)) {
		found = append(found, d.reason(path, "%s takes numbers up to %s where %s may write up to %s", d.reader, reads, d.writer, writes))
	}
	reads, writes = lower([]*jsonschema.Schema{part}), lower(f.all)
	if reads.at != nil && (writes.at == nil || writes.at.Cmp(reads.at) < 0 || (writes.at.Cmp(reads.at) == 0 && reads.exclusive && !writes.exclusive)) {
		found = append(found, d.reason(path, "%s takes numbers from %s where %s may write from %s", d.reader, reads, d.writer, writes))
	}
	if part.MultipleOf != nil && !multiple(part.MultipleOf, f) {
		found = append(found, d.reason(path, "%s takes multiples of %s only, and %s may write others", d.reader, decimal(part.MultipleOf), d.writer))
	}
	return found
}

// multiple says that the numbers are multiples of another, as a multiple of a multiple is.
func multiple(of *big.Rat, f facts) bool {
	divides := func(n *big.Rat) bool { return of.Sign() != 0 && new(big.Rat).Quo(n, of).IsInt() }
	if f.types()&typeFraction == 0 && divides(big.NewRat(1, 1)) {
		return true
	}
	return slices.ContainsFunc(f.all, func(s *jsonschema.Schema) bool { return s.MultipleOf != nil && divides(s.MultipleOf) })
}

func (d *jsonDiff) texts(path string, part *jsonschema.Schema, f facts) []string {
	found := d.counts(path, "characters", part, f,
		func(s *jsonschema.Schema) *int { return s.MinLength }, func(s *jsonschema.Schema) *int { return s.MaxLength }, 0, -1)
	if part.Pattern == nil {
		return found
	}
	if slices.ContainsFunc(f.all, func(s *jsonschema.Schema) bool {
		return s.Pattern != nil && s.Pattern.String() == part.Pattern.String()
	}) {
		return found
	}
	return append(found, d.reason(path, "%s takes strings of the pattern %q, to which %s does not hold them", d.reader, part.Pattern.String(), d.writer))
}

// counts compares how many of something there may be. The writer has at least and at most as many anyhow.
func (d *jsonDiff) counts(path, what string, part *jsonschema.Schema, f facts, lowest, highest func(*jsonschema.Schema) *int, atLeast, atMost int) []string {
	var found []string
	if limit := lowest(part); limit != nil {
		if writes := max(least(f.all, lowest), atLeast); writes < *limit {
			found = append(found, d.reason(path, "%s takes at least %d %s where %s may write %d", d.reader, *limit, what, d.writer, writes))
		}
	}
	if limit := highest(part); limit != nil {
		writes := most(f.all, highest)
		if writes < 0 || (atMost >= 0 && atMost < writes) {
			writes = atMost
		}
		if writes < 0 || writes > *limit {
			found = append(found, d.reason(path, "%s takes at most %d %s where %s may write %s", d.reader, *limit, what, d.writer, count(writes)))
		}
	}
	return found
}

func minItems(s *jsonschema.Schema) *int { return s.MinItems }
func maxItems(s *jsonschema.Schema) *int { return s.MaxItems }

func (d *jsonDiff) arrays(path string, part *jsonschema.Schema, f facts) []string {
	longest := d.longest(f)
	found := d.counts(path, "items", part, f, minItems, maxItems, 0, longest)
	if part.UniqueItems && !slices.ContainsFunc(f.all, func(s *jsonschema.Schema) bool { return s.UniqueItems }) && (longest < 0 || longest > 1) {
		found = append(found, d.reason(path, "%s takes no item twice, and %s may write some so", d.reader, d.writer))
	}
	found = append(found, d.items(path, part, f, longest)...)
	return append(found, d.contained(path, part, f)...)
}

// longest is how many items there may be at most, or -1.
func (d *jsonDiff) longest(f facts) int {
	limit := most(f.all, maxItems)
	for _, s := range f.all {
		prefix, rest := itemsOf(s, d.never)
		if nothing(rest) && (limit < 0 || len(prefix) < limit) {
			limit = len(prefix)
		}
	}
	return limit
}

// itemsOf are the schemas of the first items, and of those after them where there is one. never stands for false.
func itemsOf(s *jsonschema.Schema, never *jsonschema.Schema) (prefix []*jsonschema.Schema, rest *jsonschema.Schema) {
	if s.PrefixItems != nil || s.Items2020 != nil {
		return s.PrefixItems, s.Items2020
	}
	switch items := s.Items.(type) {
	case *jsonschema.Schema:
		return nil, items
	case []*jsonschema.Schema:
		return items, additional(s.AdditionalItems, never)
	default:
		return nil, nil
	}
}

// additional is the schema of what is not listed; nil takes everything.
func additional(value any, never *jsonschema.Schema) *jsonschema.Schema {
	switch v := value.(type) {
	case bool:
		if !v {
			return never
		}
	case *jsonschema.Schema:
		return v
	}
	return nil
}

// nothing says that the schema is false.
func nothing(s *jsonschema.Schema) bool { return s != nil && s.Bool != nil && !*s.Bool }

func (d *jsonDiff) items(path string, part *jsonschema.Schema, f facts, longest int) []string {
	prefix, rest := itemsOf(part, d.never)
	if len(prefix) == 0 && rest == nil {
		return nil
	}
	places := len(prefix)
	for _, s := range f.all {
		written, _ := itemsOf(s, d.never)
		places = max(places, len(written))
	}
	var found []string
	for i := range places {
		reads := rest
		if i < len(prefix) {
			reads = prefix[i]
		}
		if reads == nil || (longest >= 0 && i >= longest) {
			break
		}
		found = append(found, d.includes(fmt.Sprintf("%s[%d]", path, i), reads, d.item(f, i))...)
	}
	if rest != nil && (longest < 0 || longest > places) {
		found = append(found, d.includes(path+"[]", rest, d.item(f, places))...)
	}
	return found
}

// item is what is known of the item at a place.
func (d *jsonDiff) item(f facts, i int) facts {
	var known facts
	for _, s := range f.all {
		prefix, rest := itemsOf(s, d.never)
		if i < len(prefix) {
			rest = prefix[i]
		}
		known = d.know(known, rest)
	}
	return known
}

// contained asks for what contains does.
func (d *jsonDiff) contained(path string, part *jsonschema.Schema, f facts) []string {
	if part.Contains == nil {
		return nil
	}
	wanted := 1
	if part.MinContains != nil {
		wanted = *part.MinContains
	}
	var found []string
	if wanted > 0 && !d.containsEnough(path, part.Contains, wanted, f) {
		found = append(found, d.reason(path, "%s takes arrays that contain certain items, to which %s does not hold them", d.reader, d.writer))
	}
	if part.MaxContains != nil && !slices.ContainsFunc(f.all, func(s *jsonschema.Schema) bool {
		return s.Contains != nil && s.MaxContains != nil && *s.MaxContains <= *part.MaxContains && d.same(path, s.Contains, part.Contains)
	}) {
		found = append(found, d.reason(path, "%s takes at most %d of certain items, to which %s does not hold arrays", d.reader, *part.MaxContains, d.writer))
	}
	return found
}

func (d *jsonDiff) containsEnough(path string, item *jsonschema.Schema, wanted int, f facts) bool {
	for _, s := range f.all {
		if s.Contains == nil {
			continue
		}
		has := 1
		if s.MinContains != nil {
			has = *s.MinContains
		}
		if has >= wanted && len(d.includes(path+"[]", item, d.know(facts{}, s.Contains))) == 0 {
			return true
		}
	}
	fitting := 0
	for i := range min(least(f.all, minItems), wanted) {
		if len(d.includes(path+"[]", item, d.item(f, i))) == 0 {
			fitting++
		}
	}
	return fitting >= wanted
}

func (d *jsonDiff) objects(path string, part *jsonschema.Schema, parts []*jsonschema.Schema, f facts) []string {
	found := d.required(path, part, parts, f)
	found = append(found, d.counts(path, "properties", part, f,
		func(s *jsonschema.Schema) *int { return s.MinProperties }, func(s *jsonschema.Schema) *int { return s.MaxProperties },
		len(requiredOf(f)), d.mostProperties(f))...)
	found = append(found, d.properties(path, part, f)...)
	found = append(found, d.propertyNames(path, part, f)...)
	return append(found, d.dependencies(path, part, f)...)
}

func (d *jsonDiff) required(path string, part *jsonschema.Schema, parts []*jsonschema.Schema, f facts) []string {
	written := requiredOf(f)
	var found []string
	for _, name := range part.Required {
		if !written[name] && !d.hasDefault(parts, name) {
			found = append(found, d.reason(property(path, name), "%s requires this property and gives it no default, and %s may leave it out", d.reader, d.writer))
		}
	}
	return found
}

func requiredOf(f facts) map[string]bool {
	names := map[string]bool{}
	for _, s := range f.all {
		for _, name := range s.Required {
			names[name] = true
		}
	}
	return names
}

func (d *jsonDiff) hasDefault(parts []*jsonschema.Schema, name string) bool {
	for _, part := range parts {
		for _, s := range d.know(facts{}, part.Properties[name]).all {
			if s.Default != nil {
				return true
			}
		}
	}
	return false
}

// mostProperties is how many properties there may be at most, or -1.
func (d *jsonDiff) mostProperties(f facts) int {
	limit := -1
	for _, s := range f.all {
		if d.closed(s) && (limit < 0 || len(s.Properties) < limit) {
			limit = len(s.Properties)
		}
	}
	return limit
}

// closed says that the schema takes no properties but those it lists by name.
func (d *jsonDiff) closed(s *jsonschema.Schema) bool {
	rest := additional(s.AdditionalProperties, d.never)
	return len(s.PatternProperties) == 0 && nothing(rest)
}

func (d *jsonDiff) properties(path string, part *jsonschema.Schema, f facts) []string {
	if part.Properties == nil && part.PatternProperties == nil && part.AdditionalProperties == nil {
		return nil
	}
	names := maps.Clone(part.Properties)
	if names == nil {
		names = map[string]*jsonschema.Schema{}
	}
	for _, s := range f.all {
		maps.Copy(names, s.Properties)
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if len(found) > maxReasons || !d.step() {
			return found
		}
		found = append(found, d.property(property(path, name), name, part, f)...)
	}
	return append(found, d.unlisted(path, part, f)...)
}

func (d *jsonDiff) property(path, name string, part *jsonschema.Schema, f facts) []string {
	known, byName := d.written(f, name)
	if known.impossible() {
		return nil
	}
	var found []string
	for _, reads := range d.reads(part, name) {
		reasons := d.includes(path, reads, known)
		switch {
		case len(reasons) == 0:
		case nothing(reads):
			found = append(found, d.reason(path, "%s does not take this property, which %s may write", d.reader, d.writer))
		case !byName && len(known.all) == 0:
			found = append(found, d.reason(path, "%s says what this property holds; %s does not list it, and being open may write anything there", d.reader, d.writer))
		default:
			found = append(found, reasons...)
		}
	}
	return found
}

// reads are the schemas that a property of the reader is held to.
func (d *jsonDiff) reads(part *jsonschema.Schema, name string) []*jsonschema.Schema {
	var list []*jsonschema.Schema
	listed := false
	if s, ok := part.Properties[name]; ok {
		list, listed = append(list, s), true
	}
	for _, pattern := range d.patternsOf(part) {
		if d.step() && pattern.MatchString(name) {
			list = append(list, part.PatternProperties[pattern])
			listed = listed || readable(pattern)
		}
	}
	if rest := additional(part.AdditionalProperties, d.never); !listed && rest != nil {
		list = append(list, rest)
	}
	return list
}

// written is what is known of a property that the writer writes, and whether one of its schemas lists it.
func (d *jsonDiff) written(f facts, name string) (known facts, byName bool) {
	for _, s := range f.all {
		listed := false
		if one, ok := s.Properties[name]; ok {
			known, listed, byName = d.know(known, one), true, true
		}
		for _, pattern := range d.patternsOf(s) {
			if !readable(pattern) {
				listed = true // perhaps, and so the rest is not known to hold
				continue
			}
			if d.step() && pattern.MatchString(name) {
				known, listed = d.know(known, s.PatternProperties[pattern]), true
			}
		}
		if !listed {
			known = d.know(known, additional(s.AdditionalProperties, d.never))
		}
	}
	return known, byName
}

// patternsOf lists the patterns in order.
func (d *jsonDiff) patternsOf(s *jsonschema.Schema) []jsonschema.Regexp {
	if len(s.PatternProperties) == 0 {
		return nil
	}
	if sorted, ok := d.patterns[s]; ok {
		return sorted
	}
	d.patterns[s] = slices.SortedFunc(maps.Keys(s.PatternProperties), func(a, b jsonschema.Regexp) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	return d.patterns[s]
}

// unlisted compares what holds for properties that nobody lists by name: those of a pattern, and all others.
func (d *jsonDiff) unlisted(path string, part *jsonschema.Schema, f facts) []string {
	var found []string
	reads := map[string]bool{}
	for _, pattern := range d.patternsOf(part) {
		reads[pattern.String()] = true
		if known := d.matching(f, pattern.String()); !known.impossible() {
			found = append(found, d.includes(fmt.Sprintf("%s[%s]", path, pattern), part.PatternProperties[pattern], known)...)
		}
	}
	rest := additional(part.AdditionalProperties, d.never)
	if rest == nil {
		return found
	}
	var known facts
	for _, s := range f.all {
		known = d.know(known, additional(s.AdditionalProperties, d.never))
	}
	if !known.impossible() {
		found = append(found, d.others(path+".*", rest, known)...)
	}
	for _, s := range f.all {
		for _, pattern := range d.patternsOf(s) {
			if !reads[pattern.String()] {
				found = append(found, d.others(fmt.Sprintf("%s[%s]", path, pattern), rest, d.matching(f, pattern.String()))...)
			}
		}
	}
	return found
}

func (d *jsonDiff) others(path string, rest *jsonschema.Schema, known facts) []string {
	reasons := d.includes(path, rest, known)
	if len(reasons) > 0 && nothing(rest) {
		return []string{d.reason(path, "%s takes no properties but those it lists, and %s may write others", d.reader, d.writer)}
	}
	return reasons
}

// matching is what is known of a property that matches a pattern and is not listed by name.
func (d *jsonDiff) matching(f facts, pattern string) facts {
	var known facts
	for _, s := range f.all {
		if len(s.PatternProperties) == 0 {
			known = d.know(known, additional(s.AdditionalProperties, d.never))
			continue
		}
		for _, other := range d.patternsOf(s) {
			if other.String() == pattern {
				known = d.know(known, s.PatternProperties[other])
			}
		}
	}
	return known
}

func (d *jsonDiff) propertyNames(path string, part *jsonschema.Schema, f facts) []string {
	if part.PropertyNames == nil {
		return nil
	}
	for _, s := range f.all {
		if s.PropertyNames != nil && len(d.includes(path, part.PropertyNames, d.know(d.know(facts{}, s.PropertyNames), d.ofType(typeString)))) == 0 {
			return nil
		}
		if d.closed(s) && d.takesNames(part.PropertyNames, s) {
			return nil
		}
	}
	return []string{d.reason(path, "%s holds the names of properties to a schema, and %s does not to the same", d.reader, d.writer)}
}

func (d *jsonDiff) takesNames(names, s *jsonschema.Schema) bool {
	for name := range s.Properties {
		if names.Validate(name) != nil {
			return false
		}
	}
	return true
}

// dependency is what the presence of one property asks for.
type dependency struct {
	required []string
	schema   *jsonschema.Schema
}

// dependenciesOf reads them from all the keywords that say so.
func dependenciesOf(s *jsonschema.Schema) map[string]dependency {
	found := map[string]dependency{}
	for name, value := range s.Dependencies {
		switch v := value.(type) {
		case []string:
			found[name] = dependency{required: v}
		case *jsonschema.Schema:
			found[name] = dependency{schema: v}
		}
	}
	for name, required := range s.DependentRequired {
		found[name] = dependency{required: required}
	}
	for name, schema := range s.DependentSchemas {
		found[name] = dependency{required: found[name].required, schema: schema}
	}
	return found
}

func (d *jsonDiff) dependencies(path string, part *jsonschema.Schema, f facts) []string {
	wanted := dependenciesOf(part)
	if len(wanted) == 0 {
		return nil
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if known, _ := d.written(f, name); known.impossible() {
			continue
		}
		present, required := f, requiredOf(f)
		for _, s := range f.all {
			own := dependenciesOf(s)[name]
			present = d.know(present, own.schema)
			for _, other := range own.required {
				required[other] = true
			}
		}
		for _, other := range wanted[name].required {
			if other != name && !required[other] {
				found = append(found, d.reason(property(path, name), "%s takes it only together with %q, and %s may write it alone", d.reader, other, d.writer))
			}
		}
		if schema := wanted[name].schema; schema != nil {
			found = append(found, d.includes(path, schema, present)...)
		}
	}
	return found
}

// property is the path of a property.
func property(path, name string) string { return path + "." + name }
