// Package stream reads and writes Kinesis data streams. AWS is the truth; only deletion protection is kept in the store.
package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kinesis"
	"github.com/headgate/terraform-provider-headgate/daemon/keeping"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	// settleLimit is how long a write waits for AWS before it answers that there is more to come.
	settleLimit = 60 * time.Second
	// firstPoll and lastPoll are how long to wait between two looks at a stream that AWS is changing. AWS lets 20 looks in
	// a second through, for all of an account.
	firstPoll = 250 * time.Millisecond
	lastPoll  = 5 * time.Second
)

// Service reads and writes streams. It is safe for concurrent use.
type Service struct {
	conns  *connection.Service
	keep   keeping.Keeper
	settle time.Duration

	mu      sync.Mutex
	clients map[string]*client // by connection
}

// client is a client of one generation of a connection.
type client struct {
	*kinesis.API

	connection string
	region     string
	generation int64
}

// New makes the service.
func New(st *store.Store, conns *connection.Service) *Service {
	s := &Service{conns: conns, keep: keeping.New(st, "Stream"), settle: settleLimit, clients: map[string]*client{}}
	conns.OnChange(s.forget)
	return s
}

func (s *Service) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, name)
}

// client opens a connection. Credentials are kept until the connection changes: a role is not assumed for every request.
func (s *Service) client(ctx context.Context, name string) (*client, error) {
	target, err := s.conns.Resolve(ctx, name, "/connection", kinesis.KindName)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[name]; c != nil && c.generation == target.Generation {
		return c, nil
	}
	declared, ok := target.Spec.(*api.KinesisConnection)
	if !ok {
		return nil, fmt.Errorf("connection %s has the spec of another kind", name)
	}
	made, err := kinesis.Client(ctx, declared)
	if err != nil {
		return nil, api.Upstream(api.CodeConnection, "/connection", fmt.Sprintf("Connection %q cannot be used", name), err.Error(), "Test the connection: headgated test-connection "+name)
	}
	c := &client{API: made, connection: name, region: declared.Region, generation: target.Generation}
	s.clients[name] = c
	return c, nil
}

// Get reads a stream, by its name or its ARN. Only a stream that AWS itself says does not exist is not found.
func (s *Service) Get(ctx context.Context, connection, nameOrARN string) (*api.Stream, error) {
	c, ref, err := s.open(ctx, connection, nameOrARN)
	if err != nil {
		return nil, err
	}
	have, err := c.look(ctx, ref)
	if err != nil {
		return nil, err
	}
	name := ref.name
	if have == nil {
		return nil, errors.Join(api.NotFound("Stream", name), s.keep.Forget(ctx, connection, name))
	}
	protected, err := s.keep.Protected(ctx, connection, name)
	if err != nil {
		return nil, err
	}
	return have.answer(connection, protected), nil
}

// List reads the streams after a cursor, by name, at most limit.
func (s *Service) List(ctx context.Context, connection, after string, limit int) ([]api.Stream, error) {
	c, err := s.client(ctx, connection)
	if err != nil {
		return nil, err
	}
	unprotected, err := s.keep.Unprotected(ctx, connection)
	if err != nil {
		return nil, err
	}
	in := &awskinesis.ListStreamsInput{Limit: aws.Int32(int32(min(limit, 100)))} //#nosec G115 -- bounded
	if after != "" {
		in.ExclusiveStartStreamName = aws.String(after)
	}
	list := []api.Stream{}
	for pages := awskinesis.NewListStreamsPaginator(c, in); pages.HasMorePages() && len(list) < limit; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.failure("list the streams", err)
		}
		for _, name := range page.StreamNames[:min(len(page.StreamNames), limit-len(list))] {
			have, err := c.read(ctx, name)
			if err != nil {
				return nil, err
			}
			if have != nil { // It may have been deleted since.
				list = append(list, *have.answer(connection, !unprotected[name]))
			}
		}
	}
	return list, nil
}

