package real

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"testing"

	_ "github.com/go-sql-driver/mysql" // The driver of DSN.
)

const mariaDBHint = "install MariaDB 10.6 or newer (Debian: apt-get install mariadb-server)"

// MariaDB is a running MariaDB server with TLS and a binary log by row.
type MariaDB struct {
	*server

	// PKI signed the server's certificate.
	PKI *PKI
	// Admin may do everything.
	Admin User
}

// DedicatedMariaDB starts a server for this test alone and closes it at the test's end. Like [Shared] it skips or fails
// the test when no real systems were asked for.
func DedicatedMariaDB(tb testing.TB) *MariaDB {
	tb.Helper()
	return dedicated(tb, "MariaDB", StartMariaDB)
}

// StartMariaDB starts a server and waits until it answers. The context bounds the start only.
func StartMariaDB(ctx context.Context) (*MariaDB, error) {
	install, err := findCommand("mariadb-install-db", mariaDBHint, "/usr/bin", "/usr/local/bin")
	if err != nil {
		return nil, err
	}
	mariadbd, err := findCommand("mariadbd", mariaDBHint, "/usr/sbin", "/usr/local/sbin", "/usr/local/libexec")
	if err != nil {
		return nil, err
	}
	pki, err := NewPKI()
	if err != nil {
		return nil, err
	}
	s, err := newServer(ctx, "mariadb", 1)
	if err != nil {
		return nil, err
	}
	m := &MariaDB{server: s, PKI: pki, Admin: User{Name: "admin", Password: rand.Text()}}
	prefix, err := m.prepare(ctx, install)
	if err != nil {
		return nil, fmt.Errorf("prepare MariaDB: %w", closing(err, s))
	}
	argv := append(prefix, mariadbd, "--no-defaults", "--datadir="+s.path("data"), "--bind-address=127.0.0.1", "--port="+strconv.Itoa(m.Port()),
		"--socket="+s.path("sock"), "--init-file="+s.path("init.sql"), "--server-id=1", "--log-bin=binlog", "--binlog-format=ROW", "--binlog-row-image=FULL",
		"--ssl-cert="+s.path("server.crt"), "--ssl-key="+s.path("server.key"), "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve")
	if err := s.run(ctx, m.answers, argv...); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *MariaDB) prepare(ctx context.Context, install string) (prefix []string, err error) {
	if _, _, err := m.PKI.Server.WriteFiles(m.dir.path, "server"); err != nil {
		return nil, err
	}
	grant := fmt.Sprintf("CREATE OR REPLACE USER '%s'@'%%' IDENTIFIED BY '%s';\nGRANT ALL PRIVILEGES ON *.* TO '%[1]s'@'%%' WITH GRANT OPTION;\n", m.Admin.Name, m.Admin.Password)
	if err := os.WriteFile(m.path("init.sql"), []byte(grant), 0o600); err != nil {
		return nil, err
	}
	prefix, err = m.giveTo(ctx, "mysql")
	if err != nil {
		return nil, err
	}
	argv := append(append([]string{}, prefix...), install, "--no-defaults", "--datadir="+m.path("data"), "--auth-root-authentication-method=normal", "--skip-test-db")
	_, err = output(ctx, argv[0], argv[1:]...)
	return prefix, err
}

func (m *MariaDB) answers(ctx context.Context) error {
	db, err := sql.Open("mysql", m.DSN())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.PingContext(ctx)
}

// Port is the server's port on 127.0.0.1.
func (m *MariaDB) Port() int { return m.port(0) }

// DSN is the data source name of the administrator, without TLS.
func (m *MariaDB) DSN() string {
	return fmt.Sprintf("%s:%s@tcp(%s)/", m.Admin.Name, m.Admin.Password, loopback(m.Port()))
}
