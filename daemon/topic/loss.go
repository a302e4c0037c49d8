package topic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/keeping"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	policyConfig   = "cleanup.policy"
	retentionBytes = "retention.bytes"
	tieredConfig   = "remote.storage.enable"

	withoutLimit = -1
	// untoldLimit is one that counts and that nobody tells.
	untoldLimit = -2

	// heldBatch is how many partitions one look into topics has at most, and heldTimeout bounds it.
	heldBatch   = 20_000
	heldTimeout = 30 * time.Second

	// earliest, latest and earliestLocal, the first that is not in tiered storage alone, are offsets as ListOffsets names them.
	earliest      = -2
	latest        = -1
	earliestLocal = -4
)

// limits are what has the brokers remove records of a topic. A topic whose cleanup.policy is compact alone removes nothing by
// age or size, whatever its retention is: that may change freely, and counts from when delete is added to the policy.
type limits struct {
	age, size int64 // milliseconds and bytes of a partition; withoutLimit: none, untoldLimit: not known
	compacts  bool
	tiered    bool
}

func (st *state) limits() limits {
	policy, known := st.config(policyConfig)
	if !known { // it is Kafka's default, and that of those who do not tell
		policy.value = "delete"
	}
	policies := strings.Split(plain(policy.value), ",")
	tiered, _ := st.config(tieredConfig)
	l := limits{age: withoutLimit, size: withoutLimit, compacts: slices.Contains(policies, "compact"), tiered: plain(tiered.value) == "true"}
	if slices.Contains(policies, "delete") {
		l.age, l.size = st.limit(api.RetentionConfig), st.limit(retentionBytes)
	}
	return l
}

// limit is a limit in force. What is not a number is left to the brokers.
func (st *state) limit(key string) int64 {
	c, known := st.config(key)
	if known && !c.own && c.value == "" {
		return untoldLimit
	}
	n, err := strconv.ParseInt(strings.TrimSpace(c.value), 10, 64)
	if err != nil || n < 0 {
		return withoutLimit
	}
	return n
}

// shorter says whether a limit is; one that is not told may be.
func shorter(before, after int64) bool {
	if after == untoldLimit {
		return before != untoldLimit
	}
	return after >= 0 && (before < 0 || after < before)
}

// losing is a change by which records may go that would stay without it.
type losing struct {
	change

	before, after limits
	now           time.Time
	// untold is why limits are not told that the topic goes back to.
	untold error
}

// losing says whether a change may remove records.
func (ch change) losing(now time.Time) (losing, bool) {
	q := losing{change: ch, before: ch.have.limits(), after: ch.applied(ch.have).limits(), now: now}
	return q, len(ch.configs) > 0 && (q.byAge() || q.bySize() || q.byKey() || q.byTier())
}

func (q losing) byAge() bool  { return shorter(q.before.age, q.after.age) }
func (q losing) bySize() bool { return shorter(q.before.size, q.after.size) }

// byKey says whether the topic begins to be compacted: of each key only the last record stays, and none without a key. Of a
// topic that is compacted already, nothing else is expected.
func (q losing) byKey() bool { return q.after.compacts && !q.before.compacts }

// byTier says whether tiered storage ends, which Kafka does only along with what is in it (KIP-950).
func (q losing) byTier() bool { return q.before.tiered && !q.after.tiered }

// until is the time before which records go.
func (q losing) until() int64 { return max(0, q.now.UnixMilli()-q.after.age) }

// since is the time before which records go anyway.
func (q losing) since() int64 {
	if q.before.age < 0 {
		return 0
	}
	return max(0, q.now.UnixMilli()-q.before.age)
}

// losses refuses a change that removes records of a protected topic, and warns of it otherwise.
func (c *cluster) losses(ctx context.Context, ch change, d declaration) ([]api.Warning, error) {
	ch, untold := c.fallingBack(ctx, ch)
	q, loses := ch.losing(time.Now())
	if !loses {
		return nil, nil
	}
	q.untold = untold
	found, err := c.held.Ask(ctx, q)
	if err != nil {
		return nil, c.failure("see what topic "+ch.have.name+" would lose", err)
	}
	return keeping.Losses("Topic", ch.have.name, d.protects(), q.losses(found))
}

