package server

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// answer is a response with a body.
type answer[T any] struct{ Body T }

// The parameter structs are exported because huma looks into embedded structs only then.

// Write holds the parameters of a write.
type Write struct {
	DryRun         bool   `query:"dry_run" doc:"Run every check and change nothing."`
	IfMatch        string `header:"If-Match" doc:"The generation, in quotes, that the object must have."`
	IfNoneMatch    string `header:"If-None-Match" doc:"* refuses to change what exists."`
	IdempotencyKey string `header:"Idempotency-Key" doc:"The same for repeats of one request, so that a repeat is not told that the object exists."`
}

func (w Write) options() api.WriteOptions {
	return api.WriteOptions{DryRun: w.DryRun, CreateOnly: w.IfNoneMatch == "*", Generation: strings.Trim(w.IfMatch, `"`)}
}

// Paging holds the parameters of a list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many objects a page has at most."`
	Cursor string `query:"cursor" doc:"The cursor that the page before answered."`
}

func (p Paging) after() (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return "", api.Invalid("", "The cursor is not valid", "", "Use the cursor that the page before answered.")
	}
	return string(raw), nil
}

// check refuses to leave out checks in a real write.
func (w Write) check(unknown []string) error {
	if len(unknown) > 0 && !w.DryRun {
		return api.Invalid("/unknown", "Values that are not known cannot be written", "unknown is for dry runs.", "Leave unknown out, or add dry_run=true.")
	}
	return nil
}

// page makes a page of what was found with one more than the limit, so that the last page is known to be the last.
func page[T any](found []T, limit int, name func(T) string) *api.Page[T] {
	p := api.Page[T]{Items: found}
	if p.Items == nil {
		p.Items = []T{}
	}
	if len(found) > limit {
		p.Items = found[:limit]
		p.Next = base64.RawURLEncoding.EncodeToString([]byte(name(found[limit-1])))
	}
	return &p
}

// route registers an operation; do's errors become the one error type.
func route[I, O any](s *server, face huma.API, method, path, id, summary string, do func(ctx context.Context, in *I) (*O, error)) {
	op := huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, MaxBodyBytes: BodyLimit, BodyReadTimeout: -1}
	huma.Register(face, op, func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &answer[O]{*out}, nil
	})
}

func (s *server) systemRoutes(face huma.API) {
	route(s, face, http.MethodGet, "/v1/version", "get-version", "What the daemon is", func(context.Context, *struct{}) (*api.Version, error) {
		return &s.Version, nil
	})
}
