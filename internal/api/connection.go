package api

import (
	"context"
	"encoding/json"
)

// Connection is how the daemon reaches a system: addresses in the open, credentials sealed.
type Connection struct {
	Name string `json:"name" doc:"The name that everything else refers to it by."`
	Kind string `json:"kind" doc:"What is at the other end; it decides the fields of spec."`
	// Spec holds the fields of the kind. Secrets are in it on the way in only.
	Spec json.RawMessage `json:"spec" doc:"The fields of the kind. Secrets go in and never come out."`
	// SecretVersions are the caller's own version numbers of the secrets that are set, by JSON pointer into spec.
	SecretVersions map[string]int64 `json:"secret_versions,omitempty" doc:"Version numbers of the secrets that are set, by JSON pointer into spec. A new number rotates the secret."`
	Generation     string           `json:"generation,omitempty" readOnly:"true" doc:"Changes with every write."`
	ClusterID      string           `json:"cluster_id,omitempty" readOnly:"true" doc:"The id of the Kafka cluster that it leads to, as the cluster told when the connection was tested last; of Kafka Connect, that of the cluster it works on. Absent: not known."`
	Warnings       []Warning        `json:"warnings,omitempty" readOnly:"true" doc:"What a person should know about this connection."`
}

// ConnectionWrite is a connection on its way in.
type ConnectionWrite struct {
	Kind           string           `json:"kind" doc:"What is at the other end; it decides the fields of spec."`
	Spec           json.RawMessage  `json:"spec" doc:"The fields of the kind, secrets included."`
	SecretVersions map[string]int64 `json:"secret_versions,omitempty" doc:"Version numbers of the secrets, by JSON pointer into spec."`
	Test           *bool            `json:"test,omitempty" doc:"Whether to refuse a connection that does not work. Default: true."`
	Unknown        []string         `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet. Checks that need them are skipped."`
}

// TLS is how to speak TLS.
type TLS struct {
	CACertificate          string `json:"ca_certificate,omitempty" doc:"PEM certificates of the authorities to trust instead of the system's."`
	ClientCertificate      string `json:"client_certificate,omitempty" doc:"The client's PEM certificate chain, for mutual TLS."`
	ClientKey              string `json:"client_key,omitempty" secret:"true" doc:"The PEM key of the client certificate."`
	ClientKeyPassword      string `json:"client_key_password,omitempty" secret:"true" doc:"The password of an encrypted client key."`
	EndpointIdentification string `json:"endpoint_identification,omitempty" enum:"https,none" default:"https" doc:"Whether the certificate must name the host ('https'), or any name will do ('none')."`
}

// SchemaRegistryConnection is the kind schema_registry.
type SchemaRegistryConnection struct {
	URL    string               `json:"url" pattern:"^https?://" doc:"The registry's URL." example:"https://registry.internal:8081"`
	Basic  *BasicAuthentication `json:"basic,omitempty" doc:"HTTP basic authentication; an API key and its secret go here."`
	Bearer *BearerToken         `json:"bearer,omitempty" doc:"Bearer token authentication."`
	TLS    *TLS                 `json:"tls,omitempty" doc:"TLS, for https URLs."`
}

// Steps of a connection test, in their order.
const (
	StepDNS            = "dns"
	StepTCP            = "tcp"
	StepTLS            = "tls"
	StepAuthentication = "authentication"
	StepAuthorization  = "authorization"
	StepProtocol       = "protocol"
)

// ConnectionTest is the outcome of trying a connection.
type ConnectionTest struct {
	OK bool `json:"ok" doc:"Whether every step succeeded."`
	// Steps are those that were tried, in order, for each address; the last one of an address may have failed.
	Steps []ConnectionTestStep `json:"steps" nullable:"false" doc:"The steps that were tried."`
	Error *Error               `json:"error,omitempty" doc:"The failed step, its cause and the remedy."`
	// Warnings are what works and should still be known.
	Warnings  []Warning `json:"warnings,omitempty" doc:"What works and should still be known."`
	ClusterID string    `json:"cluster_id,omitempty" doc:"The id of the Kafka cluster that it leads to; of Kafka Connect, that of the cluster it works on. Absent: none was told."`
}

// ConnectionTestStep is one step towards one address.
type ConnectionTestStep struct {
	Step           string  `json:"step" enum:"dns,tcp,tls,authentication,authorization,protocol" doc:"What was tried."`
	Address        string  `json:"address" doc:"The host and port."`
	OK             bool    `json:"ok" doc:"Whether it succeeded."`
	Detail         string  `json:"detail,omitempty" doc:"What was seen."`
	DurationMillis float64 `json:"duration_ms" doc:"How long it took, in milliseconds."`
}

// GetConnection reads a connection.
func (c *Client) GetConnection(ctx context.Context, name string) (*Connection, error) {
	return get[Connection](ctx, c, "/v1/connections/"+escape(name))
}

// ListConnections reads one page of the connections.
func (c *Client) ListConnections(ctx context.Context, cursor string) (*Page[Connection], error) {
	return get[Page[Connection]](ctx, c, "/v1/connections"+query("cursor", cursor))
}

// PutConnection creates or changes a connection.
func (c *Client) PutConnection(ctx context.Context, name string, body ConnectionWrite, opts WriteOptions) (*Connection, error) {
	return put[Connection](ctx, c, "/v1/connections/"+escape(name), body, opts)
}

// DeleteConnection deletes a connection that nothing uses.
func (c *Client) DeleteConnection(ctx context.Context, name string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, "/v1/connections/"+escape(name), opts)
}

// TestConnection tries a connection that exists.
func (c *Client) TestConnection(ctx context.Context, name string) (*ConnectionTest, error) {
	return post[ConnectionTest](ctx, c, "/v1/connections/"+escape(name)+"/test", nil)
}

// Deletion says what a delete took away, or in a dry run would take away.
type Deletion struct {
	Effects []Warning `json:"effects" nullable:"false" doc:"What goes with it."`
	// Records is nil where nothing holds records, or where nobody could count them.
	Records *int64 `json:"records,omitempty" doc:"How many records go with it, counted by offsets; absent where that is not known."`
}
