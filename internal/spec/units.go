package spec

import (
	"fmt"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/dustin/go-humanize"
)

// Duration is a length of time as people write it: "5m", "168h", "0ms". See [time.ParseDuration].
type Duration string

// Parse answers the length of time.
func (d Duration) Parse() (time.Duration, error) {
	v, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write a number with a unit, ms, s, m or h, such as \"30s\", \"5m\" or \"168h\"", string(d))
	}
	if v < 0 {
		return 0, fmt.Errorf("%q is negative", string(d))
	}
	return v, nil
}

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
