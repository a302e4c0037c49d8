package e2e

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// canaries are secrets that must show nowhere, and everything that was seen.
type canaries struct {
	t       *testing.T
	d       *daemon
	planted map[string]bool   // kind and pointer of the secret fields that had one
	secrets map[string]string // value to what it is
	seen    map[string][]byte // what came to light, by where
}

func newCanaries(t *testing.T, d *daemon) *canaries {
	t.Helper()
	return &canaries{t: t, d: d, planted: map[string]bool{}, secrets: map[string]string{}, seen: map[string][]byte{}}
}

// fresh makes a secret for a field, such as "kafka/sasl/password".
func (c *canaries) fresh(field string) string {
	return c.keep(field, "canary"+rand.Text())
}

// keep watches a secret that was not made here.
func (c *canaries) keep(field, secret string) string {
	c.planted[field] = true
	c.secrets[secret] = field
	return secret
}

// see notes what came to light.
func (c *canaries) see(where string, content []byte) {
	c.seen[where] = append(append(c.seen[where], content...), '\n')
}

// ask sends a request as it is, and notes the answer.
func (c *canaries) ask(method, path string, body any) answer {
	c.t.Helper()
	var reader io.Reader = http.NoBody
	if body != nil {
		reader = bytes.NewReader(rawJSON(c.t, body))
	}
	got := c.d.ask(method, path, bearer, reader)
	c.see(method+" "+path, fmt.Appendf(nil, "%v\n%s", got.header, got.body))
	return got
}

func (c *canaries) want(status int, method, path string, body any) {
	c.t.Helper()
	if got := c.ask(method, path, body); got.status != status {
		c.t.Errorf("%s %s: %d %s, want %d", method, path, got.status, got.body, status)
	}
}

// everyField fails when a kind has a secret field without a canary.
func (c *canaries) everyField() {
	c.t.Helper()
	for _, kind := range api.BuiltinKinds().Connections {
		for _, pointer := range spec.Secrets(kind.Fields) {
			if !c.planted[kind.Name+pointer] {
				c.t.Errorf("the secret %s%s has no canary in this test", kind.Name, pointer)
			}
		}
	}
}

// look searches everything for every form of every secret.
func (c *canaries) look() {
	c.t.Helper()
	size := 0
	for _, where := range slices.Sorted(maps.Keys(c.seen)) {
		size += len(c.seen[where])
		for secret, field := range c.secrets {
			if form, found := findSecret(c.seen[where], secret); found {
				c.t.Errorf("the %s of %s is in %s", form, field, where)
			}
		}
	}
	c.t.Logf("%d secrets searched for in %d bytes of %d places", len(c.secrets), size, len(c.seen))
}

// findSecret looks for a secret as it is, in base64 (also as a part of something longer), in hex and escaped for URLs.
// Of a PEM block it looks for every line.
func findSecret(content []byte, secret string) (form string, found bool) {
	for _, part := range partsOf(secret) {
		forms := map[string]string{"plain text": part, "hex": hex.EncodeToString([]byte(part)), "URL escape": url.QueryEscape(part)}
		for shift := range 3 {
			// Of a part of something longer, the first and last characters depend on what is around it.
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + part))
			forms["base64 "+strconv.Itoa(shift)] = encoded[(shift*8+5)/6 : len(encoded)-1]
			encoded = base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + part))
			forms["URL base64 "+strconv.Itoa(shift)] = encoded[(shift*8+5)/6 : len(encoded)-1]
		}
		for form, text := range forms {
			if bytes.Contains(content, []byte(text)) {
				return form, true
			}
		}
	}
	return "", false
}

func partsOf(secret string) []string {
	block, _ := pem.Decode([]byte(secret))
	if block == nil {
		return []string{secret}
	}
	var parts []string
	for line := range strings.SplitSeq(strings.TrimSpace(secret), "\n") {
		if !strings.HasPrefix(line, "-----") && len(line) > 20 {
			parts = append(parts, line)
		}
	}
	return parts
}

