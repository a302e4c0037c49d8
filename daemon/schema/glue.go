package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

// gluePause is how long to wait before asking again how far AWS Glue is.
const gluePause = 200 * time.Millisecond

// glueAll is how Glue's names of modes end where Confluent's end with _TRANSITIVE.
const glueAll = "_ALL"

// glueRegistry is a registry of AWS Glue Schema Registry (API of 2017-03-31). A subject is a schema there, and the id that
// records carry the UUID of a version. Each schema has a compatibility of its own, and what was deleted is gone for good.
type glueRegistry struct {
	client   *glue.Client
	registry string
}

// Traits implements [Registry]. Glue checks the compatibility of a version after it took it.
func (*glueRegistry) Traits() Traits {
	return Traits{Name: "AWS Glue Schema Registry", Once: true, Implied: "BACKWARD", Disabled: true}
}

func (g *glueRegistry) id(subject string) *types.SchemaId {
	return &types.SchemaId{RegistryName: aws.String(g.registry), SchemaName: aws.String(subject)}
}

// Subjects implements [Registry].
func (g *glueRegistry) Subjects(ctx context.Context) ([]string, error) {
	var subjects []string
	pages := glue.NewListSchemasPaginator(g.client, &glue.ListSchemasInput{RegistryId: &types.RegistryId{RegistryName: aws.String(g.registry)}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, glueError(err)
		}
		for _, s := range page.Schemas {
			if s.SchemaStatus != types.SchemaStatusDeleting {
				subjects = append(subjects, aws.ToString(s.SchemaName))
			}
		}
	}
	return subjects, nil
}

// Version implements [Registry]. The latest is the latest that Glue found to be compatible.
func (g *glueRegistry) Version(ctx context.Context, subject string, number int64) (*Version, error) {
	wanted := &types.SchemaVersionNumber{VersionNumber: aws.Int64(number)}
	if number == latest {
		wanted = &types.SchemaVersionNumber{LatestVersion: true}
	}
	found, err := g.client.GetSchemaVersion(ctx, &glue.GetSchemaVersionInput{SchemaId: g.id(subject), SchemaVersionNumber: wanted})
	if err != nil {
		return nil, glueError(err)
	}
	return g.version(found)
}

func (g *glueRegistry) version(found *glue.GetSchemaVersionOutput) (*Version, error) {
	if found.Status != types.SchemaVersionStatusAvailable && found.Status != types.SchemaVersionStatusPending {
		return nil, &AnswerError{Class: Absent, Err: fmt.Errorf("the version is in status %s", found.Status)}
	}
	arn := aws.ToString(found.SchemaArn)
	return &Version{
		Subject: arn[strings.LastIndex(arn, "/")+1:], Number: aws.ToInt64(found.VersionNumber), ID: aws.ToString(found.SchemaVersionId),
		Text: Text{Format: string(found.DataFormat), Schema: aws.ToString(found.SchemaDefinition)},
	}, nil
}

// ByID implements [Registry].
func (g *glueRegistry) ByID(ctx context.Context, id, subject string) (*Version, error) {
	found, err := g.client.GetSchemaVersion(ctx, &glue.GetSchemaVersionInput{SchemaVersionId: aws.String(id)})
	if err != nil {
		return nil, asAbsent(glueError(err))
	}
	v, err := g.version(found)
	if err != nil {
		return nil, err
	}
	if subject != "" && v.Subject != subject {
		return nil, &AnswerError{Class: Absent, Err: fmt.Errorf("schema %s is no version of subject %q", id, subject)}
	}
	return v, nil
}

// asAbsent takes it that an id that is not valid has no schema.
func asAbsent(err error) error {
	if is(err, InvalidSchema) {
		return &AnswerError{Class: Absent, Err: err}
	}
	return err
}

// Numbers implements [Registry].
func (g *glueRegistry) Numbers(ctx context.Context, subject string, _ bool) ([]int64, error) {
	var numbers []int64
	pages := glue.NewListSchemaVersionsPaginator(g.client, &glue.ListSchemaVersionsInput{SchemaId: g.id(subject)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, glueError(err)
		}
		for _, v := range page.Schemas {
			if v.Status == types.SchemaVersionStatusAvailable || v.Status == types.SchemaVersionStatusPending {
				numbers = append(numbers, aws.ToInt64(v.VersionNumber))
			}
		}
	}
	return numbers, nil
}

