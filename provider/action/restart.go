// Package action is Terraform's view of what is done to more than one kind of thing: an action of one kind is beside its resource.
package action

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/restart"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// defaultTimeout is how long a connector may take to run again.
const defaultTimeout = 2 * time.Minute

// longer is what to set to wait longer.
const longer = "timeouts.invoke"

type restartModel struct {
	ConnectionName types.String   `tfsdk:"connection_name"`
	Name           types.String   `tfsdk:"name"`
	OnlyFailed     types.Bool     `tfsdk:"only_failed"`
	Timeouts       timeouts.Value `tfsdk:"timeouts"`
}

// NewRestartConnector makes the action headgate_restart_connector.
func NewRestartConnector() action.Action {
	return remote.NewAction(remote.Action[restartModel]{
		Type:       "restart_connector",
		Schema:     restartSchema,
		What:       func(m *restartModel) string { return fmt.Sprintf("restart connector %q", m.Name.ValueString()) },
		Where:      restartWhere,
		Connection: func(m *restartModel) string { return m.ConnectionName.ValueString() },
		Missing:    (*restartModel).missing,
		Known:      func(m *restartModel) bool { return !m.ConnectionName.IsUnknown() && !m.Name.IsUnknown() },
		Check:      check,
		Invoke:     invoke,
	})
}

func restartSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Restarts a connector that the daemon hosts, or, with `connection_name`, one that a Kafka Connect cluster runs. It does so each time that it is invoked: by the `action_trigger` of a resource, or by hand with `terraform apply -invoke`. " +
			"It ends when the connector runs again, or is paused as before, and fails with the root cause when it does not. A stopped connector is refused. Actions need Terraform 1.14 or newer. With an older one or OpenTofu, use the command `headgated connector restart`.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the Kafka Connect cluster that runs the connector, of kind `kafka_connect`. Without it, the connector is one that the daemon hosts.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "The name of the connector.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"only_failed": schema.BoolAttribute{
				MarkdownDescription: "Whether only what has failed is restarted: instances of a hosted connector, on Kafka Connect the connector itself and its tasks; the others go on. Default: `false`, all of it.",
				Optional:            true,
			},
			"timeouts": timeoutsAttribute(ctx),
		},
	}
}

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	attribute := timeouts.AttributesWithOpts(ctx, timeouts.Opts{InvokeDescription: "How long the connector may take to run again, such as `5m`. Default: `2m`."})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long Terraform waits."
		return nested
	}
	return attribute
}

func restartWhere(_ *restartModel, pointer string) path.Path {
	if pointer == "/name" {
		return path.Root("name")
	}
	return path.Empty()
}

func (m *restartModel) missing(string) (noun, id string) {
	if m.ConnectionName.IsNull() {
		return "source_connector", m.Name.ValueString()
	}
	return "connector", m.ConnectionName.ValueString() + "/" + m.Name.ValueString()
}

// check looks whether there is something to restart.
func check(ctx context.Context, client *api.Client, m *restartModel) ([]api.Warning, error) {
	state, err := m.state(ctx, client)
	if err == nil && state == api.StateStopped {
		err = api.Refused(api.CodeRefused, "/state", fmt.Sprintf("Connector %q is stopped", m.Name.ValueString()), "If it still is when the action runs, that is an error.", "Set its state to running.")
	}
	return nil, err
}

// state is what the connector should be doing.
func (m *restartModel) state(ctx context.Context, client *api.Client) (string, error) {
	if m.ConnectionName.IsNull() {
		c, err := client.GetConnector(ctx, m.Name.ValueString())
		if err != nil {
			return "", err
		}
		return c.State, nil
	}
	k, err := client.GetKafkaConnector(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
	if err != nil {
		return "", err
	}
	return k.State, nil
}

func invoke(ctx context.Context, client *api.Client, m *restartModel, say func(text string)) error {
	limit, diags := m.Timeouts.Invoke(ctx, defaultTimeout)
	if diags.HasError() {
		return fmt.Errorf("timeouts: %s", diags[0].Detail())
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if m.ConnectionName.IsNull() {
		_, err := restart.Hosted(client, m.Name.ValueString(), m.OnlyFailed.ValueBool(), longer).Run(ctx, say)
		return err
	}
	_, err := restart.OnKafkaConnect(client, m.ConnectionName.ValueString(), m.Name.ValueString(), m.OnlyFailed.ValueBool(), longer).Run(ctx, say)
	return err
}
