package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// overridable turns the refusal of an incompatible schema into a warning where an override is declared.
func (w *write) overridable(err error) error {
	var e *api.Error
	if w.OnIncompatible != api.IncompatibleOverride || !errors.As(err, &e) || e.Code != api.CodeIncompatible {
		return err
	}
	w.overridden = []api.Warning{{
		Summary:   e.Summary + ", and is registered all the same",
		Detail:    e.Detail + "\n" + `This is overridden by on_incompatible = "override": the subject's compatibility is NONE for the moment of registering, and then what it was. Consumers that read with the other schema may fail on what is written from then on.`,
		Attribute: "/on_incompatible",
	}}
	return nil
}

// override registers a schema that the compatibility mode forbids: the mode is lowered to NONE, and restored. What is to
// be restored is noted before, so that a daemon that dies in between restores it when it is back.
func (w *write) override(ctx context.Context) (string, error) {
	note := store.SchemaOverride{Connection: w.r.name, Subject: w.subject, Compatibility: cmp.Or(w.Compatibility, w.settled().declared())}
	if err := w.store.PutSchemaOverride(ctx, note); err != nil {
		return "", err
	}
	err := w.setCompatibility(ctx, w.compatibility(), modeNone)
	var id string
	if err == nil {
		id, err = w.register(ctx, false)
	}
	ctx, cancel := undoing(ctx)
	defer cancel()
	// What the registry answers is not asked: one of several nodes may not have seen yet that the mode was lowered.
	if left := w.putBack(ctx, w.r, note); left != nil {
		w.r.log.WarnContext(ctx, "a compatibility mode is not restored yet", "connection", w.r.name, "subject", w.subject, "error", left)
		w.notes = append(w.notes, api.Warning{
			Summary: fmt.Sprintf("The compatibility of subject %q is still NONE", w.subject), Attribute: "/compatibility",
			Detail: fmt.Sprintf("Restoring it failed: %v. Headgate goes on trying.", left),
		})
		w.wake()
	}
	return id, err
}

// putBack restores the mode that an override lowered, and forgets the note.
func (s *Service) putBack(ctx context.Context, r *opened, note store.SchemaOverride) error {
	if err := r.SetCompatibility(ctx, note.Subject, note.Compatibility); err != nil && !is(err, Absent) {
		return r.refused(fmt.Sprintf("restore the compatibility of subject %q", note.Subject), err)
	}
	return s.store.ForgetSchemaOverride(ctx, note.Connection, note.Subject)
}

// restoreNoted does the same some time after the override, unless someone set another mode since.
func (s *Service) restoreNoted(ctx context.Context, r *opened, note store.SchemaOverride) error {
	changed, err := r.changedSince(ctx, note)
	if err != nil {
		return err
	}
	if changed {
		return s.store.ForgetSchemaOverride(ctx, note.Connection, note.Subject)
	}
	return s.putBack(ctx, r, note)
}

const (
	// settleTime is for how long a registry has to answer that a mode was changed: where several registries serve one URL,
	// each follows its leader at its own pace, and answers for a while what was before the override.
	settleTime  = 3 * time.Second
	settlePause = 100 * time.Millisecond
)

// changedSince says whether the subject has, and keeps on having, another mode than an override gives it.
func (r *opened) changedSince(ctx context.Context, note store.SchemaOverride) (bool, error) {
	for begin := time.Now(); ; {
		own, err := r.own(ctx, note.Subject)
		if err != nil {
			return false, err
		}
		if own.Compatibility == modeNone || own.Compatibility == note.Compatibility {
			return false, nil
		}
		if time.Since(begin) >= settleTime {
			return true, nil
		}
		if err := sleep(ctx, settlePause); err != nil {
			return false, r.failure(fmt.Sprintf("read the compatibility of subject %q", note.Subject), err)
		}
	}
}

// usersOf says that a connection is needed until the modes that were lowered through it are restored.
func (s *Service) usersOf(ctx context.Context, connection string) ([]string, error) {
	notes, err := s.store.SchemaOverrides(ctx)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, note := range notes {
		if note.Connection == connection {
			users = append(users, fmt.Sprintf("an override of subject %q, whose compatibility is still to be restored", note.Subject))
		}
	}
	return users, nil
}

// restoreLeft restores what an earlier override of the subject left lowered. The subject is locked.
func (s *Service) restoreLeft(ctx context.Context, r *opened, subject string) error {
	notes, err := s.store.SchemaOverrides(ctx)
	if err != nil {
		return err
	}
	for _, note := range notes {
		if note.Connection == r.name && note.Subject == subject {
			return s.restoreNoted(ctx, r, note)
		}
	}
	return nil
}

// restorePause is how long to wait before a mode that could not be restored is tried again.
const restorePause = 15 * time.Second

// Start restores, in the background, the compatibility modes that a daemon which died had lowered.
func (s *Service) Start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.running.Go(func() { s.keepRestoring(ctx) })
}

// Close ends what Start began, and lets go of the registries.
func (s *Service) Close() {
	if s.stop != nil {
		s.stop()
	}
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.open {
		s.forget(name)
	}
}

// wake has the background try soon.
func (s *Service) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// keepRestoring tries until nothing is left, and again when something is.
func (s *Service) keepRestoring(ctx context.Context) {
	for ctx.Err() == nil {
		var again <-chan time.Time
		if left := s.restoreAll(ctx); left > 0 {
			again = time.After(restorePause)
		}
		select {
		case <-again:
		case <-s.woken:
		case <-ctx.Done():
		}
	}
}

// restoreAll answers how many could not be restored.
func (s *Service) restoreAll(ctx context.Context) int {
	notes, err := s.store.SchemaOverrides(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "cannot look for compatibility modes to restore", "error", err)
		return 1
	}
	left := 0
	for _, note := range notes {
		if err := s.restore(ctx, note); err != nil {
			left++
			s.log.WarnContext(ctx, "cannot restore a compatibility mode", "connection", note.Connection, "subject", note.Subject, "error", err)
		}
	}
	return left
}

func (s *Service) restore(ctx context.Context, note store.SchemaOverride) error {
	unlock, err := s.writing.Lock(ctx, creation(note.Connection, note.Subject))
	if err != nil {
		return err
	}
	defer unlock()
	r, err := s.registry(ctx, note.Connection)
	if api.HasCode(err, api.CodeNotFound) {
		return s.store.ForgetSchemaOverride(ctx, note.Connection, note.Subject)
	}
	if err != nil {
		return err
	}
	return s.restoreLeft(ctx, r, note.Subject)
}
