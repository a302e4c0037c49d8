package quota

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// To name no quota would take all of them away.
func TestNothingDeclaredIsNothingToDelete(t *testing.T) {
	daemon := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the daemon is asked to %s %s", r.Method, r.URL)
	}))
	defer daemon.Close()
	client, err := api.NewClient(api.ClientConfig{Endpoint: daemon.URL, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	m := &model{ConnectionName: types.StringValue("main"), Entity: types.StringValue("user=billing")}
	if deletion, err := del(t.Context(), client, m, api.WriteOptions{}); err != nil || deletion == nil || len(deletion.Effects) > 0 {
		t.Errorf("%+v, %v", deletion, err)
	}
}
