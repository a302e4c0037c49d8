// Package server is the daemon's HTTP face: routing, authentication, errors and OpenAPI. What is to be done is done by
// the nouns.
package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/headgate/terraform-provider-headgate/daemon/acl"
	"github.com/headgate/terraform-provider-headgate/daemon/cluster"
	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/daemon/group"
	"github.com/headgate/terraform-provider-headgate/daemon/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/namespace"
	"github.com/headgate/terraform-provider-headgate/daemon/preview"
	"github.com/headgate/terraform-provider-headgate/daemon/pulsartopic"
	"github.com/headgate/terraform-provider-headgate/daemon/quota"
	"github.com/headgate/terraform-provider-headgate/daemon/reassign"
	"github.com/headgate/terraform-provider-headgate/daemon/schema"
	"github.com/headgate/terraform-provider-headgate/daemon/scramuser"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/daemon/stream"
	"github.com/headgate/terraform-provider-headgate/daemon/token"
	"github.com/headgate/terraform-provider-headgate/daemon/topic"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// BodyLimit is how large a request may be, in bytes.
const BodyLimit = 4 << 20

// Config is what the server is made from.
type Config struct {
	Kinds        api.Kinds
	Connections  *connection.Service
	Topics       *topic.Service
	Reassigns    *reassign.Service
	Streams      *stream.Service
	PulsarTopics *pulsartopic.Service
	Namespaces   *namespace.Service
	Previews     *preview.Service
	Schemas      *schema.Service
	Connectors   *connector.Service
	ACLs         *acl.Service
	SCRAMUsers   *scramuser.Service
	Quotas       *quota.Service
	Groups       *group.Service
	Clusters     *cluster.Service
	// KafkaConnectors are those that Kafka Connect clusters run.
	KafkaConnectors *kafkaconnect.Service
	// Registry is the built-in schema registry, served below /registry.
	Registry http.Handler
	Version  api.Version
	// Tokens are the bearer tokens that are let in; empty lets everyone in.
	Tokens []string
	// Issued are the short-lived tokens.
	Issued *token.Service
	// Metrics are further ones to answer with the server's own.
	Metrics []prometheus.Collector
	// Ready says why the daemon cannot serve yet, or nil.
	Ready func(ctx context.Context) error
	Log   *slog.Logger
}

// New makes the handler of everything that the daemon serves.
func New(cfg Config) (http.Handler, error) {
	mux := http.NewServeMux()
	face := humago.New(mux, humaConfig(cfg.Version, cfg.Connections.Hider()))
	face.UseMiddleware(runAfterAnswer(cfg.Log))
	s := &server{Config: cfg}
	s.systemRoutes(face)
	s.connectionRoutes(face)
	s.topicRoutes(face)
	s.streamRoutes(face)
	s.pulsarTopicRoutes(face)
	s.namespaceRoutes(face)
	s.accessRoutes(face)
	s.groupRoutes(face)
	s.schemaRoutes(face)
	s.connectorRoutes(face)
	s.tokenRoutes(face)
	s.kafkaConnectorRoutes(face)
	document, err := openAPI(face.OpenAPI(), cfg.Kinds)
	if err != nil {
		return nil, fmt.Errorf("make OpenAPI document: %w", err)
	}
	metrics := prometheus.NewRegistry()
	observe := registerMetrics(metrics, cfg.Connectors, cfg.Metrics)
	mux.Handle("GET /openapi.json", serveBytes("application/openapi+json", document))
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.Handle("/registry/", http.StripPrefix("/registry", cfg.Registry))
	mux.Handle("/", http.HandlerFunc(noSuchPath))

	guarded := authenticate(cfg.Tokens, cfg.Issued, cfg.Log, limitBody(http.NewCrossOriginProtection().Handler(mux)))
	return identify(logRequests(cfg.Log, observe, recoverPanics(cfg.Log, s.open(guarded)))), nil
}

// open lets everyone ask for the health. It is no ServeMux, which redirects unclean paths before anyone is authenticated.
func (s *server) open(guarded http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked := r.Method + " " + r.URL.Path; asked {
		case "GET /healthz", "HEAD /healthz":
			s.healthz(w, r)
		case "GET /readyz", "HEAD /readyz":
			s.readyz(w, r)
		default:
			guarded.ServeHTTP(w, r)
		}
	})
}

type server struct{ Config }

func humaConfig(v api.Version, hider *secret.Hider) huma.Config {
	config := huma.DefaultConfig("Headgate", v.Version)
	config.Info.Description = "The management API of the Headgate daemon. Writes are PUT by name, idempotent, and can be dry runs."
	// The document is served by ourselves, with the kinds in it; there are no pages that load scripts from elsewhere.
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.Formats = map[string]huma.Format{"application/json": discreetJSON(hider), "json": discreetJSON(hider)}
	return config
}

// discreetJSON is how everything is answered: systems repeat what they were sent, and what they say goes into errors,
// warnings and statuses. No secret leaves with it.
func discreetJSON(hider *secret.Hider) huma.Format {
	return huma.Format{Unmarshal: json.Unmarshal, Marshal: func(w io.Writer, answer any) error {
		var raw bytes.Buffer
		if err := huma.DefaultJSONFormat.Marshal(&raw, answer); err != nil {
			return err
		}
		_, err := w.Write(hider.JSON(raw.Bytes()))
		return err
	}}
}

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte("ok\n"))
}

func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.Ready(r.Context()); err != nil {
		s.Log.WarnContext(r.Context(), "not ready", "error", err)
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

func noSuchPath(w http.ResponseWriter, r *http.Request) {
	writeError(w, &api.Error{
		HTTPStatus: http.StatusNotFound, Code: "no_such_path", Summary: "There is no such path",
		Remedy: "See /openapi.json for what there is.", RequestID: requestID(r.Context()),
	})
}

func serveBytes(contentType string, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(body)
	})
}
