package schema

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// maxSaid is how much of an answer that is not the API's is shown.
const maxSaid = 500

// failure says that something could not be asked of a registry: nothing is known then, least of all that a subject is absent.
func (r *opened) failure(doing string, err error) error {
	var ready *api.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &ready) {
		return err
	}
	remedy := fmt.Sprintf("Check that the registry is up, and test connection %q.", r.name)
	switch status(err) {
	case http.StatusUnauthorized:
		remedy = fmt.Sprintf("Check the credentials of connection %q.", r.name)
	case http.StatusForbidden:
		remedy = "Allow the connection's user to do this in the registry."
	case http.StatusNotFound:
		remedy = fmt.Sprintf("Check the URL of connection %q, path included: what answers there does not answer as a schema registry.", r.name)
	}
	return api.Upstream(api.CodeConnection, "/connection", "Cannot "+doing, fmt.Sprintf("Through connection %q: %s.", r.name, said(err)), remedy)
}

// refused makes an error for people of a registry's answer to a write.
func (r *opened) refused(doing string, err error) error {
	words := fmt.Sprintf("Through connection %q, the registry says: %s.", r.name, said(err))
	switch {
	case is(err, InvalidSchema):
		return api.Invalid("/schema", "The registry does not take the schema", words, "Correct the schema.")
	case is(err, InvalidCompatibility):
		return api.Invalid("/compatibility", "The registry does not take the compatibility mode", words, "Use a mode that the registry knows.")
	case is(err, InvalidSubject):
		return api.Invalid("/subject", "The registry does not take the subject's name", words, "Choose another name.")
	case is(err, Referenced):
		return api.Refused(api.CodeInUse, "/subject", "The subject is in use", words, "Delete the schemas that refer to it first; for good, where the registry counts those that were deleted softly.")
	case is(err, NotPermitted):
		return api.Refused(api.CodeRefused, "", "The registry refuses to "+doing, words, "Check the mode of the registry and of the subject, which may be READONLY, and what the registry's operator allows.")
	}
	return r.failure(doing, err)
}

func said(err error) string {
	words := strings.TrimSuffix(strings.TrimSpace(err.Error()), ".")
	if len(words) > maxSaid {
		words = strings.ToValidUTF8(words[:maxSaid], "") + "…"
	}
	if s := status(err); s != 0 {
		return fmt.Sprintf("%s (HTTP status %d)", words, s)
	}
	return words
}

func status(err error) int {
	if fault, ok := errors.AsType[*AnswerError](err); ok {
		return fault.Status
	}
	return 0
}
