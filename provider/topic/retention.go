package topic

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

type retentionValidator struct{}

func (retentionValidator) Description(context.Context) string { return "a duration, or unlimited" }

func (v retentionValidator) MarkdownDescription(ctx context.Context) string {
	return v.Description(ctx)
}

func (retentionValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := spec.RetentionMillis(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "retention is not valid", err.Error()+".")
	}
}
