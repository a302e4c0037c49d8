package devkafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	systems "github.com/headgate/terraform-provider-headgate/internal/real"
)

// refusalBrokers is more than the brokers of any cluster the table runs against.
const refusalBrokers = 9

// refusal is a request that a broker must refuse, or, where code is nil, take.
type refusal struct {
	name string
	// ask sends the request about the topic, which exists with two partitions and retention.ms 3600000. It returns
	// what the broker answered.
	ask func(ctx context.Context, c client, topic string, validateOnly bool) error
	// code is what the broker answers.
	code *kerr.Error
	// message is part of the broker's message.
	message string
	// devOnly says why the request is not sent to a real broker.
	devOnly string
	// changes tells that the request is taken and changes the topic when it is not only validated.
	changes bool
}

// client is both views of one connection to a cluster.
type client struct {
	*kadm.Client
	raw *kgo.Client
}

func refusals() []refusal {
	var all []refusal
	all = append(all, nameRefusals()...)
	all = append(all, createRefusals()...)
	all = append(all, valueRefusals()...)
	all = append(all, alterRefusals()...)
	return append(all, partitionRefusals()...)
}

func nameRefusals() []refusal {
	create := func(name func(topic string) string) func(context.Context, client, string, bool) error {
		return func(ctx context.Context, c client, topic string, validateOnly bool) error {
			return createTopic(ctx, c, validateOnly, 1, -1, nil, name(topic))
		}
	}
	fixed := func(name string) func(context.Context, client, string, bool) error {
		return create(func(string) string { return name })
	}
	return []refusal{
		{name: "empty name", ask: fixed(""), code: kerr.InvalidTopicException, message: "Topic name is invalid: the empty string is not allowed"},
		{name: "name is a dot", ask: fixed("."), code: kerr.InvalidTopicException, message: "Topic name is invalid: '.' is not allowed"},
		{name: "name is two dots", ask: fixed(".."), code: kerr.InvalidTopicException, message: "Topic name is invalid: '..' is not allowed"},
		{name: "name of 250 characters", ask: fixed(strings.Repeat("a", 250)), code: kerr.InvalidTopicException, message: "is longer than the max allowed length 249"},
		{name: "name with a space", ask: fixed("a b"), code: kerr.InvalidTopicException, message: "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"},
		{name: "name with an umlaut", ask: fixed("ä"), code: kerr.InvalidTopicException, message: "contains one or more characters other than"},
		{name: "name with a slash", ask: fixed("a/b"), code: kerr.InvalidTopicException, message: "contains one or more characters other than"},
		{name: "log of the cluster's metadata", ask: fixed("__cluster_metadata"), code: kerr.InvalidRequest},
		{
			name: "name collides", code: kerr.InvalidTopicException, message: "collides with existing topic: ",
			ask: create(func(topic string) string { return strings.ReplaceAll(topic, ".", "_") }),
		},
		{
			name: "name exists", code: kerr.TopicAlreadyExists, message: "already exists.",
			ask: create(func(topic string) string { return topic }),
		},
	}
}

