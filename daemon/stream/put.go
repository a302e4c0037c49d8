package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/daemon/keeping"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// errUnsettled ends the waiting of one write: AWS is still at it.
var errUnsettled = errors.New("not settled")

// Put creates or changes a stream. It waits until AWS has made it so, but no longer than a minute: then the answer says
// that it is not settled, and the same write again goes on.
func (s *Service) Put(ctx context.Context, connection, nameOrARN string, body api.StreamWrite, opts api.WriteOptions, idempotencyKey string) (*api.Stream, error) {
	d := declaration{StreamWrite: body}
	if err := d.check(); err != nil {
		return nil, err
	}
	c, ref, err := s.open(ctx, connection, nameOrARN)
	if err != nil {
		return nil, err
	}
	name := ref.name
	if err := checkName(name); err != nil {
		return nil, err
	}
	done, err := s.keep.Turn(ctx, connection, name, opts)
	if err != nil {
		return nil, err
	}
	defer done()
	have, err := c.look(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := s.keep.Precondition(ctx, connection, name, have.generation, opts, idempotencyKey); err != nil {
		return nil, err
	}
	lost, err := keeping.Losses("Stream", name, d.protects(), d.losses(have, time.Now()))
	if err != nil {
		return nil, err
	}
	if opts.DryRun {
		planned, err := c.plan(ctx, name, have, d)
		if err == nil {
			planned.Warnings = append(lost, planned.Warnings...)
		}
		return planned, err
	}
	// A caller who goes away leaves nothing half-done that a minute can finish.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.settle)
	defer cancel()
	return s.write(ctx, c, ref, have, d, idempotencyKey)
}

// plan answers what the stream would be.
func (c *client) plan(ctx context.Context, name string, have *state, d declaration) (*api.Stream, error) {
	want := &state{name: name, mode: d.mode(), shards: d.Shards, hours: d.hours(), key: d.KMSKeyID, tags: maps.Clone(d.Tags), status: types.StreamStatusActive}
	if have == nil {
		return finish(want.answer(c.connection, d.protected()), nil, ""), c.quota(ctx, 0, d)
	}
	way, err := d.reshard(have)
	if errors.Is(err, errTooManySteps) {
		return nil, api.Refused(api.CodeRefused, "/shards", fmt.Sprintf("Stream %q cannot get from %d to %d shards", name, have.shards, d.Shards),
			fmt.Sprintf("AWS goes at most to the double or to the half at once, and allows %d such steps in 24 hours.", stepsPerDay), "Go there in several applies, a day apart.")
	}
	if d.mode() == have.mode {
		if err := c.quota(ctx, have.shards, d); err != nil {
			return nil, err
		}
	}
	if err := d.afterTags(have); err != nil {
		return nil, err
	}
	want.arn, want.created = have.arn, have.created
	if d.mode() == api.StreamOnDemand {
		want.shards = have.shards
	}
	return finish(want.answer(c.connection, d.protected()), d.warnings(have, way), ""), nil
}

func finish(a *api.Stream, warnings []api.Warning, generation string) *api.Stream {
	a.Warnings, a.Generation = warnings, generation
	return a
}

func (d declaration) afterTags(have *state) error {
	tags := maps.Clone(have.tags)
	maps.DeleteFunc(tags, func(key, _ string) bool { return slices.Contains(d.Untag, key) })
	maps.Copy(tags, d.Tags)
	if len(tags) <= maxTags {
		return nil
	}
	return api.Refused(api.CodeRefused, "/tags", fmt.Sprintf("Stream %q would have %d tags", have.name, len(tags)),
		fmt.Sprintf("With those that others have set, there would be more than the %d that AWS allows.", maxTags), "Declare fewer.")
}

// quota compares what is asked for with what the account may have. Where that may not be read, AWS says it when applying.
func (c *client) quota(ctx context.Context, have int64, d declaration) error {
	limits, err := c.DescribeLimits(ctx, &awskinesis.DescribeLimitsInput{})
	if awsconfig.IsDenied(err) {
		return nil
	}
	if err != nil {
		return c.failure("read the quotas", err)
	}
	open, limit := int64(aws.ToInt32(limits.OpenShardCount)), int64(aws.ToInt32(limits.ShardLimit))
	if more := d.Shards - have; d.mode() == api.StreamProvisioned && limit > 0 && more > 0 && open+more > limit {
		return api.Refused(api.CodeRefused, "/shards", fmt.Sprintf("The account has no room for %d more shards", more),
			fmt.Sprintf("It has %d open shards in this region, and its quota is %d.", open, limit), "Ask for fewer, or have AWS raise the quota \"shards per Region\".")
	}
	return nil
}

func (s *Service) write(ctx context.Context, c *client, ref reference, have *state, d declaration, idempotencyKey string) (*api.Stream, error) {
	name := ref.name
	var err error
	if have == nil {
		have, err = s.create(ctx, c, ref, d, idempotencyKey)
	}
	if err == nil {
		// What was declared is noted before AWS is done: it may take longer than this write.
		err = s.keep.Protect(ctx, c.connection, name, d.protected())
	}
	if err != nil {
		return nil, err
	}
	now, err := c.converge(ctx, have, d)
	switch {
	case errors.Is(err, errUnsettled):
		a := now.answer(c.connection, d.protected())
		a.Settled = false
		return a, nil
	case err != nil:
		return nil, err
	}
	return now.answer(c.connection, d.protected()), nil
}

// create notes the creation first, so that a repeat can take over a stream whose creation was never answered.
func (s *Service) create(ctx context.Context, c *client, ref reference, d declaration, idempotencyKey string) (*state, error) {
	name := ref.name
	if err := s.keep.Begin(ctx, c.connection, name, idempotencyKey); err != nil {
		return nil, err
	}
	in := &awskinesis.CreateStreamInput{StreamName: aws.String(name), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamMode(d.mode())}}
	if d.mode() == api.StreamProvisioned {
		in.ShardCount = aws.Int32(int32(d.Shards)) //#nosec G115 -- bounded
	}
	if _, err := c.CreateStream(ctx, in); err != nil {
		return nil, s.keep.Fail(ctx, c.connection, name, c.failure("create stream "+name, err))
	}
	// AWS may not show it at once.
	have, err := c.until(ctx, &state{name: name, mode: d.mode(), shards: d.Shards, hours: minHours, tags: map[string]string{}, status: types.StreamStatusCreating}, func(*state) bool { return true })
	if err != nil && !errors.Is(err, errUnsettled) {
		return nil, s.keep.Fail(ctx, c.connection, name, err)
	}
	// The first stream of an account is what tells the account.
	if err := c.isIn(ref, have.arn); err != nil {
		return nil, s.keep.Fail(ctx, c.connection, name, errors.Join(err, c.undo(ctx, have)))
	}
	return have, nil
}

