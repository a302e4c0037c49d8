package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

func newTopics() *cobra.Command {
	var (
		flags clientFlags
		q     api.TopicQuery
	)
	cmd := &cobra.Command{
		Use:   "topics <connection>",
		Short: "List the topics of a cluster",
		Args:  argsOfUse,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			all := []api.Topic{}
			for cursor := ""; ; {
				page, err := client.ListTopics(cmd.Context(), args[0], q, cursor)
				if err != nil {
					return err
				}
				for _, w := range page.Warnings {
					fmt.Fprintf(cmd.ErrOrStderr(), "Warning: %s\n  %s\n", w.Summary, w.Detail)
				}
				all = append(all, page.Items...)
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			if flags.json {
				return printJSON(cmd.OutOrStdout(), all)
			}
			return printTopics(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().StringVar(&q.Prefix, "prefix", "", "only topics whose names begin with it")
	cmd.Flags().StringVar(&q.Pattern, "pattern", "", "only topics whose whole names match this regular expression")
	cmd.Flags().StringVar(&q.Namespace, "namespace", "", "only topics of this namespace")
	flags.register(cmd)
	return cmd
}

func printTopics(out io.Writer, all []api.Topic) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "No topics.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOPIC\tPARTITIONS\tREPLICAS\tRETENTION\tCLEANUP\tPROTECTED\tDESCRIPTION")
	for _, t := range all {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%t\t%s\n", t.Name, t.Partitions, t.ReplicationFactor,
			spec.RetentionText(t.ConfigEffective["retention.ms"]), t.ConfigEffective["cleanup.policy"], t.DeletionProtection, t.Description)
	}
	return w.Flush()
}

func newTopic() *cobra.Command {
	var flags clientFlags
	cmd := &cobra.Command{
		Use:   "topic <connection> <topic>",
		Short: "Show how much is in a topic, how much comes, and where it is",
		Args:  argsOfUse,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			var both struct {
				Topic        *api.Topic        `json:"topic"`
				Figures      *api.TopicFigures `json:"figures"`
				Reassignment *api.Reassignment `json:"reassignment"`
			}
			if both.Topic, err = client.GetTopic(cmd.Context(), args[0], args[1]); err != nil {
				return err
			}
			if both.Figures, err = client.GetTopicFigures(cmd.Context(), args[0], args[1]); err != nil {
				return err
			}
			if both.Reassignment, err = client.GetReassignment(cmd.Context(), args[0], args[1]); err != nil {
				return err
			}
			if flags.json {
				return printJSON(cmd.OutOrStdout(), both)
			}
			return printTopic(cmd.OutOrStdout(), both.Topic, both.Figures, both.Reassignment)
		},
	}
	flags.register(cmd)
	return cmd
}

func printTopic(out io.Writer, t *api.Topic, f *api.TopicFigures, r *api.Reassignment) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "topic\t%s (%d partitions, %d replicas)\n", t.Name, t.Partitions, t.ReplicationFactor)
	fmt.Fprintf(w, "retention\t%s, %s\n", spec.RetentionText(t.ConfigEffective["retention.ms"]), t.ConfigEffective["cleanup.policy"])
	fmt.Fprintf(w, "records\t%s\n", known(f.Records, humanize.Comma))
	fmt.Fprintf(w, "size\t%s, %s with all replicas\n", known(f.SizeBytes, byteText), known(f.SizeBytesAll, byteText))
	fmt.Fprintf(w, "last write\t%s\n", lastWrite(f.LastWrite))
	fmt.Fprintf(w, "rate\t%s records/s, %s/s\n", known(f.RecordsPerSecond, func(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) }),
		known(f.BytesPerSecond, func(n float64) string { return byteText(int64(n)) }))
	if r.InProgress {
		fmt.Fprintf(w, "moving\t%d of %d partitions left, %s, at %s/s and broker at most\n", r.PartitionsLeft, r.PartitionsTotal, known(r.BytesLeft, byteText), or(r.Throttle, "any speed"))
	}
	if r.Problem != "" {
		fmt.Fprintf(w, "problem\t%s\n", r.Problem)
	}
	fmt.Fprintln(w, "\nPARTITION\tLEADER\tREPLICAS\tIN SYNC\tOFFSETS\tSIZE")
	for _, p := range f.Partitions {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s to %s\t%s\n", p.Partition, known(p.Leader, decimal), ids(p.Replicas), ids(p.InSync),
			known(p.EarliestOffset, decimal), known(p.LatestOffset, decimal), known(p.SizeBytes, byteText))
	}
	fmt.Fprintln(w, "\nBROKER\tRACK\tREPLICAS\tLEADS")
	for _, b := range f.Brokers {
		fmt.Fprintf(w, "%d\t%s\t%d\t%d\n", b.Broker, or(b.Rack, "-"), b.Replicas, b.Leaders)
	}
	return w.Flush()
}

func newCancelReassignment() *cobra.Command {
	var (
		flags  clientFlags
		dryRun bool
	)
	cmd := &cobra.Command{
		Use:   "cancel-reassignment <connection> <topic>",
		Short: "Take back what is not done of the change of a topic's replication factor",
		Args:  argsOfUse,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			done, err := client.CancelReassignment(cmd.Context(), args[0], args[1], api.WriteOptions{DryRun: dryRun})
			if err != nil {
				return err
			}
			if flags.json {
				return printJSON(cmd.OutOrStdout(), done)
			}
			for _, e := range done.Effects {
				fmt.Fprintln(cmd.OutOrStdout(), e.Summary)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would happen and change nothing")
	flags.register(cmd)
	return cmd
}

// known words a number, or says that it is not known.
func known[T any](n *T, words func(T) string) string {
	if n == nil {
		return "unknown"
	}
	return words(*n)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func byteText(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func lastWrite(t *time.Time) string {
	if t == nil {
		return "none"
	}
	return fmt.Sprintf("%s, %s", humanize.Time(*t), t.Format(time.RFC3339))
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func ids(all []int64) string {
	words := make([]string, 0, len(all))
	for _, id := range all {
		words = append(words, decimal(id))
	}
	return strings.Join(words, ",")
}
