package mysql

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/database"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Of MySQL's client/server protocol, version 10, connection phase.
const (
	errorPacket      = 0xff
	protocolVersion  = 10
	clientProtocol41 = 1 << 9
	clientSSL        = 1 << 11
	clientSecure     = 1 << 15
	utf8mb4          = 45
	afterVersion     = 4 + 8 + 1 // connection id, first part of the salt, filler
	largestGreeting  = 1 << 12
)

// Numbers of errors of the server.
const (
	accessDenied         = 1045
	databaseDenied       = 1044
	unknownDatabase      = 1049
	hostBlocked          = 1129
	hostNotAllowed       = 1130
	tooManyConnections   = 1040
	secureTransportAsked = 3159
)

func test(ctx context.Context, r *probe.Recorder, c *api.MySQLConnection) {
	if reach(ctx, r, c) != nil {
		return
	}
	db, err := login(ctx, r, c)
	if err != nil {
		return
	}
	defer func() { _ = db.Close() }()
	_ = r.Step(ctx, api.StepProtocol, address(c), func(ctx context.Context) (string, error) {
		found, err := inspect(ctx, db)
		if err != nil {
			return "", probe.Fail("the server's variables cannot be read", "Look into the server's log.", err)
		}
		r.Test.Warnings = append(r.Test.Warnings, found.warnings(c)...)
		return found.String(), nil
	})
}

func reach(ctx context.Context, r *probe.Recorder, c *api.MySQLConnection) error {
	if err := r.DNS(ctx, address(c)); err != nil {
		return err
	}
	conn, err := r.TCP(ctx, address(c))
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
		return r.Step(ctx, api.StepTLS, address(c), func(context.Context) (string, error) { return "", err })
	}
	_, err = r.TLS(ctx, conn, address(c), cfg, "Check that a MySQL or MariaDB server listens there.")
	return err
}

// askForTLS does what comes before the handshake: the server greets in the clear, and the client asks for TLS.
func askForTLS(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(probe.StepTimeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	offers, err := greeting(conn)
	if err != nil {
		return err
	}
	if offers&clientSSL == 0 {
		return probe.Fail("the server does not offer TLS", "Give the server a certificate (ssl_cert, ssl_key), or set ssl_mode to DISABLED if the network is trusted.", nil)
	}
	request := []byte{32, 0, 0, 1} // length, number
	request = binary.LittleEndian.AppendUint32(request, clientProtocol41|clientSSL|clientSecure)
	request = binary.LittleEndian.AppendUint32(request, 1<<24)
	request = append(append(request, utf8mb4), make([]byte, 23)...)
	if _, err := conn.Write(request); err != nil {
		return probe.Fail("the connection ends when TLS is asked for", "Look into the server's log.", err)
	}
	return conn.SetDeadline(time.Time{})
}

// greeting reads what the server begins with, and answers its capabilities.
func greeting(conn net.Conn) (uint32, error) {
	notThis := func(err error) (uint32, error) {
		return 0, probe.Fail("what listens there does not greet as MySQL does", "Check host and port.", err)
	}
	header := make([]byte, 4)
	if _, err := io.ReadFull(conn, header); err != nil {
		return notThis(err)
	}
	length := int(header[0]) | int(header[1])<<8 | int(header[2])<<16
	if length < 1 || length > largestGreeting {
		return notThis(nil)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(conn, body); err != nil {
		return notThis(err)
	}
	if body[0] == errorPacket && length > 3 {
		return 0, probe.Fail("the server refuses connections from here", "Look at the user's host, at max_connections, and at blocked hosts (FLUSH HOSTS).", errors.New(string(body[3:])))
	}
	end := bytes.IndexByte(body, 0)
	if body[0] != protocolVersion || end < 0 || len(body) < end+1+afterVersion+2 {
		return notThis(nil)
	}
	return uint32(binary.LittleEndian.Uint16(body[end+1+afterVersion:])), nil
}

// login authenticates, and is let into the database or not.
func login(ctx context.Context, r *probe.Recorder, c *api.MySQLConnection) (*sql.DB, error) {
	r.Attribute = "/spec/username"
	var (
		db       *sql.DB
		unlocked error
	)
	err := r.Step(ctx, api.StepAuthentication, address(c), func(ctx context.Context) (string, error) {
		cfg, err := Config(c)
		if err != nil {
			return "", err
		}
		cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = probe.StepTimeout, probe.StepTimeout, probe.StepTimeout
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return "", fmt.Errorf("make a MySQL connector: %w", err)
		}
		db = sql.OpenDB(connector)
		err = db.PingContext(ctx)
		if afterLogin(err) {
			unlocked, err = err, nil
		}
		return "as " + c.Username, loginFailure(c, err)
	})
	if err == nil {
		r.Attribute = "/spec/database"
		err = r.Step(ctx, api.StepAuthorization, address(c), func(context.Context) (string, error) { return databaseOutcome(c, unlocked) })
	}
	if err != nil && db != nil {
		_ = db.Close()
	}
	return db, err
}

func afterLogin(err error) bool {
	number := numberOf(err)
	return number == unknownDatabase || number == databaseDenied
}

func numberOf(err error) uint16 {
	if refused, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return refused.Number
	}
	return 0
}

