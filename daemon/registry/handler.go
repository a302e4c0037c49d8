package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/schemacompat"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

const (
	contentType = "application/vnd.schemaregistry.v1+json"
	// maxBody bounds a request, in bytes.
	maxBody = 2 << 20
)

// clusterID and clusterVersion are what clients ask to find out what they talk to. The version is that of the API.
var (
	clusterID = map[string]any{"id": "", "scope": map[string]any{"path": []string{}, "clusters": map[string]string{
		"kafka-cluster": "headgate", "schema-registry-cluster": "schema-registry",
	}}}
	clusterVersion = map[string]string{"version": "v1", "commitId": ""}
)

// Handler serves the API from the root of the paths it sees. It does not authenticate.
func (r *Registry) Handler() http.Handler {
	mux := http.NewServeMux()
	routes := map[string]handler{
		"GET /{$}":                 func(*http.Request) (any, error) { return struct{}{}, nil },
		"GET /contexts":            r.getContexts,
		"GET /v1/metadata/id":      func(*http.Request) (any, error) { return clusterID, nil },
		"GET /v1/metadata/version": func(*http.Request) (any, error) { return clusterVersion, nil },
		"GET /schemas":             r.getSchemas,
		"GET /schemas/types":       func(*http.Request) (any, error) { return formats, nil },
		"GET /schemas/ids/{id}":    r.getSchema,
		"GET /schemas/guids/{id}":  r.getSchemaByGUID,
		"GET /subjects":            r.getSubjects,
		"GET /subjects/{subject}":  r.getVersions,
		"POST /subjects/{subject}": r.postSubject,

		"GET /schemas/ids/{id}/schema":   r.getSchemaText,
		"GET /schemas/ids/{id}/subjects": r.getSchemaSubjects,
		"GET /schemas/ids/{id}/versions": r.getSchemaVersions,

		"DELETE /subjects/{subject}":                              r.deleteSubjectRequest,
		"GET /subjects/{subject}/metadata":                        r.getByMetadata,
		"GET /subjects/{subject}/versions":                        r.getVersions,
		"POST /subjects/{subject}/versions":                       r.postVersion,
		"GET /subjects/{subject}/versions/{version}":              r.getVersion,
		"DELETE /subjects/{subject}/versions/{version}":           r.deleteVersionRequest,
		"GET /subjects/{subject}/versions/{version}/schema":       r.getVersionText,
		"GET /subjects/{subject}/versions/{version}/referencedby": r.getReferrers,

		"POST /compatibility/subjects/{subject}/versions":           r.postCompatibility,
		"POST /compatibility/subjects/{subject}/versions/{version}": r.postCompatibility,
	}
	for _, path := range []string{"/config", "/config/{subject}"} {
		routes["GET "+path] = r.getConfig
		routes["PUT "+path] = r.putConfig
		routes["DELETE "+path] = r.deleteConfig
	}
	for _, path := range []string{"/mode", "/mode/{subject}"} {
		routes["GET "+path] = r.getMode
		routes["PUT "+path] = r.putMode
		routes["DELETE "+path] = r.deleteMode
	}
	for pattern, h := range routes {
		mux.Handle(pattern, r.serve(h))
	}
	mux.Handle("/", r.serve(unknown(mux)))
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { mux.ServeHTTP(w, qualified(req)) })
}

// handler answers with a value to send as JSON, or with text to send as it is.
type handler func(req *http.Request) (any, error)

// text is sent as it is.
type text string

func (r *Registry) serve(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Body = http.MaxBytesReader(w, req.Body, maxBody)
		answer, err := h(req)
		if err != nil {
			r.writeError(w, req, err)
			return
		}
		r.write(w, req, http.StatusOK, answer)
	})
}

func (r *Registry) write(w http.ResponseWriter, req *http.Request, status int, answer any) {
	body, err := encode(answer)
	if err != nil {
		r.writeError(w, req, err)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		r.logger.DebugContext(req.Context(), "registry client went away", "error", err)
	}
}

