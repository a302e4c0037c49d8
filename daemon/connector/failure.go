package connector

import (
	"errors"
	"fmt"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Fatal marks an error that trying again soon cannot mend: a first start ends with it at once. A running connector is
// restarted all the same, ever more slowly, since somebody may mend the cause.
func Fatal(err error) error {
	if err == nil {
		return nil
	}
	return &fatalError{err}
}

// IsFatal says whether the error, or one below it, is marked.
func IsFatal(err error) bool {
	if _, ok := errors.AsType[*fatalError](err); ok {
		return true
	}
	var e *api.Error
	return errors.As(err, &e) && (e.Code == api.CodeInvalid || e.Code == api.CodeNotFound)
}

type fatalError struct{ err error }

func (f *fatalError) Error() string { return f.err.Error() }
func (f *fatalError) Unwrap() error { return f.err }

// panicError is a panic of an instance, with its stack.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// failureOf turns an error into what the status shows.
func failureOf(err error, at time.Time) *api.Failure {
	f := &api.Failure{At: at.UTC(), Code: api.CodeInternal, Summary: err.Error()}
	if e, ok := errors.AsType[*api.Error](err); ok {
		f.Code, f.Summary, f.Remedy = e.Code, e.Summary, e.Remedy
		f.Detail = e.Detail
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		f.Trace = string(p.stack)
		f.Remedy = "This is a fault of Headgate: please report it with the trace."
	}
	return f
}

// recentErrors keeps the newest errors, newest first.
type recentErrors struct{ list []api.Failure }

const recentLimit = 10

func (r *recentErrors) add(f *api.Failure) {
	r.list = append([]api.Failure{*f}, r.list...)
	if len(r.list) > recentLimit {
		r.list = r.list[:recentLimit]
	}
}

func (r *recentErrors) copy() []api.Failure { return append([]api.Failure{}, r.list...) }