func createRefusals() []refusal {
	create := func(partitions int32, factor int16) func(context.Context, client, string, bool) error {
		return func(ctx context.Context, c client, topic string, validateOnly bool) error {
			return createTopic(ctx, c, validateOnly, partitions, factor, nil, topic+"-new")
		}
	}
	return []refusal{
		{name: "no partitions", ask: create(0, -1), code: kerr.InvalidPartitions, message: "Number of partitions was set to an invalid non-positive value."},
		{name: "minus two partitions", ask: create(-2, -1), code: kerr.InvalidPartitions, message: "Number of partitions was set to an invalid non-positive value."},
		{name: "a million partitions", ask: create(1_000_000, -1), code: kerr.PolicyViolation, message: "Excessively large number of partitions per request."},
		{name: "no replicas", ask: create(1, 0), code: kerr.InvalidReplicationFactor, message: "Replication factor must be larger than 0, or -1 to use the default value."},
		{name: "minus two replicas", ask: create(1, -2), code: kerr.InvalidReplicationFactor, message: "Replication factor must be larger than 0"},
		{name: "more replicas than brokers", ask: create(1, refusalBrokers), code: kerr.InvalidReplicationFactor, message: "The target replication factor of 9 cannot be reached because only "},
		{
			name: "the same topic twice in a request", code: kerr.InvalidRequest, message: "Duplicate topic name.",
			ask: func(ctx context.Context, c client, topic string, validateOnly bool) error {
				return createRaw(ctx, c, validateOnly, newTopic(topic+"-new"), newTopic(topic+"-new"))
			},
		},
		{name: "assignment with a factor", ask: createAssigned(-1, 1, []int32{0}), code: kerr.InvalidRequest, message: "replication factor was not set to -1"},
		{name: "assignment with a number of partitions", ask: createAssigned(1, -1, []int32{0}), code: kerr.InvalidRequest, message: "numPartitions was not set to -1"},
		{name: "assignment to an unknown broker", ask: createAssigned(-1, -1, []int32{8}), code: kerr.InvalidReplicaAssignment, message: "includes broker 8, but no such broker is registered"},
		{name: "assignment to a broker twice", ask: createAssigned(-1, -1, []int32{0, 0}), code: kerr.InvalidReplicaAssignment, message: "includes the broker 0 more than once"},
		{name: "assignment to no broker", ask: createAssigned(-1, -1, []int32{}), code: kerr.InvalidReplicaAssignment, message: "empty replica list"},
		{
			name: "assignment with a gap", code: kerr.InvalidReplicaAssignment, message: "consecutive 0-based integer sequence",
			ask: func(ctx context.Context, c client, topic string, validateOnly bool) error {
				t := newTopic(topic + "-new")
				t.NumPartitions = -1
				t.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: []int32{0}}, {Partition: 2, Replicas: []int32{0}}}
				return createRaw(ctx, c, validateOnly, t)
			},
		},
		{
			name: "assignment of a partition twice", code: kerr.InvalidReplicaAssignment, message: "multiple manual partition assignments for partition 0",
			ask: func(ctx context.Context, c client, topic string, validateOnly bool) error {
				t := newTopic(topic + "-new")
				t.NumPartitions = -1
				t.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: []int32{0}}, {Partition: 0, Replicas: []int32{0}}}
				return createRaw(ctx, c, validateOnly, t)
			},
		},
	}
}

func createAssigned(partitions int32, factor int16, replicas []int32) func(context.Context, client, string, bool) error {
	return func(ctx context.Context, c client, topic string, validateOnly bool) error {
		t := newTopic(topic + "-new")
		t.NumPartitions, t.ReplicationFactor = partitions, factor
		t.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: replicas}}
		return createRaw(ctx, c, validateOnly, t)
	}
}

