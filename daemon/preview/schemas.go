package preview

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// maxReferences bounds how many schemas one schema may refer to, directly and through others.
const maxReferences = 1000

// schemas decodes what begins with the id of a schema in a registry. It asks for each schema once.
type schemas struct {
	ctx    context.Context // of one preview
	client *sr.Client
	log    *slog.Logger
	byID   map[int]*schema
	down   bool // the registry does not answer: it is asked no more
}

// schema is one that was asked for; all fields are empty where it is of no use.
type schema struct {
	avro *avro.Schema
	json bool
}

func newSchemas(ctx context.Context, client *sr.Client, log *slog.Logger) *schemas {
	return &schemas{ctx: ctx, client: client, log: log, byID: map[int]*schema{}}
}

// decode reads Confluent's wire format: a zero, the id in four bytes, then the content.
func (s *schemas) decode(content []byte) (text, format string, ok bool) {
	id, payload, err := new(sr.ConfluentHeader).DecodeID(content)
	if err != nil {
		return "", "", false
	}
	found := s.schema(id)
	switch {
	case found.avro != nil:
		text, err := avroText(found.avro, payload)
		return text, formatAvro, err == nil
	case found.json && json.Valid(payload):
		return string(payload), formatJSON, true
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

func (s *schemas) schema(id int) *schema {
	if found, ok := s.byID[id]; ok {
		return found
	}
	found := &schema{}
	if !s.down {
		var err error
		if found, err = s.fetch(id); err != nil {
			s.failed(id, err)
			found = &schema{}
		}
	}
	s.byID[id] = found
	return found
}

// failed notes a registry that is down. That a schema is unknown or broken says nothing about the others.
func (s *schemas) failed(id int, err error) {
	var answer *sr.ResponseError
	s.down = !errors.As(err, &answer) && !errors.Is(err, errUseless)
	s.log.WarnContext(s.ctx, "preview goes without a schema", slog.Int("id", id), slog.Any("error", err))
}

// errUseless says that a schema came and cannot be used.
var errUseless = errors.New("the schema cannot be used")

func (s *schemas) fetch(id int) (*schema, error) {
	got, err := s.client.SchemaByID(s.ctx, id)
	if err != nil {
		return nil, err
	}
	switch got.Type {
	case sr.TypeJSON:
		return &schema{json: true}, nil
	case sr.TypeAvro:
		parsed, err := s.parse(got, &parsing{seen: map[sr.SchemaReference]bool{}})
		return &schema{avro: parsed}, err
	default:
		return &schema{}, nil
	}
}

// parsing is the parsing of one schema with those that it refers to.
type parsing struct {
	cache avro.SchemaCache
	seen  map[sr.SchemaReference]bool
}

func (s *schemas) parse(got sr.Schema, p *parsing) (*avro.Schema, error) {
	for _, ref := range got.References {
		one := sr.SchemaReference{Subject: ref.Subject, Version: ref.Version}
		if p.seen[one] {
			continue
		}
		p.seen[one] = true
		if len(p.seen) > maxReferences {
			return nil, fmt.Errorf("%w: it refers to more than %d others", errUseless, maxReferences)
		}
		referred, err := s.client.SchemaByVersion(s.ctx, ref.Subject, ref.Version)
		if err != nil {
			return nil, err
		}
		if _, err := s.parse(referred.Schema, p); err != nil {
			return nil, err
		}
	}
	parsed, err := p.cache.Parse(got.Schema)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUseless, err)
	}
	return parsed, nil
}
