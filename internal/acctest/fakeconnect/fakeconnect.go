// Package fakeconnect is a small Kafka Connect cluster for tests that need none of what only a real one does. It keeps
// connectors, checks configurations by the definitions of its few plugins, and fails on demand.
package fakeconnect

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// FailKey is a configuration key that makes every task fail, with the value as the message of its root cause.
const FailKey = "test.fail"

// JDBC is the class of a plugin with a password; File the class of one without.
const (
	JDBC = "io.aiven.connect.jdbc.JdbcSourceConnector"
	File = "org.apache.kafka.connect.file.FileStreamSourceConnector"
	Sink = "org.apache.kafka.connect.file.FileStreamSinkConnector"
)

// Fake is a running cluster.
type Fake struct {
	URL string

	server *httptest.Server

	mu          sync.Mutex
	connectors  map[string]*connector
	rebalancing int
	starting    bool
	delay       time.Duration
	restarts    map[string]int
	validated   int
	writes      []string
	added       map[string]string
	masked      map[string]bool
	clear       int // how many characters masks leave at the end
	clusterID   string
}

type connector struct {
	config  map[string]string
	state   string
	ready   time.Time // its tasks run from then on
	offsets []offset
	broken  string // why its tasks fail, beside FailKey
}

type offset struct {
	Partition map[string]any `json:"partition"`
	Offset    map[string]any `json:"offset"`
}

type key struct {
	name, kind string
	required   bool
	fallback   any
}

func plugins() map[string][]key {
	return map[string][]key{
		JDBC: {
			{"connection.url", "STRING", true, nil},
			{"connection.user", "STRING", false, nil},
			{"connection.password", "PASSWORD", false, nil},
			{"mode", "STRING", false, "bulk"},
			{"topic.prefix", "STRING", true, nil},
			{"batch.max.rows", "INT", false, "100"},
		},
		File: {{"file", "STRING", false, nil}, {"topic", "STRING", true, nil}, {"batch.size", "INT", false, "2000"}},
		Sink: {{"file", "STRING", false, nil}},
	}
}

func common() []key {
	return []key{{"name", "STRING", true, nil}, {"connector.class", "STRING", true, nil}, {"tasks.max", "INT", false, "1"}}
}

// Start starts a cluster and stops it at the end of the test.
func Start(tb testing.TB) *Fake {
	tb.Helper()
	f := &Fake{connectors: map[string]*connector{}, restarts: map[string]int{}, masked: map[string]bool{}, clusterID: "fake"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		answer(w, http.StatusOK, map[string]string{"version": "4.3.0", "kafka_cluster_id": f.clusterID})
	})
	mux.HandleFunc("GET /connector-plugins", f.listPlugins)
	mux.HandleFunc("GET /connector-plugins/{class}/config", f.pluginConfig)
	mux.HandleFunc("PUT /connector-plugins/{class}/config/validate", f.validate)
	mux.HandleFunc("GET /connectors", f.list)
	mux.HandleFunc("POST /connectors", f.create)
	mux.HandleFunc("GET /connectors/{name}/config", f.on(func(w http.ResponseWriter, _ *http.Request, c *connector) { answer(w, http.StatusOK, f.shown(c)) }))
	mux.HandleFunc("GET /connectors/{name}/status", f.on(func(w http.ResponseWriter, _ *http.Request, c *connector) { answer(w, http.StatusOK, c.status()) }))
	mux.HandleFunc("PUT /connectors/{name}/config", f.putConfig)
	mux.HandleFunc("DELETE /connectors/{name}", f.on(f.remove))
	for action, state := range map[string]string{"pause": "PAUSED", "resume": "RUNNING", "stop": "STOPPED"} {
		mux.HandleFunc("PUT /connectors/{name}/"+action, f.on(func(w http.ResponseWriter, _ *http.Request, c *connector) {
			c.state = state
			w.WriteHeader(http.StatusAccepted)
		}))
	}
	mux.HandleFunc("POST /connectors/{name}/restart", f.on(f.restart))
	mux.HandleFunc("POST /connectors/{name}/tasks/{task}/restart", f.on(f.restart))
	mux.HandleFunc("GET /connectors/{name}/offsets", f.on(func(w http.ResponseWriter, _ *http.Request, c *connector) {
		answer(w, http.StatusOK, map[string]any{"offsets": append([]offset{}, c.offsets...)})
	}))
	mux.HandleFunc("PATCH /connectors/{name}/offsets", f.on(alterOffsets))
	mux.HandleFunc("DELETE /connectors/{name}/offsets", f.on(func(w http.ResponseWriter, _ *http.Request, c *connector) {
		if c.state != "STOPPED" {
			refuse(w, http.StatusBadRequest, "Connectors must be in the STOPPED state before their offsets can be modified.")
			return
		}
		c.offsets = nil
		answer(w, http.StatusOK, map[string]string{"message": "reset"})
	}))
	f.server = httptest.NewServer(f.disturbed(mux))
	f.URL = f.server.URL
	tb.Cleanup(f.Stop)
	return f
}

