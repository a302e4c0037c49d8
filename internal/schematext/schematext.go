// Package schematext reads the text of schemas: is it valid, and do two texts mean the same?
package schematext

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The schema languages, by the names that Confluent-compatible registries use.
const (
	FormatAvro     = "AVRO"
	FormatJSON     = "JSON"
	FormatProtobuf = "PROTOBUF"
)

// Schema is a schema with the texts that it refers to.
type Schema struct {
	// Format is AVRO, JSON or PROTOBUF; empty means AVRO, as registries have it.
	Format string
	Text   string
	// References are the schemas that the text refers to, directly or through one another, by the name the text uses: a
	// Protobuf import path, a JSON Schema $ref; for Avro any name, since its texts name their types themselves.
	References map[string]string
}

// Error says what is wrong with a schema, and where.
type Error struct {
	// Line and Column count from 1; both are 0 where Path says it better, or nobody knows.
	Line, Column int
	// Path is a JSON pointer into the text; empty where Line says it better, or the whole schema is meant.
	Path    string
	Message string
}

// Error puts the place before the message.
func (e *Error) Error() string {
	switch {
	case e.Line > 0:
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
	case e.Path != "":
		return e.Path + ": " + e.Message
	default:
		return e.Message
	}
}

// Validate says whether the schema is a valid one of its format, all its references given. What is wrong with it comes as *Error.
func Validate(ctx context.Context, s Schema) error {
	if err := checkText(s.Text); err != nil {
		return err
	}
	switch s.Format {
	case FormatAvro, "":
		return validateAvro(s)
	case FormatJSON:
		return validateJSONSchema(s)
	case FormatProtobuf:
		return validateProtobuf(ctx, s)
	default:
		return unknownFormat(s.Format)
	}
}

// Canonical renders the schema in a form that is the same for texts that mean the same: whitespace, comments and the order of
// JSON keys never matter, documentation, defaults, aliases and the order of fields always do. It asks for well-formed text
// only, so that it can compare what other registries accept.
//
// AVRO: names are full names, {"type":"string"} is "string", and the defaults "order":"ascending" and "aliases":[] are dropped.
// JSON: keys are sorted and numbers are written plainly, 1.0 as 1.
// PROTOBUF: the encoded descriptor with type names resolved; where imports are missing from the references the names stay as
// written. The order of messages stays, as serializers write a message's index to the wire.
func Canonical(ctx context.Context, s Schema) (string, error) {
	if err := checkText(s.Text); err != nil {
		return "", err
	}
	switch s.Format {
	case FormatAvro, "":
		return canonicalAvro(s)
	case FormatJSON:
		return canonicalJSON(s.Text)
	case FormatProtobuf:
		return canonicalProtobuf(ctx, s)
	default:
		return "", unknownFormat(s.Format)
	}
}

// Fingerprint is the SHA-256 of the canonical form, in hex.
func Fingerprint(ctx context.Context, s Schema) (string, error) {
	text, err := Canonical(ctx, s)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

func unknownFormat(format string) error {
	return &Error{Message: fmt.Sprintf("unknown schema format %q: it must be AVRO, JSON or PROTOBUF", format)}
}

func checkText(text string) error {
	if strings.TrimSpace(text) == "" {
		return &Error{Message: "the schema is empty"}
	}
	for i, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
			return errorAt(text, i, "the text is not valid UTF-8")
		}
	}
	return nil
}

// errorAt is an error at a byte offset of the text. Columns count characters.
func errorAt(text string, offset int, message string) *Error {
	before := text[:min(max(offset, 0), len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		Line:    strings.Count(before, "\n") + 1,
		Column:  utf8.RuneCountInString(before[start:]) + 1,
		Message: message,
	}
}
