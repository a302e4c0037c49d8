package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// showTimeout bounds the wait until all brokers show a change that the controller took.
	showTimeout = 15 * time.Second
	showPause   = 20 * time.Millisecond
)

var errNotShown = fmt.Errorf("not every broker shows it after %v", showTimeout)

// Cluster is the Kafka cluster of a connection, to be asked and changed.
type Cluster struct {
	Connection string
	Admin      *kadm.Client
	// Raw takes the requests that Admin has no words for.
	Raw *kgo.Client
}

// Cluster opens a connection for one request. The clients stay the set's to close.
func (a *Admins) Cluster(ctx context.Context, conns *connection.Service, name string) (*Cluster, error) {
	target, err := conns.Resolve(ctx, name, "/connection", KindName)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	one, err := a.current(target)
	if err != nil {
		return nil, (&Cluster{Connection: name}).Failure("make a client", "", err)
	}
	return &Cluster{Connection: name, Admin: one.client, Raw: one.raw}, nil
}

// Failure says that something could not be asked of the cluster: nothing is known then, least of all that something is
// absent. right is what the connection's user must be allowed to do, such as "Describe the cluster".
func (c *Cluster) Failure(doing, right string, err error) error {
	var ready *api.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &ready) {
		return err
	}
	return api.Upstream(api.CodeConnection, "/connection", "Cannot "+doing, fmt.Sprintf("Through connection %q: %v.", c.Connection, err), c.remedy(right, err))
}

// ListFailure is the same of a list of everything of a kind. That the user may not see it, or that the cluster knows no such
// things, is a refusal there: it says nothing against the connection, nor about other kinds.
func (c *Cluster) ListFailure(doing, right string, err error) error {
	if !Unauthorized(err) && !Unsupported(err) {
		return c.Failure(doing, right, err)
	}
	return api.Refused(api.CodeRefused, "/connection", "Cannot "+doing, fmt.Sprintf("Through connection %q: %v.", c.Connection, err), c.remedy(right, err))
}

func (c *Cluster) remedy(right string, err error) string {
	switch {
	case right != "" && Unauthorized(err):
		return "Allow the connection's user to " + right + "."
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Sprintf("Check the credentials of connection %q.", c.Connection)
	case errors.Is(err, errNotShown):
		return "The change was made. Look after the brokers that lag behind, and repeat."
	case Unsupported(err):
		return "The cluster is too old, or of a kind that does not offer this."
	}
	return fmt.Sprintf("Check that the brokers are up, and test connection %q.", c.Connection)
}

// Unauthorized says whether a broker refused because the user has not the right to ask.
func Unauthorized(err error) bool {
	for _, refused := range []error{
		kerr.ClusterAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed,
		kerr.TransactionalIDAuthorizationFailed, kerr.DelegationTokenAuthorizationFailed,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}

// Unsupported says whether the brokers do not know the request. The client finds out itself, by what the brokers say they
// know, and does not export its error.
func Unsupported(err error) bool {
	return errors.Is(err, kerr.UnsupportedVersion) || err != nil && strings.Contains(err.Error(), "broker is too old")
}

// Said is the broker's own message, or what the protocol says about an error's code.
func Said(err error, message string) string {
	var code *kerr.Error
	switch {
	case message != "":
		return message
	case errors.As(err, &code):
		return code.Description
	}
	return err.Error()
}

// Definite says whether an error is a broker's answer that nothing was done. After any other, the change may have been made.
func Definite(err error) bool {
	var code *kerr.Error
	return errors.As(err, &code) && !errors.Is(err, kerr.RequestTimedOut)
}

// Shown waits until every broker shows a change that the controller took: brokers follow it each at its own pace.
func (c *Cluster) Shown(ctx context.Context, shows func(ctx context.Context, broker *kgo.Broker) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, showTimeout, errNotShown)
	defer cancel()
	seen := map[int32]bool{}
	return Until(ctx, func(ctx context.Context) (bool, error) { return c.shownByAll(ctx, seen, shows) })
}

// Until asks again and again until something is so. When the context ends before, the error has its cause, and why it could
// not be asked last.
func Until(ctx context.Context, so func(ctx context.Context) (bool, error)) error {
	var last error
	for {
		done, err := so(ctx)
		if done {
			return nil
		}
		if ctx.Err() != nil { // which is what ended the asking too
			return errors.Join(context.Cause(ctx), last)
		}
		last = err
		if err := sleep(ctx, showPause); err != nil {
			return errors.Join(err, last)
		}
	}
}

// shownByAll asks the brokers that are up and did not show it before.
func (c *Cluster) shownByAll(ctx context.Context, seen map[int32]bool, shows func(context.Context, *kgo.Broker) (bool, error)) (bool, error) {
	brokers, err := c.brokers(ctx)
	if err != nil {
		return false, err
	}
	all := len(brokers) > 0
	for _, id := range brokers {
		if seen[id] {
			continue
		}
		shown, broken := shows(ctx, c.Raw.Broker(int(id)))
		if broken != nil {
			err = broken
		}
		seen[id] = shown && broken == nil
		all = all && seen[id]
	}
	return all, err
}

func (c *Cluster) brokers(ctx context.Context) ([]int32, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // nil would ask for all
	resp, err := req.RequestWith(ctx, c.Raw)
	if err != nil {
		return nil, fmt.Errorf("list the brokers: %w", err)
	}
	ids := make([]int32, 0, len(resp.Brokers))
	for _, b := range resp.Brokers {
		ids = append(ids, b.NodeID)
	}
	return ids, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
