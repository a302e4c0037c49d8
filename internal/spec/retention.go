package spec

import (
	"fmt"
	"strconv"
	"time"
)

const unlimited = "unlimited"

// RetentionMillis is a retention in Kafka's own form: milliseconds, or -1 without a limit.
func RetentionMillis(text string) (string, error) {
	if text == unlimited {
		return "-1", nil
	}
	d, err := Duration(text).Parse()
	if err != nil {
		return "", fmt.Errorf("%w; or %q", err, unlimited)
	}
	return strconv.FormatInt(d.Milliseconds(), 10), nil
}

// RetentionText writes Kafka's form for people, in the largest unit that leaves nothing over.
func RetentionText(millis string) string {
	n, err := strconv.ParseInt(millis, 10, 64)
	if err != nil {
		return millis
	}
	if n < 0 {
		return unlimited
	}
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if ms := unit.length.Milliseconds(); n%ms == 0 && n > 0 {
			return strconv.FormatInt(n/ms, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + "ms"
}

// SameRetention says whether a retention as people write it is the same as Kafka's form.
func SameRetention(text, millis string) bool {
	own, err := RetentionMillis(text)
	return err == nil && own == millis
}

// TwoRetentions words that a retention is declared twice, and differently: as people write it, and in Kafka's form.
func TwoRetentions(text, millis string) string {
	return fmt.Sprintf("retention is %q, and config[\"retention.ms\"] is %q, which is %s. Write only one of the two.", text, millis, RetentionText(millis))
}
