package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/daemon/dev"
)

func newDev() *cobra.Command {
	var (
		listen           string
		kafkaPorts       []int
		logLevel, format string
	)
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything in one process: in-memory Kafka clusters, registry and store; nothing to install, nothing kept",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(os.Stderr, logLevel, format)
			if err != nil {
				return err
			}
			d, err := dev.Start(cmd.Context(), dev.Config{Address: listen, KafkaPorts: kafkaPorts, Version: version, Commit: commit, Log: log})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "Headgate in dev mode: nothing is kept when it stops.\n\n  API              %s\n  schema registry  %s\n", d.Endpoint, d.RegistryURL)
			for n, servers := range d.Kafka {
				fmt.Fprintf(out, "  Kafka cluster %d  %s\n", n+1, servers)
			}
			fmt.Fprintf(out, "\nexport HEADGATE_ENDPOINT=%s\n", d.Endpoint)
			<-cmd.Context().Done()
			return d.Close()
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:7070", "address of the API, on loopback")
	cmd.Flags().IntSliceVar(&kafkaPorts, "kafka-ports", []int{19092, 29092}, "first port of each in-memory cluster, which takes three; 0 for free ones")
	cmd.Flags().StringVar(&logLevel, "log-level", "warn", "debug, info, warn or error")
	cmd.Flags().StringVar(&format, "log-format", "", "text or json (default: text on a terminal, json elsewhere)")
	return cmd
}
