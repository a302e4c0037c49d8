// Package function holds the provider's functions. They need no daemon.
package function

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// All lists the functions.
func All() []func() function.Function {
	return []func() function.Function{
		func() function.Function { return durationMillis },
		func() function.Function { return sizeBytes },
		func() function.Function { return parseConnectionString },
		func() function.Function { return schemaCompatible{} },
	}
}

// simple is a function of text.
type simple struct {
	name       string
	definition function.Definition
	run        func(text string) (attr.Value, error)
}

func (f simple) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = f.name
}

func (f simple) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = f.definition
}

func (f simple) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	if resp.Error = req.Arguments.Get(ctx, &text); resp.Error != nil {
		return
	}
	value, err := f.run(text)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, value)
}

func textParameter(name, description string) []function.Parameter {
	return []function.Parameter{function.StringParameter{Name: name, MarkdownDescription: description}}
}

var durationMillis = simple{
	name: "duration_ms",
	definition: function.Definition{
		Summary:             "A duration in milliseconds",
		MarkdownDescription: "The milliseconds of a duration in words, for configs that want numbers: `duration_ms(\"168h\")` is `604800000`.",
		Parameters:          textParameter("duration", "A number with a unit (`ms`, `s`, `m`, `h`, or first `d`, which is 24 hours), or several: `30s`, `1h30m`, `7d`, `1d12h`."),
		Return:              function.Int64Return{},
	},
	run: func(text string) (attr.Value, error) {
		duration, err := spec.Duration(text).Parse()
		if err != nil {
			return nil, err
		}
		return types.Int64Value(duration.Milliseconds()), nil
	},
}

var sizeBytes = simple{
	name: "size_bytes",
	definition: function.Definition{
		Summary:             "A size in bytes",
		MarkdownDescription: "The bytes of a size in words, for configs that want numbers: `size_bytes(\"64MiB\")` is `67108864`, `size_bytes(\"1GB\")` is `1000000000`.",
		Parameters:          textParameter("size", "A number with a unit: `512KiB`, `64MiB`, `1GB`; without a unit it is bytes."),
		Return:              function.Int64Return{},
	},
	run: func(text string) (attr.Value, error) {
		size, err := spec.Size(text).Parse()
		if err != nil {
			return nil, err
		}
		return types.Int64Value(size), nil
	},
}
