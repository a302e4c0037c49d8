package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newStatus() *cobra.Command {
	var flags clientFlags
	cmd := &cobra.Command{
		Use:   "status [connector]",
		Short: "Show every connector, or one with its instances",
		Long: `Show every connector that the daemon hosts, or one with its instances.

READ and WRITTEN count from 0 since the daemon started, and anew when the connector is changed or restarted as a whole. LAST ERROR is
the latest error of any instance and when it was, one that the connector has got over included: the state says whether it runs.`,
		Args: argsOfUse,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			if len(args) == 0 {
				return statusOfAll(cmd.Context(), cmd.OutOrStdout(), client, flags.json)
			}
			c, err := client.GetConnector(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if flags.json {
				return printJSON(cmd.OutOrStdout(), c)
			}
			return printConnector(cmd.OutOrStdout(), c)
		},
	}
	flags.register(cmd)
	return cmd
}

func statusOfAll(ctx context.Context, out io.Writer, client *api.Client, asJSON bool) error {
	all := []api.Connector{}
	for cursor := ""; ; {
		page, err := client.ListConnectors(ctx, cursor)
		if err != nil {
			return err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if asJSON {
		return printJSON(out, all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "No connectors.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CONNECTOR\tSTATE\tGUARANTEE\tLAG\tWRITTEN\tLAST ERROR")
	for _, c := range all {
		var written int64
		for _, i := range c.Status.Instances {
			written += i.RecordsWritten
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", c.Name, c.Status.State, c.Status.Guarantee, lag(c.Status.LagRecords), written, summary(latest(&c.Status), time.Now()))
	}
	return w.Flush()
}

func printConnector(out io.Writer, c *api.Connector) error {
	s := c.Status
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "connector\t%s (%s %s)\n", c.Name, c.Kind, c.Type)
	fmt.Fprintf(w, "state\t%s (declared %s)\n", s.State, c.State)
	fmt.Fprintf(w, "guarantee\t%s\n", s.Guarantee)
	fmt.Fprintf(w, "lag\t%s records\n", lag(s.LagRecords))
	fmt.Fprintf(w, "group\t%s\n", s.GroupID)
	fmt.Fprintf(w, "worker\t%s\n", s.WorkerID)
	if s.Error != nil {
		fmt.Fprintf(w, "error\t%s\n\t%s\n\t%s\n", s.Error.Summary, s.Error.Detail, s.Error.Remedy)
	}
	if s.RolledBack != nil {
		fmt.Fprintf(w, "rolled back\tgeneration %s: %s\n", s.RolledBack.Generation, s.RolledBack.Error.Summary)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	fmt.Fprintln(w, "INSTANCE\tSTATE\tPARTITIONS\tLAG\tREAD\tWRITTEN\tBYTES WRITTEN\tLAST READ\tRESTARTS")
	for _, i := range s.Instances {
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%d\t%d\t%s\t%s\t%d\n", i.ID, i.State, len(i.Partitions), lag(i.LagRecords), i.RecordsReceived, i.RecordsWritten,
			humanize.IBytes(uint64(max(i.BytesWritten, 0))), when(i.LastReceived), i.RestartsTotal)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printErrors(out, s.Instances)
}

func printErrors(out io.Writer, instances []api.InstanceStatus) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	heading := "\nRECENT ERRORS"
	for _, i := range instances {
		for _, f := range append(append([]api.Failure{}, i.SourceErrors...), i.SystemErrors...) {
			if heading != "" {
				fmt.Fprintln(w, heading)
				heading = ""
			}
			fmt.Fprintf(w, "%s\tinstance %d\t%s: %s\n", f.At.Local().Format(time.DateTime), i.ID, f.Summary, f.Detail)
		}
	}
	return w.Flush()
}

func lag(n int64) string {
	if n < 0 {
		return "unknown"
	}
	return strconv.FormatInt(n, 10)
}

// latest is the newest error of a connector, nil when there was none.
func latest(s *api.ConnectorStatus) *api.Failure {
	newest := s.Error
	for _, i := range s.Instances {
		for _, f := range slices.Concat(i.SourceErrors, i.SystemErrors) {
			if newest == nil || f.At.After(newest.At) {
				newest = &f
			}
		}
	}
	return newest
}

func summary(f *api.Failure, now time.Time) string {
	if f == nil {
		return "-"
	}
	text := f.Summary
	if f.Detail != "" {
		text += ": " + strings.Join(strings.Fields(f.Detail), " ") // one line of a table
	}
	return text + " (" + humanize.RelTime(f.At, now, "ago", "from now") + ")"
}

func when(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return humanize.Time(*t)
}
