package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/schemacompat"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

const (
	// maxReferences bounds how many schemas one may refer to, directly and through one another, and maxReferenced how
	// large they may be together, in bytes.
	maxReferences = 1000
	maxReferenced = 8 << 20
)

var formats = []string{schematext.FormatJSON, schematext.FormatProtobuf, schematext.FormatAvro}

// submission is a schema as a client sends it.
type submission struct {
	Schema     string          `json:"schema"`
	Type       string          `json:"schemaType"`
	References []reference     `json:"references"`
	ID         int64           `json:"id"`
	Version    int64           `json:"version"`
	Metadata   json.RawMessage `json:"metadata"`
	RuleSet    json.RawMessage `json:"ruleSet"`
}

type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int64  `json:"version"`
}

// candidate is a submitted schema that was found valid. It has no id yet.
type candidate struct {
	schema    store.RegistrySchema
	canonical string
	parsed    *schemacompat.Schema
}

// candidate reads what was submitted for a subject.
func (r *Registry) candidate(ctx context.Context, subject string, s submission) (candidate, error) {
	schema := store.RegistrySchema{Format: s.Type, Text: s.Schema}
	if s.Type == "" {
		schema.Format = schematext.FormatAvro
	}
	if !slices.Contains(formats, schema.Format) {
		return candidate{}, unknownFormat(s.Type)
	}
	var err error
	if schema.Metadata, err = object("metadata", s.Metadata, &metadata{}); err != nil {
		return candidate{}, err
	}
	if schema.RuleSet, err = object("ruleSet", s.RuleSet, &map[string]any{}); err != nil {
		return candidate{}, err
	}
	if schema.References, err = checkReferences(subject, s.References); err != nil {
		return candidate{}, err
	}
	texts, err := r.referenceTexts(ctx, schema)
	if errors.Is(err, store.ErrNotFound) {
		return candidate{}, invalidSchema("%s", strings.TrimSuffix(err.Error(), ": "+store.ErrNotFound.Error()))
	}
	if err != nil {
		return candidate{}, err
	}
	text := schematext.Schema{Format: schema.Format, Text: s.Schema, References: texts}
	if schema.Format == schematext.FormatProtobuf {
		if text.Text, err = schematext.ProtobufText(ctx, text); err != nil {
			return candidate{}, unreadableSchema(err)
		}
		schema.Text = text.Text
	}
	parsed, err := schemacompat.Parse(ctx, text)
	if err != nil {
		return candidate{}, unreadableSchema(err)
	}
	canonical, err := schematext.Canonical(ctx, text)
	if err != nil {
		return candidate{}, err
	}
	schema.Fingerprint = fingerprint(schema, canonical)
	return candidate{schema: schema, canonical: canonical, parsed: parsed}, nil
}

// metadata is what a schema carries for people and for rules.
type metadata struct {
	Tags       map[string][]string `json:"tags,omitempty"`
	Properties map[string]string   `json:"properties,omitempty"`
	Sensitive  []string            `json:"sensitive,omitempty"`
}

// object checks that a value is of a shape, and writes it in one way. None is empty.
func object(name string, value json.RawMessage, shape any) (string, error) {
	if len(value) == 0 || string(value) == "null" {
		return "", nil
	}
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	if err := dec.Decode(shape); err != nil {
		return "", invalidSchema("its %s is not what this registry takes: %s", name, err)
	}
	text, err := json.Marshal(shape)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	if string(text) == "{}" {
		return "", nil
	}
	return string(text), nil
}

// unreadableSchema says what is wrong with a schema; what is wrong with the registry stays as it is.
func unreadableSchema(err error) error {
	if said, ok := errors.AsType[*schematext.Error](err); ok {
		return invalidSchema("%s", said)
	}
	return err
}

func checkReferences(subject string, list []reference) ([]store.RegistryReference, error) {
	if len(list) > maxReferences {
		return nil, invalidSchema("it has %d references, and may have %d", len(list), maxReferences)
	}
	var found []store.RegistryReference
	for _, one := range list {
		if one.Name == "" || one.Subject == "" || one.Version < 1 || one.Version > maxVersion {
			return nil, invalidSchema("a reference needs a name, a subject and a version from 1 to %d", maxVersion)
		}
		one.Subject = inContext(subject, one.Subject)
		found = append(found, store.RegistryReference(one))
	}
	return found, nil
}

// fingerprint is the same for schemas that mean the same, refer to the same and carry the same.
func fingerprint(schema store.RegistrySchema, canonical string) string {
	sorted := slices.Clone(schema.References)
	slices.SortFunc(sorted, func(a, b store.RegistryReference) int { return strings.Compare(a.Name, b.Name) })
	lines := []string{schema.Format, canonical}
	for _, ref := range sorted {
		lines = append(lines, fmt.Sprintf("%q %q %d", ref.Name, ref.Subject, ref.Version))
	}
	if schema.Metadata != "" {
		lines = append(lines, "metadata "+schema.Metadata)
	}
	if schema.RuleSet != "" {
		lines = append(lines, "ruleSet "+schema.RuleSet)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// referenceTexts reads what the references of a schema lead to, directly and through one another, by the names that the
// texts use. Those of Avro name no texts but types, and go by where they are.
func (r *Registry) referenceTexts(ctx context.Context, schema store.RegistrySchema) (map[string]string, error) {
	texts, places := map[string]string{}, map[string]string{}
	size := 0
	for queue := slices.Clone(schema.References); len(queue) > 0; queue = queue[1:] {
		next := queue[0]
		place := fmt.Sprintf("version %d of subject %q", next.Version, next.Subject)
		name := next.Name
		if schema.Format == schematext.FormatAvro {
			name = place
		}
		if before, ok := places[name]; ok && before != place {
			return nil, invalidSchema("the name %q leads to %s and to %s", name, before, place)
		} else if ok {
			continue
		}
		places[name] = place
		found, err := r.referenced(ctx, next)
		if err != nil {
			return nil, fmt.Errorf("reference %q: %s: %w", next.Name, place, err)
		}
		if found.Format != schema.Format {
			return nil, invalidSchema("reference %q: %s is of format %s, and not %s", next.Name, place, found.Format, schema.Format)
		}
		texts[name] = found.Text
		if size += len(found.Text); size > maxReferenced || len(texts) > maxReferences {
			return nil, invalidSchema("what it refers to is more than %d schemas or %d bytes", maxReferences, maxReferenced)
		}
		queue = append(queue, found.References...)
	}
	return texts, nil
}

func (r *Registry) referenced(ctx context.Context, ref store.RegistryReference) (store.RegistrySchema, error) {
	version, err := r.findVersion(ctx, ref.Subject, ref.Version)
	if err != nil {
		return store.RegistrySchema{}, err
	}
	return r.store.RegistrySchema(ctx, version.SchemaID)
}

// text is a stored schema with what it refers to.
func (r *Registry) text(ctx context.Context, schema store.RegistrySchema) (schematext.Schema, error) {
	texts, err := r.referenceTexts(ctx, schema)
	return schematext.Schema{Format: schema.Format, Text: schema.Text, References: texts}, err
}
