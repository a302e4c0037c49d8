// Package restart restarts a connector through the daemon, and tells what has come of it in the same words wherever that was
// asked for.
package restart

import (
	"context"
	"errors"
	"fmt"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Where to look when nothing says why a connector has failed.
const (
	HostedSilence       = "headgated status tells more."
	KafkaConnectSilence = "Kafka Connect does not say why; see the log of its workers."
)

// Restart is one restart. A is the daemon's answer about the connector.
type Restart[A any] struct {
	Name    string
	Begin   func(ctx context.Context) (*A, error)
	Wait    func(ctx context.Context) (*A, error) // answers once there is news
	Of      func(a *A) (state string, failure *api.Failure)
	Silence string
	// Longer is what to set to wait longer, such as --timeout.
	Longer string
}

// Hosted restarts a connector that the daemon hosts, or only its instances that have failed.
func Hosted(client *api.Client, name string, onlyFailed bool, longer string) Restart[api.Connector] {
	return Restart[api.Connector]{
		Name: name, Silence: HostedSilence, Longer: longer,
		Begin: func(ctx context.Context) (*api.Connector, error) {
			return client.RestartConnector(ctx, name, onlyFailed)
		},
		Wait: func(ctx context.Context) (*api.Connector, error) { return client.WaitConnector(ctx, name) },
		Of:   func(c *api.Connector) (string, *api.Failure) { return c.Status.State, c.Status.Error },
	}
}

// OnKafkaConnect restarts a connector of a Kafka Connect cluster with its tasks, or only what has failed of it.
func OnKafkaConnect(client *api.Client, connection, name string, onlyFailed bool, longer string) Restart[api.KafkaConnector] {
	return Restart[api.KafkaConnector]{
		Name: name, Silence: KafkaConnectSilence, Longer: longer,
		Begin: func(ctx context.Context) (*api.KafkaConnector, error) {
			return client.RestartKafkaConnector(ctx, connection, name, onlyFailed)
		},
		Wait: func(ctx context.Context) (*api.KafkaConnector, error) {
			return client.WaitKafkaConnector(ctx, connection, name)
		},
		Of: func(k *api.KafkaConnector) (string, *api.Failure) { return k.Status.State, k.Status.Error },
	}
}

// Run restarts, and waits until something has come of it; say tells how far it is. One that has failed is answered beside the
// error.
func (r Restart[A]) Run(ctx context.Context, say func(text string)) (*A, error) {
	if _, err := r.Begin(ctx); err != nil {
		return nil, r.unanswered(err)
	}
	say(fmt.Sprintf("Connector %q restarts", r.Name))
	now, err := Settled(ctx, r.Wait, func(a *A) string {
		state, _ := r.Of(a)
		return state
	})
	if err != nil {
		return nil, r.unsettled(err)
	}
	state, failure := r.Of(now)
	if state == api.StateFailed {
		return now, r.failed(failure)
	}
	say(fmt.Sprintf("Connector %q is %s", r.Name, state))
	return now, nil
}

// unanswered is the error of a restart that was asked for in vain, or nobody knows.
func (r Restart[A]) unanswered(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &api.Error{
		Code: api.CodeUnavailable, Summary: fmt.Sprintf("Whether connector %q restarts is not known", r.Name),
		Detail: "The daemon was asked for it and did not answer in time. It may have been restarted, or may still be.",
		Remedy: fmt.Sprintf("Its status tells whether it runs. Where it does not, restart it again; where the answer only needs longer, set %s.", r.Longer),
	}
}

func (r Restart[A]) unsettled(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("see whether connector %q runs again: %w", r.Name, err)
	}
	return &api.Error{
		Code: api.CodeStartFailed, Summary: fmt.Sprintf("Connector %q was restarted, and is still starting", r.Name),
		Remedy: fmt.Sprintf("Where it only needs longer, set %s.", r.Longer),
	}
}

func (r Restart[A]) failed(failure *api.Failure) error {
	e := &api.Error{Code: api.CodeStartFailed, Summary: fmt.Sprintf("Connector %q has failed after its restart", r.Name), Detail: r.Silence}
	if failure != nil {
		e.Detail, e.Remedy = failure.Summary, failure.Remedy
		if failure.Detail != "" {
			e.Detail += "\n\n" + failure.Detail
		}
	}
	return e
}

// Settled waits until a connector has come to something.
func Settled[A any](ctx context.Context, wait func(ctx context.Context) (*A, error), state func(a *A) string) (*A, error) {
	for {
		a, err := wait(ctx)
		if err != nil {
			return nil, err
		}
		if now := state(a); now != api.StateStarting && now != api.StateUnassigned {
			return a, nil
		}
	}
}
