package topic

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/gather"
)

const (
	// changeBatch bounds one request for changes, in records of the controller's log, which takes 10,000 at a time.
	changeBatch = 5000

	// sightTimeout bounds how long one broker is asked for its view. A broker that does not answer shows nobody anything.
	sightTimeout = 5 * time.Second

	// createEvery is how far apart creates go to the controller, which takes 30 to 45 ms for one topic and hardly more for
	// ten. Making a thousand topics of Terraform's it saves the broker a quarter of its processor time.
	createEvery = 60 * time.Millisecond
	// validateEvery is the same for creates that are only checked, which takes less.
	validateEvery = 15 * time.Millisecond

	// brokerTimeout is how long brokers may take for a change, as the requests tell them.
	brokerTimeout = 15 * time.Second
)

// batches make few requests of what many ask of a cluster at the same time.
type batches struct {
	reads     *gather.Group[string, found]
	sights    *gather.Group[sight, []*state]
	creates   *gather.Group[creationOf, created]
	validates *gather.Group[creationOf, created]
	changes   [2]changeGroups // for real, and as dry runs
	removes   *gather.Group[removal, verdict]
	held      *gather.Group[losing, held]
	defaults  *gather.Group[struct{}, map[string]string]
}

// changeGroups are those for topics that exist.
type changeGroups struct {
	configs *gather.Group[change, verdict]
	grows   *gather.Group[change, verdict]
}

// verdict is a broker's answer to one change: what it said beside the code.
type verdict struct {
	err     error
	message string
}

func (c *cluster) newBatches() batches {
	g := batches{
		reads:     gather.New(gather.Config[string, found]{Do: c.readMany, Key: itself, Limit: batchOfTopics, Timeout: loadTimeout}),
		sights:    gather.New(gather.Config[sight, []*state]{Do: c.look, Limit: batchOfTopics, Timeout: loadTimeout}),
		creates:   newCreates(c, false),
		validates: newCreates(c, true),
		removes:   gather.New(gather.Config[removal, verdict]{Do: c.removeMany, Key: removal.key, Limit: batchOfTopics, Timeout: writeTimeout}),
		held: gather.New(gather.Config[losing, held]{
			Do:     c.holdMany,
			Key:    func(q losing) string { return q.have.name },
			Weight: func(q losing) int { return q.have.partitions },
			Limit:  heldBatch, Timeout: heldTimeout,
		}),
		defaults: gather.New(gather.Config[struct{}, map[string]string]{Do: c.askDefaults, Limit: batchOfTopics, Timeout: heldTimeout}),
	}
	for i, dryRun := range []bool{false, true} {
		g.changes[i] = c.newChangeGroups(dryRun)
	}
	return g
}

func itself(name string) string { return name }

func newCreates(c *cluster, dryRun bool) *gather.Group[creationOf, created] {
	every := createEvery
	if dryRun {
		every = validateEvery
	}
	return gather.New(gather.Config[creationOf, created]{
		Do: func(ctx context.Context, batch []creationOf) ([]created, error) {
			return c.createMany(ctx, batch, dryRun)
		},
		Key:    func(n creationOf) string { return n.name },
		Weight: func(n creationOf) int { return 1 + max(int(n.partitions), 1) + len(n.configs) },
		Limit:  changeBatch, Timeout: writeTimeout, Every: every,
	})
}

func (c *cluster) newChangeGroups(dryRun bool) changeGroups {
	key := func(ch change) string { return ch.have.name }
	return changeGroups{
		configs: gather.New(gather.Config[change, verdict]{
			Do:     func(ctx context.Context, batch []change) ([]verdict, error) { return c.alterMany(ctx, batch, dryRun) },
			Key:    key,
			Weight: func(ch change) int { return len(ch.configs) },
			Limit:  changeBatch, Timeout: writeTimeout,
		}),
		grows: gather.New(gather.Config[change, verdict]{
			Do:     func(ctx context.Context, batch []change) ([]verdict, error) { return c.growMany(ctx, batch, dryRun) },
			Key:    key,
			Weight: func(ch change) int { return ch.grow - ch.have.partitions },
			Limit:  changeBatch, Timeout: writeTimeout,
		}),
	}
}

