// Command headgated is the Headgate daemon, and the commands to look at a running one.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Set by the linker.
var (
	version = "dev"
	commit  = ""
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := newRoot().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	printError(err)
	return 1
}

// printError shows an error of the API with its remedy on lines of their own.
func printError(err error) {
	var e *api.Error
	if !errors.As(err, &e) {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return
	}
	for _, one := range e.All() {
		fmt.Fprintln(os.Stderr, "Error:", one.Summary)
		for _, line := range []string{one.Detail, one.Remedy} {
			if line != "" {
				fmt.Fprintln(os.Stderr, "  "+line)
			}
		}
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "headgated",
		Short:         "The Headgate daemon: hosts connectors, and tells the truth about them",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newDev(), newServe(), newKeygen(), newStatus(), newPreview(), newTopics(), newTopic(), newCancelReassignment(), newConnector(), newTestConnection(), newExport(), newVersion())
	return root
}
