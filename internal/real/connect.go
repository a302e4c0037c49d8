package real

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// connectStop is how long a worker may take to end in order before it is killed.
const connectStop = 20 * time.Second

// connectArtifacts are those of a worker, and connectPlugins what it finds in its plugin.path.
func connectArtifacts() []artifact {
	artifacts := []artifact{}
	for _, name := range []string{"connect-runtime", "connect-json", "connect-transforms", "connect-basic-auth-extension"} {
		artifacts = append(artifacts, artifact{Group: "org.apache.kafka", Name: name, Version: kafkaVersion})
	}
	return append(artifacts,
		artifact{Group: "org.apache.logging.log4j", Name: "log4j-core", Version: "2.25.0"},
		artifact{Group: "org.apache.logging.log4j", Name: "log4j-slf4j-impl", Version: "2.25.0"})
}

func connectPlugins() []artifact {
	return []artifact{
		{Group: "org.apache.kafka", Name: "connect-file", Version: kafkaVersion},
		{Group: "org.apache.kafka", Name: "connect-mirror", Version: kafkaVersion},
	}
}

// ConnectOptions says what Kafka Connect cluster to start.
type ConnectOptions struct {
	// Workers is the number of workers. Default 1.
	Workers int
	// HeapMB is the Java heap of each worker in mebibytes. Default 512.
	HeapMB int
	// Config adds to the properties of every worker, or replaces them.
	Config map[string]string
	// Plugins are folders of further plugins, by a name of their own.
	Plugins map[string]string
	// User is the only one whom the workers let in, by basic authentication. Nil lets everyone in.
	User *User
}

// Connect is a running Kafka Connect cluster in distributed mode, with the connectors of connect-file and
// connect-mirror. Use its methods from one goroutine at a time.
type Connect struct {
	// Servers are the brokers that it keeps its own topics on, and that its connectors write to and read from.
	Servers []string

	dir     workDir
	ports   *portSet
	java    []string
	id      string
	workers []*connectWorker
	user    *User
}

type connectWorker struct {
	url     string
	dir     string
	config  string // path of its properties
	process *process
}

// StartConnect starts a cluster on brokers and waits until every worker answers. The context bounds the start only. When
// the start fails other than by cancellation, its folder is kept, and the error names the log in it.
func StartConnect(ctx context.Context, servers []string, options ConnectOptions) (*Connect, error) {
	c, err := newConnect(ctx, servers, options)
	if err != nil {
		return nil, fmt.Errorf("prepare Kafka Connect: %w", err)
	}
	if err := c.start(ctx); err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			c.KeepDir()
		}
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// SharedConnect starts a cluster on the first shared Kafka cluster for a package's tests and returns it with what ends
// it. Without real systems it returns nil: its tests call [Shared], which skips or fails them. Call it from TestMain.
func SharedConnect(ctx context.Context, options ConnectOptions) (*Connect, func() error, error) {
	path := os.Getenv(SystemsEnv)
	if path == "" {
		return nil, func() error { return nil }, nil
	}
	systems, err := readSystems(path)
	if err != nil {
		return nil, nil, err
	}
	c, err := StartConnect(ctx, systems.Kafka.BootstrapServers(ListenerPlaintext), options)
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}

// DedicatedConnect starts a cluster for this test alone on the first shared Kafka cluster and closes it at the test's
// end. Like [Shared] it skips or fails the test when no real systems were started.
func DedicatedConnect(tb testing.TB, options ConnectOptions) *Connect {
	tb.Helper()
	c, err := StartConnect(tb.Context(), Shared(tb).Kafka.BootstrapServers(ListenerPlaintext), options)
	if err != nil {
		tb.Fatalf("start Kafka Connect: %v", err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			c.KeepDir()
			tb.Logf("the logs of Kafka Connect are in %s", c.Dir())
		}
		if err := c.Close(); err != nil {
			tb.Errorf("close Kafka Connect: %v", err)
		}
	})
	return c
}

