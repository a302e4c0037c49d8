package topicset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/reassign"
)

const changeReplicas = "change the replication factor of"

// limit is how long to wait for replicas, of all topics together.
func (t timeouts) limit(created bool) time.Duration {
	text := t.update
	if created {
		text = t.create
	}
	if limit, err := time.ParseDuration(text.v); err == nil {
		return limit
	}
	return reassign.Timeout // the text was checked before
}

// arrive waits until the replicas that the brokers copy are where they go.
func (w *writing) arrive() {
	ctx, cancel := context.WithTimeout(w.ctx, w.now.timeouts.limit(w.prior == nil))
	defer cancel()
	for i, name := range w.moving {
		topic, err := reassign.Await(ctx, w.client, w.now.connection.v, name, w.now.topics[name].replicas.v)
		e, isAPI := errors.AsType[*api.Error](err)
		switch {
		case err != nil && ctx.Err() != nil && i < len(w.moving)-1:
			late := w.moving[i:]
			w.diags.error(changeReplicas, reassign.Late(fmt.Sprintf("%d topics", len(late)), "Not seen to arrive: "+some(late)))
			return
		case isAPI:
			w.diags.topicError(changeReplicas, w.now.connection.v, name, e)
		case err != nil:
			w.diags.error("wait for replicas that are copied", err)
			return
		}
		if topic != nil {
			w.replicas(name, topic)
		}
	}
}

// replicas notes how many replicas a topic has.
func (w *writing) replicas(name string, t *api.Topic) {
	e := w.now.topics[name]
	e.replicas = known(t.ReplicationFactor)
	w.now.topics[name], w.generations[name] = e, t.Generation
}

// warnOfMoves tells of topics whose replicas are being copied, and answers their names.
func warnOfMoves(noted []*api.Topic, diags *diagnostics) []string {
	var moving []string
	var last api.Warning
	for _, t := range noted {
		if w, found := reassign.Progress(t); found {
			moving, last = append(moving, t.Name), w
		}
		if w, found := reassign.Problem(t); found {
			diags.warn(w.Summary, w.Detail)
		}
	}
	switch len(moving) {
	case 0:
	case 1:
		diags.warn(last.Summary, last.Detail)
	default:
		diags.warn(fmt.Sprintf("The replicas of %d topics are being copied", len(moving)), "Their replication factor changes. Until then not all replicas are in sync: "+some(moving)+".")
	}
	return moving
}
