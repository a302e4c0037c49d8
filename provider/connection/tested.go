package connection

import (
	"context"
	"maps"
	"reflect"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewTestDataSource makes the data source headgate_connection_test.
func NewTestDataSource() datasource.DataSource {
	return remote.NewView(remote.View[types.Object, api.ConnectionTest]{
		Type: "connection_test", Doing: "test", Schema: testSchema, What: what, Where: whereName,
		Get: func(ctx context.Context, client *api.Client, m *types.Object) (*api.ConnectionTest, error) {
			return client.TestConnection(ctx, name(m))
		},
		Show: showTest,
	})
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
	Attribute string `json:"attribute" doc:"The field of the connection that is to blame, below the block of its kind, such as 'sasl.password'; the attribute of a secret has '_wo' at its end."`
}

type warning struct {
	Summary string `json:"summary" doc:"What should be known, in one line."`
	Detail  string `json:"detail" doc:"What it means."`
}

func outcomeFields() []spec.Field { return spec.FieldsOf(reflect.TypeFor[outcome]()) }

func testSchema(context.Context) schema.Schema {
	attributes := kind.DataSourceAttributes(outcomeFields())
	maps.Copy(attributes, map[string]schema.Attribute{
		"name": schema.StringAttribute{MarkdownDescription: "The name of the connection.", Required: true},
	})
	return schema.Schema{
		MarkdownDescription: "Tries a connection, step by step: name resolution, TCP, TLS, authentication, authorization, protocol. " +
			"That it does not work is an answer and no error; use it in a `check` block or a precondition.",
		Attributes: attributes,
	}
}

func showTest(m *types.Object, t *api.ConnectionTest) error {
	answer, err := kind.NewAnswer(flattenTest(t), nil)
	if err != nil {
		return err
	}
	return kind.Set(m, kind.Decode(outcomeFields(), answer, types.Object{}, kind.DataSource).Attributes())
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
