package topic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Delete deletes a topic and its records, unless it is protected. A dry run answers what would go with it.
func (s *Service) Delete(ctx context.Context, connection, name string, opts api.WriteOptions) (*api.Deletion, error) {
	if isInternal(name) {
		return nil, checkName(name)
	}
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	st, err := s.readOrForget(ctx, c, name)
	if err != nil {
		return nil, err
	}
	row, err := s.row(ctx, connection, name)
	if err != nil {
		return nil, err
	}
	if opts.Generation != "" && opts.Generation != answer(st, row).Generation {
		return nil, api.Conflict("Topic", name)
	}
	deletion, err := s.effects(ctx, c, st)
	if err != nil {
		return nil, err
	}
	if row.DeletionProtection {
		return nil, protected(name, deletion.Effects)
	}
	if opts.DryRun {
		return deletion, nil
	}
	if err := s.remove(ctx, c, st, opts, deletion.Effects); err != nil {
		return nil, err
	}
	return deletion, nil
}

func protected(name string, effects []api.Warning) error {
	lost := make([]string, 0, len(effects))
	for _, e := range effects {
		lost = append(lost, e.Summary+".")
	}
	return api.Refused(api.CodeProtected, "/deletion_protection", fmt.Sprintf("Topic %q is protected from deletion", name),
		strings.Join(lost, " "), "Set deletion_protection = false and apply; then destroy it.")
}

// remove deletes the topic that was looked at, and no other of the same name that took its place. The looking took its time:
// a write that was faster counts.
func (s *Service) remove(ctx context.Context, c *cluster, st *state, opts api.WriteOptions, effects []api.Warning) error {
	unlock, err := s.writing.Lock(ctx, creation(c.name, st.name))
	if err != nil {
		return err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()

	now, err := c.read(ctx, st.name)
	if err != nil {
		return err
	}
	if now != nil && now.id != st.id {
		return api.Conflict("Topic", st.name)
	}
	if now != nil {
		if err := s.removable(ctx, now, opts, effects); err != nil {
			return err
		}
	}
	defer s.snapshots.written(c.name, st.name)
	if now != nil {
		if err := c.remove(ctx, st); err != nil {
			return err
		}
		s.snapshots.answers(c.name)
		s.settle(ctx, st)
	}
	// The row goes last: without it a topic that is still there counts as protected, and the delete could not be repeated.
	return s.store.ForgetTopic(ctx, c.name, st.name)
}

// removable is called with the lock of the topic held.
func (s *Service) removable(ctx context.Context, now *state, opts api.WriteOptions, effects []api.Warning) error {
	row, err := s.row(ctx, now.connection, now.name)
	switch {
	case err != nil:
		return err
	case opts.Generation != "" && opts.Generation != answer(now, row).Generation:
		return api.Conflict("Topic", now.name)
	case row.DeletionProtection:
		return protected(now.name, effects)
	}
	return nil
}

// settle gives what throttled the copying of the topic's replicas a moment to go too.
func (s *Service) settle(ctx context.Context, st *state) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s.reassigns.Settle(ctx, st.connection, st.name)
}

// remove deletes a topic and waits until the brokers no longer show it.
func (c *cluster) remove(ctx context.Context, st *state) error {
	doing := "delete topic " + st.name
	answer, err := c.removes.Ask(ctx, removal{st.name, st.id})
	if err != nil {
		answer.err = err
	}
	// Gone already is as good: the client may have had to repeat the request.
	if answer.err != nil && !errors.Is(answer.err, kerr.UnknownTopicOrPartition) && !errors.Is(answer.err, kerr.UnknownTopicID) {
		return c.refused(doing, answer.err, answer.message, nil)
	}
	if err := c.gone(ctx, st); err != nil {
		return c.failure("see that topic "+st.name+" is gone", err)
	}
	return nil
}

func (c *cluster) gone(ctx context.Context, st *state) error {
	_, err := c.placed(ctx, st.name, func(now *state) bool { return now == nil || now.id != st.id })
	return err
}
