package schema

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// attrVersion is the version of a reference.
type attrVersion = types.Int64

var unknownVersion = types.Int64Unknown()

// withVersions changes the versions of references.
func withVersions(references types.List, change func(i int, version attrVersion) attrVersion) types.List {
	if references.IsNull() || references.IsUnknown() {
		return references
	}
	elements := references.Elements()
	for i, element := range elements {
		object, ok := element.(types.Object)
		if !ok || object.IsNull() || object.IsUnknown() {
			continue
		}
		values := object.Attributes()
		version, _ := values["version"].(types.Int64)
		values = maps.Clone(values)
		values["version"] = change(i, version)
		elements[i] = types.ObjectValueMust(object.AttributeTypes(context.Background()), values)
	}
	return types.ListValueMust(references.ElementType(context.Background()), elements)
}

// follows says whether the configuration leaves the version of a reference out.
func follows(config types.List, i int) bool { return versionOf(config, i).IsNull() }

// versionOf is the version of a reference; unknown where the reference is.
func versionOf(references types.List, i int) attrVersion {
	if references.IsUnknown() || i >= len(references.Elements()) {
		return unknownVersion
	}
	object, ok := references.Elements()[i].(types.Object)
	if !ok || object.IsUnknown() {
		return unknownVersion
	}
	version, _ := object.Attributes()["version"].(types.Int64)
	return version
}

// sent are the references of a request: a version that is followed, and not known, is left out.
func (m *model) sent(config types.List) types.List {
	return withVersions(m.References, func(i int, version attrVersion) attrVersion {
		if version.IsUnknown() && follows(config, i) {
			return types.Int64Null()
		}
		return version
	})
}

// resolve fills in the versions that are followed, as the daemon found them.
func (m *model) resolve(found []api.SchemaReference) {
	m.References = withVersions(m.References, func(i int, version attrVersion) attrVersion {
		if !version.IsUnknown() || i >= len(found) || found[i].Version == 0 {
			return version
		}
		return types.Int64Value(found[i].Version)
	})
}
