// Package preview looks at the newest records of a topic and makes them readable. It leaves no trace in the cluster: it
// joins no group and commits nothing.
package preview

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	defaultLast = 10
	maxLast     = 1000

	// maxBytes bounds the keys, values and headers of one preview.
	maxBytes = 8 << 20

	// maxTime bounds the reading of one preview.
	maxTime = 10 * time.Second

	// fetchBytes is how much a broker may send at once, and of one partition.
	fetchBytes = 1 << 20
)

// Service makes previews. It is safe for concurrent use.
type Service struct {
	conns  *connection.Service
	admins *kafka.Admins
	log    *slog.Logger
}

// New makes the service.
func New(conns *connection.Service, admins *kafka.Admins, log *slog.Logger) *Service {
	return &Service{conns: conns, admins: admins, log: log}
}

// Preview answers the newest records of a topic over all its partitions, oldest first.
func (s *Service) Preview(ctx context.Context, connection, topic string, opts api.PreviewOptions) (*api.Preview, error) {
	last, err := lastOf(opts)
	if err != nil {
		return nil, err
	}
	target, err := s.conns.Resolve(ctx, connection, "/connection", kafka.KindName)
	if err != nil {
		return nil, err
	}
	reading, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	ranges, err := s.ranges(reading, target, topic)
	if err != nil {
		return nil, failed(connection, topic, err)
	}
	records, truncated, err := read(reading, target, topic, ranges, last)
	if err != nil {
		return nil, failed(connection, topic, err)
	}
	decoder := s.decoder(ctx, target)
	defer decoder.close()
	preview := &api.Preview{Records: make([]api.Record, 0, len(records)), Truncated: truncated}
	for _, r := range records {
		preview.Records = append(preview.Records, decoder.record(r))
	}
	return preview, nil
}

func lastOf(opts api.PreviewOptions) (int, error) {
	if opts.Last == 0 {
		return defaultLast, nil
	}
	if opts.Last < 0 || opts.Last > maxLast {
		return 0, api.Invalid("/last", "The number of records is not possible", fmt.Sprintf("A preview shows from 1 to %d records.", maxLast), "Ask for a number in between.")
	}
	return opts.Last, nil
}

// failed makes an error for people. Only the cluster itself can say that a topic does not exist.
func failed(connection, topic string, err error) error {
	var ready *api.Error
	switch {
	case errors.As(err, &ready), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.InvalidTopicException):
		return api.NotFound("Topic", topic)
	}
	remedy := fmt.Sprintf("Check that the brokers are up, and test connection %q.", connection)
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		remedy = "Allow the connection's user to Read and Describe the topic."
	}
	return api.Upstream(api.CodeConnection, "/connection", "Cannot read topic "+topic, fmt.Sprintf("Through connection %q: %v.", connection, err), remedy)
}

// offsets are those of the records of a partition: from start up to, not including, end.
type offsets struct{ start, end int64 }

// ranges asks where the partitions begin and end. The end is that of the last finished transaction.
func (s *Service) ranges(ctx context.Context, target *connection.Target, topic string) (map[int32]offsets, error) {
	admin, err := s.admins.Admin(target)
	if err != nil {
		return nil, err
	}
	// Asking for authorized operations keeps kadm from answering out of the client's cache.
	meta, err := admin.Metadata(kadm.WithAuthorizedOps(ctx), topic)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	if err := meta.Topics[topic].Err; err != nil && !errors.Is(err, kerr.LeaderNotAvailable) {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err := errors.Join(err, starts.Error()); err != nil {
		return nil, fmt.Errorf("list start offsets: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	ranges := map[int32]offsets{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, end.Partition); ok {
			ranges[end.Partition] = offsets{start.Offset, end.Offset}
		}
	})
	return ranges, nil
}

// read opens a client of its own: what a preview reads must not share buffers or limits with anyone.
func read(ctx context.Context, target *connection.Target, topic string, ranges map[int32]offsets, last int) ([]*kgo.Record, bool, error) {
	client, err := kafka.NewClient(target,
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The markers of transactions tell how far a partition has been read where records are left out.
		kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchBytes), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.RetryTimeout(maxTime),
	)
	if err != nil {
		return nil, false, err
	}
	defer client.Close()
	r := newReader(client, topic, ranges, last)
	err = r.run(ctx)
	if err != nil && ctx.Err() == nil {
		return nil, false, err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, false, ctx.Err()
	}
	return r.newest(), r.full || ctx.Err() != nil, nil
}
