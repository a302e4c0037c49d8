package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/headgate/terraform-provider-headgate/daemon/reassign"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Put creates or changes a topic. An existing topic keeps the partitions, the replication factor and the configs that
// are not declared.
func (s *Service) Put(ctx context.Context, connection, name string, body api.TopicWrite, opts api.WriteOptions, idempotencyKey string) (*api.Topic, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	d := declaration{TopicWrite: body}
	if err := d.check(); err != nil {
		return nil, err
	}
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, s.unconnected(ctx, connection, name, d, opts, err)
	}
	if opts.DryRun {
		return s.plan(ctx, c, name, d, opts, idempotencyKey)
	}
	unlock, err := s.writing.Lock(ctx, creation(connection, name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	return s.write(ctx, c, name, d, opts, idempotencyKey)
}

// plan runs every check of a write, those of the brokers included, and answers what the topic would be.
func (s *Service) plan(ctx context.Context, c *cluster, name string, d declaration, opts api.WriteOptions, idempotencyKey string) (*api.Topic, error) {
	have := s.snapshots.recent(c.name, name)
	if have == nil && opts.CreateOnly && opts.Generation == "" {
		n := d.creation(name)
		// Mostly there is no such topic. Why the controller says no is for the long way to find out.
		if configs, ok := c.wouldCreate(ctx, n); ok {
			if err := s.creatable(ctx, c.name, n); err != nil {
				return nil, err
			}
			return planned(c, n, d, configs), nil
		}
	}
	if have == nil {
		var err error
		if have, err = c.read(ctx, name); err != nil {
			return nil, err
		}
	}
	row, err := s.precondition(ctx, c, name, have, opts, idempotencyKey)
	if err != nil {
		return nil, err
	}
	if have == nil {
		return s.planCreate(ctx, c, name, d)
	}
	change, err := d.against(have)
	if err != nil {
		return nil, err
	}
	if err := s.allowed(ctx, have, change.applied(have)); err != nil {
		return nil, err
	}
	if err := c.apply(ctx, change, true); err != nil {
		return nil, err
	}
	if change.factor > 0 {
		if err := s.reassigns.Check(ctx, c.name, name, change.factor); err != nil {
			return nil, err
		}
	}
	lost, err := c.losses(ctx, change, d)
	if err != nil {
		return nil, err
	}
	t := answer(change.applied(have), d.row(row))
	t.Warnings = append(lost, c.reordered(ctx, change)...)
	return t, nil
}

func (s *Service) planCreate(ctx context.Context, c *cluster, name string, d declaration) (*api.Topic, error) {
	n := d.creation(name)
	if err := s.creatable(ctx, c.name, n); err != nil {
		return nil, err
	}
	configs, err := c.validateCreate(ctx, n)
	if err != nil {
		return nil, err
	}
	return planned(c, n, d, configs), nil
}

// planned is a new topic as it would be, on top of the configs that would be in force.
func planned(c *cluster, n creationOf, d declaration, configs []config) *api.Topic {
	t := answer(n.as(c.name, slices.Clone(configs)), d.row(unknownRow(c.name, n.name)))
	t.Generation = ""
	return t
}

// creatable says what is wrong with a new topic that no broker objects to.
func (s *Service) creatable(ctx context.Context, connection string, n creationOf) error {
	if e := n.checkInSync(); e != nil {
		return e
	}
	return s.allowed(ctx, nil, n.as(connection, nil))
}

// as is the new topic on top of the configs in force.
func (n creationOf) as(connection string, configs []config) *state {
	st := &state{connection: connection, name: n.name, partitions: int(n.partitions), replicas: int(n.replicas), configs: configs}
	for key, value := range n.configs {
		st.configs = set(st.configs, key, *value)
	}
	return st
}

func (s *Service) write(ctx context.Context, c *cluster, name string, d declaration, opts api.WriteOptions, idempotencyKey string) (*api.Topic, error) {
	read := c.read
	if opts.CreateOnly {
		read = c.readNew
	}
	have, err := read(ctx, name)
	if err != nil {
		return nil, err
	}
	row, err := s.precondition(ctx, c, name, have, opts, idempotencyKey)
	if err != nil {
		return nil, err
	}
	// Whatever comes of it, what was read before no longer counts.
	defer s.snapshots.written(c.name, name)
	if have == nil {
		have, err = s.create(ctx, c, name, d, idempotencyKey)
	} else {
		have, err = s.update(ctx, c, have, d)
	}
	if err != nil {
		return nil, err
	}
	s.snapshots.answers(c.name)
	// The row comes last: a daemon that dies before it does the rest when the write is repeated.
	wanted := d.row(row)
	if !sameRow(row, wanted) {
		if err := s.store.PutTopic(ctx, wanted); err != nil {
			return nil, errors.Join(err, s.store.AbandonCreation(ctx, noun, creation(c.name, name)))
		}
	}
	t := answer(have, wanted)
	t.Reassignment = s.reassigns.Noted(c.name, name)
	return t, nil
}

// precondition checks what the caller believes about the topic, and answers what is kept beside it.
func (s *Service) precondition(ctx context.Context, c *cluster, name string, have *state, opts api.WriteOptions, idempotencyKey string) (store.Topic, error) {
	if have == nil {
		if opts.Generation != "" {
			return store.Topic{}, api.NotFound("Topic", name)
		}
		return unknownRow(c.name, name), nil
	}
	row, err := s.row(ctx, c.name, name)
	if err != nil {
		return row, err
	}
	if opts.Generation != "" && opts.Generation != answer(have, row).Generation {
		return row, api.Conflict("Topic", name)
	}
	if !opts.CreateOnly {
		return row, nil
	}
	adopt, err := s.store.Unanswered(ctx, noun, creation(c.name, name), idempotencyKey)
	if err != nil {
		return row, err
	}
	if !adopt {
		return row, alreadyExists(c.name, name)
	}
	return row, nil
}

func alreadyExists(connection, name string) error {
	return api.AlreadyExists("Topic", name, fmt.Sprintf("Import it (its import id is %s/%s), or choose another name.", connection, name))
}

// create notes the creation first, so that a repeat can take over a topic whose creation was never answered.
func (s *Service) create(ctx context.Context, c *cluster, name string, d declaration, idempotencyKey string) (*state, error) {
	n := d.creation(name)
	if err := s.creatable(ctx, c.name, n); err != nil {
		return nil, err
	}
	key := creation(c.name, name)
	began, err := s.store.BeginCreation(ctx, noun, key, idempotencyKey)
	if err != nil {
		return nil, err
	}
	if !began {
		return nil, alreadyExists(c.name, name)
	}
	st, err := c.create(ctx, n)
	if err != nil {
		// After trouble with the connection the cluster may have made it all the same: the next attempt takes it over.
		return nil, errors.Join(err, s.store.FailCreation(ctx, noun, key, !api.HasCode(err, api.CodeConnection)))
	}
	return st, nil
}

func (s *Service) update(ctx context.Context, c *cluster, have *state, d declaration) (*state, error) {
	change, err := d.against(have)
	if err != nil {
		return nil, err
	}
	if err := s.allowed(ctx, have, change.applied(have)); err != nil {
		return nil, err
	}
	if err := s.reassigns.Throttle(ctx, c.name, have.name, d.throttle()); err != nil {
		return nil, err
	}
	if change.empty() {
		return have, nil
	}
	if change.factor > 0 {
		if err := s.reassigns.Check(ctx, c.name, have.name, change.factor); err != nil {
			return nil, err
		}
	}
	if d.protects() {
		if _, err := c.losses(ctx, change, d); err != nil {
			return nil, err
		}
	}
	todo := change
	change, after := change.split()
	// What could still be refused is asked first, so that nothing is half-done. One request alone is all or nothing.
	if change.grow > 0 && len(change.configs) > 0 {
		if err := c.apply(ctx, change, true); err != nil {
			return nil, err
		}
	}
	if err := c.apply(ctx, change, false); err != nil {
		return nil, err
	}
	if todo.factor > 0 {
		// New partitions must be seen to be moved with the others.
		if _, err := c.shown(ctx, have.name, change.shownBy); err != nil {
			return nil, c.failure("see the change of topic "+have.name, err)
		}
		if err := s.reassigns.Begin(ctx, c.name, have.name, reassign.Change{Factor: todo.factor, Throttle: d.throttle(), After: after}); err != nil {
			return nil, err
		}
		change.factor = todo.factor
	}
	st, err := c.shown(ctx, have.name, change.shownBy)
	if err != nil {
		return nil, c.failure("see the change of topic "+have.name, err)
	}
	return st, nil
}

// declaration is a topic as it is declared.
type declaration struct{ api.TopicWrite }

// check finds what is wrong without asking anyone.
func (d declaration) check() error {
	var all []*api.Error
	if p := d.Partitions; d.knows("/partitions") && (p < 0 || p > math.MaxInt32) {
		all = append(all, api.Invalid("/partitions", "The number of partitions is not possible", "A topic has at least 1 partition, and Kafka counts them in 32 bits.", "Set partitions to a positive number that the cluster can carry."))
	}
	if r := d.ReplicationFactor; d.knows("/replication_factor") && (r < 0 || r > math.MaxInt16) {
		all = append(all, api.Invalid("/replication_factor", "The replication factor is not possible", "A partition has at least 1 replica, and at most one on each broker.", "Set replication_factor to at most the number of brokers."))
	}
	if _, err := reassign.ParseThrottle(d.ReplicationThrottle); err != nil && d.knows("/replication_throttle") {
		all = append(all, api.Invalid("/replication_throttle", "The throttle is not possible", err.Error()+".", "Set it to a size per second, such as \"50MiB\", or to \"unlimited\"."))
	}
	all = append(all, api.RefuseCredentials("/config", d.Config)...)
	for _, key := range slices.Sorted(maps.Keys(d.Config)) {
		if reassign.Transient(key) {
			all = append(all, api.Invalid(spec.Join("/config", key), "The config comes and goes with reassignments", "It lists the replicas whose copying is throttled while they move, and nobody would know whose entries are whose.",
				"Leave it out, and set replication_throttle."))
		}
	}
	for _, key := range slices.Sorted(slices.Values(d.Unset)) {
		if _, ok := d.Config[key]; ok {
			all = append(all, api.Invalid(spec.Join("/config", key), "The config is both declared and taken back", "", "Leave it out of unset, or of config."))
		}
	}
	return join(all)
}

// knows says whether a value is known already.
func (d declaration) knows(pointer string) bool { return !slices.Contains(d.Unknown, pointer) }

// configs are those whose values are known, in order.
func (d declaration) configs() []string {
	if !d.knows("/config") {
		return nil
	}
	known := slices.Sorted(maps.Keys(d.Config))
	return slices.DeleteFunc(known, func(key string) bool { return !d.knows(spec.Join("/config", key)) })
}

// row is what is to be kept beside the topic.
func (d declaration) row(have store.Topic) store.Topic {
	return store.Topic{
		Connection: have.Connection, Name: have.Name, Description: d.Description, Labels: d.Labels,
		DeletionProtection: d.DeletionProtection == nil || *d.DeletionProtection,
	}
}

func sameRow(a, b store.Topic) bool {
	return a.Description == b.Description && a.DeletionProtection == b.DeletionProtection && maps.Equal(a.Labels, b.Labels)
}

// against compares the declaration with the topic. What cannot be done in place is refused.
func (d declaration) against(have *state) (change, error) {
	var (
		todo = change{have: have}
		all  []*api.Error
	)
	if d.knows("/partitions") && d.Partitions > 0 {
		switch wanted := int(d.Partitions); {
		case wanted < have.partitions:
			all = append(all, cannotShrink(have, wanted))
		case wanted > have.partitions:
			todo.grow = wanted
		}
	}
	if d.knows("/replication_factor") && d.ReplicationFactor > 0 && int(d.ReplicationFactor) != have.replicas {
		todo.factor = int(d.ReplicationFactor)
	}
	for _, key := range d.configs() {
		value := d.Config[key]
		if own, ok := have.own(key); !ok || !sameValue(own, value) {
			todo.configs = append(todo.configs, kadm.AlterConfig{Op: kadm.SetConfig, Name: key, Value: &value})
		}
	}
	for _, key := range slices.Sorted(slices.Values(d.Unset)) {
		if _, ok := have.own(key); ok {
			todo.configs = append(todo.configs, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: key})
		}
	}
	if e := todo.checkInSync(); e != nil {
		all = append(all, e)
	}
	return todo, join(all)
}

