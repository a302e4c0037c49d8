package stream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// A stream that was created, and whose making then fails, is answered beside the error: state must have it.
func TestPutAnswersWhatItCreated(t *testing.T) {
	for name, tt := range map[string]struct {
		first string
		code  int
		has   bool
	}{
		"fails later":   {`{"name":"clicks","status":"CREATING"}`, http.StatusOK, true},
		"fails at once": {`{"code":"refused","summary":"No"}`, http.StatusConflict, false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				asked++
				if asked == 1 {
					w.WriteHeader(tt.code)
					_, _ = io.WriteString(w, tt.first)
					return
				}
				w.WriteHeader(http.StatusConflict)
				_, _ = io.WriteString(w, `{"code":"refused","summary":"AWS says no"}`)
			}))
			defer daemon.Close()
			client, err := api.NewClient(api.ClientConfig{Endpoint: daemon.URL, Retries: -1})
			if err != nil {
				t.Fatal(err)
			}
			plan := &model{ConnectionName: types.StringValue("aws"), Name: types.StringValue("clicks")}
			answer, err := put(t.Context(), client, remote.Write[model]{Plan: plan, State: &model{}, Config: plan}, api.WriteOptions{CreateOnly: true})
			if err == nil || (answer != nil) != tt.has {
				t.Errorf("%+v, %v", answer, err)
			}
		})
	}
}
