package namespace

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/topic"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// forever is a retention without a limit.
const forever = math.MaxInt64

// Check refuses a topic as it would be after a write when it goes beyond the limits of its namespace. before is nil for a
// new topic. What a topic had before, it may keep.
func (s *Service) Check(ctx context.Context, before, after *api.Topic) error {
	all, err := s.all(ctx)
	if err != nil {
		return err
	}
	all, known := planned(ctx, all)
	n := of(all, after.Connection, after.Name)
	if !known || n == nil || n.Limits == nil {
		return nil
	}
	var problems []api.Error
	for _, e := range exceeded(n, after) {
		if before == nil || e.value > measure(e.attribute, before) {
			problems = append(problems, *e.refusal(n, after.Name))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	first := problems[0]
	first.More = problems[1:]
	return &first
}

// of finds the namespace of a topic: of those that fit, the one with the longest prefix.
func of(all []api.Namespace, connection, topic string) *api.Namespace {
	var found *api.Namespace
	for i, n := range all {
		if strings.HasPrefix(topic, n.TopicPrefix) && overlap(n.Connections, []string{connection}) && (found == nil || len(n.TopicPrefix) > len(found.TopicPrefix)) {
			found = &all[i]
		}
	}
	return found
}

// The attributes that have limits, as JSON pointers into the declaration of a topic.
const (
	partitions  = "/partitions"
	replicas    = "/replication_factor"
	retentionMs = "/config/retention.ms"
)

// excess is something that a topic has too much of.
type excess struct {
	attribute    string
	value, limit int64
}

func exceeded(n *api.Namespace, t *api.Topic) []excess {
	if n.Limits == nil {
		return nil
	}
	longest, err := retention(n.Limits)
	if err != nil {
		longest = 0 // it was checked before
	}
	var all []excess
	for _, limit := range []excess{{attribute: partitions, limit: n.Limits.Partitions}, {attribute: replicas, limit: n.Limits.ReplicationFactor}, {attribute: retentionMs, limit: longest}} {
		limit.value = measure(limit.attribute, t)
		if limit.limit > 0 && limit.value > limit.limit {
			all = append(all, limit)
		}
	}
	return all
}

// measure is how much a topic has of what a limit is for; 0 where that is not known or does not count.
func measure(attribute string, t *api.Topic) int64 {
	switch attribute {
	case partitions:
		return t.Partitions
	case replicas:
		return t.ReplicationFactor
	}
	if policy := t.InForce("cleanup.policy"); policy != "" && !strings.Contains(policy, "delete") {
		return 0
	}
	millis, err := strconv.ParseInt(t.InForce(api.RetentionConfig), 10, 64)
	switch {
	case err != nil:
		return 0
	case millis < 0:
		return forever
	}
	return millis
}

// retention is the limit in milliseconds; 0 is none.
func retention(l *api.NamespaceLimits) (int64, error) {
	if l.Retention == "" {
		return 0, nil
	}
	d, err := l.Retention.Parse()
	if err == nil && d.Milliseconds() < 1 {
		err = fmt.Errorf("%q keeps nothing", string(l.Retention))
	}
	return d.Milliseconds(), err
}

// words are the limit and the value, for people.
func (e excess) words() (field, limit, value string) {
	switch e.attribute {
	case partitions:
		return "partitions", strconv.FormatInt(e.limit, 10), strconv.FormatInt(e.value, 10)
	case replicas:
		return "replication_factor", strconv.FormatInt(e.limit, 10), strconv.FormatInt(e.value, 10)
	}
	if e.value == forever {
		return "retention", spec.RetentionText(strconv.FormatInt(e.limit, 10)), "unlimited"
	}
	return "retention", spec.RetentionText(strconv.FormatInt(e.limit, 10)), spec.RetentionText(strconv.FormatInt(e.value, 10))
}

func (e excess) refusal(n *api.Namespace, topic string) *api.Error {
	field, limit, value := e.words()
	whom := "those who run it"
	if n.Owner != "" {
		whom = n.Owner + ", who own it,"
	}
	return api.Invalid(e.attribute, fmt.Sprintf("Namespace %q allows %s of at most %s", n.Name, field, limit),
		fmt.Sprintf("Topic %q would have %s. It is in the namespace because its name begins with %q.", topic, value, n.TopicPrefix),
		fmt.Sprintf("Set %s to %s or less, or ask %s to raise limits.%s of the namespace. In Terraform, a plan that raises it knows that only for what depends on the namespace: "+
			"give the topic depends_on = [headgate_namespace.<name>], or apply the namespace first, with -target.", field, limit, whom, field))
}

// beyond warns of topics that have more than a namespace would allow.
func (s *Service) beyond(ctx context.Context, n *api.Namespace, others []api.Namespace) []api.Warning {
	if n.Limits == nil || *n.Limits == (api.NamespaceLimits{}) {
		return nil
	}
	var over []string
	warnings := s.each(ctx, n, others, func(t *api.Topic) {
		var all []string
		for _, e := range exceeded(n, t) {
			field, _, value := e.words()
			all = append(all, field+" "+value)
		}
		if len(all) > 0 {
			over = append(over, fmt.Sprintf("%s/%s: %s", t.Connection, t.Name, strings.Join(all, ", ")))
		}
	})
	if len(over) == 0 {
		return warnings
	}
	slices.Sort(over)
	count := fmt.Sprintf("%d topics have", len(over))
	if len(over) == 1 {
		count = "1 topic has"
	}
	named := over[:min(maxNamed, len(over))]
	if len(over) > maxNamed {
		named = append(slices.Clone(named), fmt.Sprintf("and %d more", len(over)-maxNamed))
	}
	return append(warnings, api.Warning{
		Summary: fmt.Sprintf("%s more than namespace %q allows", count, n.Name), Attribute: "/limits",
		Detail: "They stay as they are; a change must not go further:\n- " + strings.Join(named, "\n- "),
	})
}

// left says what becomes of the topics of a namespace that goes.
func (s *Service) left(ctx context.Context, n *api.Namespace, all []api.Namespace) []api.Warning {
	topics := 0
	others := slices.DeleteFunc(all, func(other api.Namespace) bool { return other.Name == n.Name })
	warnings := s.each(ctx, n, others, func(*api.Topic) { topics++ })
	if topics == 0 {
		return warnings
	}
	w := api.Warning{
		Summary: fmt.Sprintf("%d topics whose names begin with %q stay, with their records", topics, n.TopicPrefix),
		Detail:  "Its limits no longer hold for them.",
	}
	if topics == 1 {
		w.Summary, w.Detail = fmt.Sprintf("1 topic whose name begins with %q stays, with its records", n.TopicPrefix), "Its limits no longer hold for it."
	}
	return append(warnings, w)
}

// each looks at all topics of a namespace. It warns of clusters that could not be looked at.
func (s *Service) each(ctx context.Context, n *api.Namespace, others []api.Namespace, do func(t *api.Topic)) []api.Warning {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	connections, err := s.connections(ctx, n)
	warnings := []api.Warning{}
	if err != nil {
		return append(warnings, notLooked(n, "connections", err))
	}
	for _, connection := range connections {
		found, err := s.eachOf(ctx, connection, n, others, do)
		warnings = append(warnings, found...)
		if err != nil {
			warnings = append(warnings, notLooked(n, fmt.Sprintf("connection %q", connection), err))
		}
	}
	return warnings
}

func notLooked(n *api.Namespace, where string, err error) api.Warning {
	return api.Warning{
		Summary: fmt.Sprintf("The topics of namespace %q could not be looked at through %s", n.Name, where),
		Detail:  fmt.Sprintf("Nothing is known about them now: %v.", strings.TrimSuffix(err.Error(), ".")),
	}
}

func (s *Service) eachOf(ctx context.Context, connection string, n *api.Namespace, others []api.Namespace, do func(t *api.Topic)) ([]api.Warning, error) {
	var warnings []api.Warning
	for after := ""; ; {
		page, left, err := s.topics.List(ctx, connection, topic.Query{Prefix: n.TopicPrefix, After: after, Limit: pageSize})
		if err != nil {
			return warnings, err
		}
		warnings = append(warnings, left...)
		for i := range page {
			other := of(others, connection, page[i].Name)
			if other == nil || len(other.TopicPrefix) <= len(n.TopicPrefix) {
				do(&page[i])
			}
		}
		if len(page) < pageSize {
			return warnings, nil
		}
		after = page[len(page)-1].Name
	}
}

// connections are the clusters that a namespace spans.
func (s *Service) connections(ctx context.Context, n *api.Namespace) ([]string, error) {
	names := n.Connections
	if len(names) == 0 {
		all, err := s.conns.List(ctx, "", math.MaxInt32)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			names = append(names, c.Name)
		}
	}
	var clusters []string
	for _, name := range names {
		// Those that are no cluster are told by the kind that they should have.
		_, err := s.conns.Resolve(ctx, name, "", kafka.KindName)
		if refused, ok := errors.AsType[*api.Error](err); ok && (refused.Code == api.CodeInvalid || refused.Code == api.CodeNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, name)
	}
	return clusters, nil
}