// undo deletes a stream that has just been made and is another than the one that is meant.
func (c *client) undo(ctx context.Context, have *state) error {
	if _, err := c.active(ctx, have); err != nil {
		return err
	}
	return c.drop(ctx, have.name)
}

// drop deletes a stream; one that is gone already is no error.
func (c *client) drop(ctx context.Context, name string) error {
	_, err := c.DeleteStream(ctx, &awskinesis.DeleteStreamInput{StreamName: aws.String(name), EnforceConsumerDeletion: aws.Bool(false)})
	if err != nil && !isMissing(err) {
		return c.failure("delete stream "+name, err)
	}
	return nil
}

// converge makes one change after the other, each on an active stream, until there is none left to make.
func (c *client) converge(ctx context.Context, have *state, d declaration) (*state, error) {
	now, err := c.active(ctx, have)
	for err == nil {
		change := d.next(now)
		if change == nil {
			return now, nil
		}
		if asked := change.ask(ctx, c, now); asked != nil {
			if ctx.Err() != nil {
				return now, errUnsettled
			}
			return now, c.failure(change.doing+" of stream "+now.name, asked)
		}
		if now, err = c.until(ctx, now, change.done); err == nil {
			now, err = c.active(ctx, now)
		}
	}
	return now, err
}

// change is one request to AWS.
type change struct {
	doing string
	ask   func(ctx context.Context, c *client, have *state) error
	done  func(*state) bool
}