// fallingBack is a change with the limits that count once the topic's own are taken away. Beside the topic, brokers do not
// tell those that they have in minutes or hours.
func (c *cluster) fallingBack(ctx context.Context, ch change) (change, error) {
	var keys []string
	for _, a := range ch.configs {
		if have, own := ch.have.config(a.Name); a.Op == kadm.DeleteConfig && own && have.fallback == "" && isLimit(a.Name) {
			keys = append(keys, a.Name)
		}
	}
	if len(keys) == 0 {
		return ch, nil
	}
	defaults, err := c.defaults.Ask(ctx, struct{}{})
	if err != nil {
		return ch, err
	}
	have := *ch.have
	have.configs = slices.Clone(have.configs)
	for i, config := range have.configs {
		if slices.Contains(keys, config.key) {
			have.configs[i].fallback = defaults[config.key]
		}
	}
	ch.have = &have
	return ch, nil
}

func isLimit(key string) bool { return key == api.RetentionConfig || key == retentionBytes }

// askDefaults reads once, for all who ask, the limits of topics without their own. Where brokers differ, the shortest counts.
func (c *cluster) askDefaults(ctx context.Context, asked []struct{}) ([]map[string]string, error) {
	brokers, err := c.admin.ListBrokers(ctx)
	if err != nil {
		return nil, fmt.Errorf("list brokers: %w", err)
	}
	described, err := c.admin.DescribeBrokerConfigs(ctx, brokers.NodeIDs()...)
	if err != nil {
		return nil, fmt.Errorf("describe the configs of the brokers: %w", err)
	}
	shortest := map[string]int64{}
	for _, broker := range described {
		if broker.Err != nil {
			return nil, fmt.Errorf("describe the configs of broker %s: %w", broker.Name, broker.Err)
		}
		for key, limit := range brokerLimits(broker.Configs) {
			if before, known := shortest[key]; !known || shorter(before, limit) {
				shortest[key] = limit
			}
		}
	}
	defaults := map[string]string{}
	for key, limit := range shortest {
		defaults[key] = strconv.FormatInt(limit, 10)
	}
	return slices.Repeat([]map[string]string{defaults}, len(asked)), nil
}

// brokerLimits are the limits of one broker for topics without their own. Of its three configs for the age, the first that is
// set counts. What it does not tell is missing.
func brokerLimits(configs []kadm.Config) map[string]int64 {
	limits := map[string]int64{}
	for _, one := range []struct {
		name, key string
		unit      int64
	}{
		{"log.retention.ms", api.RetentionConfig, 1},
		{"log.retention.minutes", api.RetentionConfig, time.Minute.Milliseconds()},
		{"log.retention.hours", api.RetentionConfig, time.Hour.Milliseconds()},
		{"log.retention.bytes", retentionBytes, 1},
	} {
		i := slices.IndexFunc(configs, func(c kadm.Config) bool { return c.Key == one.name })
		if _, told := limits[one.key]; told || i < 0 || configs[i].Value == nil {
			continue
		}
		n, err := strconv.ParseInt(*configs[i].Value, 10, 64)
		switch {
		case err != nil:
		case n < 0:
			limits[one.key] = withoutLimit
		default:
			limits[one.key] = n * one.unit
		}
	}
	return limits
}

// protects says whether the topic is to be protected, as far as that is known.
func (d declaration) protects() bool {
	return d.knows("/deletion_protection") && (d.DeletionProtection == nil || *d.DeletionProtection)
}

// held is what is in a topic. What the brokers do not tell is missing, and the errors say why.
type held struct {
	records    int64 // all, by offsets
	recordsErr error

	old        int64 // those that go by age
	oldIn      int   // in so many partitions
	oldest     int64 // timestamp; math.MaxInt64: not known
	oldErr     error
	over       int64 // bytes of what goes by size
	overIn     int
	overErr    error
	away       int64 // records that only tiered storage has
	awayErr    error
	partitions int
}

