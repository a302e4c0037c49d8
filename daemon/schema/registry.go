package schema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

const (
	latest = -1
	all    = -2

	// maxReferences bounds how many schemas one schema may refer to, directly and through others.
	maxReferences = 1000
)

// Codes of Confluent's Schema Registry API.
const (
	codeSubjectNotFound    = 40401
	codeVersionNotFound    = 40402
	codeSchemaNotFound     = 40403
	codeNoCompatibility    = 40408
	codeInvalidSchema      = 42201
	codeInvalidLevel       = 42203
	codeNotPermitted       = 42205
	codeReferenceExists    = 42206
	codeInvalidSubject     = 42208
	codeSubjectSoftDeleted = 40404
)

// registry is the registry of a connection.
type registry struct {
	name   string // of the connection
	client *sr.Client
	log    *slog.Logger
	// apicurio is set where it is Apicurio's compatible API, which answers the global mode for a subject that has none:
	// it is a client for Apicurio's own API, which does tell.
	apicurio *sr.Client
}

// isApicurio goes by the path below which Apicurio has its compatible API.
func isApicurio(registryURL string) bool {
	u, err := url.Parse(registryURL)
	return err == nil && strings.Contains(u.Path, "/apis/ccompat/v")
}

// get reads a subject as the API has it.
func (r *registry) get(ctx context.Context, subject string) (*api.Schema, error) {
	found, err := r.latest(ctx, subject)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, api.NotFound("Subject", subject)
	}
	own, err := r.ownMode(ctx, subject)
	if err != nil {
		return nil, err
	}
	return r.answer(ctx, found, own)
}

// latest reads the latest version, or nil when the registry says that there is none.
func (r *registry) latest(ctx context.Context, subject string) (*sr.SubjectSchema, error) {
	found, err := r.client.SchemaByVersion(ctx, subject, latest)
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, r.failure(fmt.Sprintf("read subject %q", subject), err)
	}
	return &found, nil
}

// ownMode reads the subject's own compatibility mode; it is empty where the global one holds.
func (r *registry) ownMode(ctx context.Context, subject string) (string, error) {
	answer := r.client.Compatibility(ctx, subject)[0]
	if hasCode(answer.Err, codeNoCompatibility, codeSubjectNotFound) {
		return "", nil
	}
	if answer.Err != nil {
		return "", r.failure(fmt.Sprintf("read the compatibility of subject %q", subject), answer.Err)
	}
	if r.apicurio == nil {
		return answer.Level.String(), nil
	}
	own, err := r.apicurioRule(ctx, subject)
	if err != nil || !own {
		return "", err
	}
	return answer.Level.String(), nil
}

// apicurioClient is the client with the content type of Apicurio's own API.
func apicurioClient(compatible *sr.Client) (*sr.Client, error) {
	return sr.NewClient(append(compatible.Opts(), sr.PreReq(func(req *http.Request) error {
		req.Header.Set("Accept", "application/json")
		return nil
	}))...)
}

// apicurioRule asks Apicurio's own API, which lies beside the compatible one, whether the subject has a rule of its own.
func (r *registry) apicurioRule(ctx context.Context, subject string) (bool, error) {
	var rules []string
	err := r.apicurio.Do(ctx, http.MethodGet, "/../../registry/v3/groups/default/artifacts/"+url.PathEscape(subject)+"/rules", nil, &rules)
	var answer *sr.ResponseError
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, r.failure(fmt.Sprintf("read the rules of subject %q", subject), err)
	}
	return slices.Contains(rules, "COMPATIBILITY"), nil
}

// globalMode reads the mode of subjects that have none of their own.
func (r *registry) globalMode(ctx context.Context) (string, error) {
	answer := r.client.Compatibility(ctx)[0]
	if answer.Err != nil {
		return "", r.failure("read the global compatibility", answer.Err)
	}
	return answer.Level.String(), nil
}