func TestFindSecret(t *testing.T) {
	secret := "canary" + rand.Text()
	pair, err := real.SelfSigned("localhost")
	must(t, err)
	line := strings.Split(string(pair.Key), "\n")[1]
	for name, content := range map[string]string{
		"plain": "x" + secret + "y", "base64": base64.StdEncoding.EncodeToString([]byte(secret)), "basic authentication": base64.StdEncoding.EncodeToString([]byte("alice:" + secret)),
		"in JSON in base64": base64.URLEncoding.EncodeToString([]byte(`{"p":"` + secret + `"}`)), "hex": hex.EncodeToString([]byte(secret)),
	} {
		if _, found := findSecret([]byte(content), secret); !found {
			t.Errorf("%s is not found", name)
		}
	}
	if _, found := findSecret(rawJSON(t, map[string]string{"key": string(pair.Key)}), string(pair.Key)); !found {
		t.Errorf("a key in JSON is not found by %s", line)
	}
	if form, found := findSecret([]byte(secret[:20]+" "+string(pair.Cert)), secret); found {
		t.Errorf("found as %s where it is not", form)
	}
}

// looksAround reads everything that can be read of the daemon.
func (c *canaries) looksAround(connector string) {
	c.t.Helper()
	for _, path := range []string{"/v1/version", "/v1/connections", "/v1/connectors", "/v1/connectors/" + connector, "/metrics", "/openapi.json", "/readyz"} {
		c.want(http.StatusOK, http.MethodGet, path, nil)
	}
	page, err := c.d.client.ListConnections(c.t.Context(), "")
	must(c.t, err)
	for _, connection := range page.Items {
		path := "/v1/connections/" + connection.Name
		c.want(http.StatusOK, http.MethodGet, path, nil)
		c.want(http.StatusOK, http.MethodPost, path+"/test", nil)
		c.ask(http.MethodGet, path+map[string]string{"kafka": "/topics", "schema_registry": "/schemas", "kafka_connect": "/connectors"}[connection.Kind], nil)
		c.command("test-connection", connection.Name)
	}
	c.command("version")
	c.command("status")
	c.command("status", "--json")
	c.command("status", connector)
	c.command("status", "--json", connector)
	c.command("test-connection", "--json", page.Items[0].Name)
	c.command("preview", page.Items[0].Name, "nothing")
	c.files()
}

func (c *canaries) command(args ...string) {
	c.t.Helper()
	out := c.d.command(args...)
	c.see("headgated "+strings.Join(args, " "), []byte(out.all()))
}

// files reads the log, the store and the arguments of the process.
func (c *canaries) files() {
	c.t.Helper()
	c.see("the log", []byte(c.d.readLog()))
	entries, err := os.ReadDir(c.d.dir)
	must(c.t, err)
	for _, entry := range entries {
		raw, err := os.ReadFile(filepath.Join(c.d.dir, entry.Name()))
		must(c.t, err)
		c.see(entry.Name(), raw)
	}
	if runtime.GOOS == "linux" && c.d.running() {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.d.cmd.Process.Pid))
		must(c.t, err)
		c.see("the arguments of the process", raw)
	}
}

