package group

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/declared"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	// resetTimeout bounds a reset once it has begun; from then on it does not end with its request.
	resetTimeout = time.Minute
	// remembered is how many resets are remembered, so that the repeat of a request does not shift twice.
	remembered = 1000
)

// repeatable is a reset that was done.
type repeatable struct {
	key   string
	moves *api.OffsetMoves
}

// Reset moves the committed offsets of a group, which nobody may be in. A group that does not exist comes into being.
func (s *Service) Reset(ctx context.Context, connection, group string, body api.OffsetReset, opts api.WriteOptions, idempotencyKey string) (*api.OffsetMoves, error) {
	if err := check(body); err != nil {
		return nil, err
	}
	c, err := s.admins.Cluster(ctx, s.conns, connection)
	if err != nil {
		return nil, err
	}
	if opts.DryRun {
		return patiently(ctx, func() (*api.OffsetMoves, error) { return s.moves(ctx, c, group, body) })
	}
	unlock, err := s.writing.Lock(ctx, connection+"/"+group)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if done := s.before(idempotencyKey); done != nil {
		return done, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resetTimeout)
	defer cancel()
	moves, err := patiently(ctx, func() (*api.OffsetMoves, error) { return s.moves(ctx, c, group, body) })
	if err != nil {
		return nil, err
	}
	if err := commit(ctx, c, moves); err != nil {
		return nil, err
	}
	s.remember(idempotencyKey, moves)
	return moves, nil
}

func (s *Service) before(key string) *api.OffsetMoves {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.done {
		if key != "" && one.key == key {
			return one.moves
		}
	}
	return nil
}

func (s *Service) remember(key string, moves *api.OffsetMoves) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, repeatable{key, moves})
	s.done = s.done[max(0, len(s.done)-remembered):]
}

func check(body api.OffsetReset) error {
	unknown := func(pointer string) bool {
		return slices.ContainsFunc(body.Unknown, func(one string) bool { return one == pointer || strings.HasPrefix(one, pointer+"/") })
	}
	ways := 0
	for _, set := range []bool{body.To != "" || unknown("/to"), body.Shift != nil || unknown("/shift"), len(body.Offsets) > 0 || unknown("/offsets")} {
		if set {
			ways++
		}
	}
	explicit := len(body.Offsets) > 0 || unknown("/offsets")
	switch {
	case ways != 1:
		return api.Invalid("/to", "Where the group goes on is not clear", "", "Set exactly one of to, shift and offsets.")
	case explicit && len(body.Topics) > 0:
		return api.Invalid("/topics", "The topics are named twice", "offsets names its topics itself.", "Leave topics out.")
	case !explicit && len(body.Topics) == 0 && !unknown("/topics"):
		return api.Invalid("/topics", "No topic is named", "", "Set topics to those whose offsets are to move.")
	case body.To != "" && body.To != api.ToEarliest && body.To != api.ToLatest:
		if _, err := time.Parse(time.RFC3339, body.To); err != nil {
			return api.Invalid("/to", fmt.Sprintf("%q is neither earliest, latest nor a time", body.To), "", "Write a time with its zone, such as 2026-11-21T08:00:00Z.")
		}
	}
	return nil
}

// moves works out what a reset does.
func (s *Service) moves(ctx context.Context, c *kafka.Cluster, group string, body api.OffsetReset) (*api.OffsetMoves, error) {
	if group == "" {
		return nil, api.Invalid("/group", "A group needs a name", "", "Set group.")
	}
	if err := empty(ctx, c, group); err != nil {
		return nil, err
	}
	m := &api.OffsetMoves{Group: group, Moves: []api.OffsetMove{}, At: time.Now().UTC()}
	if len(body.Unknown) > 0 {
		return m, nil
	}
	topics := body.Topics
	if len(body.Offsets) > 0 {
		topics = slices.Sorted(maps.Keys(body.Offsets))
	}
	if err := exist(ctx, c, body, topics); err != nil {
		return nil, err
	}
	known, err := look(ctx, c, topics)
	if err == nil {
		err = cmp.Or(known.starts.Error(), known.ends.Error())
	}
	if err != nil {
		return nil, failure(c, "read the offsets of the topics", err)
	}
	committed, err := c.Admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, failure(c, "read the offsets of consumer group "+group, err)
	}
	if m.Moves, err = work(ctx, c, body, known, committed); err != nil {
		return nil, err
	}
	slices.SortFunc(m.Moves, func(a, b api.OffsetMove) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return m, nil
}

// empty refuses a group that someone is in: its members would commit over the new offsets.
func empty(ctx context.Context, c *kafka.Cluster, group string) error {
	found, err := describe(ctx, c, []string{group})
	if err != nil || len(found) == 0 || len(found[0].Members) == 0 {
		return err
	}
	names := make([]string, 0, len(found[0].Members))
	for _, m := range found[0].Members {
		names = append(names, member(m))
	}
	return active(group, "Members: "+strings.Join(names, ", ")+".")
}

func active(group, detail string) error {
	return api.Refused(api.CodeInUse, "/group", fmt.Sprintf("Consumer group %q is being used", group), detail+" They would go on where they are, and commit over the new offsets.",
		"Stop them, wait until the group is empty (session.timeout.ms after a crash), and repeat.")
}

