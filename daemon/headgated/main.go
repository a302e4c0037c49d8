// Command headgated is the Headgate daemon, and the commands to look at a running one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
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
	printError(os.Stderr, err)
	return 1
}

// indented is the lines below the first one of an error.
var indented = strings.NewReplacer("\n\n", "\n  ", "\n", "\n  ")

// printError shows an error of the API with its remedy on lines of their own, and what is to be done about it here.
func printError(out io.Writer, err error) {
	var e *api.Error
	if !errors.As(err, &e) {
		e = &api.Error{Summary: said(err)}
	}
	for _, one := range e.All() {
		fmt.Fprintln(out, "Error:", one.Summary)
		for _, line := range []string{one.Detail, one.Remedy} {
			if line != "" {
				fmt.Fprintln(out, "  "+indented.Replace(line))
			}
		}
	}
	if line := hint(err); line != "" {
		fmt.Fprintln(out, "  "+line)
	}
}

// said words an error that the daemon did not.
func said(err error) string {
	if errors.Is(err, context.Canceled) {
		return "Stopped before it was done"
	}
	return err.Error()
}

// hint is the way out of an error in the words of the flags.
func hint(err error) string {
	var unreachable *api.UnreachableError
	switch {
	case api.HasCode(err, api.CodeUnauthorized):
		return "The token comes from the file of --token-file, or else from HEADGATE_TOKEN."
	case api.HasCode(err, api.CodeNotFound):
		return whereListed(err)
	case errors.As(err, &unreachable) && unreachable.Certificate():
		return "--ca-certificate (or HEADGATE_CA_CERTIFICATE) must hold the authority of the daemon's certificate, and --endpoint (or HEADGATE_ENDPOINT) a name that is in it."
	case errors.As(err, &unreachable) && unreachable.Misconfigured():
		return "That is --endpoint, or HEADGATE_ENDPOINT."
	case errors.As(err, &unreachable):
		return "Check that headgated is running there, that --endpoint (or HEADGATE_ENDPOINT) is its URL, that this machine may connect to it, " +
			"and for https that --ca-certificate (or HEADGATE_CA_CERTIFICATE) holds the authority of its certificate."
	}
	return ""
}

// whereListed says where the things of the kind that is not there are listed, unless the daemon has said what to do.
func whereListed(err error) string {
	var e *api.Error
	if !errors.As(err, &e) || e.Remedy != "" {
		return ""
	}
	switch what, _, _ := strings.Cut(e.Summary, ` "`); what {
	case "Topic":
		return "headgated topics <connection> lists those that are there."
	case "Connection":
		return "It is the name that its headgate_connection has; GET /v1/connections lists all that this daemon knows."
	case "Connector":
		return "headgated status lists those that the daemon hosts. One of a Kafka Connect cluster is named with its connection before it, and the data source headgate_connectors lists those."
	}
	return ""
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
