package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/restart"
)

func newConnectorRestart() *cobra.Command {
	var (
		flags      clientFlags
		onlyFailed bool
		timeout    time.Duration
	)
	cmd := &cobra.Command{
		Use:   "restart [connection] <connector>",
		Short: "Restart a connector, and wait until it runs again",
		Long: `Restart a connector that the daemon hosts or, with a connection, one that its Kafka Connect cluster runs, and wait until it
runs again, or is paused as before. It fails, with the root cause, when the connector does. A stopped connector is refused.`,
		Example: `  headgated connector restart orders-in
  headgated connector restart orders-in --failed             # only the instances that have failed
  headgated connector restart connect orders-jdbc --failed   # of a Kafka Connect cluster`,
		Args: argsOfUse,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			if len(args) == 2 {
				return runRestart(ctx, restart.OnKafkaConnect(client, args[0], args[1], onlyFailed, "--timeout"), cmd.OutOrStdout(), flags.json)
			}
			return runRestart(ctx, restart.Hosted(client, args[0], onlyFailed, "--timeout"), cmd.OutOrStdout(), flags.json)
		},
	}
	cmd.Flags().BoolVar(&onlyFailed, "failed", false, "restart only what has failed")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long to wait")
	flags.register(cmd)
	return cmd
}

// runRestart restarts, and says how far it is, or in the end shows the connector.
func runRestart[A any](ctx context.Context, r restart.Restart[A], out io.Writer, asJSON bool) error {
	var told error
	say := func(text string) {
		_, err := fmt.Fprintln(out, text+".")
		told = errors.Join(told, err)
	}
	if asJSON {
		say = func(string) {}
	}
	now, err := r.Run(ctx, say)
	if asJSON && now != nil {
		told = printJSON(out, now)
	}
	return errors.Join(told, err)
}
