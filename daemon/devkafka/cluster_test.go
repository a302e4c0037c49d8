package devkafka_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	systems "github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func start(t *testing.T) *devkafka.Cluster {
	t.Helper()
	cluster, err := devkafka.Start(t.Context(), devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func newClient(t *testing.T, opts ...kgo.Opt) client {
	t.Helper()
	raw, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Close)
	return client{kadm.NewClient(raw), raw}
}

func startWithClient(t *testing.T) client {
	t.Helper()
	return newClient(t, kgo.SeedBrokers(start(t).BootstrapServers()...))
}

func TestRefusals(t *testing.T) {
	c := startWithClient(t)
	for i, r := range refusals() {
		t.Run(r.name, func(t *testing.T) { r.run(t, c, fmt.Sprintf("refused.%d", i)) })
	}
}

func TestStartListensOnLoopback(t *testing.T) {
	cluster := start(t)
	servers := cluster.BootstrapServers()
	if len(servers) != 3 {
		t.Fatalf("%d brokers, want 3", len(servers))
	}
	for _, server := range servers {
		host, _, err := net.SplitHostPort(server)
		if err != nil || !net.ParseIP(host).IsLoopback() {
			t.Errorf("broker %s is not on loopback (%v)", server, err)
		}
	}
}

func TestStartTakesPorts(t *testing.T) {
	port := int(netip.MustParseAddrPort(systems.Address(t)).Port())
	cluster, err := devkafka.Start(t.Context(), devkafka.Config{Port: port, Brokers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	if want := []string{fmt.Sprintf("127.0.0.1:%d", port)}; !slices.Equal(cluster.BootstrapServers(), want) {
		t.Errorf("brokers %v, want %v", cluster.BootstrapServers(), want)
	}
	if _, err := devkafka.Start(t.Context(), devkafka.Config{Port: port, Brokers: 1}); err == nil {
		t.Error("a second cluster started on the same port")
	}
}

func TestStartRefuses(t *testing.T) {
	for name, config := range map[string]devkafka.Config{
		"negative port":        {Port: -1},
		"ports past the last":  {Port: 65534},
		"negative brokers":     {Brokers: -1},
		"very many of brokers": {Brokers: 101},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, err := devkafka.Start(t.Context(), config)
			if err == nil {
				cluster.Close()
				t.Error("started")
			}
		})
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cluster, err := devkafka.Start(ctx, devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cancel()
	c := newClient(t, kgo.SeedBrokers(cluster.BootstrapServers()...))
	if err := createTopic(t.Context(), c, false, 1, 3, nil, "after"); err != nil {
		t.Errorf("the context of the start ended the cluster: %v", err)
	}
	cancelled, err := devkafka.Start(ctx, devkafka.Config{})
	if err == nil {
		cancelled.Close()
		t.Error("started with a cancelled context")
	}
}

// TestCreateTopicsAnswersEach sends topics of which some are refused: the others are created.
func TestCreateTopicsAnswersEach(t *testing.T) {
	c := startWithClient(t)
	good, bad := newTopic("good"), newTopic("bad topic")
	good.NumPartitions, good.ReplicationFactor = 4, 3
	good.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "cleanup.policy", Value: new(" compact , delete ")}}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = []kmsg.CreateTopicsRequestTopic{bad, good, newTopic("twice"), newTopic("twice")}
	resp, err := req.RequestWith(t.Context(), c.raw)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int16{}
	for _, topic := range resp.Topics {
		got[topic.Topic] = topic.ErrorCode
	}
	want := map[string]int16{"bad topic": kerr.InvalidTopicException.Code, "good": 0, "twice": kerr.InvalidRequest.Code}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("answered %v, want %v", got, want)
	}
	details, err := c.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if names := details.Names(); !slices.Equal(names, []string{"good"}) {
		t.Errorf("topics %v, want good", names)
	}
	answer := resp.Topics[1]
	if answer.NumPartitions != 4 || answer.ReplicationFactor != 3 || answer.TopicID != details["good"].ID {
		t.Errorf("answered %d partitions, %d replicas, id %v", answer.NumPartitions, answer.ReplicationFactor, answer.TopicID)
	}
	values := map[string]string{}
	for _, config := range answer.Configs {
		values[config.Name] = *config.Value
	}
	if values["cleanup.policy"] != "compact,delete" || values["retention.ms"] != "604800000" {
		t.Errorf("answered configurations %v", values)
	}
}

