package main

import (
	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/daemon/export"
)

func newExport() *cobra.Command {
	var (
		flags   clientFlags
		options export.Options
	)
	cmd := &cobra.Command{
		Use:   "export <connection>",
		Short: "Write Terraform configuration, with import blocks, for what exists behind a connection",
		Example: `  headgated export main > topics.tf
  headgated export main --prefix payments. > payments.tf && terraform plan`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			options.Connection = args[0]
			return export.Write(cmd.Context(), client, cmd.OutOrStdout(), options)
		},
	}
	cmd.Flags().StringVar(&options.Prefix, "prefix", "", "only names that begin with this")
	flags.registerConnection(cmd)
	return cmd
}
