package registry

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/schemacompat"
)

// Error is an answer that says no, as Confluent's Schema Registry says it: the HTTP status is the code's first three digits.
type Error struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// status is the HTTP status of the error.
func (e *Error) status() int {
	code := e.Code
	for code >= 1000 {
		code /= 10
	}
	return code
}

func refuse(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// The codes are those of Confluent's Schema Registry API.

func subjectNotFound(subject string) error {
	return refuse(40401, "Subject %q not found", subject)
}

func versionNotFound(subject string, version int64) error {
	return refuse(40402, "Version %d of subject %q not found", version, subject)
}

func schemaNotFound() error {
	return refuse(40403, "Schema not found")
}

func schemaIDNotFound(id int64) error {
	return refuse(40403, "Schema %d not found", id)
}

func subjectSoftDeleted(subject string) error {
	return refuse(40404, "Subject %q was soft deleted: delete it with permanent=true to remove it for good", subject)
}

func subjectNotSoftDeleted(subject string) error {
	return refuse(40405, "Subject %q must be soft deleted before it is deleted with permanent=true", subject)
}

func versionSoftDeleted(subject string, version int64) error {
	return refuse(40406, "Version %d of subject %q was soft deleted: delete it with permanent=true to remove it for good", version, subject)
}

func versionNotSoftDeleted(subject string, version int64) error {
	return refuse(40407, "Version %d of subject %q must be soft deleted before it is deleted with permanent=true", version, subject)
}

func noCompatibility(subject string) error {
	return refuse(40408, "Subject %q has no compatibility of its own", subject)
}

func noMode(subject string) error {
	return refuse(40409, "Subject %q has no mode of its own", subject)
}

func incompatibleSchema(subject string, level schemacompat.Mode, reasons []string) error {
	return refuse(http.StatusConflict, "The schema is not %s compatible with subject %q: %s", level, subject, strings.Join(reasons, "; "))
}

func invalidSchema(format string, args ...any) error {
	return refuse(42201, "Invalid schema: "+format, args...)
}

func unknownFormat(format string) error {
	return refuse(42201, "Invalid schema: the schemaType %q is none of %s", format, strings.Join(formats, ", "))
}

func invalidVersion(version string) error {
	return refuse(42202, "Version %q is not one: it must be a number from 1 to %d, or latest", version, maxVersion)
}

func invalidCompatibility(level string) error {
	return refuse(42203, "Compatibility %q is none of %s", level, joined(schemacompat.Modes()))
}

func invalidMode(m string) error {
	return refuse(42204, "Mode %q is none of %s", m, joined(modes))
}

func notPermitted(format string, args ...any) error {
	return refuse(42205, format, args...)
}

func referenceExists(subject string, version int64, referrers []string) error {
	return refuse(42206, "Version %d of subject %q is referred to by %s: delete those first", version, subject, strings.Join(referrers, ", "))
}

func otherID(format string, args ...any) error {
	return refuse(42207, format, args...)
}

func invalidSubject(subject, why string) error {
	return refuse(42208, "Subject %q is not valid: %s", subject, why)
}

func joined[T ~string](values []T) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = string(v)
	}
	return strings.Join(parts, ", ")
}