// mistakes sends what is refused, with secrets near what is wrong.
func (c *canaries) mistakes() {
	c.t.Helper()
	secret := c.fresh("kafka/sasl/password")
	sasl := func(more map[string]any) map[string]any {
		all := map[string]any{"mechanism": "PLAIN", "username": "alice", "password": secret}
		maps.Copy(all, more)
		return all
	}
	bodies := []any{
		map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": 1, "sasl": sasl(nil)}},
		map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": []string{"b:1"}, "sasl": sasl(map[string]any{"password": []string{secret}})}},
		map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": []string{"b:1"}, "sasl": sasl(map[string]any{"password": map[string]any{"x": secret}})}},
		map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": []string{"b:1"}, "sasl": sasl(map[string]any{"mechanism": secret})}},
		map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": []string{secret}, "sasl": sasl(nil)}},
		map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": []string{"b:1"}, "sasl": secret}},
		map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": []string{"b:1"}, "sasl": sasl(map[string]any{"passwrod": secret})}},
		map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": []string{"b:1"}, "security_protocol": "PLAINTEXT", "sasl": sasl(nil)}},
		map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": []string{"b:1"}, "sasl": sasl(nil), "tls": map[string]any{"client_certificate": secret, "client_key": secret}}},
		map[string]any{"kind": secret, "spec": map[string]any{}},
		map[string]any{"kind": "kafka", "spec": secret},
		map[string]any{"kind": "kafka", "spec": []string{secret}, "test": secret, "secret_versions": secret},
		map[string]any{"kind": "schema_registry", "spec": map[string]any{"url": secret, "basic": map[string]any{"username": 1, "password": secret}}},
		map[string]any{"kind": "schema_registry", "spec": map[string]any{"url": "http://alice:" + secret + "@127.0.0.1:1"}},
		map[string]any{"kind": "schema_registry", "spec": map[string]any{"url": "http://127.0.0.1:1", "basic": map[string]any{"username": "a", "password": secret}, "bearer": map[string]any{"token": secret}}},
		map[string]any{"kind": "schema_registry", "spec": map[string]any{"url": "http://127.0.0.1:1", "bearer": map[string]any{"token": 1, secret: 1}}},
	}
	for i, body := range bodies {
		for _, query := range []string{"", "?dry_run=true"} {
			path := "/v1/connections/mistake"
			got := c.d.ask(http.MethodPut, path+query, bearer, bytes.NewReader(rawJSON(c.t, body)))
			if got.status != http.StatusUnprocessableEntity {
				c.t.Errorf("mistake %d: %d %s", i, got.status, got.body)
			}
			// A caller who takes a secret for the name of a field is told the name.
			if !strings.Contains(got.body, "/"+secret) {
				c.see(fmt.Sprintf("the answer to mistake %d", i), []byte(got.body))
			}
		}
	}
}

// presets declares every kind of Kafka with every secret that it has. Nothing is there to connect to: refused with a test,
// taken without one.
func (c *canaries) presets(pki *real.PKI) {
	c.t.Helper()
	const nowhere = "127.0.0.1:1"
	hubs := c.fresh("event_hubs/connection_string")
	c.declare(map[string]declared{
		"bearer-tokens": {"kafka", map[string]any{"bootstrap_servers": []string{nowhere}, "tls": c.tlsOf(pki, "kafka/tls"), "sasl": map[string]any{"mechanism": "OAUTHBEARER", "oauth": map[string]any{
			"token_endpoint": "https://" + nowhere + "/token", "client_id": "headgate", "client_secret": c.fresh("kafka/sasl/oauth/client_secret"), "tls": c.tlsOf(pki, "kafka/sasl/oauth/tls"),
		}}}},
		"signed":    {"kafka", map[string]any{"bootstrap_servers": []string{nowhere}, "sasl": map[string]any{"mechanism": "AWS_MSK_IAM", "aws_region": "eu-central-1", "aws": c.awsOf("kafka/sasl/aws")}}},
		"tickets":   {"kafka", map[string]any{"bootstrap_servers": []string{nowhere}, "sasl": map[string]any{"mechanism": "GSSAPI", "username": "headgate", "kerberos": map[string]any{"config": krb5, "keytab": c.keytab("kafka/sasl/kerberos/keytab")}}}},
		"registry":  {"schema_registry", map[string]any{"url": "https://" + nowhere, "tls": c.tlsOf(pki, "schema_registry/tls")}},
		"connect":   {"kafka_connect", map[string]any{"urls": []string{"https://" + nowhere}, "tls": c.tlsOf(pki, "kafka_connect/tls"), "basic": map[string]any{"username": "alice", "password": c.fresh("kafka_connect/basic/password")}}},
		"workers":   {"kafka_connect", map[string]any{"urls": []string{"https://" + nowhere}, "bearer": map[string]any{"token": c.fresh("kafka_connect/bearer/token")}}},
		"confluent": {"confluent_cloud", map[string]any{"bootstrap_server": nowhere, "api_key": "KEY", "api_secret": c.fresh("confluent_cloud/api_secret")}},
		"msk":       {"msk", map[string]any{"bootstrap_servers": []string{nowhere}, "region": "eu-central-1", "iam": c.awsOf("msk/iam")}},
		"msk-scram": {"msk", map[string]any{"bootstrap_servers": []string{nowhere}, "scram": map[string]any{"username": "alice", "password": c.fresh("msk/scram/password")}}},
		"redpanda":  {"redpanda", map[string]any{"bootstrap_servers": []string{nowhere}, "tls": c.tlsOf(pki, "redpanda/tls"), "sasl": map[string]any{"username": "alice", "password": c.fresh("redpanda/sasl/password")}}},
		"hubs":      {"event_hubs", map[string]any{"namespace": nowhere, "connection_string": "Endpoint=sb://127.0.0.1/;SharedAccessKeyName=headgate;SharedAccessKey=" + hubs}},
		"entra":     {"event_hubs", map[string]any{"namespace": nowhere, "entra_id": map[string]any{"tenant_id": "tenant", "client_id": "headgate", "client_secret": c.fresh("event_hubs/entra_id/client_secret")}}},
		"upstash":   {"upstash", map[string]any{"endpoint": nowhere, "username": "alice", "password": c.fresh("upstash/password")}},
	})
	c.declare(c.others(pki))
}

