package schema

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
	"golang.org/x/sync/errgroup"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Codes of Confluent's Schema Registry API.
const (
	// codeForbidden is what Confluent's own authorization answers, in Confluent Platform and Cloud: "User is denied operation
	// Read on Subject: orders-value; error code: 40301". Apicurio's compatible API has no such code.
	codeForbidden          = 40301
	codeSubjectNotFound    = 40401
	codeVersionNotFound    = 40402
	codeSchemaNotFound     = 40403
	codeSubjectSoftDeleted = 40404
	codeVersionSoftDeleted = 40406
	codeNoCompatibility    = 40408
	codeNoMode             = 40409
	codeInvalidSchema      = 42201
	codeInvalidLevel       = 42203
	codeInvalidMode        = 42204
	codeNotPermitted       = 42205
	codeReferenceExists    = 42206
	codeInvalidSubject     = 42208
)

// Versions as the client has them.
const (
	latestVersion = -1
	allVersions   = -2
)

// confluent is a registry that speaks the API of Confluent's Schema Registry.
type confluent struct {
	client *sr.Client
	// inherits is set where it is Apicurio's compatible API, which answers what holds for a subject whether it is the
	// subject's own or not.
	inherits bool
	// rules is a client for Apicurio's own API, which does tell; nil where it cannot be reached beside the compatible one.
	rules *sr.Client
}

// newConfluent asks the registry which of those it is.
func newConfluent(ctx context.Context, client *sr.Client, registryURL string) (c *confluent, told bool, err error) {
	c = &confluent{client: client}
	c.inherits, told, err = modesAreInherited(ctx, client)
	besides := strings.Contains(registryURL, apicurioCompatible)
	if err != nil || !c.inherits && !besides {
		return c, told, err
	}
	c.inherits = true
	if besides {
		c.rules, err = apicurioBeside(ctx, client)
	}
	return c, true, err
}

// modesAreInherited asks for the mode of a subject that cannot be there. Apicurio, which may be behind any path, answers one
// all the same; other registries say that there is no such subject, or that it has no mode. told is whether that is what
// was answered, not that one may not ask; but codeForbidden tells that it is not Apicurio.
func modesAreInherited(ctx context.Context, client *sr.Client) (inherited, told bool, err error) {
	err = client.Mode(ctx, "headgate-"+rand.Text())[0].Err
	switch s := status(confluentFault(err)); {
	case err == nil:
		return true, true, nil
	case hasCode(err, codeNoMode, codeSubjectNotFound, codeForbidden), s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusNotImplemented:
		return false, true, nil
	case s >= http.StatusBadRequest && s < http.StatusInternalServerError:
		return false, false, nil
	}
	return false, false, confluentFault(err)
}

// Traits implements [Registry]. Apicurio's compatible API answers READONLY and does not heed it.
func (c *confluent) Traits() Traits {
	return Traits{Name: "the registry", Once: true, Checks: true, Modes: !c.inherits, References: true, SoftDelete: true}
}

// Subjects implements [Registry].
func (c *confluent) Subjects(ctx context.Context) ([]string, error) {
	subjects, err := c.client.Subjects(ctx)
	return subjects, confluentFault(err)
}

// Version implements [Registry].
func (c *confluent) Version(ctx context.Context, subject string, number int64) (*Version, error) {
	wanted := int(number)
	if number == latest {
		wanted = latestVersion
	}
	found, err := c.client.SchemaByVersion(ctx, subject, wanted)
	if err != nil {
		return nil, confluentFault(err)
	}
	return confluentVersion(found), nil
}

func confluentVersion(s sr.SubjectSchema) *Version {
	return &Version{Text: confluentText(s.Schema), Subject: s.Subject, Number: int64(s.Version), ID: strconv.Itoa(s.ID)}
}

func confluentText(s sr.Schema) Text {
	t := Text{Format: s.Type.String(), Schema: s.Schema}
	for _, ref := range s.References {
		t.References = append(t.References, api.SchemaReference{Name: ref.Name, Subject: ref.Subject, Version: int64(ref.Version)})
	}
	return t
}

// ByID implements [Registry].
func (c *confluent) ByID(ctx context.Context, id, subject string) (*Version, error) {
	number, err := strconv.ParseInt(id, 10, 32)
	if err != nil {
		return nil, &AnswerError{Class: Absent, Err: errors.New("the ids of this registry are numbers")}
	}
	found, err := c.client.SchemaByID(ctx, int(number))
	if err != nil {
		return nil, confluentFault(err)
	}
	v := &Version{Text: confluentText(found), ID: id}
	places, err := c.client.SchemaVersionsByID(ctx, int(number))
	if err != nil && !is(confluentFault(err), Absent) {
		return nil, confluentFault(err)
	}
	slices.SortFunc(places, func(a, b sr.SubjectVersion) int { return strings.Compare(a.Subject, b.Subject) })
	for _, place := range places {
		if subject == "" || place.Subject == subject {
			v.Subject, v.Number = place.Subject, int64(place.Version)
			return v, nil
		}
	}
	if subject != "" {
		return nil, &AnswerError{Class: Absent, Err: fmt.Errorf("schema %s is no version of subject %q", id, subject)}
	}
	return v, nil
}

