// Package pulsartopic reads and writes the topics of Apache Pulsar. The cluster is the truth; only deletion protection
// is kept in the store.
package pulsartopic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsaradmin/pkg/rest"
	"github.com/apache/pulsar-client-go/pulsaradmin/pkg/utils"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/pulsar"
	"github.com/headgate/terraform-provider-headgate/daemon/keeping"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// writeTimeout bounds a write once it has begun; it does not end with its request.
	writeTimeout = time.Minute
	// shownPoll is how long to wait between two looks for a change that Pulsar makes in the background.
	shownPoll = 200 * time.Millisecond
)

var (
	namePattern = regexp.MustCompile(`^(persistent|non-persistent)://[-=:.a-zA-Z0-9_]+/[-=:.a-zA-Z0-9_]+/[^/?#%\s]{1,200}$`)
	partition   = regexp.MustCompile(`-partition-\d+$`)
)

// Service reads and writes topics. It is safe for concurrent use.
type Service struct {
	conns *connection.Service
	keep  keeping.Keeper
}

// New makes the service.
func New(st *store.Store, conns *connection.Service) *Service {
	return &Service{conns: conns, keep: keeping.New(st, "Topic")}
}

// cluster is a client for one request.
type cluster struct {
	*pulsar.Admin

	connection string
	home       string // the namespace of the connection
}

func (s *Service) cluster(ctx context.Context, name string) (*cluster, error) {
	target, err := s.conns.Resolve(ctx, name, "/connection", pulsar.KindName)
	if err != nil {
		return nil, err
	}
	declared, ok := target.Spec.(*api.PulsarConnection)
	if !ok {
		return nil, fmt.Errorf("connection %s has the spec of another kind", name)
	}
	client, err := pulsar.NewAdmin(ctx, declared)
	if err != nil {
		return nil, api.Upstream(api.CodeConnection, "/connection", fmt.Sprintf("Connection %q cannot be used", name), err.Error(), "Test the connection: headgated test-connection "+name)
	}
	return &cluster{Admin: client, connection: name, home: declared.Tenant + "/" + declared.Namespace}, nil
}

// Get reads a topic. Only a topic that the cluster does not list is not found.
func (s *Service) Get(ctx context.Context, connection, name string) (*api.PulsarTopic, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	topic, err := parse(name)
	if err != nil {
		return nil, err
	}
	have, err := c.read(ctx, topic)
	if err != nil {
		return nil, err
	}
	if have == nil {
		return nil, errors.Join(api.NotFound("Topic", name), s.keep.Forget(ctx, connection, name))
	}
	protected, err := s.keep.Protected(ctx, connection, name)
	return have.answer(connection, protected), err
}

// List reads the topics of the connection's namespace after a cursor, by name, at most limit.
func (s *Service) List(ctx context.Context, connection, after string, limit int) ([]api.PulsarTopic, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	partitioned, plain, err := c.list(ctx, c.home)
	if err != nil {
		return nil, err
	}
	unprotected, err := s.keep.Unprotected(ctx, connection)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(slices.Values(append(partitioned, plain...)))
	first, found := slices.BinarySearch(names, after)
	if found {
		first++
	}
	list := []api.PulsarTopic{}
	for _, name := range names[first:] {
		if len(list) == limit {
			break
		}
		topic, err := parse(name)
		if err != nil {
			continue // A name of Pulsar's own making, which nobody declares.
		}
		have, err := c.details(ctx, topic, slices.Contains(partitioned, name))
		if err != nil {
			return nil, err
		}
		list = append(list, *have.answer(connection, !unprotected[name]))
	}
	return list, nil
}

// EndCreation notes that the answer to a create has left.
func (s *Service) EndCreation(ctx context.Context, connection, name string) error {
	return s.keep.End(ctx, connection, name)
}

// AbandonCreation notes that nobody took the answer to a create: the next attempt may take the topic over.
func (s *Service) AbandonCreation(ctx context.Context, connection, name string) error {
	return s.keep.Abandon(ctx, connection, name)
}

func parse(name string) (utils.TopicName, error) {
	if !namePattern.MatchString(name) || partition.MatchString(name) {
		return utils.TopicName{}, api.Invalid("/name", "The name is not that of a topic", "The name of a Pulsar topic is persistent://tenant/namespace/name, or begins with non-persistent. A single partition is not a topic of its own.", "Write it in full, such as persistent://public/default/orders.")
	}
	topic, err := utils.GetTopicName(name)
	if err != nil {
		return utils.TopicName{}, fmt.Errorf("parse the name %s: %w", name, err)
	}
	return *topic, nil
}