func (g *batches) close() {
	g.reads.Close()
	g.sights.Close()
	g.creates.Close()
	g.validates.Close()
	g.removes.Close()
	g.held.Close()
	g.defaults.Close()
	for _, one := range g.changes {
		one.configs.Close()
		one.grows.Close()
	}
}

func (c *cluster) changing(dryRun bool) changeGroups {
	if dryRun {
		return c.changes[1]
	}
	return c.changes[0]
}

// sight asks how every broker shows a topic.
type sight struct {
	name    string
	configs bool // with its configs
}

// look asks each broker by itself. Of each topic it answers what the brokers show, nil for one that shows none.
func (c *cluster) look(ctx context.Context, batch []sight) ([][]*state, error) {
	var names, withConfigs []string
	for name, configs := range merged(batch) {
		names = append(names, name)
		if configs {
			withConfigs = append(withConfigs, name)
		}
	}
	brokers, err := c.brokers(ctx)
	if err != nil {
		return nil, err
	}
	views, errs := make([]map[string]*state, len(brokers)), make([]error, len(brokers))
	var asking sync.WaitGroup
	for i, broker := range brokers {
		asking.Go(func() { views[i], errs[i] = c.view(ctx, broker, names, withConfigs) })
	}
	asking.Wait()
	answers := make([][]*state, len(batch))
	for i, s := range batch {
		for b := range brokers {
			if errs[b] == nil {
				answers[i] = append(answers[i], views[b][s.name])
			}
		}
		if len(answers[i]) == 0 {
			return nil, fmt.Errorf("ask every broker: %w", errors.Join(errs...))
		}
	}
	return answers, nil
}

// brokers are those that the client has heard of; a client that has asked nothing yet knows none.
func (c *cluster) brokers(ctx context.Context) ([]*kgo.Broker, error) {
	if known := c.client.DiscoveredBrokers(); len(known) > 0 {
		return known, nil
	}
	_, err := c.metadata(ctx, c.client, []string{})
	return c.client.DiscoveredBrokers(), err
}

func merged(batch []sight) map[string]bool {
	configs := make(map[string]bool, len(batch))
	for _, s := range batch {
		configs[s.name] = configs[s.name] || s.configs
	}
	return configs
}

func (c *cluster) view(ctx context.Context, broker *kgo.Broker, names, withConfigs []string) (map[string]*state, error) {
	ctx, cancel := context.WithTimeout(ctx, sightTimeout)
	defer cancel()
	return c.named(ctx, broker, names, withConfigs)
}

// created is a broker's answer to a create: the topic as it is, or would be.
type created struct {
	verdict
	st *state
}

func (c *cluster) createMany(ctx context.Context, batch []creationOf, dryRun bool) ([]created, error) {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.ValidateOnly, req.TimeoutMillis = dryRun, int32(brokerTimeout.Milliseconds())
	for _, n := range batch {
		one := kmsg.NewCreateTopicsRequestTopic()
		one.Topic, one.NumPartitions, one.ReplicationFactor = n.name, n.partitions, n.replicas
		for key, value := range n.configs {
			set := kmsg.NewCreateTopicsRequestTopicConfig()
			set.Name, set.Value = key, value
			one.Configs = append(one.Configs, set)
		}
		req.Topics = append(req.Topics, one)
	}
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return nil, err
	}
	answers := map[string]kmsg.CreateTopicsResponseTopic{}
	for _, t := range resp.Topics {
		answers[t.Topic] = t
	}
	out, words := make([]created, len(batch)), map[string]string{}
	for i, n := range batch {
		t, ok := answers[n.name]
		if !ok {
			out[i].err = errLeftOut
			continue
		}
		out[i].verdict = verdict{kerr.ErrorForCode(t.ErrorCode), text(t.ErrorMessage)}
		out[i].st = &state{connection: c.name, name: n.name, id: t.TopicID, partitions: int(t.NumPartitions), replicas: int(t.ReplicationFactor), configs: createdConfigs(t, words)}
	}
	return out, nil
}

