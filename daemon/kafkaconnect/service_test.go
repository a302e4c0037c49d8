package kafkaconnect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

const (
	conn     = "connect"
	password = "hunter2-hunter2"
)

// cluster is the real one of this package; nil without real systems.
var cluster *real.Connect

func TestMain(m *testing.M) {
	started, stop, err := real.SharedConnect(context.Background(), real.ConnectOptions{Workers: 2})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cluster = started
	code := m.Run()
	if err := errors.Join(stop(), goleak.Find()); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// env is what one test has: a service with one connection.
type env struct {
	t *testing.T
	*kafkaconnect.Service
	log   *logged
	conns *connection.Service
}

// logged is what the daemon wrote.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newEnv(t *testing.T, urls ...string) *env {
	t.Helper()
	list, _ := json.Marshal(urls)
	return newEnvOf(t, fmt.Sprintf(`{"urls":%s}`, list))
}

func newEnvOf(t *testing.T, spec string) *env {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	_, err = conns.Put(t.Context(), conn, api.ConnectionWrite{Kind: "kafka_connect", Spec: []byte(spec), Test: new(false)}, api.WriteOptions{}, "")
	if err != nil {
		t.Fatal(err)
	}
	log := &logged{}
	s := kafkaconnect.New(t.Context(), st, conns, slog.New(slog.NewTextHandler(log, nil)))
	s.Start()
	t.Cleanup(s.Close)
	return &env{t, s, log, conns}
}

func fake(t *testing.T) (*env, *fakeconnect.Fake) {
	t.Helper()
	t.Parallel()
	f := fakeconnect.Start(t)
	return newEnv(t, f.URL), f
}

func realEnv(t *testing.T) *env {
	t.Helper()
	t.Parallel()
	real.Shared(t)
	return newEnv(t, cluster.URLs()...)
}

func create() api.KafkaConnectorWriteOptions {
	return api.KafkaConnectorWriteOptions{WriteOptions: api.WriteOptions{CreateOnly: true}, StartTimeout: time.Minute}
}

func dryRun() api.KafkaConnectorWriteOptions {
	return api.KafkaConnectorWriteOptions{WriteOptions: api.WriteOptions{DryRun: true}}
}

func at(generation string) api.KafkaConnectorWriteOptions {
	return api.KafkaConnectorWriteOptions{WriteOptions: api.WriteOptions{Generation: generation}, StartTimeout: time.Minute}
}

// put writes and waits for the outcome.
func (e *env) put(name string, body api.KafkaConnectorWrite, opts api.KafkaConnectorWriteOptions) (*api.KafkaConnector, error) {
	e.t.Helper()
	if _, err := e.Put(e.t.Context(), conn, name, body, opts, name+time.Now().String()); err != nil {
		return nil, err
	}
	return e.settled(name)
}

func (e *env) settled(name string) (*api.KafkaConnector, error) {
	e.t.Helper()
	for {
		k, err := e.Get(e.t.Context(), conn, name, true)
		if err != nil || k.Status.State != api.StateStarting && k.Status.State != api.StateUnassigned {
			return k, err
		}
	}
}

func (e *env) mustPut(name string, body api.KafkaConnectorWrite, opts api.KafkaConnectorWriteOptions) *api.KafkaConnector {
	e.t.Helper()
	k, err := e.put(name, body, opts)
	if err != nil {
		e.t.Fatal(err)
	}
	return k
}

func (e *env) get(name string) *api.KafkaConnector {
	e.t.Helper()
	k, err := e.Get(e.t.Context(), conn, name, false)
	if err != nil {
		e.t.Fatal(err)
	}
	return k
}

func jdbc(more ...string) api.KafkaConnectorWrite {
	config := map[string]string{
		"connector.class": fakeconnect.JDBC, "connection.url": "jdbc:postgresql://db/shop", "connection.user": "shop", "topic.prefix": "shop.", "tasks.max": "2",
	}
	for i := 0; i < len(more); i += 2 {
		config[more[i]] = more[i+1]
	}
	return api.KafkaConnectorWrite{Config: config, SensitiveConfig: &map[string]string{"connection.password": password}}
}

// fails checks an error of the API.
func fails(t *testing.T, err error, code, attribute string, words ...string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want %s at %s", err, code, attribute)
	}
	text := e.Error()
	found := false
	for _, one := range e.All() {
		text += "\n" + one.Error()
		found = found || one.Code == code && one.Attribute == attribute
	}
	if !found {
		t.Errorf("errors %+v, want %s at %s", e.All(), code, attribute)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("error %q does not say %q", text, w)
		}
	}
	if strings.Contains(text, password) {
		t.Errorf("error %q holds a secret", text)
	}
}

func TestConnectorIsCreatedChangedAndDeleted(t *testing.T) {
	e, f := fake(t)
	f.Delay(300 * time.Millisecond)
	planned, err := e.Put(t.Context(), conn, "orders", jdbc(), dryRun(), "")
	if err != nil || f.Config("orders") != nil {
		t.Fatalf("dry run: %v, made %v", err, f.Config("orders"))
	}
	k := e.mustPut("orders", jdbc(), create())
	if k.Status.State != api.StateRunning || len(k.Status.Tasks) != 2 || k.Status.Type != api.TypeSource {
		t.Errorf("status %+v", k.Status)
	}
	if !maps.Equal(k.Config, jdbc().Config) || !maps.Equal(planned.Config, k.Config) || !slices.Equal(k.SensitiveKeys, []string{"connection.password"}) {
		t.Errorf("answer %+v", k)
	}
	if f.Config("orders")["connection.password"] != password {
		t.Errorf("the cluster has %v", f.Config("orders"))
	}
	changed := e.mustPut("orders", jdbc("batch.max.rows", "5"), at(k.Generation))
	if changed.Config["batch.max.rows"] != "5" || changed.Generation == k.Generation {
		t.Errorf("changed %+v", changed)
	}
	_, err = e.put("orders", jdbc(), at(k.Generation))
	fails(t, err, api.CodeConflict, "", "changed by someone else")
	if _, err := e.Delete(t.Context(), conn, "orders", api.WriteOptions{Generation: changed.Generation}); err != nil {
		t.Fatal(err)
	}
	_, err = e.Get(t.Context(), conn, "orders", false)
	fails(t, err, api.CodeNotFound, "")
}

