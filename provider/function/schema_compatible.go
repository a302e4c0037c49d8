package function

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/schemacompat"
	"github.com/headgate/terraform-provider-headgate/internal/schematext"
)

type schemaCompatible struct{}

var verdictTypes = map[string]attr.Type{"compatible": types.BoolType, "reasons": types.ListType{ElemType: types.StringType}}

func (schemaCompatible) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "schema_compatible"
}

func (schemaCompatible) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Whether a schema may follow another",
		MarkdownDescription: "Whether a new schema may follow an old one in a compatibility mode, by the rules of Confluent's Schema Registry and without asking one. " +
			"The result has `compatible` and `reasons`, the differences that forbid it. Schemas with references need a registry: for them, plan a `headgate_schema`.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "format", MarkdownDescription: "`AVRO`, `JSON` or `PROTOBUF`."},
			function.StringParameter{Name: "old", MarkdownDescription: "The schema that there is."},
			function.StringParameter{Name: "new", MarkdownDescription: "The schema that is to follow it."},
			function.StringParameter{Name: "mode", MarkdownDescription: "`BACKWARD`: the new schema reads what the old one wrote; `FORWARD`: the old one reads what the new one writes; `FULL`: both; `NONE`. " +
				"Between two schemas, the `_TRANSITIVE` modes are the same."},
		},
		Return: function.ObjectReturn{AttributeTypes: verdictTypes},
	}
}

func (schemaCompatible) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var format, older, newer, mode string
	if resp.Error = req.Arguments.Get(ctx, &format, &older, &newer, &mode); resp.Error != nil {
		return
	}
	if !slices.Contains([]string{schematext.FormatAvro, schematext.FormatJSON, schematext.FormatProtobuf}, format) {
		resp.Error = function.NewArgumentFuncError(0, "the format must be AVRO, JSON or PROTOBUF")
		return
	}
	if !slices.Contains(schemacompat.Modes(), schemacompat.Mode(mode)) {
		resp.Error = function.NewArgumentFuncError(3, "the mode must be NONE, BACKWARD, FORWARD or FULL, or one of their _TRANSITIVE forms")
		return
	}
	versions := [2]schemacompat.Version{{Name: "the old schema"}, {Name: "the new schema"}}
	for i, text := range []string{older, newer} {
		parsed, err := schemacompat.Parse(ctx, schematext.Schema{Format: format, Text: text})
		if err != nil {
			resp.Error = function.NewArgumentFuncError(int64(1+i), versions[i].Name+" is not valid: "+strings.TrimSuffix(err.Error(), "."))
			return
		}
		versions[i].Schema = parsed
	}
	reasons, err := schemacompat.Check(ctx, schemacompat.Mode(mode), versions[1], versions[0])
	if err != nil {
		resp.Error = function.NewFuncError(err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, verdict(reasons))
}

func verdict(reasons []string) types.Object {
	list := make([]attr.Value, len(reasons))
	for i, r := range reasons {
		list[i] = types.StringValue(r)
	}
	return types.ObjectValueMust(verdictTypes, map[string]attr.Value{
		"compatible": types.BoolValue(len(reasons) == 0), "reasons": types.ListValueMust(types.StringType, list),
	})
}
