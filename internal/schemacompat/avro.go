package schemacompat

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// avroUnreadable lists, in words, why data of the writer cannot be read with the reader, by Avro 1.12's rules of schema
// resolution.
func avroUnreadable(ctx context.Context, reader *avroType, readerName string, writer *avroType, writerName string) ([]string, error) {
	r := resolution{ctx: ctx, readerName: readerName, writerName: writerName, seen: map[pair]bool{}, indexes: map[*avroType]*branchIndex{}}
	root := "schema"
	if reader.isNamed() {
		root = reader.shortName()
	}
	r.resolve(root, reader, writer)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("compare schemas: %w", err)
	}
	return r.found(), nil
}

// resolution compares two schemas once.
type resolution struct {
	ctx        context.Context // of the one call that this is
	readerName string
	writerName string
	seen       map[pair]bool
	indexes    map[*avroType]*branchIndex
	reasons
}

type pair struct{ reader, writer *avroType }

// resolve compares a pair of types once, so that recursive types come to an end.
func (r *resolution) resolve(path string, reader, writer *avroType) {
	if r.seen[pair{reader, writer}] || r.full() || r.ctx.Err() != nil {
		return
	}
	r.seen[pair{reader, writer}] = true
	switch {
	case writer.kind == "union":
		r.resolveWriterUnion(path, reader, writer)
	case reader.kind == "union":
		r.resolveReaderUnion(path, reader, writer)
	case reader.kind == writer.kind:
		r.resolveKind(path, reader, writer)
	case !promotes(writer.kind, reader.kind):
		r.tell(path, "%s reads %s where %s writes %s", r.readerName, reader.describe(), r.writerName, writer.describe())
	}
}

// resolveWriterUnion asks that every branch can be read: any of them may be in the data.
func (r *resolution) resolveWriterUnion(path string, reader, writer *avroType) {
	for _, branch := range writer.branches {
		switch {
		case reader.kind == "union":
			r.resolveReaderUnion(path, reader, branch)
		case matches(reader, branch):
			r.resolve(path, reader, branch)
		default:
			r.tell(path, "%s may write %s, and %s reads only %s", r.writerName, branch.describe(), r.readerName, reader.describe())
		}
	}
}

func (r *resolution) resolveReaderUnion(path string, reader, writer *avroType) {
	branch := r.branches(reader).choose(writer)
	if branch == nil {
		r.tell(path, "%s may write %s, and %s reads only %s", r.writerName, writer.describe(), r.readerName, reader.describe())
		return
	}
	r.resolve(path, branch, writer)
}

// branchIndex finds the branch of a reader's union that reads what a writer writes, without walking unions that may be long.
type branchIndex struct {
	full    map[branchKey]*avroType // by full name and by alias
	short   map[branchKey]*avroType // by the name without its namespace
	unnamed []*avroType             // in order; a union has each once
}

// branchKey counts the size of a fixed in, as the specification does. Types without a name have none here.
type branchKey struct{ kind, size, name string }

func (r *resolution) branches(union *avroType) *branchIndex {
	if known, ok := r.indexes[union]; ok {
		return known
	}
	index := &branchIndex{full: map[branchKey]*avroType{}, short: map[branchKey]*avroType{}}
	for _, branch := range union.branches {
		for _, name := range append([]string{branch.name}, branch.aliases...) {
			putFirst(index.full, branchKey{branch.kind, branch.size, name}, branch)
		}
		putFirst(index.short, branchKey{branch.kind, branch.size, branch.shortName()}, branch)
		if !branch.isNamed() {
			index.unnamed = append(index.unnamed, branch)
		}
	}
	r.indexes[union] = index
	return index
}

func putFirst(index map[branchKey]*avroType, key branchKey, branch *avroType) {
	if _, taken := index[key]; !taken {
		index[key] = branch
	}
}

