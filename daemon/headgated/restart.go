package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newConnectorRestart() *cobra.Command {
	var (
		flags clientFlags
		r     restart
	)
	cmd := &cobra.Command{
		Use:   "restart [connection] <connector>",
		Short: "Restart a connector, and wait until it runs again",
		Long: `Restart a connector that the daemon hosts or, with a connection, one that its Kafka Connect cluster runs, and wait until it
runs again, or is paused as before. It fails, with the root cause, when the connector does. A stopped connector is refused.`,
		Example: `  headgated connector restart orders-in
  headgated connector restart orders-in --failed             # only the instances that have failed
  headgated connector restart connect orders-jdbc --failed   # of a Kafka Connect cluster`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), r.timeout)
			defer cancel()
			r.connector = args[len(args)-1]
			begin, wait := r.hosted(client)
			if len(args) == 2 {
				begin, wait = r.onKafkaConnect(client, args[0])
			}
			return r.run(ctx, begin, wait, cmd.OutOrStdout(), flags.json)
		},
	}
	cmd.Flags().BoolVar(&r.onlyFailed, "failed", false, "restart only what has failed")
	cmd.Flags().DurationVar(&r.timeout, "timeout", 2*time.Minute, "how long to wait")
	flags.register(cmd)
	return cmd
}

// restart is what the flags ask for.
type restart struct {
	connector  string
	onlyFailed bool
	timeout    time.Duration
}

// restarted is a connector after its restart.
type restarted struct {
	connector any
	state     string
	failure   *api.Failure
}

func (r restart) hosted(client *api.Client) (begin func(ctx context.Context) error, wait func(ctx context.Context) (restarted, error)) {
	begin = func(ctx context.Context) error {
		_, err := client.RestartConnector(ctx, r.connector, r.onlyFailed)
		return err
	}
	return begin, func(ctx context.Context) (restarted, error) {
		c, err := client.WaitConnector(ctx, r.connector)
		if err != nil {
			return restarted{}, err
		}
		return restarted{c, c.Status.State, c.Status.Error}, nil
	}
}

func (r restart) onKafkaConnect(client *api.Client, connection string) (begin func(ctx context.Context) error, wait func(ctx context.Context) (restarted, error)) {
	begin = func(ctx context.Context) error {
		_, err := client.RestartKafkaConnector(ctx, connection, r.connector, r.onlyFailed)
		return err
	}
	return begin, func(ctx context.Context) (restarted, error) {
		k, err := client.WaitKafkaConnector(ctx, connection, r.connector)
		if err != nil {
			return restarted{}, err
		}
		return restarted{k, k.Status.State, k.Status.Error}, nil
	}
}

// run restarts, and waits: the daemon holds each answer until there is news.
func (r restart) run(ctx context.Context, begin func(ctx context.Context) error, wait func(ctx context.Context) (restarted, error), out io.Writer, asJSON bool) error {
	if err := begin(ctx); err != nil {
		return err
	}
	for {
		now, err := wait(ctx)
		if err != nil {
			return r.silent(err)
		}
		if now.state != api.StateStarting && now.state != api.StateUnassigned {
			return r.end(out, now, asJSON)
		}
	}
}

func (r restart) silent(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("connector %q was restarted, and is still starting after %s; where it only needs longer, set --timeout", r.connector, r.timeout)
	}
	return fmt.Errorf("see whether connector %q runs again: %w", r.connector, err)
}

// end shows what has come of it; a connector that has failed is an error.
func (r restart) end(out io.Writer, now restarted, asJSON bool) error {
	var failed error
	if now.state == api.StateFailed {
		e := &api.Error{Code: api.CodeStartFailed, Summary: fmt.Sprintf("Connector %q has failed after its restart", r.connector)}
		if now.failure != nil {
			e.Detail, e.Remedy = strings.TrimSpace(now.failure.Summary+"\n  "+now.failure.Detail), now.failure.Remedy
		}
		failed = e
	}
	if asJSON {
		return errors.Join(printJSON(out, now.connector), failed)
	}
	if failed == nil {
		_, failed = fmt.Fprintf(out, "Connector %q is %s.\n", r.connector, now.state)
	}
	return failed
}