// Settings implements [Registry].
func (g *glueRegistry) Settings(ctx context.Context, subject string) (Settings, error) {
	found, err := g.client.GetSchema(ctx, &glue.GetSchemaInput{SchemaId: g.id(subject)})
	if err != nil {
		return Settings{}, glueError(err)
	}
	return Settings{Compatibility: fromGlue(found.Compatibility), Inherited: g.Traits().Implied}, nil
}

// fromGlue is Confluent's name of a mode: what Glue compares with all versions is transitive.
func fromGlue(mode types.Compatibility) string {
	if plain, all := strings.CutSuffix(string(mode), glueAll); all {
		return plain + transitiveSuffix
	}
	return string(mode)
}

func toGlue(mode string) types.Compatibility {
	if plain, all := strings.CutSuffix(mode, transitiveSuffix); all {
		return types.Compatibility(plain + glueAll)
	}
	return types.Compatibility(mode)
}

// Close implements [Registry]. The SDK has its connections time out.
func (*glueRegistry) Close() {}

// Inherited implements [Registry].
func (g *glueRegistry) Inherited(context.Context) (string, error) { return g.Traits().Implied, nil }

// SetCompatibility implements [Registry]. With a compatibility Glue requires the checkpoint too, the version from which it
// compares: it stays the same.
func (g *glueRegistry) SetCompatibility(ctx context.Context, subject, compatibility string) error {
	found, err := g.client.GetSchema(ctx, &glue.GetSchemaInput{SchemaId: g.id(subject)})
	if err != nil {
		return glueError(err)
	}
	checkpoint := &types.SchemaVersionNumber{VersionNumber: found.SchemaCheckpoint}
	if aws.ToInt64(found.SchemaCheckpoint) == 0 {
		checkpoint = &types.SchemaVersionNumber{LatestVersion: true}
	}
	_, err = g.client.UpdateSchema(ctx, &glue.UpdateSchemaInput{
		SchemaId: g.id(subject), Compatibility: toGlue(cmp.Or(compatibility, g.Traits().Implied)), SchemaVersionNumber: checkpoint,
	})
	return glueError(err)
}

// SetMode implements [Registry]. There are no modes.
func (*glueRegistry) SetMode(context.Context, string, string) error {
	return &AnswerError{Class: NotPermitted, Err: errors.New("there are no modes")}
}

// Formats implements [Registry].
func (*glueRegistry) Formats(context.Context) []string {
	return []string{schematext.FormatAvro, schematext.FormatJSON, schematext.FormatProtobuf}
}

// Find implements [Registry].
func (g *glueRegistry) Find(ctx context.Context, subject string, text Text) (int64, error) {
	found, err := g.client.GetSchemaByDefinition(ctx, &glue.GetSchemaByDefinitionInput{SchemaId: g.id(subject), SchemaDefinition: aws.String(text.Schema)})
	if err = glueError(err); is(err, Absent) {
		return 0, nil
	}
	if err != nil || found.Status != types.SchemaVersionStatusAvailable {
		return 0, err
	}
	version, err := g.ByID(ctx, aws.ToString(found.SchemaVersionId), "")
	if err != nil {
		return 0, err
	}
	return version.Number, nil
}

// Check implements [Registry]. Glue says whether the text is valid, and nothing of compatibility.
func (g *glueRegistry) Check(ctx context.Context, _ string, text Text) error {
	answer, err := g.client.CheckSchemaVersionValidity(ctx, &glue.CheckSchemaVersionValidityInput{
		DataFormat: types.DataFormat(text.Format), SchemaDefinition: aws.String(text.Schema),
	})
	if err != nil {
		return glueError(err)
	}
	if !answer.Valid {
		return &AnswerError{Class: InvalidSchema, Err: errors.New(aws.ToString(answer.Error))}
	}
	return nil
}

// Register implements [Registry]. It waits until Glue has compared the version with those before it.
func (g *glueRegistry) Register(ctx context.Context, subject string, text Text) (string, error) {
	made, err := g.client.RegisterSchemaVersion(ctx, &glue.RegisterSchemaVersionInput{SchemaId: g.id(subject), SchemaDefinition: aws.String(text.Schema)})
	if err != nil {
		return "", glueError(err)
	}
	return g.available(ctx, subject, aws.ToString(made.SchemaVersionId), aws.ToInt64(made.VersionNumber), made.Status)
}

