package devkafka

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// maxRecords bounds what one request may write to a controller's log: a record for each topic, partition and
	// configuration.
	maxRecords = 10_000

	excessive     = "Excessively large number of partitions per request."
	duplicateName = "Duplicate topic name."
)

// createTopics checks what kfake does not, in the order of Kafka's controller, and has kfake create the rest.
func (c *Cluster) createTopics(ctx context.Context, _ int32, req *kmsg.CreateTopicsRequest) (*kmsg.CreateTopicsResponse, error) {
	c.changes.Lock()
	defer c.changes.Unlock()

	var names []string
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	existing, err := c.topics(ctx, names)
	if err != nil {
		return nil, err
	}
	work := &creation{c: c, refused: map[string]*refusal{}}
	for _, t := range req.Topics {
		work.add(t, names, existing)
	}
	if work.records > maxRecords {
		work.refuseAll(refuse(kerr.PolicyViolation, excessive))
	}
	if err := work.create(ctx, req); err != nil {
		return nil, err
	}
	return work.response(req), nil
}

// creation is the work on one request to create topics.
type creation struct {
	c        *Cluster
	accepted []kmsg.CreateTopicsRequestTopic
	records  int
	refused  map[string]*refusal // by name
	created  map[string]kmsg.CreateTopicsResponseTopic
}

func (w *creation) add(t kmsg.CreateTopicsRequestTopic, names []string, existing map[string]map[int32][]int32) {
	if _, known := w.refused[t.Topic]; known {
		return
	}
	refused := checkCreatable(t.Topic, names, existing)
	if refused == nil {
		refused = normalizeConfigs(&t)
	}
	if refused == nil {
		refused = w.c.checkCounts(t)
	}
	if refused != nil {
		w.refused[t.Topic] = refused
		return
	}
	w.accepted = append(w.accepted, t)
	w.records += 1 + len(t.Configs) + max(int(t.NumPartitions), len(t.ReplicaAssignment), defaultPartitions)
}

func (w *creation) refuseAll(refused *refusal) {
	for _, t := range w.accepted {
		w.refused[t.Topic] = refused
	}
	w.accepted = nil
}

func (w *creation) create(ctx context.Context, req *kmsg.CreateTopicsRequest) error {
	w.created = map[string]kmsg.CreateTopicsResponseTopic{}
	if len(w.accepted) == 0 {
		return nil
	}
	ask := kmsg.NewPtrCreateTopicsRequest()
	ask.Topics, ask.TimeoutMillis, ask.ValidateOnly = w.accepted, req.TimeoutMillis, req.ValidateOnly
	resp, err := send[*kmsg.CreateTopicsResponse](ctx, w.c, w.c.controller, ask)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		w.created[t.Topic] = t
	}
	for _, t := range w.accepted {
		if err := w.settle(ctx, t, req.ValidateOnly); err != nil {
			return err
		}
	}
	return nil
}

