// Package daemon puts the nouns together: what `headgated serve`, `headgated dev` and the tests run is made here.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/headgate/terraform-provider-headgate/daemon/acl"
	"github.com/headgate/terraform-provider-headgate/daemon/cluster"
	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/apicurio"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/glue"
	httpconn "github.com/headgate/terraform-provider-headgate/daemon/connection/http"
	kafkaconn "github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	connectconn "github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kinesis"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/mysql"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/objectstorage"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/postgresql"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/pulsar"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/schemaregistry"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	kafkasource "github.com/headgate/terraform-provider-headgate/daemon/connector/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/group"
	"github.com/headgate/terraform-provider-headgate/daemon/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/namespace"
	"github.com/headgate/terraform-provider-headgate/daemon/preview"
	"github.com/headgate/terraform-provider-headgate/daemon/pulsartopic"
	"github.com/headgate/terraform-provider-headgate/daemon/quota"
	"github.com/headgate/terraform-provider-headgate/daemon/reassign"
	"github.com/headgate/terraform-provider-headgate/daemon/registry"
	"github.com/headgate/terraform-provider-headgate/daemon/schema"
	"github.com/headgate/terraform-provider-headgate/daemon/scramuser"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/daemon/server"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/daemon/stream"
	"github.com/headgate/terraform-provider-headgate/daemon/token"
	"github.com/headgate/terraform-provider-headgate/daemon/topic"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Config is what a daemon is made from.
type Config struct {
	Store   *store.Store // stays the caller's to close
	Sealer  *secret.Sealer
	Kinds   api.Kinds
	Version api.Version
	// Tokens are let in; empty lets everyone in.
	Tokens []string
	// WorkerID names this daemon in statuses.
	WorkerID string
	Log      *slog.Logger
	// Sources are implementations of source kinds beyond those that Headgate ships.
	Sources map[string]connector.SourceKind
}

// Daemon is a running daemon without its listener.
type Daemon struct {
	Handler http.Handler

	connectors *connector.Service
	topics     *topic.Service
	reassigns  *reassign.Service
	schemas    *schema.Service
	admins     *kafkaconn.Admins
	store      *store.Store
	ready      atomic.Bool

	kafkaConnectors *kafkaconnect.Service
}

// connectionKinds are the implementations of the connection kinds. A new kind is one line here.
func connectionKinds() map[string]connection.Kind {
	kinds := map[string]connection.Kind{
		kafkaconn.KindName:      kafkaconn.Kind{},
		schemaregistry.KindName: schemaregistry.Kind{},
		apicurio.KindName:       apicurio.Kind{},
		glue.KindName:           glue.Kind{},
		kinesis.KindName:        kinesis.Kind{},
		pulsar.KindName:         pulsar.Kind{},
		postgresql.KindName:     postgresql.Kind{},
		mysql.KindName:          mysql.Kind{},
		objectstorage.KindName:  objectstorage.Kind{},
		httpconn.KindName:       httpconn.Kind{},
		connectconn.KindName:    connectconn.Kind{},
	}
	maps.Copy(kinds, kafkaconn.Presets())
	return kinds
}

// sourceKinds are the implementations of the source kinds. A new kind is one line here.
func sourceKinds(kafka kafkasource.Kind, more map[string]connector.SourceKind) map[string]connector.SourceKind {
	kinds := map[string]connector.SourceKind{
		kafkasource.KindName: kafka,
	}
	maps.Copy(kinds, more)
	return kinds
}

// New puts a daemon together. Nothing runs before Start.
func New(ctx context.Context, cfg Config) (*Daemon, error) {
	connections, err := connection.New(cfg.Store, cfg.Sealer, cfg.Kinds.Connections, connectionKinds())
	if err != nil {
		return nil, err
	}
	if err := connections.CheckKey(ctx); err != nil {
		return nil, err
	}
	cfg.Log = slog.New(connections.Hider().Log(cfg.Log.Handler()))
	d := &Daemon{admins: kafkaconn.NewAdmins(), store: cfg.Store}
	kafka := kafkasource.Kind{Connections: connections, Admins: d.admins}
	d.connectors, err = connector.New(ctx, connector.Config{
		Store: cfg.Store, Connections: connections, Kinds: cfg.Kinds.Sources, Sources: sourceKinds(kafka, cfg.Sources),
		OpenSink: kafka.OpenSink, WorkerID: cfg.WorkerID, Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	d.reassigns = reassign.New(cfg.Store, connections, d.admins, cfg.Log)
	d.topics = topic.New(cfg.Store, connections, d.admins, d.reassigns, cfg.Log)
	d.topics.AddReaders(d.connectors.ReadersOf)
	d.schemas = schema.New(cfg.Store, connections, cfg.Log)
	namespaces := namespace.New(cfg.Store, connections, d.topics)
	d.topics.AddRule(namespaces.Check)
	d.kafkaConnectors = kafkaconnect.New(ctx, cfg.Store, connections, cfg.Log)
	d.topics.AddReaders(d.kafkaConnectors.ReadersOf)
	d.Handler, err = server.New(server.Config{
		Kinds: cfg.Kinds, Connections: connections, Topics: d.topics, Reassigns: d.reassigns, Streams: stream.New(cfg.Store, connections), PulsarTopics: pulsartopic.New(cfg.Store, connections), Namespaces: namespaces, Connectors: d.connectors,
		KafkaConnectors: d.kafkaConnectors,
		Previews:        preview.New(connections, d.admins, d.schemas, cfg.Log), Schemas: d.schemas,
		ACLs: acl.New(cfg.Store, connections, d.admins), SCRAMUsers: scramuser.New(cfg.Store, connections, d.admins), Quotas: quota.New(cfg.Store, connections, d.admins),
		Groups: group.New(connections, d.admins, cfg.Log), Clusters: cluster.New(connections, d.admins, cfg.Log),
		Registry: registry.New(cfg.Store, cfg.Log).Handler(),
		Version:  cfg.Version, Tokens: cfg.Tokens, Issued: token.New(cfg.Store), Ready: d.readiness, Log: cfg.Log,
		Metrics: []prometheus.Collector{d.admins.Requests()},
	})
	if err != nil {
		return nil, fmt.Errorf("make server: %w", err)
	}
	return d, nil
}

// Start brings back the connectors, follows the reassignments that were under way, and restores what a daemon that died
// left half-done.
func (d *Daemon) Start(ctx context.Context) error {
	d.schemas.Start(ctx)
	if err := d.reassigns.Start(ctx); err != nil {
		return err
	}
	if err := d.connectors.Start(ctx); err != nil {
		return err
	}
	d.kafkaConnectors.Start()
	d.ready.Store(true)
	return nil
}

// Close drains the connectors, commits their positions, and closes the connections.
func (d *Daemon) Close() {
	d.ready.Store(false)
	d.schemas.Close()
	d.connectors.Close()
	d.kafkaConnectors.Close()
	d.topics.Close()
	d.reassigns.Close()
	d.admins.Close()
}

var errNotReady = errors.New("starting or stopping")

func (d *Daemon) readiness(ctx context.Context) error {
	if !d.ready.Load() {
		return errNotReady
	}
	return d.store.Ping(ctx)
}
