package reassign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Kafka throttles what both ends agree on: brokers have rates, and topics list the replicas ("partition:broker") that
// these rates are for (KIP-73).
const (
	leaderRate       = "leader.replication.throttled.rate"
	followerRate     = "follower.replication.throttled.rate"
	leaderReplicas   = "leader.replication.throttled.replicas"
	followerReplicas = "follower.replication.throttled.replicas"
)

// Transient says whether a config of a topic is there for a reassignment only.
func Transient(config string) bool { return config == leaderReplicas || config == followerReplicas }

// ParseThrottle is [api.ParseThrottle] with the default for an empty one.
func ParseThrottle(text string) (int64, error) {
	return api.ParseThrottle(cmp.Or(text, api.DefaultReplicationThrottle))
}

func throttleText(rate int64) string {
	if rate == 0 {
		return api.Unlimited
	}
	return strings.ReplaceAll(humanize.IBytes(uint64(rate)), " ", "")
}

// throttleFor works out what has to be set for moves, and puts it into the note. What others have set stays as it is and
// is not noted: a broker whose rate someone has chosen keeps it, and a topic that throttles all replicas needs no list.
func (s *Service) throttleFor(ctx context.Context, c *cluster, note *store.Reassignment, now *standing, moves []Move) error {
	if note.Throttle == 0 {
		return nil
	}
	brokers := map[int32]bool{}
	var leaders, followers []string
	for _, m := range moves {
		added := slices.DeleteFunc(slices.Clone(m.To), func(id int32) bool { return slices.Contains(m.From, id) })
		if len(added) == 0 {
			continue
		}
		for _, id := range m.From {
			brokers[id] = true
			leaders = append(leaders, fmt.Sprintf("%d:%d", m.Partition, id))
		}
		for _, id := range added {
			brokers[id] = true
			followers = append(followers, fmt.Sprintf("%d:%d", m.Partition, id))
		}
	}
	if len(brokers) == 0 {
		return nil
	}
	free, err := s.unthrottled(ctx, c, *note, slices.Sorted(maps.Keys(brokers)))
	if err != nil {
		return err
	}
	lists, err := c.lists(ctx, now.name)
	if err != nil {
		return err
	}
	note.Brokers = union(note.Brokers, free)
	note.LeaderReplicas = union(note.LeaderReplicas, missing(lists[leaderReplicas], leaders))
	note.FollowerReplicas = union(note.FollowerReplicas, missing(lists[followerReplicas], followers))
	return nil
}

// unthrottled are the brokers, of those that are up, without a rate, or with one of ours.
func (s *Service) unthrottled(ctx context.Context, c *cluster, note store.Reassignment, brokers []int32) ([]int32, error) {
	up, err := c.admin.ListBrokers(ctx)
	if err != nil {
		return nil, fmt.Errorf("list brokers: %w", err)
	}
	brokers = slices.DeleteFunc(brokers, func(id int32) bool { return !slices.Contains(up.NodeIDs(), id) })
	described, err := c.admin.DescribeBrokerConfigs(ctx, brokers...)
	if err != nil {
		return nil, fmt.Errorf("describe brokers: %w", err)
	}
	ours := slices.Clone(note.Brokers)
	for _, other := range s.others(note) {
		ours = append(ours, other.Brokers...)
	}
	var free []int32
	for _, b := range described {
		if b.Err != nil {
			return nil, fmt.Errorf("describe broker %s: %w", b.Name, b.Err)
		}
		id, err := strconv.ParseInt(b.Name, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("describe brokers: %w", err)
		}
		if slices.Contains(ours, int32(id)) || !hasRate(b.Configs) {
			free = append(free, int32(id))
		}
	}
	return free, nil
}

func hasRate(configs []kadm.Config) bool {
	return slices.ContainsFunc(configs, func(c kadm.Config) bool {
		dynamic := c.Source == kmsg.ConfigSourceDynamicBrokerConfig || c.Source == kmsg.ConfigSourceDynamicDefaultBrokerConfig
		return dynamic && (c.Key == leaderRate || c.Key == followerRate)
	})
}

// lists are those of the topic by their names.
func (c *cluster) lists(ctx context.Context, topic string) (map[string][]string, error) {
	described, err := c.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("describe topic configs: %w", err)
	}
	lists := map[string][]string{}
	for _, t := range described {
		if t.Err != nil {
			return nil, fmt.Errorf("describe topic configs: %w", t.Err)
		}
		for _, config := range t.Configs {
			if Transient(config.Key) {
				lists[config.Key] = entries(config.MaybeValue())
			}
		}
	}
	return lists, nil
}