// Numbers implements [Registry].
func (c *confluent) Numbers(ctx context.Context, subject string, deleted bool) ([]int64, error) {
	if deleted {
		ctx = sr.WithParams(ctx, sr.ShowDeleted)
	}
	found, err := c.client.SubjectVersions(ctx, subject)
	if err != nil {
		return nil, confluentFault(err)
	}
	numbers := make([]int64, 0, len(found))
	for _, number := range found {
		numbers = append(numbers, int64(number))
	}
	return numbers, nil
}

// Settings implements [Registry].
func (c *confluent) Settings(ctx context.Context, subject string) (s Settings, err error) {
	if c.inherits {
		return c.told(ctx, subject)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		s.Compatibility, err = c.compatibility(ctx, subject)
		return err
	})
	group.Go(func() (err error) {
		s.Mode, err = c.mode(ctx, subject)
		return err
	})
	err = group.Wait()
	return s, err
}

// compatibility is empty for a subject that the registry says has none.
func (c *confluent) compatibility(ctx context.Context, subject string) (string, error) {
	answer := c.client.Compatibility(ctx, names(subject)...)[0]
	switch {
	case answer.Err == nil:
		return answer.Level.String(), nil
	case hasCode(answer.Err, codeNoCompatibility, codeSubjectNotFound):
		return "", nil
	}
	return "", confluentFault(answer.Err)
}

// mode is empty for a subject that has none, and where there is nothing to see: a registry without modes, or one that does
// not let us see them. Nobody needs them who declares none.
func (c *confluent) mode(ctx context.Context, subject string) (string, error) {
	answer := c.client.Mode(ctx, names(subject)...)[0]
	switch {
	case answer.Err == nil:
		return answer.Mode.String(), nil
	case hasCode(answer.Err, codeNoMode, codeSubjectNotFound), isTelling(answer.Err):
		return "", nil
	}
	return "", confluentFault(answer.Err)
}

// isTelling says whether an answer to a request for a mode says no more than that there is nothing to see.
func isTelling(err error) bool {
	s := status(confluentFault(err))
	return s == http.StatusForbidden || s == http.StatusNotFound || s == http.StatusMethodNotAllowed
}

// Inherited implements [Registry].
func (c *confluent) Inherited(ctx context.Context) (string, error) {
	answer := c.client.Compatibility(ctx)[0]
	return answer.Level.String(), confluentFault(answer.Err)
}

// SetCompatibility implements [Registry].
func (c *confluent) SetCompatibility(ctx context.Context, subject, compatibility string) error {
	if compatibility == "" && c.inherits && subject != "" {
		return c.inherit(ctx, subject)
	}
	if compatibility == "" {
		return c.resetCompatibility(ctx, subject)
	}
	var level sr.CompatibilityLevel
	if err := level.UnmarshalText([]byte(compatibility)); err != nil {
		return &AnswerError{Class: InvalidCompatibility, Err: err}
	}
	return confluentFault(c.client.SetCompatibility(ctx, sr.SetCompatibility{Level: level}, names(subject)...)[0].Err)
}

func (c *confluent) resetCompatibility(ctx context.Context, subject string) error {
	err := c.client.ResetCompatibility(ctx, names(subject)...)[0].Err
	if hasCode(err, codeNoCompatibility, codeSubjectNotFound) {
		return nil
	}
	return confluentFault(err)
}

// SetMode implements [Registry].
func (c *confluent) SetMode(ctx context.Context, subject, mode string) error {
	if mode == "" && subject == "" {
		mode = modeReadWrite // Some cannot take the global mode back; all begin with this one.
	}
	if mode == "" {
		err := c.client.ResetMode(ctx, subject)[0].Err
		if hasCode(err, codeNoMode, codeSubjectNotFound) {
			return nil
		}
		return confluentFault(err)
	}
	var m sr.Mode
	if err := m.UnmarshalText([]byte(mode)); err != nil {
		return fmt.Errorf("mode: %w", err)
	}
	return confluentFault(c.client.SetMode(ctx, m, names(subject)...)[0].Err)
}

// Formats implements [Registry].
func (c *confluent) Formats(ctx context.Context) []string {
	types, err := c.client.SupportedTypes(ctx)
	if err != nil {
		return nil // Registering a schema tells.
	}
	formats := make([]string, 0, len(types))
	for _, t := range types {
		formats = append(formats, t.String())
	}
	return formats
}

// Find implements [Registry].
func (c *confluent) Find(ctx context.Context, subject string, text Text) (int64, error) {
	schema, err := registrySchema(text)
	if err != nil {
		return 0, err
	}
	found, err := c.client.LookupSchema(ctx, subject, schema)
	if hasCode(err, codeSubjectNotFound, codeVersionNotFound, codeSchemaNotFound) {
		return 0, nil
	}
	return int64(found.Version), confluentFault(err)
}

