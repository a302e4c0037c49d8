package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestServeRefusesToStart(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	data := []string{"--data-dir", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0"}
	tests := []struct {
		name string
		env  []string
		args []string
		want []string
	}{
		{"everyone let in", nil, []string{"--data-dir", dir, "--listen", "0.0.0.0:0"}, []string{"0.0.0.0:0 without a token", "HEADGATE_TOKEN"}},
		{"every address", nil, []string{"--data-dir", dir, "--listen", ":0"}, []string{"without a token"}},
		{"an empty token file", nil, append([]string{"--token-file", file("none", "\n")}, data...), []string{"none holds no token", "leave token_file out"}},
		{"a short token", []string{"HEADGATE_TOKEN=short"}, data, []string{"shorter than 16 characters"}},
		{"no data directory", nil, []string{"--listen", "127.0.0.1:0"}, []string{"data_dir is required"}},
		{"certificate without key", nil, append([]string{"--tls-certificate", file("c.pem", "")}, data...), []string{"tls_certificate and tls_key"}},
		{"a bad certificate", nil, append([]string{"--tls-certificate", file("c.pem", "x"), "--tls-key", file("k.pem", "x")}, data...), []string{"load TLS certificate"}},
		{"a bad key", []string{"HEADGATE_KEY=nonsense"}, data, []string{"the key is not", "headgated keygen"}},
		{"a misspelt setting", nil, append([]string{"--config", file("c.yaml", "lissten: 127.0.0.1:0\n")}, data...), []string{`no setting "lissten"`}},
		{"a bad log level", nil, append([]string{"--log-level", "loud"}, data...), []string{"log_level", "loud"}},
		{"a token as a flag", nil, append([]string{"--token", token}, data...), []string{"unknown flag"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, cleanEnv(tt.env...), dir, headgated(t), append([]string{"serve"}, tt.args...)...)
			if out.code != 1 {
				t.Fatalf("exit code %d: %s", out.code, out.all())
			}
			for _, want := range tt.want {
				if !strings.Contains(out.stderr, want) {
					t.Errorf("no %q in %s", want, out.stderr)
				}
			}
		})
	}
}

