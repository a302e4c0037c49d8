package postgresql

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/database"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// sslRequestCode asks a server for TLS (PostgreSQL, "Message Formats", SSLRequest).
const sslRequestCode = 80877103

// SQLSTATE codes of a refused login (PostgreSQL, appendix A).
const (
	invalidPassword      = "28P01"
	invalidAuthorization = "28000"
	unknownDatabase      = "3D000"
	insufficientRight    = "42501"
	tooManyConnections   = "53300"
	cannotConnectNow     = "57P03"
)

func test(ctx context.Context, r *probe.Recorder, c *api.PostgreSQLConnection) {
	address := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	if reach(ctx, r, c, address) != nil {
		return
	}
	conn, err := login(ctx, r, c, address)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_ = r.Step(ctx, api.StepProtocol, address, func(ctx context.Context) (string, error) {
		found, err := inspect(ctx, conn)
		if err != nil {
			return "", probe.Fail("the server's settings cannot be read", "Look into the server's log.", err)
		}
		r.Test.Warnings = append(r.Test.Warnings, found.warnings(c)...)
		return found.String(), nil
	})
}

func reach(ctx context.Context, r *probe.Recorder, c *api.PostgreSQLConnection, address string) error {
	if err := r.DNS(ctx, address); err != nil {
		return err
	}
	conn, err := r.TCP(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	mode := database.Mode(c.SSLMode)
	if !mode.Secure() {
		return nil
	}
	cfg, err := database.TLS(c.TLS, mode, c.Host)
	if err == nil {
		err = askForTLS(conn)
	}
	if err != nil {
		return r.Step(ctx, api.StepTLS, address, func(context.Context) (string, error) { return "", err })
	}
	_, err = r.TLS(ctx, conn, address, cfg, "Check that a PostgreSQL server listens there.")
	return err
}

// askForTLS does what comes before the handshake: PostgreSQL begins in the clear, and the server answers with one byte.
func askForTLS(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(probe.StepTimeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	request := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 8), sslRequestCode)
	answer := make([]byte, 1)
	if _, err := conn.Write(request); err != nil {
		return probe.Fail("the connection ends when TLS is asked for", "Check that a PostgreSQL server listens there.", err)
	}
	if _, err := io.ReadFull(conn, answer); err != nil {
		return probe.Fail("no answer comes when TLS is asked for", "Check that a PostgreSQL server listens there.", err)
	}
	switch answer[0] {
	case 'S':
		return conn.SetDeadline(time.Time{})
	case 'N':
		return probe.Fail("the server does not offer TLS", "Turn ssl on in the server, or set sslmode to disable if the network is trusted.", nil)
	}
	return probe.Fail("what listens there is not PostgreSQL", "Check host and port.", nil)
}

// login authenticates, and is let into the database or not.
func login(ctx context.Context, r *probe.Recorder, c *api.PostgreSQLConnection, address string) (*pgx.Conn, error) {
	r.Attribute = "/spec/username"
	var (
		conn     *pgx.Conn
		unlocked error
	)
	err := r.Step(ctx, api.StepAuthentication, address, func(ctx context.Context) (string, error) {
		cfg, err := Config(c)
		if err != nil {
			return "", err
		}
		cfg.ConnectTimeout = probe.StepTimeout
		conn, err = pgx.ConnectConfig(ctx, cfg)
		if afterLogin(err) {
			unlocked, err = err, nil
		}
		return "as " + c.Username, loginFailure(c, err)
	})
	if err != nil {
		return nil, err
	}
	r.Attribute = "/spec/database"
	err = r.Step(ctx, api.StepAuthorization, address, func(context.Context) (string, error) {
		return "the database " + c.Database, databaseFailure(c, unlocked)
	})
	return conn, err
}

// afterLogin says whether a server refuses only after it knows who asks.
func afterLogin(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (refused.Code == unknownDatabase || refused.Code == insufficientRight)
}

