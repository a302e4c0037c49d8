// Package dev is the whole of Headgate in one process, with nothing to install: in-memory Kafka clusters, a schema
// registry and a store that is gone at the end.
package dev

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/headgate/terraform-provider-headgate/daemon"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/daemon/server"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// brokers is the number of brokers of each in-memory cluster: the default replication factor of topics is 3.
const brokers = 3

// Config says how to run it. The zero value takes free ports.
type Config struct {
	// Address of the API, on loopback. Empty: 127.0.0.1 with a free port.
	Address string
	// KafkaPorts are the first ports of the clusters; a cluster takes one port per broker from there on. Empty: two
	// clusters on free ports.
	KafkaPorts []int
	// KafkaListen opens the port of a broker of the clusters. Nil: net.Listen.
	KafkaListen func(network, address string) (net.Listener, error)
	Version     string
	Commit      string
	Log         *slog.Logger
	// Kinds and Sources add kinds beyond those that Headgate ships.
	Kinds   *api.Kinds
	Sources map[string]connector.SourceKind
}

// Daemon is a daemon in dev mode, running.
type Daemon struct {
	// Endpoint is the URL of the API.
	Endpoint string
	// Kafka holds the bootstrap servers of each in-memory cluster, comma-separated.
	Kafka []string
	// RegistryURL is the URL of the built-in schema registry.
	RegistryURL string

	close func() error
}

// Start runs a daemon until Close.
func Start(ctx context.Context, cfg Config) (*Daemon, error) {
	if cfg.Address == "" {
		cfg.Address = "127.0.0.1:0"
	}
	if err := checkLoopback(cfg.Address); err != nil {
		return nil, err
	}
	if len(cfg.KafkaPorts) == 0 {
		cfg.KafkaPorts = []int{0, 0}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Daemon{}
	undo := &closers{}
	if err := d.start(ctx, cfg, undo); err != nil {
		return nil, errors.Join(err, undo.close())
	}
	d.close = sync.OnceValue(undo.close)
	return d, nil
}

func (d *Daemon) start(ctx context.Context, cfg Config, undo *closers) error {
	for _, port := range cfg.KafkaPorts {
		cluster, err := devkafka.Start(ctx, devkafka.Config{Port: port, Brokers: brokers, Listen: cfg.KafkaListen, Logger: cfg.Log})
		if err != nil {
			return fmt.Errorf("start in-memory Kafka: %w", err)
		}
		undo.add(func() error { cluster.Close(); return nil })
		d.Kafka = append(d.Kafka, strings.Join(cluster.BootstrapServers(), ","))
	}
	st, err := store.OpenMemory(ctx)
	if err != nil {
		return err
	}
	undo.add(st.Close)
	sealer, err := secret.Ephemeral()
	if err != nil {
		return err
	}
	listener, err := server.Listen(ctx, server.ListenConfig{Address: cfg.Address})
	if err != nil {
		return err
	}
	undo.add(func() error { return ignoreClosed(listener.Close()) })
	d.Endpoint = "http://" + listener.Addr().String()
	d.RegistryURL = d.Endpoint + "/registry"
	inner, err := daemon.New(ctx, daemon.Config{
		Store: st, Sealer: sealer, Kinds: cfg.kinds(), Sources: maps.Clone(cfg.Sources), WorkerID: listener.Addr().String(), Log: cfg.Log,
		Version: api.Version{Version: cfg.Version, Commit: cfg.Commit, Mode: "dev"},
	})
	if err != nil {
		return err
	}
	undo.add(func() error { inner.Close(); return nil })
	if err := inner.Start(ctx); err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- server.Serve(serving, listener, inner.Handler, cfg.Log) }()
	undo.add(func() error { stop(); return <-served })
	return nil
}

func (c Config) kinds() api.Kinds {
	if c.Kinds != nil {
		return *c.Kinds
	}
	return api.BuiltinKinds()
}

// Close stops everything, the API first.
func (d *Daemon) Close() error { return d.close() }

// checkLoopback refuses to serve strangers: dev mode asks nobody for a token.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen address %q is not host:port", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("headgated dev has no authentication and listens on loopback only, not on %q: use headgated serve", host)
	}
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// closers undoes what was started, last first.
type closers struct{ list []func() error }

func (c *closers) add(f func() error) { c.list = append(c.list, f) }

func (c *closers) close() error {
	var errs []error
	for _, v := range slices.Backward(c.list) {
		errs = append(errs, v())
	}
	return errors.Join(errs...)
}
