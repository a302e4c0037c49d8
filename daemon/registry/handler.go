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

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

const (
	contentType = "application/vnd.schemaregistry.v1+json"
	// maxBody bounds a request, in bytes.
	maxBody = 2 << 20
)

// Handler serves the API from the root of the paths it sees. It does not authenticate.
func (r *Registry) Handler() http.Handler {
	mux := http.NewServeMux()
	routes := map[string]handler{
		"GET /{$}":                 func(*http.Request) (any, error) { return struct{}{}, nil },
		"GET /contexts":            func(*http.Request) (any, error) { return []string{"."}, nil },
		"GET /schemas":             r.getSchemas,
		"GET /schemas/types":       func(*http.Request) (any, error) { return []string{schematext.FormatAvro}, nil },
		"GET /schemas/ids/{id}":    r.getSchema,
		"GET /subjects":            r.getSubjects,
		"GET /subjects/{subject}":  r.getVersions,
		"POST /subjects/{subject}": r.postSubject,

		"GET /schemas/ids/{id}/schema":   r.getSchemaText,
		"GET /schemas/ids/{id}/subjects": r.getSchemaSubjects,
		"GET /schemas/ids/{id}/versions": r.getSchemaVersions,

		"DELETE /subjects/{subject}":                              r.deleteSubjectRequest,
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
	return mux
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

// schemaBody is a schema in an answer. AVRO is what no schemaType means.
type schemaBody struct {
	Subject    string      `json:"subject,omitempty"`
	Version    int64       `json:"version,omitempty"`
	ID         int64       `json:"id,omitempty"`
	Type       string      `json:"schemaType,omitempty"`
	References []reference `json:"references,omitempty"`
	Schema     string      `json:"schema"`
}

func bodyOf(schema store.RegistrySchema) schemaBody {
	body := schemaBody{Schema: schema.Text}
	if schema.Format != schematext.FormatAvro {
		body.Type = schema.Format
	}
	for _, ref := range schema.References {
		body.References = append(body.References, reference(ref))
	}
	return body
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
	body := bodyOf(schema)
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

func (r *Registry) getSchemas(req *http.Request) (any, error) {
	versions, err := r.store.RegistryVersions(req.Context(), req.URL.Query().Get("subjectPrefix"))
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
	return bodyOf(schema), nil
}

func (r *Registry) getSchemaText(req *http.Request) (any, error) {
	schema, err := r.schema(req)
	return text(schema.Text), err
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
	versions, err := r.store.RegistryVersions(req.Context(), req.URL.Query().Get("subjectPrefix"))
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
	subject := req.PathValue("subject")
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
	v, err := r.lookUp(req.Context(), req.PathValue("subject"), s, flag(req, "deleted"))
	if err != nil {
		return nil, err
	}
	return r.versionBody(req, v)
}

func (r *Registry) deleteSubjectRequest(req *http.Request) (any, error) {
	return r.deleteSubject(req.Context(), req.PathValue("subject"), flag(req, "permanent"))
}

func (r *Registry) postVersion(req *http.Request) (any, error) {
	var s submission
	if err := decode(req, &s); err != nil {
		return nil, err
	}
	id, err := r.register(req.Context(), req.PathValue("subject"), s, flag(req, "normalize"))
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
	subject := req.PathValue("subject")
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
	return r.deleteVersion(req.Context(), req.PathValue("subject"), id, flag(req, "permanent"))
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
	reasons, err := r.check(req.Context(), req.PathValue("subject"), id, s)
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
	Compatibility      string `json:"compatibility"`
	Normalize          bool   `json:"normalize"`
	Alias              string `json:"alias"`
	CompatibilityGroup string `json:"compatibilityGroup"`
}

func (r *Registry) getConfig(req *http.Request) (any, error) {
	level, err := r.compatibility(req.Context(), req.PathValue("subject"), flag(req, "defaultToGlobal"))
	if err != nil {
		return nil, err
	}
	return map[string]compatibility{"compatibilityLevel": level}, nil
}

func (r *Registry) putConfig(req *http.Request) (any, error) {
	var c configRequest
	if err := decode(req, &c); err != nil {
		return nil, err
	}
	if c.Normalize || c.Alias != "" || c.CompatibilityGroup != "" {
		return nil, notPermitted("This registry keeps the compatibility of a subject, and neither normalize nor an alias nor a compatibilityGroup")
	}
	level := compatibility(strings.ToUpper(c.Compatibility))
	if err := r.setCompatibility(req.Context(), req.PathValue("subject"), level); err != nil {
		return nil, err
	}
	return map[string]compatibility{"compatibility": level}, nil
}

// deleteConfig answers under both names: clients differ in which they read.
func (r *Registry) deleteConfig(req *http.Request) (any, error) {
	was, err := r.resetCompatibility(req.Context(), req.PathValue("subject"))
	if err != nil {
		return nil, err
	}
	return map[string]compatibility{"compatibility": was, "compatibilityLevel": was}, nil
}

type modeBody struct {
	Mode mode `json:"mode"`
}

func (r *Registry) getMode(req *http.Request) (any, error) {
	m, err := r.mode(req.Context(), req.PathValue("subject"), flag(req, "defaultToGlobal"))
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
	if err := r.setMode(req.Context(), req.PathValue("subject"), body.Mode, flag(req, "force")); err != nil {
		return nil, err
	}
	return body, nil
}

func (r *Registry) deleteMode(req *http.Request) (any, error) {
	was, err := r.resetMode(req.Context(), req.PathValue("subject"))
	if err != nil {
		return nil, err
	}
	return modeBody{Mode: was}, nil
}
