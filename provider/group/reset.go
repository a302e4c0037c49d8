package group

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewResetAction makes the action headgate_reset_offsets.
func NewResetAction() action.Action {
	return remote.NewAction(remote.Action[resetModel]{
		Type:   "reset_offsets",
		Schema: resetSchema,
		What: func(m *resetModel) string {
			return fmt.Sprintf("reset the offsets of consumer group %q", m.Group.ValueString())
		},
		Where:      func(_ *resetModel, pointer string) path.Path { return where(pointer) },
		Connection: func(m *resetModel) string { return m.ConnectionName.ValueString() },
		Missing:    (*resetModel).missing,
		Known:      func(m *resetModel) bool { return !m.ConnectionName.IsUnknown() && !m.Group.IsUnknown() },
		Check: func(ctx context.Context, client *api.Client, m *resetModel) ([]api.Warning, error) {
			moves, err := m.reset(ctx, client, api.WriteOptions{DryRun: true})
			if err != nil {
				return nil, err
			}
			return preview(moves), nil
		},
		Invoke: func(ctx context.Context, client *api.Client, m *resetModel, say func(text string)) error {
			moves, err := m.reset(ctx, client, api.WriteOptions{})
			if err != nil {
				return err
			}
			for _, line := range lines(moves) {
				say(line)
			}
			return nil
		},
	})
}

func resetSchema(context.Context) schema.Schema {
	m := moves()
	attributes := map[string]schema.Attribute{
		"connection_name": schema.StringAttribute{MarkdownDescription: "The connection of the cluster.", Required: true},
		"group": schema.StringAttribute{
			MarkdownDescription: "The consumer group. One that does not exist yet is created, and its first member begins there.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"topics":  schema.SetAttribute{MarkdownDescription: m.topics.MarkdownDescription, Optional: true, ElementType: m.topics.ElementType, Validators: m.topics.Validators},
		"to":      schema.StringAttribute{MarkdownDescription: m.to.MarkdownDescription, Optional: true, Validators: m.to.Validators},
		"shift":   schema.Int64Attribute{MarkdownDescription: m.shift.MarkdownDescription, Optional: true, Validators: m.shift.Validators},
		"offsets": schema.MapAttribute{MarkdownDescription: m.offsets.MarkdownDescription, Optional: true, ElementType: m.offsets.ElementType, Validators: m.offsets.Validators},
	}
	return schema.Schema{
		MarkdownDescription: "Moves the committed offsets of a consumer group (classic or KIP-848): to read again, or to skip. It does so each time that it is invoked: by the `action_trigger` of a resource, or by hand with `terraform apply -invoke`. " +
			"The plan warns with every partition, from where to where as of then; the apply reports what has moved. A group that has members is refused when the action runs, and warned of when planning. " +
			"Actions need Terraform 1.14 or newer. With an older one or OpenTofu, use the resource `headgate_consumer_group_offsets`, which does the same when it is created or changed.",
		Attributes: attributes,
	}
}
