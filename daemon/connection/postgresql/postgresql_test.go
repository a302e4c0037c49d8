package postgresql_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/postgresql"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServersThatAreNone(t *testing.T) {
	at := func(answer, mode string) *api.PostgreSQLConnection {
		return &api.PostgreSQLConnection{Host: "127.0.0.1", Port: kindtest.Server(t, answer, true), Database: "d", Username: "u", SSLMode: mode}
	}
	kindtest.Try(t, postgresql.Kind{}, []kindtest.Trial{
		{Name: "no TLS", Target: at("N", "verify-full"), Step: api.StepTLS, Cause: "does not offer TLS", Remedy: "sslmode"},
		{Name: "another protocol", Target: at("HTTP/1.1 400\r\n", "require"), Step: api.StepTLS, Cause: "not PostgreSQL", Remedy: "port"},
		{Name: "silence", Target: at("", "require"), Step: api.StepTLS, Cause: "no answer comes"},
		{Name: "without TLS", Target: at("HTTP/1.1 400\r\n", "disable"), Step: api.StepAuthentication, Cause: "does not come to an end"},
	})
}

func TestProblemsAndWarnings(t *testing.T) {
	kindtest.WantProblems(t, postgresql.Kind{}, kindtest.Problems{
		"good":             {Target: &api.PostgreSQLConnection{SSLMode: "verify-full", TLS: &api.DatabaseTLS{}}},
		"no TLS":           {Target: &api.PostgreSQLConnection{SSLMode: "disable", TLS: &api.DatabaseTLS{}}, Paths: []string{"/tls"}},
		"nothing verified": {Target: &api.PostgreSQLConnection{SSLMode: "require", TLS: &api.DatabaseTLS{CACertificate: "nonsense"}}, Paths: []string{"/tls/ca_certificate", "/tls/ca_certificate"}},
	})
	for mode, want := range map[string]int{"disable": 1, "require": 1, "verify-ca": 0, "verify-full": 0} {
		if got := (postgresql.Kind{}).Warnings(&api.PostgreSQLConnection{SSLMode: mode}); len(got) != want {
			t.Errorf("%s: warnings %v, want %d", mode, got, want)
		}
	}
}

func TestRealPostgreSQL(t *testing.T) {
	server := real.DedicatedPostgreSQL(t)
	run(t, server, "CREATE ROLE reader LOGIN PASSWORD 'reads'", "CREATE DATABASE closed", "REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
	other, err := real.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	at := func(change func(c *api.PostgreSQLConnection)) *api.PostgreSQLConnection {
		c := &api.PostgreSQLConnection{
			Host: "localhost", Port: server.Port(), Database: "postgres", Username: server.Admin.Name, Password: server.Admin.Password,
			SSLMode: "verify-full", TLS: &api.DatabaseTLS{CACertificate: string(server.PKI.CA.Cert)},
		}
		change(c)
		return c
	}
	reader := func(c *api.PostgreSQLConnection) { c.Username, c.Password = "reader", "reads" }
	kindtest.Try(t, postgresql.Kind{}, []kindtest.Trial{
		{Name: "verify-full", Target: at(func(*api.PostgreSQLConnection) {}), Sees: "wal_level logical"},
		{Name: "verify-ca", Target: at(func(c *api.PostgreSQLConnection) { c.SSLMode = "verify-ca" }), Sees: "PostgreSQL"},
		{Name: "require", Target: at(func(c *api.PostgreSQLConnection) { c.SSLMode, c.TLS = "require", nil }), Sees: "PostgreSQL"},
		{Name: "disable", Target: at(func(c *api.PostgreSQLConnection) { c.SSLMode, c.TLS = "disable", nil }), Sees: "PostgreSQL"},
		{Name: "another authority", Target: at(func(c *api.PostgreSQLConnection) { c.TLS.CACertificate = string(other.CA.Cert) }), Step: api.StepTLS, Cause: "not trusted"},
		{Name: "wrong password", Target: at(func(c *api.PostgreSQLConnection) { c.Password = "wrong" }), Step: api.StepAuthentication, Cause: "refuses the password of postgres", Attribute: "/spec/username"},
		{Name: "no such database", Target: at(func(c *api.PostgreSQLConnection) { c.Database = "shop" }), Step: api.StepAuthorization, Cause: "there is no database shop", Attribute: "/spec/database"},
		{Name: "no right", Target: at(func(c *api.PostgreSQLConnection) { reader(c); c.Database = "closed" }), Step: api.StepAuthorization, Cause: "may not connect", Remedy: "GRANT CONNECT"},
		{Name: "cannot replicate", Target: at(reader), Sees: "PostgreSQL", Warns: []string{"ALTER ROLE \"reader\" REPLICATION"}},
	})
}

func run(t *testing.T, server *real.PostgreSQL, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}
