package topic

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	retentionConfig = "retention.ms"
	unlimited       = "unlimited"
)

// retentionMillis is a retention in Kafka's own form: milliseconds, or -1 without a limit.
func retentionMillis(text string) (string, error) {
	if text == unlimited {
		return "-1", nil
	}
	d, err := spec.Duration(text).Parse()
	if err != nil {
		return "", fmt.Errorf("%w; or %q", err, unlimited)
	}
	return strconv.FormatInt(d.Milliseconds(), 10), nil
}

// retentionText writes Kafka's form for people, in the largest unit that leaves nothing over.
func retentionText(millis string) string {
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

// sameRetention says whether a retention as people write it is the same as Kafka's form.
func sameRetention(text, millis string) bool {
	own, err := retentionMillis(text)
	return err == nil && own == millis
}

type retentionValidator struct{}

func (retentionValidator) Description(context.Context) string { return "a duration, or unlimited" }

func (v retentionValidator) MarkdownDescription(ctx context.Context) string {
	return v.Description(ctx)
}

func (retentionValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := retentionMillis(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "retention is not valid", err.Error()+".")
	}
}
