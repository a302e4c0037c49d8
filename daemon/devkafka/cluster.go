// Package devkafka is the Kafka API of `headgated dev`: brokers in this process, in memory, on loopback only. They refuse
// what the brokers of Apache Kafka 4 refuse, with the same error codes and nearly the same words, so that a topic that
// works in dev mode also works on a real cluster.
//
// The brokers are those of the library kfake. It takes any topic configuration and most names, so this package steps in
// before it for the requests that create, change and describe topics; everything else is kfake's own.
package devkafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// defaultBrokers lets topics have three replicas, Headgate's default.
	defaultBrokers = 3
	// maxBrokers bounds the ports that a mistyped number would open.
	maxBrokers = 100
	// defaultPartitions is num.partitions of a Kafka broker.
	defaultPartitions = 1
	// requestTimeout bounds the work on one request. It is all in memory.
	requestTimeout = 30 * time.Second
)

// Config says what cluster to start.
type Config struct {
	// Port is the port of the first broker, on 127.0.0.1; the next brokers take the ports after it. 0, the default,
	// takes free ports.
	Port int
	// Brokers is the number of brokers, 1 to 100. Their ids are 0 and up. Default 3, so that topics can have three
	// replicas.
	Brokers int
	// ReassignmentTime is how long brokers take to become replicas of a partition that keeps its leader. Default 0: no time.
	ReassignmentTime time.Duration
	// Listen opens the port of a broker. Default: net.Listen.
	Listen func(network, address string) (net.Listener, error)
	// Logger takes the warnings and errors of the brokers. Default: none.
	Logger *slog.Logger
}

// newClusterID makes an id of the form that Kafka gives its clusters, so that two clusters can be told apart.
func newClusterID() string {
	id := uuid.New()
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// Cluster is a running cluster. What it holds is gone after Close.
type Cluster struct {
	fake       *kfake.Cluster
	client     *kgo.Client
	servers    []string
	brokers    []int32
	controller int32
	mark       []byte // the value of the tag of our own requests

	// changes is held while a request that changes topics is checked and done, so that what was checked still holds.
	changes sync.Mutex

	reassignmentTime time.Duration
	placing          sync.Mutex // guards placed and lagging
	placed           placements
	lagging          map[lag]bool

	lifecycle sync.Mutex // guards closed, and working against growing once closed
	closed    bool
	working   sync.WaitGroup
	cancel    context.CancelFunc
}

// Start starts a cluster without topics, which answers when Start returns. The context bounds the start only.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	fake, err := kfake.NewCluster(config.options()...)
	if err != nil {
		return nil, fmt.Errorf("start the in-memory Kafka API: %w", err)
	}
	c := &Cluster{fake: fake, servers: fake.ListenAddrs(), mark: []byte(rand.Text()), reassignmentTime: config.ReassignmentTime, placed: placements{}, lagging: map[lag]bool{}}
	if err := c.connect(ctx); err != nil {
		fake.Close()
		return nil, fmt.Errorf("start the in-memory Kafka API: %w", err)
	}
	c.interceptAll(context.WithoutCancel(ctx))
	return c, nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Brokers == 0 {
		c.Brokers = defaultBrokers
	}
	if c.Brokers < 1 || c.Brokers > maxBrokers {
		return c, fmt.Errorf("the in-memory Kafka API has 1 to %d brokers, not %d", maxBrokers, c.Brokers)
	}
	if last := c.Port + c.Brokers - 1; c.Port < 0 || c.Port != 0 && last > 65535 {
		return c, fmt.Errorf("the in-memory Kafka API cannot listen on the ports %d to %d", c.Port, last)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func (c Config) options() []kfake.Opt {
	opts := []kfake.Opt{
		kfake.NumBrokers(c.Brokers),
		kfake.ClusterID(newClusterID()),
		kfake.DefaultNumPartitions(defaultPartitions),
		kfake.WithLogger(logger{c.Logger}),
	}
	if c.Listen != nil {
		opts = append(opts, kfake.ListenFn(c.Listen))
	}
	if c.Port == 0 {
		return opts
	}
	var ports []int
	for i := range c.Brokers {
		ports = append(ports, c.Port+i)
	}
	return append(opts, kfake.Ports(ports...))
}

// connect makes the client of our own requests and learns the brokers.
func (c *Cluster) connect(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.servers...), kgo.ClientID("headgated-dev"))
	if err != nil {
		return err
	}
	resp, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		client.Close()
		return err
	}
	for _, b := range resp.Brokers {
		c.brokers = append(c.brokers, b.NodeID)
	}
	slices.Sort(c.brokers)
	c.client, c.controller = client, resp.ControllerID
	return nil
}

