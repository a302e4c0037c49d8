package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newTestConnection() *cobra.Command {
	var flags clientFlags
	cmd := &cobra.Command{
		Use:   "test-connection <connection>",
		Short: "Try a connection step by step, and say what is wrong",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			result, err := client.TestConnection(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if flags.json {
				err = printJSON(cmd.OutOrStdout(), result)
			} else {
				printTest(cmd.OutOrStdout(), result)
			}
			if err == nil && result.Error != nil {
				return result.Error
			}
			return err
		},
	}
	flags.register(cmd)
	return cmd
}

func printTest(out io.Writer, t *api.ConnectionTest) {
	for _, s := range t.Steps {
		outcome := "ok"
		if !s.OK {
			outcome = "FAILED"
		}
		fmt.Fprintf(out, "%-15s %-6s %8.1f ms  %s  %s\n", s.Step, outcome, s.DurationMillis, s.Address, s.Detail)
	}
	for _, w := range t.Warnings {
		fmt.Fprintf(out, "warning: %s. %s\n", w.Summary, w.Detail)
	}
}
