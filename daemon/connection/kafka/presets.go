package kafka

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Presets are the kinds that are Kafka with fewer fields, by name.
func Presets() map[string]connection.Kind {
	return map[string]connection.Kind{
		"confluent_cloud": preset[api.ConfluentCloudConnection]{convert: confluentCloud, fields: fields{
			"/bootstrap_servers": "/bootstrap_server", "/sasl/username": "/api_key", "/sasl/password": "/api_secret", "/tls/ca_certificate": "/ca_certificate",
		}},
		"msk": preset[api.MSKConnection]{convert: msk, check: checkMSK, fields: fields{
			"/bootstrap_servers": "/bootstrap_servers/*", "/sasl": "/iam", "/sasl/aws": "/iam/*", "/sasl/aws_region": "/region", "/sasl/username": "/scram/username", "/sasl/password": "/scram/password",
			"/tls/ca_certificate": "/ca_certificate",
		}},
		"redpanda": preset[api.RedpandaConnection]{convert: redpanda, fields: fields{
			"/bootstrap_servers": "/bootstrap_servers/*", "/sasl": "/sasl/*", "/tls": "/tls/*",
		}},
		"event_hubs": preset[api.EventHubsConnection]{convert: eventHubs, check: checkEventHubs, fields: fields{ // #nosec G101 -- names of fields
			"/bootstrap_servers": "/namespace", "/sasl/username": "/connection_string", "/sasl/password": "/connection_string",
			"/sasl/oauth": "/entra_id", "/sasl/oauth/client_id": "/entra_id/client_id", "/sasl/oauth/client_secret": "/entra_id/client_secret",
			"/sasl/oauth/token_endpoint": "/entra_id/authority", "/tls/ca_certificate": "/ca_certificate",
		}},
		"upstash": preset[api.UpstashConnection]{convert: upstash, check: checkUpstash, more: upstashREST, fields: fields{
			"/bootstrap_servers": "/endpoint", "/sasl/username": "/username", "/sasl/password": "/password", "/tls/ca_certificate": "/ca_certificate",
		}},
	}
}

// fields lists which of its own fields a preset has for those of the kind kafka. "/*" at the end takes what is below over
// as it is.
type fields map[string]string

// own translates a pointer; it answers "" for a field that the preset does not have. Nil leaves pointers as they are.
func (f fields) own(pointer string) string {
	if f == nil {
		return pointer
	}
	for at := pointer; at != ""; at = at[:strings.LastIndexByte(at, '/')] {
		own, ok := f[at]
		switch base, whole := strings.CutSuffix(own, "/*"); {
		case ok && whole:
			return base + pointer[len(at):]
		case ok:
			return own
		}
	}
	return ""
}

// preset implements [connection.Preset] for a spec of type T.
type preset[T any] struct {
	convert func(*T) *api.KafkaConnection
	check   func(*T) []spec.Problem            // of what convert relies on; may be nil
	more    func(context.Context, *tester, *T) // steps of a test after those of Kafka; may be nil
	fields  fields
}

// Base is the kind kafka.
func (preset[T]) Base() string { return KindName }

// Convert makes the spec of the kind kafka.
func (p preset[T]) Convert(target any) any { return p.convert(target.(*T)) }

// Check finds what is wrong beyond single fields.
func (p preset[T]) Check(target any) []spec.Problem {
	t := target.(*T)
	if p.check != nil {
		if problems := p.check(t); len(problems) > 0 {
			return problems
		}
	}
	problems := Kind{}.Check(p.convert(t))
	for i := range problems {
		problems[i].Path = p.fields.own(problems[i].Path)
	}
	return problems
}

// Warnings says what is unsafe.
func (p preset[T]) Warnings(target any) []api.Warning {
	warnings := Kind{}.Warnings(p.convert(target.(*T)))
	for i := range warnings {
		warnings[i].Attribute = "/spec" + p.fields.own(strings.TrimPrefix(warnings[i].Attribute, "/spec"))
	}
	return warnings
}

// References lists the schema registry, which has the same field in every preset.
func (p preset[T]) References(target any) []connection.Reference {
	return Kind{}.References(p.convert(target.(*T)))
}

// Test tries the connection as the kind kafka does, in the preset's own words.
func (p preset[T]) Test(ctx context.Context, target any) api.ConnectionTest {
	spec := target.(*T)
	t := newTester(p.convert(spec), p.fields)
	result := t.test(ctx)
	if p.more == nil || !result.OK {
		return result
	}
	p.more(ctx, t, spec)
	return t.Result()
}