func newConnect(ctx context.Context, servers []string, options ConnectOptions) (*Connect, error) {
	workers := max(options.Workers, 1)
	heap := options.HeapMB
	if heap == 0 {
		heap = defaultHeapMB
	}
	java, err := findJava(ctx, kafkaJava)
	if err != nil {
		return nil, err
	}
	libs, err := fetchClasspath(ctx, "connect-"+kafkaVersion, connectArtifacts())
	if err != nil {
		return nil, err
	}
	plugins, err := fetchClasspath(ctx, "connect-plugins-"+kafkaVersion, connectPlugins())
	if err != nil {
		return nil, err
	}
	dir, err := newWorkDir("", "connect")
	if err != nil {
		return nil, err
	}
	ports, err := reservePorts(ctx, workers)
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	c := &Connect{
		Servers: servers, dir: dir, ports: ports, id: newUUID(), user: options.User,
		java: []string{
			java, "-cp", filepath.Join(libs, "*"), fmt.Sprintf("-Xmx%dm", heap), "-XX:+UseSerialGC", quickStart,
			"-Djava.net.preferIPv4Stack=true", "-Dlog4j2.configurationFile=" + filepath.Join(dir.path, logConfigFile),
		},
	}
	for i, port := range ports.numbers {
		at := filepath.Join(dir.path, "worker-"+strconv.Itoa(i))
		c.workers = append(c.workers, &connectWorker{url: "http://" + loopback(port), dir: at, config: filepath.Join(at, "connect.properties")})
	}
	if c.user != nil {
		c.java = append(c.java, "-Djava.security.auth.login.config="+filepath.Join(dir.path, connectLogin))
	}
	folders := map[string]string{"headgate": plugins}
	maps.Copy(folders, options.Plugins)
	if err := c.writeFiles(folders, options.Config); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Connect) writeFiles(plugins, config map[string]string) error {
	at := filepath.Join(c.dir.path, "plugins")
	if err := os.MkdirAll(at, 0o700); err != nil {
		return err
	}
	for name, folder := range plugins {
		if err := os.Symlink(folder, filepath.Join(at, name)); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(c.dir.path, logConfigFile), []byte(logConfig), 0o600); err != nil {
		return err
	}
	if c.user != nil {
		if err := c.writeLogin(); err != nil {
			return err
		}
	}
	for _, w := range c.workers {
		if err := os.MkdirAll(w.dir, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(w.config, renderProperties(c.workerConfig(w, config)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// The files of basic authentication: who is asked, in JAAS's words, and the passwords.
const (
	connectLogin = "login.conf"
	connectUsers = "users.properties"
)

func (c *Connect) writeLogin() error {
	login := fmt.Sprintf("KafkaConnect {\n  org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required file=%q;\n};\n", filepath.Join(c.dir.path, connectUsers))
	if err := os.WriteFile(filepath.Join(c.dir.path, connectLogin), []byte(login), 0o600); err != nil {
		return err
	}
	return c.SetPassword(c.user.Password)
}

// SetPassword changes the password of the only user for workers that are started from then on: the others have read it.
func (c *Connect) SetPassword(password string) error {
	c.user = &User{Name: c.user.Name, Password: password}
	return os.WriteFile(filepath.Join(c.dir.path, connectUsers), renderProperties(map[string]string{c.user.Name: password}), 0o600)
}

// workerConfig returns the properties of a worker. See https://kafka.apache.org/documentation/#connectconfigs.
func (c *Connect) workerConfig(w *connectWorker, more map[string]string) map[string]string {
	replicas := strconv.Itoa(min(len(c.Servers), 3))
	topics := c.topics()
	config := map[string]string{
		"bootstrap.servers":                 strings.Join(c.Servers, ","),
		"group.id":                          "connect-" + c.id,
		"listeners":                         w.url,
		"rest.advertised.host.name":         "127.0.0.1",
		"plugin.path":                       filepath.Join(c.dir.path, "plugins"),
		"plugin.discovery":                  "service_load",
		"key.converter":                     "org.apache.kafka.connect.storage.StringConverter",
		"value.converter":                   "org.apache.kafka.connect.storage.StringConverter",
		"config.storage.topic":              topics[0],
		"offset.storage.topic":              topics[1],
		"status.storage.topic":              topics[2],
		"offset.storage.partitions":         "1",
		"status.storage.partitions":         "1",
		"config.storage.replication.factor": replicas,
		"offset.storage.replication.factor": replicas,
		"status.storage.replication.factor": replicas,
		"offset.flush.interval.ms":          "1000",
		// A worker that is gone for less than this keeps its connectors, which tests would only wait for.
		"scheduled.rebalance.max.delay.ms": "0",
		"config.providers":                 "file",
		"config.providers.file.class":      "org.apache.kafka.common.config.provider.FileConfigProvider",
	}
	if c.user != nil {
		config["rest.extension.classes"] = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
	}
	maps.Copy(config, more)
	return config
}

// topics are the cluster's own; their names begin with two underscores, as internal topics' do.
func (c *Connect) topics() []string {
	prefix := "__connect-" + c.id
	return []string{prefix + "-configs", prefix + "-offsets", prefix + "-status"}
}

func (c *Connect) start(ctx context.Context) error {
	// The first worker makes the topics.
	if err := c.StartWorker(ctx, 0); err != nil {
		return err
	}
	for i := range c.workers[1:] {
		if err := c.launch(i + 1); err != nil {
			return err
		}
	}
	return c.waitReady(ctx)
}

// URLs are those of the workers' REST API, without a slash at their ends.
func (c *Connect) URLs() []string {
	var urls []string
	for _, w := range c.workers {
		urls = append(urls, w.url)
	}
	return urls
}

// StartWorker starts a worker that is not running and waits until it answers.
func (c *Connect) StartWorker(ctx context.Context, i int) error {
	if err := c.LaunchWorker(i); err != nil {
		return err
	}
	return c.waitReady(ctx)
}

// LaunchWorker starts a worker that is not running and waits for nothing: for seconds it answers 404 to everything.
func (c *Connect) LaunchWorker(i int) error {
	if i < 0 || i >= len(c.workers) {
		return fmt.Errorf("there is no worker %d", i)
	}
	return c.launch(i)
}

func (c *Connect) launch(i int) error {
	w := c.workers[i]
	name := fmt.Sprintf("Kafka Connect worker %d", i)
	if w.process != nil && w.process.running() {
		return fmt.Errorf("%s is running already", name)
	}
	argv := append(slices.Clone(c.java), "org.apache.kafka.connect.cli.ConnectDistributed", w.config)
	p, err := startProcess(name, w.dir, filepath.Join(w.dir, "connect.log"), argv...)
	if err != nil {
		return err
	}
	w.process = p
	return nil
}

// KillWorker ends a worker at once (SIGKILL), as a crash would.
func (c *Connect) KillWorker(i int) {
	if w := c.workers[i]; w.process != nil && w.process.running() {
		w.process.kill()
	}
}

// waitReady waits until every running worker lists the connectors: until then it answers 404 to everything.
func (c *Connect) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, w := range c.workers {
		if w.process == nil || !w.process.running() {
			continue
		}
		err := w.process.waitReady(ctx, func(ctx context.Context) error { return answersOK(ctx, client, c.asUser(w.url)+"/connectors") })
		if err != nil {
			return err
		}
	}
	return nil
}

// asUser is a worker's URL with the user and password in it.
func (c *Connect) asUser(at string) string {
	if c.user == nil {
		return at
	}
	return strings.Replace(at, "http://", "http://"+url.UserPassword(c.user.Name, c.user.Password).String()+"@", 1)
}

// Dir returns the folder with the configuration and logs. Worker i logs to worker-<i>/connect.log in it.
func (c *Connect) Dir() string { return c.dir.path }

// KeepDir makes Close leave the folder behind, to look into a failure.
func (c *Connect) KeepDir() { c.dir.owned = false }

// Close ends the workers and removes the folder and the cluster's own topics.
func (c *Connect) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), connectStop)
	defer cancel()
	ran := false
	for i, w := range c.workers {
		ran = ran || w.process != nil
		c.KillWorker(i)
	}
	c.ports.release()
	errs := []error{c.dir.remove()}
	if ran {
		errs = append(errs, c.removeTopics(ctx))
	}
	return errors.Join(errs...)
}

func (c *Connect) removeTopics(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Servers...))
	if err != nil {
		return fmt.Errorf("remove the topics of Kafka Connect: %w", err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).DeleteTopics(ctx, c.topics()...); err != nil {
		return fmt.Errorf("remove the topics of Kafka Connect: %w", err)
	}
	return nil
}
