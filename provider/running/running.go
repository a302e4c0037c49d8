// Package running is what connectors have in common, whether the daemon runs them or Kafka Connect: a write is waited for until
// something has come of it, and what has is told in the same words.
package running

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/restart"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// defaultTimeout is how long a create, update or delete may take.
const defaultTimeout = 2 * time.Minute

// Engine is what runs connectors. A is the daemon's answer about one.
type Engine[A any] struct {
	// Grace is how much longer than the daemon the provider waits, so that the daemon's own verdict arrives.
	Grace time.Duration
	// Silence says where to look when nothing says why a connector has failed.
	Silence string
	Of      func(a *A) Outcome
}

// Outcome is what has become of a connector.
type Outcome struct {
	Name, State string
	// Error is why it is failed, which nobody may know; RolledBack the last update that was taken back.
	Error      *api.Failure
	RolledBack *api.Rollback
}

// Await waits until something has come of a write that was accepted; wait reads the connector once there is news. It answers
// a connector beside an error when it is there all the same.
func (e Engine[A]) Await(ctx context.Context, limit time.Duration, accepted *A, wait func(ctx context.Context) (*A, error)) (*A, error) {
	ctx, cancel := context.WithTimeout(ctx, limit+e.Grace)
	defer cancel()
	settled, err := restart.Settled(ctx, wait, func(a *A) string { return e.Of(a).State })
	if gone, _ := remote.Absent(Removed(err, e.Of(accepted).Name)); gone {
		return nil, err
	}
	if err != nil { // Whether it runs is not known, but it is there: state must have it.
		return accepted, fmt.Errorf("see whether it starts: %w", err)
	}
	return settled, e.verdict(e.Of(accepted).RolledBack, e.Of(settled))
}

// verdict is the error of an update that was taken back since before, or of a connector that has failed.
func (e Engine[A]) verdict(before *api.Rollback, now Outcome) error {
	if now.RolledBack != nil && (before == nil || !now.RolledBack.Error.At.Equal(before.Error.At)) {
		return &api.Error{
			Code: api.CodeStartFailed, Summary: fmt.Sprintf("Connector %q could not start with the change, which was taken back", now.Name),
			Detail: explain.Failure(now.RolledBack.Error),
		}
	}
	if summary, detail, failed := e.failed(now); failed {
		return &api.Error{Code: api.CodeStartFailed, Summary: summary, Detail: detail}
	}
	return nil
}

// Notice warns of a connector that has failed.
func (e Engine[A]) Notice(a *A, diags *diag.Diagnostics) {
	if summary, detail, failed := e.failed(e.Of(a)); failed {
		diags.AddWarning(summary, detail)
	}
}

func (e Engine[A]) failed(o Outcome) (summary, detail string, failed bool) {
	detail = e.Silence
	if o.Error != nil {
		detail = explain.Failure(*o.Error)
	}
	return fmt.Sprintf("Connector %q has failed", o.Name), detail, o.State == api.StateFailed
}

// Removed is the error of looking for a connector: one that could not start is removed by the daemon, so it does not exist.
func Removed(err error, name string) error {
	if api.HasCode(err, api.CodeStartFailed) {
		return api.NotFound("Connector", name)
	}
	return err
}

// StartLimit is how long a connector may take to start; the user has the say.
func StartLimit(ctx context.Context, given timeouts.Value, options api.WriteOptions) (time.Duration, error) {
	if options.CreateOnly {
		return picked(given.Create(ctx, defaultTimeout))
	}
	return picked(given.Update(ctx, defaultTimeout))
}

// StopLimit is how long a connector may take to be deleted; the user has the say.
func StopLimit(ctx context.Context, given timeouts.Value) (time.Duration, error) {
	return picked(given.Delete(ctx, defaultTimeout))
}

func picked(given time.Duration, diags diag.Diagnostics) (time.Duration, error) {
	if diags.HasError() {
		return 0, fmt.Errorf("timeouts: %s", diags[0].Detail())
	}
	return given, nil
}
