package schematext

import (
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
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// protoFile is what the schema's own file is called, in case a reference imports itself by that name.
const protoFile = "schema.proto"

func validateProtobuf(ctx context.Context, s Schema) error {
	if err := checkNesting(s.Text); err != nil {
		return err
	}
	_, missing, err := linkProtobuf(ctx, s)
	if missing != "" {
		return &Error{Message: fmt.Sprintf("import %q is not among the references", missing)}
	}
	return err
}

func canonicalProtobuf(ctx context.Context, s Schema) (string, error) {
	if err := checkNesting(s.Text); err != nil {
		return "", err
	}
	file, missing, err := linkProtobuf(ctx, s)
	if missing != "" {
		file, err = parseProtobuf(s.Text)
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
func linkProtobuf(ctx context.Context, s Schema) (file *descriptorpb.FileDescriptorProto, missing string, err error) {
	sources := protocompile.WithStandardImports(protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		if path == protoFile {
			return protocompile.SearchResult{Source: strings.NewReader(s.Text)}, nil
		}
		if text, ok := s.References[path]; ok && checkNesting(text) == nil {
			return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
		}
		return protocompile.SearchResult{}, protoregistry.NotFound
	}))
	var absent atomic.Value
	compiler := protocompile.Compiler{
		MaxParallelism: 1,
		Resolver: protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
			result, err := sources.FindFileByPath(path)
			if err != nil {
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
	linked, ok := files[0].(linker.Result)
	if !ok {
		return protoutil.ProtoFromFileDescriptor(files[0]), "", nil
	}
	return linked.FileDescriptorProto(), "", nil
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
	slices.SortStableFunc(clone.EnumType, func(a, b *descriptorpb.EnumDescriptorProto) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	slices.SortStableFunc(clone.Service, func(a, b *descriptorpb.ServiceDescriptorProto) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	slices.SortStableFunc(clone.Extension, func(a, b *descriptorpb.FieldDescriptorProto) int {
		return strings.Compare(a.GetExtendee()+" "+a.GetName(), b.GetExtendee()+" "+b.GetName())
	})
	return clone, nil
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