func TestClusterChecksConfigurations(t *testing.T) {
	e, f := fake(t)
	with := func(body api.KafkaConnectorWrite, change func(*api.KafkaConnectorWrite)) api.KafkaConnectorWrite {
		change(&body)
		return body
	}
	for name, tt := range map[string]struct {
		body  api.KafkaConnectorWrite
		at    string
		words []string
	}{
		"type":           {jdbc("batch.max.rows", "many"), "/config/batch.max.rows", []string{"Not a number", "many"}},
		"missing":        {with(jdbc(), func(w *api.KafkaConnectorWrite) { delete(w.Config, "topic.prefix") }), "/config/topic.prefix", []string{"Missing required"}},
		"class":          {jdbc("connector.class", "Nothing"), "/config/connector.class", []string{fakeconnect.File, fakeconnect.JDBC, "plugin.path"}},
		"no class":       {with(jdbc(), func(w *api.KafkaConnectorWrite) { delete(w.Config, "connector.class") }), "/config/connector.class", nil},
		"name":           {jdbc("name", "orders"), "/config/name", []string{"Remove"}},
		"secret":         {with(jdbc("connection.password", password), func(w *api.KafkaConnectorWrite) { w.SensitiveConfig = nil }), "/config/connection.password", []string{"sensitive_config_wo", "PASSWORD"}},
		"secret by name": {jdbc("producer.override.sasl.jaas.config", password), "/config/producer.override.sasl.jaas.config", []string{"sensitive_config_wo"}},
		"twice":          {jdbc("connection.password", "x"), "/config/connection.password", []string{"set twice"}},
		"wrong secret": {with(jdbc(), func(w *api.KafkaConnectorWrite) {
			w.SensitiveConfig = &map[string]string{"connection.password": "wrong-" + password}
		}), "/sensitive_config/connection.password", []string{"Login failed", "(hidden)"}},
		"state":   {with(jdbc(), func(w *api.KafkaConnectorWrite) { w.State = "asleep" }), "/state", nil},
		"restart": {with(jdbc(), func(w *api.KafkaConnectorWrite) { w.Restart = &api.KafkaRestartPolicy{MaxRetries: 3, Backoff: "soon"} }), "/restart/backoff", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, opts := range []api.KafkaConnectorWriteOptions{dryRun(), create()} {
				_, err := e.Put(t.Context(), conn, "orders", tt.body, opts, "")
				fails(t, err, api.CodeInvalid, tt.at, tt.words...)
			}
		})
	}
	if f.Config("orders") != nil {
		t.Error("a connector was made all the same")
	}
	_, err := e.Put(t.Context(), conn, "a/b", jdbc(), dryRun(), "")
	fails(t, err, api.CodeInvalid, "/name")
}

// Values that are not known yet skip the checks that need them, and no others.
func TestUnknownValues(t *testing.T) {
	e, _ := fake(t)
	body := jdbc("batch.max.rows", "many")
	delete(body.Config, "topic.prefix")
	body.SensitiveConfig = nil
	body.Unknown = []string{"/config/topic.prefix", "/sensitive_config/connection.password"}
	_, err := e.Put(t.Context(), conn, "orders", body, dryRun(), "")
	fails(t, err, api.CodeInvalid, "/config/batch.max.rows")
	var all *api.Error
	if errors.As(err, &all) && len(all.More) > 0 {
		t.Errorf("more errors than the one of the value that is known: %+v", all.More)
	}
	for _, unknown := range []string{"/config", "/config/connector.class", "/config/batch.max.rows"} {
		body.Unknown = []string{unknown, "/config/topic.prefix", "/sensitive_config"}
		if _, err := e.Put(t.Context(), conn, "orders", body, dryRun(), ""); err != nil {
			t.Errorf("%s is not known: %v", unknown, err)
		}
	}
}

func TestPausedConnectorNeverRuns(t *testing.T) {
	e, f := fake(t)
	body := jdbc(fakeconnect.FailKey, "would fail")
	body.State = api.StatePaused
	k := e.mustPut("orders", body, create())
	if k.State != api.StatePaused || k.Status.State != api.StatePaused {
		t.Fatalf("%+v", k)
	}
	if f.State("orders") != "PAUSED" || slices.Contains(f.Writes(), "PUT /connectors/orders/pause") {
		t.Errorf("it was paused only later: %v", f.Writes())
	}
	body.State = api.StateStopped
	if k = e.mustPut("orders", body, at(k.Generation)); k.Status.State != api.StateStopped {
		t.Errorf("%+v", k.Status)
	}
	body = jdbc()
	if k = e.mustPut("orders", body, at(k.Generation)); k.Status.State != api.StateRunning {
		t.Errorf("%+v", k.Status)
	}
	writes := f.Writes()
	if put, resume := slices.Index(writes, "PUT /connectors/orders/config"), slices.Index(writes, "PUT /connectors/orders/resume"); put < 0 || resume < put {
		t.Errorf("it ran before it had its new configuration: %v", writes)
	}
}

func TestCreateThatCannotRunLeavesNothing(t *testing.T) {
	e, f := fake(t)
	_, err := e.put("orders", jdbc(fakeconnect.FailKey, "no route to "+password+"@db"), create())
	fails(t, err, api.CodeStartFailed, "", "DeepException: no route to (hidden)@db", "Task 0 failed", "was not created")
	if f.Config("orders") != nil {
		t.Error("the connector was left behind")
	}
	if strings.Contains(e.log.String(), password) {
		t.Error("the log holds a secret")
	}
	e.mustPut("orders", jdbc(), create())
}

