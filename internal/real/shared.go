package real

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"testing"

	"golang.org/x/sync/errgroup"
)

const (
	// SystemsEnv names the environment variable with the path of the file that describes the running systems. The
	// command in the folder up sets it.
	SystemsEnv = "HEADGATE_REAL"

	// RequiredEnv names the environment variable that, set to 1, makes tests fail instead of being skipped when no
	// real systems were started.
	RequiredEnv = "HEADGATE_REAL_REQUIRED"

	notStarted = "NO REAL SYSTEMS: this test needs Kafka and a schema registry; run it with `make test-real`"
)

// Systems are the systems that all tests of a run share. Tests use names of their own (see [Name]) in them and must
// not change what others rely on, such as the users or the configuration of brokers.
type Systems struct {
	// Kafka is a cluster of one broker.
	Kafka *Cluster `json:"kafka"`
	// Kafka2 is another one, for what goes from cluster to cluster.
	Kafka2 *Cluster `json:"kafka2"`
	// Apicurio is a registry without a global compatibility rule.
	Apicurio *Registry `json:"apicurio"`
}

// Shared returns the systems of this run. Without any it skips the test, or fails it when [RequiredEnv] is 1.
func Shared(tb testing.TB) *Systems {
	tb.Helper()
	systems, err := readSystems(systemsFile(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return systems
}

func readSystems(path string) (*Systems, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the description of the real systems (%s): %w", SystemsEnv, err)
	}
	systems := &Systems{}
	if err := json.Unmarshal(content, systems); err != nil {
		return nil, fmt.Errorf("read the description of the real systems (%s): %w", SystemsEnv, err)
	}
	return systems, nil
}

// Dedicated starts a cluster for this test alone and closes it at the test's end. When the test fails, the cluster's
// folder is kept and logged. Like [Shared] it skips or fails the test when no real systems were asked for.
func Dedicated(tb testing.TB, options KafkaOptions) *Kafka {
	tb.Helper()
	return dedicated(tb, "a Kafka cluster", func(ctx context.Context) (*Kafka, error) { return StartKafka(ctx, options) })
}

// system is what is started for one test.
type system interface {
	Dir() string
	KeepDir()
	Close() error
}

// dedicated starts a system for a test and closes it at the test's end. When the test fails, the system's folder is kept
// and logged.
func dedicated[S system](tb testing.TB, what string, start func(context.Context) (S, error)) S {
	tb.Helper()
	systemsFile(tb)
	s, err := start(tb.Context())
	if err != nil {
		tb.Fatalf("start %s: %v", what, err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			s.KeepDir()
			tb.Logf("the logs of %s are in %s", what, s.Dir())
		}
		if err := s.Close(); err != nil {
			tb.Errorf("close %s: %v", what, err)
		}
	})
	return s
}

func systemsFile(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv(SystemsEnv)
	if path != "" {
		return path
	}
	if os.Getenv(RequiredEnv) == "1" {
		tb.Fatal(notStarted)
	}
	tb.Skip(notStarted)
	return ""
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// Name returns a name for a topic, group or subject that no other test, and no other run of this one, uses. It starts
// with the test's name.
func Name(tb testing.TB) string {
	tb.Helper()
	name := notInName.ReplaceAllString(tb.Name(), "-")
	if len(name) > 100 {
		name = name[:100]
	}
	var unique [4]byte
	for i := range unique {
		unique[i] = byte(rand.IntN(256))
	}
	return name + "-" + hex.EncodeToString(unique[:])
}

// Running are the shared systems while they run.
type Running struct {
	kafka, kafka2 *Kafka
	apicurio      *Apicurio
}

// StartSystems starts the shared systems, all at once. The context bounds the start only.
func StartSystems(ctx context.Context, brokers int) (*Running, error) {
	r := &Running{}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		r.kafka, err = StartKafka(ctx, KafkaOptions{Brokers: brokers, Optimize: true})
		return err
	})
	group.Go(func() (err error) {
		r.kafka2, err = StartKafka(ctx, KafkaOptions{Brokers: brokers, Optimize: true})
		return err
	})
	group.Go(func() (err error) {
		r.apicurio, err = StartApicurio(ctx, ApicurioOptions{})
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// WriteFile writes the description that [SystemsEnv] points tests to. It holds secrets of the test systems: only the
// user can read it.
func (r *Running) WriteFile(path string) error {
	content, err := json.MarshalIndent(Systems{
		Kafka: &r.kafka.Cluster, Kafka2: &r.kafka2.Cluster, Apicurio: &r.apicurio.Registry,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("describe the real systems: %w", err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return fmt.Errorf("describe the real systems: %w", err)
	}
	return nil
}

// KeepDirs makes Close leave the folders of the systems behind, and returns them.
func (r *Running) KeepDirs() []string {
	r.kafka.KeepDir()
	r.kafka2.KeepDir()
	r.apicurio.KeepDir()
	return []string{r.kafka.Dir(), r.kafka2.Dir(), r.apicurio.Dir()}
}

// Close ends the systems and removes their folders.
func (r *Running) Close() error {
	var errs []error
	if r.kafka != nil {
		errs = append(errs, r.kafka.Close())
	}
	if r.kafka2 != nil {
		errs = append(errs, r.kafka2.Close())
	}
	if r.apicurio != nil {
		errs = append(errs, r.apicurio.Close())
	}
	return errors.Join(errs...)
}