// answer makes the API's schema of a version.
func (r *registry) answer(ctx context.Context, found *sr.SubjectSchema, own string) (*api.Schema, error) {
	references := apiReferences(found.References)
	texts, err := r.texts(ctx, references)
	if err != nil {
		return nil, r.failure(fmt.Sprintf("read what subject %q refers to", found.Subject), err)
	}
	answer := &api.Schema{
		Connection: r.name, Subject: found.Subject, Format: found.Type.String(), Schema: found.Schema.Schema,
		References: references, Compatibility: own, ID: int64(found.ID), Version: int64(found.Version),
	}
	answer.Fingerprint = fingerprint(ctx, answer.Format, answer.Schema, texts)
	answer.Generation = generation(answer)
	return answer, nil
}

// fingerprint is the same for texts that mean the same. A text that cannot be read, as another registry may hold, only
// equals itself.
func fingerprint(ctx context.Context, format, text string, texts []referred) string {
	sum, err := schematext.Fingerprint(ctx, schematext.Schema{Format: format, Text: text, References: byName(texts)})
	if err == nil {
		return sum
	}
	hash := sha256.Sum256([]byte(format + "\n" + text))
	return hex.EncodeToString(hash[:])
}

func generation(s *api.Schema) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", s.ID, s.Version, s.Compatibility))
	return hex.EncodeToString(sum[:8])
}

// referred is a schema that another refers to.
type referred struct {
	name string // that the referring text uses
	text string
}

func byName(texts []referred) map[string]string {
	named := make(map[string]string, len(texts))
	for _, one := range texts {
		named[one.name] = one.text
	}
	return named
}

// referenceError says that a reference of the schema itself, not of one that it refers to, leads nowhere.
type referenceError struct {
	index int
	err   error
}

func (e *referenceError) Error() string { return e.err.Error() }

func (e *referenceError) Unwrap() error { return e.err }

// texts reads everything that a schema refers to, directly or through others; what is referred to comes first.
func (r *registry) texts(ctx context.Context, references []api.SchemaReference) ([]referred, error) {
	reading := &reading{r: r, seen: map[api.SchemaReference]bool{}}
	for i, ref := range references {
		if err := reading.follow(ctx, ref); err != nil {
			return nil, &referenceError{i, err}
		}
	}
	return reading.texts, nil
}

type reading struct {
	r     *registry
	seen  map[api.SchemaReference]bool
	texts []referred
}

func (rd *reading) follow(ctx context.Context, ref api.SchemaReference) error {
	if rd.seen[ref] {
		return nil
	}
	rd.seen[ref] = true
	if len(rd.seen) > maxReferences {
		return fmt.Errorf("more than %d references", maxReferences)
	}
	found, err := rd.r.client.SchemaByVersion(ctx, ref.Subject, int(ref.Version))
	if err != nil {
		return fmt.Errorf("read version %d of subject %q: %w", ref.Version, ref.Subject, err)
	}
	for _, next := range apiReferences(found.References) {
		if err := rd.follow(ctx, next); err != nil {
			return err
		}
	}
	rd.texts = append(rd.texts, referred{ref.Name, found.Schema.Schema})
	return nil
}

func apiReferences(references []sr.SchemaReference) []api.SchemaReference {
	list := make([]api.SchemaReference, 0, len(references))
	for _, ref := range references {
		list = append(list, api.SchemaReference{Name: ref.Name, Subject: ref.Subject, Version: int64(ref.Version)})
	}
	return list
}

func registryReferences(references []api.SchemaReference) []sr.SchemaReference {
	list := make([]sr.SchemaReference, 0, len(references))
	for _, ref := range references {
		list = append(list, sr.SchemaReference{Name: ref.Name, Subject: ref.Subject, Version: int(ref.Version)})
	}
	return list
}

// isAbsent says whether the registry itself says that a subject or version does not exist. Any other 404 may come from
// something else that answers in its place.
func isAbsent(err error) bool { return hasCode(err, codeSubjectNotFound, codeVersionNotFound) }

func hasCode(err error, codes ...int) bool {
	var answer *sr.ResponseError
	return errors.As(err, &answer) && slices.Contains(codes, answer.ErrorCode)
}
