package provider_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/headgate/terraform-provider-headgate/daemon/dev"
	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakekinesis"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// system is where resources live. While it is out of reach, an error about each of them matches says.
type system struct {
	gate *acctest.Gate
	says string
}

// outside is a resource, and what others do to it.
type outside struct {
	// system has it; everything is out of reach without the daemon too.
	system string
	config string
	// change changes it, and remove takes it away.
	change, remove func() error
	// removed is what a plan does then. Default: create.
	removed string
	// act: it is nothing that could be looked at, so nothing outside is a change, and no outage in its way.
	act bool
}

// world has everything that there is to manage, and a Terraform CLI that manages it.
type world struct {
	t       *testing.T
	d       *acctest.Daemon
	connect *fakeconnect.Fake
	kinesis *fakekinesis.Fake
	systems map[string]system
	// name begins the names of what is made in Kafka.
	name  string
	rows  map[string]outside
	cli   *providertest.CLI
	admin *kadm.Client // while others change things
	// connections is the configuration of the connections alone.
	connections string
}

const theDaemon = "daemon"

func newWorld(t *testing.T) *world {
	t.Helper()
	gates := map[string]*acctest.Gate{}
	for _, name := range []string{theDaemon, "main", "registry", "connect", "kinesis"} {
		gates[name] = &acctest.Gate{}
	}
	w := &world{
		t: t, d: acctest.DevWith(t, dev.Config{KafkaListen: gates["main"].Listen}), connect: fakeconnect.Start(t), kinesis: fakekinesis.Start(t, 0),
		systems: map[string]system{}, name: real.Name(t),
	}
	for name, gate := range gates {
		w.systems[name] = system{gate, fmt.Sprintf(`(?s)connection "%s".*(Check|[Tt]est) `, name)}
	}
	endpoint := gates[theDaemon].Before(t, w.d.Endpoint)
	w.systems[theDaemon] = system{gates[theDaemon], `(?s)Cannot reach the Headgate daemon.*` + endpoint + `.*Check that headgated is running`}
	if os.Getenv(acctest.RealEnv) != "" {
		delete(w.systems, "main") // TestRealOutage has real brokers that stop
	}
	w.rows = w.everything()
	var config strings.Builder
	config.WriteString(strings.NewReplacer(w.d.Endpoint+"/registry", gates["registry"].Before(t, w.d.RegistryURL), w.d.Endpoint, endpoint).Replace(providertest.Connections(w.d)))
	fmt.Fprintf(&config, `
resource "headgate_connection" "connect" {
  name          = "connect"
  kafka_connect = { urls = [%q] }
}
`, gates["connect"].Before(t, w.connect.URL))
	config.WriteString(providertest.Kinesis("kinesis", gates["kinesis"].Before(t, w.kinesis.URL)))
	w.connections = config.String()
	w.cli = providertest.NewCLI(t, w.connections)
	return w
}

// config has the connections by name, not by reference: what refers to something that cannot be read, Terraform does not
// read at all.
func (w *world) config() string {
	var config strings.Builder
	config.WriteString(w.connections)
	for typ, row := range w.rows {
		fmt.Fprintf(&config, "resource %q \"one\" {\n%s\n}\n", typ, row.config)
	}
	return config.String()
}

