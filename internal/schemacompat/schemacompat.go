// Package schemacompat says whether data that was written with one schema can be read with another, in the modes of
// Confluent's Schema Registry, and why not.
package schemacompat

import (
	"context"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

// Mode is what new versions of a schema are held to.
type Mode string

// The modes, as Confluent's Schema Registry has them.
const (
	None               Mode = "NONE"
	Backward           Mode = "BACKWARD"
	BackwardTransitive Mode = "BACKWARD_TRANSITIVE"
	Forward            Mode = "FORWARD"
	ForwardTransitive  Mode = "FORWARD_TRANSITIVE"
	Full               Mode = "FULL"
	FullTransitive     Mode = "FULL_TRANSITIVE"
)

// Modes lists all of them.
func Modes() []Mode {
	return []Mode{None, Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive}
}

// backward asks that the new schema reads what the old ones write.
func (m Mode) backward() bool {
	return strings.HasPrefix(string(m), "BACKWARD") || strings.HasPrefix(string(m), "FULL")
}

// forward asks that the old schemas read what the new one writes.
func (m Mode) forward() bool {
	return strings.HasPrefix(string(m), "FORWARD") || strings.HasPrefix(string(m), "FULL")
}

// Transitive asks it of every earlier version and not of the latest alone.
func (m Mode) Transitive() bool { return strings.HasSuffix(string(m), "_TRANSITIVE") }

// Schema is a schema that was read for comparing. It is never changed, and safe for concurrent use.
type Schema struct {
	format   string
	avro     *avroType
	json     *jsonschema.Schema
	protobuf protoreflect.FileDescriptor
}

// Parse reads a schema with its references. What is wrong with it comes as *schematext.Error.
func Parse(ctx context.Context, s schematext.Schema) (*Schema, error) {
	parsed := &Schema{format: s.Format}
	var err error
	switch s.Format {
	case schematext.FormatJSON:
		parsed.json, err = schematext.CompileJSONSchema(s)
	case schematext.FormatProtobuf:
		parsed.protobuf, err = schematext.LinkProtobuf(ctx, s)
	default:
		if err = schematext.Validate(ctx, s); err != nil {
			return nil, err
		}
		parsed.format = schematext.FormatAvro
		parsed.avro, err = parseAvro(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	return parsed, nil
}

// Version is a schema with the name that it has in a sentence, such as "version 3".
type Version struct {
	Name   string
	Schema *Schema
}

// Check lists, in words, why the new schema may not follow an old one in a mode; with none it may.
func Check(ctx context.Context, mode Mode, newer, older Version) ([]string, error) {
	if mode == None {
		return nil, nil
	}
	if newer.Schema.format != older.Schema.format {
		return []string{fmt.Sprintf("%s is of format %s where %s is of format %s", newer.Name, newer.Schema.format, older.Name, older.Schema.format)}, nil
	}
	var found []string
	if mode.backward() {
		reasons, err := unreadable(ctx, newer, older)
		if err != nil {
			return nil, err
		}
		found = append(found, reasons...)
		if newer.Schema.protobuf != nil {
			found = append(found, protobufReuse(newer, older)...)
		}
	}
	if mode.forward() {
		reasons, err := unreadable(ctx, older, newer)
		if err != nil {
			return nil, err
		}
		found = append(found, reasons...)
	}
	return found, nil
}

// unreadable lists why data of the writer cannot be read with the reader.
func unreadable(ctx context.Context, reader, writer Version) ([]string, error) {
	switch reader.Schema.format {
	case schematext.FormatJSON:
		return jsonUnreadable(ctx, reader.Schema.json, reader.Name, writer.Schema.json, writer.Name)
	case schematext.FormatProtobuf:
		return protobufUnreadable(ctx, reader.Schema.protobuf, reader.Name, writer.Schema.protobuf, writer.Name)
	default:
		return avroUnreadable(ctx, reader.Schema.avro, reader.Name, writer.Schema.avro, writer.Name)
	}
}

// maxReasons bounds how many differences one comparison lists.
const maxReasons = 200

// reasons collects differences, each of them once.
type reasons struct {
	list []string
	told map[string]bool
	more bool // there are some that were not kept
}

func (r *reasons) tell(path, format string, args ...any) {
	r.add(path + ": " + fmt.Sprintf(format, args...))
}

func (r *reasons) add(reason string) {
	if r.told[reason] {
		return
	}
	if len(r.list) >= maxReasons {
		r.more = true
		return
	}
	if r.told == nil {
		r.told = map[string]bool{}
	}
	r.told[reason] = true
	r.list = append(r.list, reason)
}

// full says that there is no use in looking for more.
func (r *reasons) full() bool { return r.more }

// found lists the differences.
func (r *reasons) found() []string {
	if r.more {
		return append(r.list, fmt.Sprintf("and more than the %d differences above", maxReasons))
	}
	return r.list
}