func TestCreateTopicsDefaults(t *testing.T) {
	c := startWithClient(t)
	if err := createTopic(t.Context(), c, false, -1, -1, nil, "plain"); err != nil {
		t.Fatal(err)
	}
	details, err := c.ListTopics(t.Context(), "plain")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(details["plain"].Partitions); n != 1 {
		t.Errorf("%d partitions, want 1", n)
	}
	if n := details["plain"].Partitions.NumReplicas(); n != 3 {
		t.Errorf("%d replicas, want 3", n)
	}
}

// TestAssignedReplicas places replicas where the cluster can show them, and is refused elsewhere.
func TestAssignedReplicas(t *testing.T) {
	c := startWithClient(t)
	ask := func(validateOnly bool, name string, replicas ...int32) error {
		topic := newTopic(name)
		topic.NumPartitions = -1
		topic.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Replicas: replicas}}
		return createRaw(t.Context(), c, validateOnly, topic)
	}
	if err := ask(false, "refused", 1, 0); !errors.Is(err, kerr.PolicyViolation) {
		t.Errorf("answered %v, want a policy violation", err)
	}
	if err := ask(false, "placed", 2, 0); err != nil {
		t.Fatal(err)
	}
	more := kmsg.NewCreatePartitionsRequestTopic()
	more.Topic, more.Count = "placed", 2
	more.Assignment = []kmsg.CreatePartitionsRequestTopicAssignment{{Replicas: []int32{1, 2}}}
	if err := createPartitions(t.Context(), c, false, more); err != nil {
		t.Fatal(err)
	}
	details, err := c.ListTopics(t.Context(), "placed")
	if err != nil {
		t.Fatal(err)
	}
	for partition, want := range map[int32][]int32{0: {2, 0}, 1: {1, 2}} {
		if got := details["placed"].Partitions[partition]; !slices.Equal(got.Replicas, want) || got.Leader != want[0] {
			t.Errorf("partition %d has replicas %v, leader %d, want %v", partition, got.Replicas, got.Leader, want)
		}
	}
}

func TestAlteredConfigs(t *testing.T) {
	c := startWithClient(t)
	set := func(op kadm.IncrementalOp, key, value string) kadm.AlterConfig {
		return kadm.AlterConfig{Op: op, Name: key, Value: new(value)}
	}
	steps := []struct {
		name string
		ask  func(context.Context, client, string, bool) error
		want string
	}{
		{"set", alter(set(kadm.SetConfig, "retention.ms", " 5 "), set(kadm.SetConfig, "preallocate", "TRUE")), "preallocate=true retention.ms=5"},
		{"append to the default", alter(set(kadm.AppendConfig, "cleanup.policy", "compact")), "cleanup.policy=delete,compact preallocate=true retention.ms=5"},
		{"append again", alter(set(kadm.AppendConfig, "cleanup.policy", "compact")), "cleanup.policy=delete,compact preallocate=true retention.ms=5"},
		{"subtract", alter(set(kadm.SubtractConfig, "cleanup.policy", "delete")), "cleanup.policy=compact preallocate=true retention.ms=5"},
		{"delete", alter(kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "preallocate"}), "cleanup.policy=compact retention.ms=5"},
		{"replace", replace(set(kadm.SetConfig, "segment.ms", "9")), "segment.ms=9"},
		{"replace by nothing", replace(), ""},
	}
	if err := createTopic(t.Context(), c, false, 1, -1, nil, "altered"); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if err := step.ask(t.Context(), c, "altered", false); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		configs, err := c.DescribeTopicConfigs(t.Context(), "altered")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, config := range configs[0].Configs {
			if config.Source == kmsg.ConfigSourceDynamicTopicConfig {
				got = append(got, config.Key+"="+config.MaybeValue())
			}
		}
		slices.Sort(got)
		if joined := strings.Join(got, " "); joined != step.want {
			t.Errorf("%s: set are %q, want %q", step.name, joined, step.want)
		}
	}
}

// TestBrokerConfigsPass checks that resources other than topics still reach the broker, alone and beside topics.
func TestBrokerConfigsPass(t *testing.T) {
	c := startWithClient(t)
	if err := createTopic(t.Context(), c, false, 1, -1, nil, "beside"); err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for _, r := range []struct {
		kind             kmsg.ConfigResourceType
		name, key, value string
	}{
		{kmsg.ConfigResourceTypeBroker, "1", "message.max.bytes", "5000"},
		{kmsg.ConfigResourceTypeTopic, "beside", "retention.ms", "x"},
	} {
		resource := kmsg.NewIncrementalAlterConfigsRequestResource()
		resource.ResourceType, resource.ResourceName = r.kind, r.name
		resource.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: r.key, Value: new(r.value)}}
		req.Resources = append(req.Resources, resource)
	}
	answer, err := on[*kmsg.IncrementalAlterConfigsResponse](t.Context(), c, 1, req)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int16{}
	for _, r := range answer.Resources {
		codes[r.ResourceName] = r.ErrorCode
	}
	if want := map[string]int16{"1": 0, "beside": kerr.InvalidConfig.Code}; fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("answered %v, want %v", codes, want)
	}
	configs, err := c.DescribeBrokerConfigs(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(configs[0].Configs, func(config kadm.Config) bool { return config.Key == "message.max.bytes" })
	if i < 0 || configs[0].Configs[i].MaybeValue() != "5000" {
		t.Error("the broker's configuration was not changed")
	}
}

