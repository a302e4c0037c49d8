// Package preview looks at a few records of a topic and makes them readable. It leaves no trace in the cluster: it
// joins no group and commits nothing.
package preview

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/schema"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	defaultRecords = 10
	maxRecords     = 1000

	// maxBytes bounds the keys, values and headers of one preview.
	maxBytes = 8 << 20

	// maxTime bounds the reading of one preview.
	maxTime = 10 * time.Second

	// fetchBytes is how much a broker may send at once, and of one partition.
	fetchBytes = 1 << 20
)

// Service makes previews. It is safe for concurrent use.
type Service struct {
	conns   *connection.Service
	admins  *kafka.Admins
	schemas *schema.Service
	log     *slog.Logger
}

// New makes the service.
func New(conns *connection.Service, admins *kafka.Admins, schemas *schema.Service, log *slog.Logger) *Service {
	return &Service{conns: conns, admins: admins, schemas: schemas, log: log}
}

// Preview answers a few records of a topic, oldest first.
func (s *Service) Preview(ctx context.Context, connection, topic string, opts api.PreviewOptions) (*api.Preview, error) {
	opts, err := complete(opts)
	if err != nil {
		return nil, err
	}
	target, err := s.conns.Resolve(ctx, connection, "/connection", kafka.KindName)
	if err != nil {
		return nil, err
	}
	reading, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	ranges, notes, err := s.ranges(reading, target, topic, opts)
	if err != nil {
		return nil, failed(connection, topic, err)
	}
	decoder := s.decoder(ctx, target, opts)
	defer decoder.close()
	found, err := read(reading, target, topic, ranges, opts, decoder.matches(opts.Key))
	if err != nil {
		return nil, failed(connection, topic, err)
	}
	preview := &api.Preview{Records: make([]api.Record, 0, len(found.records)), Truncated: found.truncated != "", Notes: append([]string{}, notes...)}
	if preview.Truncated {
		preview.Notes = append(preview.Notes, found.truncated)
	}
	for _, r := range found.records {
		preview.Records = append(preview.Records, decoder.record(r))
	}
	preview.Notes = append(preview.Notes, decoder.notes()...)
	return preview, nil
}

// complete checks the options and fills in the defaults.
func complete(opts api.PreviewOptions) (api.PreviewOptions, error) {
	forward := opts.FromOffset != nil || opts.FromTime != nil
	if opts.Last < 0 || opts.Last > maxRecords {
		return opts, tooMany("/last")
	}
	if opts.Limit < 0 || opts.Limit > maxRecords {
		return opts, tooMany("/limit")
	}
	for pointer, decoding := range map[string]string{"/decode": opts.Decode, "/decode_key": opts.DecodeKey} {
		if decoding != "" && !slices.Contains(api.PreviewDecodings, decoding) {
			return opts, api.Invalid(pointer, "There is no such way to make records readable", "", "Use one of "+strings.Join(api.PreviewDecodings, ", ")+".")
		}
	}
	switch {
	case opts.FromOffset != nil && opts.FromTime != nil:
		return opts, api.Invalid("/from_time", "A preview begins at an offset or at a time", "Both are set.", "Set one of from_offset and from_time.")
	case opts.FromOffset != nil && *opts.FromOffset < 0:
		return opts, api.Invalid("/from_offset", "An offset is not negative", "", "Set from_offset to 0 or more.")
	case forward && opts.Last != 0:
		return opts, api.Invalid("/last", "A preview has the newest records, or those from an offset or time on", "Both are asked for.", "Set limit instead of last.")
	case !forward && opts.Limit != 0:
		return opts, api.Invalid("/limit", "limit goes with from_offset or from_time", "", "Set last instead of limit.")
	}
	if opts.Last == 0 {
		opts.Last = defaultRecords
	}
	if opts.Limit == 0 {
		opts.Limit = defaultRecords
	}
	return opts, nil
}