// everything is one of each resource.
func (w *world) everything() map[string]outside {
	ctx, client := w.t.Context(), w.d.Client
	topic, inSet, subject := w.name+".alone", w.name+".in-set", w.name+"-value"
	return map[string]outside{
		"headgate_connection": {
			system: theDaemon,
			config: fmt.Sprintf("name = \"spare\"\n kafka = {\n bootstrap_servers = %s\n security_protocol = \"PLAINTEXT\"\n}", providertest.List(w.d.Kafka)),
			change: func() error {
				elsewhere := fmt.Appendf(nil, `{"bootstrap_servers":[%q],"security_protocol":"PLAINTEXT"}`, strings.Split(w.d.Kafka2, ",")[0])
				_, err := client.PutConnection(ctx, "spare", api.ConnectionWrite{Kind: "kafka", Spec: elsewhere}, api.WriteOptions{})
				return err
			},
			remove: func() error { return second(client.DeleteConnection(ctx, "spare", api.WriteOptions{})) },
		},
		"headgate_topic": {
			system: "main",
			config: fmt.Sprintf("connection_name = \"main\"\n name = %q\n deletion_protection = false\n config = { \"max.message.bytes\" = \"2000000\" }", topic),
			change: func() error { return w.alter(topic) },
			remove: func() error { return second(w.admin.DeleteTopic(ctx, topic)) },
		},
		"headgate_topic_set": {
			system: "main",
			config: fmt.Sprintf("connection_name = \"main\"\n topics = {\n %q = { deletion_protection = false, config = { \"max.message.bytes\" = \"2000000\" } }\n \"%[1]s.too\" = { deletion_protection = false }\n}", inSet),
			change: func() error { return w.alter(inSet) },
			remove: func() error { return second(w.admin.DeleteTopic(ctx, inSet)) },
			// The set is still there, with one topic less.
			removed: "update",
		},
		"headgate_schema": {
			system: "registry",
			config: fmt.Sprintf("connection_name = \"registry\"\n subject = %q\n schema = jsonencode({ type = \"record\", name = \"R\", fields = [] })\n compatibility = \"BACKWARD\"", subject),
			change: func() error { return w.registry(http.MethodPut, "/config/"+subject, `{"compatibility":"FULL"}`) },
			remove: func() error { return w.registry(http.MethodDelete, "/subjects/"+subject, "") },
		},
		"headgate_schema_registry_settings": {
			system: "registry",
			config: "connection_name = \"registry\"\n compatibility = \"FULL_TRANSITIVE\"",
			change: func() error { return w.registry(http.MethodPut, "/config", `{"compatibility":"NONE"}`) },
			remove: func() error { return w.registry(http.MethodDelete, "/config", "") },
			// A registry without settings has its defaults.
			removed: "update",
		},
		"headgate_namespace": {
			system: theDaemon,
			config: "name = \"payments\"\n topic_prefix = \"payments.\"\n limits = { partitions = 6 }",
			change: func() error {
				return second(client.PutNamespace(ctx, "payments", api.NamespaceWrite{TopicPrefix: "pay."}, api.WriteOptions{}))
			},
			remove: func() error { return second(client.DeleteNamespace(ctx, "payments", api.WriteOptions{})) },
		},
		"headgate_acl": {
			system: "main",
			config: fmt.Sprintf("connection_name = \"main\"\n principal = \"User:%s\"\n rules = { reads = { resource_type = \"TOPIC\", resource_name = \"orders\", operations = [\"READ\"] } }", w.name),
			change: func() error { return second(w.admin.CreateACLs(ctx, w.acl(kadm.OpWrite))) },
			remove: func() error { return second(w.admin.DeleteACLs(ctx, w.acl(kadm.OpAny))) },
		},
		"headgate_scram_user": {
			system: "main",
			config: fmt.Sprintf("connection_name = \"main\"\n username = %q\n password_wo = \"hunter-two\"\n password_wo_version = 1", w.name),
			change: func() error {
				_, err := w.admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: w.name, Mechanism: kadm.ScramSha512, Iterations: 5000, Password: "another"}})
				return err
			},
			remove: func() error {
				_, err := w.admin.AlterUserSCRAMs(ctx, []kadm.DeleteSCRAM{{User: w.name, Mechanism: kadm.ScramSha512}}, nil)
				return err
			},
		},
		"headgate_client_quota": {
			system: "main",
			config: fmt.Sprintf("connection_name = \"main\"\n user = %q\n producer_byte_rate = \"10MiB\"", w.name),
			change: func() error { return w.quota(kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: 5}) },
			remove: func() error { return w.quota(kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Remove: true}) },
		},
		"headgate_consumer_group_offsets": {
			config: fmt.Sprintf("depends_on = [headgate_topic_set.one]\n connection_name = \"main\"\n group = %q\n topics = [\"%s.too\"]\n to = \"earliest\"", w.name, inSet),
			change: func() error {
				var all kadm.Offsets
				all.Add(kadm.Offset{Topic: inSet + ".too", At: 0, LeaderEpoch: -1, Metadata: "elsewhere"})
				return w.admin.CommitAllOffsets(ctx, w.name, all)
			},
			remove: func() error { return second(w.admin.DeleteGroup(ctx, w.name)) },
			act:    true,
		},
		"headgate_connector": {
			system: "connect",
			config: fmt.Sprintf("connection_name = \"connect\"\n name = \"shop\"\n config = { \"connector.class\" = %q, \"connection.url\" = \"x\", \"topic.prefix\" = \"x\" }", fakeconnect.JDBC),
			change: func() error {
				now := w.connect.Config("shop")
				now["mode"] = "timestamp"
				w.connect.Change("shop", now, "")
				return nil
			},
			remove: func() error {
				w.connect.Change("shop", nil, "")
				return nil
			},
		},
		"headgate_stream": {
			system: "kinesis",
			config: "connection_name = \"kinesis\"\n name = \"clicks\"\n shards = 2\n deletion_protection = false",
			change: func() error {
				w.kinesis.Change("clicks", func(st *fakekinesis.Stream) *fakekinesis.Stream {
					st.Hours = 48
					return st
				})
				return nil
			},
			remove: func() error {
				w.kinesis.Change("clicks", func(*fakekinesis.Stream) *fakekinesis.Stream { return nil })
				return nil
			},
		},
		"headgate_source_connector": {
			system: theDaemon,
			config: fmt.Sprintf("name = \"copy\"\n kafka = {\n connection = \"main\"\n topic_prefixes = [\"none.\"]\n}\n destination = {\n connection = \"second\"\n topic_prefix = \"%s.\"\n}\n state = \"stopped\"", w.name),
			change: func() error { return second(client.SetConnectorState(ctx, "copy", api.StatePaused)) },
			remove: func() error { return second(client.DeleteConnector(ctx, "copy", api.WriteOptions{})) },
		},
	}
}

