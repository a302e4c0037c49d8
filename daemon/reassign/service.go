package reassign

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/keylock"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// A running reassignment is looked at more and more rarely.
	lookFirst = 100 * time.Millisecond
	lookLast  = 2 * time.Second

	// retryLast is the longest time between two tries after a failure.
	retryLast = 30 * time.Second

	// stepTimeout bounds one look and the cleaning up after it.
	stepTimeout = 90 * time.Second

	// showTimeout bounds the wait until all brokers tell of the new replicas.
	showTimeout = 15 * time.Second
)

// Change is what is to be done to a topic.
type Change struct {
	// Factor is the wanted number of replicas.
	Factor int
	// Throttle is how many bytes per second a broker copies at most; 0: as fast as it can.
	Throttle int64
	// After are configs to be set once all replicas are there.
	After map[string]string
}

// Service begins reassignments and follows them to their ends. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	conns  *connection.Service
	admins *kafka.Admins
	log    *slog.Logger
	// writing holds, for a connection, who begins, ends or cleans up: reassignments share the rates of the brokers.
	writing *keylock.Locks

	ctx    context.Context // of the watches; ends with the service
	cancel context.CancelFunc
	ending sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	watches map[id]*watch
	settled []func(connection, topic string)
}

type id struct{ connection, topic string }

// watch follows one reassignment.
type watch struct {
	note    store.Reassignment // guarded by the service's mu
	problem string             // guarded by the service's mu
	wake    chan struct{}
	// over is closed when nothing moves any more and, as far as the brokers can be reached, nothing is left behind. It is
	// another one once more is to be moved; guarded by the service's mu.
	over chan struct{}
}

func (w *watch) isOver() bool {
	select {
	case <-w.over:
		return true
	default:
		return false
	}
}

// New makes the service. The administrative clients stay the caller's to close, after [Service.Close].
func New(st *store.Store, conns *connection.Service, admins *kafka.Admins, log *slog.Logger) *Service {
	s := &Service{store: st, conns: conns, admins: admins, log: log, writing: keylock.New(), watches: map[id]*watch{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	conns.AddUsers(s.usersOf)
	return s
}

// Start follows what an earlier run of the daemon began.
func (s *Service) Start(ctx context.Context) error {
	notes, err := s.store.Reassignments(ctx)
	if err != nil {
		return err
	}
	for _, note := range notes {
		s.follow(note)
	}
	return nil
}

// Close ends the following. The brokers go on; the next run of the daemon takes the notes up.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.ending.Wait()
}

// usersOf tells what moves through a connection: without it nobody would take the throttle away. What cannot be followed,
// as on a cluster that is gone for good, keeps no connection.
func (s *Service) usersOf(_ context.Context, connection string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var users []string
	for at, w := range s.watches {
		if at.connection == connection && !w.isOver() && w.problem == "" {
			users = append(users, fmt.Sprintf("the reassignment of topic %q (wait until it is over, or cancel it)", at.topic))
		}
	}
	slices.Sort(users)
	return users, nil
}

// OnSettled registers someone who wants to know that a topic's replicas are where they stay. It must not block.
func (s *Service) OnSettled(f func(connection, topic string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = append(s.settled, f)
}

// Check says why a topic cannot get the wanted number of replicas now, and changes nothing.
func (s *Service) Check(ctx context.Context, connection, topic string, factor int) error {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return err
	}
	_, _, err = s.plan(ctx, c, id{connection, topic}, factor)
	return err
}

// Begin has the brokers move replicas, and follows them. It does not wait for them.
func (s *Service) Begin(ctx context.Context, connection, topic string, change Change) error {
	unlock, err := s.writing.Lock(ctx, connection)
	if err != nil {
		return err
	}
	defer unlock()
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return err
	}
	at := id{connection, topic}
	moves, now, err := s.plan(ctx, c, at, change.Factor)
	if err != nil {
		return err
	}
	note := s.noteOf(at, now, moves, change)
	if len(moves) == 0 && len(note.Partitions) == 0 {
		return nil
	}
	if err := s.throttleFor(ctx, c, &note, now, moves); err != nil {
		return failure(connection, "throttle the copying of topic "+topic, err)
	}
	// The note comes first: a daemon that dies from here on cleans up when it is back.
	if err := s.store.PutReassignment(ctx, note); err != nil {
		return err
	}
	err = c.throttle(ctx, note, s.rate(note))
	if err == nil {
		err = c.move(ctx, topic, moves)
	}
	if err != nil && len(moves) > 0 {
		note.Cancelled = true
		err = errors.Join(err, s.store.PutReassignment(context.WithoutCancel(ctx), note))
	}
	s.follow(note)
	return err
}