// declared is a connection of a kind.
type declared struct {
	kind string
	spec map[string]any
}

// declare puts connections that lead nowhere.
func (c *canaries) declare(all map[string]declared) {
	c.t.Helper()
	for name, one := range all {
		path := "/v1/connections/" + name
		c.want(http.StatusBadGateway, http.MethodPut, path, map[string]any{"kind": one.kind, "spec": one.spec})
		c.want(http.StatusOK, http.MethodPut, path, map[string]any{"kind": one.kind, "spec": one.spec, "test": false})
	}
}

// connectors plants secrets in the configuration of a connector on Kafka Connect, whose cluster repeats them in its errors.
func (c *canaries) connectors() {
	c.t.Helper()
	const base = "/v1/connections/connect"
	fake := fakeconnect.Start(c.t)
	c.want(http.StatusOK, http.MethodPut, base, map[string]any{"kind": "kafka_connect", "spec": map[string]any{"urls": []string{fake.URL}}})
	secret := c.fresh("the configuration of a connector")
	body := func(more map[string]string, secrets map[string]string) map[string]any {
		config := map[string]string{"connector.class": fakeconnect.JDBC, "connection.url": "jdbc:x", "topic.prefix": "x."}
		maps.Copy(config, more)
		return map[string]any{"config": config, "sensitive_config": secrets}
	}
	path := base + "/connectors/shop"
	for _, query := range []string{"?dry_run=true", ""} {
		c.want(http.StatusUnprocessableEntity, http.MethodPut, path+query, body(map[string]string{"connection.password": secret}, nil))
		c.want(http.StatusUnprocessableEntity, http.MethodPut, path+query, body(nil, map[string]string{"connection.password": "wrong-" + secret}))
		c.want(http.StatusOK, http.MethodPut, path+query, body(nil, map[string]string{"connection.password": secret, "connection.options": "password=" + secret}))
	}
	c.want(http.StatusOK, http.MethodGet, path+"?wait=settled", nil)
	fake.Break("shop", "the login with "+secret+" failed")
	c.want(http.StatusOK, http.MethodGet, path, nil)
	c.want(http.StatusOK, http.MethodGet, base+"/connectors", nil)
	c.want(http.StatusOK, http.MethodDelete, path, nil)
}

const krb5 = "[libdefaults]\ndefault_realm = EXAMPLE.TEST\n[realms]\nEXAMPLE.TEST = {\n  kdc = 127.0.0.1:1\n}\n"

// keytab makes a keytab with a key of its own.
func (c *canaries) keytab(field string) string {
	c.t.Helper()
	keys := keytab.New()
	must(c.t, keys.AddEntry("headgate", "EXAMPLE.TEST", rand.Text(), time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96))
	raw, err := keys.Marshal()
	must(c.t, err)
	return c.keep(field, base64.StdEncoding.EncodeToString(raw))
}

// fakeRegistry is a registry, or a guard before one. It tells the credentials of others in its refusals.
func fakeRegistry(t *testing.T, authorized func(*http.Request) bool, behind http.Handler, cfg *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !authorized(r):
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error_code":401,"message":"%s is not allowed"}`, r.Header.Get("Authorization"))
		case behind != nil:
			behind.ServeHTTP(w, r)
		case r.URL.Path == "/schemas/types":
			_, _ = io.WriteString(w, `["AVRO"]`)
		default:
			_, _ = io.WriteString(w, `[]`)
		}
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if server.TLS = cfg; cfg != nil {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL
}

