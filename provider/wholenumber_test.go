package provider_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// fractions are the attributes that need not be whole.
var fractions = []string{"connection_creation_rate", "controller_mutation_rate", "request_percentage"}

// A number that is not whole is refused in words that name the attribute, whatever attribute it is.
func TestWholeNumbers(t *testing.T) {
	q := &querier{t: t, server: server(t, api.BuiltinKinds()), schemas: schemas(t, api.BuiltinKinds())}
	tested := 0
	for typ, schema := range q.schemas.ResourceSchemas {
		for _, a := range schema.Block.Attributes {
			if a.Type == nil || !a.Type.Is(tftypes.Number) || !a.Optional && !a.Required {
				continue
			}
			if slices.Contains(fractions, a.Name) {
				continue
			}
			tested++
			found := q.validate(typ, map[string]tftypes.Value{a.Name: tftypes.NewValue(tftypes.Number, 1.5)})
			if len(found) != 1 || found[0].Summary != a.Name+" must be a whole number" || found[0].Attribute.String() != `AttributeName("`+a.Name+`")` {
				t.Errorf("%s.%s: %s", typ, a.Name, words(found))
			}
		}
	}
	if tested < 5 {
		t.Errorf("only %d attributes are numbers", tested)
	}
}

func TestWholeNumbersBelow(t *testing.T) {
	q := &querier{t: t, server: server(t, api.BuiltinKinds()), schemas: schemas(t, api.BuiltinKinds())}
	restart, ok := q.object("headgate_connector").AttributeTypes["restart"].(tftypes.Object)
	if !ok {
		t.Fatal("restart is no object")
	}
	huge, _, err := big.ParseFloat("1e30", 10, 512, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	number := func(v any) tftypes.Value { return tftypes.NewValue(tftypes.Number, v) }
	nested := func(v any) map[string]tftypes.Value {
		return map[string]tftypes.Value{"restart": tftypes.NewValue(restart, filled(restart, map[string]tftypes.Value{"max_retries": number(v)}))}
	}
	for _, tt := range []struct {
		typ    string
		config map[string]tftypes.Value
		want   string
	}{
		{"headgate_connector", nested(1.5), "restart.max_retries must be a whole number: 1.5 is not one. Set restart.max_retries to a whole number."},
		{"headgate_topic", map[string]tftypes.Value{"partitions": number(huge)}, "partitions must be a whole number: 1e+30 does not fit into 64 bits. Set partitions to a whole number."},
	} {
		if got := words(q.validate(tt.typ, tt.config)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.typ, got, tt.want)
		}
	}
	if got := words(q.validate("headgate_client_quota", map[string]tftypes.Value{fractions[0]: number(1.5)})); strings.Contains(got, "whole number") {
		t.Errorf("a fraction is refused: %s", got)
	}
	for _, fine := range []map[string]tftypes.Value{nested(3), nested(tftypes.UnknownValue), nil} {
		if got := words(q.validate("headgate_connector", fine)); strings.Contains(got, "whole number") {
			t.Errorf("%v: %s", fine, got)
		}
	}
	const preview = "headgate_topic_preview"
	object, ok := q.schemas.DataSourceSchemas[preview].ValueType().(tftypes.Object)
	if !ok {
		t.Fatal("a preview is no object")
	}
	resp, err := q.server.ValidateDataResourceConfig(t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{
		TypeName: preview, Config: q.value(object, filled(object, map[string]tftypes.Value{"last": number(2.5)})),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := words(resp.Diagnostics); !strings.HasPrefix(got, "last must be a whole number") {
		t.Errorf("a data source: %s", got)
	}
}

// validate checks a configuration in which nothing else is set.
func (q *querier) validate(typ string, config map[string]tftypes.Value) []*tfprotov6.Diagnostic {
	q.t.Helper()
	object := q.object(typ)
	resp, err := q.server.ValidateResourceConfig(q.t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: typ, Config: q.value(object, filled(object, config))})
	if err != nil {
		q.t.Fatal(err)
	}
	return resp.Diagnostics
}

func words(found []*tfprotov6.Diagnostic) string {
	all := make([]string, len(found))
	for i, one := range found {
		all[i] = one.Summary + ": " + one.Detail
	}
	return strings.Join(all, "\n")
}
