package real

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestParseJavaMajor(t *testing.T) {
	cases := map[string]int{
		`openjdk version "17.0.15" 2025-04-15`:                                       17,
		`openjdk version "25" 2025-09-16 LTS`:                                        25,
		`openjdk version "26-ea" 2026-03-17`:                                         26,
		`java version "1.8.0_392"`:                                                   8,
		"Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version \"21.0.1\" 2023-10-17": 21,
	}
	for out, want := range cases {
		got, err := parseJavaMajor(out)
		if err != nil || got != want {
			t.Errorf("parseJavaMajor(%q) = %d, %v, want %d", out, got, err, want)
		}
	}
	if _, err := parseJavaMajor("no such file"); err == nil {
		t.Error("output without a version was taken for one")
	}
}

func TestFindJavaNamesWhatToInstall(t *testing.T) {
	const major = 99
	home := fakeJava(t, "98.0.1")
	t.Setenv("JAVA_HOME", home)
	_, err := findJava(t.Context(), major)
	if err == nil {
		t.Fatal("found a JDK that does not exist")
	}
	for _, part := range []string{"version 99", "JAVA99_HOME", filepath.Join(home, "bin", "java") + " is 98"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not say %q", err, part)
		}
	}

	t.Setenv("JAVA99_HOME", fakeJava(t, "99"))
	got, err := findJava(t.Context(), major)
	if want := filepath.Join(os.Getenv("JAVA99_HOME"), "bin", "java"); err != nil || got != want {
		t.Errorf("findJava = %q, %v, want %q", got, err, want)
	}
}

// fakeJava makes a folder whose java reports the version.
func fakeJava(t *testing.T, version string) string {
	t.Helper()
	home := t.TempDir()
	script := "#!/bin/sh\necho 'openjdk version \"" + version + "\"' >&2\n"
	if err := os.Mkdir(filepath.Join(home, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(home, "bin", "java"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return home
}

func TestMavenMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := mvn(t.Context(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "install Apache Maven") {
		t.Errorf("mvn: %v, want an error that says what to install", err)
	}
}

func TestCached(t *testing.T) {
	t.Setenv(CacheEnv, t.TempDir())
	artifacts := []artifact{{Group: "g", Name: "a", Version: "1"}}
	broken := errors.New("broken")
	fail := func(_ context.Context, dir string) error {
		return errors.Join(broken, os.WriteFile(filepath.Join(dir, "half"), nil, 0o600))
	}
	if _, err := cached(t.Context(), "a", fingerprint(artifacts), fail); !errors.Is(err, broken) {
		t.Fatalf("cached: %v, want %v", err, broken)
	}

	var fills atomic.Int32
	fill := func(_ context.Context, dir string) error {
		fills.Add(1)
		return os.WriteFile(filepath.Join(dir, "whole"), nil, 0o600)
	}
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			dir, err := cached(t.Context(), "a", fingerprint(artifacts), fill)
			if err != nil {
				t.Errorf("cached: %v", err)
				return
			}
			if _, err := os.Stat(filepath.Join(dir, "whole")); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "half")); err == nil {
				t.Error("a failed fill left a file behind")
			}
		})
	}
	callers.Wait()
	if got := fills.Load(); got != 1 {
		t.Errorf("filled %d times, want once", got)
	}

	artifacts[0].Version = "2"
	if _, err := cached(t.Context(), "a", fingerprint(artifacts), fill); err != nil || fills.Load() != 2 {
		t.Errorf("another version: %v, filled %d times in all, want 2", err, fills.Load())
	}
}

func TestUnpack(t *testing.T) {
	cases := []struct {
		name  string
		entry string
		fails bool
	}{
		{name: "file in a folder", entry: "lib/main/a.jar"},
		{name: "leading dot", entry: "./run.sh"},
		{name: "outside", entry: "../evil", fails: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "content")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			err := unpack(t.Context(), archiveOf(t, c.entry), dir)
			if (err != nil) != c.fails {
				t.Fatalf("unpack: %v, want an error: %v", err, c.fails)
			}
			content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(c.entry)))
			if (err != nil) != c.fails {
				t.Errorf("read the file: %v, want an error: %v", err, c.fails)
			}
			if !c.fails && string(content) != c.entry {
				t.Errorf("the file holds %q, want %q", content, c.entry)
			}
		})
	}
}

// archiveOf writes a tar.gz with one file whose content is its name.
func archiveOf(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	files := tar.NewWriter(zipped)
	header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(name))}
	if err := files.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	_, err := files.Write([]byte(name))
	if err := errors.Join(err, files.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.tar.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReservePorts(t *testing.T) {
	t.Setenv(CacheEnv, t.TempDir())
	seen := map[int]bool{}
	for range 20 {
		ports, err := reservePorts(t.Context(), portsPerBroker)
		if err != nil {
			t.Fatal(err)
		}
		defer ports.release()
		for _, port := range ports.numbers {
			if seen[port] {
				t.Errorf("port %d was given out twice", port)
			}
			seen[port] = true
		}
	}
	for port := range seen {
		listener, err := net.Listen("tcp", loopback(port))
		if err != nil {
			t.Errorf("a reserved port is not free: %v", err)
			continue
		}
		_ = listener.Close()
	}
}

func TestProcess(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	ended, err := startProcess("the tool", dir, log, "sh", "-c", "echo it is broken; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	err = ended.waitReady(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	for _, part := range []string{"the tool ended", "exit status 3", "it is broken", log} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error %v does not say %q", err, part)
		}
	}

	obedient, err := startProcess("the tool", dir, log, "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	if err := obedient.stop(t.Context()); err != nil || obedient.running() {
		t.Errorf("stop: %v, still running: %v", err, obedient.running())
	}

	stubborn, err := startProcess("the tool", dir, log, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
	if err != nil {
		t.Fatal(err)
	}
	err = stubborn.waitReady(t.Context(), func(context.Context) error {
		if content, err := os.ReadFile(log); err != nil || !strings.HasSuffix(string(content), "ready\n") {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := stubborn.stop(ctx); err == nil || stubborn.running() {
		t.Errorf("stop: %v, still running: %v, want it killed and an error", err, stubborn.running())
	}

	if _, err := startProcess("the tool", dir, log, filepath.Join(dir, "missing")); err == nil {
		t.Error("started a command that does not exist")
	}
}

func TestReadTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("first\nsecond\nthird\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int64]string{100: "first\nsecond\nthird\n", 9: "third\n", 4: "ird\n"} {
		got, err := readTail(path, size)
		if err != nil || string(got) != want {
			t.Errorf("readTail(%d) = %q, %v, want %q", size, got, err, want)
		}
	}
}

func TestRenderProperties(t *testing.T) {
	got := string(renderProperties(map[string]string{"b": "two\nlines", "a": `C:\dir`}))
	if want := "a=C:\\\\dir\nb=two\\nlines\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
