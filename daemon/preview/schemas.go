package preview

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/glue"
	"github.com/headgate/terraform-provider-headgate/daemon/schema"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

// schemas decodes what begins with the id of a schema in a registry. It asks for each schema once.
type schemas struct {
	ctx      context.Context // of one preview
	registry *schema.Reader
	glue     bool // the registry is AWS Glue's, whose serializers write in another way
	log      *slog.Logger
	byID     map[string]*written
	down     bool // the registry does not answer: it is asked no more
	// problems are what a person should know about schemas that could not be used.
	problems []string
	// failures are answers of which nothing could be learned.
	failures int
	// spent is how long the registry was waited for.
	spent time.Duration
}

// written is a schema that records were written with; all fields are empty where it is of no use.
type written struct {
	avro  *avro.Schema
	json  bool
	proto protoreflect.FileDescriptor
}

func newSchemas(ctx context.Context, registry *schema.Service, target *connection.Target, log *slog.Logger) *schemas {
	return &schemas{ctx: ctx, registry: registry.Reader(target.Name), glue: target.Kind == glue.KindName, log: log, byID: map[string]*written{}}
}

// confluentHeader reads Confluent's wire format, which Apicurio's serializers write too: a zero, the id in four bytes, then
// the content.
func confluentHeader(content []byte) (id string, payload []byte, ok bool) {
	number, payload, err := new(sr.ConfluentHeader).DecodeID(content)
	return strconv.Itoa(number), payload, err == nil
}

// glueHeader reads the wire format of AWS Glue Schema Registry's serializers: a three, how the content is compressed, the
// UUID of the version, then the content.
func glueHeader(content []byte) (id string, payload []byte, ok bool) {
	const (
		version, plain, deflated = 3, 0, 5
		length                   = 18
	)
	if len(content) < length || content[0] != version {
		return "", nil, false
	}
	id, payload = uuid.UUID(content[2:length]).String(), content[length:]
	switch content[1] {
	case plain:
		return id, payload, true
	case deflated:
		payload, err := inflate(payload)
		return id, payload, err == nil
	}
	return "", nil, false
}

// onlyMessage says whether Glue's number of the message, which counts by other rules than Confluent's list, can only be that
// of the first and only one on top of its schema.
func onlyMessage(file protoreflect.FileDescriptor, payload []byte) bool {
	return file.Messages().Len() == 1 && len(payload) > 0 && payload[0] == 0
}

func inflate(content []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxBytes))
}

func (s *schemas) decode(content []byte) (text, format string, ok bool) {
	header := confluentHeader
	if s.glue {
		header = glueHeader
	}
	id, payload, ok := header(content)
	if !ok {
		return "", "", false
	}
	found := s.schema(id)
	switch {
	case found.avro != nil:
		text, err := avroText(found.avro, payload)
		return text, formatAvro, err == nil
	case found.json && json.Valid(payload):
		return string(payload), formatJSON, true
	case found.proto != nil && (!s.glue || onlyMessage(found.proto, payload)):
		text, err := protobufText(found.proto, payload)
		return text, formatProtobuf, err == nil
	}
	return "", "", false
}

func avroText(schema *avro.Schema, payload []byte) (string, error) {
	var value any
	rest, err := schema.Decode(payload, &value)
	if err != nil {
		return "", err
	}
	if len(rest) > 0 {
		return "", errors.New("bytes are left over")
	}
	text, err := schema.EncodeJSON(value, avro.TaggedUnions())
	return string(text), err
}

func (s *schemas) schema(id string) *written {
	if found, ok := s.byID[id]; ok {
		return found
	}
	found := &written{}
	if !s.down {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(s.ctx, registryTime-s.spent)
		var err error
		found, err = s.fetch(ctx, id)
		cancel()
		s.spent += time.Since(begun)
		if err != nil {
			s.failed(id, err)
			found = &written{}
		}
	}
	s.byID[id] = found
	return found
}

// failed notes a schema that could not be had. That says nothing about the others, unless it goes on like that.
func (s *schemas) failed(id string, err error) {
	if !api.HasCode(err, api.CodeNotFound) && !errors.Is(err, errUseless) {
		s.failures++
	}
	s.down = s.failures >= registryFailures || s.spent >= registryTime
	s.problems = append(s.problems, fmt.Sprintf("Schema %s could not be used: %v.", id, err))
	s.log.WarnContext(s.ctx, "preview goes without a schema", slog.String("id", id), slog.Any("error", err))
}

// errUseless says that a schema came and cannot be used.
var errUseless = errors.New("the schema cannot be used")

func (s *schemas) fetch(ctx context.Context, id string) (*written, error) {
	got, err := s.registry.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	switch got.Format {
	case schematext.FormatJSON:
		return &written{json: true}, nil
	case schematext.FormatAvro:
		parsed, err := parse(got)
		return &written{avro: parsed}, err
	case schematext.FormatProtobuf:
		file, err := link(ctx, got)
		return &written{proto: file}, err
	default:
		return &written{}, nil
	}
}

// link compiles a Protobuf schema with those that it refers to.
func link(ctx context.Context, got *schema.Written) (protoreflect.FileDescriptor, error) {
	file, err := schematext.LinkProtobuf(ctx, schematext.Schema{Format: schematext.FormatProtobuf, Text: got.Schema, References: schema.ByName(got.References)})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUseless, err)
	}
	return file, nil
}

// maxMessageDepth bounds how deeply a message may be nested in others of its schema.
const maxMessageDepth = 64

// protobufText reads Confluent's list of indexes, which leads from the schema's messages to the one that was written, and
// the message itself.
func protobufText(file protoreflect.FileDescriptor, payload []byte) (string, error) {
	index, content, err := new(sr.ConfluentHeader).DecodeIndex(payload, maxMessageDepth)
	if err != nil {
		return "", err
	}
	messages := file.Messages()
	var message protoreflect.MessageDescriptor
	for _, i := range index {
		if i < 0 || i >= messages.Len() {
			return "", errors.New("the schema has no such message")
		}
		message = messages.Get(i)
		messages = message.Messages()
	}
	if message == nil {
		return "", errors.New("no message is named")
	}
	value := dynamicpb.NewMessage(message)
	if err := proto.Unmarshal(content, value); err != nil {
		return "", err
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(value)
	if err != nil {
		return "", err
	}
	// protojson varies its spaces on purpose.
	var compact bytes.Buffer
	err = json.Compact(&compact, text)
	return compact.String(), err
}

// parse parses an Avro schema with those that it refers to, which come first.
func parse(got *schema.Written) (parsed *avro.Schema, err error) {
	var cache avro.SchemaCache
	for _, one := range append(slices.Clone(got.References), schema.Reference{Text: got.Schema}) {
		if parsed, err = cache.Parse(one.Text); err != nil {
			return nil, fmt.Errorf("%w: %w", errUseless, err)
		}
	}
	return parsed, nil
}