func mutualTLS(t *testing.T, pki *real.PKI) *tls.Config {
	t.Helper()
	certificate, err := pki.Server.TLS()
	must(t, err)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pki.Pool()}
}

func clientTLS(ca []byte, pair real.KeyPair) map[string]any {
	return map[string]any{"ca_certificate": string(ca), "client_certificate": string(pair.Cert), "client_key": string(pair.Key)}
}

// No byte of a secret comes out of the daemon, whatever is done with it.
func TestCanary(t *testing.T) {
	t.Parallel()
	from, _ := twoClusters(t)
	from.createTopic("numbers", 1)
	d := serve(t)
	c := newCanaries(t, d)
	pki, err := real.NewPKI()
	must(t, err)
	client, err := pki.IssueClient("canary")
	must(t, err)
	c.keep("kafka/tls/client_key", string(client.Key))
	c.keep("schema_registry/tls/client_key", string(client.Key))
	put := func(status int, name, kind string, test bool, fields map[string]any) {
		t.Helper()
		for _, query := range []string{"?dry_run=true", ""} {
			c.want(status, http.MethodPut, "/v1/connections/"+name+query, map[string]any{"kind": kind, "spec": fields, "test": test})
		}
	}
	sasl := func(password string) map[string]any {
		return map[string]any{"mechanism": "SCRAM-SHA-256", "username": "alice", "password": password}
	}
	// Nothing to log in to: refused with a test, taken without one.
	login := map[string]any{"bootstrap_servers": from.servers, "security_protocol": "SASL_PLAINTEXT", "sasl": sasl(c.fresh("kafka/sasl/password"))}
	put(http.StatusBadGateway, "login", "kafka", true, login)
	put(http.StatusOK, "login", "kafka", false, login)
	login["sasl"] = sasl(c.fresh("kafka/sasl/password"))
	put(http.StatusOK, "login", "kafka", false, login)
	withCertificate := fakeRegistry(t, func(*http.Request) bool { return true }, nil, mutualTLS(t, pki))
	put(http.StatusOK, "mutual", "kafka", false, map[string]any{"bootstrap_servers": []string{kindtest.Listen(t, mutualTLS(t, pki), kindtest.ShakeHands(t))}, "security_protocol": "SSL", "tls": clientTLS(pki.CA.Cert, client)})
	c.want(http.StatusOK, http.MethodPut, "/v1/connections/open", map[string]any{"kind": "kafka", "spec": map[string]any{"bootstrap_servers": from.servers, "security_protocol": "PLAINTEXT"}})
	for query, status := range map[string]int{"?dry_run=true": http.StatusOK, "": http.StatusOK, "?again": http.StatusUnprocessableEntity} {
		body := map[string]any{"password": c.fresh("scram_user/password")}
		if status != http.StatusOK {
			body["mechanisms"] = "PLAIN"
		}
		c.want(status, http.MethodPut, "/v1/connections/open/scram-users/canary"+query, body)
	}
	c.want(http.StatusOK, http.MethodGet, "/v1/connections/open/scram-users/canary", nil)

	var user, holder acctest.Allowed
	password := user.Set(c.fresh("schema_registry/basic/password"))
	token := holder.Set(c.fresh("schema_registry/bearer/token"))
	withBasic := fakeRegistry(t, user.Basic, nil, nil)
	withBearer := fakeRegistry(t, holder.Bearer, nil, nil)
	put(http.StatusOK, "basic", "schema_registry", true, map[string]any{"url": withBasic, "basic": map[string]any{"username": "alice", "password": password}})
	put(http.StatusBadGateway, "basic", "schema_registry", true, map[string]any{"url": withBasic, "basic": map[string]any{"username": "alice", "password": c.fresh("schema_registry/basic/password")}})
	put(http.StatusOK, "bearer", "schema_registry", true, map[string]any{"url": withBearer, "bearer": map[string]any{"token": token}})
	put(http.StatusBadGateway, "bearer", "schema_registry", true, map[string]any{"url": withBearer, "bearer": map[string]any{"token": c.fresh("schema_registry/bearer/token")}})
	put(http.StatusOK, "certificate", "schema_registry", true, map[string]any{"url": withCertificate, "tls": clientTLS(pki.CA.Cert, client)})
	c.connectors()
	c.presets(pki)
	c.mistakes()
	for _, from := range []string{"login", "mutual"} {
		c.ask(http.MethodPut, "/v1/connectors/"+from+"?start_timeout=2s", map[string]any{
			"type": "source", "kind": "kafka", "spec": map[string]any{"connection": from, "topics": []string{"numbers"}}, "settings": map[string]any{"destination": map[string]any{"connection": "open", "topic_prefix": "copy."}},
		})
		c.ask(http.MethodGet, "/v1/connectors/"+from+"?wait=settled", nil)
	}
	c.want(http.StatusOK, http.MethodPut, "/v1/connectors/copy", map[string]any{
		"type": "source", "kind": "kafka", "spec": map[string]any{"connection": "open", "topics": []string{"numbers"}}, "settings": map[string]any{"destination": map[string]any{"connection": "open", "topic_prefix": "copy."}},
	})
	c.looksAround("copy")
	// The registry refuses what it took before, and tells the credentials in its refusal.
	user.Set("another")
	holder.Set("another")
	c.looksAround("copy")
	d.kill()
	c.files()
	d.start()
	c.looksAround("copy")
	for _, name := range []string{"login", "mutual", "basic", "bearer", "certificate"} {
		c.ask(http.MethodDelete, "/v1/connections/"+name, nil)
	}
	d.stop()
	c.files()
	c.everyField()
	c.look()
}