// Create implements [Registry]. A schema that is there and has no version gets it.
func (g *glueRegistry) Create(ctx context.Context, subject string, text Text, compatibility string) (string, error) {
	made, err := g.client.CreateSchema(ctx, &glue.CreateSchemaInput{
		RegistryId: &types.RegistryId{RegistryName: aws.String(g.registry)}, SchemaName: aws.String(subject), DataFormat: types.DataFormat(text.Format),
		Compatibility: toGlue(compatibility), SchemaDefinition: aws.String(text.Schema),
	})
	if err == nil {
		return g.available(ctx, subject, aws.ToString(made.SchemaVersionId), 1, made.SchemaVersionStatus)
	}
	if err = glueError(err); !is(err, Exists) {
		return "", err
	}
	if _, found := g.Version(ctx, subject, latest); !is(found, Absent) {
		return "", errors.Join(err, found)
	}
	return g.Register(ctx, subject, text)
}

// available waits for the outcome of Glue's own check. A version that failed it goes again: it would stay in the list.
func (g *glueRegistry) available(ctx context.Context, subject, id string, number int64, status types.SchemaVersionStatus) (string, error) {
	for status == types.SchemaVersionStatusPending {
		if err := sleep(ctx, gluePause); err != nil {
			return "", fmt.Errorf("wait until AWS Glue has checked version %d: %w", number, err)
		}
		found, err := g.client.GetSchemaVersion(ctx, &glue.GetSchemaVersionInput{SchemaVersionId: aws.String(id)})
		if err != nil {
			return "", glueError(err)
		}
		status = found.Status
	}
	if status == types.SchemaVersionStatusAvailable {
		return id, nil
	}
	refusal := &AnswerError{Class: Incompatible, Err: fmt.Errorf("version %d is in status %s", number, status)}
	_, err := g.client.DeleteSchemaVersions(ctx, &glue.DeleteSchemaVersionsInput{SchemaId: g.id(subject), Versions: aws.String(fmt.Sprint(number))})
	if err != nil {
		refusal.Err = fmt.Errorf("%w, and stays in the list of versions: %w", refusal.Err, err)
	}
	return "", refusal
}

// Referrers implements [Registry]. There are no references.
func (*glueRegistry) Referrers(context.Context, string, []int64) ([]string, error) { return nil, nil }

// MayDelete implements [Registry].
func (*glueRegistry) MayDelete(context.Context, bool) error { return nil }

// Delete implements [Registry]. Glue deletes in the background: it is over when the schema is gone.
func (g *glueRegistry) Delete(ctx context.Context, subject string, _ bool) error {
	_, err := g.client.DeleteSchema(ctx, &glue.DeleteSchemaInput{SchemaId: g.id(subject)})
	if err = glueError(err); is(err, Absent) {
		return nil
	}
	for err == nil {
		_, err = g.client.GetSchema(ctx, &glue.GetSchemaInput{SchemaId: g.id(subject)})
		if err = glueError(err); is(err, Absent) {
			return nil
		}
		if waited := sleep(ctx, gluePause); waited != nil {
			return fmt.Errorf("wait until AWS Glue has deleted schema %s: %w", subject, waited)
		}
	}
	return err
}

// DeleteVersion implements [Registry]. Glue does not delete the first version alone.
func (g *glueRegistry) DeleteVersion(ctx context.Context, subject string, _ int64) error {
	return g.Delete(ctx, subject, true)
}

// glueError reads what Glue answered. What is no answer stays as it is.
func glueError(err error) error {
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err
	}
	status := 0
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = response.HTTPStatusCode()
	}
	said := fmt.Errorf("%s: %s", answer.ErrorCode(), answer.ErrorMessage())
	switch answer.ErrorCode() {
	case "EntityNotFoundException":
		return &AnswerError{Class: Absent, Status: status, Err: said}
	case "AlreadyExistsException":
		return &AnswerError{Class: Exists, Status: status, Err: said}
	case "InvalidInputException":
		return &AnswerError{Class: InvalidSchema, Status: status, Err: said}
	case "AccessDeniedException":
		return &AnswerError{Class: Other, Status: http.StatusForbidden, Err: said}
	case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException":
		return &AnswerError{Class: Other, Status: http.StatusUnauthorized, Err: said}
	case "ResourceNumberLimitExceededException", "ConcurrentModificationException":
		return &AnswerError{Class: NotPermitted, Status: status, Err: said}
	}
	return &AnswerError{Class: Other, Status: status, Err: said}
}
