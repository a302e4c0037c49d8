package schema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

// latest is the number of the latest version.
const latest = 0

// maxReferences bounds how many schemas one schema may refer to, directly and through others.
const maxReferences = 1000

// Registry is what each kind of registry does with subjects, in the words of Confluent's Schema Registry: its names of
// formats, of compatibility and of modes. What the registry says no to comes as *AnswerError; any other error means that it
// did not answer, and that nothing is known.
type Registry interface {
	// Traits tell in what it differs from the others.
	Traits() Traits
	// Subjects lists the subjects that have a version, in any order.
	Subjects(ctx context.Context) ([]string, error)
	// Version reads a version, or with number 0 the latest one.
	Version(ctx context.Context, subject string, number int64) (*Version, error)
	// ByID reads what records with this id were written with. Its subject is empty where no subject has it any more.
	ByID(ctx context.Context, id, subject string) (*Version, error)
	// Numbers lists the versions of a subject from the oldest, deleted those too that were deleted softly.
	Numbers(ctx context.Context, subject string, deleted bool) ([]int64, error)
	// Settings reads what a subject has of its own, or with no subject what the registry has for all.
	Settings(ctx context.Context, subject string) (Settings, error)
	// Inherited is the compatibility of subjects that have none of their own.
	Inherited(ctx context.Context) (string, error)
	// SetCompatibility sets a subject's own, or with no subject the registry's. Empty takes it back.
	SetCompatibility(ctx context.Context, subject, compatibility string) error
	// SetMode is the same for the mode.
	SetMode(ctx context.Context, subject, mode string) error
	// Formats lists the formats that it takes, none where it does not tell.
	Formats(ctx context.Context) []string
	// Find answers the number of the version that is this schema, 0 where there is none.
	Find(ctx context.Context, subject string, text Text) (int64, error)
	// Check says whether the subject would take the schema as its next version, in the compatibility now in force; where
	// Traits has no Checks, only whether the registry can read the schema.
	Check(ctx context.Context, subject string, text Text) error
	// Create makes the schema the first version of a subject, and answers its id. Where Traits has an Implied compatibility,
	// a subject that is new begins with the given one; one that is there without versions keeps what it has.
	Create(ctx context.Context, subject string, text Text, compatibility string) (string, error)
	// Register makes the schema the next version, and answers its id.
	Register(ctx context.Context, subject string, text Text) (string, error)
	// Referrers lists, in words, the schemas of other subjects that refer to these versions.
	Referrers(ctx context.Context, subject string, numbers []int64) ([]string, error)
	// MayDelete says whether it would delete a subject for good, as far as it can be known before.
	MayDelete(ctx context.Context, hard bool) error
	// Delete deletes a subject softly, or hard for good; that it is gone already is fine.
	Delete(ctx context.Context, subject string, hard bool) error
	// DeleteVersion deletes the only version of a subject: softly, where Traits has SoftDelete, and else with the subject.
	DeleteVersion(ctx context.Context, subject string, number int64) error
	// Close lets go of what is kept for the next request. Requests under way, and later ones, are answered all the same.
	Close()
}

// Traits are the differences between the kinds of registry.
type Traits struct {
	// Name is what people call it.
	Name string
	// Once: a schema is kept once in a subject, so that an older version cannot become the latest again.
	Once bool
	// Checks: it says whether it would take a schema without registering it.
	Checks bool
	// Implied is the compatibility of a subject that declares none, where every subject has one of its own.
	Implied string
	// Modes: subjects and the registry can be READONLY.
	Modes bool
	// References: schemas may refer to schemas of other subjects.
	References bool
	// SoftDelete: a deleted subject's ids can go on to resolve.
	SoftDelete bool
	// Disabled: the compatibility DISABLED is known.
	Disabled bool
}

// Text is a schema as registries take it.
type Text struct {
	Format     string // AVRO, JSON or PROTOBUF
	Schema     string
	References []api.SchemaReference
}

// Version is one version of a subject.
type Version struct {
	Text
	Subject string
	Number  int64
	ID      string
}

// Settings are those of a subject or a registry; empty is none.
type Settings struct {
	Compatibility string
	Mode          string
	// Inherited is the compatibility of subjects that declare none, where the registry does not tell it from a subject's own.
	Inherited string
}

// implied says whether the compatibility is what a subject gets that declares none.
func (s Settings) implied() bool { return s.Inherited != "" && s.Compatibility == s.Inherited }

// declared is the compatibility that a subject declares which has these.
func (s Settings) declared() string {
	if s.implied() {
		return ""
	}
	return s.Compatibility
}

// Class is what kind of no a registry says.
type Class int

// The classes.
const (
	// Other is what nothing is made of: an outage, a refusal of the credentials, something that is no registry.
	Other Class = iota
	// Absent: the registry itself says that there is no such thing. Any other 404 may come from something else.
	Absent
	Exists
	Incompatible
	InvalidSchema
	InvalidCompatibility
	InvalidSubject
	Referenced
	NotPermitted
)

// AnswerError is a no of a registry.
type AnswerError struct {
	Class  Class
	Status int // of HTTP
	// Reasons of an incompatibility, where the registry tells them.
	Reasons []string
	Err     error
}

func (e *AnswerError) Error() string { return e.Err.Error() }

