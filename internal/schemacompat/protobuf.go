package schemacompat

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// protobufUnreadable lists, in words, why data of the writer cannot be read with the reader. The rules are those that
// Confluent's Schema Registry checks: fields are joined by number, names of fields do not count, and a message may come but
// not go. They hold for the file's own messages and for those of its imports that its fields lead to.
func protobufUnreadable(ctx context.Context, reader protoreflect.FileDescriptor, readerName string, writer protoreflect.FileDescriptor, writerName string) ([]string, error) {
	d := protobufDiff{ctx: ctx, reader: readerName, writer: writerName, readerFile: reader, writerFile: writer, seen: map[messagePair]bool{}}
	if reader.Package() != writer.Package() {
		d.tell("package", "%s has package %q where %s has %q, and so every message has another name", readerName, reader.Package(), writerName, writer.Package())
	}
	d.messages("", reader.Messages(), writer.Messages())
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("compare schemas: %w", err)
	}
	return d.found(), nil
}

// protobufDiff compares two files once.
type protobufDiff struct {
	ctx                    context.Context // of the one call that this is
	reader, writer         string          // as they are named in a sentence
	readerFile, writerFile protoreflect.FileDescriptor
	seen                   map[messagePair]bool
	reasons
}

type messagePair struct {
	reader, writer protoreflect.FullName
}

func (d *protobufDiff) messages(scope string, reader, writer protoreflect.MessageDescriptors) {
	for i := range writer.Len() {
		written := writer.Get(i)
		if written.IsMapEntry() {
			continue
		}
		path := scope + string(written.Name())
		read := reader.ByName(written.Name())
		if read == nil || read.IsMapEntry() {
			d.tell(path, "%s has no such message, which %s has", d.reader, d.writer)
			continue
		}
		d.message(path, read, written)
	}
}

// message compares a pair once, so that recursive messages come to an end.
func (d *protobufDiff) message(path string, reader, writer protoreflect.MessageDescriptor) {
	p := messagePair{reader.FullName(), writer.FullName()}
	if d.seen[p] || d.full() || d.ctx.Err() != nil {
		return
	}
	d.seen[p] = true
	d.removedFields(path, reader, writer)
	d.keptFields(path, reader, writer)
	d.oneofs(path, reader, writer)
	d.messages(path+".", reader.Messages(), writer.Messages())
}

func (d *protobufDiff) removedFields(path string, reader, writer protoreflect.MessageDescriptor) {
	for _, field := range fieldsOf(writer) {
		if reader.Fields().ByNumber(field.Number()) != nil {
			continue
		}
		switch oneof := realOneof(field); {
		case field.Cardinality() == protoreflect.Required:
			d.tell(fieldPath(path, field), "%s has no field of this number, which %s requires", d.reader, d.writer)
		case oneof != nil && !wholeOneofGone(oneof, reader):
			d.tell(fieldPath(path, field), "%s has no field of this number, which is one of oneof %q in %s: a reader could not tell it from none being set", d.reader, oneof.Name(), d.writer)
		}
	}
}

// wholeOneofGone says that the reader has neither a oneof of this name nor any of its fields.
func wholeOneofGone(oneof protoreflect.OneofDescriptor, reader protoreflect.MessageDescriptor) bool {
	if other := reader.Oneofs().ByName(oneof.Name()); other != nil && !other.IsSynthetic() {
		return false
	}
	for i := range oneof.Fields().Len() {
		if reader.Fields().ByNumber(oneof.Fields().Get(i).Number()) != nil {
			return false
		}
	}
	return true
}

func (d *protobufDiff) keptFields(path string, reader, writer protoreflect.MessageDescriptor) {
	for _, field := range fieldsOf(reader) {
		written := writer.Fields().ByNumber(field.Number())
		switch {
		case written != nil:
			d.field(fieldPath(path, field), field, written)
		case field.Cardinality() == protoreflect.Required:
			d.tell(fieldPath(path, field), "%s requires this field, which %s does not write", d.reader, d.writer)
		}
	}
}

func (d *protobufDiff) field(path string, reader, writer protoreflect.FieldDescriptor) {
	if reader.IsMap() != writer.IsMap() {
		d.kinds(path, reader, writer)
		return
	}
	if reader.IsMap() {
		d.types(path+" (key)", reader.MapKey(), writer.MapKey())
		d.types(path+" (value)", reader.MapValue(), writer.MapValue())
		return
	}
	if !d.types(path, reader, writer) {
		return
	}
	switch {
	case reader.Cardinality() == writer.Cardinality():
	case reader.Cardinality() == protoreflect.Required, groupOf(reader.Kind()) != groupMessage:
		d.tell(path, "%s has it %s where %s has it %s", d.reader, reader.Cardinality(), d.writer, writer.Cardinality())
	}
}

