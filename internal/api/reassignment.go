package api

import (
	"context"
	"fmt"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// DefaultReplicationThrottle is how fast a broker copies replicas at most when nothing else is declared.
const DefaultReplicationThrottle = "50MiB"

// Unlimited switches a limit off.
const Unlimited = "unlimited"

// ParseThrottle reads a throttle as people write it: bytes per second of each broker, 0 for none. An empty one is an error.
func ParseThrottle(text string) (int64, error) {
	if text == Unlimited {
		return 0, nil
	}
	n, err := spec.Size(text).Parse()
	if err == nil && n < 1 {
		err = fmt.Errorf("%q lets nothing through", text)
	}
	if err != nil {
		return 0, fmt.Errorf("%w; or %q", err, Unlimited)
	}
	return n, nil
}

// Reassignment is the moving of a topic's replicas: how far it is.
type Reassignment struct {
	InProgress        bool       `json:"in_progress" doc:"Whether replicas move, or what was needed for it is still to be taken away."`
	ReplicationFactor int64      `json:"replication_factor,omitempty" doc:"The number of replicas that it leads to; absent when it was not begun by Headgate."`
	PartitionsTotal   int        `json:"partitions_total,omitempty" doc:"How many partitions it moves."`
	PartitionsLeft    int        `json:"partitions_left" doc:"How many of them are not done."`
	BytesLeft         *int64     `json:"bytes_left" doc:"About how many bytes are still to be copied; null when the brokers do not tell."`
	Throttle          string     `json:"throttle,omitempty" doc:"How fast each broker copies at most, per second."`
	StartedAt         *time.Time `json:"started_at,omitempty" doc:"When Headgate began it."`
	Problem           string     `json:"problem,omitempty" doc:"What keeps Headgate from going on by now."`
}

// GetReassignment tells how far the reassignment of a topic's replicas is.
func (c *Client) GetReassignment(ctx context.Context, connection, topic string) (*Reassignment, error) {
	return get[Reassignment](ctx, c, topicPath(connection, topic)+"/reassignment")
}

// WaitReassignment is GetReassignment that the daemon holds until the reassignment is done, or [PollLimit] is over.
func (c *Client) WaitReassignment(ctx context.Context, connection, topic string) (*Reassignment, error) {
	return get[Reassignment](ctx, c, topicPath(connection, topic)+"/reassignment?wait=done")
}

// CancelReassignment takes back what is not done yet: those partitions keep the replicas that they had.
func (c *Client) CancelReassignment(ctx context.Context, connection, topic string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, topicPath(connection, topic)+"/reassignment", opts)
}