// Throttle changes how fast replicas are copied that move already, or does nothing.
func (s *Service) Throttle(ctx context.Context, connection, topic string, rate int64) error {
	at := id{connection, topic}
	if _, otherwise := s.throttledOtherwise(at, rate); !otherwise {
		return nil
	}
	unlock, err := s.writing.Lock(ctx, connection)
	if err != nil {
		return err
	}
	defer unlock()
	note, otherwise := s.throttledOtherwise(at, rate)
	if !otherwise { // any more
		return nil
	}
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return err
	}
	now, err := c.topic(ctx, topic)
	if err != nil {
		return failure(connection, "read the reassignment of topic "+topic, err)
	}
	if now == nil || len(now.moving) == 0 {
		return nil
	}
	note.Throttle = rate
	if err := s.throttleFor(ctx, c, &note, now, now.moves()); err != nil {
		return failure(connection, "throttle the copying of topic "+topic, err)
	}
	if err := s.store.PutReassignment(ctx, note); err != nil {
		return err
	}
	err = c.throttle(ctx, note, s.rate(note))
	s.follow(note)
	return err
}

// throttledOtherwise answers the note of a topic whose replicas move at another rate than this.
func (s *Service) throttledOtherwise(at id, rate int64) (store.Reassignment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watches[at]
	if w == nil || w.note.Throttle == rate || w.note.Cancelled {
		return store.Reassignment{}, false
	}
	return w.note, true
}

// Get tells how far the reassignment of a topic is.
func (s *Service) Get(ctx context.Context, connection, topic string) (*api.Reassignment, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	now, err := c.topic(ctx, topic)
	if err != nil {
		return nil, failure(connection, "read the reassignment of topic "+topic, err)
	}
	if now == nil {
		return nil, api.NotFound("Topic", topic)
	}
	at := id{connection, topic}
	answer := s.Noted(connection, topic)
	if answer == nil {
		answer = &api.Reassignment{InProgress: len(now.moving) > 0, PartitionsTotal: len(now.moving)}
	}
	answer.PartitionsLeft = len(now.moving)
	if left, err := c.left(ctx, now); err == nil {
		answer.BytesLeft = &left
	} else {
		s.log.DebugContext(ctx, "bytes of a reassignment are not known", slog.String("topic", at.topic), slog.Any("error", err))
	}
	return answer, nil
}

