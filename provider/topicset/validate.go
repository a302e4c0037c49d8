package topicset

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// validate checks a configuration by itself.
func (s *set) validate(diags *diagnostics) {
	s.defaults.validate(diags, tftypes.NewAttributePath().WithAttributeName(attrDefaults))
	for _, name := range slices.Sorted(maps.Keys(s.topics)) {
		e := s.topics[name]
		if !namePattern.MatchString(name) || name == "." || name == ".." {
			diags.fail(at(name), fmt.Sprintf("Topic name %q is not valid", name), "A topic name is 1 to 249 letters, digits, dots, dashes and underscores.")
		}
		if e.null {
			diags.fail(at(name), fmt.Sprintf("Topic %q is null", name), "For a topic that takes all from the defaults write {}; for no topic leave the entry out.")
		}
		e.validate(diags, at(name))
	}
}

func (s settings) validate(diags *diagnostics, under *tftypes.AttributePath) {
	s.count(diags, under, attrPartitions, s.partitions, 1_000_000)
	s.count(diags, under, attrReplication, s.replicas, math.MaxInt16)
	if s.retention.given {
		if _, err := spec.RetentionMillis(s.retention.v); err != nil {
			diags.fail(under.WithAttributeName(attrRetention), "retention is not valid", err.Error()+".")
			return
		}
	}
	millis := s.config.m[retentionConfig]
	if s.retention.given && millis.given && !spec.SameRetention(s.retention.v, millis.v) {
		diags.fail(under.WithAttributeName(attrRetention), "Two different retentions",
			fmt.Sprintf("retention is %q, and config[%q] is %q, which is %s. Write only one of the two.", s.retention.v, retentionConfig, millis.v, spec.RetentionText(millis.v)))
	}
}

func (s settings) count(diags *diagnostics, under *tftypes.AttributePath, name string, n opt[int64], most int64) {
	if n.given && (n.v < 1 || n.v > most) {
		diags.fail(under.WithAttributeName(name), name+" is not valid", fmt.Sprintf("%s is a whole number from 1 to %d.", name, most))
	}
}

// at is the path of an entry.
func at(name string) *tftypes.AttributePath {
	return tftypes.NewAttributePath().WithAttributeName(attrTopics).WithElementKeyString(name)
}
