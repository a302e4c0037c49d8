package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// readBatch is how many topics one request asks about when all are read, and batchOfTopics one for some by name.
	readBatch     = 2000
	batchOfTopics = 1000

	// showTimeout bounds the wait until all brokers show a change that the controller took.
	showTimeout = 15 * time.Second
)

// errNotShown says that brokers do not show a change in time that the controller took.
var errNotShown = fmt.Errorf("not every broker shows it after %v", showTimeout)

// cluster is the Kafka cluster of a connection.
type cluster struct {
	name   string // of the connection
	admin  *kadm.Client
	client *kgo.Client
	batches
	validated *validated
}

func newCluster(name string, client *kgo.Client, admin *kadm.Client) *cluster {
	c := &cluster{name: name, admin: admin, client: client, validated: newValidated()}
	c.batches = c.newBatches()
	return c
}

// state is a topic as the cluster has it.
type state struct {
	connection string
	name       string
	id         kadm.TopicID
	partitions int
	replicas   int // the smallest number of any partition
	internal   bool
	configs    []config
	// err is why the configs could not be read.
	err error
}

// config is a config in force.
type config struct {
	key, value string
	// own tells that it is set on the topic itself.
	own bool
	// fallback is the value in force once the topic's own is taken away.
	fallback  string
	sensitive bool
}

func (st *state) config(key string) (config, bool) {
	i := slices.IndexFunc(st.configs, func(c config) bool { return c.key == key })
	if i < 0 {
		return config{}, false
	}
	return st.configs[i], true
}

// own answers the value that is set on the topic itself.
func (st *state) own(key string) (string, bool) {
	c, ok := st.config(key)
	return c.value, ok && c.own
}

// all reads every topic that the user of the connection may see, with its configs.
func (c *cluster) all(ctx context.Context) (map[string]*state, error) {
	topics, err := c.metadata(ctx, c.client, nil)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(topics, func(_ string, st *state) bool { return errors.Is(st.err, kerr.UnknownTopicOrPartition) })
	words := map[string]string{}
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(topics)), readBatch) {
		if err := describe(ctx, c.client, topics, batch, words); err != nil {
			return nil, err
		}
	}
	return topics, nil
}

// one reads a topic, or nil when the cluster says that there is none of this name. Asked by name, a broker tells a
// topic that is not there from one that this user may not see. That it is not there is proven once every broker says so:
// each follows the controller at its own pace.
func (c *cluster) one(ctx context.Context, name string) (*state, error) {
	if reason := nameProblem(name); reason != "" {
		return nil, nil
	}
	found, err := c.reads.Ask(ctx, name)
	if err != nil {
		return nil, err
	}
	if found.st != nil || found.err != nil {
		return found.st, found.err
	}
	return c.anywhere(ctx, name)
}

// anywhere asks every broker at once. It is the shorter way to know of a topic that most likely is not there.
func (c *cluster) anywhere(ctx context.Context, name string) (*state, error) {
	views, err := c.sights.Ask(ctx, sight{name: name, configs: true})
	if err != nil {
		return nil, err
	}
	for _, st := range views {
		if st != nil {
			return st, st.err
		}
	}
	return nil, nil
}

// found is what a cluster says about a topic that was asked for by name: nil for one that is not there.
type found struct {
	st  *state
	err error
}

// readMany reads topics by name.
func (c *cluster) readMany(ctx context.Context, names []string) ([]found, error) {
	topics, err := c.named(ctx, c.client, names, names)
	if err != nil {
		return nil, err
	}
	answers := make([]found, len(names))
	for i, name := range names {
		st := topics[name]
		switch {
		case st == nil:
		case st.err != nil:
			answers[i].err = st.err
		default:
			answers[i].st = st
		}
	}
	return answers, nil
}

// named reads topics by name, and the configs of some of them. Those that are not there are left out.
func (c *cluster) named(ctx context.Context, from kmsg.Requestor, names, withConfigs []string) (map[string]*state, error) {
	topics, err := c.metadata(ctx, from, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if topics[name] == nil {
			return nil, fmt.Errorf("read metadata: the broker's answer leaves topic %s out", name)
		}
	}
	maps.DeleteFunc(topics, func(_ string, st *state) bool {
		return errors.Is(st.err, kerr.UnknownTopicOrPartition) || errors.Is(st.err, kerr.InvalidTopicException)
	})
	var batch []string
	for _, name := range withConfigs {
		if st := topics[name]; st != nil && st.err == nil {
			batch = append(batch, name)
		}
	}
	if len(batch) == 0 {
		return topics, nil
	}
	return topics, describe(ctx, from, topics, batch, map[string]string{})
}

// read is one with its error made for people.
func (c *cluster) read(ctx context.Context, name string) (*state, error) {
	return c.readBy(ctx, name, c.one)
}

// readNew is read of a topic that is to be created.
func (c *cluster) readNew(ctx context.Context, name string) (*state, error) {
	return c.readBy(ctx, name, c.anywhere)
}

func (c *cluster) readBy(ctx context.Context, name string, ask func(context.Context, string) (*state, error)) (*state, error) {
	st, err := ask(ctx, name)
	if err != nil {
		return nil, c.failure("read topic "+name, err)
	}
	return st, nil
}

