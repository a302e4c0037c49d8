package schematext

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/protoutil"
	"github.com/bufbuild/protocompile/reporter"
	"github.com/jhump/protoreflect/desc" //nolint:staticcheck // protoprint takes its descriptors; the next version, which does not, is not released
	"github.com/jhump/protoreflect/desc/protoprint"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// protoFile is what the schema's own file is called, in case a reference imports itself by that name.
const protoFile = "schema.proto"

// confluentImports are the files that Confluent's serializers take for granted, as those of google/protobuf are.
var confluentImports = map[string]string{
	"confluent/meta.proto": `syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta {
  string doc = 1;
  map<string, string> params = 2;
  repeated string tags = 3;
}
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
`,
	"confluent/type/decimal.proto": `syntax = "proto3";
package confluent.type;
message Decimal {
  bytes value = 1;
  uint32 precision = 2;
  int32 scale = 3;
}
`,
}

// LinkProtobuf compiles the schema with its references. What is wrong with it comes as *Error.
func LinkProtobuf(ctx context.Context, s Schema) (protoreflect.FileDescriptor, error) {
	if err := checkText(s.Text); err != nil {
		return nil, err
	}
	file, missing, err := linkProtobuf(ctx, s)
	if missing != "" {
		return nil, &Error{Message: fmt.Sprintf("import %q is not among the references", missing)}
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

func validateProtobuf(ctx context.Context, s Schema) error {
	_, err := LinkProtobuf(ctx, s)
	return err
}

// ProtobufText is the schema's text. Some serializers send a file descriptor in base64 in its place, which is written as text.
func ProtobufText(ctx context.Context, s Schema) (string, error) {
	if _, ok := decodeDescriptor(s.Text); !ok {
		return s.Text, nil
	}
	file, err := LinkProtobuf(ctx, s)
	if err != nil {
		return "", err
	}
	wrapped, err := desc.WrapFile(file)
	if err != nil {
		return "", fmt.Errorf("read file descriptor: %w", err)
	}
	text, err := (&protoprint.Printer{Compact: true}).PrintProtoToString(wrapped)
	if err != nil {
		return "", fmt.Errorf("write file descriptor as text: %w", err)
	}
	return text, nil
}

// ProtobufDescriptor is the schema as a file descriptor in base64, as some deserializers ask for it.
func ProtobufDescriptor(ctx context.Context, s Schema) (string, error) {
	file, err := LinkProtobuf(ctx, s)
	if err != nil {
		return "", err
	}
	descriptor := protoutil.ProtoFromFileDescriptor(file)
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(descriptor)
	if err != nil {
		return "", fmt.Errorf("encode descriptor: %w", err)
	}
	return base64.StdEncoding.EncodeToString(encoded), nil
}

// decodeDescriptor reads a file descriptor in base64. No text of a schema is base64: it has spaces.
func decodeDescriptor(text string) (*descriptorpb.FileDescriptorProto, bool) {
	encoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(encoded) == 0 {
		return nil, false
	}
	file := &descriptorpb.FileDescriptorProto{}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(encoded, file); err != nil {
		return nil, false
	}
	nameInJSON(file.GetMessageType())
	return file, true
}

// nameInJSON gives fields without a JSON name the one that they have by default: many descriptors leave it out.
func nameInJSON(messages []*descriptorpb.DescriptorProto) {
	for _, message := range messages {
		for _, field := range message.GetField() {
			if field.GetJsonName() == "" {
				field.JsonName = new(camelCase(field.GetName()))
			}
		}
		nameInJSON(message.GetNestedType())
	}
}

// camelCase is protoc's: what follows an underscore is in upper case, and the underscores go.
func camelCase(name string) string {
	parts := strings.Split(name, "_")
	for i, part := range parts {
		if i > 0 && part != "" {
			parts[i] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}

func canonicalProtobuf(ctx context.Context, s Schema) (string, error) {
	if text, err := ProtobufText(ctx, s); err == nil {
		s.Text = text
	}
	linked, missing, err := linkProtobuf(ctx, s)
	var file *descriptorpb.FileDescriptorProto
	switch {
	case missing != "":
		file, err = parseProtobuf(s.Text)
	case err == nil:
		file = protoutil.ProtoFromFileDescriptor(linked)
	}
	if err != nil {
		return "", err
	}
	file, err = normalizeFile(file)
	if err != nil {
		return "", err
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(file)
	if err != nil {
		return "", fmt.Errorf("encode descriptor: %w", err)
	}
	return base64.StdEncoding.EncodeToString(encoded), nil
}

// linkProtobuf compiles the schema with its references, or names an import that is not among them.
func linkProtobuf(ctx context.Context, s Schema) (file linker.File, missing string, err error) {
	source, err := protobufSource(s.Text)
	if err != nil {
		return nil, "", err
	}
	sources := protocompile.WithStandardImports(protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		if path == protoFile {
			return source, nil
		}
		if text, ok := s.References[path]; ok {
			return protobufSource(text)
		}
		if text, ok := confluentImports[path]; ok {
			return protobufSource(text)
		}
		return protocompile.SearchResult{}, protoregistry.NotFound
	}))
	var absent atomic.Value
	compiler := protocompile.Compiler{
		MaxParallelism: 1,
		Resolver: protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
			result, err := sources.FindFileByPath(path)
			if errors.Is(err, protoregistry.NotFound) {
				absent.CompareAndSwap(nil, path)
			}
			return result, err
		}),
	}
	files, err := compiler.Compile(ctx, protoFile)
	if name, ok := absent.Load().(string); ok {
		return nil, name, nil
	}
	if err != nil {
		return nil, "", protobufError(err)
	}
	return files[0], "", nil
}

func protobufSource(text string) (protocompile.SearchResult, error) {
	if file, ok := decodeDescriptor(text); ok {
		file.Name = new(string(protoFile))
		return protocompile.SearchResult{Proto: file}, nil
	}
	if err := checkNesting(text); err != nil {
		return protocompile.SearchResult{}, err
	}
	return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
}

// parseProtobuf reads the text alone: names of types stay as they are written.
func parseProtobuf(text string) (*descriptorpb.FileDescriptorProto, error) {
	handler := reporter.NewHandler(nil)
	tree, err := parser.Parse(protoFile, strings.NewReader(text), handler)
	if err != nil {
		return nil, protobufError(err)
	}
	result, err := parser.ResultFromAST(tree, true, handler)
	if err != nil {
		return nil, protobufError(err)
	}
	return result.FileDescriptorProto(), nil
}

// normalizeFile drops what the place of a statement adds to a descriptor, where the place means nothing.
func normalizeFile(file *descriptorpb.FileDescriptorProto) (*descriptorpb.FileDescriptorProto, error) {
	clone, ok := proto.Clone(file).(*descriptorpb.FileDescriptorProto)
	if !ok {
		return nil, errors.New("copy descriptor: not a file descriptor")
	}
	clone.Name = nil
	clone.SourceCodeInfo = nil
	sortImports(clone)
	sortOptions(clone.ProtoReflect())
	sortEnums(clone.GetEnumType())
	sortExtensions(clone.GetExtension())
	slices.SortStableFunc(clone.Service, func(a, b *descriptorpb.ServiceDescriptorProto) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	for _, message := range clone.GetMessageType() {
		normalizeMessage(message)
	}
	return clone, nil
}

// normalizeMessage keeps the order of fields and of messages, and sorts what is a set.
func normalizeMessage(message *descriptorpb.DescriptorProto) {
	sortEnums(message.GetEnumType())
	sortExtensions(message.GetExtension())
	slices.Sort(message.GetReservedName())
	slices.SortFunc(message.GetReservedRange(), func(a, b *descriptorpb.DescriptorProto_ReservedRange) int {
		return cmp.Compare(a.GetStart(), b.GetStart())
	})
	slices.SortFunc(message.GetExtensionRange(), func(a, b *descriptorpb.DescriptorProto_ExtensionRange) int {
		return cmp.Compare(a.GetStart(), b.GetStart())
	})
	for _, nested := range message.GetNestedType() {
		normalizeMessage(nested)
	}
}

// sortOptions sorts the options that nobody could interpret, for want of an import. Those of one name stay in order: together
// they are a list.
func sortOptions(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil || field.IsMap():
		case field.IsList():
			for i := range value.List().Len() {
				sortOptions(value.List().Get(i).Message())
			}
		default:
			sortOptions(value.Message())
		}
		return true
	})
	options, ok := m.Interface().(interface {
		GetUninterpretedOption() []*descriptorpb.UninterpretedOption
	})
	if !ok {
		return
	}
	slices.SortStableFunc(options.GetUninterpretedOption(), func(a, b *descriptorpb.UninterpretedOption) int {
		return strings.Compare(optionName(a), optionName(b))
	})
}