// holdMany asks all brokers once for all topics of a batch.
func (c *cluster) holdMany(ctx context.Context, batch []losing) ([]held, error) {
	var (
		starts, ends, untils, sinces, locals listings
		dirs                                 kadm.DescribedAllLogDirs
		dirsErr                              error
		asking                               sync.WaitGroup
	)
	ending := slices.DeleteFunc(slices.Clone(batch), func(q losing) bool { return !q.byTier() })
	aged := slices.DeleteFunc(slices.Clone(batch), func(q losing) bool { return !q.byAge() })
	asking.Go(func() { starts = c.list(ctx, batch, func(losing) int64 { return earliest }) })
	asking.Go(func() { ends = c.list(ctx, batch, func(losing) int64 { return latest }) })
	asking.Go(func() { untils = c.list(ctx, aged, losing.until) })
	asking.Go(func() { sinces = c.list(ctx, aged, losing.since) })
	asking.Go(func() { locals = c.list(ctx, ending, func(losing) int64 { return earliestLocal }) })
	asking.Go(func() { dirs, dirsErr = c.logDirs(ctx, batch) })
	asking.Wait()
	answers := make([]held, len(batch))
	for i, q := range batch {
		name := q.have.name
		h := held{partitions: q.have.partitions}
		h.count(starts[name], ends[name])
		if q.byAge() {
			h.age(q, starts[name], ends[name], untils[name], sinces[name])
		}
		if q.bySize() {
			h.weigh(q, dirs, dirsErr)
		}
		if q.byTier() {
			h.remote(starts[name], locals[name])
		}
		answers[i] = h
	}
	return answers, nil
}

func (c *cluster) logDirs(ctx context.Context, batch []losing) (kadm.DescribedAllLogDirs, error) {
	sized := kadm.TopicsSet{}
	for _, q := range batch {
		if q.bySize() {
			for id := range int32(q.have.partitions) { // #nosec G115 -- Kafka counts partitions in 32 bits
				sized.Add(q.have.name, id)
			}
		}
	}
	if len(sized) == 0 {
		return nil, nil
	}
	return c.admin.DescribeAllLogDirs(ctx, sized)
}

// listings are offsets by topic.
type listings map[string]*listing

// listing is offsets of a topic, by partition.
type listing struct {
	found map[int32]kmsg.ListOffsetsResponseTopicPartition
	err   error
}

// list asks for one offset of each partition of topics: the first of a time, or one of those that the protocol names.
func (c *cluster) list(ctx context.Context, batch []losing, at func(losing) int64) listings {
	all := make(listings, len(batch))
	if len(batch) == 0 {
		return all
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.TimeoutMillis = int32(brokerTimeout.Milliseconds())
	for _, q := range batch {
		all[q.have.name] = &listing{found: make(map[int32]kmsg.ListOffsetsResponseTopicPartition, q.have.partitions)}
		one := kmsg.NewListOffsetsRequestTopic()
		one.Topic = q.have.name
		for id := range int32(q.have.partitions) { // #nosec G115 -- Kafka counts partitions in 32 bits
			p := kmsg.NewListOffsetsRequestTopicPartition()
			p.Partition, p.Timestamp = id, at(q)
			one.Partitions = append(one.Partitions, p)
		}
		req.Topics = append(req.Topics, one)
	}
	failed := errLeftOut
	for _, shard := range c.client.RequestSharded(ctx, req) {
		resp, ok := shard.Resp.(*kmsg.ListOffsetsResponse)
		switch {
		case shard.Err != nil:
			failed = fmt.Errorf("list offsets: %w", shard.Err)
		case ok:
			all.take(resp)
		}
	}
	for _, q := range batch {
		l := all[q.have.name]
		if l.err == nil && len(l.found) < q.have.partitions {
			l.err = failed
		}
	}
	return all
}

func (l listings) take(resp *kmsg.ListOffsetsResponse) {
	for _, t := range resp.Topics {
		of := l[t.Topic]
		if of == nil {
			continue
		}
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				of.err = fmt.Errorf("list offsets of partition %d: %w", p.Partition, err)
				continue
			}
			of.found[p.Partition] = p
		}
	}
}

// count counts all records.
func (h *held) count(starts, ends *listing) {
	if h.recordsErr = cmp.Or(starts.err, ends.err); h.recordsErr != nil {
		return
	}
	for id, end := range ends.found {
		h.records += max(0, end.Offset-starts.found[id].Offset)
	}
}

