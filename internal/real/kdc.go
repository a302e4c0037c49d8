package real

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Realm is the realm of every [KDC].
const Realm = "HEADGATE.TEST"

// brokerPrincipal is who the brokers of a cluster with Kerberos are.
const brokerPrincipal = "kafka/127.0.0.1"

// KDC is a running Kerberos key distribution center (MIT krb5).
type KDC struct {
	dir     workDir
	ports   *portSet
	process *process
}

// StartKDC starts a key distribution center with the principal of brokers, and waits until it answers. The context
// bounds the start only. When the start fails other than by cancellation, its folder is kept, and the error names the
// log in it.
func StartKDC(ctx context.Context) (*KDC, error) {
	dir, err := newWorkDir("", "kdc")
	if err != nil {
		return nil, err
	}
	ports, err := reservePorts(ctx, 1)
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	k := &KDC{dir: dir, ports: ports}
	if err := k.start(ctx); err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			k.KeepDir()
		}
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *KDC) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	server, err := findKerberos("krb5kdc")
	if err != nil {
		return err
	}
	for name, content := range map[string]string{"krb5.conf": k.Config(), "kdc.conf": k.serverConfig()} {
		if err := os.WriteFile(filepath.Join(k.dir.path, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("write the configuration of the KDC: %w", err)
		}
	}
	if err := k.tool(ctx, "kdb5_util", "create", "-s", "-r", Realm, "-P", rand.Text()); err != nil {
		return err
	}
	if err := k.AddPrincipal(ctx, brokerPrincipal, rand.Text()); err != nil {
		return err
	}
	argv := append(k.env(), server, "-n", "-P", filepath.Join(k.dir.path, "kdc.pid"))
	if k.process, err = startProcess("the KDC", k.dir.path, filepath.Join(k.dir.path, "kdc.log"), argv...); err != nil {
		return err
	}
	return k.process.waitReady(ctx, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", k.Address())
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
}

// DedicatedKDC starts a key distribution center for this test alone and closes it at the test's end. Like [Shared] it
// skips or fails the test when no real systems were asked for.
func DedicatedKDC(tb testing.TB) *KDC {
	tb.Helper()
	return dedicated(tb, "a KDC", StartKDC)
}

// findKerberos finds a program of MIT krb5. Servers are often outside the PATH of users.
func findKerberos(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/opt/krb5/sbin"} {
		if path := filepath.Join(dir, program); isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing: install MIT Kerberos (Debian: apt-get install krb5-kdc krb5-admin-server)", program)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// env makes the programs use this server's configuration, not the machine's.
func (k *KDC) env() []string {
	return []string{"/usr/bin/env", "KRB5_CONFIG=" + k.ConfigFile(), "KRB5_KDC_PROFILE=" + filepath.Join(k.dir.path, "kdc.conf")}
}

func (k *KDC) tool(ctx context.Context, program string, args ...string) error {
	path, err := findKerberos(program)
	if err != nil {
		return err
	}
	argv := append(append(k.env(), path), args...)
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	// kadmin.local ends well when a query fails.
	if err != nil || bytes.Contains(out, []byte("while ")) {
		return fmt.Errorf("run %s %s: %w\n%s", program, args[0], errors.Join(err), bytes.TrimSpace(out))
	}
	return nil
}

// AddPrincipal makes a principal, or gives an existing one another password. The name is without its realm.
func (k *KDC) AddPrincipal(ctx context.Context, name, password string) error {
	err := k.tool(ctx, "kadmin.local", "-r", Realm, "-q", fmt.Sprintf("addprinc +requires_preauth -pw %s %s", password, name))
	if err == nil || !strings.Contains(err.Error(), "already exists") {
		return err
	}
	return k.tool(ctx, "kadmin.local", "-r", Realm, "-q", fmt.Sprintf("cpw -pw %s %s", password, name))
}

// Keytab returns a keytab with the current key of a principal.
func (k *KDC) Keytab(ctx context.Context, name string) ([]byte, error) {
	path := filepath.Join(k.dir.path, strings.ReplaceAll(name, "/", "-")+"-"+rand.Text()+".keytab")
	// Without -norandkey it would change the key.
	if err := k.tool(ctx, "kadmin.local", "-r", Realm, "-q", fmt.Sprintf("ktadd -norandkey -k %s %s", path, name)); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Address is where it listens, over TCP and UDP.
func (k *KDC) Address() string {
	return loopback(k.ports.numbers[0])
}

// ConfigFile is the path of the clients' krb5.conf.
func (k *KDC) ConfigFile() string {
	return filepath.Join(k.dir.path, "krb5.conf")
}

// Config is the clients' krb5.conf.
func (k *KDC) Config() string {
	return fmt.Sprintf(`[libdefaults]
  default_realm = %s
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1

[realms]
  %s = {
    kdc = %s
  }
`, Realm, Realm, k.Address())
}

func (k *KDC) serverConfig() string {
	return fmt.Sprintf(`[kdcdefaults]
  kdc_listen = %s
  kdc_tcp_listen = %s

[realms]
  %s = {
    database_name = %s
    key_stash_file = %s
    acl_file = %s
    supported_enctypes = aes256-cts:normal aes128-cts:normal
  }
`, k.Address(), k.Address(), Realm, filepath.Join(k.dir.path, "principal"), filepath.Join(k.dir.path, "stash"), filepath.Join(k.dir.path, "kadm5.acl"))
}

// Dir returns the folder with the database and the log.
func (k *KDC) Dir() string {
	return k.dir.path
}

// KeepDir makes Close leave the folder behind, to look into a failure.
func (k *KDC) KeepDir() {
	k.dir.owned = false
}

// Close ends it and removes its folder.
func (k *KDC) Close() error {
	if k.process != nil && k.process.running() {
		k.process.kill()
	}
	k.ports.release()
	return k.dir.remove()
}
