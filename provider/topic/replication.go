package topic

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/reassign"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// resourceModel is the model with what only the resource has.
type resourceModel struct {
	model

	ReplicationThrottle types.String   `tfsdk:"replication_throttle"`
	Timeouts            timeouts.Value `tfsdk:"timeouts"`
}

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	return remote.Timeouts(ctx, "How long Terraform waits.", timeouts.Opts{Update: true, UpdateDescription: reassign.TimeoutDoc})
}

func put(ctx context.Context, client *api.Client, w remote.Write[resourceModel], options api.WriteOptions) (*api.Topic, error) {
	body := w.Plan.expand(w.State.model)
	body.ReplicationThrottle = w.Plan.ReplicationThrottle.ValueString()
	answer, err := client.PutTopic(ctx, w.Plan.ConnectionName.ValueString(), w.Plan.Name.ValueString(), body, options)
	if err != nil || options.DryRun || !reassign.Under(answer, body.ReplicationFactor) {
		return answer, err
	}
	if answer, err = reassign.Await(ctx, client, w.Plan.ConnectionName.ValueString(), w.Plan.Name.ValueString(), body.ReplicationFactor); err != nil {
		return nil, err
	}
	return answer, nil
}

// notice warns of a topic that took the place of the one in state, and of replicas on their way.
func notice(m *resourceModel, t *api.Topic, diags *diag.Diagnostics) {
	if before := m.TopicID.ValueString(); before != "" && before != t.ID {
		diags.AddWarning(fmt.Sprintf("Topic %q is not the one that was here", t.Name),
			fmt.Sprintf("It was deleted and made again outside of Terraform (its id was %s and is %s). The records of the one before are gone, and consumer groups may point behind the end of the new one.", before, t.ID))
	}
	for _, look := range []func(*api.Topic) (api.Warning, bool){reassign.Progress, reassign.Problem} {
		if w, found := look(t); found {
			diags.AddWarning(w.Summary, w.Detail)
		}
	}
}

type throttleValidator struct{}

func (throttleValidator) Description(context.Context) string { return "a size, or unlimited" }

func (v throttleValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (throttleValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := api.ParseThrottle(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "replication_throttle is not valid", err.Error()+".")
	}
}
