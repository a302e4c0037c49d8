// Package acl is Terraform's view of the ACLs of Kafka clusters.
package acl

import (
	"context"
	"regexp"
	"strconv"

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
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

var key = remote.Key{
	Attributes: []string{"connection_name", "principal"},
	Docs:       []string{"The connection of the cluster.", "The principal."},
	Example:    "main/User:billing",
}

// NewResource makes headgate_acl.
func NewResource() resource.Resource {
	return remote.NewObject(remote.Definition[model, api.ACL]{
		Type:       "acl",
		Key:        key,
		Schema:     resourceSchema,
		What:       (*model).what,
		Where:      where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(a *api.ACL) string { return a.Generation },
		Flatten:    func(m *model, a *api.ACL, _ bool) error { return m.flatten(a) },
		Complete:   func(*model, *api.ACL) error { return nil },
		Prepare:    prepare,
		Pages:      &remote.Pages[api.ACL]{Page: list, Key: func(a *api.ACL) []string { return []string{a.Connection, a.Principal} }},
	})
}

// resourceSchema has no validators, defaults or plan modifiers within the rules: each of them would run once for each
// attribute of each of a thousand rules. The daemon checks all rules in one pass, when planning. The rules are a map, for
// Terraform's plugin framework looks for an element of a set by comparing it with every other one: minutes for hundreds.
func resourceSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "All ACLs of one principal in a Kafka cluster. An ACL of the principal that is not declared here shows in the plan as one to be removed. " +
			"Changes are made in one batch: what denies comes first and goes last, and what allows is added before it is removed, so that access that stays is never interrupted. " +
			"Destroying it removes all of them.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the cluster. Its user needs the rights Describe and Alter on the cluster. Changing it replaces the ACLs (destroys them and creates others).",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"principal": schema.StringAttribute{
				MarkdownDescription: "Who it is about, with its type: `User:billing`, for a client certificate `User:CN=billing,O=Shop`; `User:*` is everyone. Changing it replaces the ACLs (destroys them and creates others).",
				Required:            true,
				Validators:          []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^[^:]+:.+$`), "must have a type and a name, such as User:billing")},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"rules": schema.MapNestedAttribute{
				MarkdownDescription: "All rules of the principal, at least one, each under a label of your own, which the plan shows and the cluster does not know. " +
					"Whether the operations on a resource are in one rule or in several does not matter, and neither do the labels: the same in other words plans nothing.",
				Required: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"resource_type": schema.StringAttribute{
						MarkdownDescription: "What it is about: `TOPIC`, `GROUP`, `CLUSTER`, `TRANSACTIONAL_ID`, `DELEGATION_TOKEN` or `USER`.",
						Required:            true,
					},
					"resource_name": schema.StringAttribute{
						MarkdownDescription: "The name of the resource; `*` is every name; with `PREFIXED`, what the names begin with. Not needed for `CLUSTER`, of which there is one.",
						Optional:            true,
					},
					"pattern_type": schema.StringAttribute{
						MarkdownDescription: "How `resource_name` is meant. `LITERAL`: the name itself, or `*`. `PREFIXED`: all names that begin with it. Default: `LITERAL`.",
						Optional:            true,
					},
					"operations": schema.SetAttribute{
						MarkdownDescription: "What is allowed or denied. Topics: `READ`, `WRITE`, `CREATE`, `DELETE`, `ALTER`, `DESCRIBE`, `DESCRIBE_CONFIGS`, `ALTER_CONFIGS`; " +
							"groups: `READ`, `DESCRIBE`, `DELETE`, `DESCRIBE_CONFIGS`, `ALTER_CONFIGS`; " +
							"the cluster: `CREATE`, `CLUSTER_ACTION`, `DESCRIBE`, `DESCRIBE_CONFIGS`, `ALTER`, `ALTER_CONFIGS`, `IDEMPOTENT_WRITE`; " +
							"transactional ids: `DESCRIBE`, `WRITE`, `TWO_PHASE_COMMIT`; delegation tokens: `DESCRIBE`; users: `CREATE_TOKENS`, `DESCRIBE_TOKENS`. `ALL` is every one of them.",
						ElementType: types.StringType,
						Required:    true,
					},
					"permission": schema.StringAttribute{MarkdownDescription: "`ALLOW` or `DENY`; where both apply, `DENY` wins. Default: `ALLOW`.", Optional: true},
					"host":       schema.StringAttribute{MarkdownDescription: "The IP address of the clients that it is about. Kafka takes no host names and no ranges here. Default: `*`, all.", Optional: true},
				}},
			},
		},
	}
}

func where(m *model, pointer string) path.Path {
	steps := spec.Steps(pointer)
	if len(steps) == 0 || steps[0] != "rules" {
		return path.Root("principal")
	}
	at := path.Root("rules")
	labels := m.labels()
	if len(steps) == 1 {
		return at
	}
	if i, err := strconv.Atoi(steps[1]); err == nil && i < len(labels) {
		at = at.AtMapKey(labels[i])
	}
	if len(steps) == 3 {
		at = at.AtName(steps[2])
	}
	return at
}

func put(ctx context.Context, client *api.Client, w remote.Write[model], options api.WriteOptions) (*api.ACL, error) {
	return client.PutACL(ctx, w.Plan.ConnectionName.ValueString(), w.Plan.Principal.ValueString(), w.Plan.expand(), options)
}

func get(ctx context.Context, client *api.Client, m *model) (*api.ACL, error) {
	return client.GetACL(ctx, m.ConnectionName.ValueString(), m.Principal.ValueString())
}

func del(ctx context.Context, client *api.Client, m *model, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeleteACL(ctx, m.ConnectionName.ValueString(), m.Principal.ValueString(), options)
}

func list(ctx context.Context, client *api.Client, connection, cursor string) (*api.Page[api.ACL], error) {
	return client.ListACLs(ctx, connection, "", cursor)
}

// prepare plans nothing where the rules say the same in other words.
func prepare(_ context.Context, w remote.Write[model], _ *diag.Diagnostics) {
	if len(w.State.Rules.Elements()) > 0 && w.Plan.sameMeaning(*w.State) {
		w.Plan.Rules = w.State.Rules
	}
}
