package connector

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// link is where a connector takes records from and where it puts them.
type link struct {
	connector string
	from, to  string // clusters
	selects   func(topic string) bool
	topicFor  func(topic string) string
}

// linkOf makes the link of a connector, or nil for one that does not go from topic to topic.
func linkOf(ctx context.Context, name string, source Source, sink Sink) (*link, error) {
	from, ok := source.(TopicSource)
	if !ok {
		return nil, nil //nolint:nilnil // most kinds have none
	}
	to, ok := sink.(TopicSink)
	if !ok {
		return nil, nil //nolint:nilnil // most kinds have none
	}
	l := &link{connector: name, selects: from.Selects, topicFor: to.TopicFor}
	var err error
	if l.from, err = from.Cluster(ctx); err != nil {
		return nil, err
	}
	if l.to, err = to.Cluster(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// carry is one step of records on their way.
type carry struct {
	by       *link
	from, to string // topics
}

// checkLoop refuses a connector whose records would come back to it, by itself or over other connectors. Selections and
// names decide, not the topics that exist: a loop makes its topics as it goes round.
func checkLoop(mine *link, topics []string, others []*link) error {
	for _, topic := range topics {
		first := carry{mine, topic, mine.topicFor(topic)}
		if path := pathBack(mine, []carry{first}, others); path != nil {
			return loopError(path)
		}
	}
	return nil
}

// pathBack follows records from the end of a path until mine would read them, over each other connector once at most.
func pathBack(mine *link, path []carry, others []*link) []carry {
	last := path[len(path)-1]
	cluster, topic := last.by.to, last.to
	if mine.from == cluster && mine.selects(topic) {
		return path
	}
	for _, next := range others {
		taken := slices.ContainsFunc(path, func(c carry) bool { return c.by == next })
		if taken || next.from != cluster || !next.selects(topic) {
			continue
		}
		if found := pathBack(mine, append(slices.Clone(path), carry{next, topic, next.topicFor(topic)}), others); found != nil {
			return found
		}
	}
	return nil
}

func loopError(path []carry) error {
	steps := make([]string, 0, len(path)+1)
	for _, c := range path {
		steps = append(steps, fmt.Sprintf("connector %q copies %q to %q", c.by.connector, c.from, c.to))
	}
	steps = append(steps, fmt.Sprintf("connector %q reads %q again", path[0].by.connector, path[len(path)-1].to))
	return api.Invalid("/settings/destination", "The connector would feed itself",
		"The same records would go round for ever: "+strings.Join(steps, ", ")+".",
		"Choose a destination name that is not selected, with topic_prefix or topic_mapping, or narrow the selection.")
}

// TopicsOf lists the topics of splits, each once.
func TopicsOf(splits []Split) []string {
	var topics []string
	seen := map[string]bool{}
	for _, s := range splits {
		if !seen[s.Topic] {
			seen[s.Topic] = true
			topics = append(topics, s.Topic)
		}
	}
	return topics
}