// overTLS is a connection that authenticates over TLS, as all vendors want it.
func overTLS(servers []string, port string, sasl *api.KafkaSASL, ca, registry string) *api.KafkaConnection {
	c := &api.KafkaConnection{BootstrapServers: withPort(servers, port), SecurityProtocol: "SASL_SSL", SASL: sasl, SchemaRegistry: registry}
	if ca != "" {
		c.TLS = &api.TLS{CACertificate: ca}
	}
	return c
}

// withPort adds the port to the addresses that have none.
func withPort(servers []string, port string) []string {
	servers = slices.Clone(servers)
	for i, server := range servers {
		if server != "" && !strings.Contains(server, ":") {
			servers[i] = net.JoinHostPort(server, port)
		}
	}
	return servers
}

// confluentCloud: docs.confluent.io/cloud, "Configure clients".
func confluentCloud(c *api.ConfluentCloudConnection) *api.KafkaConnection {
	login := &api.KafkaSASL{Mechanism: api.SASLPlain, Username: c.APIKey, Password: c.APISecret}
	return overTLS([]string{c.BootstrapServer}, "9092", login, c.CACertificate, c.SchemaRegistry)
}

// msk: docs.aws.amazon.com/msk, "Port information", "IAM access control", "SASL/SCRAM".
func msk(c *api.MSKConnection) *api.KafkaConnection {
	if c.SCRAM != nil {
		login := &api.KafkaSASL{Mechanism: api.SASLScramSHA512, Username: c.SCRAM.Username, Password: c.SCRAM.Password}
		return overTLS(c.BootstrapServers, "9096", login, c.CACertificate, c.SchemaRegistry)
	}
	return overTLS(c.BootstrapServers, "9098", &api.KafkaSASL{Mechanism: api.SASLMSKIAM, AWS: c.IAM, AWSRegion: c.Region}, c.CACertificate, c.SchemaRegistry)
}

func checkMSK(c *api.MSKConnection) []spec.Problem {
	switch {
	case c.IAM == nil && c.SCRAM == nil:
		return []spec.Problem{{Path: "/iam", Message: "is required, unless scram is given: write iam = {} for the default chain of AWS credentials"}}
	case c.IAM != nil && c.SCRAM != nil:
		return []spec.Problem{{Path: "/scram", Message: "cannot be used together with iam"}}
	}
	return nil
}

// redpanda: docs.redpanda.com, "Authentication".
func redpanda(c *api.RedpandaConnection) *api.KafkaConnection {
	base := &api.KafkaConnection{BootstrapServers: withPort(c.BootstrapServers, "9092"), SecurityProtocol: "SSL", TLS: c.TLS, SchemaRegistry: c.SchemaRegistry}
	if c.SASL != nil {
		base.SecurityProtocol = "SASL_SSL"
		base.SASL = &api.KafkaSASL{Mechanism: c.SASL.Mechanism, Username: c.SASL.Username, Password: c.SASL.Password}
	}
	return base
}

// What Event Hubs wants of Kafka clients: learn.microsoft.com/azure/event-hubs, "Security and authentication" for Kafka.
const (
	eventHubsDomain = ".servicebus.windows.net"
	eventHubsPort   = "9093"
	eventHubsUser   = "$ConnectionString"
)

