// Package quota is Terraform's view of the client quotas of Kafka clusters.
package quota

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

var key = remote.Key{
	Attributes: []string{"connection_name", "entity"},
	Docs:       []string{"The connection of the cluster.", "Whom the quotas are about."},
	Example:    "main/user=billing",
}

// NewResource makes headgate_client_quota.
func NewResource() resource.Resource {
	return remote.NewObject(remote.Definition[model, api.ClientQuota]{
		Type:       "client_quota",
		Key:        key,
		Replacing:  []string{"user", "client_id", "ip"},
		Schema:     resourceSchema,
		What:       (*model).what,
		Where:      where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(a *api.ClientQuota) string { return a.Generation },
		Flatten:    (*model).flatten,
		Complete:   func(*model, *api.ClientQuota) error { return nil },
		Validate:   validate,
		Prepare:    prepare,
		Pages:      &remote.Pages[api.ClientQuota]{Page: list, Key: func(a *api.ClientQuota) []string { return []string{a.Connection, a.Entity} }},
	})
}

func resourceSchema(context.Context) schema.Schema {
	entity := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: doc + " Changing it replaces the quotas (destroys them and creates others).", Optional: true,
			Validators:    []validator.String{stringvalidator.LengthAtLeast(1)},
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
		}
	}
	number := func(doc string) schema.Float64Attribute {
		return schema.Float64Attribute{MarkdownDescription: doc + " Without it: not managed.", Optional: true}
	}
	return schema.Schema{
		MarkdownDescription: "Quotas of a user, of a client id, of both together, or of an IP address of a Kafka cluster: set `user`, `client_id`, both, or `ip` alone. " +
			"Every broker counts for itself, so that a client of three brokers gets three times as much; only `controller_mutation_rate` is of the whole cluster. " +
			"Every quota is more than 0. Only what is declared is managed: changes of it made elsewhere show in the next plan, other quotas of the same entity are left alone, and one that is no longer declared is taken away. " +
			"After an import all quotas of the entity count as declared: repeat those to keep, or the next apply takes them away. " +
			"Destroying it takes the declared quotas away.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the cluster. Its user needs the rights DescribeConfigs and AlterConfigs on the cluster. Changing it replaces the quotas (destroys them and creates others).",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"user":      entity("The user; `<default>` is every user without quotas of its own. With `client_id`, the two together."),
			"client_id": entity("The client id; `<default>` is every client id without quotas of its own."),
			"ip":        entity("The IP address; `<default>` is every address without a quota of its own."),
			"entity": schema.StringAttribute{
				MarkdownDescription: "Whom the quotas are about, in one text, such as `user=billing,client-id=<default>`: what the import id ends with. In names, `,`, `=` and `%` are written `%2C`, `%3D` and `%25`.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			api.QuotaProducerByteRate: schema.StringAttribute{
				MarkdownDescription: "What may be produced per second and broker, such as `10MiB`. Whoever exceeds it gets the broker's answers later. Without it: not managed.", Optional: true, Validators: []validator.String{rateValidator{}},
			},
			api.QuotaConsumerByteRate: schema.StringAttribute{
				MarkdownDescription: "What may be consumed per second and broker, such as `10MiB`. Without it: not managed.", Optional: true, Validators: []validator.String{rateValidator{}},
			},
			api.QuotaRequestPercentage:      number("How much of the time of one of the broker's threads may be taken, in percent; `200` is two threads."),
			api.QuotaControllerMutationRate: number("How many partitions may be created or deleted per second, in the whole cluster."),
			api.QuotaConnectionCreationRate: number("How many connections an IP address may open per second and broker. For `ip` only."),
		},
	}
}

func (m *model) what() string { return fmt.Sprintf("the quotas of %q", m.Entity.ValueString()) }

func where(_ *model, pointer string) path.Path {
	switch steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/"); {
	case steps[0] == "values" && len(steps) == 2:
		return path.Root(steps[1])
	case steps[0] == "ip", steps[0] == "entity":
		return path.Root(steps[0])
	}
	return path.Empty()
}

func validate(_ context.Context, config *model, diags *diag.Diagnostics) {
	if config.entityUnknown() {
		return
	}
	switch set := config.entity(); {
	case set.User == nil && set.ClientID == nil && set.IP == nil:
		diags.AddError("Whom are the quotas about?", "Set user, client_id, both, or ip; <default> as the value means all that have no quotas of their own.")
	case set.IP != nil && (set.User != nil || set.ClientID != nil):
		diags.AddAttributeError(path.Root("ip"), "An IP address has its quota alone", "Kafka has quotas of users and client ids, together or alone, and quotas of IP addresses. Use a resource for each.")
	}
}

// prepare names the entity, which is what the quotas are found by.
func prepare(_ context.Context, w remote.Write[model], _ *diag.Diagnostics) {
	w.Plan.Entity = types.StringUnknown()
	if !w.Plan.entityUnknown() {
		w.Plan.Entity = types.StringValue(w.Plan.entity().String())
	}
	w.Plan.keepWords(*w.State)
}

func put(ctx context.Context, client *api.Client, w remote.Write[model], options api.WriteOptions) (*api.ClientQuota, error) {
	return client.PutClientQuota(ctx, w.Plan.ConnectionName.ValueString(), w.Plan.Entity.ValueString(), w.Plan.expand(*w.State), options)
}

func get(ctx context.Context, client *api.Client, m *model) (*api.ClientQuota, error) {
	return client.GetClientQuota(ctx, m.ConnectionName.ValueString(), m.Entity.ValueString())
}

// del takes away what is declared. Where others have taken that away already there is nothing to do: to name no quota would
// mean all of them.
func del(ctx context.Context, client *api.Client, m *model, options api.WriteOptions) (*api.Deletion, error) {
	declared := m.declared()
	if len(declared) == 0 {
		return &api.Deletion{}, nil
	}
	return client.DeleteClientQuota(ctx, m.ConnectionName.ValueString(), m.Entity.ValueString(), declared, options)
}

func list(ctx context.Context, client *api.Client, connection, cursor string) (*api.Page[api.ClientQuota], error) {
	return client.ListClientQuotas(ctx, connection, "", cursor)
}