// rate is what the brokers of a note are to have: the lowest that a reassignment asks for.
func (s *Service) rate(note store.Reassignment) map[int32]int64 {
	rates := s.rates(note)
	if note.Throttle == 0 {
		return rates
	}
	for _, id := range note.Brokers {
		if have, ok := rates[id]; !ok || note.Throttle < have {
			rates[id] = note.Throttle
		}
	}
	return rates
}

// rates are what the other reassignments of the cluster ask for.
func (s *Service) rates(note store.Reassignment) map[int32]int64 {
	rates := map[int32]int64{}
	for _, other := range s.others(note) {
		for _, id := range other.Brokers {
			if have, ok := rates[id]; other.Throttle > 0 && (!ok || other.Throttle < have) {
				rates[id] = other.Throttle
			}
		}
	}
	return rates
}

// throttle sets the rates and lists of a note. Brokers that are down stay as they are; the note keeps them for the end.
func (c *cluster) throttle(ctx context.Context, note store.Reassignment, rates map[int32]int64) error {
	doing := "throttle the copying of topic " + note.Topic
	up, err := c.up(ctx)
	if err != nil {
		return failure(c.name, doing, err)
	}
	note.Brokers = slices.DeleteFunc(slices.Clone(note.Brokers), func(id int32) bool { return !slices.Contains(up, id) })
	if note.Throttle == 0 {
		return c.slack(ctx, note, rates)
	}
	for _, id := range note.Brokers {
		value := strconv.FormatInt(rates[id], 10)
		if err := c.alterBroker(ctx, id, kadm.SetConfig, &value); err != nil {
			return c.refused(doing, err, "")
		}
	}
	var changes []kadm.AlterConfig
	for name, noted := range map[string][]string{leaderReplicas: note.LeaderReplicas, followerReplicas: note.FollowerReplicas} {
		if len(noted) > 0 {
			value := strings.Join(noted, ",")
			changes = append(changes, kadm.AlterConfig{Op: kadm.AppendConfig, Name: name, Value: &value})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	if err := c.alterTopic(ctx, note.Topic, changes); err != nil {
		return c.refused(doing, err, "")
	}
	// A broker that does not know of the lists yet would have them left behind.
	err = c.configured(ctx, note.Topic, func(own map[string]string) bool {
		return len(missing(entries(own[leaderReplicas]), note.LeaderReplicas))+len(missing(entries(own[followerReplicas]), note.FollowerReplicas)) == 0
	})
	if err != nil {
		return failure(c.name, doing, err)
	}
	return nil
}

// free takes the replicas of a note from the topic's lists, sets the configs that were to come after, and waits until all
// brokers show that: any of them may be asked for the topic next.
func (c *cluster) free(ctx context.Context, note store.Reassignment) error {
	lists, err := c.lists(ctx, note.Topic)
	if err != nil {
		return err
	}
	var changes []kadm.AlterConfig
	for name, noted := range map[string][]string{leaderReplicas: note.LeaderReplicas, followerReplicas: note.FollowerReplicas} {
		ours := missing(missing(lists[name], noted), noted) // those that are there
		switch {
		case len(ours) == 0:
		case len(missing(ours, lists[name])) == 0:
			changes = append(changes, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
		default:
			value := strings.Join(ours, ",")
			changes = append(changes, kadm.AlterConfig{Op: kadm.SubtractConfig, Name: name, Value: &value})
		}
	}
	if !note.Cancelled {
		for _, name := range slices.Sorted(maps.Keys(note.After)) {
			value := note.After[name]
			changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	doing := "take the throttle from topic " + note.Topic
	if err := c.alterTopic(ctx, note.Topic, changes); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := c.configured(ctx, note.Topic, func(own map[string]string) bool { return freed(own, changes) }); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// freed says whether the configs of a topic are as the changes make them. What comes after is a number, which a broker may
// write otherwise than its user.
func freed(own map[string]string, changes []kadm.AlterConfig) bool {
	return !slices.ContainsFunc(changes, func(c kadm.AlterConfig) bool {
		now, set := own[c.Name]
		switch c.Op {
		case kadm.DeleteConfig:
			return set
		case kadm.SubtractConfig:
			left := entries(now)
			return slices.ContainsFunc(entries(*c.Value), func(e string) bool { return slices.Contains(left, e) })
		}
		is, err := strconv.Atoi(now)
		wanted, wrong := strconv.Atoi(strings.TrimSpace(*c.Value))
		return !set || err == nil && wrong == nil && is != wanted
	})
}

// configured waits until every broker shows what is set on a topic as wanted. A topic that is gone has nothing to show.
func (c *cluster) configured(ctx context.Context, topic string, wanted func(own map[string]string) bool) error {
	all := &kafka.Cluster{Connection: c.name, Admin: c.admin, Raw: c.client}
	return all.Shown(ctx, func(ctx context.Context, broker *kgo.Broker) (bool, error) {
		req := kmsg.NewPtrDescribeConfigsRequest()
		one := kmsg.NewDescribeConfigsRequestResource()
		one.ResourceType, one.ResourceName = kmsg.ConfigResourceTypeTopic, topic
		req.Resources = append(req.Resources, one)
		resp, err := req.RequestWith(ctx, broker)
		if err != nil {
			return false, err
		}
		own := map[string]string{}
		for _, r := range resp.Resources {
			err := kerr.ErrorForCode(r.ErrorCode)
			if errors.Is(err, kerr.UnknownTopicOrPartition) {
				return true, nil
			}
			if err != nil {
				return false, err
			}
			for _, config := range r.Configs {
				if config.Source == kmsg.ConfigSourceDynamicTopicConfig && config.Value != nil {
					own[config.Name] = *config.Value
				}
			}
		}
		return wanted(own), nil
	})
}

// brokersError says that some brokers could not be freed of their rates.
type brokersError struct{ err error }

func (e *brokersError) Error() string {
	return "take the throttle from brokers: " + e.err.Error()
}
func (e *brokersError) Unwrap() error { return e.err }

// slack takes the rates from the brokers of a note; those that other reassignments need get theirs.
func (c *cluster) slack(ctx context.Context, note store.Reassignment, others map[int32]int64) error {
	var errs []error
	rated := map[int32]bool{}
	for _, id := range note.Brokers {
		op, value := kadm.DeleteConfig, (*string)(nil)
		if rate, needed := others[id]; needed {
			text := strconv.FormatInt(rate, 10)
			op, value = kadm.SetConfig, &text
		}
		err := c.alterBroker(ctx, id, op, value)
		if err == nil {
			rated[id] = value != nil
		}
		// Who may not take a rate away could not set it either, and a broker that was taken out has none.
		if err != nil && !errors.Is(err, kerr.ClusterAuthorizationFailed) && c.registered(ctx, id) {
			errs = append(errs, err)
		}
	}
	c.heard(ctx, rated)
	if len(errs) > 0 {
		return &brokersError{errors.Join(errs...)}
	}
	return nil
}

func (c *cluster) alterBroker(ctx context.Context, id int32, op kadm.IncrementalOp, value *string) error {
	configs := []kadm.AlterConfig{{Op: op, Name: leaderRate, Value: value}, {Op: op, Name: followerRate, Value: value}}
	answers, err := c.admin.AlterBrokerConfigs(ctx, configs, id)
	if err != nil {
		return fmt.Errorf("broker %d: %w", id, err)
	}
	for _, one := range answers {
		if one.Err != nil {
			return fmt.Errorf("broker %d: %w", id, withMessage(one.Err, one.ErrMessage))
		}
	}
	return nil
}

// heard gives brokers a moment to know that they have a rate, or none: the next reassignment would take what is still to go
// for someone else's.
func (c *cluster) heard(ctx context.Context, rated map[int32]bool) {
	if len(rated) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, viewTimeout)
	defer cancel()
	// Who does not tell in time is not waited for.
	_ = kafka.Until(ctx, func(ctx context.Context) (bool, error) {
		described, err := c.admin.DescribeBrokerConfigs(ctx, slices.Sorted(maps.Keys(rated))...)
		for _, one := range described {
			id, wrong := strconv.ParseInt(one.Name, 10, 32)
			if wrong == nil && one.Err == nil && hasRate(one.Configs) == rated[int32(id)] {
				delete(rated, int32(id))
			}
		}
		return len(rated) == 0, err
	})
}

func (c *cluster) alterTopic(ctx context.Context, topic string, changes []kadm.AlterConfig) error {
	answers, err := c.admin.AlterTopicConfigs(ctx, changes, topic)
	if err != nil {
		return err
	}
	for _, one := range answers {
		if one.Err != nil {
			return withMessage(one.Err, one.ErrMessage)
		}
	}
	return nil
}

func withMessage(err error, message string) error {
	if message == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, message)
}

// entries are those of a list as a config has it.
func entries(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, ",")
}

// missing are those that a list lacks; a list with * lacks none.
func missing(list, wanted []string) []string {
	if slices.Contains(list, "*") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(e string) bool { return slices.Contains(list, e) })
}

func union[T comparable](a, b []T) []T {
	all := slices.Clone(a)
	for _, one := range b {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}
