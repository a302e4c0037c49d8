package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

const (
	ruleCompatibility = "COMPATIBILITY"
	stateDisabled     = "DISABLED"

	// apicurioPage is how much is asked for at once.
	apicurioPage = 500
	// apicurioAnswer bounds what is read of an answer, in bytes.
	apicurioAnswer = 32 << 20
)

// apicurio is Apicurio Registry by its own API, version 3 (openapi.json below /apis/registry/v3). A subject is an artifact
// of the connection's group. A version whose state is DISABLED is one that was deleted softly: the compatible API has it so
// too, and its content goes on to resolve by its id.
type apicurio struct {
	client *http.Client
	url    string // of the API, without a slash at its end
	group  string
}

// Traits implements [Registry].
func (*apicurio) Traits() Traits {
	return Traits{Name: "Apicurio Registry's own API", Checks: true, References: true, SoftDelete: true}
}

type apicurioVersion struct {
	ArtifactID   string `json:"artifactId"`
	ArtifactType string `json:"artifactType"`
	GroupID      string `json:"groupId"` // absent for the group default
	Version      string `json:"version"`
	State        string `json:"state"`
	ContentID    int64  `json:"contentId"`
}

type apicurioReference struct {
	GroupID    string `json:"groupId"`
	ArtifactID string `json:"artifactId"`
	Version    string `json:"version"`
	Name       string `json:"name"`
}

type apicurioContent struct {
	Content     string              `json:"content"`
	ContentType string              `json:"contentType"`
	References  []apicurioReference `json:"references"`
}

type apicurioRule struct {
	RuleType string `json:"ruleType"`
	Config   string `json:"config"`
}

// Subjects implements [Registry]. An artifact whose versions are all disabled is none.
func (a *apicurio) Subjects(ctx context.Context) ([]string, error) {
	seen := map[string]bool{}
	err := a.search(ctx, url.Values{"groupId": {a.group}, "state": {"ENABLED"}}, func(v apicurioVersion) {
		if slices.Contains(a.formats(), v.ArtifactType) {
			seen[v.ArtifactID] = true
		}
	})
	subjects := make([]string, 0, len(seen))
	for subject := range seen {
		subjects = append(subjects, subject)
	}
	return subjects, err
}

// search finds versions, page by page.
func (a *apicurio) search(ctx context.Context, query url.Values, found func(apicurioVersion)) error {
	query.Set("limit", strconv.Itoa(apicurioPage))
	query.Set("orderby", "globalId")
	for offset := 0; ; offset += apicurioPage {
		query.Set("offset", strconv.Itoa(offset))
		var page struct {
			Count    int               `json:"count"`
			Versions []apicurioVersion `json:"versions"`
		}
		if err := a.do(ctx, http.MethodGet, "/search/versions?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		for _, v := range page.Versions {
			found(v)
		}
		if len(page.Versions) == 0 || offset+len(page.Versions) >= page.Count {
			return nil
		}
	}
}

// Version implements [Registry].
func (a *apicurio) Version(ctx context.Context, subject string, number int64) (*Version, error) {
	expression := "branch=latest"
	if number != latest {
		expression = strconv.FormatInt(number, 10)
	}
	var found apicurioVersion
	if err := a.do(ctx, http.MethodGet, a.artifact(subject)+"/versions/"+expression, nil, &found); err != nil {
		return nil, err
	}
	if found.State == stateDisabled {
		return nil, &AnswerError{Class: Absent, Status: http.StatusNotFound, Err: fmt.Errorf("version %s of artifact %s is disabled", found.Version, subject)}
	}
	return a.read(ctx, found)
}

// read reads the content of a version by its id, by which that of a disabled one resolves too.
func (a *apicurio) read(ctx context.Context, found apicurioVersion) (*Version, error) {
	number, err := strconv.ParseInt(found.Version, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("version %q of artifact %s is named by no number, which Headgate's versions are", found.Version, found.ArtifactID)
	}
	if !slices.Contains(a.formats(), found.ArtifactType) {
		return nil, fmt.Errorf("artifact %s is of type %s, which is no schema of %s", found.ArtifactID, found.ArtifactType, strings.Join(a.formats(), ", "))
	}
	v := &Version{Subject: found.ArtifactID, Number: number, ID: strconv.FormatInt(found.ContentID, 10), Text: Text{Format: found.ArtifactType}}
	var content text
	if err := a.do(ctx, http.MethodGet, "/ids/contentIds/"+v.ID, nil, &content); err != nil {
		return nil, err
	}
	v.Schema = string(content)
	var references []apicurioReference
	if err := a.do(ctx, http.MethodGet, "/ids/contentIds/"+v.ID+"/references", nil, &references); err != nil {
		return nil, err
	}
	v.References, err = a.references(references)
	return v, err
}

