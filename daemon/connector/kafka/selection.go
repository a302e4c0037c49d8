package kafka

import (
	"regexp"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// selection says which topics a source reads.
type selection struct {
	topics     []string // must exist
	prefixes   []string
	pattern    *regexp.Regexp // of the whole name; nil: none
	additional []string
}

func newSelection(c *api.KafkaSource) (*selection, error) {
	s := &selection{topics: c.Topics, prefixes: c.TopicPrefixes, additional: c.AdditionalTopics}
	if c.TopicPattern == "" {
		return s, nil
	}
	pattern, err := regexp.Compile(`^(?:` + c.TopicPattern + `)$`)
	if err != nil {
		return nil, err
	}
	s.pattern = pattern
	return s, nil
}

// selects says whether a topic of this name is read. Topics of the cluster itself are read only when they are named.
func (s *selection) selects(topic string) bool {
	if slices.Contains(s.topics, topic) || slices.Contains(s.additional, topic) {
		return true
	}
	if strings.HasPrefix(topic, "__") {
		return false
	}
	if s.pattern != nil && s.pattern.MatchString(topic) {
		return true
	}
	return slices.ContainsFunc(s.prefixes, func(p string) bool { return strings.HasPrefix(topic, p) })
}

// samples are names that are selected whatever topics there are.
func (s *selection) samples() []string {
	names := slices.Concat(s.topics, s.additional, s.prefixes)
	if s.pattern != nil && s.pattern.MatchString("any") {
		names = append(names, "any")
	}
	return names
}