// next is the next change on the way to what is declared, or nil.
func (d declaration) next(have *state) *change {
	for _, find := range []func(*state) *change{d.nextMode, d.nextShards, d.nextRetention, d.nextEncryption, d.nextTags, d.nextUntag} {
		if found := find(have); found != nil {
			return found
		}
	}
	return nil
}

func (d declaration) nextMode(have *state) *change {
	if d.mode() == have.mode {
		return nil
	}
	return &change{"change the mode", func(ctx context.Context, c *client, have *state) error {
		_, err := c.UpdateStreamMode(ctx, &awskinesis.UpdateStreamModeInput{StreamARN: aws.String(have.arn), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamMode(d.mode())}})
		return err
	}, func(st *state) bool { return st.mode == d.mode() }}
}

func (d declaration) nextShards(have *state) *change {
	if d.mode() != api.StreamProvisioned || d.Shards == have.shards {
		return nil
	}
	way := steps(max(have.shards, 1), d.Shards)
	return &change{"change the number of shards", func(ctx context.Context, c *client, have *state) error {
		_, err := c.UpdateShardCount(ctx, &awskinesis.UpdateShardCountInput{
			StreamName: aws.String(have.name), ScalingType: types.ScalingTypeUniformScaling, TargetShardCount: aws.Int32(int32(way[0])), //#nosec G115 -- bounded
		})
		return err
	}, func(st *state) bool { return st.shards == way[0] }}
}

func (d declaration) nextRetention(have *state) *change {
	if d.hours() == have.hours {
		return nil
	}
	return &change{"change the retention", func(ctx context.Context, c *client, have *state) error {
		name, hours := aws.String(have.name), aws.Int32(int32(d.hours())) //#nosec G115 -- bounded
		if d.hours() > have.hours {
			_, err := c.IncreaseStreamRetentionPeriod(ctx, &awskinesis.IncreaseStreamRetentionPeriodInput{StreamName: name, RetentionPeriodHours: hours})
			return err
		}
		_, err := c.DecreaseStreamRetentionPeriod(ctx, &awskinesis.DecreaseStreamRetentionPeriodInput{StreamName: name, RetentionPeriodHours: hours})
		return err
	}, func(st *state) bool { return st.hours == d.hours() }}
}

func (d declaration) nextEncryption(have *state) *change {
	if d.KMSKeyID == have.key {
		return nil
	}
	return &change{"change the encryption", func(ctx context.Context, c *client, have *state) error {
		name := aws.String(have.name)
		if d.KMSKeyID == "" {
			_, err := c.StopStreamEncryption(ctx, &awskinesis.StopStreamEncryptionInput{StreamName: name, EncryptionType: types.EncryptionTypeKms, KeyId: aws.String(have.key)})
			return err
		}
		_, err := c.StartStreamEncryption(ctx, &awskinesis.StartStreamEncryptionInput{StreamName: name, EncryptionType: types.EncryptionTypeKms, KeyId: aws.String(d.KMSKeyID)})
		return err
	}, func(st *state) bool { return st.key == d.KMSKeyID }}
}