// TestBrokerDefaultsShowOnTopics checks that a default set for the brokers shows as such.
func TestBrokerDefaultsShowOnTopics(t *testing.T) {
	c := startWithClient(t)
	if err := createTopic(t.Context(), c, false, 1, -1, nil, "inherits"); err != nil {
		t.Fatal(err)
	}
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "compression.type", Value: new("zstd")}}
	if _, err := c.AlterBrokerConfigs(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	configs, err := c.DescribeTopicConfigs(t.Context(), "inherits")
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range configs[0].Configs {
		if config.Key == "compression.type" && (config.MaybeValue() != "zstd" || config.Source != kmsg.ConfigSourceDynamicBrokerConfig) {
			t.Errorf("compression.type is %s from %s", config.MaybeValue(), config.Source)
		}
	}
}

func TestReassignments(t *testing.T) {
	c := startWithClient(t)
	if err := createTopic(t.Context(), c, false, 1, 1, nil, "still"); err != nil {
		t.Fatal(err)
	}
	details, err := c.ListTopics(t.Context(), "still")
	if err != nil {
		t.Fatal(err)
	}
	here := details["still"].Partitions[0].Replicas
	for _, test := range []struct {
		name      string
		topic     string
		partition int32
		replicas  []int32
		want      *kerr.Error
	}{
		{"unknown topic", "unknown", 0, here, kerr.UnknownTopicOrPartition},
		{"unknown partition", "still", 7, here, kerr.UnknownTopicOrPartition},
		{"unknown broker", "still", 0, []int32{8}, kerr.InvalidReplicaAssignment},
		{"cancel", "still", 0, nil, kerr.NoReassignmentInProgress},
		{"nothing to do", "still", 0, here, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var req kadm.AlterPartitionAssignmentsReq
			req.Assign(test.topic, test.partition, test.replicas)
			if test.replicas == nil {
				req = nil
				req.CancelAssign(test.topic, test.partition)
			}
			responses, err := c.AlterPartitionAssignments(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			got := responses.Sorted()
			if len(got) != 1 {
				t.Fatalf("%d answers", len(got))
			}
			if test.want == nil && got[0].Err != nil || test.want != nil && !errors.Is(got[0].Err, test.want) {
				t.Errorf("answered %v, want %v", got[0].Err, test.want)
			}
		})
	}
}