// choose finds the branch of the same full name or alias, else of the same name in another namespace, else the first that
// the writer's type is promoted to.
func (b *branchIndex) choose(writer *avroType) *avroType {
	if branch, ok := b.full[branchKey{writer.kind, writer.size, writer.name}]; ok {
		return branch
	}
	if branch, ok := b.short[branchKey{writer.kind, writer.size, writer.shortName()}]; ok {
		return branch
	}
	for _, branch := range b.unnamed {
		if promotes(writer.kind, branch.kind) {
			return branch
		}
	}
	return nil
}

func (r *resolution) resolveKind(path string, reader, writer *avroType) {
	if reader.isNamed() && !sameName(reader, writer) {
		r.tell(path, "%s reads %s where %s writes %s: an alias %q would join them", r.readerName, reader.describe(), r.writerName, writer.describe(), writer.name)
	}
	switch reader.kind {
	case "record":
		r.resolveRecord(path, reader, writer)
	case "enum":
		r.resolveEnum(path, reader, writer)
	case "fixed":
		if reader.size != writer.size {
			r.tell(path, "%s reads %s where %s writes %s bytes", r.readerName, reader.describe(), r.writerName, writer.size)
		}
	case "array":
		r.resolve(path+"[]", reader.inner, writer.inner)
	case "map":
		r.resolve(path+"{}", reader.inner, writer.inner)
	}
}

func (r *resolution) resolveRecord(path string, reader, writer *avroType) {
	written := make(map[string]*avroType, len(writer.fields))
	for _, field := range writer.fields {
		written[field.name] = field.typ
	}
	for _, field := range reader.fields {
		r.resolveField(path+"."+field.name, field, written)
	}
}

func (r *resolution) resolveField(path string, field avroField, written map[string]*avroType) {
	var (
		found *avroType
		names []string
	)
	for _, name := range append([]string{field.name}, field.aliases...) {
		typ, ok := written[name]
		if !ok {
			continue
		}
		names = append(names, name)
		if found == nil {
			found = typ
		}
	}
	switch {
	case len(names) > 1:
		r.tell(path, "%s writes %s, which are one field to %s by its aliases", r.writerName, quoted(names), r.readerName)
	case found != nil:
		r.resolve(path, field.typ, found)
	case !field.hasDefault:
		r.tell(path, "%s needs this field and gives it no default, and %s does not write it", r.readerName, r.writerName)
	}
}

func (r *resolution) resolveEnum(path string, reader, writer *avroType) {
	if reader.fallback {
		return
	}
	known := make(map[string]bool, len(reader.symbols))
	for _, symbol := range reader.symbols {
		known[symbol] = true
	}
	var unknown []string
	for _, symbol := range writer.symbols {
		if !known[symbol] {
			unknown = append(unknown, symbol)
		}
	}
	if len(unknown) > 0 {
		r.tell(path, "%s may write %s, which %s in %s does not have, nor a default in their place", r.writerName, quoted(unknown), reader.describe(), r.readerName)
	}
}

// matches says whether the types are a pair at all, whatever is inside them.
func matches(reader, writer *avroType) bool {
	if promotes(writer.kind, reader.kind) {
		return true
	}
	return reader.kind == writer.kind && reader.size == writer.size && (!reader.isNamed() || sameName(reader, writer))
}

// sameName compares without namespaces, as the specification does, and heeds the reader's aliases.
func sameName(reader, writer *avroType) bool {
	return reader.shortName() == writer.shortName() || answersTo(reader, writer.name)
}

func answersTo(reader *avroType, name string) bool {
	return reader.name == name || slices.Contains(reader.aliases, name)
}

// promotes says whether values of the writer's type are read as the reader's.
func promotes(writer, reader string) bool {
	switch writer {
	case "int":
		return reader == "long" || reader == "float" || reader == "double"
	case "long":
		return reader == "float" || reader == "double"
	case "float":
		return reader == "double"
	case "string":
		return reader == "bytes"
	case "bytes":
		return reader == "string"
	default:
		return false
	}
}

func quoted(names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(parts, ", ")
}
