package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/daemon/export"
)

func newExport() *cobra.Command {
	var (
		flags   clientFlags
		options export.Options
	)
	var namespaces bool
	cmd := &cobra.Command{
		Use:   "export {<connection> | --namespaces}",
		Short: "Write Terraform configuration, with import blocks, for what exists already",
		Long: `Write Terraform configuration, with import blocks, for what exists already: behind a connection, the topics, ACLs,
SCRAM users and client quotas of a Kafka cluster, the schemas of a registry, the connectors of a Kafka Connect cluster,
the streams of Amazon Kinesis or the topics of a Pulsar namespace; with --namespaces, Headgate's own namespaces.
Planning it changes nothing. Secrets are not in it; those that are there stay.`,
		Example: `  headgated export main > topics.tf
  headgated export main --prefix payments. > payments.tf && terraform plan
  headgated export connect > connectors.tf
  headgated export old --label-prefix old_ > old.tf
  headgated export --namespaces > namespaces.tf`,
		Args: func(_ *cobra.Command, args []string) error {
			if namespaces == (len(args) == 1) || len(args) > 1 {
				return errors.New("name one connection, or use --namespaces")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			if !namespaces {
				options.Connection = args[0]
			}
			notes, err := export.Write(cmd.Context(), client, cmd.OutOrStdout(), options)
			for _, note := range notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "Note:", note)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&options.Prefix, "prefix", "", "only names that begin with this; of Pulsar topics, the full or the last part of the name")
	cmd.Flags().StringVar(&options.LabelPrefix, "label-prefix", "", "put this before the labels of the resources, where what is behind several connections goes into one folder")
	cmd.Flags().BoolVar(&namespaces, "namespaces", false, "the namespaces, which are behind no connection")
	flags.registerConnection(cmd)
	return cmd
}
