package real

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
)

const (
	postgresHint = "install PostgreSQL 13 or newer (Debian: apt-get install postgresql)"
	postgresBin  = "/usr/lib/postgresql/*/bin"
)

// PostgreSQL is a running PostgreSQL server with TLS and logical decoding, and one database, postgres. Logins need a
// password.
type PostgreSQL struct {
	*server

	// PKI signed the server's certificate.
	PKI *PKI
	// Admin is a superuser.
	Admin User
}

// DedicatedPostgreSQL starts a server for this test alone and closes it at the test's end. Like [Shared] it skips or
// fails the test when no real systems were asked for.
func DedicatedPostgreSQL(tb testing.TB) *PostgreSQL {
	tb.Helper()
	return dedicated(tb, "PostgreSQL", StartPostgreSQL)
}

// StartPostgreSQL starts a server and waits until it answers a query. The context bounds the start only.
func StartPostgreSQL(ctx context.Context) (*PostgreSQL, error) {
	initdb, err := findCommand("initdb", postgresHint, postgresBin)
	if err != nil {
		return nil, err
	}
	pki, err := NewPKI()
	if err != nil {
		return nil, err
	}
	s, err := newServer(ctx, "postgresql", 1)
	if err != nil {
		return nil, err
	}
	p := &PostgreSQL{server: s, PKI: pki, Admin: User{Name: "postgres", Password: rand.Text()}}
	prefix, err := p.prepare(ctx, initdb)
	if err != nil {
		return nil, fmt.Errorf("prepare PostgreSQL: %w", closing(err, s))
	}
	argv := append(prefix, filepath.Join(filepath.Dir(initdb), "postgres"), "-D", s.path("data"), "-p", strconv.Itoa(p.Port()),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "wal_level=logical",
		"-c", "max_wal_senders=4", "-c", "max_replication_slots=4", "-c", "ssl=on",
		"-c", "ssl_cert_file="+s.path("server.crt"), "-c", "ssl_key_file="+s.path("server.key"))
	if err := s.run(ctx, p.answers, argv...); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *PostgreSQL) prepare(ctx context.Context, initdb string) (prefix []string, err error) {
	if _, _, err := p.PKI.Server.WriteFiles(p.dir.path, "server"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.path("password"), []byte(p.Admin.Password+"\n"), 0o600); err != nil {
		return nil, err
	}
	prefix, err = p.giveTo(ctx, "postgres")
	if err != nil {
		return nil, err
	}
	argv := append(append([]string{}, prefix...), initdb, "-D", p.path("data"), "-U", p.Admin.Name, "--pwfile="+p.path("password"),
		"-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync")
	_, err = output(ctx, argv[0], argv[1:]...)
	return prefix, err
}

func (p *PostgreSQL) answers(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return conn.Ping(ctx)
}

// Port is the server's port on 127.0.0.1.
func (p *PostgreSQL) Port() int { return p.port(0) }

// URL is the connection string of the superuser, without TLS.
func (p *PostgreSQL) URL() string {
	return fmt.Sprintf("postgres://%s:%s@%s/postgres?sslmode=disable", p.Admin.Name, p.Admin.Password, loopback(p.Port()))
}
