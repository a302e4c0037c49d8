// Package postgresql is the connection kind postgresql: its checks, its test, and the configuration made from it.
package postgresql

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/database"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "postgresql"

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	c := target.(*api.PostgreSQLConnection)
	return database.Check(c.TLS, database.Mode(c.SSLMode), "sslmode")
}

// Warnings says what is unsafe.
func (Kind) Warnings(target any) []api.Warning {
	return database.Warnings(database.Mode(target.(*api.PostgreSQLConnection).SSLMode), "sslmode", database.VerifyFull)
}

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Test walks to the server, DNS, TCP and TLS, logs in, and looks at what change data capture needs: what is missing for
// that is a warning.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	r := &probe.Recorder{Attribute: "/spec/host"}
	test(ctx, r, target.(*api.PostgreSQLConnection))
	return r.Result()
}

// Config is how to connect. It takes nothing from the daemon's environment.
func Config(c *api.PostgreSQLConnection) (*pgx.ConnConfig, error) {
	// Everything is set below: this is the way to a configuration that the library takes.
	cfg, err := pgx.ParseConfig("host=localhost port=5432 user=x password=x dbname=x sslmode=disable passfile=/dev/null application_name=headgate")
	if err != nil {
		return nil, fmt.Errorf("make a PostgreSQL configuration: %w", err)
	}
	cfg.Host, cfg.Port, cfg.Database = c.Host, uint16(c.Port), c.Database //#nosec G115 -- bounded by the field
	cfg.User, cfg.Password = c.Username, c.Password
	cfg.Fallbacks = nil
	if mode := database.Mode(c.SSLMode); mode.Secure() {
		if cfg.TLSConfig, err = database.TLS(c.TLS, mode, c.Host); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}
