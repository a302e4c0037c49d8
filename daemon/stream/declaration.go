package stream

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/keeping"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Limits of AWS (Amazon Kinesis Data Streams, "Quotas and limits", and the API reference of each request).
const (
	minHours    = 24
	maxHours    = 8760
	maxShards   = 10000
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
	stepsPerDay = 10
)

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)

// declaration is a stream as it is declared.
type declaration struct{ api.StreamWrite }

func (d declaration) knows(pointer string) bool {
	return !slices.ContainsFunc(d.Unknown, func(u string) bool { return u == pointer || strings.HasPrefix(u, pointer+"/") })
}

func (d declaration) mode() string {
	switch {
	case d.Mode != "":
		return d.Mode
	case d.Shards > 0:
		return api.StreamProvisioned
	}
	return api.StreamOnDemand
}

func (d declaration) hours() int64 {
	if d.Retention == "" {
		return minHours
	}
	return int64(d.Retention.Or(minHours*time.Hour) / time.Hour)
}

func (d declaration) protected() bool { return d.DeletionProtection == nil || *d.DeletionProtection }

func checkName(name string) error {
	if namePattern.MatchString(name) {
		return nil
	}
	return api.Invalid("/name", "The name is not allowed", "The name of a stream is 1 to 128 letters, digits, dots, dashes and underscores.", "Choose another name.")
}

// check finds what is wrong without asking anyone.
func (d declaration) check() error {
	var all []*api.Error
	all = append(all, d.checkShards()...)
	if d.knows("/retention") && d.Retention != "" {
		if kept, err := d.Retention.Parse(); err != nil || kept%time.Hour != 0 || kept < minHours*time.Hour || kept > maxHours*time.Hour {
			all = append(all, api.Invalid("/retention", "The retention is not possible", "Kinesis keeps records for whole hours, from 24h to 8760h (a year).", "Set it to a duration such as \"24h\" or \"168h\"."))
		}
	}
	all = append(all, d.checkTags()...)
	if len(all) == 0 {
		return nil
	}
	first := *all[0]
	for _, e := range all[1:] {
		first.More = append(first.More, *e)
	}
	return &first
}

func (d declaration) checkShards() []*api.Error {
	if !d.knows("/shards") || !d.knows("/mode") {
		return nil
	}
	switch {
	case d.mode() == api.StreamOnDemand && d.Shards != 0:
		return []*api.Error{api.Invalid("/shards", "An on-demand stream has no number of shards", "With mode ON_DEMAND, AWS adds and removes shards by itself.", "Leave shards out, or set mode to PROVISIONED.")}
	case d.mode() == api.StreamProvisioned && d.Shards == 0:
		return []*api.Error{api.Invalid("/shards", "The number of shards is missing", "With mode PROVISIONED, it is yours to say.", "Set shards, or leave mode out for an on-demand stream.")}
	case d.Shards < 0 || d.Shards > maxShards:
		return []*api.Error{api.Invalid("/shards", "The number of shards is not possible", fmt.Sprintf("A stream has 1 to %d shards.", maxShards), "Set shards to a number among these.")}
	}
	return nil
}

func (d declaration) checkTags() []*api.Error {
	var all []*api.Error
	if len(d.Tags) > maxTags {
		all = append(all, api.Invalid("/tags", "There are too many tags", fmt.Sprintf("A stream has at most %d tags.", maxTags), "Leave some out."))
	}
	for _, key := range slices.Sorted(maps.Keys(d.Tags)) {
		at := "/tags/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		switch {
		case key == "" || len(key) > maxTagKey || len(d.Tags[key]) > maxTagValue:
			all = append(all, api.Invalid(at, "The tag is too long", fmt.Sprintf("A tag's key has 1 to %d characters, and its value at most %d.", maxTagKey, maxTagValue), "Shorten it."))
		case api.ReservedStreamTag(key):
			all = append(all, api.Invalid(at, "The tag is reserved", "AWS keeps tags that begin with aws: for itself.", "Choose another key."))
		}
	}
	return all
}

// steps are the shard counts on the way, both from and to of them at least 1: AWS goes at most to the double or to the
// half (rounded up) at once.
func steps(from, to int64) []int64 {
	var way []int64
	for from != to {
		if to > from {
			from = min(to, 2*from)
		} else {
			from = max(to, (from+1)/2)
		}
		way = append(way, from)
	}
	return way
}

var errTooManySteps = errors.New("too many steps")

// reshard is the way to the declared number of shards; none when AWS decides.
func (d declaration) reshard(have *state) ([]int64, error) {
	if d.mode() != api.StreamProvisioned || !d.knows("/shards") || d.Shards == 0 {
		return nil, nil
	}
	way := steps(max(have.shards, 1), d.Shards)
	if len(way) > stepsPerDay {
		return nil, errTooManySteps
	}
	return way, nil
}

// losses say what a change removes. A stream that is younger than its new retention holds nothing older.
func (d declaration) losses(have *state, now time.Time) []keeping.Loss {
	kept := time.Duration(d.hours()) * time.Hour
	if have == nil || !d.knows("/retention") || d.hours() >= have.hours || now.Sub(have.created) <= kept {
		return nil
	}
	oldest := max(now.Add(-time.Duration(have.hours)*time.Hour).UnixMilli(), have.created.UnixMilli())
	return []keeping.Loss{{
		Warning: api.Warning{
			Summary: fmt.Sprintf("Records older than %dh are deleted at once", d.hours()), Attribute: "/retention",
			Detail: fmt.Sprintf("Stream %q keeps records for %dh now, so that there may be some since %s; what is older than the new retention cannot be read any more. AWS does not tell how many there are.",
				have.name, have.hours, time.UnixMilli(oldest).UTC().Format("2006-01-02 15:04:05 MST")),
		},
		Keep: fmt.Sprintf("keep retention at \"%dh\"", have.hours),
	}}
}

// protects says whether the stream is to be protected, as far as that is known.
func (d declaration) protects() bool { return d.knows("/deletion_protection") && d.protected() }

// warnings say what a change costs.
func (d declaration) warnings(have *state, way []int64) []api.Warning {
	var warnings []api.Warning
	if len(way) > 1 {
		warnings = append(warnings, api.Warning{
			Summary: fmt.Sprintf("Resharding from %d to %d takes %d steps", have.shards, d.Shards, len(way)), Attribute: "/shards",
			Detail: fmt.Sprintf("AWS goes at most to the double or to the half at once: %s. It allows %d such steps of a stream in 24 hours. An apply that ends on the way is continued by the next one.",
				strings.Trim(strings.ReplaceAll(fmt.Sprint(way), " ", ", "), "[]"), stepsPerDay),
		})
	}
	if d.mode() != have.mode && d.knows("/mode") {
		warnings = append(warnings, api.Warning{
			Summary: fmt.Sprintf("The mode changes from %s to %s", have.mode, d.mode()), Attribute: "/mode",
			Detail: "AWS allows two changes of the mode in 24 hours, and bills the stream otherwise from now on.",
		})
	}
	return warnings
}