func loginFailure(c *api.PostgreSQLConnection, err error) error {
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if strings.Contains(err.Error(), "tls error") || probe.IsTLSAlert(err) {
			return probe.Fail("the server ends TLS after the handshake", "Most often it wants a client certificate: set tls.client_certificate and tls.client_key to one that it trusts.", err)
		}
		return probe.Fail("the login does not come to an end", "Check that a PostgreSQL server listens there, and its log.", err)
	}
	says := errors.New(refused.Message)
	switch refused.Code {
	case invalidPassword:
		return probe.Fail("the server refuses the password of "+c.Username, "Set password_wo again and change its version. A user that does not exist is refused in the same way.", says)
	case invalidAuthorization:
		return probe.Fail("the server does not let "+c.Username+" in from here", "Check the line of pg_hba.conf that matches this user, database, address and TLS.", says)
	case tooManyConnections:
		return probe.Fail("the server has no connection left", "Raise max_connections, or free some.", says)
	case cannotConnectNow:
		return probe.Fail("the server is starting or stopping", "Try again.", says)
	}
	return probe.Fail("the server refuses the login ("+refused.Code+")", "Look into the server's log.", says)
}

func databaseFailure(c *api.PostgreSQLConnection, err error) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
		return err
	case refused.Code == unknownDatabase:
		return probe.Fail(fmt.Sprintf("there is no database %s", c.Database), "Check database.", nil)
	}
	return probe.Fail(fmt.Sprintf("%s may not connect to the database %s", c.Username, c.Database), fmt.Sprintf("GRANT CONNECT ON DATABASE %s TO %s", c.Database, c.Username), errors.New(refused.Message))
}

// findings are what change data capture depends on.
type findings struct {
	version     string
	walLevel    string
	replication bool
	slots       int
	senders     int
}

func inspect(ctx context.Context, conn *pgx.Conn) (findings, error) {
	var f findings
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('wal_level'),
		current_setting('max_replication_slots')::int, current_setting('max_wal_senders')::int,
		coalesce((SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user), false)`).
		Scan(&f.version, &f.walLevel, &f.slots, &f.senders, &f.replication)
	if err != nil {
		return f, fmt.Errorf("read settings: %w", err)
	}
	if f.replication {
		return f, nil
	}
	// Managed services grant replication through a role of their own.
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname IN ('rds_replication', 'azure_pg_admin', 'cloudsqlsuperuser')
		AND pg_has_role(current_user, oid, 'MEMBER'))`).Scan(&f.replication)
	if err != nil {
		return f, fmt.Errorf("read roles: %w", err)
	}
	return f, nil
}

func (f findings) String() string {
	return fmt.Sprintf("PostgreSQL %s, wal_level %s", f.version, f.walLevel)
}

func (f findings) warnings(c *api.PostgreSQLConnection) []api.Warning {
	var warnings []api.Warning
	if f.walLevel != "logical" {
		warnings = append(warnings, api.Warning{
			Summary: "Changes cannot be captured: wal_level is " + f.walLevel, Attribute: "/spec/host",
			Detail: "Change data capture needs ALTER SYSTEM SET wal_level = 'logical' and a restart of the server (rds.logical_replication = 1 on Amazon RDS).",
		})
	}
	if !f.replication {
		warnings = append(warnings, api.Warning{
			Summary: fmt.Sprintf("Changes cannot be captured: %s has no REPLICATION attribute", c.Username), Attribute: "/spec/username",
			Detail: fmt.Sprintf("Change data capture needs ALTER ROLE %s REPLICATION.", pgx.Identifier{c.Username}.Sanitize()),
		})
	}
	if f.slots == 0 || f.senders == 0 {
		warnings = append(warnings, api.Warning{
			Summary: "Changes cannot be captured: there is no room for a replication slot", Attribute: "/spec/host",
			Detail: fmt.Sprintf("max_replication_slots is %d and max_wal_senders is %d; change data capture needs at least one of each.", f.slots, f.senders),
		})
	}
	return warnings
}
