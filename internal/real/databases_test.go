package real_test

import (
	"database/sql"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestRealPostgreSQLDecodesLogically(t *testing.T) {
	server := real.DedicatedPostgreSQL(t)
	conn, err := pgx.Connect(soon(t), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var level string
	if err := conn.QueryRow(soon(t), "SHOW wal_level").Scan(&level); err != nil || level != "logical" {
		t.Errorf("wal_level is %s, %v", level, err)
	}
}

func TestRealMariaDBLogsRows(t *testing.T) {
	db, err := sql.Open("mysql", real.DedicatedMariaDB(t).DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var format string
	if err := db.QueryRowContext(soon(t), "SELECT @@binlog_format").Scan(&format); err != nil || format != "ROW" {
		t.Errorf("binlog_format is %s, %v", format, err)
	}
}

func TestRealPulsarWantsTokens(t *testing.T) {
	pulsar := real.DedicatedPulsar(t)
	token, err := pulsar.Token("admin")
	if err != nil {
		t.Fatal(err)
	}
	for authorization, status := range map[string]int{"": http.StatusUnauthorized, "Bearer " + token: http.StatusOK} {
		request, err := http.NewRequestWithContext(soon(t), http.MethodGet, pulsar.AdminURL()+"/admin/v2/namespaces/public", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != status || status == http.StatusOK && !strings.Contains(string(body), "public/default") {
			t.Errorf("with %d bytes of authorization: %s %s", len(authorization), response.Status, body)
		}
	}
}
