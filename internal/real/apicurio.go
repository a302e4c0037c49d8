package real

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

const (
	apicurioVersion = "3.3.3"
	apicurioJava    = 25
)

// ApicurioOptions says what registry to start.
type ApicurioOptions struct {
	// Compatibility is the global compatibility rule, such as BACKWARD. Default: none.
	Compatibility string
	// Dir takes the log. Default: a temporary folder, removed by Close.
	Dir string
	// HeapMB is the Java heap in mebibytes. Default 512.
	HeapMB int
	// Properties adds to the registry's configuration, or replaces it. See "apicurio." and "quarkus." in its manual.
	Properties map[string]string
}

// Registry says how a schema registry is reached.
type Registry struct {
	// Base is the root of all its APIs, such as http://127.0.0.1:8080.
	Base string `json:"base"`
}

// URL returns the root of all the registry's APIs, without a slash at its end. Its own API is /apis/registry/v3 there.
func (r *Registry) URL() string {
	return r.Base
}

// CompatURL returns the root of the API that clients of Confluent's Schema Registry speak.
func (r *Registry) CompatURL() string {
	return r.Base + "/apis/ccompat/v7"
}

// Apicurio is a running Apicurio Registry that keeps its schemas in memory.
type Apicurio struct {
	Registry

	dir     workDir
	ports   *portSet
	process *process
}

// DedicatedApicurio starts a registry for this test alone and closes it at the test's end. Like [Shared] it skips or fails
// the test when no real systems were asked for.
func DedicatedApicurio(tb testing.TB, options ApicurioOptions) *Apicurio {
	tb.Helper()
	return dedicated(tb, "Apicurio", func(ctx context.Context) (*Apicurio, error) { return StartApicurio(ctx, options) })
}

// StartApicurio starts a registry and waits until it answers. The context bounds the start only. When the start fails
// other than by cancellation, its folder is kept, and the error names the log in it.
func StartApicurio(ctx context.Context, options ApicurioOptions) (*Apicurio, error) {
	a, argv, err := newApicurio(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("prepare Apicurio: %w", err)
	}
	if err := a.start(ctx, argv); err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			a.KeepDir()
		}
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func newApicurio(ctx context.Context, options ApicurioOptions) (*Apicurio, []string, error) {
	java, err := findJava(ctx, apicurioJava)
	if err != nil {
		return nil, nil, err
	}
	app, err := fetchArchive(ctx, "apicurio-"+apicurioVersion, artifact{
		Group: "io.apicurio", Name: "apicurio-registry-app", Version: apicurioVersion, Packaging: "tar.gz", Classifier: "all",
	})
	if err != nil {
		return nil, nil, err
	}
	dir, err := newWorkDir(options.Dir, "apicurio")
	if err != nil {
		return nil, nil, err
	}
	ports, err := reservePorts(ctx, 2)
	if err != nil {
		return nil, nil, errors.Join(err, dir.remove())
	}
	a := &Apicurio{Registry: Registry{Base: "http://" + loopback(ports.numbers[0])}, dir: dir, ports: ports}
	return a, options.commandLine(java, app, ports.numbers[0], ports.numbers[1]), nil
}

func (o ApicurioOptions) commandLine(java, app string, port, managementPort int) []string {
	heap := o.HeapMB
	if heap == 0 {
		heap = defaultHeapMB
	}
	properties := map[string]string{
		"quarkus.http.host":       "127.0.0.1",
		"quarkus.http.port":       strconv.Itoa(port),
		"quarkus.management.host": "127.0.0.1",
		"quarkus.management.port": strconv.Itoa(managementPort),
	}
	if o.Compatibility != "" {
		properties["apicurio.rules.global.compatibility"] = o.Compatibility
	}
	maps.Copy(properties, o.Properties)

	argv := []string{java, fmt.Sprintf("-Xmx%dm", heap), "-XX:+UseSerialGC", "-Djava.net.preferIPv4Stack=true"}
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		argv = append(argv, "-D"+key+"="+properties[key])
	}
	return append(argv, "-jar", filepath.Join(app, "quarkus-run.jar"))
}

func (a *Apicurio) start(ctx context.Context, argv []string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	p, err := startProcess("Apicurio", a.dir.path, filepath.Join(a.dir.path, "apicurio.log"), argv...)
	if err != nil {
		return err
	}
	a.process = p

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	return p.waitReady(ctx, func(ctx context.Context) error {
		return answersOK(ctx, client, a.CompatURL()+"/subjects")
	})
}

func answersOK(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()

	_, _ = io.Copy(io.Discard, response.Body) // Only the status counts; reading on frees the connection.
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %s", url, response.Status)
	}
	return nil
}

// Dir returns the folder with the log.
func (a *Apicurio) Dir() string {
	return a.dir.path
}

// KeepDir makes Close leave the folder behind, to look into a failure.
func (a *Apicurio) KeepDir() {
	a.dir.owned = false
}

// Close ends the registry, at once since its data goes with it, and removes the folder if StartApicurio made it.
func (a *Apicurio) Close() error {
	if a.process != nil && a.process.running() {
		a.process.kill()
	}
	a.ports.release()
	return a.dir.remove()
}