func (e *AnswerError) Unwrap() error { return e.Err }

func is(err error, classes ...Class) bool {
	fault, ok := errors.AsType[*AnswerError](err)
	return ok && slices.Contains(classes, fault.Class)
}

// formatsFor is how long what a registry says of the formats that it takes counts: it changes when the registry is upgraded.
const formatsFor = time.Minute

// opened is the registry of a connection.
type opened struct {
	Registry
	name string // of the connection
	log  *slog.Logger

	mu      sync.Mutex
	formats []string
	until   time.Time
}

// Formats implements [Registry].
func (r *opened) Formats(ctx context.Context) []string {
	if known := r.knownFormats(); len(known) > 0 {
		return known
	}
	formats := r.Registry.Formats(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.formats, r.until = formats, time.Now().Add(formatsFor)
	return formats
}

func (r *opened) knownFormats() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().After(r.until) {
		return nil
	}
	return r.formats
}

// get reads a subject as the API has it.
func (r *opened) get(ctx context.Context, subject string) (*api.Schema, error) {
	found, own, err := r.read(ctx, subject)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, r.noSubject(subject)
	}
	return r.answer(ctx, found, own)
}

// read reads the latest version, nil when the registry says that there is none, and the subject's own settings.
func (r *opened) read(ctx context.Context, subject string) (found *Version, own Settings, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		found, err = r.version(ctx, subject, latest)
		return err
	})
	group.Go(func() (err error) {
		own, err = r.own(ctx, subject)
		return err
	})
	err = group.Wait()
	return found, own, err
}

// version reads a version, or nil when the registry says that there is none.
func (r *opened) version(ctx context.Context, subject string, number int64) (*Version, error) {
	found, err := r.Version(ctx, subject, number)
	if is(err, Absent) {
		return nil, nil
	}
	if err != nil {
		return nil, r.failure(fmt.Sprintf("read subject %q", subject), err)
	}
	return found, nil
}

func (r *opened) own(ctx context.Context, subject string) (Settings, error) {
	own, err := r.Settings(ctx, subject)
	if is(err, Absent) {
		return Settings{Inherited: r.Traits().Implied}, nil
	}
	if err != nil {
		return own, r.failure(fmt.Sprintf("read the compatibility of subject %q", subject), err)
	}
	return own, nil
}

// inherited reads the compatibility of subjects that have none of their own.
func (r *opened) inherited(ctx context.Context) (string, error) {
	mode, err := r.Inherited(ctx)
	if err != nil {
		return "", r.failure("read the global compatibility", err)
	}
	return mode, nil
}

// numbers lists the versions, none when the registry says that there is no such subject.
func (r *opened) numbers(ctx context.Context, subject string, deleted bool) ([]int64, error) {
	numbers, err := r.Numbers(ctx, subject, deleted)
	if is(err, Absent) {
		return nil, nil
	}
	if err != nil {
		return nil, r.failure(fmt.Sprintf("list the versions of subject %q", subject), err)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// answer makes the API's schema of a version.
func (r *opened) answer(ctx context.Context, found *Version, own Settings) (*api.Schema, error) {
	texts, err := r.texts(ctx, found.References)
	if err != nil {
		return nil, r.failure(fmt.Sprintf("read what subject %q refers to", found.Subject), err)
	}
	answer := &api.Schema{
		Connection: r.name, Subject: found.Subject, Format: found.Format, Schema: found.Schema, References: found.References,
		Compatibility: own.Compatibility, CompatibilityImplied: own.implied(), Mode: own.Mode,
		ID: found.ID, Version: found.Number, CloudEvent: describesCloudEvent(found.Format, found.Schema, texts),
	}
	answer.Fingerprint = fingerprint(ctx, answer.Format, answer.Schema, texts)
	answer.Generation = generation(answer)
	return answer, nil
}

func (r *opened) answerVersion(ctx context.Context, found *Version) (*api.SchemaVersion, error) {
	texts, err := r.texts(ctx, found.References)
	if err != nil {
		return nil, r.failure(fmt.Sprintf("read what subject %q refers to", found.Subject), err)
	}
	return &api.SchemaVersion{
		Subject: found.Subject, Version: found.Number, ID: found.ID, Format: found.Format, Schema: found.Schema,
		References: found.References, Fingerprint: fingerprint(ctx, found.Format, found.Schema, texts),
	}, nil
}

// fingerprint is the same for texts that mean the same. A text that cannot be read, as another registry may hold, only
// equals itself.
func fingerprint(ctx context.Context, format, text string, texts []Reference) string {
	sum, err := schematext.Fingerprint(ctx, schematext.Schema{Format: format, Text: text, References: ByName(texts)})
	if err == nil {
		return sum
	}
	hash := sha256.Sum256([]byte(format + "\n" + text))
	return hex.EncodeToString(hash[:])
}

func generation(s *api.Schema) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s %s", s.ID, s.Version, s.Compatibility, s.Mode))
	return hex.EncodeToString(sum[:8])
}

// noSubject says that a subject is proven absent.
func (r *opened) noSubject(subject string) *api.Error {
	e := api.NotFound("Subject", subject)
	e.Remedy = fmt.Sprintf("Check the name, in upper and lower case as it is, and that connection %q leads to the registry that has it: the data source headgate_schemas lists what is there.", r.name)
	return e
}
