package mysql_test

import (
	"database/sql"
	"testing"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/mysql"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServersThatAreNone(t *testing.T) {
	const version10 = "\x0a5.7.0\x00\x01\x00\x00\x00saltsalt\x00"
	at := func(text string) *api.MySQLConnection {
		return &api.MySQLConnection{Host: "127.0.0.1", Port: kindtest.Server(t, text, false), Username: "u", SSLMode: "VERIFY_IDENTITY"}
	}
	kindtest.Try(t, mysql.Kind{}, []kindtest.Trial{
		{Name: "no TLS", Target: at("\x17\x00\x00\x00" + version10 + "\x00\x02\x2d"), Step: api.StepTLS, Cause: "does not offer TLS", Remedy: "ssl_mode"},
		{Name: "blocked", Target: at("\x10\x00\x00\x00\xff\x69\x04Host is blocked"[:4+16]), Step: api.StepTLS, Cause: "refuses connections from here"},
		{Name: "another protocol", Target: at("SSH-2.0-OpenSSH\r\n"), Step: api.StepTLS, Cause: "does not greet as MySQL does", Remedy: "port"},
		{Name: "silence", Target: at(""), Step: api.StepTLS, Cause: "does not greet as MySQL does"},
	})
}

func TestProblemsAndWarnings(t *testing.T) {
	kindtest.WantProblems(t, mysql.Kind{}, kindtest.Problems{
		"good":   {Target: &api.MySQLConnection{SSLMode: "VERIFY_CA", TLS: &api.DatabaseTLS{}}},
		"no TLS": {Target: &api.MySQLConnection{SSLMode: "DISABLED", TLS: &api.DatabaseTLS{}}, Paths: []string{"/tls"}},
	})
	for mode, want := range map[string]int{"DISABLED": 1, "REQUIRED": 1, "VERIFY_CA": 0, "VERIFY_IDENTITY": 0} {
		if got := (mysql.Kind{}).Warnings(&api.MySQLConnection{SSLMode: mode}); len(got) != want {
			t.Errorf("%s: warnings %v, want %d", mode, got, want)
		}
	}
}

func TestRealMariaDB(t *testing.T) {
	server := real.DedicatedMariaDB(t)
	run(t, server, "CREATE DATABASE shop", "CREATE USER reader IDENTIFIED BY 'reads'", "GRANT SELECT ON shop.* TO reader")
	other, err := real.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	at := func(change func(c *api.MySQLConnection)) *api.MySQLConnection {
		c := &api.MySQLConnection{
			Host: "localhost", Port: server.Port(), Database: "shop", Username: server.Admin.Name, Password: server.Admin.Password,
			SSLMode: "VERIFY_IDENTITY", TLS: &api.DatabaseTLS{CACertificate: string(server.PKI.CA.Cert)},
		}
		change(c)
		return c
	}
	reader := func(c *api.MySQLConnection) { c.Username, c.Password = "reader", "reads" }
	kindtest.Try(t, mysql.Kind{}, []kindtest.Trial{
		{Name: "VERIFY_IDENTITY", Target: at(func(*api.MySQLConnection) {}), Sees: "binary log by row"},
		{Name: "VERIFY_CA, no database", Target: at(func(c *api.MySQLConnection) { c.SSLMode, c.Database = "VERIFY_CA", "" }), Sees: "MariaDB"},
		{Name: "REQUIRED", Target: at(func(c *api.MySQLConnection) { c.SSLMode, c.TLS = "REQUIRED", nil }), Sees: "MariaDB"},
		{Name: "DISABLED", Target: at(func(c *api.MySQLConnection) { c.SSLMode, c.TLS = "DISABLED", nil }), Sees: "MariaDB"},
		{Name: "another authority", Target: at(func(c *api.MySQLConnection) { c.TLS.CACertificate = string(other.CA.Cert) }), Step: api.StepTLS, Cause: "not trusted"},
		{Name: "wrong password", Target: at(func(c *api.MySQLConnection) { c.Password = "wrong" }), Step: api.StepAuthentication, Cause: "refuses admin with this password", Attribute: "/spec/username"},
		{Name: "no such database", Target: at(func(c *api.MySQLConnection) { c.Database = "warehouse" }), Step: api.StepAuthorization, Cause: "there is no database warehouse", Attribute: "/spec/database"},
		{Name: "no right", Target: at(func(c *api.MySQLConnection) { reader(c); c.Database = "mysql" }), Step: api.StepAuthorization, Cause: "may not use the database mysql"},
		{Name: "cannot replicate", Target: at(reader), Sees: "MariaDB", Warns: []string{"GRANT REPLICATION SLAVE"}},
	})
}

func run(t *testing.T, server *real.MariaDB, statements ...string) {
	t.Helper()
	db, err := sql.Open("mysql", server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}
