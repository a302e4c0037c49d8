package kafkaconnect

import (
	"context"
	"fmt"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// A verdict has to last. Workers hear of a new configuration one after the other, and until the one that runs a task
	// has, its status is that of the configuration before; and what fails at its first record has been running before.
	createSteady = time.Second
	updateSteady = 3 * time.Second
	// taskWait is how long a connector that runs may be without tasks until it counts as one that has none to do.
	taskWait = 10 * time.Second
)

// await waits until the connector is in its declared state, with all its tasks. It answers why it is not, once that is
// certain or the time is up.
func (w *write) await(ctx context.Context) *api.Failure {
	steady := createSteady
	if w.have != nil {
		steady = updateSteady
	}
	var (
		last  string
		since time.Time
		found *found
		err   error
	)
	for {
		found, err = w.c.find(ctx, w.name)
		if err == nil && found == nil {
			return failed("The connector was deleted by someone else while it started", "", "See who did, and create it again.")
		}
		now := "unknown"
		if err == nil {
			now = w.progress(&found.status)
		}
		if now != last {
			last, since = now, time.Now()
		}
		if held := time.Since(since); over(now, w.State, held, steady) {
			return w.failureOf(found)
		}
		if sleep(ctx, pollEvery) != nil {
			return w.timedOut(found, err)
		}
	}
}

const noTasks = "without tasks"

// progress is the state that is waited for, one that ends the wait, or another word for what is still going on.
func (w *write) progress(s *statusAnswer) string {
	state := s.state()
	if state == api.StateRunning && len(s.Tasks) == 0 {
		return noTasks
	}
	return state
}

// over says whether a state that has been held for so long ends the wait for another.
func over(now, want string, held, steady time.Duration) bool {
	switch {
	case want != api.StateRunning:
		return now == want
	case now == noTasks:
		return held >= taskWait
	case now == want, now == api.StateFailed:
		return held >= steady
	}
	return false
}

// failureOf is why a connector that came to rest is not what was declared; nil when it is.
func (w *write) failureOf(f *found) *api.Failure {
	worst := f.status.failed()
	if worst == nil || w.State != api.StateRunning {
		return nil
	}
	return failureOf(*worst, worst == &f.status.Connector, hider(w.hide))
}

func (w *write) timedOut(f *found, err error) *api.Failure {
	const remedy = "Give it more time with the timeouts of the resource, and see the log of the Kafka Connect workers."
	if err != nil || f == nil {
		return failed("The connector's status cannot be read", fmt.Sprint(err), remedy)
	}
	if worst := f.status.failed(); worst != nil {
		return w.failureOf(f)
	}
	for _, t := range f.status.Tasks {
		if state := stateOf(t.State); state != w.State {
			return failed(fmt.Sprintf("The connector did not become %s in time", w.State), fmt.Sprintf("Task %d is %s.", t.ID, state), remedy)
		}
	}
	return failed(fmt.Sprintf("The connector did not become %s in time", w.State), fmt.Sprintf("It is %s and has %d task(s).", stateOf(f.status.Connector.State), len(f.status.Tasks)), remedy)
}

func failed(summary, detail, remedy string) *api.Failure {
	return &api.Failure{At: time.Now().UTC(), Code: api.CodeStartFailed, Summary: summary, Detail: detail, Remedy: remedy}
}