func TestUpdateThatCannotRunIsTakenBack(t *testing.T) {
	e, f := fake(t)
	k := e.mustPut("orders", jdbc(), create())
	before := f.Config("orders")
	after, err := e.put("orders", jdbc(fakeconnect.FailKey, "broken"), at(k.Generation))
	if err != nil {
		t.Fatal(err)
	}
	if after.Status.RolledBack == nil || !strings.Contains(after.Status.RolledBack.Error.Summary, "broken") {
		t.Errorf("status %+v", after.Status)
	}
	if !maps.Equal(f.Config("orders"), before) || after.Generation != k.Generation {
		t.Errorf("the cluster has %v", f.Config("orders"))
	}
	if k = e.mustPut("orders", jdbc("mode", "incrementing"), at(k.Generation)); k.Status.RolledBack != nil {
		t.Errorf("still rolled back: %+v", k.Status)
	}
}

func TestSecretsStayUnlessReplaced(t *testing.T) {
	e, f := fake(t)
	e.mustPut("orders", jdbc(), create())
	kept := jdbc("mode", "incrementing")
	kept.SensitiveConfig = nil
	e.mustPut("orders", kept, api.KafkaConnectorWriteOptions{})
	if got := f.Config("orders")["connection.password"]; got != password {
		t.Errorf("password %q", got)
	}
	// A key that no plugin knows to be secret stays so because it was declared.
	body := jdbc()
	body.SensitiveConfig = &map[string]string{"connection.password": "another-secret", "connection.options": "key=" + password}
	k := e.mustPut("orders", body, api.KafkaConnectorWriteOptions{})
	if !slices.Equal(k.SensitiveKeys, []string{"connection.options", "connection.password"}) || k.Config["connection.options"] != "" {
		t.Errorf("answer %+v", k)
	}
	none := jdbc("connection.password", "${file:/run/secrets/db:password}")
	none.SensitiveConfig = &map[string]string{}
	k = e.mustPut("orders", none, api.KafkaConnectorWriteOptions{})
	if len(k.SensitiveKeys) > 0 || k.Config["connection.password"] != "${file:/run/secrets/db:password}" {
		t.Errorf("a reference is no secret: %+v", k)
	}
}

func TestOutOfBandChanges(t *testing.T) {
	e, f := fake(t)
	k := e.mustPut("orders", jdbc(), create())
	config := f.Config("orders")
	config["added"] = "by hand"
	f.Change("orders", config, "PAUSED")
	now := e.get("orders")
	if now.Config["added"] != "by hand" || now.State != api.StatePaused || now.Generation == k.Generation {
		t.Errorf("%+v", now)
	}
	_, err := e.put("orders", jdbc(), at(k.Generation))
	fails(t, err, api.CodeConflict, "")
	_, err = e.put("orders", jdbc(), create())
	fails(t, err, api.CodeAlreadyExists, "/name", "import")
	f.Change("orders", nil, "")
	_, err = e.Get(t.Context(), conn, "orders", false)
	fails(t, err, api.CodeNotFound, "")
}

// Managed services add keys of their own and mask what they take for secret. That is no change, until someone changes it.
func TestWhatTheClusterMakesOfAWrite(t *testing.T) {
	e, f := fake(t)
	f.Adds(map[string]string{"cloud.region": "eu-1", "cloud.secret": "theirs-only"})
	f.Masks("connection.url", "connection.password", "cloud.secret")
	declared := jdbc().Config
	same := func(k *api.KafkaConnector, config map[string]string) {
		t.Helper()
		if !maps.Equal(k.Config, config) || !slices.Equal(k.SensitiveKeys, []string{"connection.password"}) || !slices.Equal(k.ServerKeys, []string{"cloud.region", "cloud.secret"}) {
			t.Errorf("config %v, sensitive %v, the server's %v", k.Config, k.SensitiveKeys, k.ServerKeys)
		}
	}
	k := e.mustPut("orders", jdbc(), create())
	same(k, declared)
	if again := e.get("orders"); again.Generation != k.Generation {
		t.Error("the generation has changed by itself")
	}
	if list, err := e.List(t.Context(), conn, "", 10); err != nil || len(list) != 1 {
		t.Errorf("%v %+v", err, list)
	} else {
		same(&list[0], declared)
	}
	// Without a change in the configuration it is not written, and what is known stays so.
	paused := jdbc()
	paused.State, paused.SensitiveConfig = api.StatePaused, nil
	k = e.mustPut("orders", paused, at(k.Generation))
	same(k, declared)
	if slices.Contains(f.Writes(), "PUT /connectors/orders/config") {
		t.Errorf("writes %v", f.Writes())
	}
	changed := jdbc("mode", "incrementing", "connection.url", "jdbc:postgresql://db2/shop")
	k = e.mustPut("orders", changed, at(k.Generation))
	same(k, changed.Config)
	if now := f.Config("orders"); now["connection.url"] != "jdbc:postgresql://db2/shop" || now["connection.password"] != password || now["cloud.region"] != "eu-1" {
		t.Errorf("the cluster has %v", now)
	}

	for name, tt := range map[string]struct {
		change func(config map[string]string)
		key    string
		want   string
	}{
		"a key is added":               {func(config map[string]string) { config["added"] = "by hand" }, "added", "by hand"},
		"a key of ours is changed":     {func(config map[string]string) { config["mode"] = "bulk" }, "mode", "bulk"},
		"a key of theirs is changed":   {func(config map[string]string) { config["cloud.region"] = "us-1" }, "cloud.region", "us-1"},
		"a masked key is taken away":   {func(config map[string]string) { delete(config, "connection.url") }, "connection.url", ""},
		"a key of theirs is no longer": {func(config map[string]string) { delete(config, "cloud.region") }, "cloud.region", ""},
	} {
		before := f.Config("orders")
		now := maps.Clone(before)
		tt.change(now)
		f.Change("orders", now, "")
		if got := e.get("orders"); got.Config[tt.key] != tt.want || (got.Generation == k.Generation) != maps.Equal(got.Config, k.Config) {
			t.Errorf("%s: config %v", name, got.Config)
		}
		f.Change("orders", before, "")
	}
	same(e.get("orders"), changed.Config)
	f.Masks("connection.password", "cloud.secret")
	same(e.get("orders"), changed.Config) // shown now, it is the one that was declared
	if _, err := e.Delete(t.Context(), conn, "orders", api.WriteOptions{Generation: k.Generation}); err != nil {
		t.Fatal(err)
	}
}