// types says whether both are written alike, and compares the messages that the fields lead to.
func (d *protobufDiff) types(path string, reader, writer protoreflect.FieldDescriptor) bool {
	group := groupOf(reader.Kind())
	if group != groupOf(writer.Kind()) {
		d.kinds(path, reader, writer)
		return false
	}
	if group != groupMessage && group != groupDelimited {
		return true
	}
	read, written := reader.Message(), writer.Message()
	if localName(read) != localName(written) {
		d.kinds(path, reader, writer)
		return false
	}
	// Those of the files themselves are compared by name.
	if read.ParentFile() != d.readerFile || written.ParentFile() != d.writerFile {
		d.message(path, read, written)
	}
	return true
}

func (d *protobufDiff) kinds(path string, reader, writer protoreflect.FieldDescriptor) {
	d.tell(path, "%s reads %s where %s writes %s", d.reader, describeField(reader), d.writer, describeField(writer))
}

// oneofs refuses that fields which could be set together become exclusive.
func (d *protobufDiff) oneofs(path string, reader, writer protoreflect.MessageDescriptor) {
	for i := range reader.Oneofs().Len() {
		oneof := reader.Oneofs().Get(i)
		if oneof.IsSynthetic() {
			continue
		}
		origins := map[string]bool{}
		var names []string
		for j := range oneof.Fields().Len() {
			written := writer.Fields().ByNumber(oneof.Fields().Get(j).Number())
			if written == nil {
				continue
			}
			names = append(names, string(written.Name()))
			origins[origin(written)] = true
		}
		if len(origins) > 1 {
			d.tell(path+"."+string(oneof.Name()), "%s takes only one of the fields %s, which %s may write together", d.reader, quoted(names), d.writer)
		}
	}
}

// origin is the same for fields of which only one can be set.
func origin(field protoreflect.FieldDescriptor) string {
	if oneof := realOneof(field); oneof != nil {
		return "oneof " + string(oneof.Name())
	}
	return fmt.Sprintf("field %d", field.Number())
}

func realOneof(field protoreflect.FieldDescriptor) protoreflect.OneofDescriptor {
	if oneof := field.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		return oneof
	}
	return nil
}

// wireGroup holds the kinds whose values are read alike from the wire. Enums are numbers there.
type wireGroup int

const (
	groupNumber wireGroup = iota + 1
	groupSigned
	groupFixed32
	groupFixed64
	groupFloat
	groupDouble
	groupText
	groupMessage
	groupDelimited
)

func groupOf(kind protoreflect.Kind) wireGroup {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.BoolKind, protoreflect.EnumKind:
		return groupNumber
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return groupSigned
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return groupFixed32
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return groupFixed64
	case protoreflect.FloatKind:
		return groupFloat
	case protoreflect.DoubleKind:
		return groupDouble
	case protoreflect.StringKind, protoreflect.BytesKind:
		return groupText
	case protoreflect.GroupKind:
		return groupDelimited
	default:
		return groupMessage
	}
}

// protobufReuse lists the fields of the newer schema whose numbers the older one had reserved, so that nobody would.
func protobufReuse(newer, older Version) []string {
	var found reasons
	var walk func(path string, a, b protoreflect.MessageDescriptors)
	walk = func(path string, a, b protoreflect.MessageDescriptors) {
		for i := range a.Len() {
			message := a.Get(i)
			before := b.ByName(message.Name())
			if before == nil || message.IsMapEntry() {
				continue
			}
			for _, field := range fieldsOf(message) {
				if before.ReservedRanges().Has(field.Number()) {
					found.tell(fieldPath(path+string(message.Name()), field), "%s uses the number %d, which %s has reserved", newer.Name, field.Number(), older.Name)
				}
			}
			walk(path+string(message.Name())+".", message.Messages(), before.Messages())
		}
	}
	walk("", newer.Schema.protobuf.Messages(), older.Schema.protobuf.Messages())
	return found.found()
}

// fieldsOf lists the fields in the order of their numbers.
func fieldsOf(m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	fields := make([]protoreflect.FieldDescriptor, m.Fields().Len())
	for i := range fields {
		fields[i] = m.Fields().Get(i)
	}
	slices.SortFunc(fields, func(a, b protoreflect.FieldDescriptor) int { return int(a.Number()) - int(b.Number()) })
	return fields
}

func fieldPath(path string, field protoreflect.FieldDescriptor) string {
	return fmt.Sprintf("%s.%s (%d)", path, field.Name(), field.Number())
}

// localName is the name without the package.
func localName(d protoreflect.Descriptor) string {
	return strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
}

func describeField(field protoreflect.FieldDescriptor) string {
	if field.IsMap() {
		return fmt.Sprintf("map<%s, %s>", describeField(field.MapKey()), describeField(field.MapValue()))
	}
	switch field.Kind() {
	case protoreflect.MessageKind:
		return "message " + string(field.Message().FullName())
	case protoreflect.GroupKind:
		return "group " + string(field.Message().FullName())
	case protoreflect.EnumKind:
		return "enum " + string(field.Enum().FullName())
	default:
		return field.Kind().String()
	}
}