// throttle is in bytes per second; 0: none. It was checked before.
func (d declaration) throttle() int64 {
	rate, err := reassign.ParseThrottle(d.ReplicationThrottle)
	if err != nil {
		return 0
	}
	return rate
}

func cannotShrink(have *state, wanted int) *api.Error {
	return api.Invalid("/partitions", fmt.Sprintf("Topic %q has %d partitions and cannot shrink to %d", have.name, have.partitions, wanted),
		"Kafka cannot remove partitions: their records would be lost, and records are placed by the hash of their key over the number of partitions.",
		fmt.Sprintf("Set partitions to %d or more, or create a new topic and copy the records.", have.partitions))
}

// change is what has to happen to a topic.
type change struct {
	have    *state
	grow    int // to so many partitions; 0: not at all
	factor  int // to so many replicas; 0: as many as there are
	configs []kadm.AlterConfig
}

func (ch change) empty() bool { return ch.grow == 0 && ch.factor == 0 && len(ch.configs) == 0 }

func (ch change) keys() []string {
	keys := make([]string, 0, len(ch.configs))
	for _, c := range ch.configs {
		keys = append(keys, c.Name)
	}
	return longestFirst(keys)
}

// applied is the topic after the change.
func (ch change) applied(have *state) *state {
	after := *have
	after.partitions = max(have.partitions, ch.grow)
	if ch.factor > 0 {
		after.replicas = ch.factor
	}
	after.configs = slices.Clone(have.configs)
	for _, c := range ch.configs {
		if c.Op == kadm.SetConfig {
			after.configs = set(after.configs, c.Name, *c.Value)
			continue
		}
		i := slices.IndexFunc(after.configs, func(have config) bool { return have.key == c.Name })
		after.configs[i].own, after.configs[i].value = false, after.configs[i].fallback
	}
	return &after
}