// metadata asks for topics without their configs; nil names are all.
func (c *cluster) metadata(ctx context.Context, from kmsg.Requestor, names []string) (map[string]*state, error) {
	req := kmsg.NewPtrMetadataRequest()
	if names != nil {
		req.Topics = make([]kmsg.MetadataRequestTopic, 0, len(names))
	}
	for _, name := range names {
		one := kmsg.NewMetadataRequestTopic()
		one.Topic = &name
		req.Topics = append(req.Topics, one)
	}
	resp, err := req.RequestWith(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	topics := make(map[string]*state, len(resp.Topics))
	for _, t := range resp.Topics {
		if t.Topic != nil {
			topics[*t.Topic] = c.state(*t.Topic, t)
		}
	}
	return topics, nil
}

func (c *cluster) state(name string, t kmsg.MetadataResponseTopic) *state {
	st := &state{connection: c.name, name: name, id: t.TopicID, partitions: len(t.Partitions), internal: t.IsInternal}
	for _, p := range t.Partitions {
		if st.replicas == 0 || len(p.Replicas) < st.replicas {
			st.replicas = len(p.Replicas)
		}
	}
	// A partition that is without a leader for a moment still is a partition.
	if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.LeaderNotAvailable) {
		st.err = fmt.Errorf("read metadata: %w", err)
	}
	return st
}

// describe fills in the configs of a batch of topics, and removes those that went away in the meantime. words holds each
// string once: topics mostly have the same ones.
func describe(ctx context.Context, from kmsg.Requestor, topics map[string]*state, batch []string, words map[string]string) error {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms = true
	for _, name := range batch {
		one := kmsg.NewDescribeConfigsRequestResource()
		one.ResourceType, one.ResourceName = kmsg.ConfigResourceTypeTopic, name
		req.Resources = append(req.Resources, one)
	}
	resp, err := req.RequestWith(ctx, from)
	if err != nil {
		return fmt.Errorf("describe topic configs: %w", err)
	}
	seen := make(map[string]bool, len(resp.Resources))
	for _, r := range resp.Resources {
		seen[r.ResourceName] = true
		st, err := topics[r.ResourceName], kerr.ErrorForCode(r.ErrorCode)
		switch {
		case st == nil:
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			delete(topics, r.ResourceName)
		case err != nil:
			st.err = fmt.Errorf("describe topic configs: %w", err)
		default:
			st.configs = configsOf(r.Configs, words)
		}
	}
	for _, name := range batch {
		if st := topics[name]; st != nil && !seen[name] && st.err == nil {
			st.err = errors.New("describe topic configs: the broker's answer leaves the topic out")
		}
	}
	return nil
}

// configsOf keeps what is needed of configs.
func configsOf(described []kmsg.DescribeConfigsResponseResourceConfig, words map[string]string) []config {
	once := func(s string) string {
		if have, ok := words[s]; ok {
			return have
		}
		words[s] = s
		return s
	}
	configs := make([]config, 0, len(described))
	for _, d := range described {
		one := config{key: once(d.Name), value: once(text(d.Value)), own: d.Source == kmsg.ConfigSourceDynamicTopicConfig, sensitive: d.IsSensitive}
		one.fallback = one.value
		if one.own {
			one.fallback = once(fallback(d))
		}
		configs = append(configs, one)
	}
	slices.SortFunc(configs, func(a, b config) int { return strings.Compare(a.key, b.key) })
	return configs
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// fallback is the next value in the order in which Kafka looks for one (KIP-226).
func fallback(d kmsg.DescribeConfigsResponseResourceConfig) string {
	for _, s := range d.ConfigSynonyms {
		if s.Source != kmsg.ConfigSourceDynamicTopicConfig && s.Value != nil {
			return *s.Value
		}
	}
	return ""
}

// shown waits until every broker shows a topic as wanted, which is nil for a broker that shows none, and answers the
// topic as they show it. Brokers follow the controller each at its own pace.
func (c *cluster) shown(ctx context.Context, name string, wanted func(*state) bool) (*state, error) {
	return c.sighted(ctx, sight{name: name, configs: true}, wanted)
}

// placed is shown for what can be told without the configs.
func (c *cluster) placed(ctx context.Context, name string, wanted func(*state) bool) (*state, error) {
	return c.sighted(ctx, sight{name: name}, wanted)
}

func (c *cluster) sighted(ctx context.Context, s sight, wanted func(*state) bool) (*state, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, showTimeout, errNotShown)
	defer cancel()
	for began := time.Now(); ; {
		views, err := c.sights.Ask(ctx, s)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil && !slices.ContainsFunc(views, func(st *state) bool { return !wanted(st) }) {
			return views[0], nil
		}
		if err := sleep(ctx, untilLook(time.Since(began))); err != nil {
			return nil, err
		}
	}
}

// untilLook is how long to wait for the next look after having waited for so long: a small part of that, within bounds. All
// who wait look at the same ticks of the clock, which makes one request of it.
func untilLook(waited time.Duration) time.Duration {
	const shortest, longest = 10 * time.Millisecond, 40 * time.Millisecond
	tick := shortest
	for tick < longest && waited > 20*tick {
		tick *= 2
	}
	return time.Until(time.Now().Truncate(tick).Add(tick))
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
