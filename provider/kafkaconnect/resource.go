// Package kafkaconnect is Terraform's view of the connectors that Kafka Connect clusters run.
package kafkaconnect

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/restart"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
	"github.com/headgate/terraform-provider-headgate/provider/running"
)

var engine = running.Engine[api.KafkaConnector]{
	Grace:   3 * time.Minute,
	Silence: restart.KafkaConnectSilence,
	Of: func(k *api.KafkaConnector) running.Outcome {
		return running.Outcome{Name: k.Name, State: k.Status.State, Error: k.Status.Error, RolledBack: k.Status.RolledBack}
	},
}

var key = remote.Key{
	Attributes: []string{"connection_name", "name"},
	Docs:       []string{"The connection of the Kafka Connect cluster.", "The name of the connector."},
	Example:    "connect/orders-jdbc",
}

// NewResource makes headgate_connector.
func NewResource() resource.Resource {
	return remote.NewObject(remote.Definition[model, api.KafkaConnector]{
		Type:       "connector",
		Key:        key,
		Schema:     resourceSchema,
		What:       (*model).what,
		Where:      (*model).where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(k *api.KafkaConnector) string { return k.Generation },
		Flatten:    (*model).flatten,
		Complete:   (*model).complete,
		Validate:   validate,
		Prepare:    prepare,
		Notice:     func(_ *model, k *api.KafkaConnector, diags *diag.Diagnostics) { engine.Notice(k, diags) },
		Pages:      &remote.Pages[api.KafkaConnector]{Page: list, Key: func(k *api.KafkaConnector) []string { return []string{k.Connection, k.Name} }},
	})
}

func resourceSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A connector that a Kafka Connect cluster runs; for one that the Headgate daemon hosts there is `headgate_source_connector`. The cluster checks the configuration when planning. Creating and updating end when the connector and every task run; " +
			"a create that cannot run leaves nothing behind, an update that cannot run is taken back, and the error names the root cause. " +
			"When it is destroyed, its offsets stay on the Kafka Connect cluster: one that is created later with the same name goes on from them.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the Kafka Connect cluster, of kind `kafka_connect`. Changing it replaces the connector (destroys it and creates another).",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "The name of the connector: 1 to 200 characters, without slashes, backslashes and percent signs. Renaming replaces it (destroys it and creates another): the new one begins anew, unless one of that name was there before.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(api.KafkaConnectorNamePattern), "must be 1 to 200 characters, without slashes, backslashes, percent signs and control characters, and without spaces at its ends")},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"config": schema.MapAttribute{
				MarkdownDescription: "The whole configuration by the names of Kafka Connect and of the plugin, values as text, without `name` and without secrets. " +
					"What the plugin has a default for need not be written. Keys that someone else adds show in the next plan, which takes them away. " +
					"Keys that the cluster itself adds, as managed services do, are left alone as long as they stay as they were. " +
					"Of a value that the cluster masks, a change made elsewhere shows in no plan: keep such a value in `sensitive_config_wo`. " +
					"An import has all keys in it; the first apply finds out which of them the cluster added.",
				ElementType: types.StringType,
				Required:    true,
			},
			"sensitive_config_wo": schema.MapAttribute{
				MarkdownDescription: "The secret part of the configuration: what the plugin defines as a password, and whatever else nobody is to see. Such a key in `config` is refused when planning. " +
					"Write-only: never in state or plan. Change `sensitive_config_wo_version` to have new values used. Without it, secrets that the connector has stay as they are. " +
					"A secret changed elsewhere shows in no plan: change the version to have yours written again.",
				ElementType: types.StringType,
				Optional:    true,
				Sensitive:   true,
				WriteOnly:   true,
				Validators:  []validator.Map{mapvalidator.AlsoRequires(path.MatchRoot("sensitive_config_wo_version"))},
			},
			"sensitive_config_wo_version": schema.Int64Attribute{
				MarkdownDescription: "The version of `sensitive_config_wo`, a number of your own. A new number sends the secrets again; taking it away together with `sensitive_config_wo` takes them from the connector. " +
					"It is empty after an import, and when a secret was added or removed elsewhere, so that the next plan sends them.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("sensitive_config_wo"))},
			},
			"sensitive_keys": schema.SetAttribute{
				MarkdownDescription: "The keys of the configuration that hold secrets, whoever set them.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"state": schema.StringAttribute{
				MarkdownDescription: "What the connector should be doing: `running`; `paused`, which keeps its tasks; or `stopped`, which has none. A connector that is created `paused` or `stopped` does not run first. Default: `running`.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(api.StateRunning),
				Validators:          []validator.String{stringvalidator.OneOf(api.StateRunning, api.StatePaused, api.StateStopped)},
			},
			"restart": schema.SingleNestedAttribute{
				MarkdownDescription: "Has the Headgate daemon restart the connector and its tasks when they have failed. Without it they stay failed.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"max_retries": schema.Int64Attribute{
						MarkdownDescription: "How many restarts before it stays failed, from 1 to 1000; the count begins anew after 10 minutes without a failure.",
						Required:            true,
						Validators:          []validator.Int64{int64validator.Between(1, 1000)},
					},
					"backoff": schema.StringAttribute{
						MarkdownDescription: "How long to wait before the first restart, such as `30s`; it doubles with every further one, up to 5 minutes. Default: `" + api.DefaultRestartBackoff + "`.",
						Optional:            true,
						Computed:            true,
						Default:             stringdefault.StaticString(api.DefaultRestartBackoff),
					},
				},
			},
			"status": schema.SingleNestedAttribute{
				MarkdownDescription: "What is really happening. The data source of the same name has all of it: the tasks with their errors, and the offsets.",
				Computed:            true,
				Attributes: map[string]schema.Attribute{
					"state":   schema.StringAttribute{MarkdownDescription: "`running`, `paused`, `stopped`, `failed` when the connector or any task is, `unassigned` or `starting`.", Computed: true},
					"type":    schema.StringAttribute{MarkdownDescription: "`source` or `sink`.", Computed: true},
					"tasks":   schema.Int64Attribute{MarkdownDescription: "How many tasks it has.", Computed: true},
					"version": schema.StringAttribute{MarkdownDescription: "The version of the plugin; empty on clusters before 4.1.", Computed: true},
				},
			},
			"timeouts": timeoutsAttribute(ctx),
		},
	}
}

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	length := func(what string) string {
		return "How long the connector may take to run after it was " + what + ", such as `5m`. Default: `2m`."
	}
	return remote.Timeouts(ctx, "How long to wait before a write is taken back.", timeouts.Opts{
		Create: true, CreateDescription: length("created"),
		Update: true, UpdateDescription: length("changed"),
	})
}