// exist says which topics are not there.
func exist(ctx context.Context, c *kafka.Cluster, body api.OffsetReset, topics []string) error {
	meta, err := c.Admin.Metadata(kafka.Fresh(ctx), topics...)
	if err != nil {
		return failure(c, "look for the topics", err)
	}
	var missing []*api.Error
	for i, topic := range topics {
		detail, ok := meta.Topics[topic]
		switch {
		case ok && detail.Err == nil:
		case !ok || errors.Is(detail.Err, kerr.UnknownTopicOrPartition) || errors.Is(detail.Err, kerr.InvalidTopicException):
			e := api.NotFound("Topic", topic)
			e.Attribute = spec.Join("/topics", strconv.Itoa(i))
			if len(body.Offsets) > 0 {
				e.Attribute = spec.Join("/offsets", topic)
			}
			missing = append(missing, e)
		default:
			return failure(c, "look for topic "+topic, detail.Err)
		}
	}
	return declared.Join(missing)
}

// work finds the new offset of each partition.
func work(ctx context.Context, c *kafka.Cluster, body api.OffsetReset, known *ends, committed kadm.OffsetResponses) ([]api.OffsetMove, error) {
	if len(body.Offsets) > 0 {
		return explicit(body, known, committed)
	}
	at := known.starts
	switch {
	case body.To == api.ToLatest:
		at = known.ends
	case body.To != "" && body.To != api.ToEarliest:
		when, err := time.Parse(time.RFC3339, body.To)
		if err != nil {
			return nil, check(body)
		}
		// Where there is no such record, this answers the end.
		if at, err = c.Admin.ListOffsetsAfterMilli(ctx, when.UnixMilli(), body.Topics...); err == nil {
			err = at.Error()
		}
		if err != nil {
			return nil, failure(c, "find the records of "+body.To, err)
		}
	}
	var moves []api.OffsetMove
	at.Each(func(o kadm.ListedOffset) {
		move := api.OffsetMove{Topic: o.Topic, Partition: int64(o.Partition), From: from(committed, o.Topic, o.Partition), To: o.Offset}
		if body.Shift == nil {
			moves = append(moves, move)
			return
		}
		// What was never committed cannot be shifted.
		if move.From != nil {
			start, _ := known.starts.Lookup(o.Topic, o.Partition)
			end, _ := known.ends.Lookup(o.Topic, o.Partition)
			wanted := *move.From + *body.Shift
			move.To = min(max(wanted, start.Offset), end.Offset)
			move.Clamped = move.To != wanted
			moves = append(moves, move)
		}
	})
	if body.Shift != nil && len(moves) == 0 {
		return nil, api.Refused(api.CodeRefused, "/shift", "There is nothing to shift", "The group has committed no offset of these topics.", "Use to = \"earliest\", \"latest\" or a time.")
	}
	return moves, nil
}

func from(committed kadm.OffsetResponses, topic string, id int32) *int64 {
	if o, ok := committed.Lookup(topic, id); ok && o.Err == nil && o.At >= 0 {
		return new(o.At)
	}
	return nil
}

func explicit(body api.OffsetReset, known *ends, committed kadm.OffsetResponses) ([]api.OffsetMove, error) {
	var (
		moves []api.OffsetMove
		wrong []*api.Error
	)
	for _, topic := range slices.Sorted(maps.Keys(body.Offsets)) {
		for _, text := range slices.Sorted(maps.Keys(body.Offsets[topic])) {
			wanted, pointer := body.Offsets[topic][text], spec.Join("/offsets", topic, text)
			id, err := strconv.ParseInt(text, 10, 32)
			start, ok := known.starts.Lookup(topic, int32(id))
			end, _ := known.ends.Lookup(topic, int32(id))
			switch {
			case err != nil || !ok:
				wrong = append(wrong, api.Refused(api.CodeRefused, pointer, fmt.Sprintf("Topic %q has no partition %s", topic, text), fmt.Sprintf("It has the partitions 0 to %d.", len(known.starts[topic])-1), "Name one of them."))
			case wanted < start.Offset || wanted > end.Offset:
				wrong = append(wrong, api.Refused(api.CodeRefused, pointer, fmt.Sprintf("Partition %s of topic %q has no offset %d", text, topic, wanted),
					fmt.Sprintf("It holds the offsets from %d; the next record gets %d.", start.Offset, end.Offset), "Choose an offset between the two."))
			default:
				moves = append(moves, api.OffsetMove{Topic: topic, Partition: id, From: from(committed, topic, int32(id)), To: wanted})
			}
		}
	}
	return moves, declared.Join(wrong)
}

func commit(ctx context.Context, c *kafka.Cluster, m *api.OffsetMoves) error {
	var all kadm.Offsets
	for _, move := range m.Moves {
		all.Add(kadm.Offset{Topic: move.Topic, Partition: int32(move.Partition), At: move.To, LeaderEpoch: -1}) // #nosec G115 -- Kafka counts partitions in 32 bits
	}
	doing := "move the offsets of consumer group " + m.Group
	answers, err := c.Admin.CommitOffsets(kafka.Fresh(ctx), m.Group, all)
	if err == nil {
		err = answers.Error()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.RebalanceInProgress), errors.Is(err, kerr.StaleMemberEpoch), errors.Is(err, kerr.IllegalGeneration):
		return active(m.Group, "Someone has joined it in the meantime.")
	}
	return failure(c, doing, err)
}
