package schemacompat

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

const (
	// maxSteps bounds the work of one comparison: alternatives inside alternatives multiply.
	maxSteps = 500_000
	// maxFacts bounds how many schemas may hold for one value at once.
	maxFacts = 2000
)

// jsonUnreadable lists, in words, why a value that the writer's schema allows may not be valid in the reader's. It follows
// what Confluent's Schema Registry documents: content models are open unless additionalProperties closes them, a property may
// become required when it has a default, format and annotations do not count, and of oneOf it asks that one alternative
// fits, not that only one does. What cannot be shown to fit does not.
func jsonUnreadable(ctx context.Context, reader *jsonschema.Schema, readerName string, writer *jsonschema.Schema, writerName string) ([]string, error) {
	yes, no := true, false
	d := jsonDiff{
		ctx: ctx, reader: readerName, writer: writerName,
		known:  map[string][]string{},
		made:   map[*jsonschema.Schema][]*jsonschema.Schema{},
		single: map[*jsonschema.Schema][]*jsonschema.Schema{},
		typed:  map[jsonTypes]*jsonschema.Schema{}, patterns: map[*jsonschema.Schema][]jsonschema.Regexp{},
		always: &jsonschema.Schema{Bool: &yes}, never: &jsonschema.Schema{Bool: &no},
	}
	found := d.includes("$", reader, d.know(facts{}, writer))
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("compare schemas: %w", err)
	}
	if d.steps > maxSteps {
		return []string{fmt.Sprintf("$: the alternatives of %s and %s are too many to be compared", readerName, writerName)}, nil
	}
	var all reasons
	for _, reason := range found {
		all.add(reason)
	}
	return all.found(), nil
}

// jsonDiff compares two schemas once.
type jsonDiff struct {
	ctx            context.Context // of the one call that this is
	reader, writer string          // as they are named in a sentence
	steps          int
	// known are the answers given: the reasons of a pair, none while it is being looked at, so that recursion comes to an end.
	known map[string][]string
	// journal lists the pairs that hold, in order: those found while another was being looked at may lean on it.
	journal []string
	// made, single and typed keep the schemas that are made here, so that each is made once: pairs are told apart by pointers.
	made, single  map[*jsonschema.Schema][]*jsonschema.Schema
	typed         map[jsonTypes]*jsonschema.Schema
	patterns      map[*jsonschema.Schema][]jsonschema.Regexp // in order
	always, never *jsonschema.Schema
}

// facts is what is known of a value: it is valid in all the schemas, and in one alternative of every choice.
type facts struct {
	all     []*jsonschema.Schema
	choices []choice
}

// choice is a list of alternatives, each of them some schemas that hold together.
type choice [][]*jsonschema.Schema

// step counts work, and says whether there may be more of it.
func (d *jsonDiff) step() bool { return d.work(1) }

// work counts more than one step at once: what loops over a long list without looking at it.
func (d *jsonDiff) work(steps int) bool {
	d.steps += steps
	return d.steps <= maxSteps && d.ctx.Err() == nil
}

// know adds a schema, and what it says in other places.
func (d *jsonDiff) know(f facts, s *jsonschema.Schema) facts {
	if s == nil || !d.step() || slices.Contains(f.all, s) {
		return f
	}
	if len(f.all) >= maxFacts {
		d.work(maxSteps)
		return f
	}
	f.all = append(slices.Clip(f.all), s)
	for _, other := range applied(s) {
		f = d.know(f, other)
	}
	for _, other := range d.evaluated(s) {
		f.all = append(slices.Clip(f.all), other)
	}
	for _, list := range [][]*jsonschema.Schema{s.AnyOf, s.OneOf} {
		if len(list) == 0 {
			continue
		}
		var c choice
		for _, alternative := range list {
			c = append(c, []*jsonschema.Schema{alternative})
		}
		f.choices = append(slices.Clip(f.choices), c)
	}
	if s.If != nil && (s.Then != nil || s.Else != nil) {
		f.choices = append(slices.Clip(f.choices), choice{{s.If, s.Then}, {s.Else}})
	}
	return f
}

// applied lists the schemas that hold wherever the schema does.
func applied(s *jsonschema.Schema) []*jsonschema.Schema {
	list := slices.Clone(s.AllOf)
	if s.Ref != nil {
		list = append(list, s.Ref)
	}
	if s.RecursiveRef != nil {
		list = append(list, s.RecursiveRef)
	}
	if s.DynamicRef != nil && s.DynamicRef.Ref != nil {
		list = append(list, s.DynamicRef.Ref)
	}
	return list
}

