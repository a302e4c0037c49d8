package kafka_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// plainLogin takes one user and password, as PLAIN sends them (RFC 4616).
func plainLogin(user, password string) func([]byte) ([]byte, string) {
	return func(message []byte) ([]byte, string) {
		if string(message) != "\x00"+user+"\x00"+password {
			return nil, "Authentication failed: Invalid username or password"
		}
		return nil, ""
	}
}

func preset(name string) connection.Preset { return kafka.Presets()[name].(connection.Preset) }

const eventHubsString = "Endpoint=sb://127.0.0.1/;SharedAccessKeyName=headgate;SharedAccessKey=c2VjcmV0a2V5"

// The handshakes that the vendors document, against a listener that demands them.
func TestVendorHandshakes(t *testing.T) {
	pki := newPKI(t)
	ca := string(pki.CA.Cert)
	cfg := serverTLS(t, pki.Server, nil)
	start := func(mechanism string, judge func([]byte) ([]byte, string)) string {
		return (&saslBroker{mechanism: mechanism, judge: judge, rights: 1 << 8}).start(t, cfg)
	}
	confluent := start("PLAIN", plainLogin("KEY", "api-secret"))
	hubs := start("PLAIN", plainLogin("$ConnectionString", eventHubsString))
	tokens := tokenEndpoint(t, "client-secret")
	hubsByToken := start("OAUTHBEARER", bearerLogin(tokens.valid))
	signed := start("AWS_MSK_IAM", signedLogin("AKIDEXAMPLE", "aws-secret", "eu-central-1", ""))
	temporary := start("AWS_MSK_IAM", signedLogin("AKIDEXAMPLE", "aws-secret", "eu-central-1", "session-token"))
	assumed := start("AWS_MSK_IAM", signedLogin("ASIAEXAMPLE", "role-secret", "eu-central-1", "role-token"))
	sts := tokenService(t)
	role := func(externalID string) *api.AWSCredentials {
		return &api.AWSCredentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "aws-secret", RoleARN: "arn:aws:iam::123456789012:role/headgate", ExternalID: externalID, SessionName: "headgate", STSEndpoint: sts}
	}
	profile := filepath.Join(t.TempDir(), "credentials")
	must(t, os.WriteFile(profile, []byte("[streams]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = aws-secret\n"), 0o600))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", profile)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	static := func(secret, token string) *api.AWSCredentials {
		return &api.AWSCredentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret, SessionToken: token}
	}
	entra := func(secret string) *api.EntraID {
		return &api.EntraID{TenantID: "tenant", ClientID: "headgate", ClientSecret: secret, Authority: tokens.URL}
	}
	tests := []struct {
		name, kind string
		spec       any
		attribute  string // that is to blame; empty wants success
		remedy     string
	}{
		{"Confluent Cloud", "confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: confluent, APIKey: "KEY", APISecret: "api-secret", CACertificate: ca}, "", ""},
		{"Confluent Cloud, wrong secret", "confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: confluent, APIKey: "KEY", APISecret: "wrong", CACertificate: ca}, "/spec/api_secret", "Check api_key and api_secret (in Terraform api_secret_wo)"},
		{"Confluent Cloud, other authority", "confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: confluent, APIKey: "KEY", APISecret: "api-secret"}, "/spec/ca_certificate", "into ca_certificate"},
		{"Confluent Cloud, not a listener of its", "confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: signed, APIKey: "KEY", APISecret: "api-secret", CACertificate: ca}, "/spec/bootstrap_server", "Check bootstrap_server"},
		{"Confluent Cloud, nothing there", "confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: real.Address(t), APIKey: "KEY", APISecret: "api-secret"}, "/spec/bootstrap_server", "Check the port"},
		{"Event Hubs, connection string", "event_hubs", &api.EventHubsConnection{Namespace: hubs, ConnectionString: eventHubsString, CACertificate: ca}, "", ""},
		{"Event Hubs, wrong key", "event_hubs", &api.EventHubsConnection{Namespace: hubs, ConnectionString: eventHubsString + "x", CACertificate: ca}, "/spec/connection_string", "Check connection_string"},
		{"Event Hubs, Entra ID", "event_hubs", &api.EventHubsConnection{Namespace: hubsByToken, EntraID: entra("client-secret"), CACertificate: ca}, "", ""},
		{"Event Hubs, Entra ID, wrong secret", "event_hubs", &api.EventHubsConnection{Namespace: hubsByToken, EntraID: entra("wrong"), CACertificate: ca}, "/spec/entra_id/client_secret", "Check entra_id.client_id and entra_id.client_secret"},
		{"MSK, access key", "msk", &api.MSKConnection{BootstrapServers: []string{signed}, Region: "eu-central-1", IAM: static("aws-secret", ""), CACertificate: ca}, "", ""},
		{"MSK, session token", "msk", &api.MSKConnection{BootstrapServers: []string{temporary}, Region: "eu-central-1", IAM: static("aws-secret", "session-token"), CACertificate: ca}, "", ""},
		{"MSK, wrong secret", "msk", &api.MSKConnection{BootstrapServers: []string{signed}, Region: "eu-central-1", IAM: static("wrong", ""), CACertificate: ca}, "/spec/iam", "kafka-cluster:Connect"},
		{"MSK, assumed role", "msk", &api.MSKConnection{BootstrapServers: []string{assumed}, Region: "eu-central-1", IAM: role("external"), CACertificate: ca}, "", ""},
		{"MSK, role that may not be assumed", "msk", &api.MSKConnection{BootstrapServers: []string{assumed}, Region: "eu-central-1", IAM: role("wrong"), CACertificate: ca}, "/spec/iam/role_arn", "trust policy"},
		{"MSK, clock skew", "msk", &api.MSKConnection{BootstrapServers: []string{assumed}, Region: "eu-central-1", IAM: role("late"), CACertificate: ca}, "/spec/iam", "clock of the daemon's machine"},
		{"MSK, profile", "msk", &api.MSKConnection{BootstrapServers: []string{signed}, Region: "eu-central-1", IAM: &api.AWSCredentials{Profile: "streams"}, CACertificate: ca}, "", ""},
		{"MSK, no such profile", "msk", &api.MSKConnection{BootstrapServers: []string{signed}, Region: "eu-central-1", IAM: &api.AWSCredentials{Profile: "nobody"}, CACertificate: ca}, "/spec/iam/profile", "profile"},
		{"MSK, second of two", "msk", &api.MSKConnection{BootstrapServers: []string{real.Address(t), signed}, Region: "eu-central-1", IAM: static("aws-secret", ""), CACertificate: ca}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if problems := preset(tt.kind).Check(tt.spec); len(problems) > 0 {
				t.Fatalf("problems %v", problems)
			}
			result := preset(tt.kind).Test(t.Context(), tt.spec)
			if tt.attribute == "" {
				if !result.OK {
					t.Fatalf("the test failed: %v", result.Error)
				}
				ping(t, tt.kind, tt.spec)
				return
			}
			if result.OK || result.Error.Attribute != tt.attribute || !strings.Contains(result.Error.Remedy, tt.remedy) {
				t.Errorf("got %+v, want %s and %q", result.Error, tt.attribute, tt.remedy)
			}
		})
	}
	if want := "https://127.0.0.1/.default"; tokens.scope.Load() != want || tokens.path.Load() != "/tenant/oauth2/v2.0/token" {
		t.Errorf("asked for the scope %v at %v", tokens.scope.Load(), tokens.path.Load())
	}
}

// Upstash's Kafka wants SCRAM over TLS; its REST endpoint takes the same user.
func TestUpstash(t *testing.T) {
	pki := newPKI(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "alice", "secret"), kfake.TLS(serverTLS(t, pki.Server, nil)))
	must(t, err)
	t.Cleanup(cluster.Close)
	rest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case r.URL.Path != "/topics":
			w.WriteHeader(http.StatusNotFound)
		case user != "alice" || password != "secret":
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(rest.Close)
	for name, tt := range map[string]struct{ url, attribute string }{
		"both": {rest.URL, ""}, "Kafka only": {"", ""}, "another path": {rest.URL + "/v9", "/spec/rest_url"}, "down": {"http://" + real.Address(t), "/spec/rest_url"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := &api.UpstashConnection{Endpoint: cluster.ListenAddrs()[0], Username: "alice", Password: "secret", RESTURL: tt.url, CACertificate: string(pki.CA.Cert)}
			result := preset("upstash").Test(t.Context(), spec)
			if tt.attribute == "" {
				if !result.OK {
					t.Errorf("got %v", result.Error)
				}
				return
			}
			if result.OK || result.Error.Attribute != tt.attribute || !strings.Contains(result.Error.Summary, "the REST endpoint") {
				t.Errorf("got %+v", result.Error)
			}
		})
	}
}

// ping has a client of the connection authenticate, as everything that uses it does.
func ping(t *testing.T, kind string, spec any) {
	t.Helper()
	p := preset(kind)
	client, err := kafka.NewClient(&connection.Target{Name: "main", Kind: p.Base(), Spec: p.Convert(spec)}, kgo.RetryTimeout(5*time.Second))
	must(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	must(t, client.Ping(ctx))
}

func TestPresetDefaults(t *testing.T) {
	iam := &api.AWSCredentials{}
	tests := []struct {
		kind      string
		spec      any
		servers   string
		mechanism string
	}{
		{"confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: "pkc-1.confluent.cloud"}, "pkc-1.confluent.cloud:9092", "PLAIN"},
		{"confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: "pkc-1.confluent.cloud:19092"}, "pkc-1.confluent.cloud:19092", "PLAIN"},
		{"msk", &api.MSKConnection{BootstrapServers: []string{"b-1.x.kafka.eu-central-1.amazonaws.com"}, IAM: iam}, "b-1.x.kafka.eu-central-1.amazonaws.com:9098", "AWS_MSK_IAM"},
		{"msk", &api.MSKConnection{BootstrapServers: []string{"b-1.x", "b-2.x"}, SCRAM: &api.SCRAMUser{}}, "b-1.x:9096,b-2.x:9096", "SCRAM-SHA-512"},
		{"redpanda", &api.RedpandaConnection{BootstrapServers: []string{"seed-1"}, SASL: &api.RedpandaUser{Mechanism: "SCRAM-SHA-256"}}, "seed-1:9092", "SCRAM-SHA-256"},
		{"event_hubs", &api.EventHubsConnection{Namespace: "contoso", ConnectionString: "x"}, "contoso.servicebus.windows.net:9093", "PLAIN"},
		{"event_hubs", &api.EventHubsConnection{Namespace: "contoso.servicebus.chinacloudapi.cn", EntraID: &api.EntraID{}}, "contoso.servicebus.chinacloudapi.cn:9093", "OAUTHBEARER"},
		{"upstash", &api.UpstashConnection{Endpoint: "neat-fox.upstash.io"}, "neat-fox.upstash.io:9092", "SCRAM-SHA-256"},
	}
	for _, tt := range tests {
		got := preset(tt.kind).Convert(tt.spec).(*api.KafkaConnection)
		if servers := strings.Join(got.BootstrapServers, ","); servers != tt.servers || got.SASL.Mechanism != tt.mechanism || got.SecurityProtocol != "SASL_SSL" {
			t.Errorf("%s: %s by %s over %s, want %s by %s", tt.kind, servers, got.SASL.Mechanism, got.SecurityProtocol, tt.servers, tt.mechanism)
		}
	}
}

// What is wrong with a preset is told of the preset's own fields.
func TestPresetChecks(t *testing.T) {
	login := &api.SCRAMUser{Username: "u", Password: "p"}
	amazon := []string{"b-1.x.kafka.eu-central-1.amazonaws.com"}
	tests := []struct {
		name, kind string
		spec       any
		paths      []string
	}{
		{"a URL", "confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: "SASL_SSL://pkc:9092", APIKey: "k", APISecret: "s"}, []string{"/bootstrap_server"}},
		{"no PEM", "confluent_cloud", &api.ConfluentCloudConnection{BootstrapServer: "pkc", APIKey: "k", APISecret: "s", CACertificate: "x"}, []string{"/ca_certificate"}},
		{"neither", "msk", &api.MSKConnection{BootstrapServers: amazon}, []string{"/iam"}},
		{"both", "msk", &api.MSKConnection{BootstrapServers: amazon, IAM: &api.AWSCredentials{}, SCRAM: login}, []string{"/scram"}},
		{"region from the name", "msk", &api.MSKConnection{BootstrapServers: amazon, IAM: &api.AWSCredentials{}}, nil},
		{"serverless", "msk", &api.MSKConnection{BootstrapServers: []string{"boot-x.c1.kafka-serverless.eu-west-1.amazonaws.com"}, IAM: &api.AWSCredentials{}}, nil},
		{"no region", "msk", &api.MSKConnection{BootstrapServers: []string{"kafka.internal"}, IAM: &api.AWSCredentials{}}, []string{"/region"}},
		{"half a key", "msk", &api.MSKConnection{BootstrapServers: amazon, IAM: &api.AWSCredentials{AccessKeyID: "x"}}, []string{"/iam/secret_access_key"}},
		{"second server", "msk", &api.MSKConnection{BootstrapServers: []string{"b-1", "b-2:x"}, SCRAM: login}, []string{"/bootstrap_servers/1"}},
		{"redpanda, half a certificate", "redpanda", &api.RedpandaConnection{BootstrapServers: []string{"r"}, TLS: &api.TLS{ClientKey: "x"}}, []string{"/tls/client_certificate"}},
		{"hubs: neither", "event_hubs", &api.EventHubsConnection{Namespace: "contoso"}, []string{"/connection_string"}},
		{"hubs: both", "event_hubs", &api.EventHubsConnection{Namespace: "contoso", ConnectionString: "x", EntraID: &api.EntraID{}}, []string{"/entra_id"}},
		{"hubs: no connection string", "event_hubs", &api.EventHubsConnection{Namespace: "contoso", ConnectionString: "Endpoint=sb://contoso.servicebus.windows.net/"}, []string{"/connection_string"}},
		{"hubs: of another namespace", "event_hubs", &api.EventHubsConnection{Namespace: "contoso", ConnectionString: eventHubsString}, []string{"/connection_string"}},
		{"hubs: with an entity path", "event_hubs", &api.EventHubsConnection{Namespace: "127.0.0.1", ConnectionString: eventHubsString + ";EntityPath=orders"}, nil},
		{"upstash", "upstash", &api.UpstashConnection{Endpoint: "x", Username: "u", Password: "p"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var paths []string
			for _, p := range preset(tt.kind).Check(tt.spec) {
				paths = append(paths, p.Path)
			}
			if !slices.Equal(paths, tt.paths) {
				t.Errorf("problems at %q, want %q", paths, tt.paths)
			}
		})
	}
}

// signedLogin verifies what AWS documents for AWS_MSK_IAM: a presigned request (Signature Version 4) as JSON, with the
// query's names in lower case. The signature is computed here by the rules, not by the SDK.
func signedLogin(key, secret, region, sessionToken string) func([]byte) ([]byte, string) {
	return func(message []byte) ([]byte, string) {
		payload := map[string]string{}
		if err := json.Unmarshal(message, &payload); err != nil {
			return nil, "not JSON"
		}
		at, err := time.Parse("20060102T150405Z", payload["x-amz-date"])
		if err != nil || time.Since(at).Abs() > time.Minute {
			return nil, "wrong time"
		}
		scope := strings.Join([]string{at.Format("20060102"), region, "kafka-cluster", "aws4_request"}, "/")
		want := map[string]string{
			"version": "2020_10_22", "host": "127.0.0.1", "user-agent": payload["user-agent"], "action": "kafka-cluster:Connect", "x-amz-algorithm": "AWS4-HMAC-SHA256",
			"x-amz-credential": key + "/" + scope, "x-amz-date": payload["x-amz-date"], "x-amz-signedheaders": "host", "x-amz-expires": "300",
		}
		query := url.Values{
			"Action": {"kafka-cluster:Connect"}, "X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {want["x-amz-credential"]},
			"X-Amz-Date": {want["x-amz-date"]}, "X-Amz-Expires": {"300"}, "X-Amz-SignedHeaders": {"host"},
		}
		if sessionToken != "" {
			want["x-amz-security-token"] = sessionToken
			query.Set("X-Amz-Security-Token", sessionToken)
		}
		canonical := "GET\n/\n" + strings.ReplaceAll(query.Encode(), "+", "%20") + "\nhost:127.0.0.1\n\nhost\n" + hash("")
		signing := []byte("AWS4" + secret)
		for part := range strings.SplitSeq(scope, "/") {
			signing = mac(signing, part)
		}
		want["x-amz-signature"] = hex.EncodeToString(mac(signing, "AWS4-HMAC-SHA256\n"+want["x-amz-date"]+"\n"+scope+"\n"+hash(canonical)))
		if payload["user-agent"] == "" || !maps.Equal(payload, want) {
			return nil, "[4a1f] Access denied"
		}
		return []byte(`{"version":"2020_10_22","request-id":"4a1f"}`), ""
	}
}

// tokenService is what gives the sessions of roles, to those who know the external id.
func tokenService(t *testing.T) string {
	t.Helper()
	refuse := func(w http.ResponseWriter, code, message string) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		switch r.Form.Get("ExternalId") {
		case "external":
			fmt.Fprintf(w, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>"+
				"<SessionToken>role-token</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		case "late":
			refuse(w, "SignatureDoesNotMatch", "Signature expired: 20261121T120000Z is now earlier than 20261121T125500Z (20261121T130000Z - 5 min.)")
		default:
			refuse(w, "AccessDenied", "User is not authorized to perform: sts:AssumeRole")
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// tokens is a token endpoint that gives numbered tokens.
type tokens struct {
	*httptest.Server
	secret      atomic.Value
	issued      atomic.Int64
	lifetime    atomic.Int64 // in seconds
	skew        atomic.Int64 // of its clock, in nanoseconds
	scope, path atomic.Value
}

func tokenEndpoint(t *testing.T, secret string) *tokens {
	t.Helper()
	e := &tokens{}
	e.secret.Store(secret)
	e.lifetime.Store(300)
	e.Server = httptest.NewServer(http.HandlerFunc(e.serve))
	t.Cleanup(e.Close)
	return e
}

func (e *tokens) serve(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	_, password, basic := r.BasicAuth()
	if !basic {
		password = r.Form.Get("client_secret")
	}
	w.Header().Set("Date", time.Now().Add(time.Duration(e.skew.Load())).UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json")
	if r.Form.Get("grant_type") != "client_credentials" || password != e.secret.Load() {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"invalid_client","error_description":"the secret %s is wrong"}`, password)
		return
	}
	e.scope.Store(r.Form.Get("scope"))
	e.path.Store(r.URL.Path)
	fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, e.issued.Add(1), e.lifetime.Load())
}

func (e *tokens) valid(token string) bool { return strings.HasPrefix(token, "token-") }

// bearerLogin takes what OAUTHBEARER sends (RFC 7628, section 3.1).
func bearerLogin(valid func(token string) bool, extensions ...string) func([]byte) ([]byte, string) {
	return func(message []byte) ([]byte, string) {
		if string(message) == "\x01" {
			return nil, "the token is not valid"
		}
		parts := strings.Split(strings.Trim(string(message), "\x01"), "\x01")
		token, ok := strings.CutPrefix(parts[min(1, len(parts)-1)], "auth=Bearer ")
		if parts[0] != "n,," || !ok || !valid(token) || !slices.Equal(parts[2:], extensions) {
			return []byte(`{"status":"invalid_token"}`), ""
		}
		return nil, ""
	}
}