func (a *apicurio) references(found []apicurioReference) ([]api.SchemaReference, error) {
	var list []api.SchemaReference
	for _, ref := range found {
		number, err := strconv.ParseInt(ref.Version, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("reference %s leads to version %q of artifact %s, which is named by no number", ref.Name, ref.Version, ref.ArtifactID)
		}
		if group := ref.GroupID; group != "" && group != a.group {
			return nil, fmt.Errorf("reference %s leads into the group %s, and the connection is for the group %s", ref.Name, group, a.group)
		}
		list = append(list, api.SchemaReference{Name: ref.Name, Subject: ref.ArtifactID, Version: number})
	}
	return list, nil
}

// ByID implements [Registry]. Records carry the id of the content.
func (a *apicurio) ByID(ctx context.Context, id, subject string) (*Version, error) {
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		return nil, &AnswerError{Class: Absent, Err: errors.New("the ids of this registry are numbers")}
	}
	query := url.Values{"contentId": {id}, "groupId": {a.group}}
	if subject != "" {
		query.Set("artifactId", subject)
	}
	var best *apicurioVersion
	err := a.search(ctx, query, func(v apicurioVersion) {
		if best == nil || v.ArtifactID <= best.ArtifactID && v.State != stateDisabled {
			best = &v
		}
	})
	if err != nil {
		return nil, err
	}
	if best == nil {
		return nil, &AnswerError{Class: Absent, Status: http.StatusNotFound, Err: fmt.Errorf("no artifact of group %s has content %s", a.group, id)}
	}
	return a.read(ctx, *best)
}

// Numbers implements [Registry].
func (a *apicurio) Numbers(ctx context.Context, subject string, deleted bool) ([]int64, error) {
	var (
		numbers []int64
		named   string
	)
	err := a.search(ctx, url.Values{"groupId": {a.group}, "artifactId": {subject}}, func(v apicurioVersion) {
		number, err := strconv.ParseInt(v.Version, 10, 64)
		switch {
		case err != nil:
			named = v.Version
		case deleted || v.State != stateDisabled:
			numbers = append(numbers, number)
		}
	})
	if err == nil && named != "" {
		return nil, fmt.Errorf("version %q of artifact %s is named by no number, which Headgate's versions are", named, subject)
	}
	return numbers, err
}

// Settings implements [Registry].
func (a *apicurio) Settings(ctx context.Context, subject string) (Settings, error) {
	if subject == "" {
		config, err := a.rule(ctx, "/admin")
		return Settings{Compatibility: orNone(config)}, err
	}
	config, err := a.rule(ctx, a.artifact(subject))
	return Settings{Compatibility: config}, err
}

// Inherited implements [Registry]. Between an artifact and the registry there is the group, which may have a rule too.
func (a *apicurio) Inherited(ctx context.Context) (string, error) {
	config, err := a.rule(ctx, "/groups/"+url.PathEscape(a.group))
	if err == nil && config == "" {
		config, err = a.rule(ctx, "/admin")
	}
	return orNone(config), err
}

func orNone(config string) string {
	if config == "" {
		return modeNone
	}
	return config
}

// rule reads the compatibility rule of something; empty when it has none, or when there is no such thing.
func (a *apicurio) rule(ctx context.Context, of string) (string, error) {
	var rule apicurioRule
	err := a.do(ctx, http.MethodGet, of+"/rules/"+ruleCompatibility, nil, &rule)
	if is(err, Absent) {
		return "", nil
	}
	return rule.Config, err
}