func loginFailure(c *api.MySQLConnection, err error) error {
	switch numberOf(err) {
	case 0:
		if err == nil {
			return nil
		}
		return probe.Fail("the login does not come to an end", "Check that a MySQL or MariaDB server listens there, and its log.", err)
	case accessDenied:
		return probe.Fail("the server refuses "+c.Username+" with this password", "Set password_wo again and change its version. A user that does not exist, or not for this host, is refused in the same way.", err)
	case hostBlocked, hostNotAllowed:
		return probe.Fail("the server refuses connections from here", "Create the user for this host ('"+c.Username+"'@'%'), or FLUSH HOSTS.", err)
	case tooManyConnections:
		return probe.Fail("the server has no connection left", "Raise max_connections, or free some.", err)
	case secureTransportAsked:
		return probe.Fail("the server asks for TLS", "Set ssl_mode to VERIFY_IDENTITY.", err)
	}
	return probe.Fail("the server refuses the login", "Look into the server's log.", err)
}

func databaseOutcome(c *api.MySQLConnection, err error) (string, error) {
	switch {
	case err != nil && numberOf(err) == unknownDatabase:
		return "", probe.Fail("there is no database "+c.Database, "Check database.", nil)
	case err != nil:
		return "", probe.Fail(fmt.Sprintf("%s may not use the database %s", c.Username, c.Database), fmt.Sprintf("GRANT SELECT ON %s.* TO %s", c.Database, c.Username), err)
	case c.Database == "":
		return "no database chosen", nil
	}
	return "the database " + c.Database, nil
}

// findings are what change data capture depends on.
type findings struct {
	version  string
	binlog   bool
	format   string
	rowImage string
	grants   string
}

func inspect(ctx context.Context, db *sql.DB) (findings, error) {
	var f findings
	if err := db.QueryRowContext(ctx, "SELECT @@version, @@log_bin, @@binlog_format, @@binlog_row_image").Scan(&f.version, &f.binlog, &f.format, &f.rowImage); err != nil {
		return f, fmt.Errorf("read variables: %w", err)
	}
	rows, err := db.QueryContext(ctx, "SHOW GRANTS")
	if err != nil {
		return f, fmt.Errorf("read grants: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var grant string
		if err := rows.Scan(&grant); err != nil {
			return f, fmt.Errorf("read grants: %w", err)
		}
		// What stands behind ON is no right, and IDENTIFIED BY is nobody's business.
		rights, _, _ := strings.Cut(grant, " ON ")
		f.grants += rights + "\n"
	}
	if err := rows.Err(); err != nil {
		return f, fmt.Errorf("read grants: %w", err)
	}
	return f, nil
}

func (f findings) product() string {
	if strings.Contains(f.version, "MariaDB") {
		return "MariaDB"
	}
	return "MySQL"
}

func (f findings) String() string {
	if !f.binlog {
		return fmt.Sprintf("%s %s, no binary log", f.product(), f.version)
	}
	return fmt.Sprintf("%s %s, binary log by %s", f.product(), f.version, strings.ToLower(f.format))
}

func (f findings) replicates() bool {
	for _, right := range []string{"ALL PRIVILEGES", "REPLICATION SLAVE", "REPLICATION REPLICA"} {
		if strings.Contains(f.grants, right) {
			return true
		}
	}
	return false
}

func (f findings) warnings(c *api.MySQLConnection) []api.Warning {
	var warnings []api.Warning
	warn := func(attribute, summary, detail string) {
		warnings = append(warnings, api.Warning{Summary: "Changes cannot be captured: " + summary, Detail: detail, Attribute: attribute})
	}
	switch {
	case !f.binlog:
		warn("/spec/host", "the binary log is off", "Change data capture needs log_bin, with binlog_format = ROW and binlog_row_image = FULL, and a restart of the server.")
	case !strings.EqualFold(f.format, "ROW"):
		warn("/spec/host", "binlog_format is "+f.format, "Change data capture needs SET GLOBAL binlog_format = 'ROW'.")
	case !strings.EqualFold(f.rowImage, "FULL"):
		warn("/spec/host", "binlog_row_image is "+f.rowImage, "Change data capture needs SET GLOBAL binlog_row_image = 'FULL': without it old values are missing.")
	}
	if !f.replicates() {
		warn("/spec/username", c.Username+" may not read the binary log", fmt.Sprintf("Change data capture needs GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '%s'.", c.Username))
	}
	return warnings
}