func TestSecondDaemonOnTheSameDataDirectory(t *testing.T) {
	d := serve(t)
	out := run(t, cleanEnv(), d.dir, headgated(t), "serve", "--data-dir", d.dir, "--listen", "127.0.0.1:0")
	if out.code != 1 || !strings.Contains(out.stderr, "in use by another headgated") {
		t.Errorf("exit code %d: %s", out.code, out.all())
	}
	if _, err := d.client.Version(t.Context()); err != nil {
		t.Errorf("the first daemon: %v", err)
	}
	d.kill()
	d.start() // what a killed daemon held is free again
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request with its authorization header, as it is.
func (d *daemon) ask(method, path, authorization string, body io.Reader) answer {
	d.tb.Helper()
	req, err := http.NewRequestWithContext(d.tb.Context(), method, d.endpoint()+path, body)
	must(d.tb, err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	must(d.tb, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	must(d.tb, err)
	return answer{resp.StatusCode, resp.Header, string(raw)}
}

const bearer = "Bearer " + token

func TestUnauthenticatedCallerLearnsNothing(t *testing.T) {
	d := serve(t)
	basic := func(password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+password))
	}
	strangers := map[string]string{
		"none": "", "empty": "Bearer ", "wrong": bearer + "x", "short": bearer[:len(bearer)-1], "basic": basic("wrong"), "other scheme": "Digest " + token,
	}
	paths := []string{
		"/", "/v1/version", "/v1/connections", "/v1/connections/x", "/v1/connectors/x/state", "/openapi.json", "/metrics", "/registry", "/registry/", "/registry/subjects",
		"/no/such/path", "/v1//version", "/v1/../metrics", "/docs", "/debug/pprof/", "/healthz/x", "/readyz/",
	}
	var first string
	for who, authorization := range strangers {
		for _, path := range paths {
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodOptions, "NONSENSE"} {
				got := d.ask(method, path, authorization, http.NoBody)
				seen := fmt.Sprint(got.status, withoutRequest(got.header), withoutID(t, got.body))
				if first == "" {
					first = seen
				}
				if got.status != http.StatusUnauthorized || seen != first {
					t.Errorf("%s %s %s: %s", who, method, path, seen)
				}
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := d.ask(http.MethodGet, path, "", http.NoBody); got.status != http.StatusOK || got.body != "ok\n" {
			t.Errorf("%s: %d %q", path, got.status, got.body)
		}
	}
	for _, authorization := range []string{bearer, basic(token)} {
		if got := d.ask(http.MethodGet, "/v1/version", authorization, http.NoBody); got.status != http.StatusOK {
			t.Errorf("with the token: %d %s", got.status, got.body)
		}
	}
}

// withoutRequest leaves out of the headers what differs from request to request.
func withoutRequest(header http.Header) http.Header {
	header = header.Clone()
	header.Del("Date")
	header.Del(api.HeaderRequestID)
	return header
}

func withoutID(t *testing.T, body string) string {
	t.Helper()
	var e api.Error
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return body
	}
	e.RequestID = ""
	return fmt.Sprintf("%+v", e)
}

func TestWrongTokenInTheClient(t *testing.T) {
	d := serve(t)
	client, err := api.NewClient(api.ClientConfig{Endpoint: d.endpoint(), Token: "not-the-token-of-the-daemon"})
	must(t, err)
	defer client.Close()
	if _, err := client.Version(t.Context()); !api.HasCode(err, api.CodeUnauthorized) || !strings.Contains(err.Error(), "short-lived") {
		t.Errorf("error %v", err)
	}
}

// stream hides the length of a body, so that it is sent in chunks.
type stream struct{ io.Reader }

func TestRequestsThatAreTooLargeOrBroken(t *testing.T) {
	d := serve(t)
	large := `{"kind":"kafka","spec":{"bootstrap_servers":["` + strings.Repeat("x", 50<<20) + `"]}}`
	const hidden = "hunter2-do-not-echo"
	tests := []struct {
		name   string
		body   io.Reader
		status int
		code   string
	}{
		{"50 MB", strings.NewReader(large), http.StatusRequestEntityTooLarge, api.CodeTooLarge},
		{"50 MB in chunks", stream{strings.NewReader(large)}, http.StatusRequestEntityTooLarge, api.CodeTooLarge},
		{"cut off", strings.NewReader(`{"kind":"kafka","spec":{"sasl":{"password":"` + hidden), http.StatusBadRequest, api.CodeInvalid},
		{"not JSON", strings.NewReader(hidden), http.StatusBadRequest, api.CodeInvalid},
		{"empty", http.NoBody, http.StatusBadRequest, api.CodeInvalid},
		{"of another type", strings.NewReader(`["` + hidden + `"]`), http.StatusUnprocessableEntity, api.CodeInvalid},
		{"wrong types inside", strings.NewReader(`{"kind":{"x":"` + hidden + `"},"spec":"` + hidden + `","secret_versions":{"/sasl/password":"` + hidden + `"}}`), http.StatusUnprocessableEntity, api.CodeInvalid},
		{"wrong types of a secret", strings.NewReader(`{"kind":"kafka","spec":{"bootstrap_servers":["b:1"],"sasl":{"mechanism":"` + hidden + `","username":1,"password":["` + hidden + `"]}}}`), http.StatusUnprocessableEntity, api.CodeInvalid},
		{"duplicate and unknown fields", strings.NewReader(`{"kind":"kafka","kind":"kafka","` + hidden + `":1,"spec":{}}`), http.StatusUnprocessableEntity, api.CodeInvalid},
		{"deeply nested", strings.NewReader(`{"kind":"kafka","spec":` + strings.Repeat("[", 1<<20)), http.StatusBadRequest, api.CodeInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := d.ask(http.MethodPut, "/v1/connections/x", bearer, tt.body)
			var e api.Error
			must(t, json.Unmarshal([]byte(got.body), &e))
			if got.status != tt.status || e.Code != tt.code || e.Summary == "" || e.RequestID == "" {
				t.Errorf("%d %s", got.status, got.body)
			}
			if tt.name != "duplicate and unknown fields" && strings.Contains(got.body, hidden) {
				t.Errorf("the value is echoed: %s", got.body)
			}
		})
	}
	if _, err := d.client.GetConnection(t.Context(), "x"); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("something is left: %v", err)
	}
	if strings.Contains(d.readLog(), hidden) {
		t.Error("a value is in the log")
	}
}

func TestSettingsFromFileEnvironmentAndFlags(t *testing.T) {
	dir := t.TempDir()
	fromFile, fromEnv, fromFlag := real.Address(t), real.Address(t), real.Address(t)
	config := filepath.Join(dir, "headgated.yaml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "listen: %s\ndata_dir: %s\ntoken: %s\nlog_level: debug\n", fromFile, filepath.Join(dir, "data"), token), 0o600))
	tests := []struct {
		name    string
		env     []string
		args    []string
		address string
	}{
		{"file", nil, []string{"--config", config}, fromFile},
		{"environment", []string{"HEADGATE_LISTEN=" + fromEnv}, []string{"--config", config}, fromEnv},
		{"flag", []string{"HEADGATE_LISTEN=" + fromEnv}, []string{"--config", config, "--listen", fromFlag}, fromFlag},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := prepare(t)
			d.address, d.env, d.args = tt.address, tt.env, tt.args
			d.start()
			if got := d.ask(http.MethodGet, "/v1/version", bearer, http.NoBody); got.status != http.StatusOK {
				t.Errorf("the token of the file: %d", got.status)
			}
			d.stop()
		})
	}
}

