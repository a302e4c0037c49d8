package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newPreview() *cobra.Command {
	var (
		flags clientFlags
		last  int
	)
	cmd := &cobra.Command{
		Use:   "preview <connection> <topic>",
		Short: "Show the newest records of a topic, decoded",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			p, err := client.PreviewTopic(cmd.Context(), args[0], args[1], api.PreviewOptions{Last: last})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if flags.json {
				return printJSON(out, p)
			}
			for _, r := range p.Records {
				fmt.Fprintf(out, "%s  partition %d offset %d\n  key    %s\n  value  %s\n", r.Timestamp.Format(time.RFC3339), r.Partition, r.Offset, text(r.Key), text(r.Value))
				for _, h := range r.Headers {
					fmt.Fprintf(out, "  header %s: %s\n", h.Key, h.Value)
				}
			}
			if len(p.Records) == 0 {
				fmt.Fprintln(out, "No records.")
			}
			if p.Truncated {
				fmt.Fprintln(out, "There is more: the limits of bytes or time cut it short.")
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&last, "last", 10, "how many of the newest records, 1 to 1000")
	flags.register(cmd)
	return cmd
}

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}
