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
		"plain":         {errors.New("no such flag"), []string{"Error: no such flag\n"}},
		"of the API":    {refused, []string{"Error: It is in use\n  By others.\n  Delete them.\n", "Error: Odd too\n"}},
		"no token":      {&api.Error{Code: api.CodeUnauthorized, Summary: "No"}, []string{"Error: No\n", "--token-file", "HEADGATE_TOKEN"}},
		"unreachable":   {&api.UnreachableError{Endpoint: "http://x:1", Err: errors.New("refused")}, []string{"http://x:1", "--endpoint", "--ca-certificate"}},
		"no topic":      {api.NotFound("Topic", "nope"), []string{"Error: Topic \"nope\" does not exist\n  headgated topics"}},
		"no connection": {api.NotFound("Connection", "nope"), []string{"/v1/connections"}},
		"no connector":  {api.NotFound("Connector", "nope"), []string{"headgated status"}},
		"stopped":       {fmt.Errorf("ask: %w", context.Canceled), []string{"Error: Stopped before it was done\n"}},
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

func TestArgumentsAndFlagsAreNamed(t *testing.T) {
	for line, want := range map[string]string{
		"preview main":                      "<topic> is missing: headgated preview <connection> <topic>",
		"preview":                           "<connection> and <topic> are missing",
		"topics":                            "<connection> is missing",
		"topics a b":                        `"b" is too much: headgated topics <connection>`,
		"connector restart":                 "<connector> is missing: headgated connector restart [connection] <connector>",
		"connector restart a b c":           `"c" is too much`,
		"status a b":                        `"b" is too much`,
		"preview main orders --decode foo":  `--decode is one of auto, registry, json, text, hex, not "foo"`,
		"preview main orders --last 0":      "--last is from 1 to 1000, not 0",
		"preview main orders --limit 1001 ": "--limit is from 1 to 1000, not 1001",
	} {
		t.Run(line, func(t *testing.T) {
			root := newRoot()
			root.SetArgs(strings.Fields(line))
			if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("it says %v, want %q", err, want)
			}
		})
	}
}
