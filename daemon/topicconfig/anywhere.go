package topicconfig

import (
	"math"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// CheckAnywhere says what is wrong with a value for which there is no cluster to ask yet. It knows only what brokers of every
// version and maker refuse, and nothing of names that Apache Kafka does not have.
func CheckAnywhere(name, value string) error {
	config, ok := Find(name)
	if !ok {
		return nil
	}
	judge := config.check
	switch name {
	case "compression.type": // others have other ones
		return nil
	case "segment.bytes": // before Kafka 4 there were smaller ones
		judge = checkInt(14, math.MaxInt32)
	}
	_, err := judge(name, strings.TrimSpace(value))
	return err
}

// brokers' configurations that are called otherwise for topics, beside those that defaults come from.
var elsewhere = map[string]string{
	"log.retention.ms": "retention.ms", "log.retention.minutes": "retention.ms", "log.retention.hours": "retention.ms",
	"log.roll.ms": "segment.ms", "log.roll.hours": "segment.ms", "log.roll.jitter.ms": "segment.jitter.ms", "log.flush.interval.ms": "flush.ms",
}

// Meant is the name that was probably meant by one that Apache Kafka does not have for topics; empty when none is near.
func Meant(name string) string {
	if meant, ok := elsewhere[name]; ok {
		return meant
	}
	plain := strings.NewReplacer("_", ".", "-", ".").Replace(strings.ToLower(name))
	all := All()
	if i := slices.IndexFunc(all, func(c Config) bool { return c.Name == plain || c.Synonym == plain }); i >= 0 {
		return all[i].Name
	}
	best, least := "", 3
	for _, c := range all {
		if d := levenshtein.Distance(plain, c.Name, nil); d < least {
			best, least = c.Name, d
		}
	}
	return best
}
