// Package kafka is the source kind kafka and the Kafka destination: topics of one cluster are copied to another,
// partition for partition.
package kafka

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	kafkaconn "github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "kafka"

// Kind implements [connector.SourceKind].
type Kind struct {
	Connections *connection.Service
	Admins      *kafkaconn.Admins
}

var (
	_ connector.SourceKind = Kind{}
	_ connector.TopicKind  = Kind{}
)

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	c := target.(*api.KafkaSource)
	var problems []spec.Problem
	if len(c.Topics)+len(c.TopicPrefixes)+len(c.AdditionalTopics) == 0 && c.TopicPattern == "" {
		problems = append(problems, spec.Problem{Path: "/topics", Message: "is needed, or topic_prefixes, topic_pattern or additional_topics: nothing is selected"})
	}
	if _, err := regexp.Compile(c.TopicPattern); err != nil {
		problems = append(problems, spec.Problem{Path: "/topic_pattern", Message: "is not a regular expression: " + err.Error()})
	}
	for i, p := range c.TopicPrefixes {
		if p == "" {
			problems = append(problems, spec.Problem{Path: fmt.Sprintf("/topic_prefixes/%d", i), Message: "must not be empty: to read every topic, use topic_pattern = \".*\""})
		}
	}
	if _, err := startAt(c.StartFrom); err != nil {
		problems = append(problems, spec.Problem{Path: "/start_from", Message: err.Error()})
	}
	return problems
}

// References lists the source cluster.
func (Kind) References(target any) []connection.Reference {
	c := target.(*api.KafkaSource)
	return []connection.Reference{{Pointer: "/connection", Name: c.Connection, Kinds: []string{kafkaconn.KindName}}}
}

// Selects says whether a topic is read.
func (Kind) Selects(target any, topic string) bool {
	selected, err := newSelection(target.(*api.KafkaSource))
	return err == nil && selected.selects(topic) // what is declared was checked
}

// Open makes the source.
func (k Kind) Open(ctx context.Context, cfg connector.SourceConfig) (connector.Source, error) {
	c := cfg.Spec.(*api.KafkaSource)
	target, err := k.Connections.Resolve(ctx, c.Connection, "/spec/connection", kafkaconn.KindName)
	if err != nil {
		return nil, err
	}
	selected, err := newSelection(c)
	if err != nil {
		return nil, fmt.Errorf("topic_pattern: %w", err)
	}
	from, err := startAt(c.StartFrom)
	if err != nil {
		return nil, err
	}
	admin, release, err := k.Admins.Lease(target)
	if err != nil {
		return nil, err
	}
	return &source{
		cfg: cfg, target: target, admin: admin, release: release, selection: selected, from: from,
		group: "headgate." + cfg.Name + "." + shortUID(cfg.UID),
	}, nil
}

// shortUID is enough of a UUID to tell connectors of the same name apart.
func shortUID(uid string) string { return uid[:min(8, len(uid))] }

// start is where a connector begins in topics that have no committed position.
type start struct {
	latest bool
	after  time.Time // zero: not by time
}

func startAt(text string) (start, error) {
	switch text {
	case "earliest", "":
		return start{}, nil
	case "latest":
		return start{latest: true}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return start{}, fmt.Errorf("must be earliest, latest, or an RFC 3339 time such as 2026-01-31T12:00:00Z")
	}
	return start{after: at}, nil
}

// offsets asks for the offsets where topics are to be begun.
func (s start) offsets(ctx context.Context, admin *kadm.Client, topics []string) (kadm.ListedOffsets, error) {
	switch {
	case s.latest:
		return admin.ListEndOffsets(ctx, topics...)
	case !s.after.IsZero():
		return admin.ListOffsetsAfterMilli(ctx, s.after.UnixMilli(), topics...)
	}
	return admin.ListStartOffsets(ctx, topics...)
}