// valueRefusals sends each wrong configuration to create a topic, to alter it incrementally and to replace it.
func valueRefusals() []refusal {
	values := []struct{ key, value, message string }{
		{"no.such.key", "1", "Unknown topic config name: no.such.key"},
		{"kfake.is_internal", "true", "Unknown topic config name: kfake.is_internal"},
		{"log.retention.ms", "1", "Unknown topic config name: log.retention.ms"},
		{"retention.ms", "abc", "Invalid value abc for configuration retention.ms: Not a number of type LONG"},
		{"retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG"},
		{"retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"},
		{"retention.ms", "9223372036854775808", "Not a number of type LONG"},
		{"retention.ms", "1.5", "Not a number of type LONG"},
		{"local.retention.bytes", "-3", "Value must be at least -2"},
		{"local.retention.ms", "-3", "Value must be at least -2"},
		{"segment.bytes", "1048575", "Value must be at least 1048576"},
		{"segment.bytes", "2147483648", "Not a number of type INT"},
		{"segment.ms", "0", "Value must be at least 1"},
		{"segment.jitter.ms", "-1", "Value must be at least 0"},
		{"segment.index.bytes", "3", "Value must be at least 4"},
		{"flush.messages", "0", "Value must be at least 1"},
		{"flush.ms", "-1", "Value must be at least 0"},
		{"index.interval.bytes", "-1", "Value must be at least 0"},
		{"max.message.bytes", "-1", "Value must be at least 0"},
		{"delete.retention.ms", "-1", "Value must be at least 0"},
		{"file.delete.delay.ms", "-1", "Value must be at least 0"},
		{"min.compaction.lag.ms", "-1", "Value must be at least 0"},
		{"max.compaction.lag.ms", "0", "Value must be at least 1"},
		{"message.timestamp.before.max.ms", "-1", "Value must be at least 0"},
		{"message.timestamp.after.max.ms", "-1", "Value must be at least 0"},
		{"min.insync.replicas", "0", "Value must be at least 1"},
		{"min.insync.replicas", "x", "Not a number of type INT"},
		{"min.cleanable.dirty.ratio", "1.1", "Value must be no more than 1"},
		{"min.cleanable.dirty.ratio", "-0.1", "Value must be at least 0"},
		{"min.cleanable.dirty.ratio", "half", "Not a number of type DOUBLE"},
		{"cleanup.policy", "shred", "Invalid value shred for configuration cleanup.policy: String must be one of: "},
		{"cleanup.policy", "compact,,delete", "cleanup.policy"},
		{"compression.type", "brotli", "Invalid value brotli for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer"},
		{"compression.type", "GZIP", "String must be one of: "},
		{"compression.gzip.level", "10", "compression.gzip.level"},
		{"compression.gzip.level", "0", "compression.gzip.level"},
		{"compression.lz4.level", "18", "Value must be no more than 17"},
		{"compression.lz4.level", "0", "Value must be at least 1"},
		{"compression.zstd.level", "23", "Value must be no more than 22"},
		{"message.timestamp.type", "Never", "String must be one of: CreateTime, LogAppendTime"},
		{"preallocate", "yes", "Invalid value yes for configuration preallocate: Expected value to be either true or false"},
		{"unclean.leader.election.enable", "1", "Expected value to be either true or false"},
		{"leader.replication.throttled.replicas", "x", "leader.replication.throttled.replicas"},
		{"follower.replication.throttled.replicas", "0:a", "follower.replication.throttled.replicas"},
		{"remote.storage.enable", "true", "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."},
	}
	var all []refusal
	for _, v := range values {
		all = append(all, everyWay(fmt.Sprintf("%s=%s", v.key, v.value), v.message, pair{v.key, v.value})...)
	}
	return append(all, everyWay("lags in conflict", "conflict topic config setting",
		pair{"min.compaction.lag.ms", "20"}, pair{"max.compaction.lag.ms", "10"})...)
}

type pair struct{ key, value string }

func everyWay(name, message string, pairs ...pair) []refusal {
	values := map[string]*string{}
	var sets, state []kadm.AlterConfig
	for _, p := range pairs {
		values[p.key] = new(p.value)
		sets = append(sets, kadm.AlterConfig{Op: kadm.SetConfig, Name: p.key, Value: new(p.value)})
		state = append(state, kadm.AlterConfig{Name: p.key, Value: new(p.value)})
	}
	create := func(ctx context.Context, c client, topic string, validateOnly bool) error {
		return createTopic(ctx, c, validateOnly, 1, -1, values, topic+"-new")
	}
	return []refusal{
		{name: "create with " + name, ask: create, code: kerr.InvalidConfig, message: message},
		{name: "set " + name, ask: alter(sets...), code: kerr.InvalidConfig, message: message},
		{name: "replace by " + name, ask: replace(state...), code: kerr.InvalidConfig, message: message},
	}
}