func tooMany(pointer string) error {
	return api.Invalid(pointer, "The number of records is not possible", fmt.Sprintf("A preview shows from 1 to %d records.", maxRecords), "Ask for a number in between.")
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

// ranges asks where the partitions begin and end, and notes what is not there any more. The end is that of the last
// finished transaction.
func (s *Service) ranges(ctx context.Context, target *connection.Target, topic string, opts api.PreviewOptions) (map[int32]offsets, []string, error) {
	admin, err := s.admins.Admin(target)
	if err != nil {
		return nil, nil, err
	}
	// Asking for authorized operations keeps kadm from answering out of the client's cache.
	meta, err := admin.Metadata(kadm.WithAuthorizedOps(ctx), topic)
	if err != nil {
		return nil, nil, fmt.Errorf("read metadata: %w", err)
	}
	detail := meta.Topics[topic]
	if err := detail.Err; err != nil && !errors.Is(err, kerr.LeaderNotAvailable) {
		return nil, nil, fmt.Errorf("read metadata: %w", err)
	}
	if p := opts.Partition; p != nil {
		if _, ok := detail.Partitions[*p]; !ok {
			return nil, nil, api.Invalid("/partition", fmt.Sprintf("Topic %q has no partition %d", topic, *p), fmt.Sprintf("It has %d, and they count from 0.", len(detail.Partitions)), "Name one that it has.")
		}
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err := errors.Join(err, starts.Error()); err != nil {
		return nil, nil, fmt.Errorf("list start offsets: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, nil, fmt.Errorf("list end offsets: %w", err)
	}
	from := starts
	if opts.FromTime != nil {
		from, err = admin.ListOffsetsAfterMilli(ctx, opts.FromTime.UnixMilli(), topic)
		if err := errors.Join(err, from.Error()); err != nil {
			return nil, nil, fmt.Errorf("list offsets by time: %w", err)
		}
	}
	ranges := map[int32]offsets{}
	var notes []string
	for _, end := range ends.Offsets().Sorted() {
		start, ok := from.Lookup(topic, end.Partition)
		if !ok || opts.Partition != nil && end.Partition != *opts.Partition {
			continue
		}
		at := offsets{start.Offset, end.At}
		if wanted := opts.FromOffset; wanted != nil {
			if note := gone(end.Partition, *wanted, at); note != "" {
				notes = append(notes, note)
			}
			at.start = max(at.start, *wanted)
		}
		ranges[end.Partition] = at
	}
	return ranges, notes, nil
}

// gone says what a partition does not have of what was asked for.
func gone(partition int32, wanted int64, at offsets) string {
	switch {
	case wanted < at.start:
		return fmt.Sprintf("Partition %d begins at offset %d: what was before is gone.", partition, at.start)
	case wanted >= at.end:
		return fmt.Sprintf("Partition %d ends before offset %d: nothing was written there yet.", partition, at.end)
	}
	return ""
}

// readRecords are the records that were read, oldest first, and why they are not all.
type readRecords struct {
	records   []*kgo.Record
	truncated string
}

// read opens a client of its own: what a preview reads must not share buffers or limits with anyone.
func read(ctx context.Context, target *connection.Target, topic string, ranges map[int32]offsets, opts api.PreviewOptions, matches func(*kgo.Record) bool) (readRecords, error) {
	client, err := kafka.NewClient(target,
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The markers of transactions tell how far a partition has been read where records are left out.
		kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchBytes), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.RetryTimeout(maxTime),
	)
	if err != nil {
		return readRecords{}, err
	}
	defer client.Close()
	forward := opts.FromOffset != nil || opts.FromTime != nil
	limit := opts.Last
	if forward {
		limit = opts.Limit
	}
	r := newReader(client, topic, ranges, limit, matches)
	if forward {
		err = r.forward(ctx)
	} else {
		err = r.run(ctx)
	}
	if err != nil && ctx.Err() == nil {
		return readRecords{}, err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return readRecords{}, ctx.Err()
	}
	found := readRecords{records: r.newest()}
	if forward {
		found.records = r.earliest()
	}
	switch {
	case r.full:
		found.truncated = fmt.Sprintf("Cut short: more than %d MiB of records.", maxBytes>>20)
	case ctx.Err() != nil:
		found.truncated = fmt.Sprintf("Cut short: reading took more than %v.", maxTime)
	}
	return found, nil
}