// evaluated says unevaluatedProperties and unevaluatedItems as additionalProperties and items of a schema that lists all
// that the schema evaluates.
func (d *jsonDiff) evaluated(s *jsonschema.Schema) []*jsonschema.Schema {
	if s.UnevaluatedProperties == nil && s.UnevaluatedItems == nil {
		return nil
	}
	if made, ok := d.made[s]; ok {
		return made
	}
	e := evaluation{seen: map[*jsonschema.Schema]bool{}, always: d.always, properties: map[string]*jsonschema.Schema{}, patterns: map[jsonschema.Regexp]*jsonschema.Schema{}}
	e.collect(s, true)
	var made []*jsonschema.Schema
	if s.UnevaluatedProperties != nil && !e.allProperties {
		made = append(made, &jsonschema.Schema{Properties: e.properties, PatternProperties: e.patterns, AdditionalProperties: s.UnevaluatedProperties})
	}
	if s.UnevaluatedItems != nil && !e.allItems {
		rest := s.UnevaluatedItems
		if len(e.contained) > 0 {
			rest = &jsonschema.Schema{AnyOf: append(e.contained, rest)}
		}
		made = append(made, &jsonschema.Schema{PrefixItems: slices.Repeat([]*jsonschema.Schema{d.always}, e.items), Items2020: rest})
	}
	d.made[s] = made
	return made
}

// evaluation collects which properties and items a schema may evaluate, in whichever of its alternatives. Of the reader that
// is lenient: an alternative that is not taken evaluates nothing.
type evaluation struct {
	seen                    map[*jsonschema.Schema]bool
	always                  *jsonschema.Schema
	properties              map[string]*jsonschema.Schema
	patterns                map[jsonschema.Regexp]*jsonschema.Schema
	items                   int
	contained               []*jsonschema.Schema // what contains matches counts as evaluated
	allProperties, allItems bool
}

func (e *evaluation) collect(s *jsonschema.Schema, top bool) {
	if s == nil || e.seen[s] {
		return
	}
	e.seen[s] = true
	for name := range s.Properties {
		e.properties[name] = e.always
	}
	for pattern := range s.PatternProperties {
		e.patterns[pattern] = e.always
	}
	prefix, rest := itemsOf(s, e.always)
	e.items = max(e.items, len(prefix))
	if s.Contains != nil {
		e.contained = append(e.contained, s.Contains)
	}
	e.allProperties = e.allProperties || s.AdditionalProperties != nil || (!top && s.UnevaluatedProperties != nil)
	e.allItems = e.allItems || rest != nil || (!top && s.UnevaluatedItems != nil)
	inside := slices.Concat(applied(s), s.AnyOf, s.OneOf, []*jsonschema.Schema{s.If, s.Then, s.Else})
	for _, other := range slices.AppendSeq(inside, maps.Values(s.DependentSchemas)) {
		e.collect(other, false)
	}
}

// impossible says that there is no such value.
func (f facts) impossible() bool {
	return f.types() == 0 || slices.ContainsFunc(f.all, nothing)
}

func (f facts) types() jsonTypes {
	types := anyType
	for _, s := range f.all {
		types &= typesOf(s)
	}
	return types
}

// key names the question whether the reader takes what is known. The choices follow from the schemas.
func key(reader *jsonschema.Schema, f facts) string {
	parts := make([]string, len(f.all))
	for i, s := range f.all {
		parts[i] = fmt.Sprintf("%p", s)
	}
	slices.Sort(parts)
	return fmt.Sprintf("%p %s", reader, strings.Join(parts, " "))
}

// includes lists why the reader may refuse a value of which the facts are known.
func (d *jsonDiff) includes(path string, reader *jsonschema.Schema, f facts) []string {
	k := key(reader, f)
	if found, ok := d.known[k]; ok {
		return found
	}
	if !d.work(1 + len(f.all)/100) {
		return []string{path + ": not compared"}
	}
	d.known[k] = nil
	start := len(d.journal)
	d.journal = append(d.journal, k)
	found := d.compare(path, reader, f)
	if len(found) == 0 {
		return nil
	}
	// What was found to hold since then may have leaned on this.
	for _, other := range d.journal[start:] {
		delete(d.known, other)
	}
	d.journal = d.journal[:start]
	d.known[k] = found[:min(len(found), maxReasons+1)]
	return d.known[k]
}

func (d *jsonDiff) compare(path string, reader *jsonschema.Schema, f facts) []string {
	if f.impossible() {
		return nil
	}
	if values, finite := d.values(f); finite {
		return d.takesValues(path, reader, values)
	}
	parts := d.know(facts{}, reader).all
	var found []string
	for _, part := range parts {
		found = append(found, d.covers(path, part, parts, f)...)
		if len(found) > maxReasons {
			break
		}
	}
	return found
}