// BootstrapServers returns the host:port of every broker, in the order of the broker ids.
func (c *Cluster) BootstrapServers() []string {
	return slices.Clone(c.servers)
}

// Close ends the cluster and drops all it held. It waits for the requests that are being answered, which end early.
func (c *Cluster) Close() {
	c.lifecycle.Lock()
	closed := c.closed
	c.closed = true
	c.lifecycle.Unlock()
	if closed {
		return
	}
	c.cancel()
	c.working.Wait()
	c.client.Close()
	c.fake.Close()
}

// begin tells whether a request may still be worked on; if so, working.Done must follow.
func (c *Cluster) begin() bool {
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	if c.closed {
		return false
	}
	c.working.Add(1)
	return true
}

var errClosed = errors.New("the in-memory Kafka API is closed")

func (c *Cluster) interceptAll(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(ctx)
	intercept(ctx, c, kmsg.CreateTopics, c.createTopics)
	intercept(ctx, c, kmsg.CreatePartitions, c.createPartitions)
	intercept(ctx, c, kmsg.IncrementalAlterConfigs, c.incrementalAlterConfigs)
	intercept(ctx, c, kmsg.AlterConfigs, c.alterConfigs)
	intercept(ctx, c, kmsg.DescribeConfigs, c.describeConfigs)
	intercept(ctx, c, kmsg.AlterPartitionAssignments, c.alterPartitionAssignments)
	intercept(ctx, c, kmsg.ListPartitionReassignments, c.listPartitionReassignments)
	interceptIf(ctx, c, kmsg.Metadata, c.metadata, func(req *kmsg.MetadataRequest) bool {
		return req.Version >= metadataWithTopicIDs && c.completes()
	})
	interceptIf(ctx, c, kmsg.DescribeTopicPartitions, c.describeTopicPartitions, func(*kmsg.DescribeTopicPartitionsRequest) bool {
		return c.completes()
	})
	intercept(ctx, c, kmsg.CreateACLs, c.createACLs)
	intercept(ctx, c, kmsg.AlterClientQuotas, c.alterClientQuotas)
	intercept(ctx, c, kmsg.ConsumerGroupDescribe, c.describeConsumerGroups)
}

type answer struct {
	resp kmsg.Response
	err  error
}

// metadataWithTopicIDs is the version of the metadata request from which on answers have the topics' ids.
const metadataWithTopicIDs = 10

// intercept lets handle answer every request of the kind that came to a broker, except our own.
func intercept[Request kmsg.Request, Response kmsg.Response](
	ctx context.Context, c *Cluster, key kmsg.Key, handle func(context.Context, int32, Request) (Response, error),
) {
	interceptIf(ctx, c, key, handle, func(Request) bool { return true })
}

// interceptIf is intercept for some of the requests.
func interceptIf[Request kmsg.Request, Response kmsg.Response](
	ctx context.Context, c *Cluster, key kmsg.Key, handle func(context.Context, int32, Request) (Response, error), when func(Request) bool,
) {
	c.fake.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
		typed, ok := req.(Request)
		if !ok || c.marked(req) || !when(typed) {
			return nil, nil, false
		}
		c.fake.KeepControl()
		if !c.begin() {
			return nil, errClosed, true
		}
		node := c.fake.CurrentNode()
		done := make(chan answer, 1)
		// While this request sleeps the broker answers others, among them those that we send to do the work.
		c.fake.SleepControl(func() {
			defer c.working.Done()
			ctx, cancel := context.WithTimeout(ctx, requestTimeout)
			defer cancel()
			resp, err := handle(ctx, node, typed)
			done <- answer{resp, err}
		})
		a := <-done
		return a.resp, a.err, true
	})
}

