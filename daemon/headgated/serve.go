package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/headgate/terraform-provider-headgate/daemon"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/daemon/server"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func newServe() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon",
		Long: "Run the daemon. Settings come from the config file, the environment (HEADGATE_ before the name, such as HEADGATE_LISTEN)\n" +
			"and flags; the later ones win.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadServeConfig(cmd.Flags())
			if err != nil {
				return err
			}
			log, err := newLogger(os.Stderr, cfg.LogLevel, cfg.LogFormat)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, log)
		},
	}
	serveFlags(cmd.Flags())
	return cmd
}

func serve(ctx context.Context, cfg *serveConfig, log *slog.Logger) (err error) {
	tokens, err := cfg.tokens()
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, cfg.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	sealed, err := st.HasSecrets(ctx)
	if err != nil {
		return err
	}
	sealer, generated, err := cfg.sealer(!sealed)
	if err != nil {
		return err
	}
	if generated != "" {
		log.Warn("generated the key that seals secrets: back it up, without it the stored credentials cannot be read", "file", generated, "mode", "0600")
	}
	listener, err := server.Listen(ctx, server.ListenConfig{Address: cfg.Listen, CertificateFile: cfg.TLSCertificate, KeyFile: cfg.TLSKey})
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	d, err := daemon.New(ctx, daemon.Config{
		Store: st, Sealer: sealer, Kinds: api.BuiltinKinds(), Tokens: tokens, WorkerID: workerID(address), Log: log,
		Version: api.Version{Version: version, Commit: commit, Mode: "serve"},
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := d.Start(ctx); err != nil {
		d.Close()
		return errors.Join(err, listener.Close())
	}
	if host, _, err := net.SplitHostPort(address); err == nil && !isLoopback(host) && cfg.TLSCertificate == "" {
		log.Warn("serving without TLS: tokens and credentials cross the network in the open; give tls_certificate and tls_key", "address", address)
	}
	log.Info("serving", "address", address, "tls", cfg.TLSCertificate != "", "version", version)
	err = server.Serve(ctx, listener, d.Handler, log)
	log.Info("stopping: draining connectors")
	d.Close()
	log.Info("stopped")
	return err
}

// workerID tells daemons of different machines apart that listen on the same address.
func workerID(address string) string {
	host, err := os.Hostname()
	if err != nil {
		return address
	}
	return host + "/" + address
}

func newKeygen() *cobra.Command {
	return &cobra.Command{
		Use:   "keygen",
		Short: "Print a new key for sealing secrets, for HEADGATE_KEY or --key-file",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := secret.GenerateKey()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), key)
			return err
		},
	}
}
