package remote

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	listschema "github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// Pages lists the objects of a resource for terraform query.
type Pages[A any] struct {
	// Page reads a page; connection is empty for objects that are behind none.
	Page func(ctx context.Context, client *api.Client, connection, cursor string) (*api.Page[A], error)
	// Key are the values of the key of one, in the order of the key's attributes.
	Key func(a *A) []string
}

// listing is what terraform query needs to know of a resource.
type listing struct {
	typ string
	key Key
	// keys lists the keys of all objects, until the caller stops.
	keys func(ctx context.Context, client *api.Client, connection string) iter.Seq2[[]string, error]
	// fill completes a state that has nothing but the key in it.
	fill func(ctx context.Context, client *api.Client, state *tfsdk.State, diags *diag.Diagnostics)
}

// lister is a resource that can be listed.
type lister interface {
	// listing answers false when there is nothing to list.
	listing() (listing, bool)
}

// ListResources are the list resources of those resources that can be listed.
func ListResources(resources []func() resource.Resource) []func() list.ListResource {
	var lists []func() list.ListResource
	for _, construct := range resources {
		r, ok := construct().(lister)
		if !ok {
			continue
		}
		if l, ok := r.listing(); ok {
			lists = append(lists, func() list.ListResource { return &listResource{listing: l} })
		}
	}
	return lists
}

func (o *object[M, A]) listing() (listing, bool) {
	return listing{typ: o.Type, key: o.Key, keys: o.keys, fill: o.fill}, o.Pages != nil
}

func (o *object[M, A]) keys(ctx context.Context, client *api.Client, connection string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for cursor := ""; ; {
			page, err := o.Pages.Page(ctx, client, connection, cursor)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Items {
				if !yield(o.Pages.Key(&page.Items[i]), nil) {
					return
				}
			}
			if cursor = page.Next; cursor == "" {
				return
			}
		}
	}
}

func (o *object[M, A]) fill(ctx context.Context, client *api.Client, state *tfsdk.State, diags *diag.Diagnostics) {
	m := new(M)
	diags.Append(state.Get(ctx, m)...)
	key, _ := o.Key.of(ctx, state, diags)
	if diags.HasError() {
		return
	}
	answer, err := o.Get(ctx, client, m)
	if err == nil {
		err = o.Flatten(m, answer, true)
	}
	if err != nil {
		o.request("read", m, key).Error(diags, err)
		return
	}
	diags.Append(state.Set(ctx, m)...)
}

type listResource struct {
	Resource
	listing
}

var _ list.ListResourceWithConfigure = &listResource{}

func (l *listResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + l.typ
}

func (l *listResource) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	attributes := map[string]listschema.Attribute{
		"prefix": listschema.StringAttribute{MarkdownDescription: "Only those for which the last part of the import id begins with this.", Optional: true},
	}
	if l.behindConnection() {
		attributes["connection_name"] = listschema.StringAttribute{MarkdownDescription: "The connection to look behind.", Required: true}
	}
	resp.Schema = listschema.Schema{MarkdownDescription: "Lists what `headgate_" + l.typ + "` can manage, for `terraform query`.", Attributes: attributes}
}

// behindConnection says whether a connection has several; where it has one, they are those of all connections.
func (l *listResource) behindConnection() bool {
	return len(l.key.Attributes) > 1 && slices.Contains(l.key.Attributes, "connection_name")
}

func (l *listResource) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var diags diag.Diagnostics
	client, ok := l.NeedClient(&diags)
	var connection, prefix types.String
	diags.Append(req.Config.GetAttribute(ctx, path.Root("prefix"), &prefix)...)
	if l.behindConnection() {
		diags.Append(req.Config.GetAttribute(ctx, path.Root("connection_name"), &connection)...)
	}
	if !ok || diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = func(push func(list.ListResult) bool) {
		left := req.Limit
		for key, err := range l.keys(ctx, client, connection.ValueString()) {
			if err != nil {
				l.explain(connection.ValueString()).Error(&diags, err)
				push(list.ListResult{Diagnostics: diags})
				return
			}
			if !strings.HasPrefix(key[len(key)-1], prefix.ValueString()) {
				continue
			}
			if !push(l.result(ctx, client, req, key)) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

func (l *listResource) explain(connection string) explain.Request {
	doing := "list " + strings.ReplaceAll(l.typ, "_", " ") + "s"
	if connection != "" {
		doing += " of " + connection
	}
	return explain.Request{Doing: doing, Where: connectionOr(l, nil)}
}

func (l *listResource) result(ctx context.Context, client *api.Client, req list.ListRequest, key []string) list.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = key[len(key)-1]
	state := tfsdk.State{Raw: result.Resource.Raw, Schema: req.ResourceSchema}
	for i, name := range l.key.Attributes {
		result.Diagnostics.Append(result.Identity.SetAttribute(ctx, path.Root(name), key[i])...)
		result.Diagnostics.Append(state.SetAttribute(ctx, path.Root(name), key[i])...)
	}
	if req.IncludeResource && !result.Diagnostics.HasError() {
		l.fill(ctx, client, &state, &result.Diagnostics)
		result.Resource.Raw = state.Raw
	}
	return result
}