var errLeftOut = errors.New("the broker's answer leaves the topic out")

func createdConfigs(t kmsg.CreateTopicsResponseTopic, words map[string]string) []config {
	described := make([]kmsg.DescribeConfigsResponseResourceConfig, len(t.Configs))
	for i, c := range t.Configs {
		described[i].Name, described[i].Value, described[i].IsSensitive = c.Name, c.Value, c.IsSensitive
		described[i].Source = kmsg.ConfigSource(c.Source)
	}
	return configsOf(described, words)
}

func (c *cluster) alterMany(ctx context.Context, batch []change, dryRun bool) ([]verdict, error) {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.ValidateOnly = dryRun
	for _, ch := range batch {
		one := kmsg.NewIncrementalAlterConfigsRequestResource()
		one.ResourceType, one.ResourceName = kmsg.ConfigResourceTypeTopic, ch.have.name
		for _, alter := range ch.configs {
			set := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
			set.Name, set.Op, set.Value = alter.Name, kmsg.IncrementalAlterConfigOp(alter.Op), alter.Value
			one.Configs = append(one.Configs, set)
		}
		req.Resources = append(req.Resources, one)
	}
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return nil, err
	}
	answers := map[string]verdict{}
	for _, r := range resp.Resources {
		answers[r.ResourceName] = verdict{kerr.ErrorForCode(r.ErrorCode), text(r.ErrorMessage)}
	}
	return inOrder(batch, answers), nil
}

func (c *cluster) growMany(ctx context.Context, batch []change, dryRun bool) ([]verdict, error) {
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.ValidateOnly, req.TimeoutMillis = dryRun, int32(brokerTimeout.Milliseconds())
	for _, ch := range batch {
		one := kmsg.NewCreatePartitionsRequestTopic()
		one.Topic, one.Count = ch.have.name, int32(ch.grow) // #nosec G115 -- checked before
		req.Topics = append(req.Topics, one)
	}
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return nil, err
	}
	answers := map[string]verdict{}
	for _, t := range resp.Topics {
		answers[t.Topic] = verdict{kerr.ErrorForCode(t.ErrorCode), text(t.ErrorMessage)}
	}
	return inOrder(batch, answers), nil
}

func inOrder(batch []change, answers map[string]verdict) []verdict {
	out := make([]verdict, len(batch))
	for i, ch := range batch {
		answer, ok := answers[ch.have.name]
		if !ok {
			answer.err = errLeftOut
		}
		out[i] = answer
	}
	return out
}

// removal is a topic that is to be deleted.
type removal struct {
	name string
	id   kadm.TopicID
}

func (r removal) key() string { return r.name }

// removeMany deletes topics by their ids where the brokers have such, from Kafka 2.8 on: another topic may have taken the
// name by now. Of the two lists of the request its version takes one.
func (c *cluster) removeMany(ctx context.Context, batch []removal) ([]verdict, error) {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = int32(brokerTimeout.Milliseconds())
	for _, r := range batch {
		one := kmsg.NewDeleteTopicsRequestTopic()
		if one.TopicID = r.id; r.id == (kadm.TopicID{}) {
			one.Topic = &r.name
		}
		req.Topics, req.TopicNames = append(req.Topics, one), append(req.TopicNames, r.name)
	}
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return nil, err
	}
	byID, byName := map[kadm.TopicID]verdict{}, map[string]verdict{}
	for _, t := range resp.Topics {
		one := verdict{kerr.ErrorForCode(t.ErrorCode), text(t.ErrorMessage)}
		byID[t.TopicID], byName[text(t.Topic)] = one, one
	}
	out := make([]verdict, len(batch))
	for i, r := range batch {
		one, ok := byID[r.id]
		if !ok || r.id == (kadm.TopicID{}) {
			one, ok = byName[r.name]
		}
		if !ok {
			one.err = errLeftOut
		}
		out[i] = one
	}
	return out, nil
}