// What someone else adds or changes while a connector starts is not the cluster's doing.
func TestWhatOthersAddWhileItStarts(t *testing.T) {
	e, f := fake(t)
	f.Adds(map[string]string{"cloud.region": "eu-1", "cloud.zone": "a"})
	f.Delay(time.Second)
	if _, err := e.Put(t.Context(), conn, "orders", jdbc(), create(), "orders"); err != nil {
		t.Fatal(err)
	}
	config := f.Config("orders")
	config["by.hand"], config["cloud.zone"] = "yes", "b"
	f.Change("orders", config, "")
	k, err := e.settled("orders")
	if err != nil {
		t.Fatal(err)
	}
	if k.Config["by.hand"] != "yes" || k.Config["cloud.zone"] != "b" || !slices.Equal(k.ServerKeys, []string{"cloud.region"}) {
		t.Errorf("config %v, the server's %v", k.Config, k.ServerKeys)
	}
}

// A mask is never written in the place of what it hides.
func TestMasksAreNotWritten(t *testing.T) {
	e, f := fake(t)
	f.Change("orders", jdbc("connection.password", password).Config, "RUNNING")
	f.Masks("connection.password", "connection.url")
	kept := jdbc("mode", "incrementing", "connection.url", fakeconnect.Mask)
	kept.SensitiveConfig = nil
	for _, opts := range []api.KafkaConnectorWriteOptions{dryRun(), {}} {
		_, err := e.Put(t.Context(), conn, "orders", kept, opts, "")
		fails(t, err, api.CodeInvalid, "/sensitive_config/connection.password", "mask")
		fails(t, err, api.CodeInvalid, "/config/connection.url", "mask")
	}
	// An update that cannot start goes back to what was declared before, as far as anybody knows it.
	k := e.mustPut("orders", jdbc(), api.KafkaConnectorWriteOptions{})
	if _, err := e.put("orders", jdbc(fakeconnect.FailKey, "broken", "connection.url", "jdbc:postgresql://db2/shop"), at(k.Generation)); err != nil {
		t.Fatal(err)
	}
	if now := f.Config("orders"); now["connection.url"] != jdbc().Config["connection.url"] || now["connection.password"] != password || now[fakeconnect.FailKey] != "" {
		t.Errorf("the cluster has %v", now)
	}
	if now := e.get("orders"); now.Generation != k.Generation || !maps.Equal(now.Config, jdbc().Config) {
		t.Errorf("after it was taken back: %+v", now)
	}
}

// A mask that ends as its secret does is none the less a mask.
func TestMasksOfAPartAreNotWritten(t *testing.T) {
	e, f := fake(t)
	f.MaskBut(4)
	f.Change("orders", jdbc("connection.password", password).Config, "RUNNING")
	f.Masks("connection.password")
	kept := jdbc("mode", "incrementing")
	kept.SensitiveConfig = nil
	for _, opts := range []api.KafkaConnectorWriteOptions{dryRun(), {}} {
		_, err := e.Put(t.Context(), conn, "orders", kept, opts, "")
		fails(t, err, api.CodeInvalid, "/sensitive_config/connection.password", "mask")
	}
	k := e.get("orders")
	// What is declared takes its place, also when the change is taken back.
	if _, err := e.put("orders", jdbc(fakeconnect.FailKey, "broken"), at(k.Generation)); err != nil {
		t.Fatal(err)
	}
	if now := f.Config("orders"); now["connection.password"] != password || now[fakeconnect.FailKey] != "" {
		t.Errorf("the cluster has %v", now)
	}
}

// What others made shows as it is, until it is written here.
func TestAdoptionShowsEverything(t *testing.T) {
	e, f := fake(t)
	f.Adds(map[string]string{"cloud.region": "eu-1"})
	f.Change("orders", jdbc("cloud.region", "eu-1").Config, "RUNNING")
	if k := e.get("orders"); k.Config["cloud.region"] != "eu-1" || len(k.ServerKeys) > 0 {
		t.Errorf("%+v", k)
	}
	if k := e.mustPut("orders", jdbc(), api.KafkaConnectorWriteOptions{}); !maps.Equal(k.Config, jdbc().Config) {
		t.Errorf("%+v", k)
	}
}

// A worker that is starting answers 404 to everything, and one that cannot be reached nothing: neither proves an absence.
func TestAbsenceIsProven(t *testing.T) {
	e, f := fake(t)
	e.mustPut("orders", jdbc(), create())
	f.Starting(true)
	ready := time.AfterFunc(500*time.Millisecond, func() { f.Starting(false) })
	defer ready.Stop()
	if k := e.get("orders"); k.Status.State != api.StateRunning {
		t.Errorf("%+v", k.Status)
	}
	f.Stop()
	_, err := e.Get(t.Context(), conn, "orders", false)
	fails(t, err, api.CodeConnection, "/connection", "test connection")
	_, err = e.Delete(t.Context(), conn, "orders", api.WriteOptions{})
	fails(t, err, api.CodeConnection, "/connection")
}

