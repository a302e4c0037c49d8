// Package reassign is what the resources of topics share whose replicas move when the replication factor changes.
package reassign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Timeout is how long an apply waits for replicas to be copied unless told otherwise.
const Timeout = time.Hour

// What the attributes are about, for documentation.
const (
	TimeoutDoc  = "How long to wait until replicas are copied when the replication factor changes, such as `4h`. Default: `1h`."
	ThrottleDoc = "How much each broker copies per second, at most, while the replication factor changes, such as `20MiB`, or `unlimited`. It must be more than what is " +
		"written meanwhile, or new replicas never catch up. Headgate sets the throttle, takes it away afterwards, and leaves those alone that others have set. Default: `50MiB`."
)

// Under says whether replicas move after a write that asked for a replication factor.
func Under(t *api.Topic, factor int64) bool {
	return t.Reassignment != nil || t.ReplicationFactor != factor
}

// Await waits until all replicas of a topic are where they stay, and answers the topic then; beside an error too, when it has
// another replication factor than it was to have. The daemon holds each request until there is news.
func Await(ctx context.Context, client *api.Client, connection, name string, factor int64) (*api.Topic, error) {
	seen := &api.Reassignment{InProgress: true}
	for seen.InProgress {
		now, err := client.WaitReassignment(ctx, connection, name)
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, Late(fmt.Sprintf("topic %q", name), left(seen))
		}
		if err != nil {
			return nil, err
		}
		seen = now
		tflog.Info(ctx, "replicas are being copied", map[string]any{"topic": name, "partitions_left": now.PartitionsLeft, "partitions": now.PartitionsTotal, "bytes_left": now.BytesLeft})
	}
	topic, err := client.GetTopic(ctx, connection, name, api.RetentionConfig)
	if err != nil {
		return nil, err
	}
	if topic.ReplicationFactor != factor {
		return topic, api.Refused(api.CodeRefused, "/replication_factor", fmt.Sprintf("Topic %q has %d replicas after all, and not %d", name, topic.ReplicationFactor, factor),
			"Someone cancelled the change, or made another one.", "Plan again to see how things are.")
	}
	return topic, nil
}

func left(seen *api.Reassignment) string {
	words := fmt.Sprintf("%d of %d partitions are left", seen.PartitionsLeft, seen.PartitionsTotal)
	if seen.BytesLeft != nil {
		words += fmt.Sprintf(", about %d bytes", *seen.BytesLeft)
	}
	return words
}

// Late says that replicas are not where they go in time. left tells how far it is.
func Late(what, left string) *api.Error {
	return api.Refused(api.CodeRefused, "/replication_factor", "The replicas of "+what+" are still being copied",
		left+". The brokers go on, and Headgate takes the throttle away when they are done.",
		"To wait longer, raise timeouts; to copy faster, raise replication_throttle. The next plan shows how things are.")
}

// Progress tells of the change of a topic's replication factor that is under way.
func Progress(t *api.Topic) (api.Warning, bool) {
	r := t.Reassignment
	if r == nil || !r.InProgress {
		return api.Warning{}, false
	}
	return api.Warning{
		Summary: fmt.Sprintf("The replicas of topic %q are being copied", t.Name),
		Detail:  fmt.Sprintf("Its replication factor changes to %d, at %s per second and broker at most. Until then not all replicas are in sync.", r.ReplicationFactor, r.Throttle),
	}, true
}

// Problem tells what keeps Headgate from going on with that change.
func Problem(t *api.Topic) (api.Warning, bool) {
	if t.Reassignment == nil || t.Reassignment.Problem == "" {
		return api.Warning{}, false
	}
	return api.Warning{
		Summary: fmt.Sprintf("The change of the replication factor of topic %q is not cleaned up after", t.Name),
		Detail:  fmt.Sprintf("Headgate keeps trying: %s.", t.Reassignment.Problem),
	}, true
}
