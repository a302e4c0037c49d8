// Package topicconfig knows the configurations that topics have in Apache Kafka, and which values they take.
package topicconfig

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Config describes a configuration of topics, see https://kafka.apache.org/documentation/#topicconfigs.
type Config struct {
	Name    string
	Kind    kmsg.ConfigType
	Default string
	// Synonym is the broker's configuration that the default comes from. It is empty where a broker tells of none.
	Synonym string
	check   check
}

// check normalizes a value, without surrounding spaces, or says what is wrong with it.
type check func(name, value string) (string, error)

// RefusalError is what a broker says of a configuration that it does not take.
type RefusalError string

func (r RefusalError) Error() string { return string(r) }

func refuse(format string, args ...any) error { return RefusalError(fmt.Sprintf(format, args...)) }

// All returns the public configurations of Apache Kafka 4.3, sorted by name, with the defaults of its brokers.
func All() []Config {
	const (
		booleans = kmsg.ConfigTypeBoolean
		ints     = kmsg.ConfigTypeInt
		longs    = kmsg.ConfigTypeLong
		texts    = kmsg.ConfigTypeString
		lists    = kmsg.ConfigTypeList
		max64    = "9223372036854775807"
	)
	return []Config{
		{"cleanup.policy", lists, "delete", "log.cleanup.policy", checkPolicies},
		{"compression.gzip.level", ints, "-1", "compression.gzip.level", checkGzipLevel},
		{"compression.lz4.level", ints, "9", "compression.lz4.level", checkInt(1, 17)},
		{"compression.type", texts, "producer", "compression.type", checkEnum("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")},
		{"compression.zstd.level", ints, "3", "compression.zstd.level", checkInt(-131072, 22)},
		{"delete.retention.ms", longs, "86400000", "log.cleaner.delete.retention.ms", checkLong(0)},
		{"file.delete.delay.ms", longs, "60000", "log.segment.delete.delay.ms", checkLong(0)},
		{"flush.messages", longs, max64, "log.flush.interval.messages", checkLong(1)},
		{"flush.ms", longs, max64, "", checkLong(0)},
		{"follower.replication.throttled.replicas", lists, "", "", checkThrottled},
		{"index.interval.bytes", ints, "4096", "log.index.interval.bytes", checkInt(0, math.MaxInt32)},
		{"leader.replication.throttled.replicas", lists, "", "", checkThrottled},
		{"local.retention.bytes", longs, "-2", "log.local.retention.bytes", checkLong(-2)},
		{"local.retention.ms", longs, "-2", "log.local.retention.ms", checkLong(-2)},
		{"max.compaction.lag.ms", longs, max64, "log.cleaner.max.compaction.lag.ms", checkLong(1)},
		{"max.message.bytes", ints, "1048588", "message.max.bytes", checkInt(0, math.MaxInt32)},
		{"message.timestamp.after.max.ms", longs, "3600000", "log.message.timestamp.after.max.ms", checkLong(0)},
		{"message.timestamp.before.max.ms", longs, max64, "log.message.timestamp.before.max.ms", checkLong(0)},
		{"message.timestamp.type", texts, "CreateTime", "log.message.timestamp.type", checkEnum("CreateTime", "LogAppendTime")},
		{"min.cleanable.dirty.ratio", kmsg.ConfigTypeDouble, "0.5", "log.cleaner.min.cleanable.ratio", checkRatio},
		{"min.compaction.lag.ms", longs, "0", "log.cleaner.min.compaction.lag.ms", checkLong(0)},
		{"min.insync.replicas", ints, "1", "min.insync.replicas", checkInt(1, math.MaxInt32)},
		{"preallocate", booleans, "false", "log.preallocate", checkBoolean},
		{"remote.log.copy.disable", booleans, "false", "", checkBoolean},
		{"remote.log.delete.on.disable", booleans, "false", "", checkBoolean},
		{"remote.storage.enable", booleans, "false", "", checkBoolean},
		{"retention.bytes", longs, "-1", "log.retention.bytes", checkLong(math.MinInt64)},
		{"retention.ms", longs, "604800000", "", checkLong(-1)},
		{"segment.bytes", ints, "1073741824", "log.segment.bytes", checkInt(1<<20, math.MaxInt32)},
		{"segment.index.bytes", ints, "10485760", "log.index.size.max.bytes", checkInt(4, math.MaxInt32)},
		{"segment.jitter.ms", longs, "0", "", checkLong(0)},
		{"segment.ms", longs, "604800000", "", checkLong(1)},
		{"unclean.leader.election.enable", booleans, "false", "unclean.leader.election.enable", checkBoolean},
	}
}