// The same with what really works: SCRAM, PLAIN, client certificates, a registry and Kafka Connect with basic authentication,
// a connector with secrets and a user made here, under a Terraform CLI that traces everything.
func TestRealCanary(t *testing.T) {
	systems := real.Shared(t)
	cluster := systems.Kafka
	d := serve(t)
	c := newCanaries(t, d)
	outside := newKafka(t, cluster.BootstrapServers(real.ListenerPlaintext))
	user := real.Name(t)
	first, second := c.fresh("kafka/sasl/password"), c.fresh("kafka/sasl/password")
	outside.setPassword(t, user, first)
	topic := real.Name(t)
	outside.createTopic(topic, 2)
	c.keep("kafka/sasl/password", cluster.Alice.Password)
	client := cluster.ClientCertificate()
	c.keep("kafka/tls/client_key", string(client.Key))

	var registryUser, registryToken acctest.Allowed
	registryPassword := registryUser.Set(c.fresh("schema_registry/basic/password"))
	bearer := registryToken.Set(c.fresh("schema_registry/bearer/token"))
	apicurio, err := url.Parse(systems.Apicurio.URL())
	must(t, err)
	behind := httputil.NewSingleHostReverseProxy(apicurio)
	pki, err := real.NewPKI()
	must(t, err)
	c.keep("schema_registry/tls/client_key", string(pki.Client.Key))
	path := strings.TrimPrefix(systems.Apicurio.CompatURL(), systems.Apicurio.URL())
	withBasic := fakeRegistry(t, registryUser.Basic, behind, nil) + path
	withBearer := fakeRegistry(t, registryToken.Bearer, behind, mutualTLS(t, pki)) + path

	worker := real.User{Name: "alice", Password: c.fresh("kafka_connect/basic/password")}
	connect := real.DedicatedConnect(t, real.ConnectOptions{User: &worker})
	made := func() (user, connector string) {
		return c.fresh("scram_user/password"), c.fresh("the configuration of a connector on real workers")
	}
	madeUser, madeConnector := made()

	variables := map[string]string{
		"connect": worker.Password, "made_user": madeUser, "made_connector": madeConnector,
		"scram": first, "plain": cluster.Alice.Password, "key": string(client.Key), "basic": registryPassword, "bearer": bearer, "registry_key": string(pki.Client.Key),
	}
	config := canaryConfig(cluster, user, topic, withBasic, withBearer, string(pki.CA.Cert), string(pki.Client.Cert)) +
		canaryMade(connect.URLs()[0], worker.Name, user+"-made", topic, filepath.Join(t.TempDir(), "out"))
	tf := newTerraform(t, d, config)
	version := 1
	cli := func(code int, args ...string) outcome {
		t.Helper()
		trace := filepath.Join(t.TempDir(), "trace.log")
		env := append(slices.Clone(tf.env), "TF_LOG=trace", "TF_LOG_PATH="+trace, "TF_VAR_secret_version="+strconv.Itoa(version))
		for name, value := range variables {
			env = append(env, "TF_VAR_"+name+"="+value)
		}
		out := run(t, env, tf.dir, tf.program, args...)
		if out.code != code {
			t.Errorf("terraform %s ended with %d, want %d:\n%s", args[0], out.code, code, out.all())
		}
		c.see("the output of terraform "+args[0], []byte(out.all()))
		raw, err := os.ReadFile(trace)
		must(t, err)
		c.see("the trace of terraform "+args[0], raw)
		return out
	}
	cli(0, "plan", "-input=false", "-no-color", "-out=plan.bin")
	cli(0, "show", "-json", "plan.bin")
	cli(0, "apply", "-input=false", "-no-color", "plan.bin")
	cli(0, "plan", "-input=false", "-no-color", "-detailed-exitcode")
	d.waitState("canary", api.StateRunning)
	must(t, outside.number(topic, 2, 100, 0))
	outside.waitEnd("canary."+topic, 200, time.Minute)
	c.refusedByWorkers(topic)
	c.looksAround("canary")

	// A wrong secret is refused, the right one rotates, and the connector goes on.
	variables["scram"], version = c.fresh("kafka/sasl/password"), 2
	variables["made_user"], variables["made_connector"] = made()
	cli(1, "apply", "-input=false", "-no-color", "-auto-approve")
	outside.setPassword(t, user, second)
	variables["scram"], version = second, 3
	variables["made_user"], variables["made_connector"] = made()
	cli(0, "apply", "-input=false", "-no-color", "-auto-approve")
	d.waitState("canary", api.StateRunning)
	c.presets(pki)
	c.mistakes()
	c.looksAround("canary")
	cli(0, "show", "-json")
	cli(0, "state", "pull")
	cli(0, "destroy", "-input=false", "-no-color", "-auto-approve")
	c.terraformFiles(tf.dir)
	d.stop()
	c.files()
	c.everyField()
	c.look()
}

