package topic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// moveTimeout is how long an apply waits for replicas to be copied unless told otherwise.
const moveTimeout = time.Hour

// resourceModel is the model with what only the resource has.
type resourceModel struct {
	model

	ReplicationThrottle types.String   `tfsdk:"replication_throttle"`
	Timeouts            timeouts.Value `tfsdk:"timeouts"`
}

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	attribute := timeouts.Attributes(ctx, timeouts.Opts{
		Update: true, UpdateDescription: "How long to wait until replicas are copied when the replication factor changes, such as `4h`. Default: `1h`.",
	})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long Terraform waits."
		return nested
	}
	return attribute
}

func put(ctx context.Context, client *api.Client, w remote.Write[resourceModel], options api.WriteOptions) (*api.Topic, error) {
	body := w.Plan.expand(w.State.model)
	body.ReplicationThrottle = w.Plan.ReplicationThrottle.ValueString()
	answer, err := client.PutTopic(ctx, w.Plan.ConnectionName.ValueString(), w.Plan.Name.ValueString(), body, options)
	if err != nil || options.DryRun || answer.Reassignment == nil && answer.ReplicationFactor == body.ReplicationFactor {
		return answer, err
	}
	return arrived(ctx, client, &w.Plan.model)
}

// arrived waits until all replicas are where they go. The daemon holds each request until there is news.
func arrived(ctx context.Context, client *api.Client, m *model) (*api.Topic, error) {
	connection, name, factor := m.ConnectionName.ValueString(), m.Name.ValueString(), m.ReplicationFactor.ValueInt64()
	seen := &api.Reassignment{InProgress: true}
	for seen.InProgress {
		now, err := client.WaitReassignment(ctx, connection, name)
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, stillMoving(m, seen)
		}
		if err != nil {
			return nil, err
		}
		seen = now
		tflog.Info(ctx, "replicas are being copied", map[string]any{"topic": name, "partitions_left": now.PartitionsLeft, "partitions": now.PartitionsTotal, "bytes_left": now.BytesLeft})
	}
	topic, err := client.GetTopic(ctx, connection, name)
	if err != nil {
		return nil, err
	}
	if topic.ReplicationFactor != factor {
		return nil, api.Refused(api.CodeRefused, "/replication_factor", fmt.Sprintf("Topic %q has %d replicas after all, and not %d", name, topic.ReplicationFactor, factor),
			"Someone cancelled the change, or made another one.", "Plan again to see how things are.")
	}
	return topic, nil
}

func stillMoving(m *model, seen *api.Reassignment) error {
	left := fmt.Sprintf("%d of %d partitions are left", seen.PartitionsLeft, seen.PartitionsTotal)
	if seen.BytesLeft != nil {
		left += fmt.Sprintf(", about %d bytes", *seen.BytesLeft)
	}
	return api.Refused(api.CodeRefused, "/replication_factor", fmt.Sprintf("The replicas of topic %q are still being copied", m.Name.ValueString()),
		left+". The brokers go on, and Headgate takes the throttle away when they are done.",
		"To wait longer, raise timeouts.update; to copy faster, raise replication_throttle. The next plan shows how things are.")
}

// notice warns of a topic that took the place of the one in state, and of replicas on their way.
func notice(m *resourceModel, t *api.Topic, diags *diag.Diagnostics) {
	if before := m.TopicID.ValueString(); before != "" && before != t.ID {
		diags.AddWarning(fmt.Sprintf("Topic %q is not the one that was here", t.Name),
			fmt.Sprintf("It was deleted and made again outside of Terraform (its id was %s and is %s). The records of the one before are gone, and consumer groups may point behind the end of the new one.", before, t.ID))
	}
	r := t.Reassignment
	if r == nil {
		return
	}
	if r.InProgress {
		diags.AddWarning(fmt.Sprintf("The replicas of topic %q are being copied", t.Name),
			fmt.Sprintf("Its replication factor changes to %d, at %s per second and broker at most. Until then not all replicas are in sync.", r.ReplicationFactor, r.Throttle))
	}
	if r.Problem != "" {
		diags.AddWarning(fmt.Sprintf("The change of the replication factor of topic %q is not cleaned up after", t.Name),
			fmt.Sprintf("Headgate keeps trying: %s.", r.Problem))
	}
}

type throttleValidator struct{}

func (throttleValidator) Description(context.Context) string { return "a size, or unlimited" }

func (v throttleValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (throttleValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	text := req.ConfigValue.ValueString()
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || text == api.Unlimited {
		return
	}
	n, err := spec.Size(text).Parse()
	if err == nil && n == 0 {
		err = fmt.Errorf("%q lets nothing through", text)
	}
	if err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "replication_throttle is not valid", fmt.Sprintf("%v; or %q.", err, api.Unlimited))
	}
}
