package connection_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jackc/pgx/v5"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// rotations rotate one after the other: each starts what it needs.
func rotations(t *testing.T, all map[string]providertest.Rotation) {
	t.Helper()
	for name, r := range all {
		t.Run(name, func(t *testing.T) { r.Run(t, acctest.Dev(t)) })
	}
}

// Kafka's are rotated by TestRealRotation under a running connector, Pulsar's and Kafka Connect's beside their resources.
func TestRealRotationOfDatabases(t *testing.T) {
	postgresql, mariaDB := real.DedicatedPostgreSQL(t), real.DedicatedMariaDB(t)
	inPostgreSQL := func(statement string) providertest.Credential {
		c := providertest.Credential{Name: "robot", Secret: rand.Text()}
		conn, err := pgx.Connect(t.Context(), postgresql.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
		if _, err := conn.Exec(t.Context(), fmt.Sprintf(statement, c.Name, c.Secret)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	inMariaDB := func(statement string) providertest.Credential {
		c := providertest.Credential{Name: "robot", Secret: rand.Text()}
		db, err := sql.Open("mysql", mariaDB.DSN())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf(statement, c.Name, c.Secret)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	block := func(kind, mode string, port int, ca []byte, more string) func(providertest.Credential, int) string {
		return func(c providertest.Credential, version int) string {
			return fmt.Sprintf("%s = {\n    host = \"localhost\"\n    port = %d\n    username = %q\n    password_wo = %q\n    password_wo_version = %d\n    %s\n    tls = { ca_certificate = %q }\n  %s}",
				kind, port, c.Name, c.Secret, version, mode, ca, more)
		}
	}
	rotations(t, map[string]providertest.Rotation{
		"postgresql": {
			Kind:  block("postgresql", `sslmode = "verify-full"`, postgresql.Port(), postgresql.PKI.CA.Cert, "  database = \"postgres\"\n  "),
			First: inPostgreSQL("CREATE ROLE %s LOGIN REPLICATION PASSWORD '%s'"),
			Step:  api.StepAuthentication, Says: "refuses the password of robot",
			Change: func(*testing.T) providertest.Credential { return inPostgreSQL("ALTER ROLE %s PASSWORD '%s'") },
		},
		"mysql": {
			Kind:  block("mysql", `ssl_mode = "VERIFY_IDENTITY"`, mariaDB.Port(), mariaDB.PKI.CA.Cert, ""),
			First: inMariaDB("CREATE USER %s IDENTIFIED BY '%s'"),
			Step:  api.StepAuthentication, Says: "refuses robot with this password",
			Change: func(*testing.T) providertest.Credential { return inMariaDB("ALTER USER %s IDENTIFIED BY '%s'") },
		},
	})
}

// Moto verifies signatures as AWS does, and knows only keys of IAM.
func TestRealRotationOfAccessKeys(t *testing.T) {
	moto := real.DedicatedMoto(t)
	prepareAWS(t, moto)
	block := func(kind, more string) func(providertest.Credential, int) string {
		return func(c providertest.Credential, version int) string {
			return fmt.Sprintf("%s = {\n    region = %q\n    endpoint = %q\n    credentials = { access_key_id = %q, secret_access_key_wo = %q, secret_access_key_wo_version = %d }\n    %s\n  }",
				kind, real.Region, moto.URL(), c.Name, c.Secret, version, more)
		}
	}
	const stream = `
resource "headgate_stream" "clicks" {
  connection_name     = headgate_connection.rotated.name
  name                = "clicks"
  deletion_protection = false
}
`
	s3 := block("s3", "bucket = \"archive\"\n    path_style = true")
	all := map[string]providertest.Rotation{
		"object_storage": {
			Kind: func(c providertest.Credential, version int) string {
				return "object_storage = { " + s3(c, version) + " }"
			},
			Step: api.StepAuthentication, Says: "does not know the access key",
		},
		// It refuses in XML what AWS refuses in JSON.
		"kinesis": {Kind: block("kinesis", ""), Uses: stream, Step: api.StepProtocol, Says: "StatusCode: 403"},
		"glue":    {Kind: block("glue", `registry = "payments"`), Step: api.StepProtocol, Says: "StatusCode: 403"},
	}
	for kind, r := range all {
		first := accessKey(t, moto, kind)
		r.First = providertest.Credential{Name: first.ID, Secret: first.Secret}
		r.Change = func(t *testing.T) providertest.Credential {
			t.Helper()
			second := accessKey(t, moto, kind)
			if err := moto.DeleteAccessKey(t.Context(), kind, first); err != nil {
				t.Fatal(err)
			}
			return providertest.Credential{Name: second.ID, Secret: second.Secret}
		}
		all[kind] = r
	}
	rotations(t, all)
}

// prepareAWS makes a user for each kind, a bucket and a registry.
func prepareAWS(t *testing.T, moto *real.Moto) {
	t.Helper()
	for _, user := range []string{"object_storage", "kinesis", "glue"} {
		if err := moto.CreateUser(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	cfg := aws.Config{Region: real.Region, BaseEndpoint: aws.String(moto.URL()), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
	store := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	where := &types.CreateBucketConfiguration{LocationConstraint: real.Region}
	if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("archive"), CreateBucketConfiguration: where}); err != nil {
		t.Fatal(err)
	}
	if _, err := glue.NewFromConfig(cfg).CreateRegistry(t.Context(), &glue.CreateRegistryInput{RegistryName: aws.String("payments")}); err != nil {
		t.Fatal(err)
	}
}

func accessKey(t *testing.T, moto *real.Moto, user string) real.AccessKey {
	t.Helper()
	key, err := moto.CreateAccessKey(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Apicurio has no passwords of its own: a proxy before it demands them, as it is run by those who want some.
func TestRealRotationBehindAProxy(t *testing.T) {
	apicurio := real.Shared(t).Apicurio
	schema := func() string {
		return fmt.Sprintf(`
resource "headgate_schema" "order" {
  connection_name = headgate_connection.rotated.name
  subject         = %q
  schema          = jsonencode({ type = "record", name = "Order", fields = [] })
}
`, real.Name(t))
	}
	all := map[string]providertest.Rotation{}
	for kind, has := range map[string]struct{ path, more, uses string }{
		"schema_registry": {"/apis/ccompat/v7", "", schema()},
		"apicurio":        {"/apis/registry/v3", "", schema()},
		"http":            {"/apis", `probe = { path = "/registry/v3/system/info" }`, ""},
	} {
		guard := &acctest.Guard{}
		at := guard.Before(t, apicurio.URL()) + has.path
		let := func() providertest.Credential {
			c := providertest.Credential{Name: "robot", Secret: rand.Text()}
			guard.Let(c.Secret)
			return c
		}
		all[kind] = providertest.Rotation{
			Kind: func(c providertest.Credential, version int) string {
				return fmt.Sprintf("%s = {\n    url = %q\n    basic = { username = %q, password_wo = %q, password_wo_version = %d }\n    %s\n  }", kind, at, c.Name, c.Secret, version, has.more)
			},
			First: let(), Change: func(*testing.T) providertest.Credential { return let() },
			Step: api.StepAuthentication, Says: "refuses the credentials", Uses: has.uses,
		}
	}
	rotations(t, all)
}