func TestGeneratedKey(t *testing.T) {
	d := serve(t)
	key := filepath.Join(d.dir, "headgate.key")
	if runtime.GOOS != "windows" {
		for path, want := range map[string]os.FileMode{d.dir: 0o700, key: 0o600, filepath.Join(d.dir, "headgate.db"): 0o600} {
			info, err := os.Stat(path)
			must(t, err)
			if info.Mode().Perm() != want {
				t.Errorf("%s has mode %s, want %s", path, info.Mode().Perm(), want)
			}
		}
	}
	told := func() int {
		n := 0
		for _, line := range logLines(t, d) {
			if line["level"] == "WARN" && strings.Contains(line["msg"].(string), "generated the key") && line["file"] == key {
				n++
			}
		}
		return n
	}
	if told() != 1 {
		t.Errorf("the log does not say that a key was generated:\n%s", d.readLog())
	}
	raw, err := os.ReadFile(key)
	must(t, err)
	if strings.Contains(d.readLog(), strings.TrimSpace(string(raw))) {
		t.Error("the key itself is in the log")
	}
	d.stop()
	d.start()
	if told() != 1 {
		t.Error("a second start says that it generated a key")
	}
}

// logLines reads the daemon's log, and wants every line to be JSON.
func logLines(t *testing.T, d *daemon) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(d.readLog()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("the log has the line %q", text)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestWrongKeyAtRestart(t *testing.T) {
	d := serve(t)
	untested := false
	_, err := d.client.PutConnection(t.Context(), "main", api.ConnectionWrite{Kind: "kafka", Test: &untested, Spec: rawJSON(t, map[string]any{
		"bootstrap_servers": []string{"b:1"}, "security_protocol": "SASL_SSL", "sasl": map[string]any{"mechanism": "PLAIN", "username": "alice", "password": "right"},
	})}, api.WriteOptions{})
	must(t, err)
	d.stop()
	key := filepath.Join(d.dir, "headgate.key")
	right, err := os.ReadFile(key)
	must(t, err)
	other := run(t, cleanEnv(), d.dir, headgated(t), "keygen")
	must(t, os.WriteFile(key, []byte(other.stdout), 0o600))
	out := run(t, cleanEnv(d.env...), d.dir, headgated(t), append([]string{"serve"}, d.args...)...)
	if out.code != 1 || !strings.Contains(out.stderr, "sealed under another key") || !strings.Contains(out.stderr, "connection main") {
		t.Errorf("exit code %d: %s", out.code, out.all())
	}
	must(t, os.Remove(key))
	out = run(t, cleanEnv(d.env...), d.dir, headgated(t), append([]string{"serve"}, d.args...)...)
	if _, err := os.Stat(key); out.code != 1 || !strings.Contains(out.stderr, "is gone") || err == nil {
		t.Errorf("without the key file: exit code %d: %s; made another: %v", out.code, out.all(), err == nil)
	}
	must(t, os.WriteFile(key, right, 0o600))
	d.start()
	if _, err := d.client.GetConnection(t.Context(), "main"); err != nil {
		t.Error(err)
	}
}

func TestCertificateReload(t *testing.T) {
	before, err := real.NewPKI()
	must(t, err)
	after, err := real.NewPKI()
	must(t, err)
	d := prepare(t)
	certificate, key, err := before.Server.WriteFiles(t.TempDir(), "server")
	must(t, err)
	d.args = append(d.args, "--tls-certificate", certificate, "--tls-key", key)
	d.launch()
	asks := func(ca *real.PKI) error {
		client, err := api.NewClient(api.ClientConfig{Endpoint: "https://" + d.address, Token: token, CACertificate: string(ca.CA.Cert), Retries: -1})
		must(t, err)
		defer client.Close()
		_, err = client.Version(t.Context())
		return err
	}
	serves := func(ca *real.PKI) func() (string, bool) {
		return func() (string, bool) {
			err := asks(ca)
			return fmt.Sprint(err), err == nil
		}
	}
	d.eventually("it serves with the first certificate", startLimit, serves(before))
	if err := asks(after); err == nil {
		t.Error("a certificate of another authority was accepted")
	}
	// Half-way through a renewal the files do not fit together, and the old certificate goes on.
	must(t, os.WriteFile(certificate, after.Server.Cert, 0o600))
	time.Sleep(1100 * time.Millisecond)
	if err := asks(before); err != nil {
		t.Errorf("half-way through a renewal: %v", err)
	}
	must(t, os.WriteFile(key, after.Server.Key, 0o600))
	d.eventually("it serves with the second certificate", startLimit, serves(after))
	d.stop()
}

func TestPlainRequestToTLS(t *testing.T) {
	pki, err := real.NewPKI()
	must(t, err)
	d := prepare(t)
	certificate, key, err := pki.Server.WriteFiles(t.TempDir(), "server")
	must(t, err)
	d.args = append(d.args, "--tls-certificate", certificate, "--tls-key", key)
	d.launch()
	d.eventually("it listens", startLimit, func() (string, bool) {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: pki.Pool(), MinVersion: tls.VersionTLS12}}).DialContext(t.Context(), "tcp", d.address)
		if err == nil {
			_ = conn.Close()
		}
		return fmt.Sprint(err), err == nil
	})
	// The client says that this is no answer of Headgate's, so that nothing is taken for absent.
	var unreachable *api.UnreachableError
	if _, err = d.client.GetConnection(t.Context(), "x"); !errors.As(err, &unreachable) {
		t.Errorf("error %v", err)
	}
}

