package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

type contextKey int

const (
	requestIDKey contextKey = iota
	afterAnswerKey
	shortLivedKey
)

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

var wellFormedID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives every request an id, the caller's own where it is well-formed.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(api.HeaderRequestID)
		if !wellFormedID.MatchString(id) {
			id = uuid.NewString()
		}
		w.Header().Set(api.HeaderRequestID, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey, id)))
	})
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// logRequests writes a line per request: never a query value, a header or a body, where secrets could be.
func logRequests(log *slog.Logger, observe func(method, status string, took time.Duration), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		took := time.Since(begin)
		observe(r.Method, strconv.Itoa(rec.status), took)
		level := slog.LevelDebug
		if rec.status >= http.StatusInternalServerError {
			level = slog.LevelWarn
		}
		log.LogAttrs(r.Context(), level, "request",
			slog.String("request_id", requestID(r.Context())), slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", rec.status), slog.Duration("took", took))
	})
}

func recoverPanics(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			log.ErrorContext(r.Context(), "request panicked", "request_id", requestID(r.Context()), "panic", value, "stack", string(debug.Stack()))
			writeError(w, &api.Error{
				HTTPStatus: http.StatusInternalServerError, Code: api.CodeInternal, Summary: "The daemon could not do it",
				Remedy: "This is a fault of Headgate: please report it with the log of this request.", RequestID: requestID(r.Context()),
			})
		}()
		next.ServeHTTP(w, r)
	})
}

// issuedTokens tells which short-lived tokens are good.
type issuedTokens interface {
	Good(ctx context.Context, secret string) (bool, error)
}

// shortLived says whether the caller showed a short-lived token.
func shortLived(ctx context.Context) bool {
	is, _ := ctx.Value(shortLivedKey).(bool)
	return is
}

// authenticate lets in who has one of the tokens, or one that was issued. Nobody else learns anything, not even which
// paths there are.
func authenticate(tokens []string, issued issuedTokens, log *slog.Logger, next http.Handler) http.Handler {
	if len(tokens) == 0 {
		return next
	}
	sums := make([][sha256.Size]byte, len(tokens))
	for i, t := range tokens {
		sums[i] = sha256.Sum256([]byte(t))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := shownToken(r)
		if isOneOf(sha256.Sum256([]byte(given)), sums) {
			next.ServeHTTP(w, r)
			return
		}
		good, err := issued.Good(r.Context(), given)
		switch {
		case err != nil:
			log.ErrorContext(r.Context(), "cannot check a token", "request_id", requestID(r.Context()), "error", err)
			writeError(w, &api.Error{
				HTTPStatus: http.StatusServiceUnavailable, Code: api.CodeUnavailable, Summary: "The daemon cannot check tokens now", RequestID: requestID(r.Context()),
			})
		case good:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), shortLivedKey, true)))
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="headgate"`)
			writeError(w, &api.Error{
				HTTPStatus: http.StatusUnauthorized, Code: api.CodeUnauthorized, Summary: "The daemon wants a valid token",
				Remedy:    "Give a token that the daemon was started with, or a short-lived one that has not expired.",
				RequestID: requestID(r.Context()),
			})
		}
	})
}

func shownToken(r *http.Request) string {
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return given
	}
	// Registry clients send a token as the password of basic authentication, whatever the user.
	_, given, _ := r.BasicAuth()
	return given
}

// isOneOf compares with all sums, so that the time it takes tells nothing.
func isOneOf(sum [sha256.Size]byte, sums [][sha256.Size]byte) bool {
	found := 0
	for i := range sums {
		found |= subtle.ConstantTimeCompare(sum[:], sums[i][:])
	}
	return found == 1
}

// drainLimit is how much of a request that was refused for its size is still read, in bytes. A client that is cut off
// while it sends sees a broken connection, not the answer.
const drainLimit = 64 << 20

// limitBody refuses large requests before they are looked at.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := r.Body
		if r.ContentLength > BodyLimit {
			drain(r, body)
			e := tooLarge()
			e.RequestID = requestID(r.Context())
			writeError(w, e)
			return
		}
		r.Body = http.MaxBytesReader(w, body, BodyLimit)
		next.ServeHTTP(w, r)
		drain(r, body)
	})
}

// drain does not ask for more from a client that waits to be asked: that one sees the answer without sending.
func drain(r *http.Request, body io.Reader) {
	if r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, body, drainLimit)
	}
}

// outcome is what to note once an answer has left, or once it is known that nobody took it.
type outcome struct {
	sent func(context.Context) error
	lost func(context.Context) error // nil: nothing to note
}

// runAfterAnswer notes what a handler left to be noted about its answer, once that is on the wire.
func runAfterAnswer(log *slog.Logger) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		var left outcome
		next(huma.WithValue(ctx, afterAnswerKey, &left))
		if left.sent == nil {
			return
		}
		// Small answers stay in the server's buffer until the handler returns, which is too late for us.
		_, w := humago.Unwrap(ctx)
		err := http.NewResponseController(w).Flush()
		note := left.sent
		if err != nil || ctx.Context().Err() != nil {
			note = left.lost
		}
		if note == nil {
			return
		}
		if err := note(context.WithoutCancel(ctx.Context())); err != nil {
			log.Error("cannot note what became of an answer", "request_id", requestID(ctx.Context()), "error", err)
		}
	}
}

func afterAnswer(ctx context.Context, o outcome) {
	if left, ok := ctx.Value(afterAnswerKey).(*outcome); ok {
		*left = o
	}
}
