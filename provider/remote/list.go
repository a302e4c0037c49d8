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

// Listing is what terraform query needs to know of a resource.
type Listing struct {
	Type string
	Key  Key
	// Keys lists the keys of all objects, until the caller stops.
	Keys func(ctx context.Context, client *api.Client, connection string) iter.Seq2[[]string, error]
	// Fill completes a state that has nothing but the key in it.
	Fill func(ctx context.Context, client *api.Client, state *tfsdk.State, diags *diag.Diagnostics)
}

// Lister is a resource that can be listed.
type Lister interface {
	// Listing answers false when there is nothing to list.
	Listing() (Listing, bool)
}

// ListResources are the list resources of those resources that can be listed.
func ListResources(resources []func() resource.Resource) []func() list.ListResource {
	var lists []func() list.ListResource
	for _, construct := range resources {
		lister, ok := construct().(Lister)
		if !ok {
			continue
		}
		if listing, ok := lister.Listing(); ok {
			lists = append(lists, func() list.ListResource { return &listResource{Listing: listing} })
		}
	}
	return lists
}

// NewListing makes a listing from pages.
func NewListing[A any](typ string, key Key, pages Pages[A], fill func(context.Context, *api.Client, *tfsdk.State, *diag.Diagnostics)) Listing {
	keys := func(ctx context.Context, client *api.Client, connection string) iter.Seq2[[]string, error] {
		return func(yield func([]string, error) bool) {
			for cursor := ""; ; {
				page, err := pages.Page(ctx, client, connection, cursor)
				if err != nil {
					yield(nil, err)
					return
				}
				for i := range page.Items {
					if !yield(pages.Key(&page.Items[i]), nil) {
						return
					}
				}
				if cursor = page.Next; cursor == "" {
					return
				}
			}
		}
	}
	return Listing{Type: typ, Key: key, Keys: keys, Fill: fill}
}

// Listing makes an object's resource listable.
func (o *object[M, A]) Listing() (Listing, bool) {
	if o.Pages == nil {
		return Listing{}, false
	}
	return NewListing(o.Type, o.Key, *o.Pages, o.fill), true
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
	Listing
}

var _ list.ListResourceWithConfigure = &listResource{}

func (l *listResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + l.Type
}

func (l *listResource) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	attributes := map[string]listschema.Attribute{
		"prefix": listschema.StringAttribute{MarkdownDescription: "Only those whose last part of the import id begins with this.", Optional: true},
	}
	if l.behindConnection() {
		attributes["connection_name"] = listschema.StringAttribute{MarkdownDescription: "The connection to look behind.", Required: true}
	}
	resp.Schema = listschema.Schema{MarkdownDescription: "Lists what `headgate_" + l.Type + "` can manage, for `terraform query`.", Attributes: attributes}
}

func (l *listResource) behindConnection() bool {
	return slices.Contains(l.Key.Attributes, "connection_name")
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
		for key, err := range l.Keys(ctx, client, connection.ValueString()) {
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
	doing := "list " + strings.ReplaceAll(l.Type, "_", " ") + "s"
	if connection != "" {
		doing += " of " + connection
	}
	return explain.Request{Doing: doing, Where: ConnectionOr(l, nil)}
}

func (l *listResource) result(ctx context.Context, client *api.Client, req list.ListRequest, key []string) list.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = key[len(key)-1]
	state := tfsdk.State{Raw: result.Resource.Raw, Schema: req.ResourceSchema}
	for i, name := range l.Key.Attributes {
		result.Diagnostics.Append(result.Identity.SetAttribute(ctx, path.Root(name), key[i])...)
		result.Diagnostics.Append(state.SetAttribute(ctx, path.Root(name), key[i])...)
	}
	if req.IncludeResource && !result.Diagnostics.HasError() {
		l.Fill(ctx, client, &state, &result.Diagnostics)
		result.Resource.Raw = state.Raw
	}
	return result
}
