package real_test

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestPKIServer(t *testing.T) {
	pki := newPKI(t)
	other := newPKI(t)
	cases := []struct {
		name   string
		host   string
		server real.KeyPair
		fails  bool
	}{
		{name: "localhost", host: "localhost", server: pki.Server},
		{name: "loopback address", host: "127.0.0.1", server: pki.Server},
		{name: "issued for a name", host: "broker.test", server: must(t)(pki.IssueServer("broker.test"))},
		{name: "wrong host name", host: "localhost", server: must(t)(pki.IssueServer("wrong.test")), fails: true},
		{name: "expired", host: "localhost", server: must(t)(pki.IssueExpiredServer("localhost")), fails: true},
		{name: "self-signed", host: "localhost", server: must(t)(real.SelfSigned("localhost")), fails: true},
		{name: "another authority", host: "localhost", server: other.Server, fails: true},
		{name: "client certificate as a server's", host: "client", server: pki.Client, fails: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := &tls.Config{Certificates: []tls.Certificate{certificate(t, c.server)}}
			client := &tls.Config{RootCAs: pki.Pool(), ServerName: c.host}
			err := handshake(t, server, client)
			if (err != nil) != c.fails {
				t.Errorf("handshake: %v, want an error: %v", err, c.fails)
			}
		})
	}
}

func TestPKIClient(t *testing.T) {
	pki := newPKI(t)
	cases := []struct {
		name   string
		client real.KeyPair
		fails  bool
	}{
		{name: "client", client: pki.Client},
		{name: "named client", client: must(t)(pki.IssueClient("alice"))},
		{name: "expired", client: must(t)(pki.IssueExpiredClient("alice")), fails: true},
		{name: "another authority", client: newPKI(t).Client, fails: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := &tls.Config{
				Certificates: []tls.Certificate{certificate(t, pki.Server)},
				ClientAuth:   tls.RequireAndVerifyClientCert,
				ClientCAs:    pki.Pool(),
			}
			client := &tls.Config{
				RootCAs:      pki.Pool(),
				ServerName:   "localhost",
				Certificates: []tls.Certificate{certificate(t, c.client)},
			}
			err := handshake(t, server, client)
			if (err != nil) != c.fails {
				t.Errorf("handshake: %v, want an error: %v", err, c.fails)
			}
		})
	}
}

func TestKeyPairWriteFiles(t *testing.T) {
	pair := newPKI(t).Client
	certFile, keyFile, err := pair.WriteFiles(t.TempDir(), "client")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Errorf("load the files: %v", err)
	}
	info, err := os.Stat(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the key file has mode %v, want it for its owner only", info.Mode())
	}
}

func newPKI(t *testing.T) *real.PKI {
	t.Helper()
	pki, err := real.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	return pki
}

func must(t *testing.T) func(real.KeyPair, error) real.KeyPair {
	t.Helper()
	return func(pair real.KeyPair, err error) real.KeyPair {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
}

func certificate(t *testing.T, pair real.KeyPair) tls.Certificate {
	t.Helper()
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// handshake returns what either side found wrong.
func handshake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()

	refused := make(chan error, 1)
	go func() { refused <- acceptOne(listener) }()

	dialer := tls.Dialer{Config: client}
	conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err == nil {
		defer func() { _ = conn.Close() }()
	}
	return errors.Join(err, <-refused)
}

func acceptOne(listener net.Listener) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	server, ok := conn.(*tls.Conn)
	if !ok {
		return errors.New("not a TLS connection")
	}
	return server.Handshake()
}
