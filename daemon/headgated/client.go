package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// clientFlags are those of the commands that look at a running daemon.
type clientFlags struct {
	endpoint      string
	tokenFile     string
	caCertificate string
	json          bool
}

func (f *clientFlags) register(cmd *cobra.Command) {
	f.registerConnection(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
}

// registerConnection is register for commands that print something else than text or JSON.
func (f *clientFlags) registerConnection(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.endpoint, "endpoint", envOr("HEADGATE_ENDPOINT", "http://127.0.0.1:7070"), "URL of the daemon, or HEADGATE_ENDPOINT")
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "file with the token; the token itself may be in HEADGATE_TOKEN")
	cmd.Flags().StringVar(&f.caCertificate, "ca-certificate", "", "PEM file of the authority of the daemon's certificate; the PEM itself may be in HEADGATE_CA_CERTIFICATE")
}

func (f *clientFlags) client() (*api.Client, error) {
	cfg := api.ClientConfig{
		Endpoint: f.endpoint, Token: os.Getenv("HEADGATE_TOKEN"), CACertificate: os.Getenv("HEADGATE_CA_CERTIFICATE"),
		UserAgent: "headgated/" + version,
	}
	if f.tokenFile != "" {
		raw, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("read token file: %w", err)
		}
		if cfg.Token = strings.TrimSpace(string(raw)); cfg.Token == "" {
			return nil, fmt.Errorf("token file %s holds no token: write it there, or leave --token-file out", f.tokenFile)
		}
	}
	if f.caCertificate != "" {
		raw, err := os.ReadFile(f.caCertificate)
		if err != nil {
			return nil, fmt.Errorf("read CA certificate: %w", err)
		}
		cfg.CACertificate = string(raw)
	}
	return api.NewClient(cfg)
}

// argsOfUse checks how many arguments there are against the command's own Use, <needed> and [optional], and names the one that
// is missing or too many.
func argsOfUse(cmd *cobra.Command, args []string) error {
	names := strings.Fields(cmd.Use)[1:]
	needed := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.HasPrefix(name, "[") })
	usage := cmd.CommandPath() + " " + strings.Join(names, " ")
	switch missing := needed[min(len(args), len(needed)):]; {
	case len(missing) == 1:
		return fmt.Errorf("%s is missing: %s", missing[0], usage)
	case len(missing) > 1:
		return fmt.Errorf("%s are missing: %s", strings.Join(missing, " and "), usage)
	case len(args) > len(names):
		return fmt.Errorf("%q is too much: %s", args[len(names)], usage)
	}
	return nil
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func newVersion() *cobra.Command {
	var flags clientFlags
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program, and of the daemon when one answers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := flags.client()
			if err != nil {
				return err
			}
			defer client.Close()
			both := struct {
				Program api.Version  `json:"program"`
				Daemon  *api.Version `json:"daemon,omitempty"`
				Problem string       `json:"daemon_problem,omitempty"`
			}{Program: api.Version{Version: version, Commit: commit}}
			if both.Daemon, err = client.Version(cmd.Context()); err != nil {
				both.Problem = err.Error()
			}
			if flags.json {
				return printJSON(cmd.OutOrStdout(), both)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "headgated %s\n", version)
			if both.Daemon != nil {
				fmt.Fprintf(cmd.OutOrStdout(), "daemon    %s (%s) at %s\n", both.Daemon.Version, both.Daemon.Mode, client.Endpoint())
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "daemon    %s\n", both.Problem)
			return nil
		},
	}
	flags.register(cmd)
	return cmd
}
