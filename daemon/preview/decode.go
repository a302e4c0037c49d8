package preview

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/registry"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// registryTime bounds all that one preview asks of a schema registry.
const registryTime = 3 * time.Second

// registryFailures is how many failures show that the registry is of no use: one or two can be those of single schemas.
const registryFailures = 3

// Formats that a key or value was decoded from.
const (
	formatNull = "null"
	formatJSON = "json"
	formatText = "text"
	formatHex  = "hex"
	formatAvro = "avro"

	formatProtobuf = "protobuf"
)

// Ways to make a value readable that its user chooses.
const (
	decodeRegistry = "registry"
	decodeJSON     = "json"
	decodeText     = "text"
)

// decoder makes records readable.
type decoder struct {
	schemas     *schemas // nil: there is no registry
	value, key  string   // the chosen ways
	unreachable string   // why there is no registry although the connection names one
	cancel      context.CancelFunc
}

// decoder uses the schema registry of the connection. Without it records still show, as hex where they need it.
func (s *Service) decoder(ctx context.Context, target *connection.Target, opts api.PreviewOptions) *decoder {
	d := &decoder{value: opts.Decode, key: opts.DecodeKey, cancel: func() {}}
	registry, err := s.registry(ctx, target)
	if err != nil {
		d.unreachable = fmt.Sprintf("The schema registry of the connection could not be used: %v.", err)
		s.log.WarnContext(ctx, "preview goes without the schema registry", slog.String("connection", target.Name), slog.Any("error", err))
	}
	if registry != nil {
		// A search by key may read long before there is anything to decode.
		ctx, cancel := context.WithTimeout(ctx, maxTime+registryTime)
		d.schemas, d.cancel = newSchemas(ctx, s.schemas, registry, s.log), cancel
	}
	return d
}

// notes say what could not be decoded, and why.
func (d *decoder) notes() []string {
	var notes []string
	if d.unreachable != "" {
		notes = append(notes, d.unreachable)
	}
	if d.schemas != nil {
		notes = append(notes, d.schemas.problems...)
	}
	return notes
}

// matches answers what tells records with a key from others: by its bytes, or as the key is shown. nil is no key.
func (d *decoder) matches(key *string) func(*kgo.Record) bool {
	if key == nil {
		return nil
	}
	return func(r *kgo.Record) bool {
		if r.Key == nil {
			return false
		}
		if string(r.Key) == *key {
			return true
		}
		shown, _ := d.decode(r.Key, d.key)
		return shown != nil && *shown == *key
	}
}

func (s *Service) registry(ctx context.Context, target *connection.Target) (*connection.Target, error) {
	c, err := kafka.Of(target)
	if err != nil || c.SchemaRegistry == "" {
		return nil, err
	}
	return s.conns.Resolve(ctx, c.SchemaRegistry, "", registry.Kinds()...)
}

func (d *decoder) close() { d.cancel() }

func (d *decoder) record(r *kgo.Record) api.Record {
	key, keyFormat := d.decode(r.Key, d.key)
	value, format := d.decode(r.Value, d.value)
	record := api.Record{
		Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UTC(),
		Key: key, KeyFormat: keyFormat, Value: value, Format: format,
	}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, api.RecordHeader{Key: h.Key, Value: header(h.Value)})
	}
	return record
}

func (d *decoder) decode(content []byte, way string) (text *string, format string) {
	if content == nil {
		return nil, formatNull
	}
	decoded, format := d.text(content, way)
	return &decoded, format
}

// text decodes by a chosen way, or by the first that fits. What nothing fits is hex.
func (d *decoder) text(content []byte, way string) (text, format string) {
	may := func(one string) bool { return way == one || way == "" || way == "auto" }
	if may(decodeRegistry) && d.schemas != nil {
		if text, format, ok := d.schemas.decode(content); ok {
			return text, format
		}
	}
	switch {
	case may(decodeJSON) && json.Valid(content):
		return string(content), formatJSON
	case may(decodeText) && (readable(content) || way == decodeText && utf8.Valid(content)):
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