// SetCompatibility implements [Registry].
func (a *apicurio) SetCompatibility(ctx context.Context, subject, compatibility string) error {
	of := "/admin"
	if subject != "" {
		of = a.artifact(subject)
	}
	rule := apicurioRule{ruleCompatibility, compatibility}
	if compatibility == "" {
		err := a.do(ctx, http.MethodDelete, of+"/rules/"+ruleCompatibility, nil, nil)
		if is(err, Absent) {
			return nil
		}
		return err
	}
	err := a.do(ctx, http.MethodPut, of+"/rules/"+ruleCompatibility, rule, nil)
	if is(err, Absent) {
		return a.do(ctx, http.MethodPost, of+"/rules", rule, nil)
	}
	return err
}

// SetMode implements [Registry]. There are no modes.
func (*apicurio) SetMode(context.Context, string, string) error {
	return &AnswerError{Class: NotPermitted, Err: errors.New("there are no modes")}
}

// Formats implements [Registry].
func (a *apicurio) Formats(context.Context) []string { return a.formats() }

// formats are those of the types of artifact that schemas are.
func (*apicurio) formats() []string {
	return []string{schematext.FormatAvro, schematext.FormatJSON, schematext.FormatProtobuf}
}

// Find implements [Registry]. A schema may come again here, so nobody has to look for it.
func (*apicurio) Find(context.Context, string, Text) (int64, error) { return 0, nil }

// Check implements [Registry], by a dry run of the registry.
func (a *apicurio) Check(ctx context.Context, subject string, text Text) error {
	return a.do(ctx, http.MethodPost, a.artifact(subject)+"/versions?dryRun=true", a.newVersion(text), nil)
}

// Register implements [Registry].
func (a *apicurio) Register(ctx context.Context, subject string, text Text) (string, error) {
	var made apicurioVersion
	err := a.do(ctx, http.MethodPost, a.artifact(subject)+"/versions", a.newVersion(text), &made)
	return strconv.FormatInt(made.ContentID, 10), err
}

// Create implements [Registry]. An artifact whose versions were all deleted softly gets its next one.
func (a *apicurio) Create(ctx context.Context, subject string, text Text, _ string) (string, error) {
	var made struct {
		Version apicurioVersion `json:"version"`
	}
	err := a.do(ctx, http.MethodPost, "/groups/"+url.PathEscape(a.group)+"/artifacts?ifExists=FAIL", map[string]any{
		"artifactId": subject, "artifactType": text.Format, "firstVersion": a.newVersion(text),
	}, &made)
	if !is(err, Exists) {
		return strconv.FormatInt(made.Version.ContentID, 10), err
	}
	if _, found := a.Version(ctx, subject, latest); !is(found, Absent) {
		return "", errors.Join(err, found)
	}
	return a.Register(ctx, subject, text)
}

func (a *apicurio) newVersion(t Text) map[string]apicurioContent {
	content := apicurioContent{Content: t.Schema, ContentType: "application/json", References: []apicurioReference{}}
	if t.Format == schematext.FormatProtobuf {
		content.ContentType = "application/x-protobuf"
	}
	for _, ref := range t.References {
		content.References = append(content.References, apicurioReference{a.group, ref.Subject, strconv.FormatInt(ref.Version, 10), ref.Name})
	}
	return map[string]apicurioContent{"content": content}
}

