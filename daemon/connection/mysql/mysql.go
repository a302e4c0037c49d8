// Package mysql is the connection kind mysql, for MySQL and MariaDB: its checks, its test, and the configuration made
// from it.
package mysql

import (
	"context"
	"net"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/database"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "mysql"

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	c := target.(*api.MySQLConnection)
	return database.Check(c.TLS, database.Mode(c.SSLMode), "ssl_mode")
}

// Warnings says what is unsafe.
func (Kind) Warnings(target any) []api.Warning {
	return database.Warnings(database.Mode(target.(*api.MySQLConnection).SSLMode), "ssl_mode", database.VerifyIdentity)
}

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Test walks to the server, DNS, TCP and TLS, logs in, and looks at what change data capture needs: what is missing for
// that is a warning.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	r := &probe.Recorder{Attribute: "/spec/host"}
	test(ctx, r, target.(*api.MySQLConnection))
	return r.Result()
}

// Config is how to connect.
func Config(c *api.MySQLConnection) (*mysql.Config, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName = c.Username, c.Password, c.Database
	cfg.Net, cfg.Addr = "tcp", address(c)
	cfg.ParseTime = true
	cfg.Logger = &mysql.NopLogger{}
	// A password goes to a server that proved who it is, or not in the clear at all.
	mode := database.Mode(c.SSLMode)
	cfg.AllowCleartextPasswords = mode.Verifies()
	if mode.Secure() {
		var err error
		if cfg.TLS, err = database.TLS(c.TLS, mode, c.Host); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

func address(c *api.MySQLConnection) string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }
