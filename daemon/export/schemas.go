package export

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func schemas(ctx context.Context, client *api.Client, o Options) ([]resource, error) {
	return written(o.Prefix, func(s api.Schema) string { return s.Subject }, schema, func(cursor string) (*api.Page[api.Schema], error) {
		return client.ListSchemas(ctx, o.Connection, cursor)
	})
}

func schema(s api.Schema) resource {
	r := resource{typ: "headgate_schema", name: s.Subject, importID: s.Connection + "/" + s.Subject}
	r.setText("connection_name", s.Connection)
	r.setText("subject", s.Subject)
	if s.CloudEvent {
		r.setText("format", "CLOUDEVENTS") // as an import understands it
	} else {
		r.setText("format", s.Format)
	}
	r.setDocument("schema", s.Schema)
	if len(s.References) > 0 {
		references := make([]cty.Value, len(s.References))
		for i, ref := range s.References {
			references[i] = cty.ObjectVal(map[string]cty.Value{
				"name": cty.StringVal(ref.Name), "subject": cty.StringVal(ref.Subject), "version": cty.NumberIntVal(ref.Version),
			})
		}
		r.set("references", cty.ListVal(references))
	}
	r.setTextUnlessEmpty("compatibility", s.Compatibility)
	r.setTextUnlessEmpty("mode", s.Mode)
	return r
}
