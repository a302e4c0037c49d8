package topicset

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// problem is what is wrong with a part of the configuration.
type problem struct {
	where           *tftypes.AttributePath
	summary, detail string
}

// validate checks a configuration by itself.
func (s *set) validate(diags *diagnostics) {
	for _, p := range slices.Concat(s.ownProblems(), s.defaults.problems(tftypes.NewAttributePath().WithAttributeName(attrDefaults), "the defaults")) {
		diags.fail(p.where, p.summary, p.detail)
	}
	for _, name := range slices.Sorted(maps.Keys(s.topics)) {
		found := s.topics[name].problems(name)
		if len(found) == 0 || !diags.show() {
			continue
		}
		for _, p := range found {
			diags.fail(p.where, p.summary, p.detail)
		}
	}
	diags.end()
}

// ownProblems are those of what is about all topics together.
func (s *set) ownProblems() []problem {
	var all []problem
	if _, err := api.ParseThrottle(s.throttle.v); s.throttle.given && err != nil {
		all = append(all, problem{tftypes.NewAttributePath().WithAttributeName(attrThrottle), attrThrottle + " is not valid", err.Error() + "."})
	}
	for _, one := range []struct {
		name string
		text opt[string]
	}{{attrCreate, s.timeouts.create}, {attrUpdate, s.timeouts.update}} {
		if limit, err := time.ParseDuration(one.text.v); one.text.given && (err != nil || limit <= 0) {
			all = append(all, problem{
				tftypes.NewAttributePath().WithAttributeName(attrTimeouts).WithAttributeName(one.name), "The timeout is not valid",
				fmt.Sprintf("%q is no time to wait, such as 90s, 30m or 4h.", one.text.v),
			})
		}
	}
	return all
}

func (e entry) problems(name string) []problem {
	var all []problem
	if !namePattern.MatchString(name) || name == "." || name == ".." {
		all = append(all, problem{at(name), fmt.Sprintf("Topic name %q is not valid", name), "A topic name is 1 to 249 letters, digits, dots, dashes and underscores."})
	}
	if e.null {
		all = append(all, problem{at(name), fmt.Sprintf("Topic %q is null", name), "For a topic that takes all from the defaults write {}; for no topic leave the entry out."})
	}
	return append(all, e.settings.problems(at(name), fmt.Sprintf("topic %q", name))...)
}

// problems are those of settings at a path; of is whose they are.
func (s settings) problems(under *tftypes.AttributePath, of string) []problem {
	all := slices.Concat(countProblem(under, of, attrPartitions, s.partitions, 1_000_000), countProblem(under, of, attrReplication, s.replicas, math.MaxInt16))
	if !s.retention.given {
		return all
	}
	at := under.WithAttributeName(attrRetention)
	if _, err := spec.RetentionMillis(s.retention.v); err != nil {
		return append(all, problem{at, "retention of " + of + " is not valid", err.Error() + "."})
	}
	if millis := s.config.m[api.RetentionConfig]; millis.given && !spec.SameRetention(s.retention.v, millis.v) {
		all = append(all, problem{at, "Two different retentions of " + of, spec.TwoRetentions(s.retention.v, millis.v)})
	}
	return all
}

func countProblem(under *tftypes.AttributePath, of, name string, n opt[int64], most int64) []problem {
	if !n.given || n.v >= 1 && n.v <= most {
		return nil
	}
	return []problem{{under.WithAttributeName(name), name + " of " + of + " is not valid", fmt.Sprintf("%s is a whole number from 1 to %d.", name, most)}}
}

// at is the path of an entry.
func at(name string) *tftypes.AttributePath {
	return tftypes.NewAttributePath().WithAttributeName(attrTopics).WithElementKeyString(name)
}
