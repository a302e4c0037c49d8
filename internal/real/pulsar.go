package real

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	pulsarVersion = "4.0.8"
	pulsarJava    = 17
	pulsarAdmin   = "admin"
)

// Pulsar is a running Apache Pulsar in one process, without functions, that lets nobody in without a token or, over TLS,
// without a client certificate of its PKI. The tenant public has the namespace default.
type Pulsar struct {
	*server

	// PKI signed the server's certificate, which is for localhost only. The common name of a client's certificate is its role.
	PKI *PKI
	key []byte
}

// DedicatedPulsar starts a Pulsar for this test alone and closes it at the test's end. Like [Shared] it skips or fails
// the test when no real systems were asked for.
func DedicatedPulsar(tb testing.TB) *Pulsar {
	tb.Helper()
	return dedicated(tb, "Pulsar", StartPulsar)
}

// StartPulsar starts a Pulsar and waits until its namespace is there. The context bounds the start only.
func StartPulsar(ctx context.Context) (*Pulsar, error) {
	java, err := findJava(ctx, pulsarJava)
	if err != nil {
		return nil, err
	}
	archive, err := fetchArchive(ctx, "pulsar-"+pulsarVersion, artifact{
		Group: "org.apache.pulsar", Name: "pulsar-server-distribution", Version: pulsarVersion, Packaging: "tar.gz", Classifier: "bin",
	})
	if err != nil {
		return nil, err
	}
	pki, err := NewPKI()
	if err != nil {
		return nil, err
	}
	const ports = 5
	s, err := newServer(ctx, "pulsar", ports)
	if err != nil {
		return nil, err
	}
	p := &Pulsar{server: s, PKI: pki, key: make([]byte, 32)}
	_, _ = rand.Read(p.key) // It never fails.
	home := filepath.Join(archive, "apache-pulsar-"+pulsarVersion)
	if err := p.configure(filepath.Join(home, "conf", "standalone.conf")); err != nil {
		return nil, fmt.Errorf("configure Pulsar: %w", closing(err, s))
	}
	argv := []string{
		"env", "JAVA_HOME=" + filepath.Dir(filepath.Dir(java)), "PULSAR_STANDALONE_CONF=" + s.path("standalone.conf"), "PULSAR_LOG_DIR=" + s.path("logs"),
		"PULSAR_MEM=-Xms256m -Xmx" + strconv.Itoa(2*defaultHeapMB) + "m -XX:MaxDirectMemorySize=512m", "PULSAR_GC=-XX:+UseSerialGC",
		filepath.Join(home, "bin", "pulsar"), "standalone", "-a", "127.0.0.1", "--bookkeeper-port", strconv.Itoa(s.port(2)), "-nss", "-nfw",
		"--metadata-dir", s.path("metadata"), "--bookkeeper-dir", s.path("bookkeeper"),
	}
	if err := s.run(ctx, p.answers, argv...); err != nil {
		return nil, err
	}
	return p, nil
}

// configure writes the configuration: that of the archive, and below it what differs, which counts.
func (p *Pulsar) configure(template string) error {
	content, err := os.ReadFile(template)
	if err != nil {
		return err
	}
	token, err := p.Token(pulsarAdmin)
	if err != nil {
		return err
	}
	certificate, err := p.PKI.IssueServer("localhost")
	if err != nil {
		return err
	}
	if err := errors.Join(p.Present(certificate), os.WriteFile(p.path("ca.crt"), p.PKI.CA.Cert, 0o600)); err != nil {
		return err
	}
	settings := []string{
		"", "brokerServicePort=" + strconv.Itoa(p.port(0)), "webServicePort=" + strconv.Itoa(p.port(1)), "bindAddress=127.0.0.1",
		// Else the bookie ignores its port and listens on all interfaces.
		"listeningInterface=lo", "allowEphemeralPorts=true", "allowLoopback=true",
		"authenticationEnabled=true", "authorizationEnabled=true", "superUserRoles=" + pulsarAdmin,
		"authenticationProviders=org.apache.pulsar.broker.authentication.AuthenticationProviderToken,org.apache.pulsar.broker.authentication.AuthenticationProviderTls",
		"tokenSecretKey=data:;base64," + base64.StdEncoding.EncodeToString(p.key),
		"brokerClientAuthenticationPlugin=org.apache.pulsar.client.impl.auth.AuthenticationToken", "brokerClientAuthenticationParameters=token:" + token,
		"brokerServicePortTls=" + strconv.Itoa(p.port(3)), "webServicePortTls=" + strconv.Itoa(p.port(4)), "tlsRequireTrustedClientCertOnConnect=true",
		"tlsCertificateFilePath=" + p.path("server.crt"), "tlsKeyFilePath=" + p.path("server.key"), "tlsTrustCertsFilePath=" + p.path("ca.crt"),
		"tlsCertRefreshCheckDurationSec=1", "allowAutoTopicCreation=false",
	}
	return os.WriteFile(p.path("standalone.conf"), append(content, strings.Join(settings, "\n")+"\n"...), 0o600)
}

// Present has the server present another certificate, from a second later on.
func (p *Pulsar) Present(pair KeyPair) error {
	_, _, err := pair.WriteFiles(p.dir.path, "server")
	return err
}

// Token is a token for a role. The role "admin" may do everything.
func (p *Pulsar) Token(role string) (string, error) {
	return p.sign(jwt.MapClaims{"sub": role})
}

// ExpiredToken is a token that ended an hour ago.
func (p *Pulsar) ExpiredToken(role string) (string, error) {
	return p.sign(jwt.MapClaims{"sub": role, "exp": time.Now().Add(-time.Hour).Unix()})
}

func (p *Pulsar) sign(claims jwt.MapClaims) (string, error) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(p.key)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

func (p *Pulsar) answers(ctx context.Context) error {
	token, err := p.Token(pulsarAdmin)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.AdminURL()+"/admin/v2/persistent/public/default", http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("listing topics answers %s", response.Status)
	}
	return nil
}

// ServiceURL is that of the broker.
func (p *Pulsar) ServiceURL() string { return "pulsar://" + loopback(p.port(0)) }

// AdminURL is that of the web service.
func (p *Pulsar) AdminURL() string { return "http://" + loopback(p.port(1)) }

// ServiceURLTLS is that of the broker over TLS.
func (p *Pulsar) ServiceURLTLS() string { return "pulsar+ssl://localhost:" + strconv.Itoa(p.port(3)) }

// AdminURLTLS is that of the web service over TLS.
func (p *Pulsar) AdminURLTLS() string { return "https://localhost:" + strconv.Itoa(p.port(4)) }