// Stop ends the cluster: from then on its workers cannot be reached.
func (f *Fake) Stop() { f.server.Close() }

// Rebalance has the next n requests answered by 409.
func (f *Fake) Rebalance(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rebalancing = n
}

// Starting has every path answered by 404, as a worker does while it starts.
func (f *Fake) Starting(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.starting = yes
}

// Delay is how long tasks take to run from now on.
func (f *Fake) Delay(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

// Mask is what the cluster shows of a value that it masks.
const Mask = "****"

// Adds has the cluster add keys to every configuration that is written from now on and lacks them, as managed services do.
func (f *Fake) Adds(config map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.added = maps.Clone(config)
}

// Masks has the cluster show a mask of the values of these keys from now on.
func (f *Fake) Masks(keys ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.masked = map[string]bool{}
	for _, key := range keys {
		f.masked[key] = true
	}
}

// MaskBut has masks end in the last characters of the value that they hide, as some services do.
func (f *Fake) MaskBut(last int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clear = last
}

// Serves says of which Kafka cluster the connectors are.
func (f *Fake) Serves(clusterID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clusterID = clusterID
}

// completed is a configuration with the keys that the cluster adds.
func (f *Fake) completed(config map[string]string) map[string]string {
	all := maps.Clone(f.added)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, config)
	return all
}

// shown is a configuration with masks.
func (f *Fake) shown(c *connector) map[string]string {
	config := maps.Clone(c.config)
	for key, value := range config {
		if f.masked[key] {
			config[key] = Mask + value[max(0, len(value)-f.clear):]
		}
	}
	return config
}

// Config answers a connector's configuration, unmasked; nil when there is none.
func (f *Fake) Config(name string) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.connectors[name]; c != nil {
		return maps.Clone(c.config)
	}
	return nil
}

// State answers what a connector is doing, in Kafka Connect's words; empty when there is none.
func (f *Fake) State(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.connectors[name]; c != nil {
		return c.state
	}
	return ""
}

// Change changes a connector behind everyone's back; a nil configuration deletes it, an empty state leaves the state.
func (f *Fake) Change(name string, config map[string]string, state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if config == nil {
		delete(f.connectors, name)
		return
	}
	c := f.connectors[name]
	if c == nil {
		c = &connector{state: "RUNNING"}
		f.connectors[name] = c
	}
	c.config = maps.Clone(config)
	c.config["name"] = name
	if state != "" {
		c.state = state
	}
}

// Break makes the tasks of a connector fail from now on.
func (f *Fake) Break(name, cause string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connectors[name].broken = cause
}

// Restarts is how often a connector was restarted.
func (f *Fake) Restarts(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.restarts[name]
}

// Validations is how often a configuration was checked.
func (f *Fake) Validations() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.validated
}

// Writes lists the methods and paths of the requests that changed something.
func (f *Fake) Writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.writes)
}

