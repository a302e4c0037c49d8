package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// huma takes the shape of its errors from this variable only. It is set once, before any server is made.
func init() { huma.NewErrorWithContext = newError }

// newError makes the one error type of what huma itself refuses. The rejected values are left out: they may be secrets.
func newError(ctx huma.Context, status int, message string, details ...error) huma.StatusError {
	id := ""
	if ctx != nil {
		id = requestID(ctx.Context())
	}
	if status == http.StatusRequestEntityTooLarge {
		e := tooLarge()
		e.RequestID = id
		return e
	}
	e := &api.Error{HTTPStatus: status, Code: codeOf(status), Summary: upperFirst(message), RequestID: id}
	for _, d := range details {
		one := api.Error{HTTPStatus: status, Code: e.Code, Summary: e.Summary}
		if detail, ok := errors.AsType[*huma.ErrorDetail](d); ok {
			one.Attribute, one.Detail = pointerOf(detail.Location), detail.Message
			if name, ok := parameter(detail.Location); ok {
				one.Summary, one.Detail = "The parameter "+name+" is not valid", upperFirst(detail.Message)
			}
		} else {
			one.Detail = d.Error()
		}
		e.More = append(e.More, one)
	}
	if len(e.More) > 0 {
		first := e.More[0]
		first.More, first.RequestID = e.More[1:], id
		e = &first
	}
	return e
}

func tooLarge() *api.Error {
	return &api.Error{
		HTTPStatus: http.StatusRequestEntityTooLarge, Code: api.CodeTooLarge, Summary: "The request is too large",
		Detail: fmt.Sprintf("A request may have %d MiB.", BodyLimit>>20), Remedy: "Split it, or make it smaller.",
	}
}

func codeOf(status int) string {
	switch {
	case status == http.StatusNotFound:
		return api.CodeNotFound
	case status == http.StatusUnauthorized:
		return api.CodeUnauthorized
	case status < http.StatusInternalServerError:
		return api.CodeInvalid
	}
	return api.CodeInternal
}

// pointerOf turns huma's location, such as body.references[0].name, into a JSON pointer.
func pointerOf(location string) string {
	rest, ok := strings.CutPrefix(location, "body")
	if !ok {
		return ""
	}
	return strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(rest)
}

// parameter is the name of a parameter at huma's location, which no JSON pointer leads to.
func parameter(location string) (string, bool) {
	in, name, ok := strings.Cut(location, ".")
	return name, ok && (in == "query" || in == "path" || in == "header")
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// fail makes the answer of an error: an error of the API as it is, anything else as a fault of the daemon.
func (s *server) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*api.Error](err); ok {
		answer := *e
		answer.RequestID = requestID(ctx)
		return &answer
	}
	s.Log.ErrorContext(ctx, "request failed", "request_id", requestID(ctx), "error", err)
	return &api.Error{
		HTTPStatus: http.StatusInternalServerError, Code: api.CodeInternal, Summary: "The daemon could not do it", Detail: err.Error(),
		Remedy: "See the daemon's log for this request.", RequestID: requestID(ctx),
	}
}

func writeError(w http.ResponseWriter, e *api.Error) {
	body, err := json.Marshal(e)
	if err != nil {
		http.Error(w, e.Summary, e.HTTPStatus)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.HTTPStatus)
	_, _ = w.Write(append(body, '\n'))
}
