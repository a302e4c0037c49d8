package spec

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/dustin/go-humanize"
)

// Duration is a length of time as people write it: "5m", "168h", "7d", "0ms". See [time.ParseDuration]; d, which may come
// first, is 24 hours.
type Duration string

var days = regexp.MustCompile(`^([0-9]+)d`)

// Parse answers the length of time.
func (d Duration) Parse() (time.Duration, error) {
	v, err := parseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write a number with a unit, ms, s, m, h or d, such as \"30s\", \"5m\" or \"7d\"", string(d))
	}
	if v < 0 {
		return 0, fmt.Errorf("%q is negative", string(d))
	}
	return v, nil
}

func parseDuration(text string) (time.Duration, error) {
	found := days.FindStringSubmatch(text)
	if found == nil {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil || n > int64(math.MaxInt64/(24*time.Hour)) {
		return 0, errDuration
	}
	whole := time.Duration(n) * 24 * time.Hour
	rest := text[len(found[0]):]
	if rest == "" {
		return whole, nil
	}
	part, err := time.ParseDuration(rest)
	if err != nil || part < 0 || whole > math.MaxInt64-part {
		return 0, errDuration
	}
	return whole + part, nil
}

var errDuration = errors.New("not a duration")

// Or answers the length of time, or fallback for an empty or broken one (validation has refused the broken ones).
func (d Duration) Or(fallback time.Duration) time.Duration {
	v, err := d.Parse()
	if err != nil {
		return fallback
	}
	return v
}

// Schema describes a duration in OpenAPI.
func (Duration) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "A duration such as \"30s\", \"5m\" or \"168h\"."}
}

// Size is a number of bytes as people write it: "64MiB", "1GB", "1048576".
type Size string

// Parse answers the number of bytes.
func (s Size) Parse() (int64, error) {
	v, err := humanize.ParseBytes(strings.TrimSpace(string(s)))
	if err != nil || v > 1<<62 {
		return 0, fmt.Errorf("%q is not a size: write a number with a unit, such as \"512KiB\" or \"64MiB\"", string(s))
	}
	return int64(v), nil
}

// Schema describes a size in OpenAPI.
func (Size) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "A size such as \"512KiB\" or \"64MiB\"."}
}

var (
	_ huma.SchemaProvider = Duration("")
	_ huma.SchemaProvider = Size("")
)
