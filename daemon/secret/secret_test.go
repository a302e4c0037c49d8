package secret_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/secret"
)

func TestSealedOpensOnlyWhereItBelongs(t *testing.T) {
	s, err := secret.Ephemeral()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal("main", "/sasl/password", "hunter2")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("hunter2")) {
		t.Error("the secret is in the open")
	}
	if got, err := s.Open("main", "/sasl/password", sealed); err != nil || got != "hunter2" {
		t.Errorf("opened %q, %v", got, err)
	}
	other, err := secret.Ephemeral()
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (string, error){
		"another connection": func() (string, error) { return s.Open("other", "/sasl/password", sealed) },
		"another field":      func() (string, error) { return s.Open("main", "/tls/client_key", sealed) },
		"another key":        func() (string, error) { return other.Open("main", "/sasl/password", sealed) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s opens it: %q", name, got)
		}
	}
}

func TestGeneratedKeyIsPrivateAndKept(t *testing.T) {
	dir := t.TempDir()
	first, file, generated, err := secret.FromDirectory(dir)
	if err != nil || !generated {
		t.Fatalf("generated %v, %v", generated, err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	sealed, err := first.Seal("c", "f", "x")
	if err != nil {
		t.Fatal(err)
	}
	second, _, generated, err := secret.FromDirectory(dir)
	if err != nil || generated {
		t.Fatalf("generated again: %v, %v", generated, err)
	}
	if got, err := second.Open("c", "f", sealed); err != nil || got != "x" {
		t.Errorf("opened %q, %v", got, err)
	}
}

func TestBrokenKeysAreExplained(t *testing.T) {
	for _, key := range []string{"", "no base64!", "aGVsbG8="} {
		if _, err := secret.New(key); err == nil || !strings.Contains(err.Error(), "headgated keygen") {
			t.Errorf("%q: %v", key, err)
		}
	}
}