func TestRebalancesAreWaitedOut(t *testing.T) {
	e, f := fake(t)
	f.Rebalance(3)
	k := e.mustPut("orders", jdbc(), create())
	f.Rebalance(3)
	k = e.mustPut("orders", jdbc("mode", "incrementing"), at(k.Generation))
	f.Rebalance(3)
	if _, err := e.Delete(t.Context(), conn, "orders", api.WriteOptions{Generation: k.Generation}); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherWorkerIsAsked(t *testing.T) {
	t.Parallel()
	f := fakeconnect.Start(t)
	e := newEnv(t, "http://127.0.0.1:1", f.URL+"/")
	e.mustPut("orders", jdbc(), create())
}

func TestFailedTasksAreRestartedByPolicy(t *testing.T) {
	e, f := fake(t)
	body := jdbc()
	body.Restart = &api.KafkaRestartPolicy{MaxRetries: 1, Backoff: "1ms"}
	k := e.mustPut("orders", body, create())
	if k.Restart == nil || k.Restart.MaxRetries != 1 {
		t.Fatalf("%+v", k.Restart)
	}
	f.Break("orders", "disk full")
	real.Until(t, "the restarts are used up", func() bool { return f.Restarts("orders") == 1 && strings.Contains(e.log.String(), "used up") })
	k = e.get("orders")
	if k.Status.State != api.StateFailed || k.Status.Tasks[1].Restarts != 1 || k.Status.Error.Summary != "DeepException: disk full" {
		t.Errorf("%+v", k.Status)
	}
	if _, err := e.Restart(t.Context(), conn, "orders", true); err != nil || f.Restarts("orders") != 2 {
		t.Errorf("restart: %v", err)
	}
	if _, err := e.RestartTask(t.Context(), conn, "orders", 1); err != nil || f.Restarts("orders") != 3 {
		t.Errorf("restart of a task: %v", err)
	}
}

func TestRestartIsStartingUntilSomethingHasComeOfIt(t *testing.T) {
	e, f := fake(t)
	k := e.mustPut("orders", jdbc(), create())
	f.Break("orders", "disk full")
	for range 2 { // another restart is not in the way
		if k, err := e.Restart(t.Context(), conn, "orders", false); err != nil || k.Status.State != api.StateStarting {
			t.Fatalf("restarted: %+v, %v", k, err)
		}
	}
	if k, err := e.settled("orders"); err != nil || k.Status.State != api.StateFailed || k.Status.Error.Summary != "DeepException: disk full" {
		t.Errorf("%+v, %v", k, err)
	}
	if k, err := e.RestartTask(t.Context(), conn, "orders", 0); err != nil || k.Status.State != api.StateStarting {
		t.Fatalf("restarted: %+v, %v", k, err)
	}
	// Nor is a restart in the way of what stops it.
	stopped := jdbc()
	stopped.State = api.StateStopped
	if k = e.mustPut("orders", stopped, at(k.Generation)); k.Status.State != api.StateStopped {
		t.Errorf("it is %s", k.Status.State)
	}
	if _, err := e.Restart(t.Context(), conn, "orders", false); !api.HasCode(err, api.CodeRefused) {
		t.Errorf("stopped: %v", err)
	}
	if _, err := e.Restart(t.Context(), conn, "none", false); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("none: %v", err)
	}
}

func TestOffsets(t *testing.T) {
	e, f := fake(t)
	e.mustPut("orders", jdbc(), create())
	offsets := api.KafkaConnectorOffsets{Offsets: []api.KafkaConnectorOffset{{Partition: json.RawMessage(`{"table":"orders"}`), Offset: json.RawMessage(`{"id":7}`)}}}
	if _, err := e.PutOffsets(t.Context(), conn, "orders", offsets, api.WriteOptions{DryRun: true}); err != nil || f.State("orders") != "RUNNING" {
		t.Fatalf("dry run: %v", err)
	}
	set, err := e.PutOffsets(t.Context(), conn, "orders", offsets, api.WriteOptions{})
	if err != nil || len(set.Offsets) != 1 || string(set.Offsets[0].Offset) != `{"id":7}` {
		t.Fatalf("%v %+v", err, set)
	}
	if f.State("orders") != "RUNNING" {
		t.Errorf("it is left %s", f.State("orders"))
	}
	if _, err := e.ResetOffsets(t.Context(), conn, "orders", api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if now, err := e.Offsets(t.Context(), conn, "orders"); err != nil || len(now.Offsets) != 0 {
		t.Errorf("%v %+v", err, now)
	}
	_, err = e.PutOffsets(t.Context(), conn, "orders", api.KafkaConnectorOffsets{Offsets: []api.KafkaConnectorOffset{{Partition: json.RawMessage(`7`), Offset: json.RawMessage(`{}`)}}}, api.WriteOptions{})
	fails(t, err, api.CodeInvalid, "/offsets/0/partition")
	_, err = e.Offsets(t.Context(), conn, "nothing")
	fails(t, err, api.CodeNotFound, "")
}

// The sinks that read a topic of the cluster that the workers are of are named, running or not.
func TestReadersOfATopic(t *testing.T) {
	e, f := fake(t)
	f.Serves("c1")
	sink := func(more ...string) map[string]string {
		config := map[string]string{"connector.class": fakeconnect.Sink}
		for i := 0; i < len(more); i += 2 {
			config[more[i]] = more[i+1]
		}
		return config
	}
	f.Change("a-named", sink("topics", "refunds, orders"), "RUNNING")
	f.Change("b-pattern", sink("topics.regex", "ord.*"), "PAUSED")
	f.Change("c-failing", sink("topics", "orders", fakeconnect.FailKey, "disk full"), "RUNNING")
	f.Change("d-java", sink("topics.regex", "(?=o).*"), "STOPPED")
	f.Change("other-name", sink("topics", "orders2"), "RUNNING")
	f.Change("other-pattern", sink("topics.regex", "rders"), "RUNNING")
	f.Change("source", jdbc("topics", "orders").Config, "RUNNING")
	readers := func(cluster, topic string) []string {
		t.Helper()
		found, err := e.ReadersOf(t.Context(), "main", cluster, topic)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range found {
			got = append(got, r.Summary)
		}
		return got
	}
	want := []string{
		`Connector "a-named" of connection "connect" reads it`, `Connector "b-pattern" of connection "connect", which is paused, reads it`,
		`Connector "c-failing" of connection "connect", which has failed, reads it`, `Connector "d-java" of connection "connect", which is stopped, may read it`,
	}
	if got := readers("c1", "orders"); !slices.Equal(got, want) {
		t.Errorf("readers %q, want %q", got, want)
	}
	if got := readers("c2", "orders"); len(got) > 0 {
		t.Errorf("of another cluster: %q", got)
	}
	if got := readers("", "orders"); !slices.Equal(got, []string{"Which connectors of Kafka Connect read it is not known"}) {
		t.Errorf("of a cluster that does not tell its id: %q", got)
	}
}

// A cluster that cannot be asked is said, is no error, and costs its time once.
func TestReadersThatCannotBeAsked(t *testing.T) {
	e, f := fake(t)
	f.Stop()
	for range 3 {
		found, err := e.ReadersOf(t.Context(), "main", "c1", "orders")
		if err != nil || len(found) != 1 || found[0].Summary != `Which connectors of connection "connect" read it is not known` || !strings.Contains(found[0].Detail, "no answer from") {
			t.Errorf("%v %+v", err, found)
		}
	}
}

func TestPlugins(t *testing.T) {
	e, _ := fake(t)
	list, err := e.Plugins(t.Context(), conn, "", 10)
	if err != nil || len(list) != 3 || list[0].Class != fakeconnect.JDBC {
		t.Fatalf("%v %+v", err, list)
	}
	p, err := e.Plugin(t.Context(), conn, "JdbcSource")
	if err != nil || p.Class != fakeconnect.JDBC || !slices.ContainsFunc(p.Config, func(k api.KafkaConnectPluginKey) bool { return k.Name == "connection.password" && k.Type == "PASSWORD" }) {
		t.Fatalf("%v %+v", err, p)
	}
	_, err = e.Plugin(t.Context(), conn, "Nothing")
	fails(t, err, api.CodeNotFound, "/class", fakeconnect.File)
}

// One of ten writers makes the connector; the others are told.
func tenWriters(t *testing.T, e *env, name string, body func(n int) api.KafkaConnectorWrite) {
	t.Helper()
	errs := make([]error, 10)
	var all sync.WaitGroup
	for n := range errs {
		all.Go(func() { _, errs[n] = e.Put(t.Context(), conn, name, body(n), create(), fmt.Sprint("key", n)) })
	}
	all.Wait()
	won := -1
	for n, err := range errs {
		switch {
		case err == nil && won < 0:
			won = n
		case err == nil:
			t.Errorf("writers %d and %d both won", won, n)
		case !api.HasCode(err, api.CodeAlreadyExists) && !api.HasCode(err, api.CodeConflict):
			t.Errorf("writer %d: %v", n, err)
		}
	}
	if won < 0 {
		t.Fatal("nobody won")
	}
	k, err := e.settled(name)
	if err != nil || !maps.Equal(k.Config, body(won).Config) {
		t.Errorf("%v: %+v is not what writer %d wrote", err, k, won)
	}
}

func TestTenWriters(t *testing.T) {
	e, _ := fake(t)
	tenWriters(t, e, "orders", func(n int) api.KafkaConnectorWrite { return jdbc("batch.max.rows", fmt.Sprint(n)) })
}

// topic makes a topic on the real cluster.
func topic(t *testing.T, name string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Servers...), kgo.ConsumeTopics(name), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	real.CreateTopic(t, client, 1, -1, nil, name)
	return client
}