// split takes out the configs that have to wait for the new replicas: a min.insync.replicas of more than there are now
// would refuse records until they have caught up.
func (ch change) split() (now change, after map[string]string) {
	now = ch
	now.factor, now.configs = 0, nil
	for _, c := range ch.configs {
		if n, ok := inSync(c); ok && n > ch.have.replicas && n <= ch.factor {
			after = map[string]string{c.Name: *c.Value}
			continue
		}
		now.configs = append(now.configs, c)
	}
	return now, after
}

// shownBy says whether a broker shows the topic after the change. A value that differs from the one before is taken as the
// new one, however the broker writes it.
func (ch change) shownBy(st *state) bool {
	// Fewer replicas show when the others are gone, which nobody has to wait for.
	if st == nil || st.partitions < ch.grow || st.replicas < ch.factor {
		return false
	}
	return !slices.ContainsFunc(ch.configs, func(c kadm.AlterConfig) bool {
		own, ok := st.own(c.Name)
		if c.Op == kadm.DeleteConfig {
			return ok
		}
		before, was := ch.have.own(c.Name)
		return !ok || !sameValue(own, *c.Value) && was && own == before
	})
}

// set puts a config on a topic.
func set(configs []config, key, value string) []config {
	i := slices.IndexFunc(configs, func(c config) bool { return c.key == key })
	if i < 0 {
		return append(configs, config{key: key, value: value, own: true})
	}
	configs[i].own, configs[i].value = true, value
	return configs
}

// longestFirst orders names so that a name comes before those that it begins with.
func longestFirst(names []string) []string {
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return names
}