func encode(answer any) ([]byte, error) {
	if raw, ok := answer.(text); ok {
		return []byte(raw), nil
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return body, nil
}

func (r *Registry) writeError(w http.ResponseWriter, req *http.Request, err error) {
	var no *Error
	if !errors.As(err, &no) {
		r.logger.ErrorContext(req.Context(), "registry request failed", "method", req.Method, "path", req.URL.Path, "error", err)
		no = refuse(50001, "The registry's store failed: the daemon's log has the cause")
	}
	r.write(w, req, no.status(), no)
}

// unknown answers what no route takes: 405 where another method would do.
func unknown(mux *http.ServeMux) handler {
	methods := []string{http.MethodDelete, http.MethodGet, http.MethodPost, http.MethodPut}
	return func(req *http.Request) (any, error) {
		for _, method := range methods {
			other := req.Clone(req.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "/" {
				return nil, refuse(http.StatusMethodNotAllowed, "%s is not for %s", req.Method, req.URL.Path)
			}
		}
		return nil, refuse(http.StatusNotFound, "There is no %s here", req.URL.Path)
	}
}

// decode reads a body, of which unknown keys are ignored as newer clients may send them.
func decode(req *http.Request, into any) error {
	err := json.NewDecoder(req.Body).Decode(into)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refuse(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "The request is not what this path takes: %s", err)
	}
	return nil
}

func flag(req *http.Request, name string) bool {
	return strings.EqualFold(req.URL.Query().Get(name), "true")
}

func schemaID(req *http.Request) (int64, error) {
	id, err := strconv.ParseInt(req.PathValue("id"), 10, 64)
	if err != nil {
		return 0, refuse(http.StatusNotFound, "Schema id %q is not a number", req.PathValue("id"))
	}
	return id, nil
}

func version(req *http.Request) (versionID, error) {
	given := req.PathValue("version")
	if given == "latest" || given == "-1" {
		return latest, nil
	}
	number, err := strconv.ParseInt(given, 10, 64)
	if err != nil || number < 1 || number > maxVersion {
		return 0, invalidVersion(given)
	}
	return versionID(number), nil
}

// pathSubject is the subject that the path names, if any.
func pathSubject(req *http.Request) string { return plainSubject(req.PathValue("subject")) }

// schemaBody is a schema in an answer. AVRO is what no schemaType means.
type schemaBody struct {
	Subject    string          `json:"subject,omitempty"`
	Version    int64           `json:"version,omitempty"`
	ID         int64           `json:"id,omitempty"`
	Type       string          `json:"schemaType,omitempty"`
	GUID       string          `json:"guid,omitempty"`
	References []reference     `json:"references,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	RuleSet    json.RawMessage `json:"ruleSet,omitempty"`
	Schema     string          `json:"schema"`
	MaxID      int64           `json:"maxId,omitempty"`
}

// bodyOf is the schema as the request's format asks for it: the text, or serialized, which is a Protobuf file descriptor.
func (r *Registry) bodyOf(req *http.Request, schema store.RegistrySchema) (schemaBody, error) {
	body := schemaBody{GUID: guid(schema), Metadata: json.RawMessage(schema.Metadata), RuleSet: json.RawMessage(schema.RuleSet)}
	var err error
	if body.Schema, err = r.formatted(req, schema); err != nil {
		return schemaBody{}, err
	}
	if schema.Format != schematext.FormatAvro {
		body.Type = schema.Format
	}
	for _, ref := range schema.References {
		body.References = append(body.References, reference(ref))
	}
	return body, nil
}

func (r *Registry) formatted(req *http.Request, schema store.RegistrySchema) (string, error) {
	if req.URL.Query().Get("format") != "serialized" || schema.Format != schematext.FormatProtobuf {
		return schema.Text, nil
	}
	text, err := r.text(req.Context(), schema)
	if err != nil {
		return "", err
	}
	return schematext.ProtobufDescriptor(req.Context(), text)
}

// guid is an id of the schema's content, the same in every registry of this kind.
func guid(schema store.RegistrySchema) string {
	id, err := uuid.Parse(schema.Fingerprint[:min(guidDigits, len(schema.Fingerprint))])
	if err != nil {
		return ""
	}
	return id.String()
}

func (r *Registry) versionBody(req *http.Request, v store.RegistryVersion) (schemaBody, error) {
	schema, err := r.store.RegistrySchema(req.Context(), v.SchemaID)
	if errors.Is(err, store.ErrNotFound) {
		// It was deleted since the version was read.
		return schemaBody{}, versionNotFound(v.Subject, v.Version)
	}
	if err != nil {
		return schemaBody{}, fmt.Errorf("read schema %d of version %d of subject %q: %w", v.SchemaID, v.Version, v.Subject, err)
	}
	body, err := r.bodyOf(req, schema)
	if err != nil {
		return schemaBody{}, err
	}
	body.Subject, body.Version, body.ID = v.Subject, v.Version, v.SchemaID
	return body, nil
}

// filtered keeps the versions that the request's deleted and deletedOnly ask for.
func filtered(req *http.Request, versions []store.RegistryVersion) []store.RegistryVersion {
	only := flag(req, "deletedOnly")
	all := flag(req, "deleted")
	return slices.DeleteFunc(slices.Clone(versions), func(v store.RegistryVersion) bool {
		return (only && !v.Deleted) || (!only && !all && v.Deleted)
	})
}

// inPrefix lists the versions whose subjects begin with the request's subjectPrefix; without one those of all contexts.
func (r *Registry) inPrefix(req *http.Request) ([]store.RegistryVersion, error) {
	prefix := req.URL.Query().Get("subjectPrefix")
	if prefix == "" || prefix == allContexts {
		return r.store.RegistryVersions(req.Context(), "")
	}
	versions, err := r.store.RegistryVersions(req.Context(), plainSubject(prefix))
	if strings.HasPrefix(prefix, defaultContext) {
		versions = slices.DeleteFunc(versions, func(v store.RegistryVersion) bool { return contextOf(v.Subject) != "" })
	}
	return versions, err
}

func (r *Registry) getContexts(req *http.Request) (any, error) {
	versions, err := r.store.RegistryVersions(req.Context(), "")
	if err != nil {
		return nil, err
	}
	names := []string{"."}
	for _, v := range versions {
		if name := strings.Trim(contextOf(v.Subject), ":"); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return page(req, names)
}

func (r *Registry) getSchemas(req *http.Request) (any, error) {
	versions, err := r.inPrefix(req)
	if err != nil {
		return nil, err
	}
	versions = filtered(req, versions)
	if flag(req, "latestOnly") {
		versions = latestOnly(versions)
	}
	if versions, err = page(req, versions); err != nil {
		return nil, err
	}
	bodies := make([]schemaBody, 0, len(versions))
	for _, v := range versions {
		body, err := r.versionBody(req, v)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

func latestOnly(versions []store.RegistryVersion) []store.RegistryVersion {
	var last []store.RegistryVersion
	for i, v := range versions {
		if i+1 == len(versions) || versions[i+1].Subject != v.Subject {
			last = append(last, v)
		}
	}
	return last
}

func (r *Registry) getSchema(req *http.Request) (any, error) {
	schema, err := r.schema(req)
	if err != nil {
		return nil, err
	}
	body, err := r.bodyOf(req, schema)
	if err != nil || !flag(req, "fetchMaxId") {
		return body, err
	}
	state, err := r.store.RegistryState(req.Context())
	body.MaxID = state.LastSchemaID
	return body, err
}

// guidDigits is how much of a fingerprint, in hex, a GUID has.
const guidDigits = 32

func (r *Registry) getSchemaByGUID(req *http.Request) (any, error) {
	id, err := uuid.Parse(req.PathValue("id"))
	if err != nil {
		return nil, refuse(http.StatusNotFound, "Schema GUID %q is not one", req.PathValue("id"))
	}
	schema, err := r.store.RegistrySchemaByPrefix(req.Context(), strings.ReplaceAll(id.String(), "-", ""))
	if errors.Is(err, store.ErrNotFound) {
		return nil, schemaNotFound()
	}
	if err != nil {
		return nil, err
	}
	return r.bodyOf(req, schema)
}

func (r *Registry) getSchemaText(req *http.Request) (any, error) {
	schema, err := r.schema(req)
	if err != nil {
		return nil, err
	}
	body, err := r.formatted(req, schema)
	return text(body), err
}

func (r *Registry) schema(req *http.Request) (store.RegistrySchema, error) {
	id, err := schemaID(req)
	if err != nil {
		return store.RegistrySchema{}, err
	}
	schema, err := r.store.RegistrySchema(req.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return schema, schemaIDNotFound(id)
	}
	return schema, err
}

func (r *Registry) getSchemaSubjects(req *http.Request) (any, error) {
	versions, err := r.schemaVersions(req)
	if err != nil {
		return nil, err
	}
	return subjectsOf(versions), nil
}

func subjectsOf(versions []store.RegistryVersion) []string {
	subjects := make(map[string]bool, len(versions))
	for _, v := range versions {
		subjects[v.Subject] = true
	}
	return slices.AppendSeq(make([]string, 0, len(subjects)), slices.Values(slices.Sorted(maps.Keys(subjects))))
}

func (r *Registry) getSchemaVersions(req *http.Request) (any, error) {
	versions, err := r.schemaVersions(req)
	if err != nil {
		return nil, err
	}
	type usage struct {
		Subject string `json:"subject"`
		Version int64  `json:"version"`
	}
	usages := make([]usage, 0, len(versions))
	for _, v := range versions {
		usages = append(usages, usage{Subject: v.Subject, Version: v.Version})
	}
	return usages, nil
}

func (r *Registry) schemaVersions(req *http.Request) ([]store.RegistryVersion, error) {
	schema, err := r.schema(req)
	if err != nil {
		return nil, err
	}
	versions, err := r.store.RegistrySchemaVersions(req.Context(), schema.ID)
	if err != nil {
		return nil, err
	}
	return filtered(req, versions), nil
}

func (r *Registry) getSubjects(req *http.Request) (any, error) {
	versions, err := r.inPrefix(req)
	if err != nil {
		return nil, err
	}
	subjects := subjectsOf(filtered(req, versions))
	if !flag(req, "deletedOnly") {
		return page(req, subjects)
	}
	// A subject counts as deleted when nothing of it is left.
	kept := subjectsOf(live(versions))
	subjects = slices.DeleteFunc(subjects, func(s string) bool { return slices.Contains(kept, s) })
	return page(req, subjects)
}

// page cuts offset and limit out of a list; a negative limit is none.
func page[T any](req *http.Request, list []T) ([]T, error) {
	offset, err := number(req, "offset", 0)
	if err != nil {
		return nil, err
	}
	limit, err := number(req, "limit", -1)
	if err != nil {
		return nil, err
	}
	list = list[min(max(offset, 0), len(list)):]
	if limit >= 0 {
		list = list[:min(limit, len(list))]
	}
	return list, nil
}

func number(req *http.Request, name string, otherwise int) (int, error) {
	given := req.URL.Query().Get(name)
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil {
		return 0, refuse(http.StatusBadRequest, "%s must be a number, not %q", name, given)
	}
	return n, nil
}

func (r *Registry) getVersions(req *http.Request) (any, error) {
	subject := pathSubject(req)
	versions, err := r.versions(req.Context(), subject, true)
	if err != nil {
		return nil, err
	}
	numbers := []int64{}
	for _, v := range filtered(req, versions) {
		numbers = append(numbers, v.Version)
	}
	if len(numbers) == 0 {
		return nil, subjectNotFound(subject)
	}
	return page(req, numbers)
}

func (r *Registry) postSubject(req *http.Request) (any, error) {
	var s submission
	if err := decode(req, &s); err != nil {
		return nil, err
	}
	v, err := r.lookUp(req.Context(), pathSubject(req), s, flag(req, "deleted"))
	if err != nil {
		return nil, err
	}
	return r.versionBody(req, v)
}

func (r *Registry) deleteSubjectRequest(req *http.Request) (any, error) {
	return r.deleteSubject(req.Context(), pathSubject(req), flag(req, "permanent"))
}

func (r *Registry) postVersion(req *http.Request) (any, error) {
	var s submission
	if err := decode(req, &s); err != nil {
		return nil, err
	}
	id, err := r.register(req.Context(), pathSubject(req), s, flag(req, "normalize"))
	if err != nil {
		return nil, err
	}
	return map[string]int64{"id": id}, nil
}

// pathVersion finds the version that the path names.
func (r *Registry) pathVersion(req *http.Request) (store.RegistryVersion, error) {
	id, err := version(req)
	if err != nil {
		return store.RegistryVersion{}, err
	}
	subject := pathSubject(req)
	versions, err := r.versions(req.Context(), subject, flag(req, "deleted"))
	if err != nil {
		return store.RegistryVersion{}, err
	}
	return pick(subject, versions, id)
}

func (r *Registry) getVersion(req *http.Request) (any, error) {
	v, err := r.pathVersion(req)
	if err != nil {
		return nil, err
	}
	return r.versionBody(req, v)
}

// getByMetadata finds the latest version whose metadata has all the properties: each key of the query goes with its value.
func (r *Registry) getByMetadata(req *http.Request) (any, error) {
	query := req.URL.Query()
	keys, values := query["key"], query["value"]
	if len(keys) != len(values) {
		return nil, refuse(http.StatusBadRequest, "Every key needs a value: there are %d of one and %d of the other", len(keys), len(values))
	}
	versions, err := r.versions(req.Context(), pathSubject(req), flag(req, "deleted"))
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Backward(versions) {
		body, err := r.versionBody(req, v)
		if err != nil {
			return nil, err
		}
		if hasProperties(body.Metadata, keys, values) {
			return body, nil
		}
	}
	return nil, schemaNotFound()
}

func hasProperties(raw json.RawMessage, keys, values []string) bool {
	var m metadata
	if len(raw) > 0 && json.Unmarshal(raw, &m) != nil {
		return false
	}
	for i, key := range keys {
		if value, ok := m.Properties[key]; !ok || value != values[i] {
			return false
		}
	}
	return true
}

func (r *Registry) getVersionText(req *http.Request) (any, error) {
	v, err := r.pathVersion(req)
	if err != nil {
		return nil, err
	}
	body, err := r.versionBody(req, v)
	return text(body.Schema), err
}

func (r *Registry) getReferrers(req *http.Request) (any, error) {
	v, err := r.pathVersion(req)
	if err != nil {
		return nil, err
	}
	referrers, err := r.store.RegistryReferrers(req.Context(), v.Subject, v.Version)
	if err != nil {
		return nil, err
	}
	ids := []int64{}
	for _, other := range filtered(req, referrers) {
		ids = append(ids, other.SchemaID)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (r *Registry) deleteVersionRequest(req *http.Request) (any, error) {
	id, err := version(req)
	if err != nil {
		return nil, err
	}
	return r.deleteVersion(req.Context(), pathSubject(req), id, flag(req, "permanent"))
}

type compatibilityBody struct {
	Compatible bool     `json:"is_compatible"`
	Messages   []string `json:"messages,omitempty"`
}

func (r *Registry) postCompatibility(req *http.Request) (any, error) {
	id := allVersions
	if req.PathValue("version") != "" {
		var err error
		if id, err = version(req); err != nil {
			return nil, err
		}
	}
	var s submission
	if err := decode(req, &s); err != nil {
		return nil, err
	}
	reasons, err := r.check(req.Context(), pathSubject(req), id, s)
	if err != nil {
		return nil, err
	}
	body := compatibilityBody{Compatible: len(reasons) == 0}
	if flag(req, "verbose") {
		body.Messages = reasons
	}
	return body, nil
}

// configRequest is what a client may set, and what it may not set here.
type configRequest struct {
	Compatibility string `json:"compatibility,omitempty"`
	Normalize     *bool  `json:"normalize,omitempty"`

	Alias               string          `json:"alias,omitempty"`
	CompatibilityGroup  string          `json:"compatibilityGroup,omitempty"`
	CompatibilityPolicy string          `json:"compatibilityPolicy,omitempty"`
	DefaultMetadata     json.RawMessage `json:"defaultMetadata,omitempty"`
	OverrideMetadata    json.RawMessage `json:"overrideMetadata,omitempty"`
	DefaultRuleSet      json.RawMessage `json:"defaultRuleSet,omitempty"`
	OverrideRuleSet     json.RawMessage `json:"overrideRuleSet,omitempty"`
}

// unsupported names a setting that is given and that this registry does not have.
func (c configRequest) unsupported() string {
	given := func(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
	switch {
	case c.Alias != "":
		return "alias"
	case c.CompatibilityGroup != "":
		return "compatibilityGroup"
	case c.CompatibilityPolicy != "" && !strings.EqualFold(c.CompatibilityPolicy, "STRICT"):
		return "compatibilityPolicy"
	case given(c.DefaultMetadata), given(c.OverrideMetadata):
		return "defaultMetadata and overrideMetadata"
	case given(c.DefaultRuleSet), given(c.OverrideRuleSet):
		return "defaultRuleSet and overrideRuleSet"
	default:
		return ""
	}
}

func (r *Registry) getConfig(req *http.Request) (any, error) {
	return r.config(req.Context(), pathSubject(req), flag(req, "defaultToGlobal"))
}

func (r *Registry) putConfig(req *http.Request) (any, error) {
	var c configRequest
	if err := decode(req, &c); err != nil {
		return nil, err
	}
	if name := c.unsupported(); name != "" {
		return nil, notPermitted("This registry keeps the compatibility and normalize of a subject, and no %s", name)
	}
	c.Compatibility = strings.ToUpper(c.Compatibility)
	if err := r.setConfig(req.Context(), pathSubject(req), config{Compatibility: schemacompat.Mode(c.Compatibility), Normalize: c.Normalize}); err != nil {
		return nil, err
	}
	return c, nil
}

// deleteConfig answers under both names: clients differ in which they read.
func (r *Registry) deleteConfig(req *http.Request) (any, error) {
	was, err := r.resetConfig(req.Context(), pathSubject(req))
	if err != nil {
		return nil, err
	}
	return struct {
		config
		Compatibility schemacompat.Mode `json:"compatibility,omitempty"`
	}{was, was.Compatibility}, nil
}

type modeBody struct {
	Mode mode `json:"mode"`
}

func (r *Registry) getMode(req *http.Request) (any, error) {
	m, err := r.mode(req.Context(), pathSubject(req), flag(req, "defaultToGlobal"))
	if err != nil {
		return nil, err
	}
	return modeBody{Mode: m}, nil
}

func (r *Registry) putMode(req *http.Request) (any, error) {
	var body modeBody
	if err := decode(req, &body); err != nil {
		return nil, err
	}
	body.Mode = mode(strings.ToUpper(string(body.Mode)))
	if err := r.setMode(req.Context(), pathSubject(req), body.Mode, flag(req, "force")); err != nil {
		return nil, err
	}
	return body, nil
}

func (r *Registry) deleteMode(req *http.Request) (any, error) {
	was, err := r.resetMode(req.Context(), pathSubject(req))
	if err != nil {
		return nil, err
	}
	return modeBody{Mode: was}, nil
}