// age counts the records that the old limit kept and the new one does not. Offsets by time are those of the first record that
// is not older; brokers remove from the start, so that what is before it is what goes.
func (h *held) age(q losing, starts, ends, untils, sinces *listing) {
	if h.oldErr = cmp.Or(h.recordsErr, untils.err, sinces.err); h.oldErr != nil {
		return
	}
	h.oldest = math.MaxInt64
	for id, end := range ends.found {
		from, to := starts.found[id].Offset, orEnd(untils.found[id], end)
		if q.before.age >= 0 {
			from = max(from, orEnd(sinces.found[id], end))
		}
		if to <= from {
			continue
		}
		h.old += to - from
		h.oldIn++
		if at := sinces.found[id].Timestamp; at > 0 {
			h.oldest = min(h.oldest, at)
		}
	}
}

// remote counts the records that only tiered storage has.
func (h *held) remote(starts, locals *listing) {
	if h.awayErr = cmp.Or(h.recordsErr, locals.err); h.awayErr != nil {
		return
	}
	for id, local := range locals.found {
		h.away += max(0, local.Offset-starts.found[id].Offset)
	}
}

// orEnd is an offset by time. Where all records are older, there is none.
func orEnd(found, end kmsg.ListOffsetsResponseTopicPartition) int64 {
	if found.Offset < 0 {
		return end.Offset
	}
	return min(found.Offset, end.Offset)
}

// weigh sums up what partitions hold beyond the new limit, each by its largest replica.
func (h *held) weigh(q losing, dirs kadm.DescribedAllLogDirs, err error) {
	if q.before.tiered {
		h.overErr = errors.New("with tiered storage, the brokers tell only what they hold themselves")
		return
	}
	for id := range int32(q.have.partitions) { // #nosec G115 -- Kafka counts partitions in 32 bits
		size, known := largest(dirs, q.have.name, id)
		switch {
		case !known && err != nil:
			h.overErr = fmt.Errorf("describe log directories: %w", err)
			return
		case !known:
			h.overErr = fmt.Errorf("no broker tells the size of partition %d", id)
			return
		}
		if size > q.after.size {
			h.over += size - q.after.size
			h.overIn++
		}
	}
}

func largest(dirs kadm.DescribedAllLogDirs, topic string, partition int32) (size int64, known bool) {
	for _, broker := range dirs {
		for _, dir := range broker {
			if p, ok := dir.Topics.Lookup(topic, partition); ok && !p.IsFuture && dir.Err == nil {
				size, known = max(size, p.Size), true
			}
		}
	}
	return size, known
}

// losses words what goes. What could not be told counts as lost.
func (q losing) losses(h held) []keeping.Loss {
	if h.recordsErr == nil && h.records == 0 {
		return nil
	}
	var all []keeping.Loss
	if q.byKey() {
		all = append(all, q.keyLoss(h))
	}
	if q.byAge() && (h.oldErr != nil || h.old > 0) {
		all = append(all, q.ageLoss(h))
	}
	if q.bySize() && (h.overErr != nil || h.over > 0) {
		all = append(all, q.sizeLoss(h))
	}
	if q.byTier() && (h.awayErr != nil || h.away > 0) {
		all = append(all, q.tierLoss(h))
	}
	return all
}

func (q losing) keyLoss(h held) keeping.Loss {
	summary := "Up to " + plural(h.records, "record") + " of topic " + strconv.Quote(q.have.name) + " go: it is compacted from now on"
	why := ""
	if h.recordsErr != nil {
		summary, why = q.mayGo("it is compacted from now on"), untold(h.recordsErr)
	}
	return q.loss(policyConfig, summary, "Of each key only the last record stays, and records without a key all go. "+why)
}