func fileSource(t *testing.T, topic string, lines ...string) api.KafkaConnectorWrite {
	t.Helper()
	file := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return api.KafkaConnectorWrite{Config: map[string]string{"connector.class": "FileStreamSource", "tasks.max": "1", "file": file, "topic": topic}}
}

func TestRealFileConnectors(t *testing.T) {
	e := realEnv(t)
	name := real.Name(t)
	client := topic(t, name)
	source := fileSource(t, name, "one", "two", "three")
	source.State = api.StateStopped
	k := e.mustPut(name, source, create())
	if k.Status.State != api.StateStopped || len(k.Status.Tasks) != 0 || !maps.Equal(k.Config, source.Config) {
		t.Fatalf("%+v", k)
	}
	// It begins after the first line: 4 bytes into the file.
	begin := api.KafkaConnectorOffsets{Offsets: []api.KafkaConnectorOffset{{
		Partition: fmt.Appendf(nil, `{"filename":%q}`, source.Config["file"]), Offset: json.RawMessage(`{"position":4}`),
	}}}
	if set, err := e.PutOffsets(t.Context(), conn, name, begin, api.WriteOptions{}); err != nil || len(set.Offsets) != 1 {
		t.Fatalf("%v %+v", err, set)
	}
	source.State = api.StateRunning
	if k = e.mustPut(name, source, at(k.Generation)); k.Status.State != api.StateRunning || len(k.Status.Tasks) != 1 {
		t.Fatalf("%+v", k.Status)
	}
	var got []string
	real.Until(t, "two records are read", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
		return len(got) >= 2
	})
	if !slices.Equal(got, []string{"two", "three"}) {
		t.Errorf("records %q", got)
	}
	out := filepath.Join(t.TempDir(), "out.txt")
	sink := api.KafkaConnectorWrite{Config: map[string]string{"connector.class": "FileStreamSink", "tasks.max": "2", "file": out, "topics": name}}
	if k = e.mustPut(name+"-sink", sink, create()); len(k.Status.Tasks) == 0 || k.Status.Type != api.TypeSink {
		t.Errorf("%+v", k.Status)
	}
	real.Until(t, "the sink has written", func() bool {
		content, _ := os.ReadFile(out)
		return string(content) == "two\nthree\n"
	})
	brokers, err := kadm.NewClient(client).BrokerMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	readers, err := e.ReadersOf(t.Context(), "main", brokers.Cluster, name)
	if err != nil || len(readers) != 1 || readers[0].Summary != fmt.Sprintf("Connector %q of connection %q reads it", name+"-sink", conn) {
		t.Errorf("%v: readers %+v", err, readers)
	}
	for _, one := range []string{name, name + "-sink"} {
		if _, err := e.Delete(t.Context(), conn, one, api.WriteOptions{}); err != nil {
			t.Error(err)
		}
	}
}

func TestRealFailuresAreTakenBack(t *testing.T) {
	e := realEnv(t)
	name := real.Name(t)
	topic(t, name)
	sink := func(file string) api.KafkaConnectorWrite {
		return api.KafkaConnectorWrite{Config: map[string]string{"connector.class": "FileStreamSink", "tasks.max": "1", "file": file, "topics": name}}
	}
	_, err := e.put(name, sink("/nonexistent/dir/out"), create())
	fails(t, err, api.CodeStartFailed, "", "NoSuchFileException: /nonexistent/dir/out", "Couldn't find or create file")
	_, err = e.Get(t.Context(), conn, name, false)
	fails(t, err, api.CodeStartFailed, "")
	good := sink(filepath.Join(t.TempDir(), "out"))
	k := e.mustPut(name, good, create())
	after, err := e.put(name, sink("/nonexistent/dir/out"), at(k.Generation))
	if err != nil || after.Status.RolledBack == nil || !maps.Equal(after.Config, good.Config) {
		t.Fatalf("%v %+v", err, after)
	}
	real.Until(t, "it runs", func() bool { return e.get(name).Status.State == api.StateRunning })
	if _, err := e.Delete(t.Context(), conn, name, api.WriteOptions{}); err != nil {
		t.Error(err)
	}
}

