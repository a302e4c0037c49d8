package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newTestConnection() *cobra.Command {
	var flags clientFlags
	cmd := &cobra.Command{
		Use:   "test-connection <connection>",
		Short: "Try a connection step by step, and say what is wrong",
		Args:  argsOfUse,
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
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	total := 0.0
	for _, s := range t.Steps {
		outcome := "ok"
		if !s.OK {
			outcome = "FAILED"
		}
		total += s.DurationMillis
		fmt.Fprintf(w, "%s\t%s\t%.1f ms\t%s\t%s\n", s.Step, outcome, s.DurationMillis, s.Address, s.Detail)
	}
	_ = w.Flush()
	for _, one := range t.Warnings {
		fmt.Fprintf(out, "warning: %s. %s\n", one.Summary, one.Detail)
	}
	if t.OK {
		fmt.Fprintf(out, "The connection works: %d steps in %.1f ms.\n", len(t.Steps), total)
	}
}
