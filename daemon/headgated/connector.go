package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newConnector() *cobra.Command {
	cmd := &cobra.Command{Use: "connector", Short: "Look after connectors"}
	cmd.AddCommand(newConnectorRestart(), newConnectorOffsets())
	return cmd
}

func newConnectorOffsets() *cobra.Command {
	var (
		flags clientFlags
		move  offsetMove
	)
	cmd := &cobra.Command{
		Use:   "offsets <connection> <connector>",
		Short: "Show how far a connector of a Kafka Connect cluster is, or move it",
		Long: `Show how far a connector of a Kafka Connect cluster is, or move it.

--set takes a file like the one that --json prints: the partitions to move, in the connector's own words, each with its new
offset; null forgets one. Partitions that are not in it stay. --reset forgets all of them: the connector begins anew. Both
show from where to where first, and refuse a connector that is not stopped. With --stop it is stopped meanwhile, and goes on
as before.`,
		Example: `  headgated connector offsets connect orders-jdbc
  headgated connector offsets connect orders-jdbc --json > offsets.json    # change it, and then
  headgated connector offsets connect orders-jdbc --set offsets.json --dry-run
  headgated connector offsets connect orders-jdbc --set offsets.json
  headgated connector offsets connect orders-jdbc --reset --stop`,
		Args: argsOfUse,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			move.connection, move.connector = args[0], args[1]
			now, err := client.GetKafkaConnectorOffsets(cmd.Context(), move.connection, move.connector)
			if err != nil {
				return err
			}
			if move.set == "" && !move.reset {
				return move.show(cmd.OutOrStdout(), now, flags.json)
			}
			return move.run(cmd.Context(), client, cmd.InOrStdin(), cmd.OutOrStdout(), now, flags.json)
		},
	}
	cmd.Flags().StringVar(&move.set, "set", "", "file with the offsets to set; - reads standard input")
	cmd.Flags().BoolVar(&move.reset, "reset", false, "forget all offsets")
	cmd.Flags().BoolVar(&move.stop, "stop", false, "stop the connector meanwhile, and let it go on as before")
	cmd.Flags().BoolVar(&move.dryRun, "dry-run", false, "say what would happen and change nothing")
	cmd.MarkFlagsMutuallyExclusive("set", "reset")
	flags.register(cmd)
	return cmd
}

// offsetMove is what the flags ask for.
type offsetMove struct {
	connection, connector string

	set                 string
	reset, stop, dryRun bool
}

// movedOffsets is what a move does, or in a dry run would do.
type movedOffsets struct {
	Moves []movedOffset `json:"moves"`
	// Done is null where it is not known: the connector's offsets tell.
	Done *bool `json:"done"`
}

type movedOffset struct {
	Partition json.RawMessage `json:"partition"`
	From      json.RawMessage `json:"from"`
	To        json.RawMessage `json:"to"`
}

