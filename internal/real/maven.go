package real

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	dependencyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"

	lockPoll = 200 * time.Millisecond
)

// artifact is a Maven coordinate. Packaging is "jar" when empty.
type artifact struct {
	Group      string `xml:"groupId"`
	Name       string `xml:"artifactId"`
	Version    string `xml:"version"`
	Packaging  string `xml:"type,omitempty"`
	Classifier string `xml:"classifier,omitempty"`
}

func (a artifact) String() string {
	packaging := a.Packaging
	if packaging == "" {
		packaging = "jar"
	}
	s := a.Group + ":" + a.Name + ":" + a.Version + ":" + packaging
	if a.Classifier != "" {
		s += ":" + a.Classifier
	}
	return s
}

// fetchClasspath returns a folder with the jars of the artifacts and of all they need at run time.
func fetchClasspath(ctx context.Context, name string, artifacts []artifact) (string, error) {
	return cached(ctx, name, fingerprint(artifacts), func(ctx context.Context, dir string) error {
		return copyDependencies(ctx, dir, artifacts)
	})
}

// fetchArchive returns a folder with the unpacked contents of a tar.gz artifact.
func fetchArchive(ctx context.Context, name string, a artifact) (string, error) {
	return cached(ctx, name, fingerprint([]artifact{a}), func(ctx context.Context, dir string) error {
		return copyArchive(ctx, dir, a)
	})
}

// cached returns the cache folder of what name and fingerprint stand for. When it does not exist yet, fill gets an empty
// folder that takes its place only once it is complete. Other processes wait for it meanwhile.
func cached(
	ctx context.Context, name, fingerprint string, fill func(ctx context.Context, dir string) error,
) (string, error) {
	root, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, name+"-"+fingerprint)
	if isDir(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	lock := flock.New(dir + ".lock")
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	defer func() { _ = lock.Unlock() }()

	if isDir(dir) {
		return dir, nil
	}
	if err := fillAtomically(ctx, dir, fill); err != nil {
		return "", fmt.Errorf("fetch %s: %w", name, err)
	}
	return dir, nil
}

func fillAtomically(ctx context.Context, dir string, fill func(ctx context.Context, dir string) error) error {
	temp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".part-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()

	content := filepath.Join(temp, "content")
	if err := os.Mkdir(content, 0o755); err != nil {
		return err
	}
	if err := fill(ctx, content); err != nil {
		return err
	}
	return os.Rename(content, dir)
}

func fingerprint[T fmt.Stringer](parts []T) string {
	hash := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(hash, p.String()+"\n") // A hash never fails to take more.
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func copyDependencies(ctx context.Context, dir string, artifacts []artifact) error {
	pom, err := renderPOM(artifacts)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "headgate-maven-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()

	pomFile := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pomFile, pom, 0o600); err != nil {
		return err
	}
	return mvn(ctx, work, "-f", pomFile, dependencyPlugin+":copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+dir)
}

func renderPOM(artifacts []artifact) ([]byte, error) {
	type project struct {
		XMLName      xml.Name   `xml:"http://maven.apache.org/POM/4.0.0 project"`
		ModelVersion string     `xml:"modelVersion"`
		Group        string     `xml:"groupId"`
		Name         string     `xml:"artifactId"`
		Version      string     `xml:"version"`
		Packaging    string     `xml:"packaging"`
		Dependencies []artifact `xml:"dependencies>dependency"`
	}
	return xml.MarshalIndent(project{
		ModelVersion: "4.0.0",
		Group:        "com.github.headgate",
		Name:         "real",
		Version:      "1",
		Packaging:    "pom",
		Dependencies: artifacts,
	}, "", "  ")
}

func copyArchive(ctx context.Context, dir string, a artifact) error {
	work, err := os.MkdirTemp(filepath.Dir(dir), "archive-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()

	if err := mvn(ctx, work, dependencyPlugin+":copy", "-Dartifact="+a.String(), "-DoutputDirectory="+work); err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(work, "*.tar.gz"))
	if err != nil {
		return err
	}
	if len(archives) != 1 {
		return fmt.Errorf("mvn copied %d archives for %s, want 1", len(archives), a)
	}
	return unpack(ctx, archives[0], dir)
}

// mvn runs Maven with checksums enforced. Repositories, mirrors and proxies come from the user's own settings.
func mvn(ctx context.Context, dir string, args ...string) error {
	path, err := exec.LookPath("mvn")
	if err != nil {
		return errors.New("mvn is not in PATH: install Apache Maven 3.6 or newer (Debian: apt-get install maven)")
	}
	args = append([]string{"--batch-mode", "--quiet", "--strict-checksums"}, args...)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("mvn %v: %w\n%s", args, err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

// unpack extracts the files of a tar.gz archive. os.Root keeps every one of them inside dir.
func unpack(ctx context.Context, archive, dir string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()

	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", archive, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()

	entries := tar.NewReader(unzipped)
	for ctx.Err() == nil {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", archive, err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := unpackFile(root, header, entries); err != nil {
			return fmt.Errorf("unpack %s from %s: %w", header.Name, archive, err)
		}
	}
	return ctx.Err()
}

func unpackFile(root *os.Root, header *tar.Header, content io.Reader) error {
	name := filepath.Clean(filepath.FromSlash(header.Name))
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if header.FileInfo().Mode()&0o100 != 0 {
		mode = 0o755
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