func alterRefusals() []refusal {
	set := func(key, value string) kadm.AlterConfig {
		return kadm.AlterConfig{Op: kadm.SetConfig, Name: key, Value: new(value)}
	}
	of := func(op kadm.IncrementalOp, key, value string) kadm.AlterConfig {
		return kadm.AlterConfig{Op: op, Name: key, Value: new(value)}
	}
	elsewhere := func(ask func(context.Context, client, string, bool) error) func(context.Context, client, string, bool) error {
		return func(ctx context.Context, c client, topic string, validateOnly bool) error {
			return ask(ctx, c, topic+"-unknown", validateOnly)
		}
	}
	return []refusal{
		{name: "alter an unknown topic", ask: elsewhere(alter(set("retention.ms", "1"))), code: kerr.UnknownTopicOrPartition},
		{name: "replace on an unknown topic", ask: elsewhere(replace(set("retention.ms", "1"))), code: kerr.UnknownTopicOrPartition},
		{name: "alter an invalid topic", ask: func(ctx context.Context, c client, _ string, validateOnly bool) error {
			return alter(set("retention.ms", "1"))(ctx, c, "a b", validateOnly)
		}, code: kerr.InvalidTopicException},
		{name: "append to a number", ask: alter(of(kadm.AppendConfig, "retention.ms", "1")), code: kerr.InvalidConfig, message: "Can't APPEND to key retention.ms because its type is not LIST."},
		{name: "subtract from a number", ask: alter(of(kadm.SubtractConfig, "retention.ms", "1")), code: kerr.InvalidConfig, message: "Can't SUBTRACT to key retention.ms because its type is not LIST."},
		{name: "append to an unknown key", ask: alter(of(kadm.AppendConfig, "no.such.key", "1")), code: kerr.InvalidConfig},
		{name: "append a bad value", ask: alter(of(kadm.AppendConfig, "cleanup.policy", "shred")), code: kerr.InvalidConfig, message: "String must be one of"},
		{name: "subtract all", ask: alter(of(kadm.SubtractConfig, "cleanup.policy", "delete")), changes: true},
		{name: "subtract what is not there", ask: alter(of(kadm.SubtractConfig, "cleanup.policy", "compact")), changes: true},
		{name: "set nothing", ask: alter(kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.ms"}), code: kerr.InvalidRequest, message: "Null value not supported for"},
		{name: "replace by nothing", ask: replace(kadm.AlterConfig{Name: "retention.ms"}), code: kerr.InvalidRequest, message: "Null value not supported for"},
		{name: "the same key twice", ask: alter(set("retention.ms", "1"), set("retention.ms", "2")), code: kerr.InvalidRequest, message: "duplicate config keys"},
		{name: "replace the same key twice", ask: replace(set("retention.ms", "1"), set("retention.ms", "2")), code: kerr.InvalidRequest},
		{name: "one bad key of two", ask: alter(set("retention.bytes", "1"), set("retention.ms", "x")), code: kerr.InvalidConfig},
		{name: "delete an unknown key", ask: alter(kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "no.such.key"}), changes: false},
		{name: "lag in conflict with what is set", ask: alter(set("min.compaction.lag.ms", "9223372036854775807"), set("max.compaction.lag.ms", "9223372036854775806")), code: kerr.InvalidConfig, message: "conflict topic config setting"},
		{name: "append what is there", ask: alter(of(kadm.AppendConfig, "cleanup.policy", "delete")), changes: true},
		{name: "append to the default", ask: alter(of(kadm.AppendConfig, "cleanup.policy", "compact")), changes: true},
		{name: "set with spaces", ask: alter(set("retention.ms", " 5 ")), changes: true},
		{name: "set true in capitals", ask: alter(set("preallocate", "TRUE")), changes: true},
		{name: "no policy", ask: alter(set("cleanup.policy", "")), changes: true},
		{name: "throttle every replica", ask: alter(set("leader.replication.throttled.replicas", "*")), changes: true},
		{name: "throttle a replica", ask: alter(set("leader.replication.throttled.replicas", "0:0,1:0")), changes: true},
		{name: "a policy twice", ask: alter(set("cleanup.policy", "delete, compact,delete")), changes: true},
		{name: "keep remote data", ask: alter(set("remote.log.copy.disable", "true")), changes: true},
		{name: "drop remote data", ask: alter(set("remote.log.delete.on.disable", "true")), changes: true},
		{name: "both policies", ask: alter(set("cleanup.policy", "compact,delete")), changes: true},
		{name: "delete a key", ask: alter(kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "retention.ms"}), changes: true},
		{name: "replace", ask: replace(set("retention.bytes", "77")), changes: true},
		{name: "default level of gzip", ask: alter(set("compression.gzip.level", "-1")), changes: true},
		{name: "the same topic twice", ask: func(ctx context.Context, c client, topic string, validateOnly bool) error {
			req := kmsg.NewPtrIncrementalAlterConfigsRequest()
			req.ValidateOnly = validateOnly
			for range 2 {
				r := kmsg.NewIncrementalAlterConfigsRequestResource()
				r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
				r.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "retention.ms", Value: new("1")}}
				req.Resources = append(req.Resources, r)
			}
			resp, err := on[*kmsg.IncrementalAlterConfigsResponse](ctx, c, 0, req)
			if err != nil {
				return err
			}
			first := resp.Resources[0]
			return answer(first.ErrorCode, first.ErrorMessage)
		}, code: kerr.InvalidRequest, message: "Each resource must appear at most once."},
	}
}

