package schema

import (
	"context"
	"maps"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Where a schema leads to two versions by one name, the first counts, in the order of the references.
func TestFirstVersionOfANameCounts(t *testing.T) {
	common := func(number int64) api.SchemaReference {
		return api.SchemaReference{Name: "common.proto", Subject: "common", Version: number}
	}
	orders := api.SchemaReference{Name: "orders.proto", Subject: "orders", Version: 1}
	version := func(_ context.Context, subject string, number int64) (*Version, error) {
		v := &Version{Text: Text{Schema: subject + string(rune('0'+number))}}
		if subject == "orders" {
			v.References = []api.SchemaReference{common(1)}
		}
		return v, nil
	}
	for want, references := range map[string][]api.SchemaReference{
		"common2": {common(2), orders},
		"common1": {orders, common(2)},
	} {
		texts, err := follow(t.Context(), references, version)
		if err != nil {
			t.Fatal(err)
		}
		if got := ByName(texts); !maps.Equal(got, map[string]string{"common.proto": want, "orders.proto": "orders1"}) {
			t.Errorf("%v leads to %v", references, got)
		}
	}
}
