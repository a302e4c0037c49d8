package api_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// What is said of a field is read in the API, of resources and of data sources alike: only resources have attributes x_wo.
func TestDocsOfKindsNameNoWriteOnlyAttributes(t *testing.T) {
	writeOnly := regexp.MustCompile(`\w*_wo\b`)
	var look func(at string, fields []spec.Field)
	look = func(at string, fields []spec.Field) {
		for _, f := range fields {
			here := at + "." + f.Name
			if name := writeOnly.FindString(f.Doc); name != "" && !f.Secret {
				t.Errorf("the docs of %s name %s", here, name)
			}
			look(here, f.Fields)
			if f.Elem != nil {
				look(here, f.Elem.Fields)
			}
		}
	}
	kinds := api.BuiltinKinds()
	for _, k := range slices.Concat(kinds.Connections, kinds.Sources) {
		look(k.Name, k.Fields)
	}
}