func (q losing) ageLoss(h held) keeping.Loss {
	if q.after.age == untoldLimit {
		return q.untoldLoss(api.RetentionConfig)
	}
	because := "they are older than " + retentionText(q.after.age)
	if h.oldErr != nil {
		return q.loss(q.cause(api.RetentionConfig), q.mayGo(because), untold(h.oldErr))
	}
	counted, note := capital(plural(h.old, "record")), "The records are counted by their offsets; where producers use transactions, their markers count too."
	if q.have.compacted() {
		counted, note = "Up to "+plural(h.old, "record"), "The records are counted by their offsets; compaction has removed some already."
	}
	if h.old == 1 {
		because = strings.Replace(because, "they are", "it is", 1)
	}
	summary := fmt.Sprintf("%s of topic %q in %s %s: %s", counted, q.have.name, plural(int64(h.oldIn), "partition"), verb(h.old), because)
	if h.oldest < math.MaxInt64 {
		summary += ", the oldest of " + time.UnixMilli(h.oldest).UTC().Format("2006-01-02 15:04:05 MST")
	}
	return q.loss(q.cause(api.RetentionConfig), summary, note)
}

func (q losing) sizeLoss(h held) keeping.Loss {
	if q.after.size == untoldLimit {
		return q.untoldLoss(retentionBytes)
	}
	limit := bytesText(q.after.size)
	if h.overErr != nil {
		return q.loss(q.cause(retentionBytes), q.mayGo("partitions hold at most "+limit+" from now on"), untold(h.overErr))
	}
	summary := fmt.Sprintf("Up to %s of topic %q go: %s of %d hold more than %s", bytesText(h.over), q.have.name, plural(int64(h.overIn), "partition"), h.partitions, limit)
	return q.loss(q.cause(retentionBytes), summary, "Brokers remove the oldest segments of a partition while what is left has that size.")
}

func (q losing) tierLoss(h held) keeping.Loss {
	const because = "tiered storage ends, with what only it has"
	if h.awayErr != nil {
		return q.loss(tieredConfig, q.mayGo(because), untold(h.awayErr))
	}
	return q.loss(tieredConfig, fmt.Sprintf("%s of topic %q go: %s", capital(plural(h.away, "record")), q.have.name, because), "The records are counted by their offsets.")
}

// untoldLoss is what a limit may take that nobody tells.
func (q losing) untoldLoss(key string) keeping.Loss {
	detail := ""
	if q.untold != nil {
		detail = fmt.Sprintf("What that is could not be told: %v.", q.untold)
	}
	return q.loss(q.cause(key), q.mayGo(key+" goes back to the broker's default, which is not known"), detail)
}

func (q losing) mayGo(because string) string {
	return fmt.Sprintf("Records of topic %q may go: %s", q.have.name, because)
}

func untold(err error) string { return fmt.Sprintf("How many could not be told: %v. ", err) }

// cause is the config by whose change a limit counts: the limit's own, or the policy that is to delete from now on.
func (q losing) cause(limit string) string {
	if slices.ContainsFunc(q.configs, func(c kadm.AlterConfig) bool { return c.Name == policyConfig }) && !q.have.deletes() {
		return policyConfig
	}
	return limit
}

func (st *state) deletes() bool {
	policy, known := st.config(policyConfig)
	return !known || slices.Contains(strings.Split(plain(policy.value), ","), "delete")
}

func (q losing) loss(key, summary, detail string) keeping.Loss {
	before, _ := q.have.config(key)
	after, _ := q.applied(q.have).config(key)
	was, now := valueText(key, before.value), valueText(key, after.value)
	keep := fmt.Sprintf("keep %s at %s", key, before.value)
	if was != before.value {
		keep = fmt.Sprintf("%s (%s)", keep, was)
	}
	return keeping.Loss{
		Warning: api.Warning{
			Attribute: spec.Join("/config", key), Summary: summary,
			Detail: strings.TrimSpace(fmt.Sprintf("%s goes from %s to %s. %s", key, was, now, detail)),
		},
		Keep: keep,
	}
}

// valueText writes a value with its unit.
func valueText(key, value string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case value == "" && isLimit(key):
		return "the broker's default"
	case value == "":
		return "nothing"
	case err != nil:
		return value
	case key == api.RetentionConfig:
		return retentionText(n)
	case key == retentionBytes && n < 0:
		return api.Unlimited
	case key == retentionBytes:
		return bytesText(n)
	}
	return value
}

func retentionText(millis int64) string { return spec.RetentionText(strconv.FormatInt(millis, 10)) }