func (f *Fake) disturbed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		starting, rebalancing := f.starting, f.rebalancing > 0 && strings.HasPrefix(r.URL.Path, "/connectors")
		if rebalancing {
			f.rebalancing--
		}
		if !starting && !rebalancing && r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/validate") {
			f.writes = append(f.writes, r.Method+" "+r.URL.Path)
		}
		f.mu.Unlock()
		switch {
		case starting:
			http.Error(w, "Not Found", http.StatusNotFound)
		case rebalancing:
			refuse(w, http.StatusConflict, "Cannot complete request because of a conflicting operation (e.g. worker rebalance)")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// on runs a handler of a connector that is there.
func (f *Fake) on(do func(w http.ResponseWriter, r *http.Request, c *connector)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		c := f.connectors[r.PathValue("name")]
		if c == nil {
			refuse(w, http.StatusNotFound, "Connector "+r.PathValue("name")+" not found")
			return
		}
		do(w, r, c)
	}
}

func (f *Fake) list(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(r.URL.Query()["expand"]) == 0 {
		answer(w, http.StatusOK, slices.AppendSeq([]string{}, maps.Keys(f.connectors)))
		return
	}
	all := map[string]any{}
	for name, c := range f.connectors {
		all[name] = map[string]any{"info": map[string]any{"name": name, "config": f.shown(c)}, "status": c.status()}
	}
	answer(w, http.StatusOK, all)
}

func (f *Fake) create(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name         string            `json:"name"`
		Config       map[string]string `json:"config"`
		InitialState string            `json:"initial_state"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		refuse(w, http.StatusBadRequest, "no JSON")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.connectors[body.Name] != nil {
		refuse(w, http.StatusConflict, "Connector "+body.Name+" already exists")
		return
	}
	if body.InitialState == "" {
		body.InitialState = "RUNNING"
	}
	body.Config["name"] = body.Name
	c := &connector{config: f.completed(body.Config), state: body.InitialState, ready: time.Now().Add(f.delay)}
	f.connectors[body.Name] = c
	answer(w, http.StatusCreated, map[string]any{"name": body.Name, "config": f.shown(c)})
}

func (f *Fake) putConfig(w http.ResponseWriter, r *http.Request) {
	var config map[string]string
	if json.NewDecoder(r.Body).Decode(&config) != nil {
		refuse(w, http.StatusBadRequest, "no JSON")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.connectors[r.PathValue("name")]
	if c == nil {
		c = &connector{state: "RUNNING"}
		f.connectors[r.PathValue("name")] = c
	}
	c.config, c.ready = f.completed(config), time.Now().Add(f.delay)
	answer(w, http.StatusOK, map[string]any{"name": r.PathValue("name"), "config": f.shown(c)})
}

func (f *Fake) remove(w http.ResponseWriter, r *http.Request, _ *connector) {
	delete(f.connectors, r.PathValue("name"))
	w.WriteHeader(http.StatusNoContent)
}

func (f *Fake) restart(w http.ResponseWriter, r *http.Request, c *connector) {
	f.restarts[r.PathValue("name")]++
	c.ready = time.Now().Add(f.delay)
	w.WriteHeader(http.StatusAccepted)
}

func alterOffsets(w http.ResponseWriter, r *http.Request, c *connector) {
	var body struct {
		Offsets []offset `json:"offsets"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || c.state != "STOPPED" {
		refuse(w, http.StatusBadRequest, "Connectors must be in the STOPPED state before their offsets can be modified.")
		return
	}
	for _, o := range body.Offsets {
		c.offsets = slices.DeleteFunc(c.offsets, func(old offset) bool { return maps.Equal(old.Partition, o.Partition) })
		if o.Offset != nil {
			c.offsets = append(c.offsets, o)
		}
	}
	answer(w, http.StatusOK, map[string]string{"message": "altered"})
}