func namespaceOf(topic utils.TopicName) string {
	return topic.GetTenant() + "/" + topic.GetNamespace()[strings.LastIndex(topic.GetNamespace(), "/")+1:]
}

// state is a topic as the cluster has it.
type state struct {
	name       string
	partitions int64
	retention  *utils.RetentionPolicies // nil where the namespace decides
}

func (st *state) answer(connection string, protected bool) *api.PulsarTopic {
	a := &api.PulsarTopic{Connection: connection, Name: st.name, Partitions: st.partitions, DeletionProtection: protected}
	a.Retention, a.RetentionSize = inWords(st.retention)
	a.Generation = st.generation(protected)
	return a
}

// generation is empty for no topic.
func (st *state) generation(protected bool) string {
	if st == nil {
		return ""
	}
	time, size := inWords(st.retention)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s\n%s\n%t", st.name, st.partitions, time, size, protected))
	return hex.EncodeToString(sum[:12])
}

// list lists the topics of a namespace: the partitioned ones, and the others without the partitions.
func (c *cluster) list(ctx context.Context, namespace string) (partitioned, plain []string, err error) {
	parsed, err := utils.GetNamespaceName(namespace)
	if err != nil {
		return nil, nil, fmt.Errorf("parse the namespace %s: %w", namespace, err)
	}
	partitioned, plain, err = c.Topics().ListWithContext(ctx, *parsed)
	if err != nil {
		return nil, nil, c.failure("list the topics of "+namespace, err)
	}
	plain = slices.DeleteFunc(plain, func(name string) bool { return partition.MatchString(name) || strings.Contains(name, "/__") })
	partitioned = slices.DeleteFunc(partitioned, func(name string) bool { return strings.Contains(name, "/__") })
	return partitioned, plain, nil
}

// read answers nil for a topic that does not exist.
func (c *cluster) read(ctx context.Context, topic utils.TopicName) (*state, error) {
	partitioned, plain, err := c.list(ctx, namespaceOf(topic))
	if err != nil {
		return nil, err
	}
	name := topic.String()
	if slices.Contains(partitioned, name) || slices.Contains(plain, name) {
		return c.details(ctx, topic, slices.Contains(partitioned, name))
	}
	return nil, nil //nolint:nilnil // absence is an answer here
}

func (c *cluster) details(ctx context.Context, topic utils.TopicName, partitioned bool) (*state, error) {
	st := &state{name: topic.String()}
	if partitioned {
		metadata, err := c.Topics().GetMetadataWithContext(ctx, topic)
		if err != nil {
			return nil, c.failure("read topic "+st.name, err)
		}
		st.partitions = int64(metadata.Partitions)
	}
	if !topic.IsPersistent() {
		return st, nil
	}
	retention, err := c.Topics().GetRetentionWithContext(ctx, topic, false)
	if err != nil {
		return nil, c.failure("read the retention of topic "+st.name, err)
	}
	if retention != nil && *retention != (utils.RetentionPolicies{}) {
		st.retention = retention
	}
	return st, nil
}

// failure makes an error of the API of what went wrong while doing something.
func (c *cluster) failure(doing string, err error) error {
	summary := "Cannot " + doing
	through := func(what string) string {
		return fmt.Sprintf("Through connection %q: %s.", c.connection, strings.TrimSuffix(what, "."))
	}
	refused, ok := errors.AsType[rest.Error](err)
	switch {
	case !ok:
		return api.Upstream(api.CodeConnection, "/connection", summary, through(err.Error()), "Test the connection: headgated test-connection "+c.connection)
	case refused.Code == http.StatusUnauthorized, refused.Code == http.StatusForbidden:
		return api.Upstream(api.CodeConnection, "/connection", summary, through("Pulsar refuses: "+refused.Reason), "Give the connection's role the right to administer the namespace.")
	case refused.Code >= http.StatusInternalServerError:
		return api.Upstream(api.CodeConnection, "/connection", summary, through("Pulsar answers: "+refused.Reason), "Try again, look into the broker's log, and test the connection: headgated test-connection "+c.connection)
	}
	return api.Refused(api.CodeRefused, "", summary, through("Pulsar refuses: "+refused.Reason), "Change what Pulsar objects to.")
}
