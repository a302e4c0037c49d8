// Package scramuser is Terraform's view of the SCRAM users of Kafka clusters.
package scramuser

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

var key = remote.Key{
	Attributes: []string{"connection_name", "username"},
	Docs:       []string{"The connection of the cluster.", "The name of the user."},
	Example:    "main/billing",
}

// NewResource makes headgate_scram_user.
func NewResource() resource.Resource {
	return remote.NewObject(remote.Definition[model, api.SCRAMAccount]{
		Type:       "scram_user",
		Key:        key,
		Schema:     resourceSchema,
		What:       (*model).what,
		Where:      where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(a *api.SCRAMAccount) string { return a.Generation },
		Flatten:    func(m *model, a *api.SCRAMAccount, _ bool) error { m.flatten(a); return nil },
		Complete:   func(*model, *api.SCRAMAccount) error { return nil },
		Check:      check,
		Pages:      &remote.Pages[api.SCRAMAccount]{Page: list, Key: func(a *api.SCRAMAccount) []string { return []string{a.Connection, a.Username} }},
	})
}

type model struct {
	ConnectionName    types.String `tfsdk:"connection_name"`
	Username          types.String `tfsdk:"username"`
	Mechanisms        types.Set    `tfsdk:"mechanisms"`
	Iterations        types.Int64  `tfsdk:"iterations"`
	PasswordWO        types.String `tfsdk:"password_wo"`
	PasswordWOVersion types.Int64  `tfsdk:"password_wo_version"`
}

func resourceSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A user of a Kafka cluster who logs in with SCRAM, and its password. What the user may do is declared with `headgate_acl`. " +
			"A cluster does not reveal passwords: a password changed elsewhere is not noticed; a user, mechanism or iteration count changed elsewhere shows in the plan. " +
			"Destroying it deletes the user, who can no longer log in; the user's ACLs stay.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the cluster. Its user needs the rights Describe and Alter on the cluster. Changing it replaces the user (destroys it and creates another).",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"username": schema.StringAttribute{
				MarkdownDescription: "The name to log in with; in ACLs it is `User:` and this name. Renaming replaces it (destroys it and creates another).",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"mechanisms": schema.SetAttribute{
				MarkdownDescription: "The mechanisms that the user can log in with, `SCRAM-SHA-256`, `SCRAM-SHA-512` or both, all with the same password. To move from one to the other without an interruption, " +
					"declare both first, and the new one alone once all clients use it. Default: `[\"" + api.DefaultSCRAMMechanism + "\"]`.",
				ElementType: types.StringType,
				Optional:    true,
				Computed:    true,
				Default:     setdefault.StaticValue(types.SetValueMust(types.StringType, []attr.Value{types.StringValue(api.DefaultSCRAMMechanism)})),
				Validators:  []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.OneOf("SCRAM-SHA-256", "SCRAM-SHA-512"))},
			},
			"iterations": schema.Int64Attribute{
				MarkdownDescription: "How often the password is hashed, `4096` to `16384`: the more, the longer a stolen hash resists. Only clients pay for it, once for each connection. Default: `16384`.",
				Optional:            true,
				Computed:            true,
				Default:             int64default.StaticInt64(api.DefaultSCRAMIterations),
				Validators:          []validator.Int64{int64validator.Between(api.MinSCRAMIterations, api.MaxSCRAMIterations)},
			},
			"password_wo": schema.StringAttribute{
				MarkdownDescription: "The password. It goes to the cluster and is kept nowhere else. Needed for a new user, when a mechanism is added, and when `iterations` changes.",
				Optional:            true,
				Sensitive:           true,
				WriteOnly:           true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"password_wo_version": schema.Int64Attribute{
				MarkdownDescription: "Change it to send `password_wo` again, which makes it the user's password: for a rotation, or after it was changed elsewhere.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("password_wo"))},
			},
		},
	}
}

func (m *model) what() string { return fmt.Sprintf("SCRAM user %q", m.Username.ValueString()) }

func where(_ *model, pointer string) path.Path {
	switch pointer {
	case "/username", "/mechanisms", "/iterations":
		return path.Root(pointer[1:])
	case "/password":
		return path.Root("password_wo")
	}
	return path.Empty()
}

// rewrites says whether the password is needed: the cluster keeps a hash that all of it goes into.
func rewrites(w remote.Write[model]) bool {
	return !w.Plan.PasswordWOVersion.Equal(w.State.PasswordWOVersion) || !w.Plan.Iterations.Equal(w.State.Iterations) || gains(w)
}

// gains says whether there is a mechanism that was not there before.
func gains(w remote.Write[model]) bool {
	before := w.State.Mechanisms.Elements()
	return w.Plan.Mechanisms.IsUnknown() || slices.ContainsFunc(w.Plan.Mechanisms.Elements(), func(mechanism attr.Value) bool {
		return !slices.ContainsFunc(before, mechanism.Equal)
	})
}

func check(w remote.Write[model], diags *diag.Diagnostics) bool {
	if !w.Config.PasswordWO.IsNull() || !rewrites(w) {
		return true
	}
	diags.AddAttributeError(path.Root("password_wo"), "The password is needed",
		fmt.Sprintf("The cluster keeps a hash of the password, which depends on mechanism and iterations too, so %s cannot be written without its password. Set password_wo.", w.Plan.what()))
	return false
}

func put(ctx context.Context, client *api.Client, w remote.Write[model], options api.WriteOptions) (*api.SCRAMAccount, error) {
	body := api.SCRAMUserWrite{Iterations: w.Plan.Iterations.ValueInt64()}
	for _, mechanism := range w.Plan.Mechanisms.Elements() {
		if text, ok := mechanism.(types.String); ok && !text.IsUnknown() {
			body.Mechanisms = append(body.Mechanisms, text.ValueString())
		}
	}
	// A dry run has no use for the password, so it does not travel.
	if rewrites(w) && !options.DryRun {
		body.Password = w.Config.PasswordWO.ValueString()
	}
	return client.PutSCRAMUser(ctx, w.Plan.ConnectionName.ValueString(), w.Plan.Username.ValueString(), body, options)
}

func get(ctx context.Context, client *api.Client, m *model) (*api.SCRAMAccount, error) {
	return client.GetSCRAMUser(ctx, m.ConnectionName.ValueString(), m.Username.ValueString())
}

func del(ctx context.Context, client *api.Client, m *model, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeleteSCRAMUser(ctx, m.ConnectionName.ValueString(), m.Username.ValueString(), options)
}

func list(ctx context.Context, client *api.Client, connection, cursor string) (*api.Page[api.SCRAMAccount], error) {
	return client.ListSCRAMUsers(ctx, connection, "", cursor)
}

// flatten shows a number of iterations that is not the declared one, whichever mechanism has it.
func (m *model) flatten(a *api.SCRAMAccount) {
	mechanisms := make([]attr.Value, 0, len(a.Credentials))
	shown := int64(0)
	for _, credential := range a.Credentials {
		mechanisms = append(mechanisms, types.StringValue(credential.Mechanism))
		if shown == 0 || credential.Iterations != m.Iterations.ValueInt64() {
			shown = credential.Iterations
		}
	}
	m.Mechanisms = types.SetValueMust(types.StringType, mechanisms)
	m.Iterations = types.Int64Value(shown)
}