// TestReplicasMove checks that moved replicas show, and that partitions added later have as many.
func TestReplicasMove(t *testing.T) {
	c := startWithClient(t)
	if err := createTopic(t.Context(), c, false, 2, 1, nil, "moves"); err != nil {
		t.Fatal(err)
	}
	for _, to := range [][]int32{{2, 0, 1}, {1, 2}, {0}} {
		var req kadm.AlterPartitionAssignmentsReq
		req.Assign("moves", 0, to)
		req.Assign("moves", 1, to)
		responses, err := c.AlterPartitionAssignments(t.Context(), req)
		if err := errors.Join(err, responses.Error()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreatePartitions(t.Context(), 1, "moves"); err != nil {
			t.Fatal(err)
		}
		details, err := c.ListTopics(kadm.WithAuthorizedOps(t.Context()), "moves")
		if err != nil {
			t.Fatal(err)
		}
		for id, p := range details["moves"].Partitions {
			if id < 2 && !slices.Equal(p.Replicas, to) || len(p.Replicas) != len(to) || len(p.ISR) != len(to) {
				t.Errorf("partition %d is on %v, in sync %v, want %v", id, p.Replicas, p.ISR, to)
			}
			if !slices.Contains(p.Replicas, p.Leader) {
				t.Errorf("partition %d on %v is led by %d", id, p.Replicas, p.Leader)
			}
		}
	}
}

// TestDescribeConfigs checks what Kafka's documentation says of a topic. Parity with a real broker has its own test.
func TestDescribeConfigs(t *testing.T) {
	lines := describeSpecimen(t, startWithClient(t), "described")
	if len(lines) != 33 {
		t.Errorf("%d configurations, want 33", len(lines))
	}
	for _, want := range []string{
		"retention.ms=5 source=DYNAMIC_TOPIC_CONFIG type=LONG read-only=false sensitive=false retention.ms=5@DYNAMIC_TOPIC_CONFIG",
		"segment.bytes=1073741824 source=DEFAULT_CONFIG type=INT read-only=false sensitive=false log.segment.bytes=1073741824@DEFAULT_CONFIG",
		"cleanup.policy=delete,compact source=DYNAMIC_TOPIC_CONFIG type=LIST read-only=false sensitive=false " +
			"cleanup.policy=delete,compact@DYNAMIC_TOPIC_CONFIG log.cleanup.policy=delete@DEFAULT_CONFIG",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("missing %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
}

func TestDescribeConfigsOfNames(t *testing.T) {
	c := startWithClient(t)
	if err := createTopic(t.Context(), c, false, 1, -1, nil, "some"); err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range []string{"some", "none", "not a name"} {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
		r.ConfigNames = []string{"retention.ms", "no.such.key"}
		req.Resources = append(req.Resources, r)
	}
	resp, err := on[*kmsg.DescribeConfigsResponse](t.Context(), c, 0, req)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range resp.Resources {
		got = append(got, fmt.Sprintf("%s:%d:%d", r.ResourceName, r.ErrorCode, len(r.Configs)))
	}
	if want := []string{"some:0:1", "none:3:0", "not a name:17:0"}; !slices.Equal(got, want) {
		t.Errorf("answered %v, want %v", got, want)
	}
}

// describeSpecimen creates a topic and tells of each of its configurations in a line.
func describeSpecimen(t *testing.T, c client, topic string) []string {
	t.Helper()
	values := map[string]*string{"retention.ms": new("5"), "cleanup.policy": new("delete,compact")}
	if err := createTopic(t.Context(), c, false, 1, -1, values, topic); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := c.DeleteTopics(context.WithoutCancel(t.Context()), topic); err != nil {
			t.Error(err)
		}
	})
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms = true
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	req.Resources = append(req.Resources, r)
	var resp *kmsg.DescribeConfigsResponse
	systems.Until(t, "the topic shows", func() bool {
		var err error
		if resp, err = req.RequestWith(t.Context(), c.raw); err != nil {
			t.Fatal(err)
		}
		return resp.Resources[0].ErrorCode != kerr.UnknownTopicOrPartition.Code
	})
	var lines []string
	for _, config := range resp.Resources[0].Configs {
		line := fmt.Sprintf("%s=%s source=%s type=%s read-only=%t sensitive=%t",
			config.Name, *config.Value, config.Source, config.ConfigType, config.ReadOnly, config.IsSensitive)
		for _, s := range config.ConfigSynonyms {
			line += fmt.Sprintf(" %s=%s@%s", s.Name, *s.Value, s.Source)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestConcurrentRequests has clients create the same topics at the same time: each is created once.
func TestConcurrentRequests(t *testing.T) {
	cluster := start(t)
	const clients, topics = 4, 20
	var created sync.Map
	var group sync.WaitGroup
	for i := range clients {
		c := newClient(t, kgo.SeedBrokers(cluster.BootstrapServers()[i%3]))
		group.Go(func() {
			for n := range topics {
				name := fmt.Sprintf("topic-%d", n)
				err := createTopic(t.Context(), c, false, 1, 3, nil, name)
				switch {
				case err == nil:
					if _, twice := created.LoadOrStore(name, true); twice {
						t.Errorf("%s was created twice", name)
					}
				case !errors.Is(err, kerr.TopicAlreadyExists):
					t.Errorf("create %s: %v", name, err)
				}
			}
		})
	}
	group.Wait()
	for n := range topics {
		if _, ok := created.Load(fmt.Sprintf("topic-%d", n)); !ok {
			t.Errorf("topic-%d was not created", n)
		}
	}
}

// TestCloseWhileAsked closes the cluster under clients that never stop asking. The leak check of this package sees
// what Close leaves behind.
func TestCloseWhileAsked(t *testing.T) {
	cluster, err := devkafka.Start(t.Context(), devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	busy := make(chan struct{}, 4)
	for i := range 4 {
		c := newClient(t, kgo.SeedBrokers(cluster.BootstrapServers()...))
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_ = createTopic(ctx, c, false, 1, 1, nil, fmt.Sprintf("t-%d-%d", i, n))
				if n == 3 {
					busy <- struct{}{}
				}
			}
		})
	}
	for range 4 {
		<-busy
	}
	cluster.Close()
	cluster.Close()
	cancel()
	group.Wait()
}
