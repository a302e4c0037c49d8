package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestErrorsSpeakOfFlags(t *testing.T) {
	refused := api.Refused(api.CodeInUse, "", "It is in use", "By others.", "Delete them.")
	refused.More = []api.Error{*api.Invalid("", "Odd too", "", "")}
	for name, tt := range map[string]struct {
		err  error
		want []string
	}{
		"plain":       {errors.New("no such flag"), []string{"Error: no such flag\n"}},
		"of the API":  {refused, []string{"Error: It is in use\n  By others.\n  Delete them.\n", "Error: Odd too\n"}},
		"no token":    {&api.Error{Code: api.CodeUnauthorized, Summary: "No"}, []string{"Error: No\n", "--token-file", "HEADGATE_TOKEN"}},
		"unreachable": {&api.UnreachableError{Endpoint: "http://x:1", Err: errors.New("refused")}, []string{"http://x:1", "--endpoint", "--ca-certificate"}},
		"stopped":     {fmt.Errorf("ask: %w", context.Canceled), []string{"Error: Stopped before it was done\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			printError(&out, tt.err)
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it says %q, without %q", out.String(), want)
				}
			}
		})
	}
}