// status is what a worker says of a connector.
func (c *connector) status() map[string]any {
	const worker = "127.0.0.1:8083"
	own := map[string]any{"state": c.state, "worker_id": worker, "version": "4.3.0"}
	kind := "source"
	if c.config["connector.class"] == Sink {
		kind = "sink"
	}
	tasks := []any{}
	cause := c.config[FailKey] + c.broken
	count, _ := strconv.Atoi(c.config["tasks.max"])
	for id := range max(count, 1) {
		task := map[string]any{"id": id, "state": c.state, "worker_id": worker, "version": "4.3.0"}
		switch {
		case c.state == "STOPPED":
			continue
		case c.state == "RUNNING" && time.Now().Before(c.ready):
			task["state"] = "UNASSIGNED"
		case c.state == "RUNNING" && cause != "":
			task["state"] = "FAILED"
			task["trace"] = fmt.Sprintf("org.apache.kafka.connect.errors.ConnectException: Task could not start\n\tat org.example.Task.start(Task.java:1)\nCaused by: org.example.DeepException: %s\n\tat org.example.Deep.down(Deep.java:2)\n\t... 7 more\n", cause)
		}
		tasks = append(tasks, task)
	}
	return map[string]any{"name": c.config["name"], "connector": own, "tasks": tasks, "type": kind}
}

func (f *Fake) listPlugins(w http.ResponseWriter, _ *http.Request) {
	var list []any
	for _, class := range slices.Sorted(maps.Keys(plugins())) {
		kind := "source"
		if class == Sink {
			kind = "sink"
		}
		list = append(list, map[string]any{"class": class, "type": kind, "version": "4.3.0"})
	}
	answer(w, http.StatusOK, list)
}

func pluginKeys(class string) ([]key, bool) {
	for full, keys := range plugins() {
		simple := full[strings.LastIndexByte(full, '.')+1:]
		if class == full || class == simple || class == strings.TrimSuffix(simple, "Connector") {
			return append(common(), keys...), true
		}
	}
	return nil, false
}

func (k key) definition() map[string]any {
	return map[string]any{"name": k.name, "type": k.kind, "required": k.required, "default_value": k.fallback, "importance": "HIGH", "documentation": "What " + k.name + " means.", "group": "Common"}
}

func (f *Fake) pluginConfig(w http.ResponseWriter, r *http.Request) {
	keys, ok := pluginKeys(r.PathValue("class"))
	if !ok {
		refuse(w, http.StatusNotFound, "Unknown plugin "+r.PathValue("class")+".")
		return
	}
	list := []any{}
	for _, k := range keys {
		list = append(list, k.definition())
	}
	answer(w, http.StatusOK, list)
}

func (f *Fake) validate(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.validated++
	f.mu.Unlock()
	var config map[string]string
	keys, ok := pluginKeys(r.PathValue("class"))
	if json.NewDecoder(r.Body).Decode(&config) != nil || !ok {
		refuse(w, http.StatusInternalServerError, "Failed to find any class that implements Connector and which name matches "+r.PathValue("class"))
		return
	}
	configs := []any{}
	for _, k := range keys {
		value, set := config[k.name]
		errors := []string{}
		switch {
		case !set && k.required:
			errors = append(errors, fmt.Sprintf("Missing required configuration %q which has no default value.", k.name))
		case set && k.kind == "INT" && !isNumber(value):
			errors = append(errors, fmt.Sprintf("Invalid value %s for configuration %s: Not a number of type INT", value, k.name))
		case set && k.name == "connection.password" && strings.HasPrefix(value, "wrong"):
			errors = append(errors, fmt.Sprintf("Invalid value %s for configuration %s: Login failed", value, k.name))
		case k.name == "connection.url" && set && config["connection.password"] == "" && config["connection.user"] != "":
			errors = append(errors, "Cannot log in without a password")
		}
		configs = append(configs, map[string]any{"definition": k.definition(), "value": map[string]any{"name": k.name, "value": nil, "errors": errors}})
	}
	answer(w, http.StatusOK, map[string]any{"name": r.PathValue("class"), "configs": configs})
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{"error_code": status, "message": message})
}
