package schema

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type schemaDataSource struct {
	remote.DataSource
}

var _ datasource.DataSourceWithConfigure = &schemaDataSource{}

// NewDataSource makes the data source headgate_schema.
func NewDataSource() datasource.DataSource { return &schemaDataSource{} }

func (d *schemaDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_schema"
}

func (d *schemaDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := kind.DataSourceAttributes(declared())
	maps.Copy(attributes, map[string]schema.Attribute{
		"connection_name": schema.StringAttribute{MarkdownDescription: "The connection of the registry.", Required: true},
		"subject":         schema.StringAttribute{MarkdownDescription: "The subject.", Required: true},
		"schema":          schema.StringAttribute{MarkdownDescription: "The schema as the registry has it.", Computed: true},
		"schema_id":       schema.Int64Attribute{MarkdownDescription: "The id that records carry.", Computed: true},
		"version":         schema.Int64Attribute{MarkdownDescription: "The version within the subject.", Computed: true},
		"fingerprint":     schema.StringAttribute{MarkdownDescription: "The same for schemas that differ in nothing but form.", Computed: true},
	})
	resp.Schema = schema.Schema{MarkdownDescription: "The latest schema of a subject, whoever registered it.", Attributes: attributes}
}

func (d *schemaDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, ok := d.NeedClient(&resp.Diagnostics)
	var m model
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("connection_name"), &m.ConnectionName)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("subject"), &m.Subject)...)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	request := explain.Request{Doing: "read " + m.what(), Where: remote.ConnectionOr(&m, where)}
	answer, err := get(ctx, client, &m)
	if err != nil {
		request.Error(&resp.Diagnostics, err)
		return
	}
	object, err := kind.NewAnswer(answer, nil)
	if err != nil {
		request.Error(&resp.Diagnostics, err)
		return
	}
	values := map[string]attr.Value{
		"connection_name": m.ConnectionName, "subject": m.Subject, "schema_id": types.Int64Value(answer.ID),
		"version": types.Int64Value(answer.Version), "fingerprint": types.StringValue(answer.Fingerprint),
	}
	maps.Copy(values, kind.Decode(declared(), object, types.Object{}, kind.DataSource).Attributes())
	remote.SetAll(ctx, &resp.State, values, &resp.Diagnostics)
}