func partitionRefusals() []refusal {
	add := func(suffix string, count int32, assignment ...[]int32) func(context.Context, client, string, bool) error {
		return func(ctx context.Context, c client, topic string, validateOnly bool) error {
			t := kmsg.NewCreatePartitionsRequestTopic()
			t.Topic, t.Count = topic+suffix, count
			for _, replicas := range assignment {
				t.Assignment = append(t.Assignment, kmsg.CreatePartitionsRequestTopicAssignment{Replicas: replicas})
			}
			return createPartitions(ctx, c, validateOnly, t)
		}
	}
	return []refusal{
		{name: "as many partitions", ask: add("", 2), code: kerr.InvalidPartitions, message: "Topic already has 2 partition(s)."},
		{name: "fewer partitions", ask: add("", 1), code: kerr.InvalidPartitions, message: "currently has 2 partition(s); 1 would not be an increase."},
		{name: "grow to none", ask: add("", 0), code: kerr.InvalidPartitions},
		{name: "grow to minus one", ask: add("", -1), code: kerr.InvalidPartitions},
		{name: "grow by too many", ask: add("", 10_003), code: kerr.PolicyViolation, message: "Excessively large number of partitions per request.", devOnly: "Kafka 4.3 answers UNKNOWN_SERVER_ERROR and then keeps its broker busy for minutes"},
		{name: "grow an unknown topic", ask: add("-unknown", 3), code: kerr.UnknownTopicOrPartition},
		{name: "assign too few", ask: add("", 4, []int32{0}), code: kerr.InvalidReplicaAssignment, message: "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."},
		{name: "assign to an unknown broker", ask: add("", 3, []int32{8}), code: kerr.InvalidReplicaAssignment, message: "includes broker 8, but no such broker is registered"},
		{name: "grow the same topic twice", ask: func(ctx context.Context, c client, topic string, validateOnly bool) error {
			t := kmsg.NewCreatePartitionsRequestTopic()
			t.Topic, t.Count = topic, 3
			return createPartitions(ctx, c, validateOnly, t, t)
		}, code: kerr.InvalidRequest, message: "Duplicate topic name."},
		{name: "grow", ask: add("", 3), changes: true},
	}
}

func newTopic(name string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, 1, -1
	return t
}

func createTopic(ctx context.Context, c client, validateOnly bool, partitions int32, factor int16, configs map[string]*string, topic string) error {
	send := c.CreateTopics
	if validateOnly {
		send = c.ValidateCreateTopics
	}
	responses, err := send(ctx, partitions, factor, configs, topic)
	if err != nil {
		return err
	}
	r, err := responses.On(topic, nil)
	if err != nil {
		return answered(err, r.ErrMessage)
	}
	return answered(r.Err, r.ErrMessage)
}

func createRaw(ctx context.Context, c client, validateOnly bool, topics ...kmsg.CreateTopicsRequestTopic) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics, req.ValidateOnly, req.TimeoutMillis = topics, validateOnly, 5000
	resp, err := req.RequestWith(ctx, c.raw)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return fmt.Errorf("%d answers", len(resp.Topics))
	}
	return answer(resp.Topics[0].ErrorCode, resp.Topics[0].ErrorMessage)
}

func createPartitions(ctx context.Context, c client, validateOnly bool, topics ...kmsg.CreatePartitionsRequestTopic) error {
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics, req.ValidateOnly, req.TimeoutMillis = topics, validateOnly, 5000
	resp, err := req.RequestWith(ctx, c.raw)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return fmt.Errorf("%d answers", len(resp.Topics))
	}
	return answer(resp.Topics[0].ErrorCode, resp.Topics[0].ErrorMessage)
}

func alter(configs ...kadm.AlterConfig) func(context.Context, client, string, bool) error {
	return func(ctx context.Context, c client, topic string, validateOnly bool) error {
		if validateOnly {
			return altered(c.ValidateAlterTopicConfigs(ctx, configs, topic))
		}
		return altered(c.AlterTopicConfigs(ctx, configs, topic))
	}
}

