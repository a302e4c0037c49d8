package api

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Codes of errors. Clients may branch on them; the texts beside them are for people.
const (
	CodeInvalid       = "invalid"        // the request is wrong: Attribute says where
	CodeNotFound      = "not_found"      // proven absent
	CodeAlreadyExists = "already_exists" // create-only, and it is there
	CodeConflict      = "conflict"       // changed by someone else since it was read
	CodeInUse         = "in_use"         // others depend on it: Detail names them
	CodeProtected     = "protected"      // would lose data, and nobody opted in
	CodeIncompatible  = "incompatible"   // a registry refuses the schema
	CodeConnection    = "connection"     // a system behind the daemon cannot be reached, or refuses us
	CodeRefused       = "refused"        // a system behind the daemon refuses the change
	CodeStartFailed   = "start_failed"   // a connector cannot start
	CodeUnauthorized  = "unauthorized"   // no token, or a wrong one
	CodeTooLarge      = "too_large"      // the request body is over the limit
	CodeUnavailable   = "unavailable"    // the daemon is starting or stopping
	CodeInternal      = "internal"       // a fault of the daemon
)

// Error is the one error type of the API. It never holds a secret, nor the rejected value itself.
type Error struct {
	HTTPStatus int    `json:"status" doc:"The HTTP status."`
	Code       string `json:"code" doc:"What kind of error, for programs."`
	Summary    string `json:"summary" doc:"What went wrong, in one line."`
	Detail     string `json:"detail,omitempty" doc:"What was being done, to what, and what the other side said."`
	Attribute  string `json:"attribute,omitempty" doc:"The field that is to blame, as a JSON pointer (RFC 6901) into the request body."`
	Remedy     string `json:"remedy,omitempty" doc:"The way out."`
	RequestID  string `json:"request_id,omitempty" doc:"The request in the daemon's log."`
	// More holds the further errors of the same request.
	More []Error `json:"more,omitempty" doc:"Further errors of the same request."`
	// Warnings are what should be known beside, of a dry run that could not go on.
	Warnings []Warning `json:"warnings,omitempty" doc:"What a person should know beside the errors."`
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Summary)
	for _, part := range []string{e.Detail, e.Remedy} {
		if part != "" {
			fmt.Fprintf(&b, ": %s", strings.TrimSuffix(part, "."))
		}
	}
	return b.String()
}

// GetStatus is the HTTP status; huma asks for it.
func (e *Error) GetStatus() int { return e.HTTPStatus }

// All lists the error and the further ones of the same request.
func (e *Error) All() []Error {
	first := *e
	first.More, first.Warnings = nil, nil
	return append([]Error{first}, e.More...)
}

// Rest is the error without its first one, nil when there was no other.
func (e *Error) Rest() *Error {
	if len(e.More) == 0 {
		return nil
	}
	next := e.More[0]
	next.More, next.RequestID = e.More[1:], e.RequestID
	return &next
}

// Invalid says that a field of the request is wrong.
func Invalid(attribute, summary, detail, remedy string) *Error {
	return &Error{HTTPStatus: http.StatusUnprocessableEntity, Code: CodeInvalid, Attribute: attribute, Summary: summary, Detail: detail, Remedy: remedy}
}

// NotFound says that something is proven absent.
func NotFound(what, name string) *Error {
	return &Error{HTTPStatus: http.StatusNotFound, Code: CodeNotFound, Summary: fmt.Sprintf("%s %q does not exist", what, name)}
}

// AlreadyExists refuses a create; remedy tells how to take the object over.
func AlreadyExists(what, name, remedy string) *Error {
	return &Error{HTTPStatus: http.StatusPreconditionFailed, Code: CodeAlreadyExists, Attribute: "/name", Summary: fmt.Sprintf("%s %q already exists", what, name), Remedy: remedy}
}

// Conflict says that someone else changed the object since the caller read it.
func Conflict(what, name string) *Error {
	return &Error{
		HTTPStatus: http.StatusPreconditionFailed, Code: CodeConflict,
		Summary: fmt.Sprintf("%s %q was changed by someone else in the meantime", what, name),
		Remedy:  "Read it again (terraform plan), look at what changed, and repeat.",
	}
}

// Refused says that the state of things does not allow the request.
func Refused(code, attribute, summary, detail, remedy string) *Error {
	return &Error{HTTPStatus: http.StatusConflict, Code: code, Attribute: attribute, Summary: summary, Detail: detail, Remedy: remedy}
}

// Upstream says that a system behind the daemon failed.
func Upstream(code, attribute, summary, detail, remedy string) *Error {
	return &Error{HTTPStatus: http.StatusBadGateway, Code: code, Attribute: attribute, Summary: summary, Detail: detail, Remedy: remedy}
}

// HasCode says whether err is an answer of the daemon with this code.
func HasCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// UnreachableError says that no answer came from the daemon: nothing is known about the request's effect.
type UnreachableError struct {
	Endpoint string
	Err      error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot reach the Headgate daemon at %s: %v", e.Endpoint, e.Err)
}

// What a server says that is asked in the other scheme.
var (
	errSpeaksHTTPS = errors.New("what listens there speaks https: write https:// in place of http://")
	errSpeaksHTTP  = errors.New("what listens there speaks http, without TLS: write http:// in place of https://")
)

// Misconfigured says that the endpoint's scheme or the CA certificate is wrong, so that asking again does not help.
func (e *UnreachableError) Misconfigured() bool { return misconfigured(e.Err) }

// Certificate says that the daemon's certificate is not trusted.
func (e *UnreachableError) Certificate() bool { return untrusted(e.Err) }

func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

func misconfigured(err error) bool {
	return untrusted(err) || errors.Is(err, http.ErrSchemeMismatch) || errors.Is(err, errSpeaksHTTPS) || errors.Is(err, errSpeaksHTTP)
}

func (e *UnreachableError) Unwrap() error { return e.Err }
