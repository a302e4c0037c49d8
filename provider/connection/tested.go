package connection

import (
	"context"
	"maps"
	"reflect"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type testDataSource struct {
	remote.DataSource
}

var _ datasource.DataSourceWithConfigure = &testDataSource{}

// NewTestDataSource makes the data source headgate_connection_test.
func NewTestDataSource() datasource.DataSource { return &testDataSource{} }

func (d *testDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_connection_test"
}

// outcome is how the outcome of a test looks in Terraform.
type outcome struct {
	OK             bool                     `json:"ok" doc:"Whether every step succeeded."`
	DurationMillis float64                  `json:"duration_ms" doc:"How long all steps took together, in milliseconds."`
	Steps          []api.ConnectionTestStep `json:"steps" doc:"The steps that were tried, in order."`
	Error          *cause                   `json:"error,omitempty" doc:"Why it does not work; null when it does."`
	Warnings       []warning                `json:"warnings" doc:"What works and should still be known, such as a certificate that ends soon."`
}

type cause struct {
	Summary string `json:"summary" doc:"What went wrong, in one line."`
	Detail  string `json:"detail" doc:"What was being done, and what the other side said."`
	Remedy  string `json:"remedy" doc:"The way out."`
	// Attribute is empty when no single field is to blame.
	Attribute string `json:"attribute" doc:"The field of the connection that is to blame, below the block of its kind, such as sasl.password."`
}

type warning struct {
	Summary string `json:"summary" doc:"What should be known, in one line."`
	Detail  string `json:"detail" doc:"What it means."`
}

func outcomeFields() []spec.Field { return spec.FieldsOf(reflect.TypeFor[outcome]()) }

func (d *testDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := kind.DataSourceAttributes(outcomeFields())
	maps.Copy(attributes, map[string]schema.Attribute{
		"name": schema.StringAttribute{MarkdownDescription: "The name of the connection.", Required: true},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "Tries a connection, step by step: name resolution, TCP, TLS, authentication, authorization, protocol. " +
			"That it does not work is an answer and no error; use it in a `check` block or a precondition.",
		Attributes: attributes,
	}
}

func (d *testDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, ok := d.NeedClient(&resp.Diagnostics)
	if !ok {
		return
	}
	var name string
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &name)...)
	result, err := client.TestConnection(ctx, name)
	if err != nil {
		written{name: name}.request("test").Error(&resp.Diagnostics, err)
		return
	}
	answer, err := kind.NewAnswer(flattenTest(result), nil)
	if err != nil {
		resp.Diagnostics.AddError("Cannot read the outcome of the test", err.Error())
		return
	}
	values := map[string]attr.Value{"name": types.StringValue(name)}
	maps.Copy(values, kind.Decode(outcomeFields(), answer, types.Object{}, kind.DataSource).Attributes())
	remote.SetAll(ctx, &resp.State, values, &resp.Diagnostics)
}

func flattenTest(t *api.ConnectionTest) outcome {
	o := outcome{OK: t.OK, Steps: t.Steps, Warnings: []warning{}}
	for _, s := range t.Steps {
		o.DurationMillis += s.DurationMillis
	}
	for _, w := range t.Warnings {
		o.Warnings = append(o.Warnings, warning{Summary: w.Summary, Detail: w.Detail})
	}
	if t.Error != nil {
		field := strings.Join(spec.Steps(strings.TrimPrefix(t.Error.Attribute, "/spec")), ".")
		o.Error = &cause{Summary: t.Error.Summary, Detail: t.Error.Detail, Remedy: t.Error.Remedy, Attribute: field}
	}
	return o
}