// markTag is the number of a tagged field that Kafka does not have. Its value marks the requests of our own.
const markTag = 1 << 20

func (c *Cluster) marked(req kmsg.Request) bool {
	tags := tagsOf(req)
	if tags == nil {
		return false
	}
	found := false
	tags.Each(func(tag uint32, value []byte) {
		found = found || tag == markTag && string(value) == string(c.mark)
	})
	return found
}

func tagsOf(req kmsg.Request) *kmsg.Tags {
	switch r := req.(type) {
	case *kmsg.CreateTopicsRequest:
		return &r.UnknownTags
	case *kmsg.CreatePartitionsRequest:
		return &r.UnknownTags
	case *kmsg.IncrementalAlterConfigsRequest:
		return &r.UnknownTags
	case *kmsg.AlterConfigsRequest:
		return &r.UnknownTags
	case *kmsg.DescribeConfigsRequest:
		return &r.UnknownTags
	case *kmsg.MetadataRequest:
		return &r.UnknownTags
	case *kmsg.DescribeTopicPartitionsRequest:
		return &r.UnknownTags
	case *kmsg.CreateACLsRequest:
		return &r.UnknownTags
	case *kmsg.AlterClientQuotasRequest:
		return &r.UnknownTags
	case *kmsg.ConsumerGroupDescribeRequest:
		return &r.UnknownTags
	default:
		return nil
	}
}

// send has kfake answer the request at the broker.
func send[Response kmsg.Response](ctx context.Context, c *Cluster, node int32, req kmsg.Request) (Response, error) {
	if tags := tagsOf(req); tags != nil {
		tags.Set(markTag, c.mark)
	}
	var none Response
	resp, err := c.client.Broker(int(node)).RetriableRequest(ctx, req)
	if err != nil {
		return none, fmt.Errorf("ask broker %d: %w", node, err)
	}
	typed, ok := resp.(Response)
	if !ok {
		return none, fmt.Errorf("ask broker %d: unexpected answer %T", node, resp)
	}
	return typed, nil
}

// topics returns the topics of these names that exist, each as the replicas by partition.
func (c *Cluster) topics(ctx context.Context, names []string) (map[string]map[int32][]int32, error) {
	if names == nil {
		names = []string{}
	}
	described, err := c.described(ctx, names)
	if err != nil {
		return nil, err
	}
	topics := map[string]map[int32][]int32{}
	for name, t := range described {
		partitions := map[int32][]int32{}
		for _, p := range t.Partitions {
			partitions[p.Partition] = p.Replicas
		}
		topics[name] = partitions
	}
	return topics, nil
}

// described returns the topics of these names that exist; nil asks for all.
func (c *Cluster) described(ctx context.Context, names []string) (map[string]*kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	if names != nil {
		req.Topics = []kmsg.MetadataRequestTopic{}
	}
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := send[*kmsg.MetadataResponse](ctx, c, c.controller, req)
	if err != nil {
		return nil, err
	}
	c.complete(resp)
	topics := map[string]*kmsg.MetadataResponseTopic{}
	for i, t := range resp.Topics {
		if t.ErrorCode == 0 && t.Topic != nil {
			topics[*t.Topic] = &resp.Topics[i]
		}
	}
	return topics, nil
}

// logger passes on what operators should see. At lower levels kfake tells of every connection.
type logger struct{ to *slog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	text := slog.String("event", fmt.Sprintf(format, args...))
	switch level {
	case kfake.LogLevelError:
		l.to.Error("in-memory kafka api", text)
	case kfake.LogLevelWarn:
		l.to.Warn("in-memory kafka api", text)
	}
}