// takesValues tries the values one by one.
func (d *jsonDiff) takesValues(path string, reader *jsonschema.Schema, values []any) []string {
	var refused []string
	known := 0
	for _, part := range d.know(facts{}, reader).all {
		known += len(constantsOf(part))
	}
	for _, value := range values {
		if !d.work(1 + known/100) {
			break
		}
		if reader.Validate(value) != nil {
			refused = append(refused, brief(value))
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return []string{d.reason(path, "%s may write %s, which %s does not take", d.writer, listed(refused), d.reader)}
}

// covers asks one schema of the reader, which is one of those that all have to hold there.
func (d *jsonDiff) covers(path string, part *jsonschema.Schema, parts []*jsonschema.Schema, f facts) []string {
	if !d.work(1+len(f.all)/100) || f.impossible() {
		return nil
	}
	found := d.keywords(path, part, parts, f)
	if len(found) > 0 && len(f.choices) > 0 {
		found = d.split(f, f.choices[0], f.choices[1:], func(f facts) []string { return d.keywords(path, part, parts, f) })
	}
	found = append(found, d.takesOne(path, "anyOf", part.AnyOf, f)...)
	found = append(found, d.takesOne(path, "oneOf", part.OneOf, f)...)
	found = append(found, d.negation(path, part, f)...)
	return append(found, d.condition(path, part, f)...)
}

// split asks for every alternative of a choice, and of the choices that are left where that does not do.
func (d *jsonDiff) split(f facts, c choice, rest []choice, ask func(facts) []string) []string {
	var found []string
	for _, alternative := range c {
		if !d.step() {
			return append(found, "not compared")
		}
		narrowed := facts{all: f.all, choices: rest}
		for _, s := range alternative {
			narrowed = d.know(narrowed, s)
		}
		if narrowed.impossible() {
			continue
		}
		reasons := ask(narrowed)
		if len(reasons) > 0 && len(narrowed.choices) > 0 {
			reasons = d.split(narrowed, narrowed.choices[0], narrowed.choices[1:], ask)
		}
		found = append(found, reasons...)
	}
	return found
}

// takesOne asks that one of the reader's alternatives takes the value, whichever the writer's is.
func (d *jsonDiff) takesOne(path, keyword string, list []*jsonschema.Schema, f facts) []string {
	if len(list) == 0 || !d.step() {
		return nil
	}
	var nearest []string
	near := 0
	for _, alternative := range list {
		reasons := d.includes(path, alternative, f)
		if len(reasons) == 0 {
			return nil
		}
		if d.know(facts{}, alternative).types()&f.types() == 0 {
			continue
		}
		near++
		if nearest == nil || len(reasons) < len(nearest) {
			nearest = reasons
		}
	}
	ask := func(f facts) []string {
		if f.impossible() {
			return nil
		}
		return d.takesOne(path, keyword, list, f)
	}
	if len(f.choices) > 0 {
		return d.eachOf(f, f.choices[0], f.choices[1:], ask)
	}
	if c := d.kindsOf(f); len(c) > 1 {
		return d.eachOf(f, c, nil, ask)
	}
	switch near {
	case 0:
		return []string{d.reason(path, "%s may write %s, which no alternative of %s takes in %s", d.writer, f.types(), keyword, d.reader)}
	case 1:
		return nearest
	default:
		return []string{d.reason(path, "no alternative of %s in %s takes all that %s may write; the nearest does not because of %s", keyword, d.reader, d.writer, nearest[0])}
	}
}

// eachOf asks for every alternative of a choice.
func (d *jsonDiff) eachOf(f facts, c choice, rest []choice, ask func(facts) []string) []string {
	var found []string
	for _, alternative := range c {
		narrowed := facts{all: f.all, choices: rest}
		for _, s := range alternative {
			narrowed = d.know(narrowed, s)
		}
		found = append(found, ask(narrowed)...)
	}
	return found
}

// kindsOf is the choice between the types that a value may be of, or the values that it may be.
func (d *jsonDiff) kindsOf(f facts) choice {
	var c choice
	if values, finite := d.values(f); finite {
		for _, one := range d.constants(f, values) {
			c = append(c, []*jsonschema.Schema{one})
		}
		return c
	}
	if f.types() == anyType {
		return nil
	}
	for _, one := range f.types().each() {
		c = append(c, []*jsonschema.Schema{d.ofType(one)})
	}
	return c
}

func (d *jsonDiff) ofType(t jsonTypes) *jsonschema.Schema {
	if made, ok := d.typed[t]; ok {
		return made
	}
	var types jsonschema.Types
	for _, name := range t.names() {
		types.Add(name)
	}
	d.typed[t] = &jsonschema.Schema{Types: &types}
	return d.typed[t]
}

// constants are schemas of one value each.
func (d *jsonDiff) constants(f facts, values []any) []*jsonschema.Schema {
	at := slices.IndexFunc(f.all, func(s *jsonschema.Schema) bool { return s.Enum != nil })
	if at < 0 || len(values) < 2 {
		return nil
	}
	if made, ok := d.single[f.all[at]]; ok && len(made) == len(values) {
		return made
	}
	made := make([]*jsonschema.Schema, len(values))
	for i := range values {
		made[i] = &jsonschema.Schema{Const: &values[i]}
	}
	d.single[f.all[at]] = made
	return made
}

// negation asks that what the reader excludes is excluded by the writer.
func (d *jsonDiff) negation(path string, part *jsonschema.Schema, f facts) []string {
	if part.Not == nil {
		return nil
	}
	excluded := d.know(facts{}, part.Not)
	if excluded.impossible() || excluded.types()&f.types() == 0 {
		return nil
	}
	for _, s := range f.all {
		if s.Not != nil && len(d.includes(path, s.Not, excluded)) == 0 {
			return nil
		}
	}
	return []string{d.reason(path, "%s excludes values by not, which %s may write", d.reader, d.writer)}
}

// condition asks that the writer has the same condition and is as strict, or is strict enough for both outcomes.
func (d *jsonDiff) condition(path string, part *jsonschema.Schema, f facts) []string {
	if part.If == nil || (part.Then == nil && part.Else == nil) {
		return nil
	}
	for _, s := range f.all {
		if s.If != nil && d.same(path, s.If, part.If) && d.branch(path, part.Then, d.know(f, s.Then)) && d.branch(path, part.Else, d.know(f, s.Else)) {
			return nil
		}
	}
	if d.branch(path, part.Then, f) && d.branch(path, part.Else, f) {
		return nil
	}
	return []string{d.reason(path, "%s holds values to if, then and else, which %s does not in the same way", d.reader, d.writer)}
}

func (d *jsonDiff) branch(path string, reader *jsonschema.Schema, f facts) bool {
	return reader == nil || len(d.includes(path, reader, f)) == 0
}

// same says that both take the same values.
func (d *jsonDiff) same(path string, a, b *jsonschema.Schema) bool {
	return a == b || (len(d.includes(path, a, d.know(facts{}, b))) == 0 && len(d.includes(path, b, d.know(facts{}, a))) == 0)
}

// keywords asks what the part says itself, of the types that the writer may write.
func (d *jsonDiff) keywords(path string, part *jsonschema.Schema, parts []*jsonschema.Schema, f facts) []string {
	if nothing(part) {
		return []string{d.reason(path, "%s takes nothing here, and %s may write %s", d.reader, d.writer, f.types())}
	}
	types := f.types()
	found := d.valueKeywords(path, part, f)
	if types&(typeInteger|typeFraction) != 0 {
		found = append(found, d.numbers(path, part, f)...)
	}
	if types&typeString != 0 {
		found = append(found, d.texts(path, part, f)...)
	}
	if types&typeArray != 0 {
		found = append(found, d.arrays(path, part, f)...)
	}
	if types&typeObject != 0 {
		found = append(found, d.objects(path, part, parts, f)...)
	}
	return found
}

// valueKeywords are type, enum and const.
func (d *jsonDiff) valueKeywords(path string, part *jsonschema.Schema, f facts) []string {
	types := f.types()
	if part.Types != nil && types&^namedTypes(part.Types.ToStrings()) != 0 {
		return []string{d.reason(path, "%s takes %s where %s may write %s", d.reader, namedTypes(part.Types.ToStrings()), d.writer, types)}
	}
	if part.Enum == nil && part.Const == nil {
		return nil
	}
	if types&^(typeNull|typeBoolean) == 0 {
		return d.takesValues(path, part, types.values())
	}
	var words []string
	for _, value := range constantsOf(part) {
		words = append(words, brief(value))
	}
	return []string{d.reason(path, "%s takes only %s, and %s may write any %s", d.reader, listed(words), d.writer, types)}
}

func (d *jsonDiff) reason(path, format string, args ...any) string {
	return path + ": " + fmt.Sprintf(format, args...)
}

func readable(pattern jsonschema.Regexp) bool { return schematext.ReadablePattern(pattern) }
