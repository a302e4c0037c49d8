package pulsartopic

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsaradmin/pkg/utils"
	"github.com/dustin/go-humanize"

	"github.com/headgate/terraform-provider-headgate/daemon/keeping"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// part is a partition, or a topic that is not partitioned. Retention is about what no subscription has still to read.
type part struct {
	stored, unread int64 // bytes
	ledgers        []utils.LedgerInfo
}

// read is how many bytes no subscription has still to read.
func (p part) read() int64 { return max(0, p.stored-p.unread) }

// losing is a change from one retention to another.
type losing struct {
	name          string
	before, after utils.RetentionPolicies
}

// byTime and bySize say what gets shorter. A retention of nothing is one of no bytes.
func (q losing) byTime() bool {
	return !nothing(q.before) && !nothing(q.after) && shorter(int64(q.before.RetentionTimeInMinutes), int64(q.after.RetentionTimeInMinutes))
}

func (q losing) bySize() bool {
	return !nothing(q.before) && (nothing(q.after) || shorter(q.before.RetentionSizeInMB, q.after.RetentionSizeInMB))
}

func shorter(before, after int64) bool { return after >= 0 && (before < 0 || after < before) }

// nothing says whether messages go as soon as they are acknowledged.
func nothing(r utils.RetentionPolicies) bool {
	return r.RetentionTimeInMinutes == 0 || r.RetentionSizeInMB == 0
}

// losses says what a change of the retention removes. What is not known yet removes nothing yet.
func (c *cluster) losses(ctx context.Context, topic utils.TopicName, have, want *state, body api.PulsarTopicWrite) ([]keeping.Loss, error) {
	if have == nil || !topic.IsPersistent() || sameRetention(have.retention, want.retention) || slices.Contains(body.Unknown, "/retention") || slices.Contains(body.Unknown, "/retention_size") {
		return nil, nil
	}
	before, err := c.inForce(ctx, topic)
	if err != nil {
		return nil, err
	}
	after, err := c.following(ctx, topic, want.retention)
	if err != nil {
		return nil, err
	}
	q := losing{have.name, before, after}
	if !q.byTime() && !q.bySize() {
		return nil, nil
	}
	parts, err := c.parts(ctx, topic, have, q.byTime())
	if err != nil {
		return nil, err
	}
	return q.losses(parts, time.Now()), nil
}

// inForce is the retention that holds for a topic, whoever decides it.
func (c *cluster) inForce(ctx context.Context, topic utils.TopicName) (utils.RetentionPolicies, error) {
	applied, err := c.Topics().GetRetentionWithContext(ctx, topic, true)
	if err != nil {
		return utils.RetentionPolicies{}, c.failure("read the retention of topic "+topic.String(), err)
	}
	if applied == nil {
		return utils.RetentionPolicies{}, nil
	}
	return *applied, nil
}

// following is the retention that will hold. Where neither the topic nor its namespace says, the broker's configuration
// decides, which cannot be asked; its default is to retain nothing.
func (c *cluster) following(ctx context.Context, topic utils.TopicName, own *utils.RetentionPolicies) (utils.RetentionPolicies, error) {
	if own != nil {
		return *own, nil
	}
	decided, err := c.Namespaces().GetRetentionWithContext(ctx, namespaceOf(topic))
	if err != nil {
		return utils.RetentionPolicies{}, c.failure("read the retention of namespace "+namespaceOf(topic), err)
	}
	if decided == nil {
		return utils.RetentionPolicies{}, nil
	}
	return *decided, nil
}