// settle explains what kfake refused, and leads the partitions where the request wants them.
func (w *creation) settle(ctx context.Context, t kmsg.CreateTopicsRequestTopic, validateOnly bool) error {
	code := w.created[t.Topic].ErrorCode
	switch {
	case code == kerr.InvalidTopicException.Code:
		other, err := w.c.collision(ctx, t.Topic, w.accepted)
		if err != nil {
			return err
		}
		w.refused[t.Topic] = refuse(kerr.InvalidTopicException, "Topic '%s' collides with existing topic: %s", t.Topic, other)
	case code != 0:
		w.refused[t.Topic] = &refusal{code: code}
	case !validateOnly:
		for _, p := range t.ReplicaAssignment {
			if err := w.c.fake.MoveTopicPartition(t.Topic, p.Partition, p.Replicas[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *creation) response(req *kmsg.CreateTopicsRequest) *kmsg.CreateTopicsResponse {
	resp := kmsg.NewPtrCreateTopicsResponse()
	resp.Version = req.Version
	answered := map[string]bool{}
	for _, t := range req.Topics {
		if answered[t.Topic] {
			continue
		}
		answered[t.Topic] = true
		a := kmsg.NewCreateTopicsResponseTopic()
		a.Topic = t.Topic
		if refused := w.refused[t.Topic]; refused != nil {
			a.ErrorCode, a.ErrorMessage = refused.code, refused.message
		} else {
			created := w.created[t.Topic]
			a.TopicID, a.NumPartitions, a.ReplicationFactor = created.TopicID, created.NumPartitions, created.ReplicationFactor
			a.Configs = createdConfigs(created.Configs)
		}
		resp.Topics = append(resp.Topics, a)
	}
	return resp
}

// createdConfigs completes what was set with all the defaults.
func createdConfigs(set []kmsg.CreateTopicsResponseTopicConfig) []kmsg.CreateTopicsResponseTopicConfig {
	values := map[string]*string{}
	for _, s := range set {
		values[s.Name] = s.Value
	}
	var all []kmsg.CreateTopicsResponseTopicConfig
	for _, config := range topicConfigs() {
		a := kmsg.NewCreateTopicsResponseTopicConfig()
		a.Name, a.Value, a.Source = config.Name, &config.Default, int8(config.source())
		if value, ok := values[config.Name]; ok {
			a.Value, a.Source = value, int8(kmsg.ConfigSourceDynamicTopicConfig)
		}
		all = append(all, a)
	}
	return all
}

func checkCreatable(name string, names []string, existing map[string]map[int32][]int32) *refusal {
	if count(names, name) > 1 {
		return refuse(kerr.InvalidRequest, duplicateName)
	}
	if name == metadataTopic {
		return refuse(kerr.InvalidRequest, "Creation of internal topic %s is prohibited.", metadataTopic)
	}
	if refused := checkName(name); refused != nil {
		return refused
	}
	if _, ok := existing[name]; ok {
		return refuse(kerr.TopicAlreadyExists, "Topic '%s' already exists.", name)
	}
	return nil
}

func count(names []string, name string) int {
	n := 0
	for _, other := range names {
		if other == name {
			n++
		}
	}
	return n
}

// normalizeConfigs checks the configurations of a new topic and writes them as a broker keeps them.
func normalizeConfigs(t *kmsg.CreateTopicsRequestTopic) *refusal {
	values := map[string]string{}
	for _, config := range t.Configs {
		if config.Value == nil {
			return refuse(kerr.InvalidConfig, "Null value not supported for topic configs: %s", config.Name)
		}
		values[config.Name] = *config.Value
	}
	values, refused := checkTopicConfigs(values)
	if refused != nil {
		return refused
	}
	t.Configs = nil
	for _, name := range slices.Sorted(maps.Keys(values)) {
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = name, new(values[name])
		t.Configs = append(t.Configs, config)
	}
	return nil
}

func (c *Cluster) checkCounts(t kmsg.CreateTopicsRequestTopic) *refusal {
	if len(t.ReplicaAssignment) > 0 {
		return c.checkAssigned(t)
	}
	switch {
	case t.ReplicationFactor == 0 || t.ReplicationFactor < -1:
		return refuse(kerr.InvalidReplicationFactor,
			"Replication factor must be larger than 0, or -1 to use the default value.")
	case t.NumPartitions == 0 || t.NumPartitions < -1:
		return refuse(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	case int(t.ReplicationFactor) > len(c.brokers):
		return refuse(kerr.InvalidReplicationFactor, "Unable to replicate the partition %d time(s): The target replication "+
			"factor of %[1]d cannot be reached because only %d broker(s) are registered.", t.ReplicationFactor, len(c.brokers))
	default:
		return nil
	}
}

// checkAssigned checks a topic whose replicas the request places.
func (c *Cluster) checkAssigned(t kmsg.CreateTopicsRequestTopic) *refusal {
	const specified = "A manual partition assignment was specified, but "
	if t.ReplicationFactor != -1 {
		return refuse(kerr.InvalidRequest, specified+"replication factor was not set to -1.")
	}
	if t.NumPartitions != -1 {
		return refuse(kerr.InvalidRequest, specified+"numPartitions was not set to -1.")
	}
	assigned := map[int32]bool{}
	for _, p := range t.ReplicaAssignment {
		if assigned[p.Partition] {
			return refuse(kerr.InvalidReplicaAssignment, "Found multiple manual partition assignments for partition %d", p.Partition)
		}
		assigned[p.Partition] = true
		if refused := c.checkReplicas(p.Replicas, len(t.ReplicaAssignment[0].Replicas)); refused != nil {
			return refused
		}
	}
	for p := range int32(len(t.ReplicaAssignment)) {
		if !assigned[p] {
			return refuse(kerr.InvalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
		}
	}
	return nil
}

const manual = "The manual partition assignment includes "

// checkBrokers checks the replicas that a request places for one partition.
func (c *Cluster) checkBrokers(replicas []int32) *refusal {
	if len(replicas) == 0 {
		return refuse(kerr.InvalidReplicaAssignment, manual+"an empty replica list.")
	}
	for i, broker := range replicas {
		if !slices.Contains(c.brokers, broker) {
			return refuse(kerr.InvalidReplicaAssignment, manual+"broker %d, but no such broker is registered.", broker)
		}
		if slices.Contains(replicas[:i], broker) {
			return refuse(kerr.InvalidReplicaAssignment, manual+"the broker %d more than once.", broker)
		}
	}
	return nil
}

// checkReplicas checks the replicas that a request places for one partition of a new topic with the given factor.
func (c *Cluster) checkReplicas(replicas []int32, factor int) *refusal {
	if refused := c.checkBrokers(replicas); refused != nil {
		return refused
	}
	if len(replicas) != factor {
		return refuse(kerr.InvalidReplicaAssignment, manual+"a partition with %d replica(s), but this is not consistent "+
			"with previous partitions, which have %d replica(s).", len(replicas), factor)
	}
	for i, broker := range replicas {
		if int(broker) != (int(replicas[0])+i)%len(c.brokers) {
			return refuse(kerr.PolicyViolation,
				"The in-memory Kafka API places the replicas of a partition on brokers with consecutive ids only.")
		}
	}
	return nil
}

// collision returns the topic whose name Kafka cannot tell from this one in the names of metrics.
func (c *Cluster) collision(ctx context.Context, name string, accepted []kmsg.CreateTopicsRequestTopic) (string, error) {
	resp, err := send[*kmsg.MetadataResponse](ctx, c, c.controller, kmsg.NewPtrMetadataRequest())
	if err != nil {
		return "", err
	}
	var names []string
	for _, t := range resp.Topics {
		if t.Topic != nil {
			names = append(names, *t.Topic)
		}
	}
	for _, t := range accepted {
		names = append(names, t.Topic)
	}
	for _, other := range names {
		if other != name && strings.ReplaceAll(other, ".", "_") == strings.ReplaceAll(name, ".", "_") {
			return other, nil
		}
	}
	return "", nil
}

// createPartitions checks what kfake does not, and has kfake add the partitions.
func (c *Cluster) createPartitions(
	ctx context.Context, _ int32, req *kmsg.CreatePartitionsRequest,
) (*kmsg.CreatePartitionsResponse, error) {
	c.changes.Lock()
	defer c.changes.Unlock()

	var names []string
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	existing, err := c.topics(ctx, names)
	if err != nil {
		return nil, err
	}
	ask := kmsg.NewPtrCreatePartitionsRequest()
	ask.TimeoutMillis, ask.ValidateOnly = req.TimeoutMillis, req.ValidateOnly
	refused := map[string]*refusal{}
	added := 0
	for _, t := range req.Topics {
		if refused[t.Topic] = c.checkGrowth(t, names, existing[t.Topic]); refused[t.Topic] != nil {
			continue
		}
		ask.Topics = append(ask.Topics, t)
		added += int(t.Count) - len(existing[t.Topic])
	}
	if added > maxRecords {
		for _, t := range ask.Topics {
			refused[t.Topic] = refuse(kerr.PolicyViolation, excessive)
		}
		ask.Topics = nil
	}
	if err := c.grow(ctx, ask, refused); err != nil {
		return nil, err
	}
	return grown(req, refused), nil
}

func (c *Cluster) grow(ctx context.Context, ask *kmsg.CreatePartitionsRequest, refused map[string]*refusal) error {
	if len(ask.Topics) == 0 {
		return nil
	}
	resp, err := send[*kmsg.CreatePartitionsResponse](ctx, c, c.controller, ask)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		if t.ErrorCode != 0 {
			refused[t.Topic] = &refusal{t.ErrorCode, t.ErrorMessage}
		}
	}
	return nil
}

func grown(req *kmsg.CreatePartitionsRequest, refused map[string]*refusal) *kmsg.CreatePartitionsResponse {
	resp := kmsg.NewPtrCreatePartitionsResponse()
	resp.Version = req.Version
	answered := map[string]bool{}
	for _, t := range req.Topics {
		if answered[t.Topic] {
			continue
		}
		answered[t.Topic] = true
		a := kmsg.NewCreatePartitionsResponseTopic()
		a.Topic = t.Topic
		if r := refused[t.Topic]; r != nil {
			a.ErrorCode, a.ErrorMessage = r.code, r.message
		}
		resp.Topics = append(resp.Topics, a)
	}
	return resp
}

func (c *Cluster) checkGrowth(t kmsg.CreatePartitionsRequestTopic, names []string, partitions map[int32][]int32) *refusal {
	now := len(partitions)
	switch {
	case count(names, t.Topic) > 1:
		return refuse(kerr.InvalidRequest, duplicateName)
	case now == 0:
		return &refusal{code: kerr.UnknownTopicOrPartition.Code}
	case int(t.Count) == now:
		return refuse(kerr.InvalidPartitions, "Topic already has %d partition(s).", now)
	case int(t.Count) < now:
		return refuse(kerr.InvalidPartitions, "The topic %s currently has %d partition(s); %d would not be an increase.",
			t.Topic, now, t.Count)
	case len(t.Assignment) == 0:
		return nil
	}
	if added := int(t.Count) - now; added != len(t.Assignment) {
		return refuse(kerr.InvalidReplicaAssignment,
			"Attempted to add %d additional partition(s), but only %d assignment(s) were specified.", added, len(t.Assignment))
	}
	for _, a := range t.Assignment {
		if refused := c.checkReplicas(a.Replicas, len(partitions[0])); refused != nil {
			return refused
		}
	}
	return nil
}
