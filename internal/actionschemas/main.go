// Command actionschemas adds the provider's actions to its schema, from standard input to standard output: a Terraform before
// 1.14 and OpenTofu leave them out of what providers schema -json prints, and the docs are made of that.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider"
)

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	var document map[string]json.RawMessage
	if err := json.NewDecoder(in).Decode(&document); err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	var providers map[string]map[string]any
	if err := json.Unmarshal(document["provider_schemas"], &providers); err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	resp, err := provider.Server("docs", api.BuiltinKinds())().GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return fmt.Errorf("ask the provider: %w", err)
	}
	actions := map[string]any{}
	for name, action := range resp.ActionSchemas {
		actions[name] = map[string]any{"block": block(action.Schema.Block)}
	}
	for _, one := range providers {
		one["action_schemas"] = actions
	}
	if document["provider_schemas"], err = json.Marshal(providers); err != nil {
		return fmt.Errorf("write the schema: %w", err)
	}
	return json.NewEncoder(out).Encode(document)
}

func block(b *tfprotov6.SchemaBlock) map[string]any {
	return map[string]any{"attributes": attributes(b.Attributes), "description": b.Description, "description_kind": kind(b.DescriptionKind)}
}

func attributes(all []*tfprotov6.SchemaAttribute) map[string]any {
	byName := map[string]any{}
	for _, a := range all {
		one := map[string]any{"description": a.Description, "description_kind": kind(a.DescriptionKind), "required": a.Required, "optional": a.Optional}
		if a.NestedType != nil {
			one["nested_type"] = map[string]any{"attributes": attributes(a.NestedType.Attributes), "nesting_mode": nesting(a.NestedType.Nesting)}
		} else {
			one["type"] = typeOf(a.Type)
		}
		byName[a.Name] = one
	}
	return byName
}

func kind(k tfprotov6.StringKind) string {
	if k == tfprotov6.StringKindMarkdown {
		return "markdown"
	}
	return "plain"
}

func nesting(mode tfprotov6.SchemaObjectNestingMode) string {
	switch mode {
	case tfprotov6.SchemaObjectNestingModeList:
		return "list"
	case tfprotov6.SchemaObjectNestingModeSet:
		return "set"
	case tfprotov6.SchemaObjectNestingModeMap:
		return "map"
	default:
		return "single"
	}
}

// typeOf is a type as Terraform writes it in JSON.
func typeOf(t tftypes.Type) any {
	switch t := t.(type) {
	case tftypes.List:
		return []any{"list", typeOf(t.ElementType)}
	case tftypes.Set:
		return []any{"set", typeOf(t.ElementType)}
	case tftypes.Map:
		return []any{"map", typeOf(t.ElementType)}
	case tftypes.Object:
		byName := map[string]any{}
		for name, of := range t.AttributeTypes {
			byName[name] = typeOf(of)
		}
		return []any{"object", byName}
	}
	switch {
	case t.Is(tftypes.Number):
		return "number"
	case t.Is(tftypes.Bool):
		return "bool"
	default:
		return "string"
	}
}