// EndCreation notes that the answer to a create has left.
func (s *Service) EndCreation(ctx context.Context, connection, name string) error {
	return s.keep.End(ctx, connection, name)
}

// AbandonCreation notes that nobody took the answer to a create: the next attempt may take the stream over.
func (s *Service) AbandonCreation(ctx context.Context, connection, name string) error {
	return s.keep.Abandon(ctx, connection, name)
}

// state is a stream as AWS has it.
type state struct {
	name      string
	arn       string
	status    types.StreamStatus
	mode      string
	shards    int64
	hours     int64
	key       string
	tags      map[string]string
	created   time.Time
	consumers int64
}

// read answers nil for a stream that does not exist, or is about to be gone.
func (c *client) read(ctx context.Context, name string) (*state, error) {
	out, err := c.DescribeStreamSummary(ctx, &awskinesis.DescribeStreamSummaryInput{StreamName: aws.String(name)})
	if isMissing(err) {
		return nil, nil //nolint:nilnil // absence is an answer here
	}
	if err != nil {
		return nil, c.failure("read stream "+name, err)
	}
	d := out.StreamDescriptionSummary
	if d.StreamStatus == types.StreamStatusDeleting {
		return nil, nil //nolint:nilnil // absence is an answer here
	}
	st := &state{
		name: name, arn: aws.ToString(d.StreamARN), status: d.StreamStatus, mode: string(types.StreamModeProvisioned), shards: int64(aws.ToInt32(d.OpenShardCount)),
		hours: int64(aws.ToInt32(d.RetentionPeriodHours)), created: aws.ToTime(d.StreamCreationTimestamp), consumers: int64(aws.ToInt32(d.ConsumerCount)),
	}
	if d.StreamModeDetails != nil {
		st.mode = string(d.StreamModeDetails.StreamMode)
	}
	if d.EncryptionType == types.EncryptionTypeKms {
		st.key = aws.ToString(d.KeyId)
	}
	if st.tags, err = c.tags(ctx, name); isMissing(err) {
		return nil, nil //nolint:nilnil // absence is an answer here
	}
	if err != nil {
		return nil, c.failure("read the tags of stream "+name, err)
	}
	return st, nil
}

func (c *client) tags(ctx context.Context, name string) (map[string]string, error) {
	tags := map[string]string{}
	in := &awskinesis.ListTagsForStreamInput{StreamName: aws.String(name)}
	for {
		out, err := c.ListTagsForStream(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, tag := range out.Tags {
			tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		if !aws.ToBool(out.HasMoreTags) || len(out.Tags) == 0 {
			return tags, nil
		}
		in.ExclusiveStartTagKey = out.Tags[len(out.Tags)-1].Key
	}
}

func (st *state) answer(connection string, protected bool) *api.Stream {
	a := &api.Stream{
		Connection: connection, Name: st.name, ARN: st.arn, Mode: st.mode, OpenShards: st.shards, Retention: spec.Duration(strconv.FormatInt(st.hours, 10) + "h"),
		KMSKeyID: st.key, Tags: st.tags, DeletionProtection: protected, Status: string(st.status), Settled: st.status == types.StreamStatusActive,
	}
	a.Generation = st.generation(protected)
	return a
}

// generation leaves out the shards of an on-demand stream, which AWS changes as it likes. It is empty for no stream.
func (st *state) generation(protected bool) string {
	if st == nil {
		return ""
	}
	shards := st.shards
	if st.mode == api.StreamOnDemand {
		shards = 0
	}
	tags := make([]string, 0, 2*len(st.tags))
	for _, key := range slices.Sorted(maps.Keys(st.tags)) {
		tags = append(tags, key, st.tags[key])
	}
	raw, _ := json.Marshal([]any{st.arn, st.created.UnixMilli(), st.mode, shards, st.hours, st.key, tags, protected}) // It is text and numbers.
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12])
}