// second is the error of two results.
func second[T any](_ T, err error) error { return err }

func (w *world) alter(topic string) error {
	_, err := w.admin.AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: new("5")}}, topic)
	return err
}

func (w *world) acl(operation kadm.ACLOperation) *kadm.ACLBuilder {
	return kadm.NewACLs().Allow("User:" + w.name).AllowHosts("*").Topics("orders").Operations(operation).ResourcePatternType(kadm.ACLPatternLiteral)
}

func (w *world) quota(op kadm.AlterClientQuotaOp) error {
	entity := kadm.ClientQuotaEntity{{Type: "user", Name: &w.name}}
	_, err := w.admin.AlterClientQuotas(w.t.Context(), []kadm.AlterClientQuotaEntry{{Entity: entity, Ops: []kadm.AlterClientQuotaOp{op}}})
	return err
}

// registry speaks to the registry itself.
func (w *world) registry(method, path, body string) error {
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.d.RegistryURL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s, %w", method, path, resp.Status, err)
	}
	return nil
}

// Whatever happens outside of Terraform shows in the plan, and no outage does: of everything that there is to manage, one is
// made and listed, its system goes away and comes back, and others change and delete it.
func TestAccOutside(t *testing.T) {
	w := newWorld(t)
	for typ := range schemas(t, api.BuiltinKinds()).ResourceSchemas {
		if _, there := w.rows[typ]; !there && !slices.Contains(onlyReal, typ) {
			t.Errorf("%s is not among them", typ)
		}
	}
	w.apply()
	w.cli.Write(w.config())
	w.apply()
	w.unchanged()
	w.listed()
	for _, name := range slices.Sorted(maps.Keys(w.systems)) {
		w.without(name)
	}
	w.meanwhile("changed", func(row outside) (func() error, string) { return row.change, "update" })
	w.meanwhile("deleted", func(row outside) (func() error, string) { return row.remove, cmp.Or(row.removed, "create") })
	w.cli.Write(w.connections)
	w.apply()
	if out := w.cli.Run("apply", "-destroy", "-auto-approve"); out.Code != 0 {
		t.Errorf("destroy: %s", out)
	}
}