// Check implements [Registry]. The registry chooses the versions by its mode; old ones only compare with a version that
// is named.
func (c *confluent) Check(ctx context.Context, subject string, text Text) error {
	schema, err := registrySchema(text)
	if err != nil {
		return err
	}
	ctx = sr.WithParams(ctx, sr.Verbose)
	answer, err := c.client.CheckCompatibility(ctx, subject, allVersions, schema)
	fault := confluentFault(err)
	if s := status(fault); (s == http.StatusNotFound || s == http.StatusMethodNotAllowed) && !is(fault, Absent) {
		answer, err = c.client.CheckCompatibility(ctx, subject, latestVersion, schema)
	}
	if err != nil {
		return confluentFault(err)
	}
	if answer.Is {
		return nil
	}
	return &AnswerError{Class: Incompatible, Reasons: answer.Messages, Err: errors.New("the registry refuses it")}
}

// Create implements [Registry].
func (c *confluent) Create(ctx context.Context, subject string, text Text, _ string) (string, error) {
	return c.Register(ctx, subject, text)
}

// Register implements [Registry].
func (c *confluent) Register(ctx context.Context, subject string, text Text) (string, error) {
	schema, err := registrySchema(text)
	if err != nil {
		return "", err
	}
	id, err := c.client.RegisterSchema(ctx, subject, schema, -1, -1)
	return strconv.Itoa(id), confluentFault(err)
}

func registrySchema(t Text) (sr.Schema, error) {
	s := sr.Schema{Schema: t.Schema}
	if err := s.Type.UnmarshalText([]byte(t.Format)); err != nil {
		return s, fmt.Errorf("format of schema: %w", err)
	}
	for _, ref := range t.References {
		s.References = append(s.References, sr.SchemaReference{Name: ref.Name, Subject: ref.Subject, Version: int(ref.Version)})
	}
	return s, nil
}

// Referrers implements [Registry].
func (c *confluent) Referrers(ctx context.Context, subject string, numbers []int64) ([]string, error) {
	var users []string
	for _, number := range numbers {
		found, err := c.client.SchemaReferences(ctx, subject, int(number))
		if status(confluentFault(err)) == http.StatusNotFound {
			continue // A registry that cannot tell refuses the delete itself.
		}
		if err != nil {
			return nil, confluentFault(err)
		}
		for _, one := range found {
			if one.Subject != subject {
				users = append(users, fmt.Sprintf("version %d of subject %q", one.Version, one.Subject))
			}
		}
	}
	return users, nil
}

// MayDelete implements [Registry].
func (*confluent) MayDelete(context.Context, bool) error { return nil }

// Delete implements [Registry]. A hard delete comes after a soft one.
func (c *confluent) Delete(ctx context.Context, subject string, hard bool) error {
	_, err := c.client.DeleteSubject(ctx, subject, sr.SoftDelete)
	if err != nil && !hasCode(err, codeSubjectNotFound, codeVersionNotFound, codeSubjectSoftDeleted) {
		return confluentFault(err)
	}
	if !hard {
		return nil
	}
	_, err = c.client.DeleteSubject(ctx, subject, sr.HardDelete)
	if hasCode(err, codeSubjectNotFound, codeVersionNotFound) {
		return nil
	}
	return confluentFault(err)
}

// DeleteVersion implements [Registry].
func (c *confluent) DeleteVersion(ctx context.Context, subject string, number int64) error {
	return confluentFault(c.client.DeleteSchema(ctx, subject, int(number), sr.SoftDelete))
}

// Close implements [Registry].
func (c *confluent) Close() {
	if client, ok := c.client.OptValue(sr.HTTPClient).(*http.Client); ok {
		client.CloseIdleConnections()
	}
}

// names are the subjects of a request for settings: none asks for the registry's own.
func names(subject string) []string {
	if subject == "" {
		return nil
	}
	return []string{subject}
}

func hasCode(err error, codes ...int) bool {
	var answer *sr.ResponseError
	return errors.As(err, &answer) && slices.Contains(codes, answer.ErrorCode)
}

// confluentFault makes a fault of what the registry answered; what is no answer stays as it is.
func confluentFault(err error) error {
	answer, ok := errors.AsType[*sr.ResponseError](err)
	if !ok {
		return err
	}
	return &AnswerError{Class: confluentClass(answer), Status: answer.StatusCode, Err: err}
}

func confluentClass(answer *sr.ResponseError) Class {
	switch answer.ErrorCode {
	case codeSubjectNotFound, codeVersionNotFound, codeSchemaNotFound, codeVersionSoftDeleted:
		return Absent
	case codeInvalidLevel:
		return InvalidCompatibility
	case codeInvalidSubject:
		return InvalidSubject
	case codeReferenceExists:
		return Referenced
	case codeNotPermitted, codeInvalidMode:
		return NotPermitted
	}
	switch answer.StatusCode {
	case http.StatusConflict:
		return Incompatible
	case http.StatusUnprocessableEntity:
		return InvalidSchema
	}
	return Other
}