func optionName(option *descriptorpb.UninterpretedOption) string {
	var parts []string
	for _, part := range option.GetName() {
		parts = append(parts, part.GetNamePart())
	}
	return strings.Join(parts, ".")
}

func sortEnums(enums []*descriptorpb.EnumDescriptorProto) {
	for _, enum := range enums {
		slices.Sort(enum.GetReservedName())
		slices.SortFunc(enum.GetReservedRange(), func(a, b *descriptorpb.EnumDescriptorProto_EnumReservedRange) int {
			return cmp.Compare(a.GetStart(), b.GetStart())
		})
	}
	slices.SortStableFunc(enums, func(a, b *descriptorpb.EnumDescriptorProto) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
}

func sortExtensions(extensions []*descriptorpb.FieldDescriptorProto) {
	slices.SortStableFunc(extensions, func(a, b *descriptorpb.FieldDescriptorProto) int {
		return strings.Compare(a.GetExtendee()+" "+a.GetName(), b.GetExtendee()+" "+b.GetName())
	})
}

func sortImports(file *descriptorpb.FileDescriptorProto) {
	public := names(file.GetDependency(), file.GetPublicDependency())
	weak := names(file.GetDependency(), file.GetWeakDependency())
	slices.Sort(file.Dependency)
	file.PublicDependency = indexes(file.GetDependency(), public)
	file.WeakDependency = indexes(file.GetDependency(), weak)
}

func names(imports []string, at []int32) map[string]bool {
	found := make(map[string]bool, len(at))
	for _, i := range at {
		found[imports[i]] = true
	}
	return found
}

func indexes(imports []string, wanted map[string]bool) []int32 {
	var at []int32
	for i, name := range imports {
		if wanted[name] {
			at = append(at, int32(i))
		}
	}
	return at
}

func protobufError(err error) error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	var positioned reporter.ErrorWithPos
	if !errors.As(err, &positioned) {
		return &Error{Message: "not valid Protobuf: " + err.Error()}
	}
	at := positioned.GetPosition()
	if at.Filename != protoFile {
		return &Error{Message: "not valid Protobuf: " + positioned.Error()}
	}
	return &Error{Line: at.Line, Column: at.Col, Message: "not valid Protobuf: " + positioned.Unwrap().Error()}
}

// checkNesting refuses text whose brackets nest too deeply, before a recursive parser sees it. Comments and strings are skipped.
func checkNesting(text string) error {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '{', '[', '(', '<':
			depth++
			if depth > maxDepth {
				return errorAt(text, i, fmt.Sprintf("nested more than %d levels deep", maxDepth))
			}
		case '}', ']', ')', '>':
			depth--
		case '"', '\'':
			i = skipString(text, i)
		case '/':
			i = skipComment(text, i)
		}
	}
	return nil
}

// skipString is the place of the quote that ends the string that begins at i.
func skipString(text string, i int) int {
	quote := text[i]
	for i++; i < len(text) && text[i] != quote && text[i] != '\n'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

// skipComment is the last place of the comment that begins at i, or i where none does.
func skipComment(text string, i int) int {
	var end string
	switch {
	case strings.HasPrefix(text[i:], "//"):
		end = "\n"
	case strings.HasPrefix(text[i:], "/*"):
		end = "*/"
	default:
		return i
	}
	n := strings.Index(text[i+2:], end)
	if n < 0 {
		return len(text)
	}
	return i + 2 + n + len(end) - 1
}
