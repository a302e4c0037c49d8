package stream

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// sameStream plans no change where the name takes the place of the ARN of the same stream, or the other way round.
type sameStream struct{}

func (sameStream) Description(context.Context) string {
	return "The name and the ARN of a stream are the same."
}

func (s sameStream) MarkdownDescription(ctx context.Context) string { return s.Description(ctx) }

func (sameStream) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.State.Raw.IsNull() || req.Plan.Raw.IsNull() || req.PlanValue.IsUnknown() {
		return
	}
	var arn types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("arn"), &arn)...)
	if same(req.PlanValue.ValueString(), req.StateValue.ValueString(), arn.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}

// same says whether two texts name the stream of an ARN.
func same(one, other, arn string) bool {
	is := func(text string) bool { return arn != "" && (text == arn || text == nameIn(arn)) }
	return is(one) && is(other)
}

func nameIn(arn string) string {
	_, name, _ := strings.Cut(arn, ":stream/")
	return name
}