// Referrers implements [Registry]. Nothing keeps the registry itself from deleting what is referred to.
func (a *apicurio) Referrers(ctx context.Context, subject string, numbers []int64) ([]string, error) {
	var users []string
	for _, number := range numbers {
		var found []apicurioReference
		err := a.do(ctx, http.MethodGet, fmt.Sprintf("%s/versions/%d/references?refType=INBOUND", a.artifact(subject), number), nil, &found)
		if is(err, Absent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, one := range found {
			if one.ArtifactID == subject || a.isDisabled(ctx, one) {
				continue
			}
			users = append(users, fmt.Sprintf("version %s of subject %q", one.Version, one.ArtifactID))
		}
	}
	return users, nil
}

// isDisabled says whether what refers was deleted softly.
func (a *apicurio) isDisabled(ctx context.Context, ref apicurioReference) bool {
	group := ref.GroupID
	if group == "" {
		group = "default"
	}
	var found apicurioVersion
	err := a.do(ctx, http.MethodGet, "/groups/"+url.PathEscape(group)+"/artifacts/"+url.PathEscape(ref.ArtifactID)+"/versions/"+url.PathEscape(ref.Version), nil, &found)
	return err == nil && found.State == stateDisabled
}

// deletionProperty is the setting of the registry that allows to delete artifacts.
const deletionProperty = "apicurio.rest.deletion.artifact.enabled"

// MayDelete implements [Registry].
func (a *apicurio) MayDelete(ctx context.Context, hard bool) error {
	if !hard {
		return nil
	}
	var property struct {
		Value string `json:"value"`
	}
	err := a.do(ctx, http.MethodGet, "/admin/config/properties/"+deletionProperty, nil, &property)
	if err != nil || property.Value != "false" {
		return nil //nolint:nilerr // Who may not ask is told when deleting.
	}
	return &AnswerError{Class: NotPermitted, Err: errors.New("it is configured with " + deletionProperty + "=false")}
}

// Delete implements [Registry].
func (a *apicurio) Delete(ctx context.Context, subject string, hard bool) error {
	if hard {
		err := a.do(ctx, http.MethodDelete, a.artifact(subject), nil, nil)
		if is(err, Absent) {
			return nil
		}
		return err
	}
	numbers, err := a.Numbers(ctx, subject, false)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if err := a.DeleteVersion(ctx, subject, number); err != nil {
			return err
		}
	}
	return nil
}

// DeleteVersion implements [Registry].
func (a *apicurio) DeleteVersion(ctx context.Context, subject string, number int64) error {
	err := a.do(ctx, http.MethodPut, fmt.Sprintf("%s/versions/%d/state", a.artifact(subject), number), map[string]string{"state": stateDisabled}, nil)
	if is(err, Absent) {
		return nil
	}
	return err
}

// Close implements [Registry].
func (a *apicurio) Close() { a.client.CloseIdleConnections() }

func (a *apicurio) artifact(subject string) string {
	return "/groups/" + url.PathEscape(a.group) + "/artifacts/" + url.PathEscape(subject)
}

// text is an answer that is no JSON to be read.
type text string

// do asks the registry. An answer that says no becomes an [AnswerError].
func (a *apicurio) do(ctx context.Context, method, path string, body, into any) error {
	req, err := a.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, apicurioAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return apicurioError(resp.StatusCode, raw)
	}
	switch into := into.(type) {
	case nil:
		return nil
	case *text:
		*into = text(raw)
		return nil
	default:
		if err := json.Unmarshal(raw, into); err != nil {
			return &AnswerError{Class: Other, Status: resp.StatusCode, Err: errors.New("what answers there is no Apicurio Registry")}
		}
		return nil
	}
}

func (a *apicurio) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, content)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "headgate")
	return req, nil
}

// apicurioError reads a refusal. The name is that of the exception that the registry threw.
func apicurioError(status int, raw []byte) error {
	var said struct {
		Name   string `json:"name"`
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Causes []struct {
			Description string `json:"description"`
			Context     string `json:"context"`
		} `json:"causes"`
	}
	if json.Unmarshal(raw, &said) != nil || said.Name == "" {
		return &AnswerError{Class: Other, Status: status, Err: errors.New("what answers there does not answer as Apicurio Registry does")}
	}
	answer := &AnswerError{Class: apicurioClass(said.Name, status), Status: status, Err: errors.New(said.Title)}
	if answer.Class != Incompatible {
		return answer
	}
	for _, cause := range said.Causes {
		answer.Reasons = append(answer.Reasons, strings.TrimSuffix(fmt.Sprintf("%s at %s", cause.Description, cause.Context), " at "))
	}
	return answer
}

func apicurioClass(name string, status int) Class {
	switch name {
	case "VersionNotFoundException", "ArtifactNotFoundException", "GroupNotFoundException", "RuleNotFoundException", "ContentNotFoundException":
		return Absent
	case "ArtifactAlreadyExistsException", "VersionAlreadyExistsException":
		return Exists
	case "RuleViolationException":
		return Incompatible
	case "InvalidArtifactIdException":
		return InvalidSubject
	case "UnprocessableSchemaException", "InvalidContentException", "ContentTypeException":
		return InvalidSchema
	case "NotAllowedException":
		return NotPermitted
	}
	if status == http.StatusUnprocessableEntity {
		return InvalidSchema
	}
	return Other
}