// refusedByWorkers sends real workers what they repeat in their refusals, and in the trace of a task that fails.
func (c *canaries) refusedByWorkers(topic string) {
	c.t.Helper()
	path := "/v1/connections/real-workers/connectors/refused-" + topic
	secret := c.fresh("the refused configuration of a connector on real workers")
	with := func(key string) map[string]any {
		return map[string]any{
			"config":           map[string]string{"connector.class": "FileStreamSink", "topics": topic},
			"sensitive_config": map[string]string{key: "/nonexistent/" + secret},
		}
	}
	for _, query := range []string{"?dry_run=true", ""} {
		if got := c.ask(http.MethodPut, path+query, with("errors.tolerance")); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "Invalid value") {
			c.t.Errorf("with a secret that is no value: %d %s", got.status, got.body)
		}
	}
	c.want(http.StatusOK, http.MethodPut, path, with("file"))
	// It is taken back with what the task said.
	c.d.eventually("the task fails", time.Minute, func() (string, bool) {
		got := c.ask(http.MethodGet, path+"?wait=settled", nil)
		return got.body, strings.Contains(got.body, "NoSuchFile")
	})
}

// terraformFiles reads the state files, and plan files unpacked.
func (c *canaries) terraformFiles(dir string) {
	c.t.Helper()
	for _, pattern := range []string{"terraform.tfstate*", "plan.bin"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		must(c.t, err)
		if len(names) == 0 {
			c.t.Errorf("no file %s", pattern)
		}
		for _, name := range names {
			raw, err := os.ReadFile(name)
			must(c.t, err)
			c.see(filepath.Base(name), raw)
		}
	}
	plan, err := zip.OpenReader(filepath.Join(dir, "plan.bin"))
	must(c.t, err)
	defer func() { _ = plan.Close() }()
	for _, file := range plan.File {
		content, err := file.Open()
		must(c.t, err)
		raw, err := io.ReadAll(content)
		must(c.t, err)
		c.see("plan.bin/"+file.Name, raw)
		must(c.t, content.Close())
	}
}