func TestRealStates(t *testing.T) {
	e := realEnv(t)
	name := real.Name(t)
	topic(t, name)
	body := fileSource(t, name, "one")
	body.State = api.StatePaused
	k := e.mustPut(name, body, create())
	for _, state := range []string{api.StatePaused, api.StateRunning, api.StatePaused, api.StateStopped, api.StateRunning} {
		body.State = state
		if k = e.mustPut(name, body, at(k.Generation)); k.State != state || k.Status.State != state {
			t.Errorf("%s: %+v", state, k)
		}
	}
	if k, err := e.Restart(t.Context(), conn, name, false); err != nil || k.Status.State != api.StateStarting {
		t.Errorf("restarted: %+v, %v", k, err)
	}
	if k, err := e.settled(name); err != nil || k.Status.State != api.StateRunning {
		t.Errorf("after the restart: %+v, %v", k, err)
	}
	if _, err := e.Delete(t.Context(), conn, name, api.WriteOptions{}); err != nil {
		t.Error(err)
	}
}

func TestRealClusterChecksConfigurations(t *testing.T) {
	e := realEnv(t)
	name := real.Name(t)
	mirror := func(more ...string) api.KafkaConnectorWrite {
		config := map[string]string{
			"connector.class": "MirrorSourceConnector", "tasks.max": "1", "source.cluster.alias": "a", "target.cluster.alias": "b",
			"source.cluster.bootstrap.servers": cluster.Servers[0], "target.cluster.bootstrap.servers": cluster.Servers[0],
		}
		for i := 0; i < len(more); i += 2 {
			config[more[i]] = more[i+1]
		}
		return api.KafkaConnectorWrite{Config: config}
	}
	for name, tt := range map[string]struct {
		body  api.KafkaConnectorWrite
		at    string
		words []string
	}{
		"number":    {mirror("replication.factor", "odd"), "/config/replication.factor", []string{"odd"}},
		"bounds":    {mirror("offset-syncs.topic.replication.factor", "x"), "/config/offset-syncs.topic.replication.factor", nil},
		"jaas":      {mirror("source.cluster.sasl.jaas.config", password), "/config/source.cluster.sasl.jaas.config", []string{"sensitive_config_wo"}},
		"override":  {mirror("producer.override.sasl.jaas.config", password), "/config/producer.override.sasl.jaas.config", []string{"PASSWORD"}},
		"transform": {mirror("transforms", "m", "transforms.m.type", "org.apache.kafka.connect.transforms.MaskField$Value"), "/config/transforms.m.fields", nil},
		"class":     {mirror("connector.class", "NoSuchConnector"), "/config/connector.class", []string{"org.apache.kafka.connect.mirror.MirrorSourceConnector"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Put(t.Context(), conn, name, tt.body, dryRun(), "")
			fails(t, err, api.CodeInvalid, tt.at, tt.words...)
		})
	}
	if _, err := e.Put(t.Context(), conn, name, mirror(), dryRun(), ""); err != nil {
		t.Error(err)
	}
	if p, err := e.Plugin(t.Context(), conn, "MirrorSource"); err != nil || len(p.Config) < 10 {
		t.Errorf("%v %+v", err, p)
	}
}

func TestRealTenWriters(t *testing.T) {
	e := realEnv(t)
	name := real.Name(t)
	topic(t, name)
	body := fileSource(t, name, "one")
	tenWriters(t, e, name, func(n int) api.KafkaConnectorWrite {
		own := body
		own.Config = maps.Clone(body.Config)
		own.Config["batch.size"] = fmt.Sprint(n + 1)
		return own
	})
	if _, err := e.Delete(t.Context(), conn, name, api.WriteOptions{}); err != nil {
		t.Error(err)
	}
}

// managed is what managed services have before their workers: it adds a key to what is written and masks one in what is
// read. It reads from another worker than it writes to, which hears of writes a little later.
func managed(t *testing.T) string {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	ofConfig := regexp.MustCompile(`/(connectors|config)$`)
	file := regexp.MustCompile(`("file":)"[^"]*"`)
	server := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			worker := cluster.URLs()[1]
			if r.In.Method != http.MethodGet {
				worker = cluster.URLs()[0]
			}
			target, err := url.Parse(worker)
			if err != nil {
				t.Error(err)
				return
			}
			r.SetURL(target)
			if r.In.Method == http.MethodGet || !ofConfig.MatchString(r.In.URL.Path) {
				return
			}
			body, err := io.ReadAll(r.In.Body)
			if err != nil {
				t.Error(err)
			}
			body = bytes.Replace(body, []byte(`"connector.class"`), []byte(`"cloud.region":"eu-1","connector.class"`), 1)
			r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			body = file.ReplaceAll(body, []byte(`$1"****"`))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Length", fmt.Sprint(len(body)))
			return err
		},
	})
	t.Cleanup(server.Close)
	return server.URL
}

// What is added and masked before real workers is told from what was declared, in spite of workers that are behind.
func TestRealManagedService(t *testing.T) {
	t.Parallel()
	real.Shared(t)
	e := newEnv(t, managed(t))
	name, dir := real.Name(t), t.TempDir()
	topic(t, name)
	opts := create()
	for _, file := range []string{"one", "two"} {
		sink := api.KafkaConnectorWrite{Config: map[string]string{"connector.class": "FileStreamSink", "tasks.max": "1", "file": filepath.Join(dir, file), "topics": name}}
		k := e.mustPut(name, sink, opts)
		if !maps.Equal(k.Config, sink.Config) || !slices.Equal(k.ServerKeys, []string{"cloud.region"}) || k.Status.State != api.StateRunning || k.Status.RolledBack != nil {
			t.Errorf("%+v", k)
		}
		opts = at(k.Generation)
	}
	if _, err := e.Delete(t.Context(), conn, name, api.WriteOptions{}); err != nil {
		t.Error(err)
	}
}

