// Package real starts real systems for tests: Apache Kafka clusters, the Apicurio Registry, Pulsar, PostgreSQL, MariaDB,
// an OAuth 2.0 token server, a Kerberos KDC, and moto, a fake of AWS. The databases and the KDC (MIT Kerberos) are those
// of the machine; the others come from Maven Central and PyPI at pinned versions and are kept in a cache folder. All
// listen on free ports of the loopback interface only.
//
// Tests take the systems that "make test-real" started for the whole run with [Shared], and a cluster of their own,
// whose brokers they may stop and kill, with [Dedicated]. Both skip the test when no real systems were started. The name
// of such a test starts with TestReal: "make test-real" runs only those.
//
// It needs mvn, a JDK of at least 17 for Kafka and Pulsar and one of at least 25 for Apicurio, and Python for moto. An
// error names what is missing.
package real

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// CacheEnv names the environment variable that holds the folder where downloads are kept. Its default is headgate/real
// in the user's cache folder ([os.UserCacheDir]).
const CacheEnv = "HEADGATE_CACHE"

const (
	// startTimeout bounds the start of one system, downloads excluded. A start takes seconds, on a loaded machine a minute and more.
	startTimeout = 5 * time.Minute

	// defaultHeapMB is the Java heap of each process, in mebibytes.
	defaultHeapMB = 512
)

func cacheDir() (string, error) {
	if dir := os.Getenv(CacheEnv); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder (set %s to choose one): %w", CacheEnv, err)
	}
	return filepath.Join(dir, "headgate", "real"), nil
}

// workDir is the folder of one running system: its configuration, data and logs.
type workDir struct {
	path  string
	owned bool // made here, so removed here
}

// newWorkDir uses dir, or a new temporary folder when dir is empty.
func newWorkDir(dir, system string) (workDir, error) {
	if dir == "" {
		temp, err := os.MkdirTemp("", "headgate-"+system+"-*")
		if err != nil {
			return workDir{}, fmt.Errorf("make a folder for %s: %w", system, err)
		}
		return workDir{path: temp, owned: true}, nil
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return workDir{}, fmt.Errorf("resolve the folder for %s: %w", system, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return workDir{}, fmt.Errorf("make the folder for %s: %w", system, err)
	}
	return workDir{path: path}, nil
}

func (d workDir) remove() error {
	if !d.owned {
		return nil
	}
	if err := os.RemoveAll(d.path); err != nil {
		return fmt.Errorf("remove %s: %w", d.path, err)
	}
	return nil
}