func replace(configs ...kadm.AlterConfig) func(context.Context, client, string, bool) error {
	return func(ctx context.Context, c client, topic string, validateOnly bool) error {
		if validateOnly {
			return altered(c.ValidateAlterTopicConfigsState(ctx, configs, topic))
		}
		return altered(c.AlterTopicConfigsState(ctx, configs, topic))
	}
}

func altered(responses kadm.AlterConfigsResponses, err error) error {
	if err != nil {
		return err
	}
	if len(responses) != 1 {
		return fmt.Errorf("%d answers", len(responses))
	}
	return answered(responses[0].Err, responses[0].ErrMessage)
}

func answer(code int16, message *string) error {
	text := ""
	if message != nil {
		text = *message
	}
	return answered(kerr.ErrorForCode(code), text)
}

func answered(err error, message string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", err, message)
}

// on has the broker answer the request, whole: the client would split it by resource otherwise.
func on[Response kmsg.Response](ctx context.Context, c client, broker int, req kmsg.Request) (Response, error) {
	var none Response
	resp, err := c.raw.Broker(broker).RetriableRequest(ctx, req)
	if err != nil {
		return none, err
	}
	typed, ok := resp.(Response)
	if !ok {
		return none, fmt.Errorf("unexpected answer %T", resp)
	}
	return typed, nil
}

// run asks twice, first to validate only, and checks the answers and what was changed.
func (r refusal) run(t *testing.T, c client, topic string) {
	t.Helper()
	if _, err := c.CreateTopic(t.Context(), 2, -1, map[string]*string{"retention.ms": new("3600000")}, topic); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := c.DeleteTopics(context.WithoutCancel(t.Context()), topic); err != nil {
			t.Error(err)
		}
	})
	// A real broker learns of a change a moment after the controller has made it.
	var before string
	systems.Until(t, "the brokers tell of the change", func() bool {
		before = topicState(t, c, topic)
		return before != ""
	})
	for _, validateOnly := range []bool{true, false} {
		if wrong := r.wrong(r.ask(t.Context(), c, topic, validateOnly)); wrong != "" {
			t.Errorf("validate only %t: %s", validateOnly, wrong)
		}
		if r.changes && !validateOnly {
			systems.Until(t, "the brokers tell of the change", func() bool { return topicState(t, c, topic) != before })
			return
		}
		if after := topicState(t, c, topic); after != before {
			t.Errorf("validate only %t: changed: before\n%s\nafter\n%s", validateOnly, before, after)
		}
	}
}

// wrong says how an answer differs from the expected one; it is empty if it does not.
func (r refusal) wrong(err error) string {
	if r.code == nil {
		if err != nil {
			return fmt.Sprintf("refused: %v", err)
		}
		return ""
	}
	if !errors.Is(err, r.code) {
		return fmt.Sprintf("answered %v, want %s", err, r.code.Message)
	}
	if !strings.Contains(err.Error(), r.message) {
		return fmt.Sprintf("answered %q, want the message %q", err, r.message)
	}
	return ""
}

// topicState is all that a request about the topic may change, to compare: the topics with the topic's name, one that
// collides with it or one made from it, their partitions and what is set for them. It asks the brokers anew.
func topicState(t *testing.T, c client, topic string) string {
	t.Helper()
	resp, err := kmsg.NewPtrMetadataRequest().RequestWith(t.Context(), c.raw)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(resp.Topics, func(a, b kmsg.MetadataResponseTopic) int { return strings.Compare(*a.Topic, *b.Topic) })
	var b strings.Builder
	for _, found := range resp.Topics {
		if !slices.Contains([]string{topic, topic + "-new", topic + "-unknown", strings.ReplaceAll(topic, ".", "_")}, *found.Topic) {
			continue
		}
		fmt.Fprintf(&b, "%s %x %d\n", *found.Topic, found.TopicID, len(found.Partitions))
		configs, err := c.DescribeTopicConfigs(t.Context(), *found.Topic)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(configs[0].Configs, func(a, b kadm.Config) int { return strings.Compare(a.Key, b.Key) })
		for _, config := range configs[0].Configs {
			if config.Source == kmsg.ConfigSourceDynamicTopicConfig {
				fmt.Fprintf(&b, "%s %s=%s\n", *found.Topic, config.Key, config.MaybeValue())
			}
		}
	}
	return b.String()
}
