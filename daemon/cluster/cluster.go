// Package cluster looks at Kafka clusters and their brokers.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Service looks at clusters.
type Service struct {
	conns  *connection.Service
	admins *kafka.Admins
	log    *slog.Logger
}

// New makes the service. The administrative clients stay the caller's to close.
func New(conns *connection.Service, admins *kafka.Admins, log *slog.Logger) *Service {
	return &Service{conns: conns, admins: admins, log: log}
}

// Get reads a cluster. What only some clusters tell, or only to some users, is left out where they do not.
func (s *Service) Get(ctx context.Context, connection string) (*api.Cluster, error) {
	c, err := s.admins.Cluster(ctx, s.conns, connection)
	if err != nil {
		return nil, err
	}
	meta, err := c.Admin.Metadata(kafka.Fresh(ctx))
	if err != nil {
		return nil, c.Failure("read the metadata of the cluster", "Describe the cluster", err)
	}
	answer := &api.Cluster{Connection: connection, ClusterID: meta.Cluster, Features: map[string]int64{}, Brokers: []api.Broker{}}
	for _, b := range meta.Brokers {
		one := api.Broker{ID: int64(b.NodeID), Host: b.Host, Port: int64(b.Port)}
		if b.Rack != nil {
			one.Rack = *b.Rack
		}
		answer.Brokers = append(answer.Brokers, one)
	}
	slices.SortFunc(answer.Brokers, func(a, b api.Broker) int { return int(a.ID - b.ID) })
	count(answer, meta)
	for what, look := range map[string]func(context.Context, *kafka.Cluster, *api.Cluster) error{"the versions": versions, "the controllers": controllers, "the log directories": logDirs} {
		if err := look(ctx, c, answer); err != nil {
			s.log.DebugContext(ctx, "a cluster does not tell everything", slog.String("connection", connection), slog.String("what", what), slog.Any("error", err))
		}
	}
	return answer, nil
}

func count(answer *api.Cluster, meta kadm.Metadata) {
	brokers := map[int32]*api.Broker{}
	for i := range answer.Brokers {
		brokers[int32(answer.Brokers[i].ID)] = &answer.Brokers[i] // #nosec G115 -- ids of brokers have 32 bits
	}
	for _, topic := range meta.Topics {
		if topic.Err != nil {
			continue
		}
		answer.Topics++
		answer.Partitions += int64(len(topic.Partitions))
		for _, p := range topic.Partitions {
			if b := brokers[p.Leader]; b != nil {
				b.Leaders++
			}
			for _, id := range p.Replicas {
				if b := brokers[id]; b != nil {
					b.Replicas++
				}
			}
		}
	}
}

func versions(ctx context.Context, c *kafka.Cluster, answer *api.Cluster) error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "headgate", "1"
	resp, err := req.RequestWith(ctx, c.Raw)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return err
	}
	offered := kversion.FromApiVersionsResponse(resp)
	answer.Version = strings.TrimPrefix(offered.VersionGuess(), "v")
	for _, f := range resp.FinalizedFeatures {
		answer.Features[f.Name] = int64(f.MaxVersionLevel)
	}
	return nil
}

// controllers asks for the leader of the quorum: in metadata, brokers name any of themselves as the controller.
func controllers(ctx context.Context, c *kafka.Cluster, answer *api.Cluster) error {
	partition := kmsg.NewDescribeQuorumRequestTopicPartition()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic, topic.Partitions = "__cluster_metadata", append(topic.Partitions, partition)
	req := kmsg.NewPtrDescribeQuorumRequest()
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, c.Raw)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
			answer.ControllerID = new(int64(p.LeaderID))
		}
	}
	return nil
}

func logDirs(ctx context.Context, c *kafka.Cluster, answer *api.Cluster) error {
	all, err := c.Admin.DescribeAllLogDirs(ctx, nil)
	var errs []error
	for i := range answer.Brokers {
		b := &answer.Brokers[i]
		dirs, told := all[int32(b.ID)] // #nosec G115 -- ids of brokers have 32 bits
		if !told {
			continue
		}
		b.LogDirs = []api.LogDir{}
		for _, path := range slices.Sorted(maps.Keys(dirs)) {
			dir := dirs[path]
			if dir.Err != nil {
				errs = append(errs, fmt.Errorf("broker %d, %s: %w", b.ID, path, dir.Err))
				continue
			}
			b.LogDirs = append(b.LogDirs, api.LogDir{Path: path, SizeBytes: dir.Size(), TotalBytes: known(dir.TotalBytes), UsableBytes: known(dir.UsableBytes)})
		}
	}
	return errors.Join(append(errs, err)...)
}

// known is nil for what a broker does not tell.
func known(bytes int64) *int64 {
	if bytes < 0 {
		return nil
	}
	return &bytes
}