func (d declaration) nextTags(have *state) *change {
	missing := map[string]string{}
	for key, value := range d.Tags {
		if now, ok := have.tags[key]; !ok || now != value {
			missing[key] = value
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &change{"set the tags", func(ctx context.Context, c *client, have *state) error {
		_, err := c.AddTagsToStream(ctx, &awskinesis.AddTagsToStreamInput{StreamName: aws.String(have.name), Tags: missing})
		return err
	}, func(st *state) bool { return (declaration{api.StreamWrite{Tags: missing}}).nextTags(st) == nil }}
}

func (d declaration) nextUntag(have *state) *change {
	var left []string
	for _, key := range d.Untag {
		_, there := have.tags[key]
		_, declared := d.Tags[key]
		if there && !declared {
			left = append(left, key)
		}
	}
	if len(left) == 0 {
		return nil
	}
	return &change{"take away tags", func(ctx context.Context, c *client, have *state) error {
		_, err := c.RemoveTagsFromStream(ctx, &awskinesis.RemoveTagsFromStreamInput{StreamName: aws.String(have.name), TagKeys: left})
		return err
	}, func(st *state) bool { return (declaration{api.StreamWrite{Untag: left}}).nextUntag(st) == nil }}
}

func (c *client) active(ctx context.Context, have *state) (*state, error) {
	if have.status == types.StreamStatusActive {
		return have, nil
	}
	return c.until(ctx, have, func(st *state) bool { return st.status == types.StreamStatusActive })
}

// until looks at a stream until it is so. When the time is over it answers what was seen last, and errUnsettled.
func (c *client) until(ctx context.Context, last *state, so func(*state) bool) (*state, error) {
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		now, err := c.read(ctx, last.name)
		switch {
		case err != nil && ctx.Err() != nil:
			return last, errUnsettled
		case err != nil:
			return last, err
		case now == nil && last.status != types.StreamStatusCreating:
			return last, api.Refused(api.CodeConflict, "/name", fmt.Sprintf("Stream %q was deleted meanwhile", last.name), "Somebody else deleted it while it was being changed.", "Plan again.")
		case now != nil:
			last = now
			if so(now) {
				return now, nil
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return last, errUnsettled
		case <-timer.C:
		}
	}
}

// Delete deletes a stream and its records, unless it is protected. A dry run answers what would go with it.
func (s *Service) Delete(ctx context.Context, connection, nameOrARN string, opts api.WriteOptions) (*api.Deletion, error) {
	c, ref, err := s.open(ctx, connection, nameOrARN)
	if err != nil {
		return nil, err
	}
	name := ref.name
	done, err := s.keep.Turn(ctx, connection, name, opts)
	if err != nil {
		return nil, err
	}
	defer done()
	have, err := c.look(ctx, ref)
	if err != nil {
		return nil, err
	}
	if have == nil {
		return nil, errors.Join(api.NotFound("Stream", name), s.keep.Forget(ctx, connection, name))
	}
	protected, err := s.keep.Protected(ctx, connection, name)
	if err != nil {
		return nil, err
	}
	if opts.Generation != "" && opts.Generation != have.generation(protected) {
		return nil, api.Conflict("Stream", name)
	}
	effects := have.effects()
	if protected {
		return nil, s.keep.Refusal(name, effects)
	}
	if have.consumers > 0 {
		return nil, c.inUse(ctx, have)
	}
	if opts.DryRun {
		return &api.Deletion{Effects: effects}, nil
	}
	if err := c.drop(ctx, name); err != nil {
		return nil, err
	}
	return &api.Deletion{Effects: effects}, s.keep.Forget(ctx, connection, name)
}

func (st *state) effects() []api.Warning {
	return []api.Warning{{
		Summary: fmt.Sprintf("Its records of the last %s go with it, from %d open shard(s)", spec.Duration(fmt.Sprintf("%dh", st.hours)), st.shards),
		Detail:  fmt.Sprintf("%s was created on %s. AWS does not tell how many records it holds, and cannot bring them back.", st.arn, st.created.UTC().Format(time.DateTime)),
	}}
}

// inUse names the registered consumers: AWS takes the stream from under them only when told to.
func (c *client) inUse(ctx context.Context, have *state) error {
	var names []string
	out, err := c.ListStreamConsumers(ctx, &awskinesis.ListStreamConsumersInput{StreamARN: aws.String(have.arn)})
	if err == nil {
		for _, consumer := range out.Consumers {
			names = append(names, aws.ToString(consumer.ConsumerName))
		}
	}
	return api.Refused(api.CodeInUse, "", fmt.Sprintf("Stream %q has %d registered consumer(s)", have.name, have.consumers),
		"With enhanced fan-out read: "+strings.Join(names, ", ")+".", "Deregister them first: aws kinesis deregister-stream-consumer --stream-arn "+have.arn+" --consumer-name NAME")
}