// validate refuses values that are null: they would be neither there nor not.
func validate(_ context.Context, config *model, diags *diag.Diagnostics) {
	for name, values := range map[string]types.Map{"config": config.Config, "sensitive_config_wo": config.SensitiveConfigWO} {
		for key, value := range values.Elements() {
			if value.IsNull() {
				diags.AddAttributeError(path.Root(name).AtMapKey(key), "The value is null", fmt.Sprintf("%q in %s has no value. Give it one, or leave the key out.", key, name))
			}
		}
	}
}

// prepare plans what a change may change besides.
func prepare(ctx context.Context, w remote.Write[model], _ *diag.Diagnostics) {
	p, s := w.Plan, w.State
	secrets := !p.Config.Equal(s.Config) || !p.SensitiveConfigWOVersion.Equal(s.SensitiveConfigWOVersion)
	p.SensitiveKeys, p.Status = s.SensitiveKeys, s.Status
	if secrets || s.SensitiveKeys.IsNull() {
		p.SensitiveKeys = types.SetUnknown(types.StringType)
	}
	if secrets || !p.State.Equal(s.State) || s.Status.IsNull() {
		p.Status = types.ObjectUnknown(statusTypes())
	}
}

// put writes a connector and waits until it is as declared. The daemon holds each request until there is news.
func put(ctx context.Context, client *api.Client, w remote.Write[model], options api.WriteOptions) (*api.KafkaConnector, error) {
	limit, err := running.StartLimit(ctx, w.Plan.Timeouts, options)
	if err != nil {
		return nil, err
	}
	connection, name := w.Plan.ConnectionName.ValueString(), w.Plan.Name.ValueString()
	accepted, err := client.PutKafkaConnector(ctx, connection, name, expand(w), api.KafkaConnectorWriteOptions{WriteOptions: options, StartTimeout: limit})
	if err != nil || options.DryRun {
		return accepted, err
	}
	return engine.Await(ctx, limit, accepted, func(ctx context.Context) (*api.KafkaConnector, error) {
		return client.WaitKafkaConnector(ctx, connection, name)
	})
}

func get(ctx context.Context, client *api.Client, m *model) (*api.KafkaConnector, error) {
	k, err := client.GetKafkaConnector(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
	return k, running.Removed(err, m.Name.ValueString())
}

func del(ctx context.Context, client *api.Client, m *model, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeleteKafkaConnector(ctx, m.ConnectionName.ValueString(), m.Name.ValueString(), options)
}

func list(ctx context.Context, client *api.Client, connection, cursor string) (*api.Page[api.KafkaConnector], error) {
	return client.ListKafkaConnectors(ctx, connection, cursor)
}