// Find returns false if topics have no such configuration.
func Find(name string) (Config, bool) {
	all := All()
	i := slices.IndexFunc(all, func(c Config) bool { return c.Name == name })
	if i < 0 {
		return Config{}, false
	}
	return all[i], true
}

// Check returns the values as a broker keeps them, or why it refuses one or all of them together.
func Check(values map[string]string) (map[string]string, error) {
	for name := range values {
		if _, ok := Find(name); !ok {
			return nil, refuse("Unknown topic config name: %s", name)
		}
	}
	checked := map[string]string{}
	for _, config := range All() {
		value, ok := values[config.Name]
		if !ok {
			continue
		}
		value, err := config.check(config.Name, strings.TrimSpace(value))
		if err != nil {
			return nil, err
		}
		checked[config.Name] = value
	}
	return checked, checkTogether(checked)
}

func checkTogether(values map[string]string) error {
	const minLag, maxLag, remote = "min.compaction.lag.ms", "max.compaction.lag.ms", "remote.storage.enable"

	low, high := number(values, minLag), number(values, maxLag)
	if low > high {
		return refuse("conflict topic config setting %s (%d) > %s (%d)", minLag, low, maxLag, high)
	}
	if values[remote] == "true" {
		return refuse("Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.")
	}
	return nil
}

// number returns a checked value, or the default.
func number(values map[string]string, name string) int64 {
	value, ok := values[name]
	if !ok {
		config, _ := Find(name)
		value = config.Default
	}
	n, _ := strconv.ParseInt(value, 10, 64) // The value was checked.
	return n
}

func invalid(name, value, format string, args ...any) error {
	return refuse("Invalid value %s for configuration %s: %s", value, name, fmt.Sprintf(format, args...))
}

func checkLong(low int64) check {
	return checkNumber(64, "LONG", low, math.MaxInt64)
}

func checkInt(low, high int64) check {
	return checkNumber(32, "INT", low, high)
}

func checkNumber(bits int, kind string, low, high int64) check {
	return func(name, value string) (string, error) {
		n, err := strconv.ParseInt(value, 10, bits)
		switch {
		case err != nil:
			return "", invalid(name, value, "Not a number of type %s", kind)
		case n < low:
			return "", invalid(name, strconv.FormatInt(n, 10), "Value must be at least %d", low)
		case n > high:
			return "", invalid(name, strconv.FormatInt(n, 10), "Value must be no more than %d", high)
		default:
			return strconv.FormatInt(n, 10), nil
		}
	}
}

func checkGzipLevel(name, value string) (string, error) {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return "", invalid(name, value, "Not a number of type INT")
	}
	if n != -1 && (n < 1 || n > 9) {
		return "", invalid(name, value, "Value must be between 1 and 9 or equal to -1")
	}
	return strconv.FormatInt(n, 10), nil
}

func checkRatio(name, value string) (string, error) {
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || math.IsNaN(n):
		return "", invalid(name, value, "Not a number of type DOUBLE")
	case n < 0:
		return "", invalid(name, value, "Value must be at least 0")
	case n > 1:
		return "", invalid(name, value, "Value must be no more than 1")
	default:
		return value, nil
	}
}

func checkBoolean(name, value string) (string, error) {
	lower := strings.ToLower(value)
	if lower != "true" && lower != "false" {
		return "", invalid(name, value, "Expected value to be either true or false")
	}
	return lower, nil
}

func checkEnum(values ...string) check {
	return func(name, value string) (string, error) {
		if !slices.Contains(values, value) {
			return "", invalid(name, value, "String must be one of: %s", strings.Join(values, ", "))
		}
		return value, nil
	}
}

func checkPolicies(name, value string) (string, error) {
	var policies []string
	for _, policy := range SplitList(value) {
		if policy == "" {
			return "", refuse("Configuration '%s' values must not be empty.", name)
		}
		if policy != "compact" && policy != "delete" {
			return "", invalid(name, policy, "String must be one of: compact, delete")
		}
		if !slices.Contains(policies, policy) {
			policies = append(policies, policy)
		}
	}
	return strings.Join(policies, ","), nil
}

var throttled = regexp.MustCompile(`^[0-9]+:[0-9]+$`)

func checkThrottled(name, value string) (string, error) {
	replicas := SplitList(value)
	if value == "*" || !slices.ContainsFunc(replicas, func(r string) bool { return !throttled.MatchString(r) }) {
		return strings.Join(replicas, ","), nil
	}
	return "", invalid(name, "["+strings.Join(replicas, ", ")+"]",
		"%s must be the literal '*' or a list of replicas in the following format: "+
			"[partitionId]:[brokerId],[partitionId]:[brokerId],...", name)
}

// SplitList returns the values of a list, without surrounding spaces. An empty list has none.
func SplitList(list string) []string {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	values := strings.Split(list, ",")
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}