func (w *world) apply() {
	w.t.Helper()
	if out := w.cli.Run("apply", "-auto-approve"); out.Code != 0 {
		w.t.Fatalf("apply: %s", out)
	}
}

// unchanged wants an empty plan. A system that was away may not answer at once; but no answer is ever a change.
func (w *world) unchanged() {
	w.t.Helper()
	w.eventually(func() string {
		out := w.cli.Run("plan")
		if len(out.Changes) > 0 {
			w.t.Fatalf("the plan is not empty: %s", out)
		}
		if out.Code != 0 {
			return out.String()
		}
		return ""
	})
}

// without takes a system away: there is an error about everything in it, and about nothing else, and state keeps all.
func (w *world) without(name string) {
	w.t.Helper()
	defer w.timed("without " + name)()
	gone := w.systems[name]
	before := w.cli.InState()
	gone.gate.Shut()
	defer gone.gate.Open()
	// What was read a moment ago is still fresh.
	w.eventually(func() string {
		out := w.cli.Run("apply", "-refresh-only", "-auto-approve")
		if after := w.cli.InState(); !slices.Equal(after, before) {
			w.t.Fatalf("without %s state has %q, before it had %q: %s", name, after, before, out)
		}
		return w.missing(name, out)
	})
	gone.gate.Open()
	w.unchanged()
}

// timed logs how long something took.
func (w *world) timed(what string) func() {
	began := time.Now()
	return func() { w.t.Logf("%s: %s", what, time.Since(began).Round(100*time.Millisecond)) }
}

// missing tells what an outcome does not say about a system that is away.
func (w *world) missing(name string, out providertest.Outcome) string {
	says := regexp.MustCompile(w.systems[name].says)
	for typ, row := range w.rows {
		address := typ + ".one"
		said := slices.ContainsFunc(out.Diagnostics, func(d providertest.Diagnostic) bool {
			return d.Severity == "error" && d.Address == address && says.MatchString(d.Summary+" "+d.Detail)
		})
		if want := !row.act && (name == theDaemon || name == row.system); said != want {
			return fmt.Sprintf("an error about %s that matches %q: %v, want %v: %s", address, says, said, want, out)
		}
	}
	return ""
}

// meanwhile has others do something to everything at once, which the plan then undoes.
func (w *world) meanwhile(what string, do func(outside) (act func() error, plan string)) {
	w.t.Helper()
	defer w.timed(what)()
	want := map[string]string{}
	w.d.Behind(w.t, func(_ context.Context, admin *kadm.Client) error {
		w.admin = admin
		for typ, row := range w.rows {
			act, plan := do(row)
			if err := act(); err != nil {
				return fmt.Errorf("%s %s: %w", typ, what, err)
			}
			if !row.act {
				want[typ+".one"] = plan
			}
		}
		return nil
	})
	w.eventually(func() string {
		if out := w.cli.Run("plan"); !maps.Equal(out.Changes, want) {
			return fmt.Sprintf("%s: planned %v, want %v: %s", what, out.Changes, want, out)
		}
		return ""
	})
	w.apply()
	w.unchanged()
}

// eventually repeats until there is nothing to complain of.
func (w *world) eventually(complaint func() string) {
	w.t.Helper()
	real.Eventually(w.t, func(context.Context) error {
		if said := complaint(); said != "" {
			return errors.New(said)
		}
		return nil
	})
}
