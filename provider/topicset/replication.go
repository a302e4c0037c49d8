package topicset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// moveTimeout is how long an apply waits for replicas to be copied, of all topics together.
const moveTimeout = time.Hour

const changeReplicas = "change the replication factor of"

// arrive waits until the replicas that the brokers copy are where they go.
func (w *writing) arrive() {
	ctx, cancel := context.WithTimeout(w.ctx, moveTimeout)
	defer cancel()
	for i, name := range w.moving {
		topic, err := w.arrived(ctx, name)
		e, isAPI := errors.AsType[*api.Error](err)
		if errors.Is(err, context.DeadlineExceeded) {
			w.diags.warn("Replicas are still being copied", "Terraform no longer waits. The brokers go on, and Headgate takes the throttle away when they are done. Topics: "+some(w.moving[i:])+".")
			return
		}
		if isAPI {
			w.diags.topicError(changeReplicas, w.now.connection.v, name, e)
			continue
		}
		if err != nil {
			w.diags.error("wait for replicas that are copied", err)
			return
		}
		w.replicas(name, topic)
	}
}

// replicas notes how many replicas a topic has after all.
func (w *writing) replicas(name string, t *api.Topic) {
	e := w.now.topics[name]
	if e.replicas.v != t.ReplicationFactor {
		w.diags.topicError(changeReplicas, w.now.connection.v, name, replicasAfterAll(t, e.replicas.v))
	}
	e.replicas = known(t.ReplicationFactor)
	w.now.topics[name], w.generations[name] = e, t.Generation
}

// arrived is a topic whose replicas are where they stay. The daemon holds each request until there is news.
func (w *writing) arrived(ctx context.Context, name string) (*api.Topic, error) {
	for moving := true; moving; {
		seen, err := w.client.WaitReassignment(ctx, w.now.connection.v, name)
		if err != nil {
			return nil, err
		}
		moving = seen.InProgress
	}
	return w.client.GetTopic(ctx, w.now.connection.v, name, retentionConfig)
}

func replicasAfterAll(t *api.Topic, wanted int64) *api.Error {
	return &api.Error{
		Code: api.CodeRefused, Attribute: "/replication_factor", Summary: fmt.Sprintf("Topic %q has %d replicas after all, and not %d", t.Name, t.ReplicationFactor, wanted),
		Detail: "Someone cancelled the change, or made another one.", Remedy: "Plan again to see how things are.",
	}
}
