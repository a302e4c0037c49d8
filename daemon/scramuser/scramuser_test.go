package scramuser_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	test "github.com/headgate/terraform-provider-headgate/daemon/declared/declaredtest"
	"github.com/headgate/terraform-provider-headgate/daemon/scramuser"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

type env struct {
	*test.Env
	*scramuser.Service
	user string
}

func on(t *testing.T, e *test.Env) {
	t.Helper()
	service := scramuser.New(e.Store, e.Conns, e.Admins)
	for name, run := range map[string]func(t *testing.T, e *env){"lives": testLives, "drift": testDrift, "refusals": testRefusals, "rotations": testRotations} {
		t.Run(name, func(t *testing.T) { run(t, &env{Env: e, Service: service, user: e.Prefix + name}) })
	}
}

// The same tests run on the in-memory cluster and, as Real, on Apache Kafka.
func TestUsers(t *testing.T)     { on(t, test.Dev(t)) }
func TestRealUsers(t *testing.T) { on(t, test.Real(t)) }

func (e *env) put(t *testing.T, body api.SCRAMUserWrite, opts api.WriteOptions) *api.SCRAMAccount {
	t.Helper()
	u, err := e.Put(t.Context(), test.Conn, e.user, body, opts, "")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func is(t *testing.T, u *api.SCRAMAccount, want ...api.SCRAMCredential) {
	t.Helper()
	if fmt.Sprint(u.Credentials) != fmt.Sprint(want) {
		t.Errorf("the credentials are %v, want %v", u.Credentials, want)
	}
}

func testLives(t *testing.T, e *env) {
	t.Helper()
	is(t, e.put(t, api.SCRAMUserWrite{}, api.WriteOptions{DryRun: true, CreateOnly: true}), api.SCRAMCredential{Mechanism: "SCRAM-SHA-512", Iterations: 16384})
	if _, err := e.Get(t.Context(), test.Conn, e.user); !api.HasCode(err, api.CodeNotFound) {
		t.Fatalf("after a dry run: %v, want nothing there", err)
	}
	made := e.put(t, api.SCRAMUserWrite{Password: "first"}, api.WriteOptions{CreateOnly: true})
	is(t, made, api.SCRAMCredential{Mechanism: "SCRAM-SHA-512", Iterations: 16384})
	if unchanged := e.put(t, api.SCRAMUserWrite{}, api.WriteOptions{Generation: made.Generation}); unchanged.Generation != made.Generation {
		t.Error("a write that changes nothing made another generation")
	}
	both := e.put(t, api.SCRAMUserWrite{Mechanisms: []string{"SCRAM-SHA-512", "SCRAM-SHA-256"}, Iterations: 4096, Password: "first"}, api.WriteOptions{})
	is(t, both, api.SCRAMCredential{Mechanism: "SCRAM-SHA-256", Iterations: 4096}, api.SCRAMCredential{Mechanism: "SCRAM-SHA-512", Iterations: 4096})
	// To take a mechanism away needs no password.
	is(t, e.put(t, api.SCRAMUserWrite{Mechanisms: []string{"SCRAM-SHA-256"}, Iterations: 4096}, api.WriteOptions{}), api.SCRAMCredential{Mechanism: "SCRAM-SHA-256", Iterations: 4096})
	deletion, err := e.Delete(t.Context(), test.Conn, e.user, api.WriteOptions{DryRun: true})
	if err != nil || len(deletion.Effects) != 1 {
		t.Errorf("the dry run of a delete: %v, %v", deletion, err)
	}
	if _, err := e.Delete(t.Context(), test.Conn, e.user, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Get(t.Context(), test.Conn, e.user); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("after the delete: %v", err)
	}
}

func testDrift(t *testing.T, e *env) {
	t.Helper()
	before := e.put(t, api.SCRAMUserWrite{Password: "first"}, api.WriteOptions{})
	elsewhere := []kadm.UpsertSCRAM{{User: e.user, Mechanism: kadm.ScramSha512, Iterations: 5000, Password: "other"}}
	if _, err := e.Admin.AlterUserSCRAMs(t.Context(), nil, elsewhere); err != nil {
		t.Fatal(err)
	}
	real.Eventually(t, func(ctx context.Context) error {
		u, err := e.Get(ctx, test.Conn, e.user)
		if err == nil && u.Credentials[0].Iterations != 5000 {
			err = fmt.Errorf("the credentials are %v", u.Credentials)
		}
		return err
	})
	_, err := e.Put(t.Context(), test.Conn, e.user, api.SCRAMUserWrite{Password: "second"}, api.WriteOptions{Generation: before.Generation}, "")
	test.Want(t, err, api.CodeConflict, "", "changed by someone else")
}

func testRefusals(t *testing.T, e *env) {
	t.Helper()
	_, err := e.Put(t.Context(), test.Conn, e.user, api.SCRAMUserWrite{Password: "x", Iterations: 100}, api.WriteOptions{DryRun: true}, "")
	test.Want(t, err, api.CodeInvalid, "/iterations", "4096 to 16384")
	_, err = e.Put(t.Context(), test.Conn, e.user, api.SCRAMUserWrite{Password: "x", Mechanisms: []string{"PLAIN"}}, api.WriteOptions{DryRun: true}, "")
	test.Want(t, err, api.CodeInvalid, "/mechanisms", "Use SCRAM-SHA-256 or SCRAM-SHA-512")
	_, err = e.Put(t.Context(), test.Conn, e.user, api.SCRAMUserWrite{}, api.WriteOptions{CreateOnly: true}, "")
	test.Want(t, err, api.CodeInvalid, "/password", "is needed")
	e.put(t, api.SCRAMUserWrite{Password: "x"}, api.WriteOptions{CreateOnly: true})
	_, err = e.Put(t.Context(), test.Conn, e.user, api.SCRAMUserWrite{Password: "x"}, api.WriteOptions{CreateOnly: true}, "other")
	test.Want(t, err, api.CodeAlreadyExists, "/username", test.Conn+"/"+e.user)
}

// No cluster tells that a password was changed, and still of two who rotate it one is told.
func testRotations(t *testing.T, e *env) {
	t.Helper()
	seen := e.put(t, api.SCRAMUserWrite{Password: "first"}, api.WriteOptions{CreateOnly: true})
	e.put(t, api.SCRAMUserWrite{Password: "second"}, api.WriteOptions{Generation: seen.Generation})
	_, err := e.Put(t.Context(), test.Conn, e.user, api.SCRAMUserWrite{Password: "third"}, api.WriteOptions{Generation: seen.Generation}, "")
	test.Want(t, err, api.CodeConflict, "", "changed by someone else")
	// A daemon that was restarted does not know, and does not stand in the way.
	again := scramuser.New(e.Store, e.Conns, e.Admins)
	if _, err := again.Put(t.Context(), test.Conn, e.user, api.SCRAMUserWrite{Password: "third"}, api.WriteOptions{Generation: seen.Generation}, ""); err != nil {
		t.Error(err)
	}
}

// The password that was written is the one to log in with, until it is rotated or the user deleted.
func TestRealLogin(t *testing.T) {
	base := test.Real(t)
	e := &env{Env: base, Service: scramuser.New(base.Store, base.Conns, base.Admins), user: base.Prefix + "login"}
	logsIn := func(password string, wanted bool) {
		t.Helper()
		real.Eventually(t, func(ctx context.Context) error {
			err := login(ctx, e.Cluster, e.user, password)
			if (err == nil) == wanted {
				return nil
			}
			return fmt.Errorf("logging in as wanted (%v): %w", wanted, errors.Join(err, errors.New("not so")))
		})
	}
	e.put(t, api.SCRAMUserWrite{Password: "first"}, api.WriteOptions{})
	logsIn("first", true)
	logsIn("second", false)
	e.put(t, api.SCRAMUserWrite{Password: "second"}, api.WriteOptions{})
	logsIn("second", true)
	logsIn("first", false)
	if _, err := e.Delete(t.Context(), test.Conn, e.user, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	logsIn("second", false)
}

func login(ctx context.Context, cluster *real.Cluster, user, password string) error {
	opts, err := cluster.ClientOptions(real.ListenerSASLSSL)
	if err != nil {
		return err
	}
	auth, err := cluster.SASL(real.MechanismSCRAMSHA512, real.User{Name: user, Password: password})
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(append(opts, auth)...)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Ping(ctx)
}

// A cluster that knows no SCRAM users says so, and nothing is wrong with the connection.
func TestListOnOldCluster(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.MaxVersions(kversion.V2_5_0()))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	e := test.Connect(t, fake.ListenAddrs())
	_, err = scramuser.New(e.Store, e.Conns, e.Admins).List(t.Context(), test.Conn, "", "", 10)
	test.Want(t, err, api.CodeRefused, "/connection", "too old")
}