// follower is a worker that does not lead: only the one that does says that there is no such connector.
func follower(t *testing.T) string {
	t.Helper()
	urls := cluster.URLs()
	found := ""
	real.Until(t, "a worker leads", func() bool {
		for i, at := range urls {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, at+"/connectors/"+real.Name(t)+"?forward=false", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Close = true
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusNotFound {
				found = urls[1-i]
			}
		}
		return found != ""
	})
	return found
}

// conflicting has a worker that does not lead refuse writes as long as refuse is above zero: what it may not pass on to the
// leader it answers with 409, the same as while the workers rebalance.
func conflicting(t *testing.T, refuse *atomic.Int32) string {
	t.Helper()
	target, err := url.Parse(follower(t))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	server := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			if query := r.Out.URL.Query(); r.In.Method != http.MethodGet && refuse.Load() > 0 {
				query.Set("forward", "false")
				r.Out.URL.RawQuery = query.Encode()
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode == http.StatusConflict && r.Request.URL.Query().Has("forward") {
				refuse.Add(-1)
			}
			return nil
		},
	})
	t.Cleanup(server.Close)
	return server.URL
}

func TestRealConflictsAreWaitedOut(t *testing.T) {
	t.Parallel()
	real.Shared(t)
	var refuse atomic.Int32
	e := newEnv(t, conflicting(t, &refuse))
	name := real.Name(t)
	topic(t, name)
	out := filepath.Join(t.TempDir(), "out")
	sink := func(more string) api.KafkaConnectorWrite {
		return api.KafkaConnectorWrite{Config: map[string]string{"connector.class": "FileStreamSink", "tasks.max": "1", "file": out + more, "topics": name}}
	}
	refused := func(what string, do func() error) {
		t.Helper()
		refuse.Store(3)
		if err := do(); err != nil || refuse.Load() > 0 {
			t.Fatalf("%s: %v, and %d conflicts were to come", what, err, refuse.Load())
		}
	}
	var k *api.KafkaConnector
	refused("create", func() (err error) {
		k, err = e.put(name, sink(""), create())
		return err
	})
	refused("update", func() (err error) {
		k, err = e.put(name, sink("2"), at(k.Generation))
		return err
	})
	if k.Status.State != api.StateRunning || k.Config["file"] != out+"2" || k.Status.RolledBack != nil {
		t.Errorf("%+v", k)
	}
	refused("restart", func() error {
		_, err := e.Restart(t.Context(), conn, name, false)
		return err
	})
	refused("delete", func() error {
		_, err := e.Delete(t.Context(), conn, name, api.WriteOptions{})
		return err
	})
}

// A worker that dies takes nothing with it: not the one that leads, whose death the other one notices only seconds later, nor
// the last one. One that is coming back does not make connectors look absent, nor does one that wants another password by
// then. The new one is taken, and everything goes on.
func TestRealWorkerComesAndGoes(t *testing.T) {
	t.Parallel()
	real.Shared(t)
	user := real.User{Name: "alice", Password: "the-first-of-two"}
	const second = "the-second-of-two"
	// The first worker leads, for it comes first.
	dedicated := real.DedicatedConnect(t, real.ConnectOptions{User: &user, Workers: 2, Config: map[string]string{"session.timeout.ms": "6000", "heartbeat.interval.ms": "2000"}})
	as := func(password string) string {
		return fmt.Sprintf(`{"urls":[%q],"basic":{"username":%q,"password":%q}}`, dedicated.URLs()[1], user.Name, password)
	}
	e := newEnvOf(t, as(user.Password))
	rotate := func(password string) error {
		_, err := e.conns.Put(t.Context(), conn, api.ConnectionWrite{Kind: "kafka_connect", Spec: []byte(as(password))}, api.WriteOptions{}, "")
		return err
	}
	if err := rotate(second); !api.HasCode(err, api.CodeConnection) || !strings.Contains(fmt.Sprint(err), "refuses the credentials") {
		t.Errorf("another password is taken: %v", err)
	}
	name := real.Name(t)
	topic(t, name)
	body := fileSource(t, name, "one")
	k := e.mustPut(name, body, create())
	dedicated.KillWorker(0)
	body.Config["batch.size"] = "100"
	began := time.Now()
	if k = e.mustPut(name, body, at(k.Generation)); k.Status.State != api.StateRunning || k.Status.RolledBack != nil || k.Config["batch.size"] != "100" {
		t.Errorf("after the death of the worker that leads: %+v", k)
	}
	t.Logf("the death of the worker that leads was waited out in %s", time.Since(began).Round(time.Second))
	dedicated.KillWorker(1)
	_, err := e.Get(t.Context(), conn, name, false)
	fails(t, err, api.CodeConnection, "/connection")
	if err := dedicated.SetPassword(second); err != nil {
		t.Fatal(err)
	}
	if err := dedicated.LaunchWorker(1); err != nil {
		t.Fatal(err)
	}
	there := func() (*api.KafkaConnector, error) {
		k, err := e.Get(t.Context(), conn, name, false)
		if api.HasCode(err, api.CodeNotFound) {
			t.Fatal("a worker that starts, or lets nobody in, made the connector look absent")
		}
		return k, err
	}
	real.Until(t, "the first password is refused", func() bool {
		_, err := there()
		return api.HasCode(err, api.CodeConnection) && strings.Contains(err.Error(), "Check the credentials of connection")
	})
	real.Eventually(t, func(context.Context) error { return rotate(second) })
	real.Until(t, "it runs again", func() bool {
		k, err := there()
		return err == nil && k.Status.State == api.StateRunning
	})
	if err := rotate(user.Password); !api.HasCode(err, api.CodeConnection) {
		t.Errorf("the first password is taken: %v", err)
	}
	if _, err := there(); err != nil {
		t.Errorf("after a refused change: %v", err)
	}
}
