package topic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// describeBatch is how many topics' configs one request asks for.
	describeBatch = 1000

	// showTimeout bounds the wait until all brokers show a change that the controller took.
	showTimeout = 15 * time.Second
)

// errNotShown says that brokers do not show a change in time that the controller took.
var errNotShown = fmt.Errorf("not every broker shows it after %v", showTimeout)

// cluster is the Kafka cluster of a connection.
type cluster struct {
	name  string // of the connection
	admin *kadm.Client
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
	// brokers is how many there are in the cluster.
	brokers int
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
	meta, err := c.metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	topics := make(map[string]*state, len(meta.Topics))
	for name, detail := range meta.Topics {
		if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
			continue
		}
		topics[name] = c.state(detail, len(meta.Brokers))
	}
	words := map[string]string{}
	for batch := range slices.Chunk(meta.Topics.Names(), describeBatch) {
		if err := c.describe(ctx, topics, batch, words); err != nil {
			return nil, fmt.Errorf("describe topic configs: %w", err)
		}
	}
	return topics, nil
}

// one reads a topic, or nil when the cluster says that there is none of this name. Asked by name, a broker tells a
// topic that is not there from one that this user may not see.
func (c *cluster) one(ctx context.Context, name string) (*state, error) {
	if reason := nameProblem(name); reason != "" {
		return nil, nil
	}
	meta, err := c.metadata(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	detail, ok := meta.Topics[name]
	if !ok {
		return nil, errors.New("read metadata: the broker's answer leaves the topic out")
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) || errors.Is(detail.Err, kerr.InvalidTopicException) {
		return nil, nil
	}
	st := c.state(detail, len(meta.Brokers))
	if st.err != nil {
		return nil, fmt.Errorf("read metadata: %w", st.err)
	}
	topics := map[string]*state{name: st}
	if err := c.describe(ctx, topics, []string{name}, map[string]string{}); err != nil {
		return nil, fmt.Errorf("describe topic configs: %w", err)
	}
	if topics[name] == nil {
		return nil, nil
	}
	if st.err != nil {
		return nil, fmt.Errorf("describe topic configs: %w", st.err)
	}
	return st, nil
}

// read is one with its error made for people.
func (c *cluster) read(ctx context.Context, name string) (*state, error) {
	st, err := c.one(ctx, name)
	if err != nil {
		return nil, c.failure("read topic "+name, err)
	}
	return st, nil
}

// metadata asks a broker, never the client's cache: kadm uses that only when no authorized operations are asked for.
func (c *cluster) metadata(ctx context.Context, topics ...string) (kadm.Metadata, error) {
	return c.admin.Metadata(kadm.WithAuthorizedOps(ctx), topics...)
}

func (c *cluster) state(detail kadm.TopicDetail, brokers int) *state {
	st := &state{connection: c.name, name: detail.Topic, id: detail.ID, partitions: len(detail.Partitions), internal: detail.IsInternal, brokers: brokers}
	for _, p := range detail.Partitions {
		if st.replicas == 0 || len(p.Replicas) < st.replicas {
			st.replicas = len(p.Replicas)
		}
	}
	// A partition that is without a leader for a moment still is a partition.
	if !errors.Is(detail.Err, kerr.LeaderNotAvailable) {
		st.err = detail.Err
	}
	return st
}

// describe fills in the configs of a batch of topics, and removes those that went away in the meantime.
//
// A broker lists the topics whose configs this user may not read after all others, and kadm stops at the first of
// them: what is missing from an answer that ends so was refused.
func (c *cluster) describe(ctx context.Context, topics map[string]*state, batch []string, words map[string]string) error {
	described, err := c.admin.DescribeTopicConfigs(ctx, batch...)
	var refused *kadm.AuthError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	seen := make(map[string]bool, len(described))
	for _, d := range described {
		seen[d.Name] = true
		st := topics[d.Name]
		switch {
		case st == nil:
		case errors.Is(d.Err, kerr.UnknownTopicOrPartition):
			delete(topics, d.Name)
		case d.Err != nil:
			st.err = d.Err
		default:
			st.configs = configsOf(d.Configs, words)
		}
	}
	for _, name := range batch {
		if st := topics[name]; st != nil && !seen[name] && st.err == nil {
			st.err = missing(refused)
		}
	}
	return nil
}

func missing(refused *kadm.AuthError) error {
	if refused != nil {
		return refused
	}
	return errors.New("the broker's answer leaves the topic out")
}

// configsOf keeps what is needed of configs. words holds each string once: topics mostly have the same ones.
func configsOf(described []kadm.Config, words map[string]string) []config {
	once := func(s string) string {
		if have, ok := words[s]; ok {
			return have
		}
		words[s] = s
		return s
	}
	configs := make([]config, 0, len(described))
	for _, d := range described {
		one := config{key: once(d.Key), value: once(d.MaybeValue()), own: d.Source == kmsg.ConfigSourceDynamicTopicConfig, sensitive: d.Sensitive}
		one.fallback = one.value
		if one.own {
			one.fallback = once(fallback(d))
		}
		configs = append(configs, one)
	}
	slices.SortFunc(configs, func(a, b config) int { return strings.Compare(a.key, b.key) })
	return configs
}

// fallback is the next value in the order in which Kafka looks for one (KIP-226).
func fallback(d kadm.Config) string {
	for _, s := range d.Synonyms {
		if s.Source != kmsg.ConfigSourceDynamicTopicConfig && s.Value != nil {
			return *s.Value
		}
	}
	return ""
}

// shown waits until the brokers show a topic as wanted. Brokers follow the controller each at its own pace, and a
// client asks them in turn, beginning anew with a seed: so it must be seen once more often than there are brokers.
func (c *cluster) shown(ctx context.Context, name string, wanted func(*state) bool) (*state, error) {
	return c.shownBy(ctx, name, 1, wanted)
}

// shownBy is shown for at least so many brokers, for a topic that is to go away and then tells no longer how many there are.
func (c *cluster) shownBy(ctx context.Context, name string, brokers int, wanted func(*state) bool) (*state, error) {
	const pause = 20 * time.Millisecond
	ctx, cancel := context.WithTimeoutCause(ctx, showTimeout, errNotShown)
	defer cancel()
	for seen := 0; ; {
		st, err := c.one(ctx, name)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if st != nil {
			brokers = max(brokers, st.brokers)
		}
		if err != nil || !wanted(st) {
			seen = 0
			if err := sleep(ctx, pause); err != nil {
				return nil, err
			}
			continue
		}
		if seen++; seen > brokers {
			return st, nil
		}
	}
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
