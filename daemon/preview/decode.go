package preview

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/schemaregistry"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// registryTime bounds all that one preview asks of a schema registry.
const registryTime = 3 * time.Second

// Formats that a key or value was decoded from.
const (
	formatNull = "null"
	formatJSON = "json"
	formatText = "text"
	formatHex  = "hex"
	formatAvro = "avro"
)

// decoder makes records readable.
type decoder struct {
	schemas *schemas // nil: there is no registry
	cancel  context.CancelFunc
}

// decoder uses the schema registry of the connection. Without it records still show, as hex where they need it.
func (s *Service) decoder(ctx context.Context, target *connection.Target) *decoder {
	client, err := s.registry(ctx, target)
	if err != nil {
		s.log.WarnContext(ctx, "preview goes without the schema registry", slog.String("connection", target.Name), slog.Any("error", err))
	}
	if client == nil {
		return &decoder{cancel: func() {}}
	}
	ctx, cancel := context.WithTimeout(ctx, registryTime)
	return &decoder{schemas: newSchemas(ctx, client, s.log), cancel: cancel}
}

func (s *Service) registry(ctx context.Context, target *connection.Target) (*sr.Client, error) {
	c, err := kafka.Of(target)
	if err != nil || c.SchemaRegistry == "" {
		return nil, err
	}
	registry, err := s.conns.Resolve(ctx, c.SchemaRegistry, "", schemaregistry.KindName)
	if err != nil {
		return nil, err
	}
	return schemaregistry.Client(registry.Spec.(*api.SchemaRegistryConnection))
}

func (d *decoder) close() { d.cancel() }

func (d *decoder) record(r *kgo.Record) api.Record {
	key, keyFormat := d.decode(r.Key)
	value, format := d.decode(r.Value)
	record := api.Record{
		Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UTC(),
		Key: key, KeyFormat: keyFormat, Value: value, Format: format,
	}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, api.RecordHeader{Key: h.Key, Value: header(h.Value)})
	}
	return record
}

func (d *decoder) decode(content []byte) (text *string, format string) {
	if content == nil {
		return nil, formatNull
	}
	decoded, format := d.text(content)
	return &decoded, format
}

func (d *decoder) text(content []byte) (text, format string) {
	if d.schemas != nil {
		if text, format, ok := d.schemas.decode(content); ok {
			return text, format
		}
	}
	switch {
	case json.Valid(content):
		return string(content), formatJSON
	case readable(content):
		return string(content), formatText
	}
	return hex.EncodeToString(content), formatHex
}

func header(content []byte) string {
	if readable(content) {
		return string(content)
	}
	return hex.EncodeToString(content)
}

// readable says whether the content is text that a terminal can show.
func readable(content []byte) bool {
	if !utf8.Valid(content) {
		return false
	}
	for _, r := range string(content) {
		if !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
	}
	return true
}