// twoClusters starts two in-memory clusters that outlive the daemon.
func twoClusters(t *testing.T) (from, to *kafka) {
	t.Helper()
	var clients []*kafka
	for range 2 {
		cluster, err := devkafka.Start(t.Context(), devkafka.Config{Brokers: 1})
		must(t, err)
		t.Cleanup(cluster.Close)
		clients = append(clients, newKafka(t, cluster.BootstrapServers()))
	}
	return clients[0], clients[1]
}

func TestRestartBringsBackConnectionsAndConnectors(t *testing.T) {
	from, to := twoClusters(t)
	from.createTopic("numbers", 2)
	d := serve(t)
	d.connectKafka("from", from.servers)
	d.connectKafka("to", to.servers)
	d.copies("runs", "from", "to", []string{"numbers"}, 2)
	d.copies("rests", "from", "to", []string{"numbers"}, 1)
	_, err := d.client.SetConnectorState(t.Context(), "rests", api.StatePaused)
	must(t, err)
	before, err := d.client.GetConnection(t.Context(), "from")
	must(t, err)
	for _, end := range []func(){d.stop, d.kill} {
		end()
		d.start()
		after, err := d.client.GetConnection(t.Context(), "from")
		must(t, err)
		if after.Generation != before.Generation || !bytes.Equal(after.Spec, before.Spec) {
			t.Errorf("connection %+v, before %+v", after, before)
		}
		d.waitState("runs", api.StateRunning)
		d.waitState("rests", api.StatePaused)
	}
	must(t, from.number("numbers", 2, 100, 0))
	to.waitEnd("copy.numbers", 200, time.Minute)
}

func TestGracefulStopCommitsPositions(t *testing.T) {
	from, to := twoClusters(t)
	from.createTopic("numbers", 4)
	d := serve(t)
	d.connectKafka("from", from.servers)
	d.connectKafka("to", to.servers)
	d.copies("numbers", "from", "to", []string{"numbers"}, 2)
	produced := make(chan error, 1)
	go func() { produced <- from.number("numbers", 4, 2000, 2*time.Second) }()
	// It stops in the middle of the work.
	to.waitEnd("copy.numbers", 1000, time.Minute)
	d.stop()
	must(t, <-produced)
	must(t, from.goOn("numbers", 4, 2000, 2500, 0))
	d.start()
	to.waitEnd("copy.numbers", 10000, time.Minute)
	d.waitLag("numbers", 0)
	d.stop()
	if n := to.end("copy.numbers"); n != 10000 {
		t.Errorf("%d records after two stops in order, want 10000 and no repeat", n)
	}
	to.judge(t, "copy.numbers", 4, 2500)
}

func TestStopEndsRequestsThatNeverEnd(t *testing.T) {
	t.Parallel()
	d := serve(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", d.address)
	must(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "PUT /v1/connections/x HTTP/1.1\r\nHost: x\r\nAuthorization: "+bearer+"\r\nContent-Length: 100\r\n\r\n{")
	must(t, err)
	begin := time.Now()
	d.stop()
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("a request that never ends held the stop up for %s", took)
	}
}
