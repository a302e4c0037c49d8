package kafkaconnect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// readersTimeout bounds the look for the sinks of one cluster that read a topic.
	readersTimeout = 5 * time.Second
	// listingAge is how long a list of connectors answers the question: one plan may ask it of many topics.
	listingAge = 5 * time.Second
)

// The keys of a sink's configuration that say what it reads.
const (
	topicsKey = "topics"
	regexKey  = "topics.regex"
)

// listing is what a cluster has, as far as it could be read.
type listing struct {
	at      time.Time
	kafka   string // the id of the Kafka cluster that the workers are of
	all     []*found
	trouble error
}

// ReadersOf names the sinks of all declared Kafka Connect clusters that read a topic, or would when they go on. What a
// cluster has that cannot be asked is said not to be known.
func (s *Service) ReadersOf(ctx context.Context, _, kafka, topic string) ([]api.Warning, error) {
	connections, err := s.conns.List(ctx, "", math.MaxInt32)
	if err != nil {
		return nil, err
	}
	connections = slices.DeleteFunc(connections, func(c api.Connection) bool {
		return c.Kind != kafkaconnect.KindName || kafka != "" && c.ClusterID != "" && c.ClusterID != kafka
	})
	if kafka == "" && len(connections) > 0 {
		return []api.Warning{{
			Summary: "Which connectors of Kafka Connect read it is not known",
			Detail:  "The brokers do not tell the id of their cluster, by which its connectors are found. There may be sinks that fail once the topic is gone.",
		}}, nil
	}
	// Together, so that clusters that are down cost their time limit once.
	perCluster := make([][]api.Warning, len(connections))
	var asking sync.WaitGroup
	for n, c := range connections {
		asking.Go(func() { perCluster[n] = s.readersAt(ctx, c.Name, kafka, topic) })
	}
	asking.Wait()
	return slices.Concat(perCluster...), nil
}

// readersAt names the sinks of one cluster that read a topic.
func (s *Service) readersAt(ctx context.Context, connection, kafka, topic string) []api.Warning {
	have, err := s.listing(ctx, connection)
	if err != nil {
		why := err.Error()
		if e, ok := errors.AsType[*api.Error](err); ok {
			why = e.Detail
		}
		return []api.Warning{{
			Summary: fmt.Sprintf("Which connectors of connection %q read it is not known", connection),
			Detail:  fmt.Sprintf("Kafka Connect could not be asked. %s. There may be sinks that fail once the topic is gone.", strings.TrimSuffix(why, ".")),
		}}
	}
	if have.kafka != kafka {
		return nil
	}
	var readers []api.Warning
	for _, f := range have.all {
		if reads, certain := f.reads(topic); reads {
			readers = append(readers, f.reader(connection, certain))
		}
	}
	return readers
}

// listing reads what a cluster has, or answers what was read a moment ago, trouble included.
func (s *Service) listing(ctx context.Context, connection string) (*listing, error) {
	ctx, cancel := context.WithTimeout(ctx, readersTimeout)
	defer cancel()
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	c.listing.Lock()
	defer c.listing.Unlock()
	if have := c.listed; have != nil && time.Since(have.at) < listingAge {
		return have, have.trouble
	}
	// Others wait for the answer: it does not end with the request of this caller.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), readersTimeout)
	defer cancel()
	have := &listing{}
	if have.kafka, have.trouble = c.kafka(ctx); have.trouble == nil {
		have.all, have.trouble = c.all(ctx)
	}
	have.at = time.Now()
	c.listed = have
	return have, have.trouble
}

// kafka is the id of the Kafka cluster that the workers are of.
func (c *cluster) kafka(ctx context.Context) (string, error) {
	var info struct {
		ClusterID string `json:"kafka_cluster_id"`
	}
	if err := c.client.Do(ctx, http.MethodGet, "/", nil, &info); err != nil {
		return "", c.failure("read the cluster id", err)
	}
	return info.ClusterID, nil
}

// reads says whether a sink reads a topic; certain is false when its regular expression is one that only Java understands.
func (f *found) reads(topic string) (reads, certain bool) {
	if f.status.Type != api.TypeSink {
		return false, true
	}
	for one := range strings.SplitSeq(f.config[topicsKey], ",") {
		if strings.TrimSpace(one) == topic {
			return true, true
		}
	}
	expression := f.config[regexKey]
	if expression == "" {
		return false, true
	}
	pattern, err := regexp.Compile(`^(?:` + expression + `)$`)
	if err != nil {
		return true, false
	}
	return pattern.MatchString(topic), true
}

// reader says what becomes of a sink without a topic that it reads.
func (f *found) reader(connection string, certain bool) api.Warning {
	who := fmt.Sprintf("Connector %q of connection %q", f.name, connection)
	switch state := f.status.state(); state {
	case api.StatePaused, api.StateStopped:
		who += ", which is " + state + ","
	case api.StateFailed:
		who += ", which has failed,"
	}
	if !certain {
		return api.Warning{Summary: who + " may read it", Detail: fmt.Sprintf("Its topics.regex is one that only Java understands: %s.", f.config[regexKey])}
	}
	return api.Warning{
		Summary: who + " reads it",
		Detail:  "It gets no more of it once the topic is gone. Where brokers make topics on demand, a sink that names the topic and runs makes it again, empty.",
	}
}