// Wait is Get once nothing moves, or the context ends.
func (s *Service) Wait(ctx context.Context, connection, topic string) (*api.Reassignment, error) {
	for {
		answer, err := s.Get(context.WithoutCancel(ctx), connection, topic)
		if err != nil || !answer.InProgress || ctx.Err() != nil {
			return answer, err
		}
		over := s.over(id{connection, topic})
		timer := time.NewTimer(lookLast)
		select {
		case <-over:
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Noted answers what Headgate itself has under way for a topic, without asking the cluster; nil: nothing.
func (s *Service) Noted(connection, topic string) *api.Reassignment {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watches[id{connection, topic}]
	if w == nil {
		return nil
	}
	began := w.note.StartedAt
	answer := &api.Reassignment{
		InProgress: true, ReplicationFactor: int64(w.note.Factor), StartedAt: &began, Problem: w.problem,
		PartitionsTotal: len(w.note.Partitions), PartitionsLeft: len(w.note.Partitions), Throttle: throttleText(w.note.Throttle),
	}
	if w.isOver() {
		answer.InProgress, answer.PartitionsLeft = false, 0
	}
	return answer
}

// Cancel has partitions whose replicas still move keep those that they had. A dry run answers which.
func (s *Service) Cancel(ctx context.Context, connection, topic string, dryRun bool) (*api.Deletion, error) {
	unlock, err := s.writing.Lock(ctx, connection)
	if err != nil {
		return nil, err
	}
	over := s.over(id{connection, topic})
	effects, err := s.cancelLocked(ctx, id{connection, topic}, dryRun)
	unlock()
	if err != nil || dryRun || over == nil {
		return effects, err
	}
	select {
	case <-over:
	case <-ctx.Done():
	}
	return effects, nil
}

func (s *Service) cancelLocked(ctx context.Context, at id, dryRun bool) (*api.Deletion, error) {
	c, err := s.cluster(ctx, at.connection)
	if err != nil {
		return nil, err
	}
	now, err := c.topic(ctx, at.topic)
	if err != nil {
		return nil, failure(at.connection, "read the reassignment of topic "+at.topic, err)
	}
	w := s.watch(at)
	if now == nil {
		return nil, api.NotFound("Topic", at.topic)
	}
	if len(now.moving) == 0 && w == nil {
		e := api.NotFound("Reassignment of topic", at.topic)
		e.Summary = fmt.Sprintf("No reassignment of topic %q is known", at.topic)
		e.Detail = "Its replicas are not being moved, so there is nothing to take back."
		return nil, e
	}
	deletion := &api.Deletion{Effects: s.cancelled(w, now)}
	if dryRun {
		return deletion, nil
	}
	if w != nil {
		s.mu.Lock()
		w.note.Cancelled = true
		note := w.note
		s.mu.Unlock()
		if err := s.store.PutReassignment(ctx, note); err != nil {
			return nil, err
		}
		defer w.poke()
	}
	return deletion, c.stop(ctx, now)
}

func (s *Service) cancelled(w *watch, now *standing) []api.Warning {
	effects := []api.Warning{{Summary: fmt.Sprintf("%d partitions keep the replicas that they had", len(now.moving))}}
	if w == nil {
		return effects
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if done := len(w.note.Partitions) - len(now.moving); done > 0 {
		effects = append(effects, api.Warning{Summary: fmt.Sprintf("%d partitions have their new replicas already and keep those", done)})
	}
	return effects
}

// Settle looks at the reassignment of a topic at once, and waits until nothing of it is left: the topic was deleted.
func (s *Service) Settle(ctx context.Context, connection, topic string) {
	w := s.watch(id{connection, topic})
	if w == nil {
		return
	}
	over := s.over(id{connection, topic})
	w.poke()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// plan reads where a topic is and works out where it goes.
func (s *Service) plan(ctx context.Context, c *cluster, at id, factor int) ([]Move, *standing, error) {
	now, brokers, err := c.survey(ctx, at.topic)
	if err != nil {
		return nil, nil, failure(at.connection, "read where the replicas of topic "+at.topic+" are", err)
	}
	if now == nil {
		return nil, nil, api.NotFound("Topic", at.topic)
	}
	if len(now.moving) > 0 && s.watch(at) == nil {
		return nil, nil, api.Refused(api.CodeRefused, "/replication_factor", fmt.Sprintf("The replicas of topic %q are being moved already", at.topic),
			"Someone began a reassignment outside of Headgate, and it is not done.",
			"Wait until it is done (kafka-reassign-partitions --list shows it), and repeat.")
	}
	if factor > len(brokers) {
		return nil, nil, api.Invalid("/replication_factor", fmt.Sprintf("Topic %q cannot have %d replicas: %s", at.topic, factor, up(len(brokers))),
			"Each replica of a partition needs a broker of its own.", fmt.Sprintf("Set replication_factor to %d or less, or start more brokers.", len(brokers)))
	}
	moves, err := Plan(brokers, now.partitions, factor)
	if err != nil {
		return nil, nil, api.Invalid("/replication_factor", "The replication factor is not possible", err.Error()+".", "Set another replication_factor.")
	}
	return moves, now, nil
}

// noteOf makes the note of a change, on top of that of a reassignment that is still under way.
func (s *Service) noteOf(at id, now *standing, moves []Move, change Change) store.Reassignment {
	note := store.Reassignment{StartedAt: time.Now().UTC()}
	s.mu.Lock()
	if w := s.watches[at]; w != nil {
		note = w.note
	}
	s.mu.Unlock()
	note.Connection, note.Topic, note.TopicID = at.connection, at.topic, now.id.String()
	note.Factor, note.Throttle, note.After, note.Cancelled = change.Factor, change.Throttle, change.After, false
	note.Partitions = slices.Clone(note.Partitions)
	for _, m := range moves {
		if !slices.Contains(note.Partitions, m.Partition) {
			note.Partitions = append(note.Partitions, m.Partition)
		}
	}
	return note
}

func (s *Service) watch(at id) *watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watches[at]
}

// over answers what is closed when nothing of a topic moves any more; nil, which blocks, when Headgate moves nothing.
func (s *Service) over(at id) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.watches[at]; w != nil {
		return w.over
	}
	return nil
}

// end tells those who wait that nothing moves any more.
func (s *Service) end(w *watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !w.isOver() {
		close(w.over)
	}
}

// others are the notes of the other topics of a connection.
func (s *Service) others(note store.Reassignment) []store.Reassignment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var notes []store.Reassignment
	for at, w := range s.watches {
		if at.connection == note.Connection && at.topic != note.Topic {
			notes = append(notes, w.note)
		}
	}
	return notes
}

// follow watches a reassignment, unless it is watched already.
func (s *Service) follow(note store.Reassignment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := id{note.Connection, note.Topic}
	if w := s.watches[at]; w != nil {
		w.note = note
		if w.isOver() {
			w.over = make(chan struct{})
		}
		w.poke()
		return
	}
	if s.closed {
		return
	}
	w := &watch{note: note, wake: make(chan struct{}, 1), over: make(chan struct{})}
	s.watches[at] = w
	s.ending.Go(func() { s.run(at, w) })
}

// poke has a watch look at once.
func (w *watch) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run looks until the reassignment is over and cleaned up after.
func (s *Service) run(at id, w *watch) {
	defer s.end(w)
	for wait := lookFirst; ; {
		done, err := s.look(at, w)
		if done || s.ctx.Err() != nil {
			return
		}
		limit := lookLast
		if err != nil {
			limit = retryLast
		}
		s.tell(at, w, err)
		timer := time.NewTimer(wait + rand.N(wait/4)) // #nosec G404 -- jitter
		select {
		case <-timer.C:
			wait = min(wait*2, limit)
		case <-w.wake:
			wait = lookFirst
		case <-s.ctx.Done():
		}
		timer.Stop()
	}
}

// tell notes what keeps a watch from going on.
func (s *Service) tell(at id, w *watch, err error) {
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	s.mu.Lock()
	news := problem != w.problem
	w.problem = problem
	s.mu.Unlock()
	if news && err != nil {
		s.log.Warn("cannot follow a reassignment", slog.String("connection", at.connection), slog.String("topic", at.topic), slog.Any("error", err))
	}
}

// look answers true when the reassignment is over and nothing of it is left.
func (s *Service) look(at id, w *watch) (bool, error) {
	ctx, cancel := context.WithTimeout(s.ctx, stepTimeout)
	defer cancel()
	c, err := s.cluster(ctx, at.connection)
	if api.HasCode(err, api.CodeNotFound) {
		s.log.Warn("a connection went away while replicas moved: what limits their copying stays on the cluster",
			slog.String("connection", at.connection), slog.String("topic", at.topic))
		return true, s.forget(ctx, at)
	}
	if err != nil {
		return false, err
	}
	if moving, err := s.moving(ctx, c, at, w); err != nil || moving {
		return false, err
	}
	unlock, err := s.writing.Lock(ctx, at.connection)
	if err != nil {
		return false, err
	}
	defer unlock()
	// Someone may have begun another one in the meantime.
	if moving, err := s.moving(ctx, c, at, w); err != nil || moving {
		return false, err
	}
	if err := s.clean(ctx, c, at, w); err != nil {
		// The replicas are there; who waits for them need not wait for a broker that is down.
		if _, partly := errors.AsType[*brokersError](err); partly {
			s.announce(at)
			s.end(w)
		}
		return false, err
	}
	// Who finds nothing noted any more must find what was read before outdated already.
	s.announce(at)
	if err := s.forget(ctx, at); err != nil {
		return false, err
	}
	return true, nil
}

func (s *Service) moving(ctx context.Context, c *cluster, at id, w *watch) (bool, error) {
	now, err := c.topic(ctx, at.topic)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	topic := w.note.TopicID
	s.mu.Unlock()
	return now != nil && now.id.String() == topic && len(now.moving) > 0, nil
}

// clean takes away what a reassignment needed and sets what was to come after it.
func (s *Service) clean(ctx context.Context, c *cluster, at id, w *watch) error {
	s.mu.Lock()
	note := w.note
	s.mu.Unlock()
	now, err := c.topic(ctx, at.topic)
	if err != nil {
		return err
	}
	if now != nil && now.id.String() == note.TopicID {
		shown, err := c.shown(ctx, at.topic, note)
		if err != nil {
			return err
		}
		if !shown {
			note.Cancelled = true // by someone else, or it was never begun
		}
		if err := c.free(ctx, note); err != nil {
			return err
		}
	}
	return c.slack(ctx, note, s.rates(note))
}

func (s *Service) forget(ctx context.Context, at id) error {
	if err := s.store.ForgetReassignment(ctx, at.connection, at.topic); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watches, at)
	return nil
}

func (s *Service) announce(at id) {
	s.mu.Lock()
	tell := slices.Clone(s.settled)
	s.mu.Unlock()
	for _, f := range tell {
		f(at.connection, at.topic)
	}
}

func (s *Service) cluster(ctx context.Context, name string) (*cluster, error) {
	target, err := s.conns.Resolve(ctx, name, "/connection", kafka.KindName)
	if err != nil {
		return nil, err
	}
	admin, err := s.admins.Admin(target)
	if err != nil {
		return nil, failure(name, "make a client", err)
	}
	client, err := s.admins.Client(target)
	if err != nil {
		return nil, failure(name, "make a client", err)
	}
	return &cluster{name: name, admin: admin, client: client}, nil
}

// cluster is the Kafka cluster of a connection.
type cluster struct {
	name   string // of the connection
	admin  *kadm.Client
	client *kgo.Client // for what admin has no words for
}
