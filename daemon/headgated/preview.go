package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newPreview() *cobra.Command {
	var (
		flags     clientFlags
		opts      api.PreviewOptions
		offset    int64
		partition int32
		from, key string
	)
	cmd := &cobra.Command{
		Use:   "preview <connection> <topic>",
		Short: "Show a few records of a topic, decoded: the newest, or from an offset or a time on",
		Args:  argsOfUse,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkPreview(cmd, opts); err != nil {
				return err
			}
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			if cmd.Flags().Changed("from-offset") {
				opts.FromOffset = &offset
			}
			if cmd.Flags().Changed("partition") {
				opts.Partition = &partition
			}
			if key != "" {
				opts.Key = &key
			}
			if from != "" {
				at, err := time.Parse(time.RFC3339, from)
				if err != nil {
					return fmt.Errorf("--from-time %s is not a time such as 2026-11-21T08:00:00Z", from)
				}
				opts.FromTime = &at
			}
			p, err := client.PreviewTopic(cmd.Context(), args[0], args[1], opts)
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
			for _, note := range p.Notes {
				fmt.Fprintln(out, note)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&opts.Last, "last", 0, "how many of the newest records, 1 to 1000 (default 10)")
	cmd.Flags().Int64Var(&offset, "from-offset", 0, "begin at this offset, in each partition")
	cmd.Flags().StringVar(&from, "from-time", "", "begin at this time, such as 2026-11-21T08:00:00Z")
	cmd.Flags().IntVar(&opts.Limit, "limit", 0, "with --from-offset or --from-time: how many records at most from there on, 1 to 1000 (default 10)")
	cmd.Flags().Int32Var(&partition, "partition", 0, "look at this partition only")
	cmd.Flags().StringVar(&key, "key", "", "only records with this key")
	cmd.Flags().StringVar(&opts.Decode, "decode", "", "how to make values readable: auto, registry, json, text or hex")
	cmd.Flags().StringVar(&opts.DecodeKey, "decode-key", "", "how to make keys readable")
	flags.register(cmd)
	return cmd
}

// checkPreview refuses what the daemon would, in the words of the flags, and a number that would count as none given.
func checkPreview(cmd *cobra.Command, opts api.PreviewOptions) error {
	for flag, n := range map[string]int{"last": opts.Last, "limit": opts.Limit} {
		if cmd.Flags().Changed(flag) && (n < 1 || n > 1000) {
			return fmt.Errorf("--%s is from 1 to 1000, not %d", flag, n)
		}
	}
	for flag, decoding := range map[string]string{"decode": opts.Decode, "decode-key": opts.DecodeKey} {
		if decoding != "" && !slices.Contains(api.PreviewDecodings, decoding) {
			return fmt.Errorf("--%s is one of %s, not %q", flag, strings.Join(api.PreviewDecodings, ", "), decoding)
		}
	}
	return nil
}

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}