func eventHubs(c *api.EventHubsConnection) *api.KafkaConnection {
	servers := []string{c.Namespace}
	if !strings.ContainsAny(c.Namespace, ".:") {
		servers[0] += eventHubsDomain
	}
	servers = withPort(servers, eventHubsPort)
	if c.EntraID == nil {
		login := &api.KafkaSASL{Mechanism: api.SASLPlain, Username: eventHubsUser, Password: c.ConnectionString}
		return overTLS(servers, eventHubsPort, login, c.CACertificate, c.SchemaRegistry)
	}
	tokens := &api.OAuthClientCredentials{
		TokenEndpoint: strings.TrimSuffix(c.EntraID.Authority, "/") + "/" + c.EntraID.TenantID + "/oauth2/v2.0/token",
		ClientID:      c.EntraID.ClientID,
		ClientSecret:  c.EntraID.ClientSecret,
		Scopes:        []string{"https://" + hostOf(servers[0]) + "/.default"},
	}
	return overTLS(servers, eventHubsPort, &api.KafkaSASL{Mechanism: api.SASLOAuthBearer, OAuth: tokens}, c.CACertificate, c.SchemaRegistry)
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

func checkEventHubs(c *api.EventHubsConnection) []spec.Problem {
	switch {
	case c.EntraID == nil && c.ConnectionString == "":
		return []spec.Problem{{Path: "/connection_string", Message: "is required, unless entra_id is given"}}
	case c.EntraID != nil && c.ConnectionString != "":
		return []spec.Problem{{Path: "/entra_id", Message: "cannot be used together with connection_string"}}
	case c.EntraID != nil:
		return nil
	}
	endpoint, complete := connectionString(c.ConnectionString)
	host := hostOf(eventHubs(c).BootstrapServers[0])
	switch {
	case !complete:
		return []spec.Problem{{Path: "/connection_string", Message: "is not a connection string of Event Hubs, Endpoint=sb://…/;SharedAccessKeyName=…;SharedAccessKey=…"}}
	case !strings.EqualFold(endpoint, host) && strings.Contains(host, "."):
		return []spec.Problem{{Path: "/connection_string", Message: "is of another namespace than " + host}}
	}
	return nil
}

// connectionString reads the host of a connection string, and whether it has all that a login needs.
func connectionString(text string) (host string, complete bool) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimSpace(text), ";") {
		name, value, _ := strings.Cut(part, "=")
		parts[strings.ToLower(strings.TrimSpace(name))] = value
	}
	host = strings.TrimSuffix(strings.TrimPrefix(parts["endpoint"], "sb://"), "/")
	key := parts["sharedaccesskeyname"] != "" && parts["sharedaccesskey"] != ""
	return hostOf(host), host != "" && (key || parts["sharedaccesssignature"] != "")
}

// upstash: upstash.com/docs/kafka, "Connect using Kafka clients".
func upstash(c *api.UpstashConnection) *api.KafkaConnection {
	login := &api.KafkaSASL{Mechanism: api.SASLScramSHA256, Username: c.Username, Password: c.Password}
	return overTLS([]string{c.Endpoint}, "9092", login, c.CACertificate, c.SchemaRegistry)
}

func checkUpstash(c *api.UpstashConnection) []spec.Problem {
	if c.RESTURL == "" {
		return nil
	}
	return httpclient.CheckURL(c.RESTURL, "/rest_url", "https://neat-fox-12345-eu1-rest-kafka.upstash.io")
}

// restTimeout bounds one request to the REST endpoint.
const restTimeout = 10 * time.Second

// upstashREST lists the topics over REST: upstash.com/docs/kafka, "REST API".
func upstashREST(ctx context.Context, t *tester, c *api.UpstashConnection) {
	if c.RESTURL == "" {
		return
	}
	t.Attribute, t.Subject = "/spec/rest_url", "the REST endpoint"
	access := httpclient.Access{Basic: &api.BasicAuthentication{Username: c.Username, Password: c.Password}, Server: "REST endpoint"}
	if c.CACertificate != "" {
		access.TLS = &api.TLS{CACertificate: c.CACertificate}
	}
	address, ok := access.Reach(ctx, &t.Recorder, c.RESTURL)
	if !ok {
		return
	}
	_ = t.Step(ctx, api.StepAuthentication, address, func(ctx context.Context) (string, error) {
		status, err := listOverREST(ctx, access, strings.TrimSuffix(c.RESTURL, "/")+"/topics")
		switch {
		case err != nil:
			return "", probe.Fail("what listens there does not answer", "Check rest_url: its scheme, host and port.", err)
		case status == http.StatusUnauthorized || status == http.StatusForbidden:
			return "", probe.Blame("/sasl/password", "the REST endpoint refuses the user name or password", "Check {/sasl/username} and {/sasl/password}.", nil)
		case status != http.StatusOK:
			return "", probe.Fail(fmt.Sprintf("what listens there answers %d, not as Upstash's REST endpoint", status), "Check rest_url, path included.", nil)
		}
		return access.Identity(), nil
	})
}

func listOverREST(ctx context.Context, access httpclient.Access, url string) (int, error) {
	client, transport, err := access.Client(restTimeout)
	if err != nil {
		return 0, err
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	access.Authorize(req)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode, nil
}