func (m offsetMove) show(out io.Writer, now *api.KafkaConnectorOffsets, asJSON bool) error {
	if asJSON {
		return printJSON(out, now)
	}
	if len(now.Offsets) == 0 {
		_, err := fmt.Fprintln(out, "No offsets.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PARTITION\tOFFSET")
	for _, o := range now.Offsets {
		fmt.Fprintf(w, "%s\t%s\n", compact(o.Partition), compact(o.Offset))
	}
	return w.Flush()
}

// run looks before it moves: once the daemon has checked all of it, what is to happen is shown before it happens.
func (m offsetMove) run(ctx context.Context, client *api.Client, in io.Reader, out io.Writer, now *api.KafkaConnectorOffsets, asJSON bool) error {
	wanted, err := m.wanted(in, now)
	if err != nil {
		return err
	}
	if err := m.write(ctx, client, wanted, api.WriteOptions{DryRun: true}); err != nil {
		return err
	}
	k, err := client.GetKafkaConnector(ctx, m.connection, m.connector)
	if err != nil {
		return err
	}
	result := movedOffsets{Moves: moves(now, wanted)}
	if !asJSON {
		if err := result.printMoves(out); err != nil {
			return err
		}
	}
	if err = m.refusal(k); err != nil || m.dryRun {
		result.Done = new(false)
	} else if err = m.write(ctx, client, wanted, api.WriteOptions{}); err == nil {
		result.Done = new(true)
	}
	if asJSON {
		return errors.Join(printJSON(out, result), err)
	}
	return errors.Join(result.printEnd(out), err)
}

// wanted are the offsets to write.
func (m offsetMove) wanted(in io.Reader, now *api.KafkaConnectorOffsets) (api.KafkaConnectorOffsets, error) {
	var wanted api.KafkaConnectorOffsets
	if m.reset {
		for _, o := range now.Offsets {
			wanted.Offsets = append(wanted.Offsets, api.KafkaConnectorOffset{Partition: o.Partition, Offset: json.RawMessage("null")})
		}
		return wanted, nil
	}
	if m.set != "-" {
		file, err := os.Open(m.set)
		if err != nil {
			return wanted, fmt.Errorf("read the offsets to set: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wanted); err != nil {
		return wanted, fmt.Errorf("read the offsets to set: %w (what is needed looks like {\"offsets\": [{\"partition\": {...}, \"offset\": {...}}]}, as --json prints it)", err)
	}
	for i, o := range wanted.Offsets {
		if len(o.Partition) == 0 || len(o.Offset) == 0 {
			return wanted, fmt.Errorf("read the offsets to set: offset %d lacks its partition or its offset; an offset of null forgets it", i+1)
		}
	}
	return wanted, nil
}

func (m offsetMove) write(ctx context.Context, client *api.Client, wanted api.KafkaConnectorOffsets, options api.WriteOptions) error {
	var err error
	if m.reset {
		_, err = client.ResetKafkaConnectorOffsets(ctx, m.connection, m.connector, options)
	} else {
		_, err = client.PutKafkaConnectorOffsets(ctx, m.connection, m.connector, wanted, options)
	}
	return err
}

func (m offsetMove) refusal(k *api.KafkaConnector) error {
	if k.State == api.StateStopped || m.stop {
		return nil
	}
	return api.Refused(api.CodeRefused, "", fmt.Sprintf("Connector %q is not stopped", k.Name), fmt.Sprintf("It is %s; only the offsets of a stopped connector can be moved.", k.State),
		"Set its state to stopped, or have it stopped meanwhile with --stop.")
}

// moves tells from where to where, by what the connector has.
func moves(now *api.KafkaConnectorOffsets, wanted api.KafkaConnectorOffsets) []movedOffset {
	had := map[string]json.RawMessage{}
	for _, o := range now.Offsets {
		had[canonical(o.Partition)] = o.Offset
	}
	all := []movedOffset{}
	for _, o := range wanted.Offsets {
		from, ok := had[canonical(o.Partition)]
		if !ok {
			from = json.RawMessage("null")
		}
		all = append(all, movedOffset{o.Partition, from, o.Offset})
	}
	return all
}

func (r movedOffsets) printMoves(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(r.Moves) > 0 {
		fmt.Fprintln(w, "PARTITION\tFROM\tTO")
	}
	for _, m := range r.Moves {
		fmt.Fprintf(w, "%s\t%s\t%s\n", compact(m.Partition), compact(m.From), compact(m.To))
	}
	return w.Flush()
}

func (r movedOffsets) printEnd(out io.Writer) error {
	end := "Nothing is changed."
	switch {
	case r.Done == nil:
		end = "It is not known whether the offsets were moved, and whether the connector goes on: look at both."
	case len(r.Moves) == 0:
		end = "It has no offsets."
	case *r.Done:
		end = "The offsets are moved."
	}
	_, err := fmt.Fprintln(out, end)
	return err
}

// compact is JSON on one line.
func compact(raw json.RawMessage) string {
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return string(raw)
	}
	return line.String()
}

// canonical is the same text for JSON that means the same.
func canonical(raw json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return string(raw)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return string(raw)
	}
	return string(text)
}
