package remote

import (
	"cmp"
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// View describes a data source. M is the struct of its attributes, or a types.Object where these depend on the kinds that
// there are; A is the daemon's answer. [NewView] makes the data source of it.
type View[M, A any] struct {
	// Type is the data source's type without the provider's, such as topic.
	Type   string
	Schema func(ctx context.Context) schema.Schema
	// What names what is read in sentences, such as topic "orders"; Doing says what is done with it: read, where it is empty.
	What  func(m *M) string
	Doing string
	// Where finds the attribute that a JSON pointer into the request is about, or the empty path. /connection is known.
	// It may be nil.
	Where func(m *M, pointer string) path.Path
	Get   func(ctx context.Context, client *api.Client, m *M) (*A, error)
	// Show moves an answer into the model.
	Show func(m *M, a *A) error
	// Warnings are those of an answer; it may be nil.
	Warnings func(a *A) []api.Warning
}

type view[M, A any] struct {
	DataSource
	View[M, A]
}

var _ datasource.DataSourceWithConfigure = &view[struct{}, struct{}]{}

// NewView makes a data source.
func NewView[M, A any](v View[M, A]) datasource.DataSource { return &view[M, A]{View: v} }

func (v *view[M, A]) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + v.Type
}

func (v *view[M, A]) Schema(ctx context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = v.View.Schema(ctx)
}

func (v *view[M, A]) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, ok := v.NeedClient(&resp.Diagnostics)
	m := new(M)
	resp.Diagnostics.Append(req.Config.Get(ctx, m)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	request := explain.Request{Doing: cmp.Or(v.Doing, "read") + " " + v.What(m), Where: connectionOr(m, v.Where)}
	answer, err := v.Get(ctx, client, m)
	if err == nil {
		err = v.Show(m, answer)
	}
	if err != nil {
		request.Error(&resp.Diagnostics, err)
		return
	}
	if v.Warnings != nil {
		request.Warnings(&resp.Diagnostics, v.Warnings(answer))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// connectionOr points to connection_name for what is wrong with the connection; where, which may be nil, knows the rest.
func connectionOr[M any](m *M, where func(m *M, pointer string) path.Path) func(pointer string) path.Path {
	return func(pointer string) path.Path {
		switch {
		case pointer == "/connection":
			return path.Root("connection_name")
		case where == nil:
			return path.Empty()
		default:
			return where(m, pointer)
		}
	}
}

// All reads a list to its last page.
func All[T any](page func(cursor string) (*api.Page[T], error)) (*[]T, error) {
	all := []T{}
	for cursor := ""; ; {
		next, err := page(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, next.Items...)
		if cursor = next.Next; cursor == "" {
			return &all, nil
		}
	}
}