// parts looks into a topic; into its ledgers, one request a partition, only where their age counts.
func (c *cluster) parts(ctx context.Context, topic utils.TopicName, have *state, aged bool) ([]part, error) {
	all := map[string]utils.TopicStats{}
	var err error
	if have.partitions > 0 {
		var stats utils.PartitionedTopicStats
		stats, err = c.Topics().GetPartitionedStatsWithContext(ctx, topic, true)
		all = stats.Partitions
	} else {
		all[have.name], err = c.Topics().GetStatsWithContext(ctx, topic)
	}
	if err != nil {
		return nil, c.failure("read the figures of topic "+have.name, err)
	}
	if missing := max(have.partitions, 1) - int64(len(all)); missing > 0 {
		return nil, c.failure("read the figures of topic "+have.name, fmt.Errorf("the brokers leave out those of %d partition(s)", missing))
	}
	parts := make([]part, 0, len(all))
	for name, stats := range all {
		p := part{stored: stats.StorageSize, unread: stats.BacklogSize}
		if aged && p.read() > 0 {
			if p.ledgers, err = c.ledgers(ctx, name); err != nil {
				return nil, err
			}
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func (c *cluster) ledgers(ctx context.Context, name string) ([]utils.LedgerInfo, error) {
	one, err := utils.GetTopicName(name)
	if err != nil {
		return nil, fmt.Errorf("parse the name %s: %w", name, err)
	}
	stats, err := c.Topics().GetInternalStatsWithContext(ctx, *one)
	if err != nil {
		return nil, c.failure("read the ledgers of "+name, err)
	}
	return stats.Ledgers, nil
}

// losses words what goes.
func (q losing) losses(parts []part, now time.Time) []keeping.Loss {
	var (
		old, over     int64
		oldIn, overIn int
		all           []keeping.Loss
	)
	for _, p := range parts {
		if n := q.old(p, now); n > 0 {
			old, oldIn = old+n, oldIn+1
		}
		if n := q.over(p); n > 0 {
			over, overIn = over+n, overIn+1
		}
	}
	fromTime, fromSize := inWords(&q.before)
	toTime, toSize := inWords(&q.after)
	if old > 0 {
		because := "they are older than " + toTime
		all = append(all, q.loss("/retention", fromTime, toTime, because, old, oldIn, len(parts)))
	}
	switch {
	case over > 0 && nothing(q.after):
		all = append(all, q.loss("/retention", either(fromTime, fromSize), "none", "nothing is retained any more", over, overIn, len(parts)))
	case over > 0:
		all = append(all, q.loss("/retention_size", fromSize, toSize, "partitions hold more than "+toSize, over, overIn, len(parts)))
	}
	return all
}

// either is the limit of two that is one.
func either(kept, size string) string {
	if kept == api.Unlimited {
		return size
	}
	return kept
}

// old is how many bytes of a partition go by time. A ledger is as old as its last message is at least: it counts from when it
// was closed, and one that is open stays. What the retention in force lets go anyway does not count.
func (q losing) old(p part, now time.Time) int64 {
	if !q.byTime() {
		return 0
	}
	var bytes int64
	for _, l := range p.ledgers {
		age := now.Sub(time.UnixMilli(l.Timestamp))
		past := func(minutes int) bool { return minutes >= 0 && age > time.Duration(minutes)*time.Minute }
		if l.Timestamp > 0 && past(q.after.RetentionTimeInMinutes) && !past(q.before.RetentionTimeInMinutes) {
			bytes += l.Size
		}
	}
	return min(bytes, p.read())
}

// over is how many bytes of a partition go by size.
func (q losing) over(p part) int64 {
	if !q.bySize() {
		return 0
	}
	limit := int64(0)
	if !nothing(q.after) {
		limit = q.after.RetentionSizeInMB * mebibyte
	}
	return min(p.stored-limit, p.read())
}

func (q losing) loss(attribute, from, to, because string, bytes int64, in, of int) keeping.Loss {
	return keeping.Loss{
		Warning: api.Warning{
			Attribute: attribute,
			Summary:   fmt.Sprintf("Up to %s of acknowledged messages of topic %q go: %s", humanize.IBytes(uint64(max(0, bytes))), q.name, because),
			Detail: fmt.Sprintf("%s goes from %s to %s, and they are in %d of %d partition(s). Messages that a subscription has still to read stay. Pulsar removes whole ledgers, once they are closed.",
				strings.TrimPrefix(attribute, "/"), from, to, in, of),
		},
		Keep: fmt.Sprintf("keep %s at %s", strings.TrimPrefix(attribute, "/"), from),
	}
}
