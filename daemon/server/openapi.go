package server

import (
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// openAPI makes the document of the API and fills in what the spec of each kind looks like. huma itself is not told:
// the daemon validates specs by their kind, with better words than "matches none of".
func openAPI(document *huma.OpenAPI, kinds api.Kinds) ([]byte, error) {
	schemas := document.Components.Schemas
	oneOf := map[string][]any{
		"Connection": refs(schemas, kinds.Connections), "ConnectionWrite": refs(schemas, kinds.Connections),
		"Connector": refs(schemas, kinds.Sources), "ConnectorWrite": refs(schemas, kinds.Sources),
	}
	settings := refs(schemas, spec.Kinds{spec.KindOf[api.ConnectorSettings]("settings", "")})
	raw, err := document.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("read back: %w", err)
	}
	for name, of := range oneOf {
		property(tree, name, "spec")["oneOf"] = of
	}
	property(tree, "ConnectorWrite", "settings")["oneOf"] = settings
	return json.MarshalIndent(tree, "", "  ")
}

func refs(schemas huma.Registry, kinds spec.Kinds) []any {
	list := make([]any, 0, len(kinds))
	for _, k := range kinds {
		list = append(list, map[string]any{"$ref": schemas.Schema(k.GoType(), true, k.Name).Ref})
	}
	return list
}

// property answers the schema of a property, or a map that nobody sees where there is none.
func property(tree map[string]any, schema, name string) map[string]any {
	at := any(tree)
	for _, step := range []string{"components", "schemas", schema, "properties", name} {
		m, ok := at.(map[string]any)
		if !ok {
			return map[string]any{}
		}
		at = m[step]
	}
	if m, ok := at.(map[string]any); ok {
		return m
	}
	return map[string]any{}
}