func canaryConfig(cluster *real.Cluster, user, topic, withBasic, withBearer, registryCA, registryCertificate string) string {
	quote := func(text string) string {
		raw, _ := json.Marshal(text)
		return string(raw)
	}
	client := cluster.ClientCertificate()
	variables := ""
	for _, name := range []string{"scram", "plain", "key", "basic", "bearer", "registry_key", "connect", "made_user", "made_connector"} {
		variables += fmt.Sprintf("variable %q {\n  type      = string\n  ephemeral = true\n  sensitive = true\n}\n", name)
	}
	return variables + fmt.Sprintf(`
variable "secret_version" { type = number }

locals {
  ca = %s
}

resource "headgate_connection" "scram" {
  name = "scram"
  kafka = {
    bootstrap_servers = %s
    security_protocol = "SASL_SSL"
    tls               = { ca_certificate = local.ca }
    sasl = {
      mechanism           = "SCRAM-SHA-512"
      username            = %s
      password_wo         = var.scram
      password_wo_version = var.secret_version
    }
  }
}

resource "headgate_connection" "plain" {
  name = "plain"
  kafka = {
    bootstrap_servers = %s
    security_protocol = "SASL_PLAINTEXT"
    sasl = {
      mechanism           = "PLAIN"
      username            = %s
      password_wo         = var.plain
      password_wo_version = 1
    }
  }
}

resource "headgate_connection" "mutual" {
  name = "mutual"
  kafka = {
    bootstrap_servers = %s
    security_protocol = "SSL"
    tls = {
      ca_certificate        = local.ca
      client_certificate    = %s
      client_key_wo         = var.key
      client_key_wo_version = 1
    }
  }
}

resource "headgate_connection" "basic" {
  name = "basic"
  schema_registry = {
    url = %s
    basic = {
      username            = "alice"
      password_wo         = var.basic
      password_wo_version = 1
    }
  }
}

resource "headgate_connection" "bearer" {
  name = "bearer"
  schema_registry = {
    url = %s
    bearer = {
      token_wo         = var.bearer
      token_wo_version = 1
    }
    tls = {
      ca_certificate        = %s
      client_certificate    = %s
      client_key_wo         = var.registry_key
      client_key_wo_version = 1
    }
  }
}

resource "headgate_source_connector" "canary" {
  name = "canary"
  kafka = {
    connection = headgate_connection.scram.name
    topics     = [%s]
  }
  destination = {
    connection   = headgate_connection.mutual.name
    topic_prefix = "canary."
  }
}
`, quote(string(cluster.CA())), hclList(cluster.BootstrapServers(real.ListenerSASLSSL)), quote(user), hclList(cluster.BootstrapServers(real.ListenerSASLPlaintext)), quote(cluster.Alice.Name),
		hclList(cluster.BootstrapServers(real.ListenerMTLS)), quote(string(client.Cert)), quote(withBasic), quote(withBearer), quote(registryCA), quote(registryCertificate), quote(topic))
}

// canaryMade declares what has secrets beside connections: a user of the broker, and a connector on Kafka Connect.
func canaryMade(connectURL, worker, user, topic, file string) string {
	return fmt.Sprintf(`
resource "headgate_scram_user" "made" {
  connection_name     = headgate_connection.plain.name
  username            = %q
  password_wo         = var.made_user
  password_wo_version = var.secret_version
}

resource "headgate_connection" "workers" {
  name = "real-workers"
  kafka_connect = {
    urls = [%q]
    basic = {
      username            = %q
      password_wo         = var.connect
      password_wo_version = 1
    }
  }
}

resource "headgate_connector" "made" {
  connection_name = headgate_connection.workers.name
  name            = %[4]q
  config          = { "connector.class" = "FileStreamSink", "topics" = %[4]q, "file" = %[5]q }
  sensitive_config_wo = {
    "consumer.override.sasl.jaas.config" = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=\"${var.made_connector}\";"
  }
  sensitive_config_wo_version = var.secret_version
}
`, user, connectURL, worker, topic, file)
}
